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
ALWAYS_INLINE wide
gf_turn(wide v)
{
	const block polynomial = _mm_set1_epi64x((long long)0xc200000000000000ULL);

	return wide_xor(wide_swap_halves(v), wide_clmul(v, wide_of(polynomial), 0x00));
}

/* Each block of a vector by itself. */
ALWAYS_INLINE wide
gf_reduce_each(struct gf_sum s)
{
	wide middle = wide_xor(s.middle, wide_xor(s.low, s.high));

	return wide_xor(s.high, gf_turn(wide_xor(middle, gf_turn(s.low))));
}

/* The products of all blocks of a vector count as one sum. */
ALWAYS_INLINE block
gf_reduce(struct gf_sum s)
{
	return wide_sum(gf_reduce_each(s));
}

/* Squares have no middle product. */
ALWAYS_INLINE block
gf_square(block a)
{
	wide low = wide_clmul(wide_first(a), wide_first(a), 0x00);
	wide high = wide_clmul(wide_first(a), wide_first(a), 0x11);

	return wide_block(wide_xor(high, gf_turn(gf_turn(low))));
}

/* Multiply by x: the form in which a key is kept. Bits 63 and 127 carry over, the latter by the
 * polynomial. */
ALWAYS_INLINE block
gf_times_x(block v)
{
	block out = _mm_srai_epi32(_mm_shuffle_epi32(v, 0xd3), 31);

	return xor2(_mm_add_epi64(v, v), _mm_and_si128(out, words(1, 0, 1, 0xc2000000)));
}

/* H and H^2, all that short texts need, from E(0). */
ALWAYS_INLINE void
gf_first_powers(struct aesni_key *k, block zero)
{
	block h = gf_times_x(reverse(zero)), h2 = gf_square(h);
	struct aesni_powers *p = &k->powers[CHUNK / 2 - 1];

	store_pair(p->plain, h2, h);
	store_pair(p->folded, xor2(h2, swap_halves(h2)), xor2(h, swap_halves(h)));
}

/* Two powers by the higher one of two others. */
ALWAYS_INLINE void
gf_multiply_pair(
	struct aesni_powers *out, const struct aesni_powers *p, const struct aesni_powers *by)
{
	UNROLL
	for (int i = 0; i < 2; i += WIDE) {
		wide v = gf_reduce_each(gf_product(
			wide_load(p->plain + i), wide_of(by->plain[0]), wide_of(by->folded[0])));

		wide_store(out->plain + i, v);
		wide_store(out->folded + i, gf_fold(v));
	}
}

/* The other powers. */
ALWAYS_INLINE void
gf_more_powers(struct aesni_key *k)
{
	struct aesni_powers *p = k->powers;

	gf_multiply_pair(&p[2], &p[3], &p[3]);
	gf_multiply_pair(&p[1], &p[3], &p[2]);
	gf_multiply_pair(&p[0], &p[2], &p[2]);
}

#endif
