/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_LIFE_H
#define SAKER_LIFE_H

/**
 * @file
 * How long each value of a root key has been in use, and for how much; and its limits.
 *
 * Threads: the main lcore only. Figures of running workers are read as they are.
 */

#include "gateway.h"

struct saker_line;

/** What one value of a root key has sealed, here and since the start. */
struct saker_life {
	struct saker_life *next;
	char name[SAKER_NAME_MAX];      /**< of the root key */
	uint8_t check[SAKER_CHECK_LEN]; /**< of the value */
	uint32_t index;
	uint64_t used;             /**< edition that knew it last */
	struct saker_sn_life past; /**< of lines that are gone */
	unsigned int told;         /**< percent that was last warned about */
	bool stopped;
};

/** Figures of one value. */
struct saker_life_figures {
	uint64_t age_s;
	uint64_t packets, keys;
	unsigned int percent; /**< of the limit that is nearest, 0: there is none */
	const char *limit;    /**< its name in the configuration */
};

/**
 * The life of a value of a root key, made on first use.
 * @param key number of the root key
 * @return NULL: no memory
 */
struct saker_life *saker_life_of(struct saker_gateway *g, const struct saker_config *c,
	const struct saker_root_set *roots, unsigned int key, unsigned int generation,
	uint64_t edition);

/** Note what a line has sent that is about to go. */
void saker_life_add(const struct saker_line *line);

/** Forget values that the edition in force does not know. */
void saker_life_sweep(struct saker_gateway *g, uint64_t edition);

/** Figures of the value of a root key that seals. */
struct saker_life_figures saker_life_figures(const struct saker_gateway *g, unsigned int key);

/** Warn of limits that are near or reached, and stop where the configuration says so. */
void saker_life_check(struct saker_gateway *g);

/** Forget all. */
void saker_life_fini(struct saker_gateway *g);

#endif
