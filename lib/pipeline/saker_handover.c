/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_handover.h"

unsigned int
saker_owner(const struct saker_worker *w, const struct saker_group *g,
	const struct saker_replay_key *key)
{
	return saker_steer_owner(w->steer, g->variant, g->cfg->spi, key);
}

static struct rte_ring *
inbox_of(const struct saker_worker *w, unsigned int index)
{
	return w->workers[index]->inbox;
}

/* Where a waiting packet goes is kept in the buffer, in host order: the burst has moved on. */
static void
hand_over(struct saker_worker *w, struct rte_mbuf *m, unsigned int owner)
{
	w->count[SAKER_INBOUND].handed_over++;
	if (w->n_waiting == 0 && rte_ring_enqueue(inbox_of(w, owner), m) == 0)
		return;
	m->hash.usr = owner;
	w->waiting[w->n_waiting++] = m;
}

void
saker_stage_own(struct saker_worker *w, struct saker_burst *b)
{
	if (w->n_workers == 1)
		return;
	SAKER_FOREACH_SLOT (b, i) {
		unsigned int owner = saker_owner(w, b->group[i], &b->key[i]);

		if (owner == w->index)
			continue;
		hand_over(w, b->m[i], owner);
		saker_burst_drop(b, i, SAKER_MOVED);
	}
}

bool
saker_handover_retry(struct saker_worker *w)
{
	uint16_t kept = 0;

	for (uint16_t i = 0; i < w->n_waiting; i++) {
		struct rte_mbuf *m = w->waiting[i];

		/* Stop at the first that is refused: packets of a flow keep their order. */
		if (kept > 0 || rte_ring_enqueue(inbox_of(w, m->hash.usr), m) != 0)
			w->waiting[kept++] = m;
	}
	w->n_waiting = kept;
	return kept == 0;
}
