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

#define TO_SEAL 0x100 /* in a waiting packet's note: clear, and the rest is the owner's index */

static struct rte_ring *
inbox_of(const struct saker_worker *w, unsigned int note)
{
	const struct saker_worker *owner = w->workers[note % TO_SEAL];

	return note >= TO_SEAL ? owner->seal_inbox : owner->inbox;
}

/* Where a waiting packet goes is kept in the buffer, in host order: the burst has moved on.
 * @return false: there is no room to wait
 */
static bool
hand_over(struct saker_worker *w, struct rte_mbuf *m, unsigned int note)
{
	if (w->n_waiting == RTE_DIM(w->waiting))
		return false;
	w->count[note >= TO_SEAL ? SAKER_OUTBOUND : SAKER_INBOUND].handed_over++;
	if (w->n_waiting == 0 && rte_ring_enqueue(inbox_of(w, note), m) == 0)
		return true;
	m->hash.usr = note;
	w->waiting[w->n_waiting++] = m;
	return true;
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
		saker_burst_drop(b, i,
			hand_over(w, b->m[i], owner) ? SAKER_MOVED : SAKER_DROP_HANDOVER_FULL);
	}
}

void
saker_hand_to_sealers(struct saker_worker *w, struct saker_burst *b)
{
	if (b->handed_over && !b->ours)
		return;
	SAKER_FOREACH_SLOT (b, i) {
		unsigned int sealer;

		if (b->why[i] != SAKER_OK)
			continue;
		sealer = saker_sealing_worker(b->group[i], w->index);
		if (sealer == w->index)
			continue;
		saker_burst_drop(b, i,
			hand_over(w, b->m[i], TO_SEAL | sealer) ? SAKER_MOVED
								: SAKER_DROP_HANDOVER_FULL);
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
