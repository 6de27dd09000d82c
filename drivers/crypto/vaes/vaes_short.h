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

/* Which octets of a unit are whose; of whole rows nothing. */
struct masks {
	struct row_mask row[UNIT_ROWS];
	struct unit_mask unit; /* where lanes are read at once */
};

/* Few rows are read one by one, more of them as a vector of each lane. */
ALWAYS_INLINE int
by_lane(struct unit u)
{
	return u.rows > 2;
}

ALWAYS_INLINE void
make_masks(struct masks *m, const struct rows *r, size_t at, struct unit u)
{
	UNROLL
	for (int i = u.whole; i < u.rows; i++)
		mask_row(&m->row[i], r, at + (size_t)i * BLOCK);
	if (by_lane(u) && u.whole < u.rows)
		mask_unit(&m->unit, r, at);
}

/* Octets of lane l of a quad. */
ALWAYS_INLINE __mmask64
octets_of_lane(const struct masks *m, unsigned int q, int l, struct unit u)
{
	return u.whole == u.rows ? ~0ULL >> (UNIT - u.rows * BLOCK)
				 : m->unit.lane[4 * q + (unsigned int)l];
}

/* The rows of a unit of one quad. Not by pointers: one to no octets may be NULL. */
ALWAYS_INLINE void
load_unit(vec x[UNIT_ROWS], const struct rows *r, size_t at, unsigned int q, const struct masks *m,
	struct unit u)
{
	const uint8_t *const *in = r->in + 4 * q;

	if (by_lane(u)) {
		UNROLL
		for (int l = 0; l < 4; l++)
			x[l] = _mm512_maskz_loadu_epi8(
				octets_of_lane(m, q, l, u), (const void *)((uintptr_t)in[l] + at));
		transpose(x);
		return;
	}
	UNROLL
	for (int i = 0; i < u.rows; i++)
		x[i] = i < u.whole ? gather(in, at + (size_t)i * BLOCK)
				   : gather_part(in, at + (size_t)i * BLOCK, m->row[i].quad[q]);
}

ALWAYS_INLINE void
store_unit(const vec v[UNIT_ROWS], const struct rows *r, size_t at, unsigned int q,
	const struct masks *m, struct unit u)
{
	uint8_t *const *out = r->out + 4 * q;
	vec t[UNIT_ROWS];

	if (by_lane(u)) {
		UNROLL
		for (int i = 0; i < UNIT_ROWS; i++)
			t[i] = i < u.rows ? v[i] : _mm512_setzero_si512();
		transpose(t);
		UNROLL
		for (int l = 0; l < 4; l++)
			_mm512_mask_storeu_epi8(
				(void *)((uintptr_t)out[l] + at), octets_of_lane(m, q, l, u), t[l]);
		return;
	}
	UNROLL
	for (int i = 0; i < u.rows; i++) {
		if (i < u.whole)
			scatter_to(out, at + (size_t)i * BLOCK, v[i]);
		else
			scatter_part(out, at + (size_t)i * BLOCK, m->row[i].quad[q], v[i]);
	}
}

/* A unit of all lanes. Its ciphertext is left in g->rest, to be hashed. */
ALWAYS_INLINE void
crypt_unit(struct vaes_group *g, const struct rows *r, size_t at, const struct masks *m,
	struct unit u, struct mode mode)
{
	vec counter[UNIT_ROWS], v[UNIT_ROWS], x[UNIT_ROWS];

	unit_counters(counter, at);
	KEEP_ROLLED
	for (unsigned int q = 0; q < live_quads(g); q++) {
		const vec k = g->round_keys[mode.rounds].quad[key_quad(g, q)];

		unit_stream(v, g, counter, q, u.rows, mode.rounds);
		load_unit(x, r, at, q, m, u);
		UNROLL
		for (int i = 0; i < u.rows; i++)
			v[i] = _mm512_aesenclast_epi128(v[i], xor2(x[i], k));
		store_unit(v, r, at, q, m, u);
		UNROLL
		for (int i = 0; i < u.rows; i++) {
			if (mode.direction == SEAL)
				x[i] = i < u.whole ? v[i]
						   : _mm512_maskz_mov_epi8(m->row[i].quad[q], v[i]);
			g->rest[i].quad[q] = reverse(x[i]);
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
	struct masks m;

	make_masks(&m, r, at, u);
	crypt_unit(g, r, at, &m, u, mode);
	hash_unit(g, s, left, u, mode);
}

/* A unit that lanes have no part in all rows of. */
ALWAYS_INLINE void
run_part_unit(struct vaes_group *g, struct hash_lanes *s, const struct rows *r, size_t at,
	size_t end, struct mode mode)
{
	const int rows = (int)((end - at + BLOCK - 1) / BLOCK);
	const struct unit u = { UNIT_ROWS, 0 };
	struct masks m;

	make_masks(&m, r, at, u);
	crypt_unit(g, r, at, &m, u, mode);
	for (int i = 0; i < UNIT_ROWS && i < rows; i++)
		hash_part_row(s, g, g->rest[i].quad, &m.row[i]);
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
	/* Where rows are summed, all lanes have as many. */
	for (; !mode.summed && at < end; at += UNIT)
		run_part_unit(g, &s, r, at, end, mode);
	if (mode.summed)
		sums_store(&s, g);
	else
		hash_store(&s, g);
}

#endif
