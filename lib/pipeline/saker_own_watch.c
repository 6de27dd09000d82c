/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_own_watch.h"

#include "saker_own_line.h"

/* Has this gateway sent a packet of this session and SN? Epochs wrap on the wire. */
static bool
may_be_ours(const struct saker_worker *w, const struct saker_burst *b, unsigned int i, int sender)
{
	const struct saker_sn_line *line = saker_own_line(
		w, (unsigned int)sender, b->key[i].source, b->session[i]);
	uint64_t blocks;

	if (line == NULL)
		return false;
	/* TSS counts anew under another key */
	if (b->group[i]->run_known && b->hdr[i].key_idx != b->group[i]->key_idx)
		return true;
	return (int64_t)(b->sn[i] - (uint64_t)saker_sn_line_used(line, &blocks)) <= 0;
}

static void
count(struct saker_worker *w, const struct saker_burst *b, unsigned int i)
{
	struct saker_group_count *c;
	int sender;

	if (!b->group[i]->own_known || w->group_count == NULL)
		return;
	sender = saker_own_sender(w, b->group[i], b->key[i].source);
	if (sender < 0)
		return;
	c = w->group_count[b->group[i]->index];
	c->own_source++;
	c->twin += !may_be_ours(w, b, i, sender);
}

/* Cheap, and seldom wrong: count() looks closer. */
static inline bool
may_name_us(const struct saker_worker *w, const struct saker_group *g, uint64_t word)
{
	if (unlikely(g->names_workers && !g->by_address))
		return saker_own_steps(g, __builtin_bswap64(g->own[0]), __builtin_bswap64(word)) <
		       w->n_workers;
	return unlikely(word == g->own[0] || word == g->own[1] || g->own_more);
}

void
saker_own_watch(struct saker_worker *w, const struct saker_burst *b)
{
	SAKER_FOREACH_SLOT (b, i) {
		uint64_t word;

		memcpy(&word, b->key[i].source, sizeof(word));
		if (may_name_us(w, b->group[i], word))
			count(w, b, i);
	}
}
