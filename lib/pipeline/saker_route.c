/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_route.h"

#include <rte_cycles.h>

#include "saker_fragment.h"
#include "saker_linear.h"
#include "saker_lookup.h"
#include "saker_mss.h"
#include "saker_mtu.h"
#include "saker_path.h"
#include "saker_proxy.h"
#include "saker_ttl.h"

#define DONT_FRAGMENT 0x40 /* in octet 6 of an IPv4 header */

/* What becomes of a packet that is too long. */
enum too_long { TELL, CUT, SEAL_AND_CUT, GIVE_UP };

static bool
dont_fragment(const uint8_t *ip)
{
	return ip[0] >> 4 == 6 || (ip[6] & DONT_FRAGMENT) != 0;
}

/* Queue a packet for the outbound stages. policy: NULL for one of our own, which has none yet. */
static bool
send_later(struct saker_worker *w, struct rte_mbuf *m, const struct saker_policy *policy)
{
	return saker_later_add(&w->later, m, policy, (struct saker_carry){ .proxied = false });
}

/* The proxy that a packet goes through, or NULL. */
static const struct saker_way *
way_of(const struct saker_burst *b, enum saker_direction d, unsigned int i)
{
	return d == SAKER_OUTBOUND && b->policy[i] != NULL ? b->policy[i]->way : NULL;
}

/* Back where the packet came from: by the clear port, or through a tunnel. */
static void
send_back(struct saker_worker *w, enum saker_direction d, unsigned int i, struct rte_mbuf *m)
{
	const struct saker_way *way = way_of(&w->burst, d, i);

	if (d == SAKER_OUTBOUND && way == NULL)
		saker_worker_send(w, SAKER_INBOUND, m, w->burst.view[i].family);
	else if (!send_later(w, m, way == NULL ? NULL : way->opposite->shut))
		rte_pktmbuf_free(m);
}

/* A proxy that works one way has none, and an error about its packets quotes what is secret. */
static bool
has_way_back(const struct saker_burst *b, enum saker_direction d, unsigned int i)
{
	const struct saker_way *way = way_of(b, d, i);

	return way == NULL || way->opposite != NULL;
}

/* The error that answers a packet, in a buffer of our own. NULL: there is none. */
static struct rte_mbuf *
make_error(struct saker_worker *w, uint16_t i, enum saker_icmp_kind kind, uint16_t mtu)
{
	struct saker_burst *b = &w->burst;
	const struct saker_ip_view *v = &b->view[i];
	const struct saker_ip *from = &w->s->error_from[SAKER_SIX(v->family)];
	struct rte_mbuf *m;

	if (from->family == 0 || !saker_icmp_may_answer(b->ip[i], v) ||
		!saker_icmp_allowed(&w->icmp, w->now_ms))
		return NULL;
	m = rte_pktmbuf_copy(
		b->m[i], w->pool, 0, RTE_MIN(b->m[i]->pkt_len, (uint32_t)SAKER_ICMP6_ERROR_MAX));
	if (m == NULL || saker_icmp_error(m, v, kind, saker_mtu_told(v->family, mtu), from))
		return m;
	rte_pktmbuf_free(m);
	return NULL;
}

/* Drop a packet, and tell its sender why, if that may be. mtu: for SAKER_ICMP_TOO_BIG */
static void
tell(struct saker_worker *w, enum saker_direction d, uint16_t i, enum saker_icmp_kind kind,
	uint16_t mtu)
{
	struct rte_mbuf *error = has_way_back(&w->burst, d, i) ? make_error(w, i, kind, mtu) : NULL;

	if (error != NULL)
		send_back(w, d, i, error);
	saker_burst_drop(
		&w->burst, i, kind == SAKER_ICMP_TOO_BIG ? SAKER_DROP_MTU : SAKER_DROP_TTL);
}

/* @return false: the packet is gone. What comes of our own has its TTL for the way. */
static inline bool
take_hop(struct saker_worker *w, enum saker_direction d, uint16_t i)
{
	struct saker_burst *b = &w->burst;

	if (d == SAKER_OUTBOUND && b->ours)
		return true;
	if (likely(saker_ttl_decrement(b->ip[i]) == SAKER_OK))
		return true;
	tell(w, d, i, SAKER_ICMP_TIME_EXCEEDED, 0);
	return false;
}

/* Fragments of a clear packet go on: with a policy to be protected, else by their port. */
static bool
pass_on(struct saker_worker *w, enum saker_direction d, struct rte_mbuf *m,
	const struct saker_policy *p)
{
	if (p != NULL)
		return send_later(w, m, p);
	saker_worker_send(w, d, m, 4);
	return true;
}

static void
cut(struct saker_worker *w, enum saker_direction d, uint16_t i, uint16_t mtu,
	const struct saker_policy *p)
{
	struct saker_fragments f = { .pool = w->pool };
	struct rte_mbuf *m = w->burst.m[i];
	enum saker_drop why;

	if (!take_hop(w, d, i))
		return;
	why = saker_fragment_ip4(m, mtu, &f);
	for (uint16_t k = 0; k < f.n; k++) {
		if (pass_on(w, d, f.m[k], p))
			continue;
		why = SAKER_DROP_NO_BUFFER;
		rte_pktmbuf_free(f.m[k]);
	}
	if (why == SAKER_OK)
		rte_pktmbuf_free(m);
	saker_burst_drop(&w->burst, i, why == SAKER_OK ? SAKER_MOVED : why);
}

/* May the protected packet be cut? It is not the inner packet's IP header that forbids it. */
static bool
outer_may_be_cut(const struct saker_policy *p, const uint8_t *ip)
{
	if (p->transport)
		return !dont_fragment(ip);
	return p->outer.family == 6 || p->outer.df == SAKER_DF_CLEAR ||
	       (p->outer.df == SAKER_DF_COPY && !dont_fragment(ip));
}

/* RFC 4301 section 8, RFC 2473 section 7: who may cut what. */
static enum too_long
choose(const struct saker_policy *p, const uint8_t *ip, const struct saker_ip_view *v)
{
	bool outer = outer_may_be_cut(p, ip);

	switch (p->cfg->fragment) {
	case SAKER_FRAGMENT_OUTER:
		return outer ? SEAL_AND_CUT : TELL;
	case SAKER_FRAGMENT_INNER:
		if (!dont_fragment(ip))
			return p->transport ? SEAL_AND_CUT : CUT;
		/* No IPv6 sender makes its packets shorter than that. */
		if (v->family == 6 && v->total <= SAKER_IP6_MIN_MTU && outer)
			return SEAL_AND_CUT;
		return TELL;
	default:
		return dont_fragment(ip) ? TELL : GIVE_UP;
	}
}

/* Fragments leave nothing in clear. Those of a packet with unauthenticated octets would vouch for
 * them.
 */
static void
cut_clear(struct saker_worker *w, uint16_t i, uint16_t mtu)
{
	struct saker_burst *b = &w->burst;
	const struct saker_policy *p = b->policy[i];

	if (p->way == NULL)
		cut(w, SAKER_OUTBOUND, i, mtu, p);
	else if (b->fields[i].ioffset == 0 || !p->carries)
		cut(w, SAKER_OUTBOUND, i, mtu, p->way->shut);
	else
		saker_burst_drop(b, i, SAKER_DROP_MTU);
}

/* @return true: the packet goes on, to be cut once it is protected */
static bool
handle_long(struct saker_worker *w, uint16_t i, uint16_t mtu)
{
	struct saker_burst *b = &w->burst;
	const struct saker_policy *p = b->policy[i];

	switch (choose(p, b->ip[i], &b->view[i])) {
	case TELL:
		tell(w, SAKER_OUTBOUND, i, SAKER_ICMP_TOO_BIG, mtu);
		return false;
	case CUT:
		cut_clear(w, i, mtu);
		return false;
	case SEAL_AND_CUT:
		b->overlong = true;
		return true;
	default:
		saker_burst_drop(b, i, SAKER_DROP_MTU);
		return false;
	}
}

static uint16_t
mss_of(const struct saker_worker *w, const struct saker_policy *p, uint8_t family)
{
	unsigned int six = SAKER_SIX(family);
	uint16_t learnt;

	if (p->mss[six] == UINT16_MAX || !saker_paths_learnt(w->paths))
		return p->mss[six];
	learnt = saker_mss_of(family, saker_path_tunnel_mtu(w->paths, p, six, w->now_ms));
	return RTE_MIN(p->mss[six], learnt);
}

static inline void
clamp(const struct saker_worker *w, const struct saker_burst *b, unsigned int i)
{
	const struct saker_ip_view *v = &b->view[i];

	if (unlikely(saker_mss_is_syn(b->ip[i], v)))
		(void)saker_mss_clamp(b->ip[i], v, mss_of(w, b->policy[i], v->family));
}

/* Stores to packets may change anything, for all the compiler knows: hence the copies. */
static __rte_always_inline void
route_out(struct saker_worker *w, struct saker_burst *b, bool own)
{
	bool learnt = saker_paths_learnt(w->paths);

	for (unsigned int i = 0, n = b->n; i < n; i++) {
		const struct saker_ip_view *v = &b->view[i];
		uint16_t mtu = b->policy[i]->mtu[SAKER_SIX(v->family)];

		if (b->done[i])
			continue;
		if (unlikely(learnt))
			mtu = saker_path_tunnel_mtu(
				w->paths, b->policy[i], SAKER_SIX(v->family), w->now_ms);
		if (unlikely(v->total > mtu) && !handle_long(w, (uint16_t)i, mtu))
			continue;
		if (own || likely(saker_ttl_decrement(b->ip[i]) == SAKER_OK))
			clamp(w, b, i);
		else
			tell(w, SAKER_OUTBOUND, (uint16_t)i, SAKER_ICMP_TIME_EXCEEDED, 0);
	}
}

void
saker_stage_route_out(struct saker_worker *w, struct saker_burst *b)
{
	if (likely(b->undone == 0))
		return;
	if (unlikely(b->ours))
		route_out(w, b, true);
	else
		route_out(w, b, false);
}

static void
forward_long(struct saker_worker *w, enum saker_direction d, uint16_t i)
{
	if (dont_fragment(w->burst.ip[i]))
		tell(w, d, i, SAKER_ICMP_TOO_BIG, w->tx[d].mtu);
	else
		cut(w, d, i, w->tx[d].mtu, NULL);
}

void
saker_stage_route_in(struct saker_worker *w, struct saker_burst *b)
{
	uint16_t mtu = w->tx[SAKER_INBOUND].mtu;

	if (likely(b->undone == 0))
		return;
	for (unsigned int i = 0, n = b->n; i < n; i++) {
		if (b->done[i])
			continue;
		if (unlikely(b->view[i].total > mtu))
			forward_long(w, SAKER_INBOUND, (uint16_t)i);
		else if (likely(saker_ttl_decrement(b->ip[i]) == SAKER_OK))
			clamp(w, b, i);
		else
			tell(w, SAKER_INBOUND, (uint16_t)i, SAKER_ICMP_TIME_EXCEEDED, 0);
	}
}

void
saker_route_clear(struct saker_worker *w, enum saker_direction d, struct saker_burst *b, uint16_t i)
{
	struct saker_policy_count *c = w->policy_count[b->policy[i]->index];

	if (b->view[i].total > w->tx[d].mtu) {
		forward_long(w, d, i);
		return;
	}
	if (!take_hop(w, d, i))
		return;
	*(d == SAKER_OUTBOUND ? &c->out_packets : &c->in_packets) += 1;
	*(d == SAKER_OUTBOUND ? &c->out_octets : &c->in_octets) += b->view[i].total;
	saker_worker_send(w, d, b->m[i], b->view[i].family);
	saker_burst_drop(b, i, SAKER_MOVED);
}

bool
saker_route_send_long(struct saker_worker *w, enum saker_direction d, struct rte_mbuf *m)
{
	struct saker_fragments f = { .pool = w->pool };
	uint16_t mtu = RTE_MIN(
		w->tx[d].mtu, saker_path_to(w, rte_pktmbuf_mtod(m, const uint8_t *)));
	uint8_t family = *rte_pktmbuf_mtod(m, uint8_t *) >> 4;
	enum saker_drop why;

	if (m->pkt_len <= mtu)
		return false;
	/* No two workers, which may share an outer address, number their packets alike. */
	w->fragment_id += w->n_workers;
	why = saker_fragment_outer(m, mtu, w->fragment_id + w->index, &f);
	if (unlikely(why != SAKER_OK))
		w->count[SAKER_OUTBOUND].drop[why]++;
	for (uint16_t k = 0; k < f.n; k++)
		saker_worker_send(w, d, f.m[k], family);
	rte_pktmbuf_free(m);
	return true;
}

enum saker_drop
saker_route_linear(struct saker_worker *w, struct rte_mbuf **m)
{
	struct rte_mbuf *one = saker_linear(*m, w->pool);

	if (one == NULL)
		return SAKER_DROP_CHAINED;
	*m = one;
	return SAKER_OK;
}

/* Could this be a piece of a protected packet for us? Only the first piece has ports. */
static bool
may_be_ours(const struct saker_worker *w, const uint8_t *ip, const struct saker_ip_view *v)
{
	const struct saker_snapshot *s = w->s;
	bool known = v->proto == SAKER_PROTO_UDP
			     ? s->listens_udp
			     : s->listen_proto[v->proto / 64] >> (v->proto % 64) & 1;

	return known && (s->transport || saker_is_local(s, ip));
}

void
saker_route_join(struct saker_worker *w, struct saker_burst *b, uint16_t i)
{
	uint64_t *drop = w->count[SAKER_INBOUND].drop;
	struct saker_reassembly r;

	if (!may_be_ours(w, b->ip[i], &b->view[i]))
		return;
	r = saker_reassemble(w->reassembler, b->m[i], &b->view[i], rte_rdtsc());
	drop[r.why == SAKER_OK ? SAKER_DROP_REASSEMBLY : r.why] += r.dropped;
	if (r.m == NULL) {
		saker_burst_drop(b, i, SAKER_MOVED);
		return;
	}
	b->m[i] = r.m;
	b->ip[i] = rte_pktmbuf_mtod(r.m, uint8_t *);
	saker_burst_drop(b, i, saker_ip_read(b->ip[i], r.m->data_len, &b->view[i]));
}
