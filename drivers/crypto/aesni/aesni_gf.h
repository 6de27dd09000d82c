/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef AESNI_GF_H
#define AESNI_GF_H

/**
 * @file
 * Multiplication in the field of GHASH.
 *
 * Blocks are held reversed, so that bit i is the coefficient of x^(127 - i). A product of two such
 * blocks lacks a factor of x; every factor that is a key or a power of it is kept multiplied by x
 * once to make up for it (Gueron and Kounavis, "Intel Carry-Less Multiplication Instruction and its
 * Usage for Computing the GCM Mode").
 *
 * A product takes three multiplications (Karatsuba) instead of four; for the third one, factors
 * that are used again are kept folded as well: the sum of their halves, in both halves.
 */

#include "aesni_group.h"

/* A sum of products that is still to be reduced: low + middle x^64 + high x^128, where middle
 * has low and high in it. */
struct gf_sum {
	wide low, middle, high;
};

ALWAYS_INLINE wide
gf_fold(wide v)
{
	return wide_xor(v, wide_swap_halves(v));
}

ALWAYS_INLINE struct gf_sum
gf_product(wide a, wide b, wide folded)
{
	return (struct gf_sum){
		.low = wide_clmul(a, b, 0x00),
		.middle = wide_clmul(gf_fold(a), folded, 0x00),
		.high = wide_clmul(a, b, 0x11),
	};
}

ALWAYS_INLINE struct gf_sum
gf_add(struct gf_sum s, struct gf_sum t)
{
	return (struct gf_sum){
		.low = wide_xor(s.low, t.low),
		.middle = wide_xor(s.middle, t.middle),
		.high = wide_xor(s.high, t.high),
	};
}

/* v x^128 as v x^64 in 128 bits: modulo the field's polynomial the lower half, which would leave
 * below, comes back above. */
ALWAYS_INLINE block
gf_turn(block v)
{
	const block polynomial = _mm_set1_epi64x((long long)0xc200000000000000ULL);

	return xor2(_mm_shuffle_epi32(v, 0x4e), _mm_clmulepi64_si128(v, polynomial, 0x00));
}

/* The products of all blocks of a vector count as one sum. */
ALWAYS_INLINE block
gf_reduce(struct gf_sum s)
{
	block low = wide_sum(s.low), high = wide_sum(s.high);
	block middle = xor2(wide_sum(s.middle), xor2(low, high));

	return xor2(high, gf_turn(xor2(middle, gf_turn(low))));
}

/* A product of single blocks. Four multiplications: neither of the factors was folded. */
ALWAYS_INLINE block
gf_multiply(block a, block b)
{
	block low = _mm_clmulepi64_si128(a, b, 0x00), high = _mm_clmulepi64_si128(a, b, 0x11);
	block middle = xor2(_mm_clmulepi64_si128(a, b, 0x01), _mm_clmulepi64_si128(a, b, 0x10));

	return xor2(high, gf_turn(xor2(middle, gf_turn(low))));
}

/* Squares have no middle product. */
ALWAYS_INLINE block
gf_square(block a)
{
	block low = _mm_clmulepi64_si128(a, a, 0x00), high = _mm_clmulepi64_si128(a, a, 0x11);

	return xor2(high, gf_turn(gf_turn(low)));
}

/* Multiply by x: the form in which a key is kept. Bits 63 and 127 carry over, the latter by the
 * polynomial. */
ALWAYS_INLINE block
gf_times_x(block v)
{
	block out = _mm_srai_epi32(_mm_shuffle_epi32(v, 0xd3), 31);

	return xor2(_mm_add_epi64(v, v), _mm_and_si128(out, words(1, 0, 1, 0xc2000000)));
}

/* H^(8 - i) of a key, and the same folded. */
ALWAYS_INLINE void
gf_keep(struct aesni_key *k, int i, block v)
{
	k->powers[i / 2].plain[i % 2] = v;
	k->powers[i / 2].folded[i % 2] = xor2(v, _mm_shuffle_epi32(v, 0x4e));
}

/* H and H^2, all that short texts need, from E(0). */
ALWAYS_INLINE void
gf_first_powers(struct aesni_key *k, block zero)
{
	block h = gf_times_x(reverse(zero));

	gf_keep(k, 7, h);
	gf_keep(k, 6, gf_square(h));
}

/* The other powers. */
ALWAYS_INLINE void
gf_more_powers(struct aesni_key *k)
{
	block h = k->powers[3].plain[1], h2 = k->powers[3].plain[0];
	block h3 = gf_multiply(h2, h), h4 = gf_square(h2);

	gf_keep(k, 5, h3);
	gf_keep(k, 4, h4);
	gf_keep(k, 3, gf_multiply(h4, h));
	gf_keep(k, 2, gf_square(h3));
	gf_keep(k, 1, gf_multiply(h4, h3));
	gf_keep(k, 0, gf_square(h4));
}

#endif
