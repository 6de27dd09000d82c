/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef AESNI_KEYS_H
#define AESNI_KEYS_H

/**
 * @file
 * Key schedules (FIPS 197) of four keys side by side, and the blocks that every packet encrypts.
 *
 * AESKEYGENASSIST is slow and serves one key. Here a vector holds one word of each of the four
 * keys: one AESENCLAST is SubWord of all of them, an addition of words takes one instruction, and
 * each round key is transposed back.
 */

#include "aesni_gf.h"
#include "aesni_kdf.h"

/* Four words of the four keys, and the sum of the words. */
struct word_quad {
	block word[4], sum;
};

/* AES-128 uses the first half. */
struct schedule {
	struct word_quad half[2];
};

ALWAYS_INLINE void
transpose(block v[QUAD])
{
	block a = _mm_unpacklo_epi32(v[0], v[1]), b = _mm_unpackhi_epi32(v[0], v[1]);
	block c = _mm_unpacklo_epi32(v[2], v[3]), d = _mm_unpackhi_epi32(v[2], v[3]);

	v[0] = _mm_unpacklo_epi64(a, c);
	v[1] = _mm_unpackhi_epi64(a, c);
	v[2] = _mm_unpacklo_epi64(b, d);
	v[3] = _mm_unpackhi_epi64(b, d);
}

/*
 * SubWord of four words, xor `constant`; with `rotate` of words rotated by an octet first.
 * AESENCLAST shifts rows, so the octets are brought to where it takes them from.
 */
ALWAYS_INLINE block
sub_words(block v, const int rotate, const uint32_t constant)
{
	const block order = rotate ? words(0x040b0e01, 0x080f0205, 0x0c030609, 0x00070a0d)
				   : words(0x070a0d00, 0x0b0e0104, 0x0f020508, 0x0306090c);

	return _mm_aesenclast_si128(_mm_shuffle_epi8(v, order), _mm_set1_epi32((int)constant));
}

/*
 * Four words of four keys on from `last`, the word before them. The next step waits for the last
 * word: it is made from the sum of the words before, which in turn needs none of the new ones.
 */
ALWAYS_INLINE const block *
next_words(struct word_quad *w, block last, const int rotate, const uint32_t constant)
{
	block t = sub_words(last, rotate, constant), sum = xor2(w->word[1], w->word[3]);

	w->word[3] = xor2(w->sum, t);
	w->word[0] = xor2(w->word[0], t);
	w->word[1] = xor2(w->word[1], w->word[0]);
	w->word[2] = xor2(w->word[2], w->word[1]);
	w->sum = sum;
	return w->word;
}

/* The words of round key r >= 1. */
ALWAYS_INLINE const block *
next_round_key(struct schedule *s, const int r, const int rounds)
{
	static const uint8_t constants[] = { 1, 2, 4, 8, 16, 32, 64, 128, 0x1b, 0x36 };

	if (rounds == ROUNDS_128)
		return next_words(&s->half[0], s->half[0].word[3], 1, constants[r - 1]);
	if (r == 1)
		return s->half[1].word;
	if (r % 2 == 0)
		return next_words(&s->half[0], s->half[1].word[3], 1, constants[r / 2 - 1]);
	return next_words(&s->half[1], s->half[0].word[3], 0, 0);
}

/* Words of the keys to begin with. */
ALWAYS_INLINE void
begin_schedule(struct schedule *s, struct aesni_key *const key[QUAD])
{
	UNROLL
	for (int h = 0; h < 2; h++) {
		block *w = s->half[h].word;

		UNROLL
		for (int l = 0; l < QUAD; l++)
			w[l] = key[l]->round_keys[h];
		transpose(w);
		s->half[h].sum = xor2(xor2(w[0], w[1]), xor2(w[2], w[3]));
	}
}

/* Schedules of four keys. Their first 16 or 32 octets are there; zero[l] becomes E(0). */
ALWAYS_INLINE void
expand_quad(struct aesni_key *const key[QUAD], block zero[QUAD], const int rounds)
{
	struct schedule s;
	block k[QUAD];

	begin_schedule(&s, key);
	UNROLL
	for (int l = 0; l < QUAD; l++)
		zero[l] = key[l]->round_keys[0];
	UNROLL
	for (int r = 1; r <= rounds; r++) {
		const block *next = next_round_key(&s, r, rounds);

		UNROLL
		for (int i = 0; i < QUAD; i++)
			k[i] = next[i];
		transpose(k);
		UNROLL
		for (int l = 0; l < QUAD; l++) {
			key[l]->round_keys[r] = k[l];
			zero[l] = r < rounds ? _mm_aesenc_si128(zero[l], k[l])
					     : _mm_aesenclast_si128(zero[l], k[l]);
		}
	}
}

/*
 * Two blocks of each of four lanes from `lane` on: E(J0), which becomes part of the tag, and, if
 * `two`, the key stream of a text's last octets.
 */
ALWAYS_INLINE void
encrypt_quad(struct aesni_group *g, unsigned int lane, const block last[QUAD], const int two,
	const int rounds)
{
	const block *k[QUAD];
	block x[2][QUAD];

	UNROLL
	for (int l = 0; l < QUAD; l++) {
		k[l] = g->key[lane + (unsigned int)l]->round_keys;
		x[0][l] = xor2(g->start[lane + (unsigned int)l], words(0, 0, 0, 0x01000000));
		x[1][l] = xor2(g->start[lane + (unsigned int)l], last[l]);
	}
	KEEP_ROLLED
	for (int r = 1; r < rounds; r++) {
		UNROLL
		for (int l = 0; l < QUAD; l++) {
			x[0][l] = _mm_aesenc_si128(x[0][l], k[l][r]);
			if (two)
				x[1][l] = _mm_aesenc_si128(x[1][l], k[l][r]);
		}
	}
	UNROLL
	for (int l = 0; l < QUAD; l++) {
		g->pad[lane + (unsigned int)l] = _mm_aesenclast_si128(x[0][l], k[l][rounds]);
		if (two)
			g->last[lane + (unsigned int)l] = _mm_aesenclast_si128(
				x[1][l], k[l][rounds]);
	}
}

#endif
