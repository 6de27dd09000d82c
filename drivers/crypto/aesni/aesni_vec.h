/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef AESNI_VEC_H
#define AESNI_VEC_H

/**
 * @file
 * Two kinds of vector: `block` is one AES block; `wide` is as many neighbouring blocks of a text as
 * the processor takes at once: two with VAES, else one, and then it is a block.
 *
 * What takes constants (counts, rounds) is always inlined, so that one text serves all suites and
 * directions, and loops over vectors become registers.
 */

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define NOINLINE      __attribute__((noinline))
#ifdef __clang__
#define UNROLL      _Pragma("clang loop unroll(full)")
#define KEEP_ROLLED _Pragma("clang loop unroll(disable)")
#else
#define UNROLL      _Pragma("GCC unroll 16")
#define KEEP_ROLLED _Pragma("GCC unroll 1")
#endif

#define BLOCK 16 /* octets */

typedef __m128i block;

ALWAYS_INLINE block
load(const void *p)
{
	return _mm_loadu_si128(p);
}

ALWAYS_INLINE void
store(void *p, block v)
{
	_mm_storeu_si128(p, v);
}

ALWAYS_INLINE block
xor2(block a, block b)
{
	return _mm_xor_si128(a, b);
}

/* Four 32-bit words, the one at the lowest address first. */
ALWAYS_INLINE block
words(uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
	return _mm_setr_epi32((int)a, (int)b, (int)c, (int)d);
}

/* A number as the last word of a counter block. */
ALWAYS_INLINE block
counter_word(uint32_t n)
{
	return _mm_slli_si128(_mm_cvtsi32_si128((int)__builtin_bswap32(n)), 12);
}

/* Reverse the octets: GHASH reads its blocks from the other end. */
ALWAYS_INLINE block
reverse(block v)
{
	return _mm_shuffle_epi8(v, words(0x0c0d0e0f, 0x08090a0b, 0x04050607, 0x00010203));
}

ALWAYS_INLINE block
swap_halves(block v)
{
	return _mm_shuffle_epi32(v, 0x4e);
}

#ifdef __VAES__

#define WIDE 2 /* blocks */

typedef __m256i wide;

ALWAYS_INLINE wide
wide_load(const void *p)
{
	return _mm256_loadu_si256(p);
}

ALWAYS_INLINE void
wide_store(void *p, wide v)
{
	_mm256_storeu_si256(p, v);
}

/* One block, everywhere. */
ALWAYS_INLINE wide
wide_of(block v)
{
	return _mm256_broadcastsi128_si256(v);
}

/* One block, the others are zero. */
ALWAYS_INLINE wide
wide_first(block v)
{
	return _mm256_zextsi128_si256(v);
}

ALWAYS_INLINE wide
wide_second(block v)
{
	return _mm256_inserti128_si256(_mm256_setzero_si256(), v, 1);
}

/* The first block. */
ALWAYS_INLINE block
wide_block(wide v)
{
	return _mm256_castsi256_si128(v);
}

/*
 * Two blocks that were not stored together: to load them together would wait for both stores.
 */
ALWAYS_INLINE wide
load_pair(const block p[2])
{
	return _mm256_inserti128_si256(_mm256_castsi128_si256(load(p)), load(p + 1), 1);
}

/* Two blocks that will be loaded together. */
ALWAYS_INLINE void
store_pair(block p[2], block a, block b)
{
	wide_store(p, _mm256_inserti128_si256(_mm256_castsi128_si256(a), b, 1));
}

/* Sum of the blocks. */
ALWAYS_INLINE block
wide_sum(wide v)
{
	return xor2(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
}

ALWAYS_INLINE wide
wide_xor(wide a, wide b)
{
	return _mm256_xor_si256(a, b);
}

/* Of words. */
ALWAYS_INLINE wide
wide_add(wide a, wide b)
{
	return _mm256_add_epi32(a, b);
}

ALWAYS_INLINE wide
wide_aes(wide v, wide k)
{
	return _mm256_aesenc_epi128(v, k);
}

ALWAYS_INLINE wide
wide_aes_last(wide v, wide k)
{
	return _mm256_aesenclast_epi128(v, k);
}

ALWAYS_INLINE wide
wide_swap_halves(wide v)
{
	return _mm256_shuffle_epi32(v, 0x4e);
}

ALWAYS_INLINE wide
wide_reverse(wide v)
{
	return _mm256_shuffle_epi8(
		v, wide_of(words(0x0c0d0e0f, 0x08090a0b, 0x04050607, 0x00010203)));
}

#define wide_clmul(a, b, halves) _mm256_clmulepi64_epi128(a, b, halves)

#else

#define WIDE 1

typedef block wide;

#define wide_load(p)             load(p)
#define wide_store(p, v)         store(p, v)
#define wide_of(v)               (v)
#define wide_first(v)            (v)
#define wide_second(v)           (v)
#define wide_sum(v)              (v)
#define wide_block(v)            (v)
#define load_pair(p)             load(p)
#define wide_xor(a, b)           xor2(a, b)
#define wide_add(a, b)           _mm_add_epi32(a, b)
#define wide_aes(v, k)           _mm_aesenc_si128(v, k)
#define wide_aes_last(v, k)      _mm_aesenclast_si128(v, k)
#define wide_swap_halves(v)      swap_halves(v)
#define wide_reverse(v)          reverse(v)
#define wide_clmul(a, b, halves) _mm_clmulepi64_si128(a, b, halves)

ALWAYS_INLINE void
store_pair(block p[2], block a, block b)
{
	p[0] = a;
	p[1] = b;
}

#endif

#endif
