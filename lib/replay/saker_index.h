/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_INDEX_H
#define SAKER_INDEX_H

/**
 * @file
 * From a (source, session) to the number of its entry: an index by open addressing, at most half
 * full, whose places hold a hash of 32 bits and a number. Keys themselves lie in the entries. The
 * hash is keyed by a secret of the table's own, so that nobody can choose sources that collide.
 *
 * Threads: an index belongs to one lcore.
 */

#include <stdbool.h>
#include <stdint.h>

/** What identifies an entry, as words. */
struct saker_index_key {
	uint64_t word[3];
};

/** An index; the caller allocates saker_index_places() places, zeroed. */
struct saker_index {
	uint64_t *place; /**< hash << 32 | number + 1; 0: empty */
	uint32_t mask;
	uint64_t secret[2];
};

/** Places for @p entries entries: a power of two. */
static inline uint32_t
saker_index_places(uint32_t entries)
{
	uint32_t n = 4;

	while (n < 2 * (uint64_t)entries)
		n *= 2;
	return n;
}

/** Keyed hash: two halves of a product, each bit of which hangs on all bits of the key. */
static inline uint32_t
saker_index_hash(const struct saker_index *x, const struct saker_index_key *k)
{
	unsigned __int128 product = (unsigned __int128)(k->word[0] ^ x->secret[0]) *
				    (k->word[1] ^ (k->word[2] << 20) ^ x->secret[1]);

	return (uint32_t)(product >> 64) ^ (uint32_t)(product >> 32) ^ (uint32_t)product;
}

/** First place to look. */
static inline const uint64_t *
saker_index_home(const struct saker_index *x, uint32_t hash)
{
	return &x->place[hash & x->mask];
}

/**
 * The first number with this hash at or behind @p *at. Different keys may share a hash: compare
 * the entry's key, and call again if it is another one.
 * @param at place to go on from; begin with @p hash
 * @return a number, or -1: there is none
 */
static inline int32_t
saker_index_next(const struct saker_index *x, uint32_t hash, uint32_t *at)
{
	for (;;) {
		uint64_t place = x->place[(*at)++ & x->mask];

		if (place == 0)
			return -1;
		if (place >> 32 == hash)
			return (int32_t)(place & UINT32_MAX) - 1;
	}
}

/** Add a number that is not there. There is room: at most half of all places are in use. */
void saker_index_add(struct saker_index *x, uint32_t hash, uint32_t number);

/** Remove a number that is there. */
void saker_index_remove(struct saker_index *x, uint32_t hash, uint32_t number);

#endif
