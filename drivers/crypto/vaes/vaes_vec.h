/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef VAES_VEC_H
#define VAES_VEC_H

/**
 * @file
 * A vector is four AES blocks, its lanes. Work on keys puts a slot into each lane; work on a
 * long text puts neighbouring blocks side by side.
 *
 * What takes constants (counts, rounds) is always inlined, so that one text serves all suites and
 * directions, and loops over vectors become registers.
 */

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define NOINLINE      __attribute__((noinline))
#ifdef __clang__
#define UNROLL      _Pragma("clang loop unroll(full)")
#define KEEP_ROLLED _Pragma("clang loop unroll(disable)")
#else
#define UNROLL      _Pragma("GCC unroll 16")
#define KEEP_ROLLED _Pragma("GCC unroll 1")
#endif

/* Compilers that read ahead run out of registers, and put keys on the stack. */
#define NOTHING_AHEAD __asm__ volatile("" : : : "memory")

#define BLOCK 16 /* octets of a lane */
#define VEC   64 /* octets of a vector */

typedef __m512i vec;

ALWAYS_INLINE vec
xor2(vec a, vec b)
{
	return _mm512_xor_si512(a, b);
}

ALWAYS_INLINE vec
xor3(vec a, vec b, vec c)
{
	return _mm512_ternarylogic_epi64(a, b, c, 0x96);
}

/* One block in all lanes. From memory this is a load and nothing else. */
ALWAYS_INLINE vec
broadcast(const void *p)
{
	return _mm512_broadcast_i32x4(_mm_loadu_si128(p));
}

/* Four 32-bit words in all lanes, the one at the lowest address first. */
ALWAYS_INLINE vec
all_lanes(uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
	return _mm512_broadcast_i32x4(_mm_setr_epi32((int)a, (int)b, (int)c, (int)d));
}

ALWAYS_INLINE vec
lanes(__m128i a, __m128i b, __m128i c, __m128i d)
{
	vec v = _mm512_inserti32x4(_mm512_castsi128_si512(a), b, 1);

	return _mm512_inserti32x4(_mm512_inserti32x4(v, c, 2), d, 3);
}

/* Lane l from p[l] + at. */
ALWAYS_INLINE vec
gather(const uint8_t *const *p, size_t at)
{
	return lanes(_mm_loadu_si128((const void *)(p[0] + at)),
		_mm_loadu_si128((const void *)(p[1] + at)),
		_mm_loadu_si128((const void *)(p[2] + at)),
		_mm_loadu_si128((const void *)(p[3] + at)));
}

/* Lane j of vector i becomes lane i of vector j. */
ALWAYS_INLINE void
transpose(vec v[4])
{
	vec ab = _mm512_shuffle_i64x2(v[0], v[1], 0x44),
	    cd = _mm512_shuffle_i64x2(v[2], v[3], 0x44);
	vec ab2 = _mm512_shuffle_i64x2(v[0], v[1], 0xee),
	    cd2 = _mm512_shuffle_i64x2(v[2], v[3], 0xee);

	v[0] = _mm512_shuffle_i64x2(ab, cd, 0x88);
	v[1] = _mm512_shuffle_i64x2(ab, cd, 0xdd);
	v[2] = _mm512_shuffle_i64x2(ab2, cd2, 0x88);
	v[3] = _mm512_shuffle_i64x2(ab2, cd2, 0xdd);
}

/* gather() from four places, at + BLOCK * i for v[i]. */
ALWAYS_INLINE void
gather4(vec v[4], const uint8_t *const *p, size_t at)
{
	UNROLL
	for (int l = 0; l < 4; l++)
		v[l] = _mm512_loadu_si512(p[l] + at);
	transpose(v);
}

/* Lane l to p[l] + at. */
ALWAYS_INLINE void
scatter_to(uint8_t *const *p, size_t at, vec v)
{
	_mm_storeu_si128((void *)(p[0] + at), _mm512_castsi512_si128(v));
	_mm_storeu_si128((void *)(p[1] + at), _mm512_extracti32x4_epi32(v, 1));
	_mm_storeu_si128((void *)(p[2] + at), _mm512_extracti32x4_epi32(v, 2));
	_mm_storeu_si128((void *)(p[3] + at), _mm512_extracti32x4_epi32(v, 3));
}

/* Lane l to p + l * stride. */
ALWAYS_INLINE void
scatter(uint8_t *p, size_t stride, vec v)
{
	_mm_store_si128((void *)p, _mm512_castsi512_si128(v));
	_mm_store_si128((void *)(p + stride), _mm512_extracti32x4_epi32(v, 1));
	_mm_store_si128((void *)(p + 2 * stride), _mm512_extracti32x4_epi32(v, 2));
	_mm_store_si128((void *)(p + 3 * stride), _mm512_extracti32x4_epi32(v, 3));
}

/* Exchange the halves of every lane. */
ALWAYS_INLINE vec
swap_halves(vec v)
{
	return _mm512_shuffle_epi32(v, 0x4e);
}

/* Reverse the octets of every lane: GHASH reads its blocks from the other end. */
ALWAYS_INLINE vec
reverse(vec v)
{
	return _mm512_shuffle_epi8(v, all_lanes(0x0c0d0e0f, 0x08090a0b, 0x04050607, 0x00010203));
}

#endif
