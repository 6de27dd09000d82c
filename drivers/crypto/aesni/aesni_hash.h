/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef AESNI_HASH_H
#define AESNI_HASH_H

/**
 * @file
 * GHASH, in pairs of blocks: the highest power of H that is needed is that of the blocks that
 * share one reduction.
 */

#include "aesni_gf.h"

/* A pair of reversed blocks by powers of H. */
ALWAYS_INLINE struct gf_sum
pair_product(const block x[2], block before, const struct aesni_powers *p)
{
	struct gf_sum s = gf_product(wide_xor(load_pair(x), wide_first(before)),
		wide_load(p->plain), wide_load(p->folded));

	if (WIDE == 1)
		s = gf_add(s, gf_product(wide_load(x + 1), wide_load(p->plain + 1),
				      wide_load(p->folded + 1)));
	return s;
}

/* One pair more. */
ALWAYS_INLINE block
hash_pair(block state, const struct aesni_key *k, const block x[2])
{
	return gf_reduce(pair_product(x, state, &k->powers[CHUNK / 2 - 1]));
}

/* A sequence by itself, of which all powers of H are at hand. */
ALWAYS_INLINE block
hash_sequence(const struct sequence *s, const struct aesni_key *k)
{
	const block none = _mm_setzero_si128();
	block state = none;

	for (unsigned int at = 0, n; at < s->n; at += n) {
		const struct aesni_powers *p;
		struct gf_sum sum;

		n = (s->n - at - 1) % CHUNK + 1;
		p = &k->powers[(CHUNK - n) / 2];
		sum = pair_product(&s->blocks[at], state, p);
		for (unsigned int i = 2; i < n; i += 2)
			sum = gf_add(sum, pair_product(&s->blocks[at + i], none, ++p));
		state = gf_reduce(sum);
	}
	return state;
}

/* Fill a sequence with n blocks, behind one of zero if need be. @return where they begin */
ALWAYS_INLINE block *
sequence_begin(struct sequence *s, unsigned int n)
{
	s->n = n + n % 2;
	s->blocks[0] = _mm_setzero_si128();
	return s->blocks + n % 2;
}

/* What was hashed before the sequence becomes part of its first block. */
ALWAYS_INLINE void
sequence_follow(block *begin, block *state)
{
	*begin = xor2(*begin, *state);
	*state = _mm_setzero_si128();
}

/* Octets that do not fill a block: behind them there is zero. */
ALWAYS_INLINE block
load_part(const uint8_t *p, size_t n)
{
	block v = _mm_setzero_si128();

	memcpy(&v, p, n);
	return v;
}

/* Lengths in bits, the last block. */
ALWAYS_INLINE block
lengths(uint64_t aad, uint64_t text)
{
	return _mm_set_epi64x((long long)(aad * 8), (long long)(text * 8));
}

#endif
