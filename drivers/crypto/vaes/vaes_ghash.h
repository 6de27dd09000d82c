/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef VAES_GHASH_H
#define VAES_GHASH_H

/**
 * @file
 * GHASH of 16 slots side by side, one block of each at a time (a row). This needs no power of H,
 * and no slot waits for its own products: there are 15 others.
 *
 * Where all slots have one key and as many rows each, row by row they share a power of H too. Then
 * the products are summed, and reduced once.
 */

#include "vaes_gf.h"
#include "vaes_rows.h"

/* GHASH of all lanes, in registers. */
struct hash_lanes {
	vec y[QUADS];
	struct gf_factor h[QUADS];
	struct gf_sum sums[QUADS];
};

ALWAYS_INLINE void
hash_load(struct hash_lanes *s, const struct vaes_group *g)
{
	UNROLL
	for (int q = 0; q < QUADS; q++) {
		s->y[q] = g->state.quad[q];
		s->h[q] = gf_factor(g->h.quad[q]);
	}
}

ALWAYS_INLINE void
hash_store(const struct hash_lanes *s, struct vaes_group *g)
{
	UNROLL
	for (int q = 0; q < QUADS; q++)
		g->state.quad[q] = s->y[q];
}

/* One more block of every lane. Step by step for all quads, or each would wait for itself. */
ALWAYS_INLINE void
hash_row(struct hash_lanes *s, const vec x[QUADS])
{
	struct gf_sum products[QUADS];

	UNROLL
	for (int q = 0; q < QUADS; q++)
		products[q] = gf_product(xor2(s->y[q], x[q]), s->h[q]);
	UNROLL
	for (int q = 0; q < QUADS; q++)
		s->y[q] = gf_reduce(products[q]);
}

/* A row that some lanes have no part in; they stay as they are. */
ALWAYS_INLINE void
hash_part_row(struct hash_lanes *s, const vec x[QUADS], const struct row_mask *mask)
{
	vec before[QUADS];

	UNROLL
	for (int q = 0; q < QUADS; q++)
		before[q] = s->y[q];
	hash_row(s, x);
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

/* hash_rows() from the beginning, to be summed. */
ALWAYS_INLINE void
sum_rows(struct hash_lanes *s, const struct vaes_group *g, const struct rows *r)
{
	const size_t whole = shortest(r) / BLOCK * BLOCK, end = longest(r);
	struct row_mask mask;
	vec x[QUADS];

	UNROLL
	for (int q = 0; q < QUADS; q++)
		s->sums[q] = (struct gf_sum){ _mm512_setzero_si512(), _mm512_setzero_si512(),
			_mm512_setzero_si512() };
	for (size_t at = 0; at < end; at += BLOCK) {
		const bool part = at >= whole;

		if (part)
			mask_row(&mask, r, at);
		UNROLL
		for (int q = 0; q < QUADS; q++)
			x[q] = reverse(part ? gather_part(r->in + 4 * q, at, mask.quad[q])
					    : gather(r->in + 4 * q, at));
		sum_row(s, g, x, g->rows - at / BLOCK);
	}
}

/* All octets of all lanes, those of each padded to whole blocks. */
ALWAYS_INLINE void
hash_rows(struct hash_lanes *s, const struct rows *r)
{
	const size_t whole = shortest(r) / BLOCK * BLOCK, end = longest(r);
	size_t at = 0;
	struct row_mask mask;
	vec x[QUADS];

	for (; at < whole; at += BLOCK) {
		UNROLL
		for (int q = 0; q < QUADS; q++)
			x[q] = reverse(gather(r->in + 4 * q, at));
		hash_row(s, x);
	}
	for (; at < end; at += BLOCK) {
		mask_row(&mask, r, at);
		UNROLL
		for (int q = 0; q < QUADS; q++)
			x[q] = reverse(gather_part(r->in + 4 * q, at, mask.quad[q]));
		hash_part_row(s, x, &mask);
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
	hash_row(s, x);
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
	UNROLL
	for (int i = 0; i < 4; i++)
		hash_row(s, g->rest[i].quad);
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
		g->h.quad[q] = gf_times_x(reverse(g->zero.quad[q]));
		g->state.quad[q] = _mm512_setzero_si512();
	}
}

ALWAYS_INLINE void
store_power(struct vaes_group *g, const int i, unsigned int q, struct gf_factor f)
{
	if (g->shared) {
		spread(&g->power[i], f.plain);
		spread(&g->folded[i], f.folded);
		return;
	}
	g->power[i].quad[q] = f.plain;
	g->folded[i].quad[q] = f.folded;
}

/* The powers that long texts need. */
ALWAYS_INLINE void
make_powers(struct vaes_group *g)
{
	unsigned int quads = g->shared ? 1 : (g->n + 3) / 4;

	if (g->shared && g->powers)
		return;
	g->powers = true;
	for (unsigned int q = 0; q < quads; q++) {
		struct gf_factor h4 = gf_factor(gf_square(gf_square(g->h.quad[q])));
		struct gf_factor h8 = gf_factor(gf_square(h4.plain));

		store_power(g, 0, q, h4);
		store_power(g, 1, q, h8);
		store_power(g, 2, q, gf_factor(gf_multiply(h8.plain, h4)));
		store_power(g, 3, q, gf_factor(gf_square(h8.plain)));
	}
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
		const vec h = g->h.quad[0], h2 = gf_square(h);

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
}

#endif
