/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef VAES_LONG_H
#define VAES_LONG_H

/**
 * @file
 * CTR and GHASH of long texts, slot by slot, neighbouring blocks side by side.
 *
 * A text is aligned at its end: its last block stands in the last lane of the last vector, and the
 * first vector's front lanes are empty. Blocks of zero before the first do not change GHASH, so
 * no power of H depends on the length. Masks keep loads and stores inside of the text.
 *
 * Both work on CHUNK vectors at a time: as many as AES needs to be busy. GHASH takes them in
 * strides of STRIDE vectors, each lane for itself by powers of H^4; that many are worth computing.
 * Its multiplications stand between the rounds of AES, where they cost little.
 */

#include "vaes_counters.h"
#include "vaes_gf.h"
#include "vaes_group.h"

/* The first chunk may be the last one, too; inner ones are whole. */
enum chunk_place { CHUNK_FIRST, CHUNK_INNER, CHUNK_LAST };

/* What kind of chunk: always constants. */
struct chunk {
	int n; /* vectors */
	enum chunk_place place;
	struct mode mode;
	int behind_half; /* sealing: the chunk before is the first one, and no more than a stride */
};

/* One text on its way. */
struct text {
	const uint8_t *in; /* at the next vector */
	uint8_t *out;
	const uint8_t *round_keys; /* of this slot: one every sizeof(struct plane) */
	const uint8_t *power;      /* likewise, and folded */
	uint8_t *rest;
	vec start;              /* counter block with counter 0, xor round key 0 */
	const uint8_t *counter; /* of the next vector */
	vec before;             /* state behind the AAD, where the first block stands */
	__mmask64 head;         /* octets of the first vector */
	__mmask64 tail;         /* octets of the last one */
	uint32_t left;          /* vectors */
};

/* GHASH of one long text. */
struct text_hash {
	vec y[CHUNK]; /* a chunk of it, reversed */
	vec sum;      /* of the chunks before */
	struct gf_factor power[STRIDE];
	struct gf_sum products;
	uint8_t *rest; /* where the sum goes in the end */
};

/* The 64-bit half of struct places, of eight lanes with these lengths. */
ALWAYS_INLINE void
find_half(struct places *p, const struct saker_batch *b, unsigned int slot, const int at, vec len)
{
	const vec all = _mm512_set1_epi64(-1);
	vec blocks = _mm512_srli_epi64(_mm512_add_epi64(len, _mm512_set1_epi64(BLOCK - 1)), 4);
	vec behind = _mm512_sub_epi64(_mm512_slli_epi64(blocks, 4), len);
	vec empty = _mm512_and_si512(
		_mm512_sub_epi64(_mm512_setzero_si512(), blocks), _mm512_set1_epi64(3));
	vec before = _mm512_slli_epi64(empty, 4);
	vec tail = _mm512_srlv_epi64(all, behind);
	__mmask8 single = _mm512_cmple_epu64_mask(len, _mm512_set1_epi64(VEC));
	vec head = _mm512_mask_mov_epi64(all, single, tail);

	_mm512_store_si512(&p->head[at], _mm512_and_si512(head, _mm512_sllv_epi64(all, before)));
	_mm512_store_si512(&p->tail[at], tail);
	_mm512_store_si512(
		&p->in[at], _mm512_sub_epi64(_mm512_loadu_si512(&b->src[slot + at]), before));
	_mm512_store_si512(
		&p->out[at], _mm512_sub_epi64(_mm512_loadu_si512(&b->dst[slot + at]), before));
	_mm256_store_si256((void *)&p->empty[at], _mm512_cvtepi64_epi32(empty));
}

/* All texts at once: one by one it would take as long as to encrypt a small one. */
ALWAYS_INLINE void
find_places(struct places *p, const struct vaes_group *g)
{
	vec len = _mm512_loadu_si512(&g->batch->len[g->first]);

	find_half(p, g->batch, g->first, 0, _mm512_cvtepu32_epi64(_mm512_castsi512_si256(len)));
	find_half(p, g->batch, g->first, AT_ONCE / 2,
		_mm512_cvtepu32_epi64(_mm512_extracti64x4_epi64(len, 1)));
	_mm512_store_si512(p->vectors,
		_mm512_srli_epi32(_mm512_add_epi32(len, _mm512_set1_epi32(VEC - 1)), 6));
}

ALWAYS_INLINE void
text_begin(struct text *t, struct vaes_group *g, const struct places *p, unsigned int lane)
{
	t->in = (const uint8_t *)(uintptr_t)p->in[lane];
	t->out = (uint8_t *)(uintptr_t)p->out[lane];
	t->round_keys = lane_of(&g->round_keys[0], 4 * key_quad(g, lane / 4) + lane % 4);
	t->power = lane_of(&g->power[0], lane);
	t->rest = lane_of(&g->rest[0], lane);
	t->start = broadcast(lane_of(&g->start, lane));
	t->counter = saker_vaes_counters[VAES_COUNTERS_BEFORE - p->empty[lane]];
	t->before = _mm512_maskz_mov_epi64(
		(__mmask8)(3u << 2 * p->empty[lane]), broadcast(lane_of(&g->state, lane)));
	t->head = p->head[lane];
	t->tail = p->tail[lane];
	t->left = p->vectors[lane];
}

/* The last text's sum is ready; go on with this one. */
ALWAYS_INLINE void
next_hash(struct text_hash *h, const struct text *t)
{
	const size_t folded = offsetof(struct vaes_group, folded) -
			      offsetof(struct vaes_group, power);

	scatter(h->rest, sizeof(struct plane), h->sum);
	h->rest = t->rest;
	h->sum = _mm512_setzero_si512();
	UNROLL
	for (int i = 0; i < STRIDE; i++) {
		const uint8_t *power = t->power + (size_t)i * sizeof(struct plane);

		h->power[i] = (struct gf_factor){ broadcast(power), broadcast(power + folded) };
	}
	UNROLL
	for (int i = 0; i < CHUNK; i++)
		h->y[i] = _mm512_setzero_si512();
}

/* Counter blocks, xor round key 0, of the next n vectors. */
ALWAYS_INLINE void
load_counters(const struct text *t, vec *v, const int n)
{
	UNROLL
	for (int i = 0; i < CHUNK; i++)
		if (i < n)
			v[i] = xor2(t->start, _mm512_loadu_si512(t->counter + i * VEC));
}

#define STRIDE_PARTS (STRIDE + 1)
#define HASH_PARTS   (CHUNK / STRIDE * STRIDE_PARTS)

/*
 * A chunk is hashed stride by stride. Part 0..3 of a stride is a vector, or the sum before it;
 * part 4 is reduction.
 */
ALWAYS_INLINE void
hash_part(struct text_hash *h, const int number)
{
	const vec *y = h->y + number / STRIDE_PARTS * STRIDE;
	const int part = number % STRIDE_PARTS;

	if (part == 0)
		h->products = gf_product(y[0], h->power[STRIDE - 2]);
	else if (part < STRIDE - 1)
		h->products = gf_add(h->products, gf_product(y[part], h->power[STRIDE - 2 - part]));
	else if (part == STRIDE - 1)
		h->products = gf_add(h->products, gf_product(h->sum, h->power[STRIDE - 1]));
	else
		h->sum = xor2(gf_reduce_by_clmul(h->products), y[STRIDE - 1]);
}

/*
 * What is known to be zero in advance: the sum before a text's first chunk, and the stride that a
 * small first chunk leaves empty.
 */
ALWAYS_INLINE int
is_zero_part(const int part, const int first, const int small)
{
	if (part < STRIDE_PARTS)
		return small || (first && part == STRIDE - 1);
	return small && part == STRIDE_PARTS + STRIDE - 1;
}

/* A chunk; small: a text's first, of no more than a stride. */
ALWAYS_INLINE void
hash_chunk(struct text_hash *h, const bool small)
{
	UNROLL
	for (int part = 0; part < HASH_PARTS; part++)
		if (!is_zero_part(part, 0, small))
			hash_part(h, part);
}

/* The rounds but the last of a chunk's counter blocks, with GHASH of a chunk in between. */
ALWAYS_INLINE void
run_rounds(vec *v, const struct text *t, struct text_hash *h, struct chunk c)
{
	/* When opening, a chunk is hashed at once. */
	const int first = c.mode.direction == OPEN && c.place == CHUNK_FIRST;
	const int small = c.behind_half || (first && c.n <= STRIDE);

	UNROLL
	for (int r = 1; r < c.mode.rounds; r++) {
		const vec k = broadcast(t->round_keys + (size_t)r * sizeof(struct plane));

		UNROLL
		for (int i = 0; i < CHUNK; i++)
			if (i < c.n)
				v[i] = _mm512_aesenc_epi128(v[i], k);
		UNROLL
		for (int part = 0; part < HASH_PARTS; part++)
			if (part * (c.mode.rounds - 1) / HASH_PARTS + 1 == r &&
				!is_zero_part(part, first, small))
				hash_part(h, part);
	}
}

/* Whether vector i of a chunk may belong to the text in part. */
ALWAYS_INLINE int
is_partial(const int i, struct chunk c)
{
	return (c.place == CHUNK_FIRST && i == 0) || (c.place != CHUNK_INNER && i == c.n - 1);
}

/* And with which octets. */
ALWAYS_INLINE __mmask64
octets_of(const struct text *t, const int i, struct chunk c)
{
	if (c.place == CHUNK_FIRST && i == 0)
		return t->head;
	return t->left == (uint32_t)c.n ? t->tail : ~0ULL;
}

ALWAYS_INLINE vec
load_text(const struct text *t, const int i, struct chunk c)
{
	if (is_partial(i, c))
		return _mm512_maskz_loadu_epi8(octets_of(t, i, c), t->in + i * VEC);
	return _mm512_loadu_si512(t->in + i * VEC);
}

ALWAYS_INLINE void
store_text(const struct text *t, vec v, const int i, struct chunk c)
{
	if (is_partial(i, c))
		_mm512_mask_storeu_epi8(t->out + i * VEC, octets_of(t, i, c), v);
	else
		_mm512_storeu_si512(t->out + i * VEC, v);
}

/* A chunk of ciphertext becomes what is hashed next. */
ALWAYS_INLINE void
hash_later(struct text_hash *h, const struct text *t, const vec *v, struct chunk c)
{
	UNROLL
	for (int i = 0; i < CHUNK; i++)
		if (i < c.n)
			h->y[CHUNK - c.n + i] = reverse(v[i]);
	if (c.place == CHUNK_FIRST)
		h->y[CHUNK - c.n] = xor2(h->y[CHUNK - c.n], t->before);
}

ALWAYS_INLINE void
load_chunk(const struct text *t, vec *v, struct chunk c)
{
	UNROLL
	for (int i = 0; i < CHUNK; i++)
		if (i < c.n)
			v[i] = load_text(t, i, c);
}

/* The last round. Key stream beyond the text goes nowhere. */
ALWAYS_INLINE void
finish_chunk(const struct text *t, vec *v, struct chunk c)
{
	const size_t last = (size_t)c.mode.rounds * sizeof(struct plane);
	const vec k = broadcast(t->round_keys + last);

	UNROLL
	for (int i = 0; i < CHUNK; i++) {
		if (i >= c.n)
			continue;
		v[i] = _mm512_aesenclast_epi128(v[i], xor2(k, load_text(t, i, c)));
		store_text(t, v[i], i, c);
		if (c.mode.direction == SEAL && is_partial(i, c))
			v[i] = _mm512_maskz_mov_epi8(octets_of(t, i, c), v[i]);
	}
}

/* The next chunk: CHUNK vectors, or in the first one as many as make the rest whole chunks. */
ALWAYS_INLINE void
crypt_chunk(struct text *t, struct text_hash *h, struct chunk c)
{
	vec v[CHUNK];

	if (c.mode.direction == OPEN) {
		load_chunk(t, v, c);
		hash_later(h, t, v, c);
	}
	load_counters(t, v, c.n);
	run_rounds(v, t, h, c);
	finish_chunk(t, v, c);
	if (c.mode.direction == SEAL && c.place == CHUNK_FIRST)
		next_hash(h, t);
	if (c.mode.direction == SEAL)
		hash_later(h, t, v, c);
	t->in += c.n * VEC;
	t->out += c.n * VEC;
	t->counter += c.n * VEC;
	t->left -= (uint32_t)c.n;
}

#define FIRST_CHUNK(n_)                                                                            \
	case (n_) % CHUNK:                                                                         \
		crypt_chunk(t, h, (struct chunk){ n_, CHUNK_FIRST, mode, 0 });                     \
		break

ALWAYS_INLINE void
crypt_first_chunk(struct text *t, struct text_hash *h, struct mode mode)
{
	switch (t->left % CHUNK) {
		FIRST_CHUNK(1);
		FIRST_CHUNK(2);
		FIRST_CHUNK(3);
		FIRST_CHUNK(4);
		FIRST_CHUNK(5);
		FIRST_CHUNK(6);
		FIRST_CHUNK(7);
		FIRST_CHUNK(8);
	}
}

/* All chunks but the first. */
ALWAYS_INLINE void
crypt_other_chunks(struct text *t, struct text_hash *h, bool behind_half, struct mode mode)
{
	if (mode.direction == SEAL && behind_half) {
		if (t->left > CHUNK)
			crypt_chunk(t, h, (struct chunk){ CHUNK, CHUNK_INNER, mode, 1 });
		else
			crypt_chunk(t, h, (struct chunk){ CHUNK, CHUNK_LAST, mode, 1 });
	}
	while (t->left > CHUNK)
		crypt_chunk(t, h, (struct chunk){ CHUNK, CHUNK_INNER, mode, 0 });
	if (t->left > 0)
		crypt_chunk(t, h, (struct chunk){ CHUNK, CHUNK_LAST, mode, 0 });
}

/*
 * Encrypt or decrypt the texts of all lanes, and leave the sums of their GHASH. When sealing, a
 * text's last chunk is hashed during the first one of the next text.
 */
ALWAYS_INLINE void
crypt_long(struct vaes_group *g, struct mode mode)
{
	struct text_hash h = { .rest = lane_of(&g->rest[0], 0) };
	struct places *p = &g->places;
	bool behind_half, small = false;
	struct text t;

	find_places(p, g);
	for (unsigned int i = 0; i < g->n; i++) {
		if (p->vectors[i] == 0)
			continue;
		text_begin(&t, g, p, i);
		if (mode.direction == OPEN)
			next_hash(&h, &t);
		behind_half = t.left > CHUNK && (t.left - 1) % CHUNK < STRIDE;
		small = t.left <= STRIDE;
		crypt_first_chunk(&t, &h, mode);
		crypt_other_chunks(&t, &h, behind_half, mode);
	}
	if (mode.direction == SEAL)
		hash_chunk(&h, small);
	scatter(h.rest, sizeof(struct plane), h.sum);
}

#endif
