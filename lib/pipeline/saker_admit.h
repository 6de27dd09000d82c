/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_ADMIT_H
#define SAKER_ADMIT_H

/**
 * @file
 * What freshness of a received packet is judged by.
 *
 * Threads: the worker that calls.
 */

#include "saker_flow.h"
#include "saker_worker.h"

/** Limits of a group at the worker's clock. */
static inline struct saker_fresh_base *
saker_admit_base(struct saker_worker *w, const struct saker_group *g)
{
	struct saker_fresh_base *base = &w->fresh[g->index];

	if (unlikely(base->now_ms != w->clock.now_ms))
		saker_fresh_prepare(base, &g->cfg->sn, &w->clock, g->cfg->start_guard);
	return base;
}

/**
 * Note an admitted packet's replay table, and where it will be looked up there.
 * @param key b->key[i] in words: what was just written in parts is slow to be read as a whole
 */
static inline void
saker_admit_note(const struct saker_worker *w, struct saker_burst *b, unsigned int i,
	const struct saker_group *g, const struct saker_index_key *key)
{
	struct saker_replay_table *t = w->replay[g->index];

	b->table[i] = t;
	b->hash[i] = t == NULL ? 0 : saker_replay_hash(t, key);
}

/** Note what is not asked of a plain packet, as long as all go well and nobody is watching. */
static inline void
saker_admit_rest(struct saker_burst *b, unsigned int i)
{
	const struct saker_plain *plain = &b->group[i]->plain;
	uint8_t *head = b->jobs.dst[i] - plain->len;
	uint64_t word = saker_load_word(head + plain->source_at);

	b->head[i] = head;
	b->source[i] = __builtin_bswap64(word & plain->source_mask);
	b->session[i] = saker_load_be16(head + 2);
	b->sn[i] = __builtin_bswap64(saker_load_word(head + plain->len - SAKER_EESP_SN));
}

#endif
