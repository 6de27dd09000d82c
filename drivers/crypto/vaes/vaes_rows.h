/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef VAES_ROWS_H
#define VAES_ROWS_H

/**
 * @file
 * Octets of 16 slots side by side, taken a row at a time: one block of each lane. Where a lane has
 * less than a block, masks keep loads and stores inside of what is its own.
 */

#include "vaes_group.h"

/* Octets of the lanes. */
struct rows {
	const uint8_t *in[AT_ONCE];
	uint8_t *out[AT_ONCE]; /* texts only */
	uint32_t len[AT_ONCE] __attribute__((aligned(VEC)));
};

/* Bit 16 l + i of a quad: lane l has an octet i in this row. */
struct row_mask {
	uint64_t quad[AT_ONCE / 4] __attribute__((aligned(32)));
};

/* Bit i: the lane has an octet i in this unit of 64. */
struct unit_mask {
	uint64_t lane[AT_ONCE] __attribute__((aligned(VEC)));
};

/* Octets of the shortest lane and of the longest one. */
struct extent {
	size_t least, most;
};

ALWAYS_INLINE struct extent
extent_of(const struct rows *r)
{
	const vec len = _mm512_load_si512(r->len);

	if (_mm512_cmpneq_epu32_mask(len, _mm512_set1_epi32((int)r->len[0])) == 0)
		return (struct extent){ r->len[0], r->len[0] };
	return (struct extent){ _mm512_reduce_min_epu32(len), _mm512_reduce_max_epu32(len) };
}

ALWAYS_INLINE void
mask_row(struct row_mask *m, const struct rows *r, size_t at)
{
	const vec one = _mm512_set1_epi32(1), block = _mm512_set1_epi32(BLOCK);
	vec left = _mm512_sub_epi32(_mm512_load_si512(r->len), _mm512_set1_epi32((int)at));

	left = _mm512_min_epi32(_mm512_max_epi32(left, _mm512_setzero_si512()), block);
	left = _mm512_sub_epi32(_mm512_sllv_epi32(one, left), one);
	_mm256_store_si256((void *)m->quad, _mm512_cvtepi32_epi16(left));
}

ALWAYS_INLINE vec
first_octets(__m256i n)
{
	const vec one = _mm512_set1_epi64(1);

	/* shifts of 64 give 0 */
	return _mm512_sub_epi64(_mm512_sllv_epi64(one, _mm512_cvtepu32_epi64(n)), one);
}

ALWAYS_INLINE void
mask_unit(struct unit_mask *m, const struct rows *r, size_t at)
{
	vec left = _mm512_sub_epi32(_mm512_load_si512(r->len), _mm512_set1_epi32((int)at));

	left = _mm512_min_epi32(
		_mm512_max_epi32(left, _mm512_setzero_si512()), _mm512_set1_epi32(VEC));
	_mm512_store_si512(m->lane, first_octets(_mm512_castsi512_si256(left)));
	_mm512_store_si512(&m->lane[AT_ONCE / 2], first_octets(_mm512_extracti64x4_epi64(left, 1)));
}

/* Lane l of a quad's row. Not by a pointer: one to no octets may be NULL. */
ALWAYS_INLINE __m128i
load_part(const uint8_t *const *p, size_t at, uint64_t mask, const int l)
{
	const void *own = (const void *)((uintptr_t)p[l] + at);

	return _mm_maskz_loadu_epi8((__mmask16)(mask >> BLOCK * l), own);
}

ALWAYS_INLINE vec
gather_part(const uint8_t *const *p, size_t at, uint64_t mask)
{
	return lanes(load_part(p, at, mask, 0), load_part(p, at, mask, 1),
		load_part(p, at, mask, 2), load_part(p, at, mask, 3));
}

ALWAYS_INLINE void
scatter_part(uint8_t *const *p, size_t at, uint64_t mask, vec v)
{
	const __m128i lane[] = { _mm512_castsi512_si128(v), _mm512_extracti32x4_epi32(v, 1),
		_mm512_extracti32x4_epi32(v, 2), _mm512_extracti32x4_epi32(v, 3) };

	UNROLL
	for (int l = 0; l < 4; l++)
		_mm_mask_storeu_epi8(
			(void *)((uintptr_t)p[l] + at), (__mmask16)(mask >> BLOCK * l), lane[l]);
}

/* What lanes with octets in the row have become, and what the others were before. */
ALWAYS_INLINE vec
update_part(vec before, vec after, uint64_t mask)
{
	vec own = _mm512_shuffle_epi8(_mm512_movm_epi8(mask), _mm512_setzero_si512());

	return _mm512_ternarylogic_epi64(own, after, before, 0xca);
}

#endif
