/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_LINEAR_H
#define SAKER_LINEAR_H

/**
 * @file
 * Long packets that came in several segments become one segment, which all stages and crypto
 * drivers work on.
 *
 * Threads: the worker that owns the packet and the pool.
 */

#include <rte_mbuf.h>

#define SAKER_LINEAR_TAIL 32 /**< octets left behind the packet: room for padding and ICV */

/**
 * Make a packet one segment: in its first segment where there is room for all, and for
 * SAKER_LINEAR_TAIL octets more, else by copy into a buffer of @p pool.
 * @param m consumed if a copy was made, else still the caller's
 * @param pool buffers that are large enough for the longest packet
 * @return the packet; NULL: it does not fit such a buffer, or there is none
 */
struct rte_mbuf *saker_linear(struct rte_mbuf *m, struct rte_mempool *pool);

#endif
