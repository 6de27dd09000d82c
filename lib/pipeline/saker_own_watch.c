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
		saker_own_key(&w->s->senders[k], key);
		if (memcmp(key, source, sizeof(key)) == 0)
			return (int)k;
	}
	return -1;
}

const struct saker_sn_line *
saker_own_line(const struct saker_worker *w, unsigned int sender, uint16_t session)
{
	const struct saker_sender *s = &w->s->senders[sender];
	bool named = s->group->names_workers; /* by other ids than that of the sender */
	uint32_t place = named ? 0 : (uint32_t)session - s->group->cfg->session_first;
	unsigned int class = place / w->n_workers;

	if (class >= saker_group_classes(s->group))
		return NULL;
	return w->taken->holding[place % w->n_workers].lines[s->first_line + class];
}

/* Has this gateway sent a packet of this session and SN? Epochs wrap on the wire. */
static bool
may_be_ours(const struct saker_worker *w, const struct saker_burst *b, unsigned int i, int sender)
{
	const struct saker_sn_line *line = saker_own_line(w, (unsigned int)sender, b->session[i]);
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
