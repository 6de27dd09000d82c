/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef VAES_SHORT_H
#define VAES_SHORT_H

/**
 * @file
 * CTR and GHASH of short texts, 16 slots side by side, four rows at a time. Nothing is done for
 * one slot alone, and no power of H is needed.
 */

#include "vaes_ghash.h"

#define UNIT_ROWS 4
#define UNIT      (UNIT_ROWS * BLOCK) /* octets of each lane */

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
	unsigned int q, const int rounds)
{
	UNROLL
	for (int i = 0; i < UNIT_ROWS; i++)
		v[i] = xor2(g->start.quad[q], counter[i]);
	UNROLL
	for (int r = 1; r < rounds; r++) {
		const vec k = g->round_keys[r].quad[q];

		UNROLL
		for (int i = 0; i < UNIT_ROWS; i++)
			v[i] = _mm512_aesenc_epi128(v[i], k);
	}
}

/*
 * A unit of all lanes. Its ciphertext is left in g->rest, to be hashed. If all lanes have all of
 * the unit there is no mask.
 */
ALWAYS_INLINE void
crypt_unit(struct vaes_group *g, const struct rows *r, size_t at, const struct row_mask *mask,
	struct mode mode)
{
	vec counter[UNIT_ROWS], v[UNIT_ROWS];

	unit_counters(counter, at);
	KEEP_ROLLED
	for (unsigned int q = 0; q < QUADS; q++) {
		const vec k = g->round_keys[mode.rounds].quad[q];
		const uint8_t *const *in = r->in + 4 * q;
		uint8_t *const *out = r->out + 4 * q;

		unit_stream(v, g, counter, q, mode.rounds);
		UNROLL
		for (int i = 0; i < UNIT_ROWS; i++) {
			const size_t row = at + (size_t)i * BLOCK;
			const uint64_t own = mask == NULL ? 0 : mask[i].quad[q];
			vec x = mask == NULL ? gather(in, row) : gather_part(in, row, own);

			v[i] = _mm512_aesenclast_epi128(v[i], xor2(x, k));
			if (mask == NULL)
				scatter_to(out, row, v[i]);
			else
				scatter_part(out, row, own, v[i]);
			if (mode.direction == SEAL)
				x = mask == NULL ? v[i] : _mm512_maskz_mov_epi8(own, v[i]);
			g->rest[i].quad[q] = reverse(x);
		}
	}
}

/* Encrypt or decrypt the texts of all lanes, and hash them. */
ALWAYS_INLINE void
crypt_short(struct vaes_group *g, const struct rows *r, struct mode mode)
{
	const size_t whole = shortest(r) / UNIT * UNIT, end = longest(r);
	struct row_mask mask[UNIT_ROWS];
	struct hash_lanes s;
	size_t at = 0;

	hash_load(&s, g);
	for (; at < whole; at += UNIT) {
		crypt_unit(g, r, at, NULL, mode);
		UNROLL
		for (int i = 0; i < UNIT_ROWS; i++)
			hash_row(&s, g->rest[i].quad);
	}
	for (; at < end; at += UNIT) {
		for (unsigned int i = 0; i < UNIT_ROWS; i++)
			mask_row(&mask[i], r, at + i * BLOCK);
		crypt_unit(g, r, at, mask, mode);
		for (unsigned int i = 0; i < UNIT_ROWS && at + i * BLOCK < end; i++)
			hash_part_row(&s, g->rest[i].quad, &mask[i]);
	}
	hash_store(&s, g);
}

#endif
