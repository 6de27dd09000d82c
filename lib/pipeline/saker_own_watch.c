/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_own_watch.h"

#include "saker_own.h"

int
saker_own_sender(
	const struct saker_worker *w, const struct saker_group *g, const uint8_t source[16])
{
	for (unsigned int k = 0; k < w->s->n_senders; k++) {
		uint8_t key[16];

		if (w->s->senders[k].group != g)
			continue;
		saker_own_key(&w->s->senders[k], 0, key);
		if (memcmp(key, source, sizeof(key)) == 0)
			return (int)k;
	}
	return -1;
}

const struct saker_sn_line *
saker_own_line(const struct saker_worker *w, unsigned int sender, uint16_t session)
{
	const struct saker_sender *s = &w->s->senders[sender];
	uint32_t place = (uint32_t)session - s->group->cfg->session_first;
	unsigned int class = place / w->n_workers;

	if (class >= saker_group_classes(s->group))
		return NULL;
	return w->taken->holding[place % w->n_workers].lines[s->first_line + class];
}

/* Has this gateway sent a packet of this SN? Epochs wrap on the wire. */
static bool
was_used(const struct saker_sn_line *line, uint64_t sn)
{
	uint64_t blocks;

	return line != NULL && (int64_t)(sn - (uint64_t)saker_sn_line_used(line, &blocks)) <= 0;
}

static void
add(struct saker_worker *w, const struct saker_group *g, bool ours)
{
	struct saker_group_count *c;

	if (w->group_count == NULL)
		return;
	c = w->group_count[g->index];
	c->own_source++;
	c->twin += !ours;
}

static void
count(struct saker_worker *w, const struct saker_burst *b, unsigned int i)
{
	const struct saker_group *g = b->group[i];
	int sender = g->own_known ? saker_own_sender(w, g, b->key[i].source) : -1;

	if (sender >= 0)
		add(w, g,
			was_used(saker_own_line(w, (unsigned int)sender, b->session[i]), b->sn[i]));
}

/* The packet names an id or SPI of ours: the distance tells whose, and there is one sender. */
static void
count_worker(struct saker_worker *w, const struct saker_burst *b, unsigned int i, uint64_t worker)
{
	const struct saker_group *g = b->group[i];

	for (unsigned int k = 0; k < w->s->n_senders; k++) {
		const struct saker_sender *s = &w->s->senders[k];

		if (s->group != g)
			continue;
		add(w, g, was_used(w->taken->holding[worker].lines[s->first_line], b->sn[i]));
		return;
	}
}

static void
watch_worker(struct saker_worker *w, const struct saker_burst *b, unsigned int i, uint64_t word)
{
	const struct saker_group *g = b->group[i];
	uint64_t distance = g->own_known ? saker_own_distance(g, word) : UINT64_MAX;

	if (distance < w->n_workers)
		count_worker(w, b, i, distance);
}

void
saker_own_watch(struct saker_worker *w, const struct saker_burst *b)
{
	SAKER_FOREACH_SLOT (b, i) {
		const struct saker_group *g = b->group[i];
		uint64_t word;

		memcpy(&word, b->key[i].source, sizeof(word));
		if (unlikely(g->names_workers && !g->by_address))
			watch_worker(w, b, i, word);
		else if (unlikely(word == g->own[0] || word == g->own[1] || g->own_more))
			count(w, b, i);
	}
}
