/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef AESNI_KDF_H
#define AESNI_KDF_H

/**
 * @file
 * Derivation of four data keys side by side. CMAC of whole blocks is X = E(X ^ block), block after
 * block, with K1 xored into the last one; all CMACs of all lanes run through the rounds together.
 */

#include "aesni_group.h"

#define MAX_OUTPUTS 3 /* CMACs of a data key: 32 octets of key, 12 of mask */

/* Four lanes, or fewer: what stands in for the others is not to be looked at. */
struct quad {
	unsigned int n;
	unsigned int slot[QUAD]; /* in the batch; the dead ones repeat the first */
	struct aesni_key *key[QUAD];
};

/* All CMACs of a quad, by output. */
struct cmacs {
	block x[MAX_OUTPUTS][QUAD];
};

/* Xor a block of each lane into all its CMACs. */
ALWAYS_INLINE void
absorb(struct cmacs *c, const block in[QUAD], const int outputs)
{
	UNROLL
	for (int o = 0; o < outputs; o++) {
		UNROLL
		for (int l = 0; l < QUAD; l++)
			c->x[o][l] = xor2(c->x[o][l], in[l]);
	}
}

/* Block j of the input, with K1 if it is the last one. */
ALWAYS_INLINE void
absorb_input(struct cmacs *c, const struct saker_batch *b, const struct quad *q, unsigned int j,
	int outputs)
{
	const block counter = words(0xff0000ff, 0, 0, 0);
	block in[QUAD];

	UNROLL
	for (int l = 0; l < QUAD; l++) {
		in[l] = load(b->kdf[j][q->slot[l]]);
		if (j == 0)
			in[l] = _mm_andnot_si128(counter, in[l]);
		if (j + 1u == b->kdf_blocks)
			in[l] = xor2(in[l], load(b->master[q->slot[l]]->k1));
	}
	absorb(c, in, outputs);
}

/* All CMACs through AES-256, each lane with its own master. */
ALWAYS_INLINE void
encrypt_masters(
	struct cmacs *c, const struct saker_batch *b, const struct quad *q, const int outputs)
{
	const uint8_t(*round_keys[QUAD])[BLOCK];
	block k[QUAD];

	UNROLL
	for (int l = 0; l < QUAD; l++) {
		round_keys[l] = b->master[q->slot[l]]->round_keys;
		k[l] = load(round_keys[l][0]);
	}
	absorb(c, k, outputs);
	KEEP_ROLLED
	for (unsigned int r = 1; r < ROUNDS_256; r++) {
		UNROLL
		for (int l = 0; l < QUAD; l++) {
			k[l] = load(round_keys[l][r]);
			UNROLL
			for (int o = 0; o < outputs; o++)
				c->x[o][l] = _mm_aesenc_si128(c->x[o][l], k[l]);
		}
	}
	UNROLL
	for (int l = 0; l < QUAD; l++) {
		k[l] = load(round_keys[l][ROUNDS_256]);
		UNROLL
		for (int o = 0; o < outputs; o++)
			c->x[o][l] = _mm_aesenclast_si128(c->x[o][l], k[l]);
	}
}

/* Data keys and masks of a quad. */
ALWAYS_INLINE void
derive_quad(const struct saker_batch *b, const struct quad *q, const int outputs)
{
	const unsigned int counter_bit = saker_kdf_counter_bit(b->kdf_shape);
	const uint32_t masked = b->kdf_shape == SAKER_KDF_MASKED ? UINT32_MAX : 0;
	struct cmacs c;

	UNROLL
	for (int o = 0; o < outputs; o++) {
		UNROLL
		for (int l = 0; l < QUAD; l++)
			c.x[o][l] = words(((uint32_t)o + 1) << counter_bit, 0, 0, 0);
	}
	for (unsigned int j = 0; j < b->kdf_blocks; j++) {
		absorb_input(&c, b, q, j, outputs);
		encrypt_masters(&c, b, q, outputs);
	}
	UNROLL
	for (unsigned int l = 0; l < QUAD; l++) {
		if (l >= q->n)
			continue;
		q->key[l]->round_keys[0] = c.x[0][l];
		if (outputs == 3)
			q->key[l]->round_keys[1] = c.x[1][l];
		q->key[l]->mask = _mm_and_si128(
			c.x[outputs - 1][l], words(masked, masked, masked, masked));
	}
}

#endif
