/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef VAES_GHASH_H
#define VAES_GHASH_H

/**
 * @file
 * GHASH of 16 slots side by side, a block of each (a row) after the other, two at a time. This
 * needs no power of H above the second, and slots wait little for their own products: there are
 * 15 others.
 *
 * Where all slots have one key and as many rows each, row by row they share a power of H too. Then
 * the products are summed, and reduced once.
 */

#include "vaes_gf.h"
#include "vaes_rows.h"

/* GHASH of all lanes, in registers. */
struct hash_lanes {
	vec y[QUADS];
	struct gf_sum sums[QUADS];
};

ALWAYS_INLINE void
hash_begin(struct hash_lanes *s)
{
	UNROLL
	for (int q = 0; q < QUADS; q++)
		s->y[q] = _mm512_setzero_si512();
}

ALWAYS_INLINE void
hash_load(struct hash_lanes *s, const struct vaes_group *g)
{
	UNROLL
	for (int q = 0; q < QUADS; q++)
		s->y[q] = g->state.quad[q];
}

ALWAYS_INLINE void
hash_store(const struct hash_lanes *s, struct vaes_group *g)
{
	UNROLL
	for (int q = 0; q < QUADS; q++)
		g->state.quad[q] = s->y[q];
}

/* H^n of a quad, n is 1 or 2. */
ALWAYS_INLINE struct gf_factor
hash_key(const struct vaes_group *g, const int q, const int n)
{
	return (struct gf_factor){ g->h[n - 1].quad[q], g->folded_h[n - 1].quad[q] };
}

/* One more block of every lane. Step by step for all quads, or each would wait for itself. */
ALWAYS_INLINE void
hash_row(struct hash_lanes *s, const struct vaes_group *g, const vec x[QUADS])
{
	struct gf_sum products[QUADS];

	UNROLL
	for (int q = 0; q < QUADS; q++)
		products[q] = gf_product(xor2(s->y[q], x[q]), hash_key(g, q, 1));
	UNROLL
	for (int q = 0; q < QUADS; q++)
		s->y[q] = gf_reduce(products[q]);
}

/* Two more: one reduction, and one wait. */
ALWAYS_INLINE void
hash_pair(struct hash_lanes *s, const struct vaes_group *g, const vec x[QUADS], const vec x2[QUADS])
{
	struct gf_sum products[QUADS];

	UNROLL
	for (int q = 0; q < QUADS; q++)
		products[q] = gf_product(x2[q], hash_key(g, q, 1));
	UNROLL
	for (int q = 0; q < QUADS; q++)
		products[q] = gf_add(
			products[q], gf_product(xor2(s->y[q], x[q]), hash_key(g, q, 2)));
	UNROLL
	for (int q = 0; q < QUADS; q++)
		s->y[q] = gf_reduce(products[q]);
}

/* A row that some lanes have no part in; they stay as they are. */
ALWAYS_INLINE void
hash_part_row(struct hash_lanes *s, const struct vaes_group *g, const vec x[QUADS],
	const struct row_mask *mask)
{
	vec before[QUADS];

	UNROLL
	for (int q = 0; q < QUADS; q++)
		before[q] = s->y[q];
	hash_row(s, g, x);
	UNROLL
	for (int q = 0; q < QUADS; q++)
		s->y[q] = update_part(before[q], s->y[q], mask->quad[q]);
}

/* One more block of every lane, of which `left` come, this one included. */
ALWAYS_INLINE void
sum_row(struct hash_lanes *s, const struct vaes_group *g, const vec x[QUADS], size_t left)
{
	const struct gf_factor f = { g->row_power[left], g->row_folded[left] };

	UNROLL
	for (int q = 0; q < QUADS; q++)
		s->sums[q] = gf_add(s->sums[q], gf_product(x[q], f));
}

/* Sums so far, in planes that only long texts use. */
ALWAYS_INLINE void
sums_load(struct hash_lanes *s, const struct vaes_group *g)
{
	UNROLL
	for (int q = 0; q < QUADS; q++)
		s->sums[q] = (struct gf_sum){ g->power[0].quad[q], g->power[1].quad[q],
			g->power[2].quad[q] };
}

ALWAYS_INLINE void
sums_store(const struct hash_lanes *s, struct vaes_group *g)
{
	UNROLL
	for (int q = 0; q < QUADS; q++) {
		g->power[0].quad[q] = s->sums[q].low;
		g->power[1].quad[q] = s->sums[q].middle;
		g->power[2].quad[q] = s->sums[q].high;
	}
}

/* A row that all lanes have octets in: whole blocks, or less. */
ALWAYS_INLINE void
load_row(vec x[QUADS], const struct rows *r, size_t at, size_t whole)
{
	const bool part = at >= whole;
	struct row_mask mask;

	if (part)
		mask_row(&mask, r, at);
	UNROLL
	for (int q = 0; q < QUADS; q++)
		x[q] = reverse(part ? gather_part(r->in + 4 * q, at, mask.quad[q])
				    : gather(r->in + 4 * q, at));
}

/* Are there two rows of all lanes, as AAD mostly has? */
ALWAYS_INLINE bool
are_two_rows(struct extent len)
{
	return len.least == len.most && len.least > BLOCK && len.least <= 2 * BLOCK;
}

/*
 * These: no loop, whose constants would be put aside, and no masks. The second row are the last
 * octets, in another order; those that the first row has too become zero.
 */
ALWAYS_INLINE void
load_two_rows(vec x[QUADS], vec x2[QUADS], const struct rows *r, size_t len)
{
	const vec reversed = all_lanes(0x0c0d0e0f, 0x08090a0b, 0x04050607, 0x00010203);
	const vec twice = _mm512_set1_epi8((char)(2 * BLOCK - len));
	/* a number beyond the block gets its upper bit set */
	const vec order = _mm512_adds_epu8(
		_mm512_add_epi8(reversed, twice), _mm512_set1_epi8(0x80 - BLOCK));

	UNROLL
	for (int q = 0; q < QUADS; q++) {
		x[q] = reverse(gather(r->in + 4 * q, 0));
		x2[q] = _mm512_shuffle_epi8(gather(r->in + 4 * q, len - BLOCK), order);
	}
}

/* hash_rows() from the beginning, to be summed. */
ALWAYS_INLINE void
sum_rows(struct hash_lanes *s, const struct vaes_group *g, const struct rows *r)
{
	const struct extent len = extent_of(r);
	const size_t whole = len.least / BLOCK * BLOCK, end = len.most;
	vec x[QUADS], x2[QUADS];

	UNROLL
	for (int q = 0; q < QUADS; q++)
		s->sums[q] = (struct gf_sum){ _mm512_setzero_si512(), _mm512_setzero_si512(),
			_mm512_setzero_si512() };
	if (are_two_rows(len)) {
		load_two_rows(x, x2, r, len.least);
		sum_row(s, g, x, g->rows);
		sum_row(s, g, x2, g->rows - 1);
		return;
	}
	for (size_t at = 0; at < end; at += BLOCK) {
		load_row(x, r, at, whole);
		sum_row(s, g, x, g->rows - at / BLOCK);
	}
}

/* All octets of all lanes, those of each padded to whole blocks. */
ALWAYS_INLINE void
hash_rows(struct hash_lanes *s, const struct vaes_group *g, const struct rows *r)
{
	const struct extent len = extent_of(r);
	const size_t least = len.least, whole = least / BLOCK * BLOCK, end = len.most;
	size_t at = 0;
	struct row_mask mask;
	vec x[QUADS], x2[QUADS];

	if (are_two_rows(len)) {
		load_two_rows(x, x2, r, least);
		hash_pair(s, g, x, x2);
		return;
	}
	for (; at + BLOCK < least; at += 2 * BLOCK) {
		load_row(x, r, at, whole);
		load_row(x2, r, at + BLOCK, whole);
		hash_pair(s, g, x, x2);
	}
	for (; at < least; at += BLOCK) {
		load_row(x, r, at, whole);
		hash_row(s, g, x);
	}
	for (; at < end; at += BLOCK) {
		mask_row(&mask, r, at);
		UNROLL
		for (int q = 0; q < QUADS; q++)
			x[q] = reverse(gather_part(r->in + 4 * q, at, mask.quad[q]));
		hash_part_row(s, g, x, &mask);
	}
}

/* The lengths, in bits: the last block of each lane. */
ALWAYS_INLINE void
length_row(vec x[QUADS], const struct vaes_group *g)
{
	UNROLL
	for (int q = 0; q < QUADS; q++) {
		unsigned int slot = g->first + 4 * (unsigned int)q;
		__m128i text = _mm_loadu_si128((const void *)&g->batch->len[slot]);
		__m128i aad = _mm_loadl_epi64((const void *)&g->batch->aad_len[slot]);
		vec octets = _mm512_maskz_expand_epi64(
			0x55, _mm512_cvtepu32_epi64(_mm256_castsi128_si256(text)));

		octets = _mm512_mask_expand_epi64(octets, 0xaa, _mm512_cvtepu16_epi64(aad));
		x[q] = _mm512_slli_epi64(octets, 3);
	}
}

/* The last block; then the tags are in s->y. */
ALWAYS_INLINE void
hash_finish(struct hash_lanes *s, const struct vaes_group *g)
{
	vec x[QUADS];

	length_row(x, g);
	hash_row(s, g, x);
	UNROLL
	for (int q = 0; q < QUADS; q++)
		s->y[q] = xor2(reverse(s->y[q]), g->pad.quad[q]);
}

/* The same of sums. */
ALWAYS_INLINE void
sum_finish(struct hash_lanes *s, const struct vaes_group *g)
{
	vec x[QUADS];

	length_row(x, g);
	sum_row(s, g, x, 1);
	UNROLL
	for (int q = 0; q < QUADS; q++)
		s->y[q] = xor2(reverse(gf_reduce(s->sums[q])), g->pad.quad[q]);
}

/*
 * A long text leaves four sums, those of its blocks 0, 4, 8.., 1, 5, 9.. and so on, by powers of
 * H^4 (vaes_long.h). They are hashed as if they were blocks; the state is in the first sum.
 * A slot without text has left none.
 */
ALWAYS_INLINE void
hash_rest(struct hash_lanes *s, const struct vaes_group *g)
{
	vec before[QUADS];

	UNROLL
	for (int q = 0; q < QUADS; q++) {
		before[q] = s->y[q];
		s->y[q] = _mm512_setzero_si512();
	}
	hash_pair(s, g, g->rest[0].quad, g->rest[1].quad);
	hash_pair(s, g, g->rest[2].quad, g->rest[3].quad);
	UNROLL
	for (int q = 0; q < QUADS; q++) {
		unsigned int slot = g->first + 4 * (unsigned int)q;
		__m128i text = _mm_loadu_si128((const void *)&g->batch->len[slot]);
		vec len = _mm512_cvtepu32_epi64(_mm256_castsi128_si256(text));
		const vec pairs = _mm512_setr_epi64(0, 0, 1, 1, 2, 2, 3, 3);
		__mmask8 none = _mm512_testn_epi64_mask(
			_mm512_permutexvar_epi64(pairs, len), _mm512_set1_epi64(-1));

		s->y[q] = _mm512_mask_mov_epi64(s->y[q], none, before[q]);
	}
}

/* H in the form of vaes_gf.h, from E(0). */
ALWAYS_INLINE void
make_hash_keys(struct vaes_group *g)
{
	UNROLL
	for (int q = 0; q < QUADS; q++) {
		const vec h = gf_times_x(reverse(g->zero.quad[q])), h2 = gf_square(h);

		g->h[0].quad[q] = h;
		g->h[1].quad[q] = h2;
		g->folded_h[0].quad[q] = gf_fold(h);
		g->folded_h[1].quad[q] = gf_fold(h2);
	}
}

ALWAYS_INLINE void
store_power(struct vaes_group *g, const int i, const vec power[QUADS])
{
	UNROLL
	for (int q = 0; q < QUADS; q++) {
		g->power[i].quad[q] = power[q];
		g->folded[i].quad[q] = gf_fold(power[q]);
	}
}

/* The powers that long texts need. */
ALWAYS_INLINE void
make_powers(struct vaes_group *g)
{
	vec h4[QUADS], h8[QUADS], p[QUADS];

	if (g->shared && g->powers)
		return;
	g->powers = true;
	UNROLL
	for (int q = 0; q < QUADS; q++)
		h4[q] = gf_square(g->h[1].quad[q]);
	store_power(g, 0, h4);
	UNROLL
	for (int q = 0; q < QUADS; q++)
		h8[q] = gf_square(h4[q]);
	store_power(g, 1, h8);
	UNROLL
	for (int q = 0; q < QUADS; q++)
		p[q] = gf_multiply(h8[q], gf_factor(h4[q]));
	store_power(g, 2, p);
	UNROLL
	for (int q = 0; q < QUADS; q++)
		p[q] = gf_square(h8[q]);
	store_power(g, 3, p);
}

ALWAYS_INLINE void
store_row_power(struct vaes_group *g, unsigned int i, vec power)
{
	g->row_power[i] = power;
	g->row_folded[i] = gf_fold(power);
}

/* H to H^n of a shared key, four at a time; those that are there already stay. */
ALWAYS_INLINE void
make_row_powers(struct vaes_group *g, unsigned int n)
{
	struct gf_factor h4;

	if (g->row_powers == 0) {
		const vec h = g->h[0].quad[0], h2 = g->h[1].quad[0];

		store_row_power(g, 1, h);
		store_row_power(g, 2, h2);
		store_row_power(g, 3, gf_multiply(h2, gf_factor(h)));
		store_row_power(g, 4, gf_square(h2));
		g->row_powers = 4;
	}
	h4 = (struct gf_factor){ g->row_power[4], g->row_folded[4] };
	for (; g->row_powers < n; g->row_powers += 4) {
		UNROLL
		for (unsigned int i = 1; i <= 4; i++)
			store_row_power(g, g->row_powers + i,
				gf_multiply(g->row_power[g->row_powers - 4 + i], h4));
	}
	if (g->most_powers < g->row_powers)
		g->most_powers = g->row_powers;
}

#endif
