/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef VAES_SHORT_H
#define VAES_SHORT_H

/**
 * @file
 * CTR and GHASH of short texts, 16 slots side by side, four rows at a time. Nothing is done for
 * one slot alone.
 */

#include "vaes_ghash.h"

#define UNIT_ROWS 4
#define UNIT      (UNIT_ROWS * BLOCK) /* octets of each lane */

/* Rows of a unit, the last ones of which some lanes have in part or not at all: always constants.
 */
struct unit {
	int rows, whole;
};

/* The counters of a unit's rows: those of all lanes are the same, and the first block has 2. */
ALWAYS_INLINE void
unit_counters(vec counter[UNIT_ROWS], size_t at)
{
	UNROLL
	for (int i = 0; i < UNIT_ROWS; i++)
		counter[i] = _mm512_maskz_set1_epi32(
			0x8888, (int)__builtin_bswap32((uint32_t)(at / BLOCK) + 2u + (uint32_t)i));
}

/* Key stream of a unit of one quad, but for the last round. */
ALWAYS_INLINE void
unit_stream(vec v[UNIT_ROWS], const struct vaes_group *g, const vec counter[UNIT_ROWS],
	unsigned int q, const int rows, const int rounds)
{
	UNROLL
	for (int i = 0; i < rows; i++)
		v[i] = xor2(g->start.quad[q], counter[i]);
	UNROLL
	for (int r = 1; r < rounds; r++) {
		const vec k = g->round_keys[r].quad[key_quad(g, q)];

		UNROLL
		for (int i = 0; i < rows; i++)
			v[i] = _mm512_aesenc_epi128(v[i], k);
	}
}

/* A unit of all lanes. Its ciphertext is left in g->rest, to be hashed. */
ALWAYS_INLINE void
crypt_unit(struct vaes_group *g, const struct rows *r, size_t at, const struct row_mask *mask,
	struct unit u, struct mode mode)
{
	vec counter[UNIT_ROWS], v[UNIT_ROWS];

	unit_counters(counter, at);
	KEEP_ROLLED
	for (unsigned int q = 0; q < live_quads(g); q++) {
		const vec k = g->round_keys[mode.rounds].quad[key_quad(g, q)];
		const uint8_t *const *in = r->in + 4 * q;
		uint8_t *const *out = r->out + 4 * q;

		unit_stream(v, g, counter, q, u.rows, mode.rounds);
		UNROLL
		for (int i = 0; i < u.rows; i++) {
			const size_t row = at + (size_t)i * BLOCK;
			const uint64_t own = i < u.whole ? 0 : mask[i].quad[q];
			vec x = i < u.whole ? gather(in, row) : gather_part(in, row, own);

			v[i] = _mm512_aesenclast_epi128(v[i], xor2(x, k));
			if (i < u.whole)
				scatter_to(out, row, v[i]);
			else
				scatter_part(out, row, own, v[i]);
			if (mode.direction == SEAL)
				x = i < u.whole ? v[i] : _mm512_maskz_mov_epi8(own, v[i]);
			g->rest[i].quad[q] = reverse(x);
		}
	}
}

/* Hash a unit that all lanes have a part in every row of. left: rows to come, where summed */
ALWAYS_INLINE void
hash_unit(struct vaes_group *g, struct hash_lanes *s, size_t left, struct unit u, struct mode mode)
{
	if (mode.summed) {
		UNROLL
		for (int i = 0; i < u.rows; i++)
			sum_row(s, g, g->rest[i].quad, left - (size_t)i);
		return;
	}
	UNROLL
	for (int i = 0; i + 1 < u.rows; i += 2)
		hash_pair(s, g, g->rest[i].quad, g->rest[i + 1].quad);
	if (u.rows % 2 == 1)
		hash_row(s, g, g->rest[u.rows - 1].quad);
}

/* Encrypt or decrypt a unit, and hash it. end: of the longest text */
ALWAYS_INLINE void
run_unit(struct vaes_group *g, struct hash_lanes *s, const struct rows *r, size_t at, size_t end,
	struct unit u, struct mode mode)
{
	const size_t left = (end - at + BLOCK - 1) / BLOCK + 1; /* the lengths are a row, too */
	struct row_mask mask[UNIT_ROWS];

	UNROLL
	for (int i = u.whole; i < u.rows; i++)
		mask_row(&mask[i], r, at + (size_t)i * BLOCK);
	crypt_unit(g, r, at, mask, u, mode);
	hash_unit(g, s, left, u, mode);
}

/* A unit that lanes have no part in all rows of. */
ALWAYS_INLINE void
run_part_unit(struct vaes_group *g, struct hash_lanes *s, const struct rows *r, size_t at,
	size_t end, struct mode mode)
{
	const int rows = (int)((end - at + BLOCK - 1) / BLOCK);
	struct row_mask mask[UNIT_ROWS];

	UNROLL
	for (int i = 0; i < UNIT_ROWS; i++)
		mask_row(&mask[i], r, at + (size_t)i * BLOCK);
	crypt_unit(g, r, at, mask, (struct unit){ UNIT_ROWS, 0 }, mode);
	for (int i = 0; i < UNIT_ROWS && i < rows; i++) {
		if (mode.summed)
			sum_row(s, g, g->rest[i].quad, (size_t)(rows - i) + 1);
		else
			hash_part_row(s, g, g->rest[i].quad, &mask[i]);
	}
}

#define LAST_UNIT(rows_, whole_)                                                                   \
	case (rows_) * (UNIT_ROWS + 1) + (whole_):                                                 \
		run_unit(g, s, r, at, end, (struct unit){ rows_, whole_ }, mode);                  \
		break

/* All lanes end in the same row, and it may be the only one with masks. */
ALWAYS_INLINE void
run_last_unit(struct vaes_group *g, struct hash_lanes *s, const struct rows *r, size_t at,
	size_t least, size_t end, struct mode mode)
{
	size_t rows = (end - at + BLOCK - 1) / BLOCK;

	switch (rows * (UNIT_ROWS + 1) + (least - at) / BLOCK) {
		LAST_UNIT(1, 0);
		LAST_UNIT(1, 1);
		LAST_UNIT(2, 1);
		LAST_UNIT(2, 2);
		LAST_UNIT(3, 2);
		LAST_UNIT(3, 3);
		LAST_UNIT(4, 3);
	}
}

/* Encrypt or decrypt the texts of all lanes, and hash them. */
ALWAYS_INLINE void
crypt_short(struct vaes_group *g, const struct rows *r, struct mode mode)
{
	const struct extent len = extent_of(r);
	const size_t least = len.least, end = len.most;
	struct hash_lanes s;
	size_t at = 0;

	if (mode.summed)
		sums_load(&s, g);
	else
		hash_load(&s, g);
	for (; at + UNIT <= least; at += UNIT)
		run_unit(g, &s, r, at, end, (struct unit){ UNIT_ROWS, UNIT_ROWS }, mode);
	if (at < end && (least + BLOCK - 1) / BLOCK == (end + BLOCK - 1) / BLOCK) {
		run_last_unit(g, &s, r, at, least, end, mode);
		at = end;
	}
	for (; at < end; at += UNIT)
		run_part_unit(g, &s, r, at, end, mode);
	if (mode.summed)
		sums_store(&s, g);
	else
		hash_store(&s, g);
}

#endif
