/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_OWN_H
#define SAKER_OWN_H

/**
 * @file
 * Which received sources are our own: what a packet can't name unless it is ours, come back, or
 * another gateway's that was given our source id.
 *
 * Threads: prepared with the snapshot, then read only.
 */

#include "saker_snapshot.h"

/**
 * The source that a worker's packets name: the sender's own, or, where there is no session id to
 * tell workers apart, the id or SPI that lies so far behind it.
 */
void saker_own_source(const struct saker_sender *sender, unsigned int worker, uint8_t source[16]);

/**
 * The same in the form of a replay key (stateless profile section 4): ids at the end of 8 octets,
 * a device id or an address at the start.
 */
void saker_own_key(const struct saker_sender *sender, unsigned int worker, uint8_t key[16]);

/**
 * How many ids behind a group's first own one a received source lies, as a number that is large
 * for those before it. For groups whose workers are told apart by source id or SPI.
 * @param word the first 8 octets of a replay key, as in memory
 */
static inline uint64_t
saker_own_distance(const struct saker_group *g, uint64_t word)
{
	uint64_t at = __builtin_bswap64(word), first = __builtin_bswap64(g->own[0]);

	if (g->variant == SAKER_V_CONNECTION_ID)
		return (at - first) >> 32;
	/* the top bit of an SPI tells the master key */
	return g->format->worker_spi ? (at - first) & INT32_MAX : at - first;
}

/**
 * Note in each peer group of a snapshot the sources that it sends under. In a server group both
 * directions carry the client's id, so there is nothing to tell by.
 */
void saker_own_prepare(struct saker_snapshot *s);

#endif
