/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_FACTOR_H
#define SAKER_FACTOR_H

/**
 * @file
 * Multipliers for hash tables that are built once and then only read. A key out of its first place
 * costs a branch that no processor foresees, so who builds a table tries several multipliers and
 * keeps the one that puts the fewest keys out of theirs; of a few dozen keys, mostly none.
 *
 * Threads: any.
 */

#include <stdint.h>

/** Multipliers worth trying for @p keys keys: fewer where a trial takes longer, and gains less. */
static inline unsigned int
saker_factor_trials(unsigned int keys)
{
	const unsigned int most = 256, placed = 65536; /* keys in all trials */
	unsigned int trials = placed / (keys + 1);

	return trials > most ? most : trials + (trials == 0);
}

/** Number @p n of a fixed series of odd numbers without pattern: splitmix64 (Steele et al.). */
static inline uint64_t
saker_factor(uint64_t n)
{
	uint64_t z = (n + 1) * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (z ^ z >> 31) | 1;
}

#endif
