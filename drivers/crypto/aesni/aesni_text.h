/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef AESNI_TEXT_H
#define AESNI_TEXT_H

/**
 * @file
 * CTR of texts, and GHASH of long ones.
 *
 * Chunks of eight blocks begin where the counter is a multiple of eight, so that one addition makes
 * a counter block. A text's counter begins at 2: its first chunk has six blocks. The
 * multiplications of a chunk stand between the rounds of AES, where they cost little: of this chunk
 * if it is ciphertext already, else of the one before.
 */

#include "aesni_hash.h"

#define FIRST_COUNTER 2
#define HEAD_BLOCKS   (CHUNK - FIRST_COUNTER)

/* One text on its way. */
struct text {
	const uint8_t *in; /* at the next block */
	uint8_t *out;
	const uint8_t *aad; /* what is not hashed yet */
	size_t aad_len;
	const struct aesni_key *key;
	block start;      /* counter block with counter 0, xor round key 0 */
	uint32_t counter; /* of the next block */
	block state;      /* of GHASH */
};

ALWAYS_INLINE unsigned int
aad_blocks(const struct text *t)
{
	return (unsigned int)(t->aad_len + BLOCK - 1) / BLOCK;
}

/* @return where the next block goes */
ALWAYS_INLINE block *
add_aad(block *x, const struct text *t)
{
	const uint8_t *p = t->aad;
	size_t left = t->aad_len;

	for (; left >= BLOCK; left -= BLOCK, p += BLOCK)
		*x++ = reverse(load(p));
	if (left > 0)
		*x++ = reverse(load_part(p, left));
	return x;
}

/* Two blocks at a time, as long as there are more than a sequence has room for. */
ALWAYS_INLINE void
hash_long_aad(struct text *t)
{
	for (; t->aad_len > AAD_BLOCKS * BLOCK; t->aad_len -= 2 * BLOCK, t->aad += 2 * BLOCK) {
		const block x[2] = { reverse(load(t->aad)), reverse(load(t->aad + BLOCK)) };

		t->state = hash_pair(t->state, t->key, x);
	}
}

/* Number i, or i and i + 1, where the low octet of a counter stands. */
ALWAYS_INLINE wide
low_octets(const uint32_t i)
{
	wide v = wide_of(words(0, 0, 0, i << 24));

	return WIDE == 1 ? v : wide_xor(v, wide_second(words(0, 0, 0, 1u << 24)));
}

/* n blocks of a text: neighbours in vectors, an odd one at the end alone. */
struct few {
	wide v[CHUNK / WIDE];
	block odd;
};

/* Counter blocks, xor round key 0. Their low octets do not overflow. */
ALWAYS_INLINE void
few_counters(struct few *f, const struct text *t, const int n)
{
	const block counter = counter_word(t->counter);

	UNROLL
	for (int i = 0; i < n / WIDE; i++) {
		wide c = wide_add(wide_of(counter), low_octets((uint32_t)(i * WIDE)));

		f->v[i] = wide_xor(wide_of(t->start), c);
	}
	if (n % WIDE != 0)
		f->odd = xor2(
			t->start, _mm_add_epi32(counter, words(0, 0, 0, (uint32_t)(n - 1) << 24)));
}

/* Key stream, but for the last round. */
ALWAYS_INLINE void
few_rounds(struct few *f, const struct text *t, const int n, const int rounds)
{
	KEEP_ROLLED
	for (int r = 1; r < rounds; r++) {
		const block k = t->key->round_keys[r];

		UNROLL
		for (int i = 0; i < n / WIDE; i++)
			f->v[i] = wide_aes(f->v[i], wide_of(k));
		if (n % WIDE != 0)
			f->odd = _mm_aesenc_si128(f->odd, k);
	}
}

/* The next n blocks; what is to be hashed of them goes to x. */
ALWAYS_INLINE void
crypt_few(struct text *t, block *x, const int n, struct mode mode)
{
	const block k = t->key->round_keys[mode.rounds];
	struct few f;

	few_counters(&f, t, n);
	few_rounds(&f, t, n, mode.rounds);
	UNROLL
	for (int i = 0; i < n / WIDE; i++) {
		const size_t at = (size_t)i * WIDE * BLOCK;
		wide in = wide_load(t->in + at);
		wide out = wide_aes_last(f.v[i], wide_xor(in, wide_of(k)));

		wide_store(t->out + at, out);
		wide_store(x + i * WIDE, wide_reverse(mode.direction == SEAL ? out : in));
	}
	if (n % WIDE != 0) {
		const size_t at = (size_t)(n - 1) * BLOCK;
		block in = load(t->in + at), out = _mm_aesenclast_si128(f.odd, xor2(in, k));

		store(t->out + at, out);
		x[n - 1] = reverse(mode.direction == SEAL ? out : in);
	}
	t->in += n * BLOCK;
	t->out += n * BLOCK;
	t->counter += (uint32_t)n;
}

#define FEW(n)                                                                                     \
	case n:                                                                                    \
		crypt_few(t, x, n, mode);                                                          \
		break

/* The next n blocks, at most CHUNK. @return where the next ones go */
ALWAYS_INLINE block *
crypt_up_to_chunk(struct text *t, block *x, unsigned int n, struct mode mode)
{
	switch (n) {
		FEW(1);
		FEW(2);
		FEW(3);
		FEW(4);
		FEW(5);
		FEW(6);
		FEW(7);
		FEW(8);
	}
	return x + n;
}

/* Part of the hash of a chunk of ciphertext. The one that waits for the chunk before comes last. */
ALWAYS_INLINE void
hash_part(struct text *t, struct gf_sum *sum, const uint8_t *p, const int part)
{
	const int i = (part + 1) * WIDE % CHUNK;
	const struct aesni_powers *power = &t->key->powers[i / 2];
	wide x = wide_reverse(wide_load(p + i * BLOCK));
	struct gf_sum s;

	if (i == 0)
		x = wide_xor(x, wide_first(t->state));
	s = gf_product(x, wide_load(power->plain + i % 2), wide_load(power->folded + i % 2));
	*sum = part == 0 ? s : gf_add(*sum, s);
	if (i == 0)
		t->state = gf_reduce(*sum);
}

#define HASH_PARTS (CHUNK / WIDE)

ALWAYS_INLINE void
hash_chunk(struct text *t, const uint8_t *p)
{
	struct gf_sum sum;

	UNROLL
	for (int part = 0; part < HASH_PARTS; part++)
		hash_part(t, &sum, p, part);
}

/* The next chunk; `hashed` is a chunk of ciphertext that is ready to be hashed, or NULL. */
ALWAYS_INLINE void
crypt_chunk(struct text *t, const uint8_t *hashed, struct mode mode)
{
	const block first = xor2(t->start, counter_word(t->counter));
	wide v[CHUNK / WIDE];
	struct gf_sum sum;

	UNROLL
	for (int i = 0; i < CHUNK / WIDE; i++)
		v[i] = wide_xor(wide_of(first), low_octets((uint32_t)(i * WIDE)));
	UNROLL
	for (int r = 1; r < mode.rounds; r++) {
		const wide k = wide_of(t->key->round_keys[r]);

		UNROLL
		for (int i = 0; i < CHUNK / WIDE; i++)
			v[i] = wide_aes(v[i], k);
		UNROLL
		for (int part = 0; part < HASH_PARTS; part++)
			if (hashed != NULL && part * (mode.rounds - 1) / HASH_PARTS + 1 == r)
				hash_part(t, &sum, hashed, part);
	}
	UNROLL
	for (int i = 0; i < CHUNK / WIDE; i++) {
		const size_t at = (size_t)i * WIDE * BLOCK;
		const wide k = wide_of(t->key->round_keys[mode.rounds]);

		wide_store(t->out + at, wide_aes_last(v[i], wide_xor(k, wide_load(t->in + at))));
	}
	t->in += CHUNK * BLOCK;
	t->out += CHUNK * BLOCK;
	t->counter += CHUNK;
}

/* n > 0 chunks of a long text, hashed. */
ALWAYS_INLINE void
crypt_chunks(struct text *t, uint32_t n, struct mode mode)
{
	if (mode.direction == OPEN) {
		for (; n > 0; n--)
			crypt_chunk(t, t->in, mode);
		return;
	}
	crypt_chunk(t, NULL, mode);
	for (; n > 1; n--)
		crypt_chunk(t, t->out - CHUNK * BLOCK, mode);
	hash_chunk(t, t->out - CHUNK * BLOCK);
}

#endif
