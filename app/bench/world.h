/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_WORLD_H
#define SAKER_WORLD_H

/**
 * @file
 * A gateway to measure: the program's own set-up from a configuration that is written for the
 * purpose, with ports that take everything and give nothing, and SN lines that need no disk. It
 * sends to itself: what its outbound path seals its inbound path opens.
 *
 * Threads: made and freed by the main thread; each worker may then be driven by one thread.
 */

#include "bench.h"
#include "gateway.h"

/** What a gateway is to be like. */
struct saker_world_plan {
	const char *driver;  /**< NULL: the best */
	const char *suite;   /**< NULL: the default */
	const char *variant; /**< NULL: source-id */
	unsigned int groups; /**< trust groups, each with one policy; at most 256 */
	uint64_t sources;    /**< that the replay windows can hold */
	bool replay;
};

/** See the file comment. */
struct saker_world {
	struct saker_gateway g;
	unsigned int ports; /**< virtual devices made */
	unsigned int first_port;
	char dir[64];
};

/** @return NULL: the reason was printed */
struct saker_world *saker_world_create(const struct saker_world_plan *plan);

/** Wipe and free. NULL is allowed. */
void saker_world_free(struct saker_world *world);

/** Buffers for packets to feed workers with. */
struct rte_mempool *saker_world_pool(struct saker_world *world);

/** Huge page memory that a world of this plan needs, in MB. */
unsigned int saker_world_mb(const struct saker_world_plan *plan, unsigned int workers);

#endif
