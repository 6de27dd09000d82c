/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef VAES_KEYS_H
#define VAES_KEYS_H

/**
 * @file
 * Key schedules (FIPS 197) of 16 keys side by side. Two blocks that every packet needs, E(0) for
 * GHASH and E(J0) for the tag, go through the rounds while the round keys are in registers.
 */

#include "vaes_group.h"

/* The schedule of one quad on its way. */
struct schedule {
	vec key[2]; /* the last two round keys; AES-128 uses the first alone */
	vec zero, pad;
};

/*
 * Next round key from `key`, and from the last word of `from`, which is brought to all columns
 * by `words`. With equal columns AESENCLAST shifts no rows, so it is SubWord, xor `constant`.
 */
ALWAYS_INLINE vec
schedule_step(vec key, vec from, vec words, vec constant)
{
	vec t = _mm512_aesenclast_epi128(_mm512_shuffle_epi8(from, words), constant);

	key = xor2(key, _mm512_bslli_epi128(key, 4));
	return xor3(key, _mm512_bslli_epi128(key, 8), t);
}

/* Round key r >= 1. */
ALWAYS_INLINE vec
next_round_key(struct schedule *s, const int r, const int rounds)
{
	static const uint8_t constants[] = { 1, 2, 4, 8, 16, 32, 64, 128, 0x1b, 0x36 };
	const vec rotated = _mm512_set1_epi32(0x0c0f0e0d), plain = _mm512_set1_epi32(0x0f0e0d0c);
	const vec none = _mm512_setzero_si512();

	if (rounds == ROUNDS_128)
		return s->key[0] = schedule_step(
			       s->key[0], s->key[0], rotated, _mm512_set1_epi32(constants[r - 1]));
	if (r == 1)
		return s->key[1];
	if (r % 2 == 0)
		return s->key[0] = schedule_step(s->key[0], s->key[1], rotated,
			       _mm512_set1_epi32(constants[r / 2 - 1]));
	return s->key[1] = schedule_step(s->key[1], s->key[0], plain, none);
}

/* Nonces, masked, as they stand in counter blocks. */
ALWAYS_INLINE void
make_ivs(struct vaes_group *g)
{
	const vec nonce_only = all_lanes(0xffffffff, 0xffffffff, 0xffffffff, 0);

	UNROLL
	for (unsigned int q = 0; q < QUADS; q++) {
		vec nonce = _mm512_loadu_si512(g->batch->nonce[g->first + 4 * q]);

		g->start.quad[q] = _mm512_and_si512(xor2(nonce, g->mask.quad[q]), nonce_only);
	}
}

/* Round 0 of quad q. The nonce stands in `start` already. */
ALWAYS_INLINE void
begin_schedule(struct vaes_group *g, struct schedule *s, const int q)
{
	s->key[0] = g->round_keys[0].quad[q];
	s->key[1] = g->round_keys[1].quad[q];
	s->zero = s->key[0];
	g->start.quad[q] = xor2(g->start.quad[q], s->key[0]);
	s->pad = xor2(g->start.quad[q], all_lanes(0, 0, 0, 0x01000000));
}

/* Schedules, E(0), E(J0) and counter blocks of all lanes. */
ALWAYS_INLINE void
expand_lanes(struct vaes_group *g, const int rounds)
{
	struct schedule s[QUADS];

	UNROLL
	for (int q = 0; q < QUADS; q++)
		begin_schedule(g, &s[q], q);
	UNROLL
	for (int r = 1; r < rounds; r++) {
		UNROLL
		for (int q = 0; q < QUADS; q++) {
			vec k = next_round_key(&s[q], r, rounds);

			g->round_keys[r].quad[q] = k;
			s[q].zero = _mm512_aesenc_epi128(s[q].zero, k);
			s[q].pad = _mm512_aesenc_epi128(s[q].pad, k);
		}
	}
	UNROLL
	for (int q = 0; q < QUADS; q++) {
		vec k = next_round_key(&s[q], rounds, rounds);

		g->round_keys[rounds].quad[q] = k;
		g->zero.quad[q] = _mm512_aesenclast_epi128(s[q].zero, k);
		g->pad.quad[q] = _mm512_aesenclast_epi128(s[q].pad, k);
	}
}

/* The schedule of lane 0 for all lanes, kept in the first quad, and E(0). */
ALWAYS_INLINE void
expand_one(struct vaes_group *g, const int rounds)
{
	struct schedule s = { .key = { first_lane(g->round_keys[0].quad[0]),
				      first_lane(g->round_keys[1].quad[0]) } };

	s.zero = s.key[0];
	g->round_keys[0].quad[0] = s.key[0];
	UNROLL
	for (int r = 1; r < rounds; r++) {
		vec k = next_round_key(&s, r, rounds);

		g->round_keys[r].quad[0] = k;
		s.zero = _mm512_aesenc_epi128(s.zero, k);
	}
	s.pad = next_round_key(&s, rounds, rounds);
	g->round_keys[rounds].quad[0] = s.pad;
	spread(&g->zero, _mm512_aesenclast_epi128(s.zero, s.pad));
}

/* Counter blocks and E(J0) of all lanes, whose key is the same one and expanded. The nonces stand
 * in `start` already.
 */
ALWAYS_INLINE void
make_pads(struct vaes_group *g, const int rounds)
{
	const vec first = all_lanes(0, 0, 0, 0x01000000);
	vec pad[QUADS];

	UNROLL
	for (int q = 0; q < QUADS; q++) {
		g->start.quad[q] = xor2(g->start.quad[q], g->round_keys[0].quad[0]);
		pad[q] = xor2(g->start.quad[q], first);
	}
	UNROLL
	for (int r = 1; r < rounds; r++) {
		const vec k = g->round_keys[r].quad[0];

		UNROLL
		for (int q = 0; q < QUADS; q++)
			pad[q] = _mm512_aesenc_epi128(pad[q], k);
	}
	UNROLL
	for (int q = 0; q < QUADS; q++)
		g->pad.quad[q] = _mm512_aesenclast_epi128(pad[q], g->round_keys[rounds].quad[0]);
}

#endif
