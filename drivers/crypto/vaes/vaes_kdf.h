/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef VAES_KDF_H
#define VAES_KDF_H

/**
 * @file
 * Derivation of 16 data keys side by side. CMAC of whole blocks is X = E(X ^ block), block after
 * block, with K1 xored into the last one; all CMACs of all lanes run through the rounds together.
 */

#include "vaes_group.h"

#define MAX_OUTPUTS 3 /* CMACs of a data key: 32 octets of key, 12 of mask */

/* Where the masters of all lanes are, and constants. */
struct derivation {
	const uint8_t *const *masters;
	int mixed;   /* they are not all the same one */
	int outputs; /* CMACs of a key */
	int quads;   /* that are derived for, from the first on */
	unsigned int counter_bit;
};

/*
 * A block of the masters of a quad, at an offset in struct saker_master. Neighbours mostly share
 * their master, and then a broadcast does.
 */
ALWAYS_INLINE vec
master_block(struct derivation d, int q, size_t at)
{
	return d.mixed ? gather(d.masters + 4 * q, at) : broadcast(d.masters[0] + at);
}

/* One round of the CMACs of a quad; the first and the last are told by constants. */
ALWAYS_INLINE void
cmac_round(vec x[MAX_OUTPUTS][QUADS], struct derivation d, int q, unsigned int r, vec k)
{
	UNROLL
	for (int o = 0; o < d.outputs; o++)
		x[o][q] = r == 0            ? xor2(x[o][q], k)
			  : r == ROUNDS_256 ? _mm512_aesenclast_epi128(x[o][q], k)
					    : _mm512_aesenc_epi128(x[o][q], k);
}

/* One round of all CMACs. */
ALWAYS_INLINE void
master_round(vec x[MAX_OUTPUTS][QUADS], struct derivation d, unsigned int r)
{
	UNROLL
	for (int q = 0; q < d.quads; q++)
		cmac_round(x, d, q, r, master_block(d, q, (size_t)r * BLOCK));
}

/* Four rounds, where masters are mixed: their round keys come four at a time. */
ALWAYS_INLINE void
mixed_rounds(vec x[MAX_OUTPUTS][QUADS], struct derivation d, unsigned int first)
{
	UNROLL
	for (int q = 0; q < d.quads; q++) {
		vec k[4];

		NOTHING_AHEAD;
		gather4(k, d.masters + 4 * q, (size_t)first * BLOCK);
		UNROLL
		for (unsigned int i = 0; i < 4; i++)
			if (first + i <= ROUNDS_256)
				cmac_round(x, d, q, first + i, k[i]);
	}
}

ALWAYS_INLINE void
encrypt_mixed(vec x[MAX_OUTPUTS][QUADS], struct derivation d)
{
	UNROLL
	for (unsigned int r = 0; r <= ROUNDS_256; r += 4)
		mixed_rounds(x, d, r);
}

/* Unrolled, compilers would keep all round keys and run out of registers. */
ALWAYS_INLINE void
encrypt_masters(vec x[MAX_OUTPUTS][QUADS], struct derivation d)
{
	if (d.mixed) {
		encrypt_mixed(x, d);
		return;
	}
	master_round(x, d, 0);
	KEEP_ROLLED
	for (unsigned int r = 1; r < ROUNDS_256; r++)
		master_round(x, d, r);
	master_round(x, d, ROUNDS_256);
}

/* All that the CMACs differ in is the counter in the first block. */
ALWAYS_INLINE void
begin_cmacs(vec x[MAX_OUTPUTS][QUADS], struct derivation d)
{
	UNROLL
	for (int q = 0; q < d.quads; q++) {
		UNROLL
		for (int o = 0; o < d.outputs; o++)
			x[o][q] = all_lanes(((uint32_t)o + 1) << d.counter_bit, 0, 0, 0);
	}
}

/* Xor block j of the input into all CMACs, and K1 with the last one. */
ALWAYS_INLINE void
absorb(const struct vaes_group *g, vec x[MAX_OUTPUTS][QUADS], struct derivation d, unsigned int j)
{
	const __mmask64 octets = j == 0 ? 0xfff6fff6fff6fff6ULL : ~0ULL;
	const __mmask8 last = j + 1u == g->batch->kdf_blocks ? 0xff : 0;

	UNROLL
	for (int q = 0; q < d.quads; q++) {
		vec k1 = master_block(d, q, offsetof(struct saker_master, k1));
		vec in = _mm512_maskz_loadu_epi8(
			octets, g->batch->kdf[j][g->first + 4 * (unsigned int)q]);

		in = xor2(in, _mm512_maskz_mov_epi64(last, k1));
		UNROLL
		for (int o = 0; o < d.outputs; o++)
			x[o][q] = xor2(x[o][q], in);
	}
}

/* Data keys and masks of all lanes. */
ALWAYS_INLINE void
derive_lanes(struct vaes_group *g, struct derivation d)
{
	const __mmask8 masked = g->batch->kdf_shape == SAKER_KDF_MASKED ? 0xff : 0;
	vec x[MAX_OUTPUTS][QUADS];

	d.counter_bit = saker_kdf_counter_bit(g->batch->kdf_shape);
	begin_cmacs(x, d);
	for (unsigned int j = 0; j < g->batch->kdf_blocks; j++) {
		absorb(g, x, d, j);
		encrypt_masters(x, d);
	}
	UNROLL
	for (int q = 0; q < d.quads; q++) {
		g->round_keys[0].quad[q] = x[0][q];
		if (d.outputs == 3)
			g->round_keys[1].quad[q] = x[1][q];
		g->mask.quad[q] = _mm512_maskz_mov_epi64(masked, x[d.outputs - 1][q]);
	}
}

#endif
