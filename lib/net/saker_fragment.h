/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_FRAGMENT_H
#define SAKER_FRAGMENT_H

/**
 * @file
 * Cutting packets: IPv4 packets before they are protected (RFC 791), and protected packets of both
 * families (RFC 791, RFC 8200 section 4.5). Fragments are copies in one segment each, so ports
 * need no transmit offload.
 *
 * Threads: the worker that owns the packet and the pool.
 */

#include <rte_mbuf.h>

#include "saker_drop.h"

#define SAKER_FRAGMENTS_MAX       32 /**< most fragments of one packet */
#define SAKER_OUTER_FRAGMENTS_MAX 8  /**< of a protected packet: a DPDK peer reassembles no more */

/** Where fragments come from and go. */
struct saker_fragments {
	struct rte_mempool *pool; /**< its buffers hold a whole packet of the MTU */
	uint16_t n;
	struct rte_mbuf *m[SAKER_FRAGMENTS_MAX]; /**< the caller's, in order */
};

/**
 * Cut an IPv4 packet, which may be a fragment itself; options are copied as RFC 791 says.
 * @param m one segment that begins with the IP header; stays the caller's, unchanged
 * @param mtu longest fragment, octets
 * @param f receives the fragments; n is 0 on failure
 * @return SAKER_OK, or SAKER_DROP_MTU: don't-fragment is set, or they would be too many;
 *         SAKER_DROP_NO_BUFFER: the pool is empty
 */
enum saker_drop saker_fragment_ip4(struct rte_mbuf *m, uint16_t mtu, struct saker_fragments *f);

/**
 * Cut a protected packet. In IPv6 the fragment header follows the fixed header.
 * @param m as above; an IPv4 packet takes the new identification
 * @param id tells its fragments from those of other packets; IPv4 has the lower 16 bits
 * @return as above
 */
enum saker_drop saker_fragment_outer(
	struct rte_mbuf *m, uint16_t mtu, uint32_t id, struct saker_fragments *f);

#endif
