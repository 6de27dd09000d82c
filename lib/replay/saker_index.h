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

/** An index; see saker_index_init(). */
struct saker_index {
	uint64_t *place; /**< hash << 32 | number + 1; 0: empty */
	uint32_t mask;
	uint8_t shift; /**< from hash to first place */
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

/** Begin an empty index. @param place saker_index_places() places, zeroed; the caller's */
static inline void
saker_index_init(struct saker_index *x, uint64_t *place, uint32_t places)
{
	x->place = place;
	x->mask = places - 1;
	x->shift = (uint8_t)(32 - __builtin_ctz(places));
}

/**
 * Keyed hash, multiplicative: its upper bits hang on all of the key. Factors are odd, so that keys
 * that differ in few bits only, as those of neighbouring sources do, share no first place because
 * of these (Dietzfelbinger et al., "A reliable randomized algorithm for the closest-pair problem").
 */
static inline uint32_t
saker_index_hash(const struct saker_index *x, const struct saker_index_key *k)
{
	uint64_t one = k->word[0] ^ x->secret[0];
	uint64_t other = k->word[1] ^ k->word[2] << 20 ^ x->secret[1];
	uint64_t product = (one | 1) * (other | 1);

	return (uint32_t)((product ^ product >> 32) * UINT64_C(0x9e3779b97f4a7c15) >> 32);
}

/** Number of the first place to look at. */
static inline uint32_t
saker_index_home(const struct saker_index *x, uint32_t hash)
{
	return hash >> x->shift;
}

/**
 * The first number with this hash at or behind @p *at. Different keys may share a hash: compare
 * the entry's key, and call again if it is another one.
 * @param at place to go on from; begin with saker_index_home()
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
