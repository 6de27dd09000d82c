/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_lookup.h"

#include <rte_ether.h>
#include <rte_jhash.h>

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

enum saker_drop
saker_frame_read(struct rte_mbuf *m, bool has_l2, uint8_t **ip, struct saker_ip_view *view)
{
	enum saker_drop why;

	if (unlikely(m->nb_segs > 1) && rte_pktmbuf_linearize(m) != 0)
		return SAKER_DROP_CHAINED;
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

#define PORT_BIT(proto) (UINT64_C(1) << ((proto) % 64))

/* TCP, UDP, DCCP, SCTP and UDP-Lite begin with two ports. */
static inline bool
has_ports(const struct saker_ip_view *v)
{
	static const uint64_t with_ports[4] = {
		[0] = PORT_BIT(6) | PORT_BIT(17) | PORT_BIT(33),
		[2] = PORT_BIT(132) | PORT_BIT(136),
	};

	return (with_ports[v->proto / 64] >> v->proto % 64 & 1) != 0 && v->has_l4 &&
	       v->total >= v->l4_at + 4;
}

static __rte_always_inline void
fill_tuple(struct saker_tuple *t, const uint8_t *ip, const struct saker_ip_view *v, bool reverse)
{
	uint8_t *first = reverse ? t->dst : t->src, *second = reverse ? t->src : t->dst;
	uint16_t port[2] = { 0, 0 };

	if (likely(has_ports(v)))
		memcpy(port, ip + v->l4_at, sizeof(port));
	t->proto = v->proto;
	t->sport = port[reverse];
	t->dport = port[!reverse];
	if (v->family == 4) {
		memcpy(first, ip + 12, 4);
		memcpy(second, ip + 16, 4);
	} else {
		memcpy(first, ip + 8, 16);
		memcpy(second, ip + 24, 16);
	}
}

/* The classifiers are one a family: sort by it, look up twice, put results back in place. */
void
saker_policies_of(const struct saker_snapshot *s, uint8_t *const *ip,
	const struct saker_ip_view *view, uint16_t n, bool reverse,
	const struct saker_policy **policy)
{
	struct saker_tuple tuple[SAKER_BURST];
	const struct saker_tuple *of[2][SAKER_BURST];
	const struct saker_policy *found[SAKER_BURST];
	uint16_t at[2][SAKER_BURST], count[2] = { 0, 0 };

	for (uint16_t i = 0; i < n; i++) {
		unsigned int six = view[i].family == 6;

		if (reverse)
			fill_tuple(&tuple[i], ip[i], &view[i], true);
		else
			fill_tuple(&tuple[i], ip[i], &view[i], false);
		of[six][count[six]] = &tuple[i];
		at[six][count[six]++] = i;
	}
	for (unsigned int six = 0; six < 2; six++) {
		if (count[six] == 0)
			continue;
		saker_classify(s, six ? 6 : 4, of[six], found, count[six]);
		for (uint16_t i = 0; i < count[six]; i++)
			policy[at[six][i]] = found[i];
	}
}

uint32_t
saker_flow_hash(const uint8_t *ip, const struct saker_ip_view *view, uint32_t secret)
{
	uint32_t word[8], ports = 0;

	if (has_ports(view))
		memcpy(&ports, ip + view->l4_at, sizeof(ports));
	secret += view->proto;
	if (view->family == 4) {
		memcpy(word, ip + 12, 8);
		return rte_jhash_3words(word[0], word[1], ports, secret);
	}
	memcpy(word, ip + 8, sizeof(word));
	return rte_jhash_32b(word, RTE_DIM(word), secret ^ ports);
}

uint32_t
saker_source_hash(const uint8_t *ip, const struct saker_ip_view *view, uint32_t secret)
{
	if (view->family == 4)
		return rte_jhash(ip + 12, 4, secret);
	return rte_jhash(ip + 8, 16, secret);
}
