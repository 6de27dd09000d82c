/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_own_watch.h"

#include "saker_own.h"

/* @return index of the sender whose source the packet names, or -1 */
static int
own_sender(const struct saker_worker *w, const struct saker_burst *b, unsigned int i)
{
	for (unsigned int k = 0; k < w->s->n_senders; k++) {
		uint8_t key[16];

		if (w->s->senders[k].group != b->group[i])
			continue;
		saker_own_key(&w->s->senders[k], key);
		if (memcmp(key, b->key[i].source, sizeof(key)) == 0)
			return (int)k;
	}
	return -1;
}

/* Has this gateway sent a packet of this session and SN? Epochs wrap on the wire. */
static bool
may_be_ours(const struct saker_worker *w, const struct saker_burst *b, unsigned int i, int sender)
{
	uint32_t place = (uint32_t)b->session[i] - b->group[i]->cfg->session_first;
	unsigned int class = place / w->n_workers;
	const struct saker_holding *h = &w->taken->holding[place % w->n_workers];
	uint64_t blocks, used;

	if (class >= saker_group_classes(b->group[i]))
		return false;
	used = (uint64_t)saker_sn_line_used(
		h->lines[w->s->senders[sender].first_line + class], &blocks);
	return (int64_t)(b->sn[i] - used) <= 0;
}

static void
count(struct saker_worker *w, const struct saker_burst *b, unsigned int i)
{
	struct saker_group_count *c;
	int sender;

	if (!b->group[i]->own_known || w->group_count == NULL)
		return;
	sender = own_sender(w, b, i);
	if (sender < 0)
		return;
	c = w->group_count[b->group[i]->index];
	c->own_source++;
	c->twin += !may_be_ours(w, b, i, sender);
}

void
saker_own_watch(struct saker_worker *w, const struct saker_burst *b)
{
	SAKER_FOREACH_SLOT (b, i) {
		const struct saker_group *g = b->group[i];
		uint64_t word;

		memcpy(&word, b->key[i].source, sizeof(word));
		if (unlikely(word == g->own[0] || word == g->own[1] || g->own_more))
			count(w, b, i);
	}
}
