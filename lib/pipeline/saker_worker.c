/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_worker.h"

#include <time.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>

#include "saker_account.h"
#include "saker_admit.h"
#include "saker_handover.h"
#include "saker_hops.h"
#include "saker_idle.h"
#include "saker_inner.h"
#include "saker_route.h"
#include "saker_stages.h"

#define TX_TRIES 16 /* a port that is slow for a moment loses nothing */

const struct saker_stage *const saker_stages[SAKER_DIRECTIONS] = {
	[SAKER_OUTBOUND] = saker_outbound_stages,
	[SAKER_INBOUND] = saker_inbound_stages,
};

const char *
saker_direction_name(enum saker_direction d)
{
	return d == SAKER_OUTBOUND ? "outbound" : "inbound";
}

static unsigned int
stage_total(enum saker_direction d)
{
	unsigned int n = 0;

	while (saker_stages[d][n].name != NULL)
		n++;
	return n;
}

const char *
saker_stage_name(enum saker_direction d, unsigned int i)
{
	unsigned int n = stage_total(d);

	if (i == SAKER_STAGE_RX)
		return "rx";
	if (i < SAKER_STAGE_FIRST + n)
		return saker_stages[d][i - SAKER_STAGE_FIRST].name;
	return i == SAKER_STAGE_FIRST + n ? "tx" : NULL;
}

/* When a stage begins, if this burst is timed. */
static inline uint64_t
read_tsc(const struct saker_worker *w)
{
	return unlikely(w->timing.weight > 0) ? rte_rdtsc() : 0;
}

/* @return now, when the next stage begins */
static inline uint64_t
count_stage(
	const struct saker_worker *w, struct saker_stage_count *c, uint16_t packets, uint64_t since)
{
	uint64_t now;

	c->calls++;
	c->packets += packets;
	if (likely(w->timing.weight == 0))
		return 0;
	now = rte_rdtsc();
	c->timed += (uint64_t)packets * w->timing.weight;
	c->cycles += (now - since) * w->timing.weight;
	return now;
}

void
saker_worker_flush(struct saker_worker *w, enum saker_direction d)
{
	struct saker_tx *tx = &w->tx[d];
	uint16_t sent = 0;

	if (tx->n == 0)
		return;
	if (unlikely(w->watching != 0))
		saker_watch_frames(w,
			d == SAKER_OUTBOUND || w->s->two_ports ? SAKER_POINT_CIPHER_OUT
							       : SAKER_POINT_CLEAR_OUT,
			tx->m, tx->n);
	if (unlikely(tx->lock != NULL))
		rte_spinlock_lock(tx->lock);
	for (unsigned int try = 0; try < TX_TRIES && sent < tx->n && !tx->absent; try++)
		sent += rte_eth_tx_burst(tx->port, tx->queue, tx->m + sent, tx->n - sent);
	if (unlikely(tx->lock != NULL))
		rte_spinlock_unlock(tx->lock);
	w->count[d].drop[SAKER_DROP_TX_FULL] += tx->n - sent;
	w->count[d].tx_packets += sent;
	if (unlikely(w->watching != 0))
		saker_watch_refused(w, tx->m + sent, tx->n - sent, SAKER_DROP_TX_FULL);
	rte_pktmbuf_free_bulk(tx->m + sent, tx->n - sent);
	tx->n = 0;
}

void
saker_l2_init(
	struct saker_l2 l2[2], const struct rte_ether_addr *dst, const struct rte_ether_addr *src)
{
	static const uint16_t type[2] = { RTE_ETHER_TYPE_IPV4, RTE_ETHER_TYPE_IPV6 };

	for (unsigned int six = 0; six < 2; six++) {
		memcpy(l2[six].octets, dst, RTE_ETHER_ADDR_LEN);
		memcpy(l2[six].octets + RTE_ETHER_ADDR_LEN, src, RTE_ETHER_ADDR_LEN);
		saker_store_be16(l2[six].octets + 2 * RTE_ETHER_ADDR_LEN, type[six]);
	}
}

/* Put the Ethernet header in front. @return false: no room */
static inline bool
put_l2(const struct saker_tx *tx, struct rte_mbuf *m, bool six)
{
	const uint8_t *l2 = tx->l2[six].octets;
	uint8_t *at;

	if (unlikely(m->data_off < RTE_ETHER_HDR_LEN))
		return false;
	m->data_off -= RTE_ETHER_HDR_LEN;
	m->data_len += RTE_ETHER_HDR_LEN;
	m->pkt_len += RTE_ETHER_HDR_LEN;
	at = rte_pktmbuf_mtod(m, uint8_t *);
	memcpy(at, l2, 8);
	memcpy(at + RTE_ETHER_HDR_LEN - 8, l2 + RTE_ETHER_HDR_LEN - 8, 8);
	return true;
}

static void
lose_headroom(struct saker_worker *w, enum saker_direction d, struct rte_mbuf *m)
{
	w->count[d].drop[SAKER_DROP_NO_HEADROOM]++;
	rte_pktmbuf_free(m);
}

void
saker_worker_send(
	struct saker_worker *w, enum saker_direction d, struct rte_mbuf *m, uint8_t family)
{
	if (unlikely(w->tx[d].resolve)) {
		saker_hops_send(w, d, m);
		return;
	}
	w->count[d].tx_octets += m->pkt_len;
	if (likely(put_l2(&w->tx[d], m, family == 6)))
		w->tx[d].m[w->tx[d].n++] = m;
	else
		lose_headroom(w, d, m);
	if (w->tx[d].n == RTE_DIM(w->tx[d].m))
		saker_worker_flush(w, d);
}

/* Next hops are looked up, or some packets are to be cut. */
static void
send_slowly(struct saker_worker *w, enum saker_direction d)
{
	struct saker_burst *b = &w->burst;

	SAKER_FOREACH_SLOT (b, i)
		if (!b->overlong || !saker_route_send_long(w, d, b->m[i]))
			saker_worker_send(w, d, b->m[i], b->ip[i][0] >> 4);
	saker_worker_flush(w, d);
}

/* Two cipher ports, no clear one: each sealed packet by the port of its tunnel. What would be clear
 * has nowhere to go; no policy lets it come so far.
 */
static void
send_by_two_ports(struct saker_worker *w)
{
	struct saker_burst *b = &w->burst;

	SAKER_FOREACH_SLOT (b, i) {
		enum saker_direction d = b->policy[i]->second ? SAKER_INBOUND : SAKER_OUTBOUND;

		if (!b->overlong || !saker_route_send_long(w, d, b->m[i]))
			saker_worker_send(w, d, b->m[i], b->ip[i][0] >> 4);
	}
	saker_worker_flush(w, SAKER_OUTBOUND);
	saker_worker_flush(w, SAKER_INBOUND);
}

/* See send_by_two_ports(). */
static void
send_nowhere(struct saker_worker *w)
{
	struct saker_burst *b = &w->burst;

	SAKER_FOREACH_SLOT (b, i)
		saker_burst_drop(b, i, SAKER_DROP_PROXY_POLICY);
	saker_burst_settle(b, w->count[SAKER_INBOUND].drop);
}

/* Every packet has a known next hop and fits. */
static inline void
send_all(struct saker_worker *w, enum saker_direction d)
{
	struct saker_burst *b = &w->burst;
	struct saker_tx *tx = &w->tx[d];
	uint16_t n = tx->n;
	uint64_t octets = 0;

	SAKER_FOREACH_SLOT (b, i) {
		struct rte_mbuf *m = b->m[i];

		octets += m->pkt_len;
		if (likely(put_l2(tx, m, b->ip[i][0] >> 5 & 1))) /* versions are 4 and 6 */
			tx->m[n++] = m;
		else
			lose_headroom(w, d, m);
	}
	tx->n = n;
	w->count[d].tx_octets += octets;
	saker_worker_flush(w, d);
}

/* `m` has room for two bursts; this burst's stages may have put packets and fragments there. */
static void
send_burst(struct saker_worker *w, enum saker_direction d)
{
	struct saker_burst *b = &w->burst;
	struct saker_tx *tx = &w->tx[d];

	if (unlikely(w->watching != 0))
		saker_watch_sent(w, d);
	if (unlikely(w->s->psp))
		saker_psp_count_sent(w, d, b);
	if (unlikely(w->s->two_ports)) {
		if (d == SAKER_OUTBOUND)
			send_by_two_ports(w);
		else
			send_nowhere(w);
		return;
	}
	if (unlikely(tx->n + b->n > RTE_DIM(tx->m)))
		saker_worker_flush(w, d);
	if (unlikely(tx->resolve || b->overlong))
		send_slowly(w, d);
	else
		send_all(w, d);
}

static void
lose(struct saker_worker *w, enum saker_direction d, unsigned int stage)
{
	if (unlikely(w->watching != 0))
		saker_watch_losers(w, d, stage);
	saker_account_losers(w, d, &w->burst);
	if (unlikely(w->s->psp))
		saker_psp_count_losers(w, d, &w->burst);
	saker_burst_settle(&w->burst, w->count[d].drop);
}

/* first: the stage to begin with */
static void
run_stages(struct saker_worker *w, enum saker_direction d, unsigned int first)
{
	const struct saker_stage *stage = saker_stages[d] + first;
	struct saker_stage_count *count = &w->count[d].stage[SAKER_STAGE_FIRST + first];
	struct saker_burst *b = &w->burst;
	uint64_t since = read_tsc(w);

	for (; stage->name != NULL && b->n > 0; stage++, count++) {
		uint16_t n = b->n;

		if (stage->rest && b->undone == 0) {
			count->calls++;
			count->packets += n;
			count->timed += (uint64_t)n * w->timing.weight;
			continue;
		}
		stage->run(w, b);
		if (unlikely(b->losers > 0))
			lose(w, d, (unsigned int)(stage - saker_stages[d]));
		since = count_stage(w, count, n, since);
	}
	if (b->n > 0) {
		uint16_t n = b->n;

		send_burst(w, d);
		count_stage(w, count, n, since);
	} else {
		saker_worker_flush(w, d); /* what was bypassed */
	}
	saker_worker_flush(w, !d); /* ICMP errors */
}

/* It tells milliseconds: a reading is good for a tenth of one, by the counter of cycles. */
static void
read_clock(struct saker_worker *w)
{
	uint64_t tsc = rte_rdtsc();
	struct timespec now;

	if (likely(tsc - w->clock_tsc < w->clock_span))
		return;
	w->clock_tsc = tsc;
	clock_gettime(CLOCK_REALTIME, &now);
	w->now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	saker_clock_step(&w->clock, w->now_ms);
}

/* Some entries of one group a burst: replay tables forget what is no longer fresh. */
static void
expire_some(struct saker_worker *w)
{
	const struct saker_group *g;

	if (w->s->n_groups == 0)
		return;
	if (w->expire_next >= w->s->n_groups)
		w->expire_next = 0;
	g = &w->s->groups[w->expire_next++];
	if (w->replay[g->index] != NULL)
		saker_replay_expire(
			w->replay[g->index], g->oldest_run + saker_admit_base(w, g)->oldest_run);
}

static void
begin(struct saker_worker *w, enum saker_direction d, uint16_t n, bool handed_over)
{
	struct saker_burst *b = &w->burst;

	b->n = n;
	b->handed_over = handed_over;
	b->ours = false;
	b->overlong = false;
	b->undone = n;
	memset(b->done, 0, sizeof(b->done));
	if (unlikely(w->watching != 0))
		saker_watch_begin(w, d);
	saker_account_begin(b, d);
	if (unlikely(w->s->psp) && d == SAKER_INBOUND)
		saker_psp_count_begin(b);
}

/* Those that need no policy any more have been read before, so this can't fail. */
static void
fill_later(struct saker_burst *b, uint16_t i, const struct saker_policy *p,
	const struct saker_carry *carry)
{
	b->policy[i] = p;
	b->group[i] = p->group;
	b->ip[i] = rte_pktmbuf_mtod(b->m[i], uint8_t *);
	(void)saker_ip_read(b->ip[i], b->m[i]->data_len, &b->view[i]);
	b->fields[i].clear_len = carry->clear_len;
	b->fields[i].ioffset = carry->ioffset;
	if (unlikely(carry->ioffset != 0))
		saker_inner_blind(b->ip[i], &b->view[i]);
}

/* Neighbours of one kind are a burst: our own packets need a policy, all others have one, and of
 * these only packets of proxies have not been routed yet.
 */
static uint16_t
begin_later(struct saker_worker *w, uint16_t at, bool own)
{
	const struct saker_later *later = &w->later;
	bool proxied = later->carry[at].proxied;
	struct saker_burst *b = &w->burst;
	uint16_t n = 0;

	while (at + n < later->n && n < SAKER_BURST && (later->policy[at + n] == NULL) == own &&
		later->carry[at + n].proxied == proxied)
		n++;
	memcpy(b->m, later->m + at, n * sizeof(b->m[0]));
	begin(w, SAKER_OUTBOUND, n, true);
	b->ours = !proxied;
	for (uint16_t i = 0; i < n && !own; i++)
		fill_later(b, i, later->policy[at + i], &later->carry[at + i]);
	return n;
}

/* What comes of packets of proxies is not cut again or answered by an error, and nor is what was
 * there before, so this comes to an end.
 */
static void
process_later(struct saker_worker *w)
{
	for (uint16_t at = 0; at < w->later.n;) {
		bool own = w->later.policy[at] == NULL;

		at += begin_later(w, at, own);
		run_stages(w, SAKER_OUTBOUND, own ? SAKER_OUTBOUND_PARSE : SAKER_OUTBOUND_ROUTE);
	}
	w->later.n = 0;
}

void
saker_worker_process(struct saker_worker *w, enum saker_direction d, uint16_t n, bool handed_over)
{
	read_clock(w);
	begin(w, d, n, handed_over);
	if (d == SAKER_INBOUND) {
		expire_some(w);
		if (unlikely(saker_reassembler_busy(w->reassembler)))
			w->count[d].drop[SAKER_DROP_REASSEMBLY] += saker_reassembler_expire(
				w->reassembler, rte_rdtsc());
	}
	run_stages(w, d, 0);
	if (unlikely(w->later.n > 0))
		process_later(w);
}

static uint16_t
receive(struct saker_worker *w, const struct saker_rx *rx)
{
	struct saker_way_count *count = &w->count[rx->direction];
	uint64_t since = w->timing.until == 0 ? rte_rdtsc() : 0;
	uint16_t n = rte_eth_rx_burst(rx->port, rx->queue, w->burst.m, SAKER_BURST);

	if (n == 0)
		return 0;
	saker_timing_next(&w->timing);
	count_stage(w, &count->stage[SAKER_STAGE_RX], n, since);
	count->rx_packets += n;
	for (uint16_t i = 0; i < n; i++)
		count->rx_octets += w->burst.m[i]->pkt_len;
	if (unlikely(w->watching != 0))
		saker_watch_frames(w,
			rx->direction == SAKER_OUTBOUND ? SAKER_POINT_CLEAR_IN
							: SAKER_POINT_CIPHER_IN,
			w->burst.m, n);
	w->burst.second = rx->second;
	saker_worker_process(w, rx->direction, n, false);
	return n;
}

static unsigned int
empty_inbox(struct saker_worker *w, struct rte_ring *inbox, enum saker_direction d)
{
	unsigned int n;

	if (inbox == NULL)
		return 0;
	n = rte_ring_dequeue_burst(inbox, (void **)w->burst.m, SAKER_BURST, NULL);
	if (n == 0)
		return 0;
	saker_timing_next(&w->timing);
	w->load.taken_over += n;
	saker_worker_process(w, d, (uint16_t)n, true);
	return n;
}

/* Of a group whose windows are new, or reach further back than they did. */
static uint64_t
guard_since(const struct saker_worker *w, struct saker_guard *guard)
{
	int64_t since = (int64_t)w->clock.now_ms + guard->shift_ms;

	if (guard->pending && since > (int64_t)guard->since_ms)
		guard->since_ms = (uint64_t)since;
	guard->pending = false;
	return guard->since_ms;
}

void
saker_worker_take(struct saker_worker *w, const struct saker_edition *e)
{
	const struct saker_holding *h = &e->holding[w->index];

	for (unsigned int i = 0; i < h->n_changes; i++)
		saker_sn_line_follow(
			h->changes[i].line, h->changes[i].before, h->changes[i].same_key);
	w->windowed = false;
	for (unsigned int i = 0; i < e->snapshot->n_groups; i++) {
		h->fresh[i].since_ms = guard_since(w, h->guard[i]);
		w->windowed |= h->replay[i] != NULL;
	}
	w->taken = e;
	w->s = e->snapshot;
	w->cache = h->cache;
	w->paths = e->paths;
	w->lines = h->lines;
	w->replay = h->replay;
	w->fresh = h->fresh;
	w->policy_count = h->policy_count;
	w->group_count = h->group_count;
}

static unsigned int
go_round(struct saker_worker *w)
{
	const struct saker_edition *e;
	unsigned int n;

	e = atomic_load_explicit(w->edition, memory_order_acquire);
	if (unlikely(e != w->taken))
		saker_worker_take(w, e);
	saker_hops_poll(w);
	w->watching = w->watch == NULL ? 0
				       : atomic_load_explicit(&w->watch->on, memory_order_acquire);
	n = empty_inbox(w, w->inbox, SAKER_INBOUND);
	n += empty_inbox(w, w->seal_inbox, SAKER_OUTBOUND);
	/* Who has packets waiting for a full inbox takes no more until they are gone. */
	if (w->n_waiting > 0 && !saker_handover_retry(w))
		return n;
	for (unsigned int i = 0; i < w->n_rx && w->n_waiting == 0; i++)
		n += receive(w, &w->rx[i]);
	return n;
}

/* What will never be whole is lost, and has a reason like any other loss. */
static void
give_up_fragments(struct saker_worker *w)
{
	unsigned int n = 1;

	while (n > 0 && saker_reassembler_busy(w->reassembler)) {
		n = saker_reassembler_expire(w->reassembler, UINT64_MAX);
		w->count[SAKER_INBOUND].drop[SAKER_DROP_REASSEMBLY] += n;
	}
}

int
saker_worker_run(void *arg)
{
	struct saker_worker *w = arg;

	rte_rcu_qsbr_thread_online(w->qsbr, w->index);
	saker_idle_begin(w);
	w->clock_tsc = 0; /* any reading is older */
	read_clock(w);
	saker_clock_start(&w->clock, w->now_ms);
	for (unsigned int i = 0; i < w->s->n_groups; i++)
		w->fresh[i].now_ms = 0; /* the start has changed */
	while (atomic_load_explicit(w->running, memory_order_relaxed)) {
		uint64_t began = rte_rdtsc();
		unsigned int work = go_round(w);

		rte_rcu_qsbr_quiescent(w->qsbr, w->index);
		saker_idle_round(w, work, began);
	}
	give_up_fragments(w);
	saker_idle_end(w);
	rte_rcu_qsbr_thread_offline(w->qsbr, w->index);
	return 0;
}
