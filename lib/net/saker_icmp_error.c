/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_icmp_error.h"

#include <rte_ether.h>

#define ICMP_HEADER  8
#define TTL          64
#define TOS_CONTROL  0xc0   /* precedence "internetwork control" (RFC 1812 section 4.3.2.5) */
#define ATOMIC       0x4000 /* don't fragment, so the id is free (RFC 6864) */
#define UNREACHABLE  3
#define FRAG_NEEDED  4 /* its code */
#define TIME_OUT     11
#define TOO_BIG6     2
#define TIME_OUT6    3
#define FIRST_QUERY6 128 /* types below are errors (RFC 4443 section 2.1) */
#define REDIRECT6    137

static bool
is_query4(uint8_t type)
{
	/* echo reply, echo, router advertisement and solicitation, timestamps, information, masks
	 */
	static const uint32_t queries = 1u << 0 | 1u << 8 | 3u << 9 | 0x3fu << 13;

	return type < 32 && (queries >> type & 1) != 0;
}

/* Does an address stand for one host? Not: this network, loopback, multicast, broadcast. */
static bool
is_host4(const uint8_t *a)
{
	return a[0] != 0 && a[0] != 127 && a[0] < 224;
}

static bool
is_host6(const uint8_t *a)
{
	static const uint8_t zero[15];

	return a[0] != 0xff && (memcmp(a, zero, sizeof(zero)) != 0 || a[15] > 1);
}

static bool
is_icmp_error(const uint8_t *ip, const struct saker_ip_view *v)
{
	bool icmp = v->proto == (v->family == 4 ? SAKER_PROTO_ICMP : SAKER_PROTO_ICMP6);

	if (!icmp)
		return false;
	if (v->total <= v->l4_at)
		return true;
	if (v->family == 4)
		return !is_query4(ip[v->l4_at]);
	return ip[v->l4_at] < FIRST_QUERY6 || ip[v->l4_at] == REDIRECT6;
}

bool
saker_icmp_may_answer(const uint8_t *ip, const struct saker_ip_view *v)
{
	if (!v->has_l4 || is_icmp_error(ip, v))
		return false;
	if (v->family == 4)
		return is_host4(ip + 12) && is_host4(ip + 16);
	return is_host6(ip + 8) && is_host6(ip + 24);
}

/* Cut the quote and make room for headers in front of it. NULL: there is no room. */
static uint8_t *
make_room(struct rte_mbuf *m, uint16_t front, uint16_t most)
{
	uint16_t want = front + RTE_ETHER_HDR_LEN, head = rte_pktmbuf_headroom(m);
	uint16_t quote = RTE_MIN(m->data_len, (uint16_t)(most - front));

	if (unlikely(head < want && m->buf_len < want + quote))
		return NULL;
	rte_pktmbuf_trim(m, (uint16_t)(m->data_len - quote));
	if (unlikely(head < want)) {
		memmove((uint8_t *)m->buf_addr + want, rte_pktmbuf_mtod(m, uint8_t *), quote);
		m->data_off = want;
	}
	return (uint8_t *)rte_pktmbuf_prepend(m, front);
}

static void
write_error4(uint8_t *p, uint16_t total, enum saker_icmp_kind kind, uint16_t mtu)
{
	uint8_t *icmp = p + SAKER_IP4_HEADER;

	memcpy(p + 16, icmp + ICMP_HEADER + 12, 4); /* back to the quoted source */
	p[0] = 0x45;
	p[1] = TOS_CONTROL;
	saker_store_be16(p + 2, total);
	saker_store_be32(p + 4, ATOMIC);
	p[8] = TTL;
	p[9] = SAKER_PROTO_ICMP;
	saker_ip4_set_checksum(p, SAKER_IP4_HEADER);
	memset(icmp, 0, ICMP_HEADER);
	icmp[0] = kind == SAKER_ICMP_TOO_BIG ? UNREACHABLE : TIME_OUT;
	icmp[1] = kind == SAKER_ICMP_TOO_BIG ? FRAG_NEEDED : 0;
	if (kind == SAKER_ICMP_TOO_BIG)
		saker_store_be16(icmp + 6, mtu);
	saker_store_be16(icmp + 2, (uint16_t)~saker_ip_sum(icmp, total - SAKER_IP4_HEADER, 0));
}

static void
write_error6(uint8_t *p, uint16_t total, enum saker_icmp_kind kind, uint16_t mtu)
{
	uint8_t *icmp = p + SAKER_IP6_HEADER;
	uint16_t len = total - SAKER_IP6_HEADER, sum;

	memcpy(p + 24, icmp + ICMP_HEADER + 8, 16);
	saker_store_be32(p, 6u << 28 | (uint32_t)TOS_CONTROL << 20);
	saker_store_be16(p + 4, len);
	p[6] = SAKER_PROTO_ICMP6;
	p[7] = TTL;
	memset(icmp, 0, ICMP_HEADER);
	icmp[0] = kind == SAKER_ICMP_TOO_BIG ? TOO_BIG6 : TIME_OUT6;
	if (kind == SAKER_ICMP_TOO_BIG)
		saker_store_be32(icmp + 4, mtu);
	sum = saker_ip_sum(p + 8, 32, (uint16_t)(len + SAKER_PROTO_ICMP6));
	saker_store_be16(icmp + 2, (uint16_t)~saker_ip_sum(icmp, len, sum));
}

bool
saker_icmp_error(struct rte_mbuf *m, const struct saker_ip_view *v, enum saker_icmp_kind kind,
	uint16_t mtu, const struct saker_ip *from)
{
	bool four = v->family == 4;
	uint16_t front = (four ? SAKER_IP4_HEADER : SAKER_IP6_HEADER) + ICMP_HEADER;
	uint8_t *p;

	if (from->family != v->family ||
		!saker_icmp_may_answer(rte_pktmbuf_mtod(m, const uint8_t *), v))
		return false;
	p = make_room(m, front, four ? SAKER_ICMP4_ERROR_MAX : SAKER_ICMP6_ERROR_MAX);
	if (unlikely(p == NULL))
		return false;
	memcpy(p + (four ? 12 : 8), from->octets, four ? 4 : 16);
	if (four)
		write_error4(p, m->data_len, kind, mtu);
	else
		write_error6(p, m->data_len, kind, mtu);
	return true;
}

bool
saker_icmp_allowed(struct saker_icmp_bucket *bucket, uint64_t now_ms)
{
	if (now_ms > bucket->last_ms) {
		uint64_t more = (now_ms - bucket->last_ms) * (SAKER_ICMP_PER_SECOND / 1000);

		bucket->tokens = (uint32_t)RTE_MIN(more + bucket->tokens, SAKER_ICMP_BURST);
		bucket->last_ms = now_ms;
	}
	if (bucket->tokens == 0)
		return false;
	bucket->tokens--;
	return true;
}
