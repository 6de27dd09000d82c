/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_lookup.h"

#include <rte_ether.h>

#include "saker_own_frames.h"
#include "saker_route.h"

#define VLAN_TAGS 2

static bool
is_ip(uint16_t type)
{
	return type == RTE_ETHER_TYPE_IPV4 || type == RTE_ETHER_TYPE_IPV6;
}

/* Strip the Ethernet header; the VLAN tags that it may have stand between addresses and type. */
static enum saker_drop
strip_l2(struct rte_mbuf *m)
{
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);
	uint16_t at = 2 * RTE_ETHER_ADDR_LEN, type = 0;

	for (unsigned int tags = 0; tags <= VLAN_TAGS; tags++) {
		if (unlikely(m->data_len < at + 2))
			return SAKER_DROP_RUNT;
		type = saker_load_be16(frame + at);
		if (likely(is_ip(type)) ||
			(type != RTE_ETHER_TYPE_VLAN && type != RTE_ETHER_TYPE_QINQ))
			break;
		at += sizeof(struct rte_vlan_hdr);
	}
	if (unlikely(!is_ip(type)))
		return SAKER_DROP_NOT_IP;
	rte_pktmbuf_adj(m, at + 2);
	return SAKER_OK;
}

static enum saker_drop
read_any(struct saker_worker *w, struct rte_mbuf **packet, bool has_l2, uint8_t **ip,
	struct saker_ip_view *view)
{
	struct rte_mbuf *m = *packet;
	enum saker_drop why;

	if (unlikely(m->nb_segs > 1)) {
		why = saker_route_linear(w, packet);
		if (why != SAKER_OK)
			return why;
		m = *packet;
	}
	if (has_l2) {
		why = strip_l2(m);
		if (unlikely(why != SAKER_OK))
			return why;
	}
	*ip = rte_pktmbuf_mtod(m, uint8_t *);
	why = saker_ip_read(*ip, m->data_len, view);
	if (unlikely(why != SAKER_OK))
		return why;
	if (view->family == 4 && unlikely(!saker_ip4_checksum_ok(*ip, (**ip & 15) * 4)))
		return SAKER_DROP_IP_CHECKSUM;
	rte_pktmbuf_trim(m, (uint16_t)(m->data_len - view->total));
	return SAKER_OK;
}

void
saker_frame_read(struct saker_worker *w, enum saker_direction d, unsigned int i, bool has_l2)
{
	struct saker_burst *b = &w->burst;
	const uint8_t *frame = rte_pktmbuf_mtod(b->m[i], const uint8_t *);
	enum saker_drop why;

	if (has_l2 && !saker_link_passes(&w->link[d], frame) && !saker_link_takes(w, d, i))
		return;
	why = read_any(w, &b->m[i], has_l2, &b->ip[i], &b->view[i]);
	if (why != SAKER_OK)
		saker_burst_drop(b, i, why);
}

void
saker_frames_answer(struct saker_worker *w, enum saker_direction d)
{
	enum saker_direction back = d == SAKER_INBOUND ? SAKER_OUTBOUND : SAKER_INBOUND;

	if (unlikely(w->tx[back].n > 0))
		saker_worker_flush(w, back);
}

static __rte_always_inline void
flow_key6(struct saker_flow_key *k, const uint8_t *ip, const struct saker_ip_view *v, bool reverse)
{
	uint64_t ports = saker_load_ports(ip, v);

	memcpy(k->word, ip + (reverse ? 24 : 8), 16);
	memcpy(k->word + 2, ip + (reverse ? 8 : 24), 16);
	k->word[4] = reverse ? saker_swap_ports(ports) : ports;
}

/* Those of one family that the table can't tell: together, for rte_acl. */
static void
find_by_acl(const struct saker_snapshot *s, struct saker_burst *b, uint8_t family, bool reverse)
{
	const struct saker_classifier *c = family == 4 ? &s->classify4 : &s->classify6;
	struct saker_flow_key key[SAKER_BURST];
	uint16_t found[SAKER_BURST], at[SAKER_BURST], n = 0;

	SAKER_FOREACH_SLOT (b, i) {
		if (b->done[i] || b->view[i].family != family)
			continue;
		if (family == 4)
			saker_flow_key4(&key[n], b->ip[i], &b->view[i], reverse);
		else
			flow_key6(&key[n], b->ip[i], &b->view[i], reverse);
		at[n++] = i;
	}
	if (n == 0)
		return;
	saker_acl_find(c->acl, family, key, found, n);
	for (uint16_t i = 0; i < n; i++)
		b->policy[at[i]] = saker_policy_at(s, found[i]);
}

static __rte_always_inline void
find_by_table(const struct saker_snapshot *s, struct saker_burst *b, bool reverse)
{
	const struct saker_match *m4 = s->classify4.match, *m6 = s->classify6.match;

	SAKER_FOREACH_SLOT (b, i) {
		const struct saker_ip_view *v = &b->view[i];
		struct saker_flow_key key;
		uint16_t rule = SAKER_MATCH_NONE;

		if (b->done[i])
			continue;
		if (likely(v->family == 4) && likely(m4 != NULL)) {
			saker_flow_key4(&key, b->ip[i], v, reverse);
			rule = saker_match_find(m4, key.word, saker_flow_words(4));
		} else if (v->family == 6 && m6 != NULL) {
			flow_key6(&key, b->ip[i], v, reverse);
			rule = saker_match_find(m6, key.word, saker_flow_words(6));
		}
		b->policy[i] = saker_policy_at(s, rule);
	}
}

void
saker_policies_of(const struct saker_snapshot *s, struct saker_burst *b, bool reverse)
{
	if (reverse)
		find_by_table(s, b, true);
	else
		find_by_table(s, b, false);
	if (unlikely(s->classify4.match == NULL))
		find_by_acl(s, b, 4, reverse);
	if (unlikely(s->classify6.match == NULL))
		find_by_acl(s, b, 6, reverse);
}

uint16_t
saker_rule_of(const struct saker_classifier *c, const uint8_t *ip, const struct saker_ip_view *v)
{
	struct saker_flow_key key;
	uint16_t rule;

	if (v->family == 4)
		saker_flow_key4(&key, ip, v, false);
	else
		flow_key6(&key, ip, v, false);
	if (likely(c->match != NULL))
		return saker_match_find(c->match, key.word, saker_flow_words(v->family));
	saker_acl_find(c->acl, v->family, &key, &rule, 1);
	return rule;
}

static void
count_policy(
	struct saker_policy_count *c, enum saker_direction d, uint64_t packets, uint64_t octets)
{
	if (d == SAKER_OUTBOUND) {
		c->out_packets += packets;
		c->out_octets += octets;
	} else {
		c->in_packets += packets;
		c->in_octets += octets;
	}
}

/* Packets of one policy are added up first: a counter in memory is slow to come by. */
static void
count_same(struct saker_worker *w, const struct saker_burst *b, enum saker_direction d)
{
	uint64_t octets = 0;

	SAKER_FOREACH_SLOT (b, i)
		octets += b->view[i].total;
	count_policy(w->policy_count[b->policy[0]->index], d, b->n, octets);
}

static void
count_each(struct saker_worker *w, const struct saker_burst *b, enum saker_direction d)
{
	SAKER_FOREACH_SLOT (b, i)
		count_policy(w->policy_count[b->policy[i]->index], d, 1, b->view[i].total);
}

static void
count_some(struct saker_worker *w, const struct saker_burst *b, enum saker_direction d, bool done)
{
	SAKER_FOREACH_SLOT (b, i)
		if (b->done[i] == done && b->why[i] == SAKER_OK)
			count_policy(w->policy_count[b->policy[i]->index], d, 1, b->view[i].total);
}

void
saker_count_policies(
	struct saker_worker *w, const struct saker_burst *b, enum saker_direction d, bool done)
{
	if (unlikely(b->undone > 0 || b->losers > 0))
		count_some(w, b, d, done);
	else if (saker_burst_one_policy(b))
		count_same(w, b, d);
	else
		count_each(w, b, d);
}
