/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_KEY_CACHE_H
#define SAKER_KEY_CACHE_H

/**
 * @file
 * A bounded cache of derived keys (`key_cache = N`). An optimisation only: a key that is not
 * there is derived, so nothing depends on what the cache holds.
 *
 * Threads: one cache belongs to one lcore. Memory: allocated once, wiped when freed.
 */

#include "saker_crypto.h"

struct saker_key_cache;

/**
 * @param entries keys to hold, at least 1; rounded up to a power of two
 * @return NULL: no memory
 */
struct saker_key_cache *saker_key_cache_create(
	const struct saker_crypto_ops *ops, void *ctx, unsigned int entries, int socket);

/** Wipe and free. NULL is allowed. */
void saker_key_cache_free(struct saker_key_cache *cache);

/** Wipe all keys: after root keys changed, and before any struct saker_master is reused. */
void saker_key_cache_flush(struct saker_key_cache *cache);

/**
 * Fill b->expanded for slots whose key is in the cache or could be put there. Slots of one batch
 * never evict each other's key; what they point at stays valid until the next call with this cache.
 * Slots that already have an expanded key are left alone.
 * @param b batch with kdf and master filled
 * @return how many keys were derived (cache misses)
 */
unsigned int saker_key_cache_fill(struct saker_key_cache *cache, struct saker_batch *b);

#endif
