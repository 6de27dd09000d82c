/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef VAES_GF_H
#define VAES_GF_H

/**
 * @file
 * Multiplication in the field of GHASH, lane by lane.
 *
 * Blocks are held reversed, so that bit i of a lane is the coefficient of x^(127 - i). A product
 * of two such lanes lacks a factor of x; every factor that is a key or a power of it is kept
 * multiplied by x once to make up for it (Gueron and Kounavis, "Intel Carry-Less Multiplication
 * Instruction and its Usage for Computing the GCM Mode").
 *
 * A carry-less multiplication is the dearest instruction in reach, so a product takes three of
 * them (Karatsuba) instead of four.
 */

#include "vaes_vec.h"

/* A factor that is used again, and the sum of its halves. */
struct gf_factor {
	vec plain, folded;
};

/* A sum of products that is still to be reduced: low + middle x^64 + high x^128, where middle
 * has low and high in it. */
struct gf_sum {
	vec low, middle, high;
};

ALWAYS_INLINE vec
gf_fold(vec v)
{
	return xor2(v, swap_halves(v));
}

ALWAYS_INLINE struct gf_factor
gf_factor(vec v)
{
	return (struct gf_factor){ v, gf_fold(v) };
}

ALWAYS_INLINE struct gf_sum
gf_product(vec a, struct gf_factor b)
{
	return (struct gf_sum){
		.low = _mm512_clmulepi64_epi128(a, b.plain, 0x00),
		.middle = _mm512_clmulepi64_epi128(gf_fold(a), b.folded, 0x00),
		.high = _mm512_clmulepi64_epi128(a, b.plain, 0x11),
	};
}

ALWAYS_INLINE struct gf_sum
gf_add(struct gf_sum s, struct gf_sum t)
{
	return (struct gf_sum){
		.low = xor2(s.low, t.low),
		.middle = xor2(s.middle, t.middle),
		.high = xor2(s.high, t.high),
	};
}

/* v x^128 as v x^64 in 128 bits: modulo the field's polynomial the lower half, which would leave
 * below, comes back above. */
ALWAYS_INLINE vec
gf_turn(vec v)
{
	const vec polynomial = _mm512_set1_epi64((long long)0xc200000000000000ULL);

	return xor2(swap_halves(v), _mm512_clmulepi64_epi128(v, polynomial, 0x00));
}

ALWAYS_INLINE vec
gf_reduce(struct gf_sum s)
{
	vec middle = xor3(s.middle, s.low, s.high);

	return xor2(s.high, gf_turn(xor2(middle, gf_turn(s.low))));
}

ALWAYS_INLINE vec
gf_multiply(vec a, struct gf_factor b)
{
	return gf_reduce(gf_product(a, b));
}

/* Squares have no middle product. */
ALWAYS_INLINE vec
gf_square(vec a)
{
	vec low = _mm512_clmulepi64_epi128(a, a, 0x00);
	vec high = _mm512_clmulepi64_epi128(a, a, 0x11);

	return xor2(high, gf_turn(gf_turn(low)));
}

/* Multiply by x: the form in which a key is kept. Bits 63 and 127 carry over, the latter by the
 * polynomial. */
ALWAYS_INLINE vec
gf_times_x(vec v)
{
	const vec carries = all_lanes(1, 0, 1, 0xc2000000);
	vec out = _mm512_srai_epi32(_mm512_shuffle_epi32(v, 0xd3), 31);

	return xor2(_mm512_add_epi64(v, v), _mm512_and_si512(out, carries));
}

#endif
