/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_fragment.h"

#include <errno.h>

#include <rte_ip_frag.h>

#include "saker_ip.h"

#define FRAGMENT_HEADER 8
#define FRAGMENT_PROTO  44
#define MORE            1
#define IP6_ROOM        (SAKER_IP6_HEADER + FRAGMENT_HEADER)

static enum saker_drop
cut_ip4(struct rte_mbuf *m, uint16_t mtu, uint16_t most, struct saker_fragments *f)
{
	int n = rte_ipv4_fragment_copy_nonseg_packet(m, f->m, most, mtu, f->pool);

	f->n = 0;
	if (unlikely(n < 0))
		return n == -ENOMEM ? SAKER_DROP_NO_BUFFER : SAKER_DROP_MTU;
	f->n = (uint16_t)n;
	for (uint16_t i = 0; i < f->n; i++) {
		uint8_t *ip = rte_pktmbuf_mtod(f->m[i], uint8_t *);

		saker_ip4_set_checksum(ip, (ip[0] & 15) * 4);
	}
	return SAKER_OK;
}

enum saker_drop
saker_fragment_ip4(struct rte_mbuf *m, uint16_t mtu, struct saker_fragments *f)
{
	return cut_ip4(m, mtu, SAKER_FRAGMENTS_MAX, f);
}

/* One fragment: n octets from `at` of the payload. */
static struct rte_mbuf *
copy_ip6(const struct rte_mbuf *m, uint16_t at, uint16_t n, struct rte_mempool *pool)
{
	const uint8_t *from = rte_pktmbuf_mtod(m, const uint8_t *);
	struct rte_mbuf *out = rte_pktmbuf_alloc(pool);
	uint8_t *p;

	if (unlikely(out == NULL))
		return NULL;
	p = (uint8_t *)rte_pktmbuf_append(out, IP6_ROOM + n);
	if (unlikely(p == NULL)) {
		rte_pktmbuf_free(out);
		return NULL;
	}
	memcpy(p, from, SAKER_IP6_HEADER);
	memcpy(p + IP6_ROOM, from + SAKER_IP6_HEADER + at, n);
	return out;
}

static void
write_ip6(uint8_t *p, uint16_t at, uint16_t n, bool more, uint32_t id)
{
	uint8_t *header = p + SAKER_IP6_HEADER;

	saker_store_be16(p + 4, FRAGMENT_HEADER + n);
	header[0] = p[6];
	header[1] = 0;
	saker_store_be16(header + 2, at | (more ? MORE : 0));
	saker_store_be32(header + 4, id);
	p[6] = FRAGMENT_PROTO;
}

/* The library's function cuts IPv6 into chains of indirect buffers, which not every port sends. */
static enum saker_drop
cut_ip6(struct rte_mbuf *m, uint16_t mtu, uint32_t id, struct saker_fragments *f)
{
	uint16_t len = m->data_len - SAKER_IP6_HEADER, step = (mtu - IP6_ROOM) & ~7;

	f->n = 0;
	if (unlikely(mtu < IP6_ROOM + 8 || len > step * SAKER_OUTER_FRAGMENTS_MAX))
		return SAKER_DROP_MTU;
	for (uint16_t at = 0; at < len; at += step) {
		uint16_t n = RTE_MIN(step, (uint16_t)(len - at));
		struct rte_mbuf *out = copy_ip6(m, at, n, f->pool);

		if (unlikely(out == NULL)) {
			rte_pktmbuf_free_bulk(f->m, f->n);
			f->n = 0;
			return SAKER_DROP_NO_BUFFER;
		}
		write_ip6(rte_pktmbuf_mtod(out, uint8_t *), at, n, at + n < len, id);
		f->m[f->n++] = out;
	}
	return SAKER_OK;
}

enum saker_drop
saker_fragment_outer(struct rte_mbuf *m, uint16_t mtu, uint32_t id, struct saker_fragments *f)
{
	uint8_t *ip = rte_pktmbuf_mtod(m, uint8_t *);

	if (ip[0] >> 4 == 6)
		return cut_ip6(m, mtu, id, f);
	saker_store_be16(ip + 4, (uint16_t)id);
	return cut_ip4(m, mtu, SAKER_OUTER_FRAGMENTS_MAX, f);
}
