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
 * A carry-less multiplication is the dearest instruction in reach (on Zen 5 one begins every other
 * cycle, and of anything else two or more in each). So a product takes three of them (Karatsuba)
 * instead of four, and its reduction none: multiplying by the polynomial, whose terms are close
 * together, is work for GFNI's matrices of octets.
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

/* For where others than carry-less multiplications are waited for. */
ALWAYS_INLINE vec
gf_reduce_by_clmul(struct gf_sum s)
{
	vec middle = xor3(s.middle, s.low, s.high);

	return xor2(s.high, gf_turn(xor2(middle, gf_turn(s.low))));
}

/*
 * Matrices over GF(2), one for all octets: row i, the octet 7 - i here, gives bit i. The first two
 * are the halves of an octet's product with 0xc2, where the polynomial has its terms. The others
 * put zeros between the bits of the lower and of the upper half of an octet.
 */
#define GF_TIMES_LOW   0x0001020408102143ULL
#define GF_TIMES_HIGH  0x860c183060c08000ULL
#define GF_SPREAD_LOW  0x0100020004000800ULL
#define GF_SPREAD_HIGH 0x1000200040008000ULL

ALWAYS_INLINE vec
gf_octets(vec v, uint64_t matrix)
{
	return _mm512_gf2p8affine_epi64_epi8(v, _mm512_set1_epi64((long long)matrix), 0);
}

/* What comes back of v below v x^128: the lowest octet of v 0xc2, at the highest place of v. */
ALWAYS_INLINE vec
gf_below(vec v)
{
	return _mm512_bslli_epi128(gf_octets(v, GF_TIMES_LOW), 15);
}

/* low + high x^128 as if times x^-128, once gf_below() of low is in low: all of it that is left
 * comes back above, as itself and as its product with 0xc2 x^-8. */
ALWAYS_INLINE vec
gf_wrap(vec low, vec high)
{
	vec product = _mm512_bsrli_epi128(gf_octets(low, GF_TIMES_LOW), 1);

	return xor2(xor3(high, low, product), gf_octets(low, GF_TIMES_HIGH));
}

ALWAYS_INLINE vec
gf_reduce(struct gf_sum s)
{
	vec middle = xor3(s.middle, s.low, s.high);
	vec low = xor3(s.low, gf_below(s.low), _mm512_bslli_epi128(middle, 8));

	return gf_wrap(low, xor2(s.high, _mm512_bsrli_epi128(middle, 8)));
}

ALWAYS_INLINE vec
gf_multiply(vec a, struct gf_factor b)
{
	return gf_reduce(gf_product(a, b));
}

/* A square has the bits of its root, and zeros between them. */
ALWAYS_INLINE vec
gf_square(vec a)
{
	vec even = gf_octets(a, GF_SPREAD_LOW), odd = gf_octets(a, GF_SPREAD_HIGH);
	vec low = _mm512_unpacklo_epi8(even, odd);

	return gf_wrap(xor2(low, gf_below(low)), _mm512_unpackhi_epi8(even, odd));
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
