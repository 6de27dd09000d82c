/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_burst.h"

#include <stddef.h>

#define FIELD(name)                                                                                \
	{                                                                                          \
		offsetof(struct saker_burst, name), sizeof(((struct saker_burst *)0)->name[0])     \
	}

/* Every array that a survivor takes along. */
static const struct {
	uint32_t at;
	uint32_t size;
} fields[] = {
	FIELD(done),
	FIELD(m),
	FIELD(ip),
	FIELD(view),
	FIELD(policy),
	FIELD(fields),
	FIELD(payload_at),
	FIELD(payload_len),
	FIELD(blocks),
	FIELD(flow),
	FIELD(pad),
	FIELD(listener),
	FIELD(head_len),
	FIELD(hdr),
	FIELD(place),
	FIELD(key),
	FIELD(table),
	FIELD(hash),
	FIELD(entry),
	FIELD(group),
	FIELD(head),
	FIELD(sn),
	FIELD(source),
	FIELD(session),
	FIELD(parts),
	FIELD(master),
	FIELD(expanded),
	FIELD(ready),
	FIELD(kind),
	/* of a job that is filled early; all others are filled when nothing moves any more */
	FIELD(jobs.kdf[0]),
	FIELD(jobs.nonce),
	FIELD(jobs.master),
	FIELD(jobs.expanded),
	FIELD(jobs.aad),
	FIELD(jobs.src),
	FIELD(jobs.dst),
	FIELD(jobs.icv),
	FIELD(jobs.len),
	FIELD(jobs.aad_len),
};

static void
move_slot(struct saker_burst *b, uint16_t to, uint16_t from)
{
	uint8_t *base = (uint8_t *)b;

	for (size_t f = 0; f < RTE_DIM(fields); f++)
		memcpy(base + fields[f].at + to * fields[f].size,
			base + fields[f].at + from * fields[f].size, fields[f].size);
}

void
saker_burst_close_gaps(struct saker_burst *b, uint64_t *counter)
{
	uint16_t kept = 0;

	SAKER_FOREACH_SLOT (b, i) {
		if (b->why[i] == SAKER_OK) {
			if (kept != i)
				move_slot(b, kept, i);
			kept++;
		} else if (b->why[i] != SAKER_MOVED) {
			counter[b->why[i]]++;
			rte_pktmbuf_free(b->m[i]);
		}
	}
	memset(b->why, SAKER_OK, b->n);
	b->n = kept;
	b->losers = 0;
}
