/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_PLAN_H
#define SAKER_PLAN_H

/**
 * @file
 * Lengths and flow of a packet that is about to be sealed.
 *
 * Threads: the worker of the burst.
 */

#include "saker_flow.h"
#include "saker_worker.h"

#define SAKER_AES_BLOCK 16

/** UDP source port of a flow: ephemeral ports (RFC 6335) are 49152 up. */
static inline uint64_t
saker_source_port(uint64_t flow)
{
	return 0xc000 | (flow & 0x3fff);
}

/** AES blocks that a packet's encrypted part takes, the one for the ICV included. */
static inline uint16_t
saker_plan_blocks(uint16_t cipher_len)
{
	return (cipher_len + SAKER_AES_BLOCK - 1) / SAKER_AES_BLOCK + 1;
}

/** The flow half of a connection id (stateless profile section 4: it only isolates keys). */
uint64_t saker_plan_flow_half(
	const struct saker_worker *w, const struct saker_burst *b, unsigned int i);

/** What only hangs on the flow: its UDP source port, and its half of a connection id. */
static inline void
saker_plan_flow(const struct saker_worker *w, struct saker_burst *b, unsigned int i)
{
	const struct saker_policy *p = b->policy[i];

	if (p->udp || p->entropy || p->flow_half)
		b->flow[i] = saker_flow_hash(b->ip[i], &b->view[i], w->s->flow_secret);
	b->source[i] = p->source;
	if (unlikely(p->flow_half))
		b->source[i] |= saker_plan_flow_half(w, b, i);
}

/** Octets that are encrypted of a packet that is encrypted as a whole. */
static inline uint32_t
saker_plan_cipher_len(uint32_t total)
{
	return (total + 3) & ~3u;
}

/** Tunnel mode with nothing in clear: the whole packet is encrypted behind the whole header. */
static inline void
saker_plan_plain(const struct saker_worker *w, struct saker_burst *b, unsigned int i)
{
	b->blocks[i] = saker_plan_blocks(b->view[i].total); /* padding fills no block more */
	saker_plan_flow(w, b, i);
}

/** What plain packets go without as long as their job is filled with their headers. */
static inline void
saker_plan_rest(struct saker_burst *b, unsigned int i)
{
	const struct saker_policy *p = b->policy[i];

	if (p->plain)
		b->parts[i] = saker_parts_whole(
			p->front.eesp_len, saker_plan_cipher_len(b->view[i].total));
	if (p->group->plain_sn) {
		b->master[i] = p->master;
		b->expanded[i] = NULL;
		b->fields[i].key_idx = p->group->key_idx;
	}
}

#endif
