/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_lookup.h"
#include "saker_mss.h"
#include "saker_path.h"
#include "saker_plain.h"
#include "saker_plan.h"
#include "saker_ttl.h"

/* Nothing of the packet has changed when it is not plain. */
static __rte_always_inline bool
plan_packet(const struct saker_worker *w, struct saker_burst *b, unsigned int i)
{
	uint8_t *ip = b->ip[i];
	const struct saker_ip_view *v = &b->view[i];
	const struct saker_policy *p = saker_policy_of_plain(w->s, ip, v, false);

	if (unlikely(p == NULL || !p->plain || v->total > p->mtu[0] || saker_mss_is_syn(ip, v) ||
		     saker_ttl_decrement4(ip) != SAKER_OK))
		return false;
	b->policy[i] = p;
	b->group[i] = p->group;
	saker_plan_plain(w, b, i);
	return true;
}

/* The frame, and the place in front of it that headers will be written to. */
static inline void
fetch(const struct rte_mbuf *m)
{
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);

	rte_prefetch0(frame);
	rte_prefetch0(frame - RTE_CACHE_LINE_SIZE);
}

static __rte_always_inline void
read_all(struct saker_worker *w, struct saker_burst *b, bool has_l2)
{
	const struct saker_link *l = has_l2 ? &w->link[SAKER_OUTBOUND] : NULL;
	bool plain = !b->ours && !w->s->by_resource && !saker_paths_learnt(w->paths);
	uint16_t undone = 0;

	SAKER_FOREACH_SLOT (b, i) {
		bool done = false;

		if (i + SAKER_FRAMES_AHEAD < n_i)
			fetch(b->m[i + SAKER_FRAMES_AHEAD]);
		if (unlikely(!saker_frame_read_plain(l, b->m[i], &b->ip[i], &b->view[i])))
			saker_frame_read(w, SAKER_OUTBOUND, i, has_l2);
		else if (likely(plain))
			done = plan_packet(w, b, i);
		b->done[i] = done;
		undone += !done;
	}
	b->undone = undone;
}

void
saker_plain_out(struct saker_worker *w, struct saker_burst *b)
{
	if (b->handed_over)
		read_all(w, b, false);
	else
		read_all(w, b, true);
	saker_frames_answer(w, SAKER_OUTBOUND);
}
