/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_WATCH_H
#define SAKER_WATCH_H

/**
 * @file
 * Looking at packets on their way: captures copy them into a ring, traces note what became of
 * them. A worker reads once a round what is wanted; while nothing is, that is all it costs.
 *
 * Threads: the control thread fills the struct and then sets `on`; workers do the rest. Before it
 * takes anything back it clears `on` and waits until every worker was quiescent.
 */

#include <stdatomic.h>
#include <stdint.h>

#include <rte_mbuf.h>
#include <rte_ring.h>

/** Where packets can be captured. */
enum saker_point {
	SAKER_POINT_CLEAR_IN,   /**< received by a clear port */
	SAKER_POINT_CIPHER_OUT, /**< given to a cipher port: sealed, or passed by a policy */
	SAKER_POINT_CIPHER_IN,  /**< received by a cipher port */
	SAKER_POINT_CLEAR_OUT,  /**< given to a clear port */
	SAKER_POINT_DROPS,      /**< dropped, as they were then */
	SAKER_POINTS
};

/** Bit of `on` beside those of the points: packets are traced. */
#define SAKER_WATCH_TRACE (1u << SAKER_POINTS)

struct saker_trace;
struct saker_worker;

/** What is wanted of all workers. */
struct saker_watch {
	_Atomic uint32_t on;      /**< bit mask of points, and SAKER_WATCH_TRACE */
	struct rte_ring *ring;    /**< takes copies; many producers, one consumer */
	struct rte_mempool *pool; /**< of copies; private area: struct saker_capture_tag */
	struct saker_trace *trace;
};

/** What is known of a copy. */
struct saker_capture_tag {
	uint64_t unix_ns;
	uint8_t point; /**< enum saker_point */
	uint8_t why;   /**< enum saker_drop, SAKER_OK unless the point is drops */
	uint8_t bare;  /**< it begins with the IP header: the Ethernet header is gone */
};

/** Name of a point, as commands and captures spell it. */
const char *saker_point_name(enum saker_point p);

/** Copy packets that were received, or that are about to be sent. */
void saker_watch_frames(
	struct saker_worker *w, enum saker_point p, struct rte_mbuf *const *m, uint16_t n);

/** Copy packets that a port did not take. */
void saker_watch_refused(
	struct saker_worker *w, struct rte_mbuf *const *m, uint16_t n, unsigned int why);

/** A burst begins; only while something is wanted. @param d enum saker_direction */
void saker_watch_begin(struct saker_worker *w, unsigned int d);

/** Losers of a stage, before they are settled. @param stage index in the direction's table */
void saker_watch_losers(struct saker_worker *w, unsigned int d, unsigned int stage);

/** What is left of the burst is about to be sent. */
void saker_watch_sent(struct saker_worker *w, unsigned int d);

#endif
