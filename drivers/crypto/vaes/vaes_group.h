/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef VAES_GROUP_H
#define VAES_GROUP_H

/**
 * @file
 * The driver works on groups of 16 slots, four quads of four; in small batches of a single quad
 * (QUADS). Lane l of quad q belongs to slot first + 4 q + l. Lanes beyond the last slot of a batch
 * are dead. Beside a live lane they do what the last slot's does, so that no mask need keep them
 * from reading and writing; quads of dead lanes compute something that nobody looks at, and touch
 * no text.
 */

#include "saker_crypto.h"

#include "vaes_vec.h"

#define LANES      (4 * QUADS)
#define AT_ONCE    16 /* slots whose pointers and lengths are read together */
#define ROUNDS_128 10
#define ROUNDS_256 14
/*
 * Texts are worked on row by row (vaes_short.h) up to SHORT_LANE octets for each lane that lives,
 * SHORT_MAX at most: a row costs the same however many have a part in it.
 */
#define SHORT_LANE 128
#define SHORT_MAX  448
#define MAX_ROWS   24 /* of AAD, text and lengths that are summed, see vaes_ghash.h */
#define STRIDE     4  /* vectors, see vaes_long.h */
#define CHUNK      8  /* vectors */

enum direction { OPEN, SEAL };

/* What the compiler makes code of its own for: always constants. */
struct mode {
	enum direction direction;
	int rounds; /* of the suite */
	int summed; /* GHASH is a sum of products, see vaes_ghash.h */
};

/* One block of each slot. Lane i stands at octet 16 i. */
struct plane {
	vec quad[QUADS];
};

/* Where the texts of a group stand, by lane. */
struct places {
	uint64_t in[AT_ONCE], out[AT_ONCE];    /* addresses of the first vector */
	uint64_t head[AT_ONCE], tail[AT_ONCE]; /* octets of the first and of the last vector */
	uint32_t empty[AT_ONCE];               /* lanes of the first vector, before the text */
	uint32_t vectors[AT_ONCE];
} __attribute__((aligned(VEC)));

/*
 * Of one lcore. All planes depend on keys, and what a call has written of them is wiped when it
 * ends.
 */
struct vaes_group {
	struct saker_batch *batch;
	unsigned int first; /* slot of lane 0 */
	unsigned int n;     /* lanes that live, 1..LANES */
	bool shared; /* all lanes have the key of slot `of`: round keys are in the first quad */
	bool powers; /* of H, too */
	unsigned int of;
	bool scheduled;           /* some group of this batch had keys of its own in all lanes */
	bool long_texts;          /* some group had long texts */
	unsigned int row_powers;  /* of H, as many as there are, see vaes_ghash.h */
	unsigned int most_powers; /* that there were in this batch */
	size_t rows;              /* of AAD, text and lengths: the same in all lanes */
	struct places places;

	struct plane mask;        /* of the nonce, in 12 octets */
	struct plane zero;        /* E(0) */
	struct plane start;       /* counter block with counter 0, xor round key 0 */
	struct plane pad;         /* E(counter block with counter 1) */
	struct plane h[2];        /* H and H^2, see vaes_gf.h, */
	struct plane folded_h[2]; /* and the same folded */
	struct plane state;       /* of GHASH; in the end the tags */
	struct plane rest[4];     /* rows that are still to be hashed */
	/* The data keys to begin with: AES-256 has them in two halves, AES-128 in one. */
	struct plane round_keys[ROUNDS_256 + 1];

	/* Long texts: H^4, H^8, H^12, H^16, and the same folded. */
	struct plane power[STRIDE];
	struct plane folded[STRIDE];

	/* A shared key: H^i at i, and the same folded. */
	vec row_power[MAX_ROWS + 1];
	vec row_folded[MAX_ROWS + 1];
};

/* The first lane of a vector in all four. */
ALWAYS_INLINE vec
first_lane(vec v)
{
	return _mm512_shuffle_i32x4(v, v, 0);
}

/* One vector in all quads. */
ALWAYS_INLINE void
spread(struct plane *p, vec v)
{
	UNROLL
	for (int q = 0; q < QUADS; q++)
		p->quad[q] = v;
}

/* A block of lane i. */
ALWAYS_INLINE uint8_t *
lane_of(struct plane *p, unsigned int i)
{
	return (uint8_t *)p + (size_t)i * BLOCK;
}

/* Where round keys of a quad are. */
ALWAYS_INLINE unsigned int
key_quad(const struct vaes_group *g, unsigned int q)
{
	return g->shared ? 0 : q;
}

/* Quads with live lanes. */
ALWAYS_INLINE unsigned int
live_quads(const struct vaes_group *g)
{
	return (g->n + 3) / 4;
}

/* What the last live lane has for the dead ones in its quad, too. */
ALWAYS_INLINE void
fill_dead(struct plane *p, const struct vaes_group *g)
{
	const vec element = _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7);
	const vec last = _mm512_set1_epi64((long long)(2 * ((g->n - 1) % 4)));
	vec half = _mm512_and_si512(element, _mm512_set1_epi64(1));
	vec *quad = &p->quad[(g->n - 1) / 4];

	if (g->n % 4 == 0)
		return;
	*quad = _mm512_permutexvar_epi64(
		_mm512_min_epu64(element, _mm512_add_epi64(last, half)), *quad);
}

/* Bit i: lane i lives. */
ALWAYS_INLINE __mmask16
live_lanes(const struct vaes_group *g)
{
	return (__mmask16)((1u << g->n) - 1);
}

/* 16 pointers of lanes: those of `take` from an array of slots, for the others this one. */
ALWAYS_INLINE void
load_pointers(void *out, const void *slots, __mmask16 take, const void *safe)
{
	const vec other = _mm512_set1_epi64((long long)(uintptr_t)safe);
	const uint8_t *p = slots;

	_mm512_storeu_si512(out, _mm512_mask_loadu_epi64(other, (__mmask8)take, p));
	_mm512_storeu_si512((uint8_t *)out + VEC,
		_mm512_mask_loadu_epi64(other, (__mmask8)(take >> 8), p + VEC));
}

#endif
