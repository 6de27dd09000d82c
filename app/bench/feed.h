/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_FEED_H
#define SAKER_FEED_H

/**
 * @file
 * Packets for a worker, as a port would hand them over: clear ones, or ones that the outbound
 * stages have just sealed under the ids of many sources, with SNs that were never used.
 *
 * Threads: a feed belongs to the thread that drives its worker.
 */

#include "world.h"

/** Sources of one feed; a source id has room for as many parts again. */
#define SAKER_FEED_SOURCES (1u << 24)

/** See the file comment. */
struct saker_feed {
	struct saker_world *world;
	struct saker_worker *w;
	unsigned int groups;
	uint64_t sources;
	uint64_t first;  /**< number of the first source: feeds of one worker share none */
	uint16_t frame;  /**< octets of the Ethernet frame, FCS left out */
	uint64_t random; /**< state of the choice of sources */
	saker_sn *last;  /**< last SN of every source */
};

/**
 * @param frame octets of an Ethernet frame with its FCS, at least 64
 * @return 0 or -errno: the reason was printed
 */
int saker_feed_init(
	struct saker_feed *feed, struct saker_world *world, unsigned int worker, uint64_t frame);

/**
 * Let packets come from this many sources, at most SAKER_FEED_SOURCES, of this many groups.
 * @param part sources of another part are others
 * @return 0 or -errno: the reason was printed
 */
int saker_feed_spread(
	struct saker_feed *feed, unsigned int groups, uint64_t sources, unsigned int part);

/** Free what belongs to a feed. */
void saker_feed_fini(struct saker_feed *feed);

/** Give @p n clear packets, at most SAKER_BURST. @return 0, or -ENOMEM: no buffers */
int saker_feed_clear(struct saker_feed *feed, struct rte_mbuf **m, uint16_t n);

/**
 * Give @p n sealed packets, at most SAKER_BURST. Works in the worker's burst.
 * @return 0 or -errno: the reason was printed
 */
int saker_feed_sealed(struct saker_feed *feed, struct rte_mbuf **m, uint16_t n);

/** Check that nothing was dropped so far. @return 0, or -EIO: what was dropped was printed */
int saker_feed_check(const struct saker_worker *w);

#endif
