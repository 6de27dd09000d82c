/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef AESNI_GROUP_H
#define AESNI_GROUP_H

/**
 * @file
 * The driver works on groups of eight slots, its lanes. What waits for itself (derivation, key
 * schedules, GHASH of short texts) is done for the lanes side by side; long texts one by one.
 *
 * The code is built several times, once for each set of instructions that is worth it, and
 * saker_aesni.c takes the best one for the processor.
 */

#include "saker_crypto.h"

#include "aesni_vec.h"

#define LANES      8
#define QUAD       4 /* lanes that derive and expand their keys together */
#define ROUNDS_128 10
#define ROUNDS_256 14
#define TAG_LEN    16

#define CHUNK        8  /* blocks of a text that are worked on at a time; also powers of H */
#define SHORT_BLOCKS 22 /* whole blocks of a text that is hashed beside its neighbours */
#define FEW_SLOTS    3  /* from so many on, slots side by side keep GHASH busy */
#define FEW_BLOCKS   7  /* of a text that gets all powers of H if there are few slots */
#define AAD_BLOCKS   4  /* longer AAD is hashed beforehand */

/* Blocks to hash of one lane: filler, AAD, text, its last octets, lengths. */
#define SEQUENCE (1 + AAD_BLOCKS + SHORT_BLOCKS + 1 + 1)

enum direction { OPEN, SEAL };

/* What the compiler makes code of its own for: always constants. */
struct mode {
	enum direction direction;
	int rounds; /* of the suite */
};

/* Two neighbouring powers of H, the higher one first, and the same folded: aesni_gf.h. */
struct aesni_powers {
	block plain[2], folded[2];
};

/* A data key made ready; what a struct saker_expanded_key holds. Short texts need the last powers
 * only: all that they need is without a gap. */
struct aesni_key {
	struct aesni_powers powers[CHUNK / 2]; /* H^8 .. H */
	block mask;                            /* of the nonce, in 12 octets */
	block round_keys[ROUNDS_256 + 1];
};

/* What is to be hashed of one lane: ciphertext, but for what the first two blocks follow. */
struct sequence {
	unsigned int n; /* blocks, always even */
	block blocks[SEQUENCE + 1];
};

struct aesni_code;

/* Of one lcore. What depends on keys is wiped when a call ends. */
struct aesni_group {
	const struct aesni_code *code;
	struct saker_batch *batch;
	unsigned int first; /* slot of lane 0 */
	unsigned int n;     /* lanes that live, 1..8 */

	const struct aesni_key *key[LANES];
	block start[LANES]; /* counter block with counter 0, xor round key 0 */
	block pad[LANES];   /* E(counter block with counter 1) */
	block last[LANES];  /* key stream of a text's last block, unless that is whole */
	block state[LANES]; /* of GHASH; in the end the tags */
	struct aesni_key fresh[LANES];

	/* Of lanes that stand in for dead ones. Made from a key of zero: no secret. */
	struct aesni_key idle;
	struct sequence sequence[LANES];
};

/* The driver's calls, built for some set of instructions: struct saker_crypto_ops. */
struct aesni_code {
	void (*set_master)(struct aesni_group *g, const uint8_t *key, struct saker_master *m);
	void (*expand)(struct aesni_group *g, enum saker_suite suite,
		const struct saker_data_key *key, struct aesni_key *out);
	void (*derive)(struct aesni_group *g, struct saker_batch *b, struct saker_data_key *keys);
	unsigned int (*seal)(struct aesni_group *g, struct saker_batch *b);
	unsigned int (*open)(struct aesni_group *g, struct saker_batch *b);
};

extern const struct aesni_code saker_aesni_sse, saker_aesni_avx, saker_aesni_vaes;

#endif
