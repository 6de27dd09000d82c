/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_STATLINE_H
#define SAKER_STATLINE_H

/**
 * @file
 * One line on what went on since the last one: `--stats-period`.
 *
 * Threads: the main lcore only.
 */

#include "gateway.h"

#define SAKER_STATLINE_MAX 256

/** Sums over all workers, by direction. */
struct saker_statsum {
	uint64_t in_packets[SAKER_DIRECTIONS];
	uint64_t out_packets[SAKER_DIRECTIONS];
	uint64_t out_octets[SAKER_DIRECTIONS];
	uint64_t drops[SAKER_DIRECTIONS];
};

/** Where the last line stood. */
struct saker_statline {
	uint64_t tsc;
	struct saker_statsum sum;
	uint64_t busy[SAKER_MAX_WORKERS];
};

/** Begin: the next line tells what happens from now on. */
void saker_statline_begin(struct saker_statline *l, const struct saker_gateway *g);

/**
 * Write the line of what happened since the last one, without a line feed:
 * packets taken and given, Gbit/s given (IP packets, without Ethernet), drops, by direction and
 * second, and the lcore with the largest share of its time in packets.
 */
void saker_statline_take(
	struct saker_statline *l, const struct saker_gateway *g, char *text, size_t size);

#endif
