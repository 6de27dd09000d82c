/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef NET_POOL_H
#define NET_POOL_H

/**
 * @file
 * What the tests of lib/net share: the EAL, pools, and packets in buffers.
 *
 * Threads: the one of the test.
 */

#include <stdlib.h>

#include <rte_eal.h>
#include <rte_mbuf.h>

#include "saker_ip.h"

static struct rte_mempool *small_pool, *big_pool;

/** @return 0, 77: skip, 1: no memory */
static inline int
net_pool_init(void)
{
	static const char *eal[] = { "test", "--no-huge", "--no-pci", "-m", "128", "--no-shconf",
		"--no-telemetry", "--lcores", "0", "--log-level", "error" };

	if (rte_eal_init(RTE_DIM(eal), (char **)(uintptr_t)eal) < 0)
		return 77;
	small_pool = rte_pktmbuf_pool_create(
		"small", 1023, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	big_pool = rte_pktmbuf_pool_create("big", 255, 0, 0, 10240, SOCKET_ID_ANY);
	return small_pool == NULL || big_pool == NULL;
}

/** Header and octets that count up; the caller finishes the header. total: IP length. */
static inline struct rte_mbuf *
net_pool_packet(struct rte_mempool *pool, uint8_t family, uint16_t total)
{
	uint16_t header = family == 4 ? SAKER_IP4_HEADER : SAKER_IP6_HEADER;
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	uint8_t *p = m == NULL ? NULL : (uint8_t *)rte_pktmbuf_append(m, total);

	if (p == NULL)
		abort();
	memset(p, 0, header);
	for (uint16_t i = header; i < total; i++)
		p[i] = (uint8_t)(i * 7 + i / 256);
	if (family == 4) {
		memcpy(p, "\x45\x02", 2);
		saker_store_be16(p + 2, total);
		memcpy(p + 8, "\x40\x11\0\0\x0a\x01\0\x05\x0a\x02\0\x09", 12);
		saker_ip4_set_checksum(p, header);
	} else {
		memcpy(p, "\x60\x20", 2);
		saker_store_be16(p + 4, total - header);
		memcpy(p + 6, "\x11\x40\xfd\0\0\1", 6);
		memcpy(p + 24, "\xfd\0\0\2", 4);
		p[23] = 5;
		p[39] = 9;
	}
	return m;
}

#endif
