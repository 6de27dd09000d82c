/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_watch.h"

#include <time.h>

#include "saker_trace.h"
#include "saker_worker.h"

const char *
saker_point_name(enum saker_point p)
{
	static const char *const name[SAKER_POINTS] = {
		[SAKER_POINT_CLEAR_IN] = "clear-in",
		[SAKER_POINT_CIPHER_OUT] = "cipher-out",
		[SAKER_POINT_CIPHER_IN] = "cipher-in",
		[SAKER_POINT_CLEAR_OUT] = "clear-out",
		[SAKER_POINT_DROPS] = "drops",
	};

	return name[p];
}

/* Finer than the burst's clock: captures are read side by side with others. */
static uint64_t
unix_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void
copy(struct saker_worker *w, const struct rte_mbuf *m, const struct saker_capture_tag *tag)
{
	struct rte_mbuf *c = rte_pktmbuf_copy(m, w->watch->pool, 0, UINT32_MAX);

	if (c != NULL) {
		*(struct saker_capture_tag *)rte_mbuf_to_priv(c) = *tag;
		if (rte_ring_enqueue(w->watch->ring, c) == 0)
			return;
		rte_pktmbuf_free(c);
	}
	w->capture_lost[tag->point]++;
}

static bool
wanted(const struct saker_worker *w, enum saker_point p)
{
	return (w->watching >> p & 1) != 0;
}

void
saker_watch_frames(
	struct saker_worker *w, enum saker_point p, struct rte_mbuf *const *m, uint16_t n)
{
	const struct saker_capture_tag tag = { .unix_ns = unix_ns(), .point = (uint8_t)p };

	if (!wanted(w, p))
		return;
	for (uint16_t i = 0; i < n; i++)
		copy(w, m[i], &tag);
}

void
saker_watch_refused(struct saker_worker *w, struct rte_mbuf *const *m, uint16_t n, unsigned int why)
{
	const struct saker_capture_tag tag = {
		.unix_ns = unix_ns(), .point = SAKER_POINT_DROPS, .why = (uint8_t)why
	};

	if (!wanted(w, SAKER_POINT_DROPS))
		return;
	for (uint16_t i = 0; i < n; i++)
		copy(w, m[i], &tag);
}

void
saker_watch_begin(struct saker_worker *w, unsigned int d)
{
	struct saker_burst *b = &w->burst;

	/* what is not zero later belongs to this burst */
	memset(b->ip, 0, sizeof(b->ip));
	memset(b->sn, 0, sizeof(b->sn));
	memset(b->group, 0, sizeof(b->group));
	memset(b->policy, 0, sizeof(b->policy));
	memset(w->traced, 0, sizeof(w->traced));
	if (w->watching & SAKER_WATCH_TRACE)
		saker_trace_begin(w, d);
}

static void
copy_losers(struct saker_worker *w)
{
	const struct saker_burst *b = &w->burst;
	struct saker_capture_tag tag = { .unix_ns = unix_ns(), .point = SAKER_POINT_DROPS };

	SAKER_FOREACH_SLOT (b, i) {
		if (b->why[i] == SAKER_OK || b->why[i] == SAKER_MOVED)
			continue;
		tag.why = b->why[i];
		tag.bare = b->handed_over || b->ip[i] != NULL;
		copy(w, b->m[i], &tag);
	}
}

void
saker_watch_losers(struct saker_worker *w, unsigned int d, unsigned int stage)
{
	if (wanted(w, SAKER_POINT_DROPS))
		copy_losers(w);
	if (w->watching & SAKER_WATCH_TRACE)
		saker_trace_losers(w, d, stage);
}

void
saker_watch_sent(struct saker_worker *w, unsigned int d)
{
	if (w->watching & SAKER_WATCH_TRACE)
		saker_trace_sent(w, d);
}
