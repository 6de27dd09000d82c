/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_reassemble.h"

#include <rte_cycles.h>
#include <rte_ip_frag.h>
#include <rte_malloc.h>

#include "saker_linear.h"

#define BUCKET          16
#define FRAGMENT_PROTO  44
#define FRAGMENT_HEADER 8
#define NEXT_HEADER_AT  6 /* of the fixed IPv6 header */
#define TX_FLAGS        RTE_MBUF_F_TX_OFFLOAD_MASK
#define ECN_CE          3

struct saker_reassembler {
	struct rte_ip_frag_tbl *table;
	struct rte_mempool *pool;
	uint32_t longest; /* packet, octets */
	uint32_t held;    /* fragments */
	struct rte_ip_frag_death_row row;
};

struct saker_reassembler *
saker_reassembler_create(unsigned int packets, struct rte_mempool *pool, int socket)
{
	uint64_t life = rte_get_tsc_hz() / 1000 * SAKER_REASSEMBLY_MS;
	struct saker_reassembler *r = rte_zmalloc_socket("saker", sizeof(*r), 64, socket);

	if (r == NULL)
		return NULL;
	packets = rte_align32pow2(RTE_MAX(packets, (unsigned int)BUCKET));
	r->pool = pool;
	r->longest = rte_pktmbuf_data_room_size(pool) - RTE_PKTMBUF_HEADROOM - SAKER_LINEAR_TAIL;
	r->longest = RTE_MIN(r->longest, (uint32_t)UINT16_MAX);
	r->table = rte_ip_frag_table_create(packets / BUCKET, BUCKET, packets, life, socket);
	if (r->table != NULL)
		return r;
	rte_free(r);
	return NULL;
}

void
saker_reassembler_free(struct saker_reassembler *r)
{
	if (r == NULL)
		return;
	rte_ip_frag_table_destroy(r->table);
	rte_free(r);
}

static unsigned int
bury(struct saker_reassembler *r)
{
	unsigned int n = r->row.cnt;

	r->held -= n;
	if (n > 0)
		rte_ip_frag_free_death_row(&r->row, 0);
	return n;
}

/* Where a fragment lies in its packet. */
struct piece {
	uint16_t header; /* octets before its part of the payload */
	uint16_t len;
	uint32_t at;
	bool more;
};

static struct piece
piece_of(const uint8_t *ip, const struct saker_ip_view *v)
{
	struct piece p = { .header = v->l4_at, .len = v->total - v->l4_at };
	uint16_t word;

	if (v->family == 4) {
		word = saker_load_be16(ip + 6);
		p.at = (word & 0x1fffu) * 8;
		p.more = (word & 0x2000) != 0;
	} else {
		word = saker_load_be16(ip + SAKER_IP6_HEADER + 2);
		p.at = word & 0xfff8u;
		p.more = (word & 1) != 0;
	}
	return p;
}

/* Other extension headers before the fragment header are no part of a tunnel's outer header. */
static bool
well_placed(const uint8_t *ip, const struct saker_ip_view *v)
{
	return v->family == 4 ||
	       (ip[NEXT_HEADER_AT] == FRAGMENT_PROTO && v->proto_at == SAKER_IP6_HEADER &&
		       v->l4_at == SAKER_IP6_HEADER + FRAGMENT_HEADER);
}

static bool
acceptable(const struct saker_reassembler *r, const uint8_t *ip, const struct saker_ip_view *v)
{
	struct piece p;

	if (!well_placed(ip, v))
		return false;
	p = piece_of(ip, v);
	if (p.len == 0 || (p.more && p.len % 8 != 0))
		return false;
	return p.header + p.at + p.len <= r->longest;
}

static struct rte_mbuf *
feed(struct saker_reassembler *r, struct rte_mbuf *m, const struct saker_ip_view *v, uint64_t tsc)
{
	uint8_t *ip = rte_pktmbuf_mtod(m, uint8_t *);

	m->l2_len = 0;
	m->l3_len = v->l4_at;
	r->held++;
	if (v->family == 4)
		return rte_ipv4_frag_reassemble_packet(r->table, &r->row, m, tsc, (void *)ip);
	return rte_ipv6_frag_reassemble_packet(
		r->table, &r->row, m, tsc, (void *)ip, (void *)(ip + SAKER_IP6_HEADER));
}

static uint8_t
ecn_of(const uint8_t *ip)
{
	return ip[0] >> 4 == 4 ? ip[1] & ECN_CE : ip[1] >> 4 & ECN_CE;
}

/* The headers of later fragments still stand in their buffers, before what is left of them. */
static void
join_ecn(struct rte_mbuf *whole)
{
	uint8_t *ip = rte_pktmbuf_mtod(whole, uint8_t *);

	for (const struct rte_mbuf *s = whole->next; s != NULL; s = s->next)
		if (ecn_of(rte_pktmbuf_mtod(s, const uint8_t *) - s->l3_len) == ECN_CE)
			saker_ip_set_ecn(ip, ECN_CE);
}

static struct rte_mbuf *
finish(struct saker_reassembler *r, struct rte_mbuf *whole)
{
	uint8_t *ip = rte_pktmbuf_mtod(whole, uint8_t *);

	r->held -= whole->nb_segs;
	join_ecn(whole);
	if (ip[0] >> 4 == 4)
		saker_ip4_set_checksum(ip, (ip[0] & 15) * 4);
	whole->ol_flags &= ~TX_FLAGS;
	return saker_linear(whole, r->pool);
}

struct saker_reassembly
saker_reassemble(struct saker_reassembler *r, struct rte_mbuf *m, const struct saker_ip_view *v,
	uint64_t tsc)
{
	struct saker_reassembly result = { .why = SAKER_OK };
	struct rte_mbuf *whole;

	if (!acceptable(r, rte_pktmbuf_mtod(m, const uint8_t *), v)) {
		rte_pktmbuf_free(m);
		result.why = SAKER_DROP_OUTER_FRAGMENT;
		result.dropped = 1;
		return result;
	}
	whole = feed(r, m, v, tsc);
	result.dropped = bury(r);
	if (whole == NULL) {
		result.why = result.dropped > 0 ? SAKER_DROP_REASSEMBLY : SAKER_OK;
		return result;
	}
	result.m = finish(r, whole);
	if (unlikely(result.m == NULL)) {
		result.why = SAKER_DROP_NO_BUFFER;
		result.dropped += whole->nb_segs;
		rte_pktmbuf_free(whole);
	}
	return result;
}

bool
saker_reassembler_busy(const struct saker_reassembler *r)
{
	return r->held > 0;
}

unsigned int
saker_reassembler_expire(struct saker_reassembler *r, uint64_t tsc)
{
	rte_ip_frag_table_del_expired_entries(r->table, &r->row, tsc);
	return bury(r);
}
