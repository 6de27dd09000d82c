/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef VAES_CODE_H
#define VAES_CODE_H

/**
 * @file
 * The driver's work, vaes_code.c, as it is built twice: for groups of 16 slots, and for groups of
 * four, where nothing is done for the 12 that a small batch does not have.
 */

#include "saker_crypto.h"

#define VAES_SMALL_BATCH 4 /* slots that saker_vaes_small takes at most */

/* As struct saker_crypto_ops. A context is `size` zeroed octets that are good for keys; between
 * calls nothing of it matters. */
struct vaes_code {
	size_t size;
	void (*set_master)(void *ctx, const uint8_t *key, struct saker_master *m);
	void (*derive)(void *ctx, struct saker_batch *b, struct saker_data_key *keys);
	unsigned int (*seal)(void *ctx, struct saker_batch *b);
	unsigned int (*open)(void *ctx, struct saker_batch *b);
};

extern const struct vaes_code saker_vaes_small, saker_vaes_large;

#endif
