/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_REASSEMBLE_H
#define SAKER_REASSEMBLE_H

/**
 * @file
 * Fragments become packets again (RFC 791, RFC 8200 section 4.5, through rte_ip_frag).
 *
 * Everything is bounded: packets in the making, fragments of one packet (eight), time and length.
 * Fragments that overlap or repeat make the whole packet lost (RFC 5722). A congestion mark on any
 * fragment marks the packet (RFC 3168 section 5.3).
 *
 * Threads: one reassembler belongs to one worker.
 * Memory: at most eight buffers of received packets for each packet in the making are held.
 */

#include <rte_mbuf.h>

#include "saker_ip.h"

#define SAKER_REASSEMBLY_MS 2000 /**< a packet must be whole within this time */

struct saker_reassembler;

/**
 * Create a reassembler.
 * @param packets most packets in the making; rounded up to a power of two, at least 16
 * @param pool buffers for the whole packets; they may be no longer than these, less headroom
 * @return NULL: no memory
 */
struct saker_reassembler *saker_reassembler_create(
	unsigned int packets, struct rte_mempool *pool, int socket);

/** Free it, and the fragments it holds. NULL is allowed. */
void saker_reassembler_free(struct saker_reassembler *r);

/** What became of a fragment. */
struct saker_reassembly {
	struct rte_mbuf *m;   /**< a whole packet, one segment; NULL: there is none yet */
	enum saker_drop why;  /**< reason why the fragment was refused, SAKER_OK: it was taken */
	unsigned int dropped; /**< fragments that were given up, of this or an older packet */
};

/**
 * Take a fragment.
 * @param m one segment that begins with the IP header and ends with the packet; consumed
 * @param v what saker_ip_read() said of it; v->fragment is true
 * @param tsc time stamp counter, never going back
 * @return with `m`, a packet whose header must be read again; `dropped` counts a refused one too
 */
struct saker_reassembly saker_reassemble(struct saker_reassembler *r, struct rte_mbuf *m,
	const struct saker_ip_view *v, uint64_t tsc);

/** True if fragments are held. */
bool saker_reassembler_busy(const struct saker_reassembler *r);

/** Give up fragments whose time is over. @return how many there were */
unsigned int saker_reassembler_expire(struct saker_reassembler *r, uint64_t tsc);

#endif
