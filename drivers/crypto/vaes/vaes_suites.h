/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef VAES_SUITES_H
#define VAES_SUITES_H

/**
 * @file
 * Steps of the work on a group, built for each suite and for what else is known beforehand.
 */

#include "vaes_ghash.h"
#include "vaes_kdf.h"
#include "vaes_keys.h"
#include "vaes_long.h"
#include "vaes_short.h"

/* The code that differs by suite. */
struct suite_code {
	void (*derive)(struct vaes_group *g, const uint8_t *const *masters);
	void (*derive_mixed)(struct vaes_group *g, const uint8_t *const *masters);
	void (*expand)(struct vaes_group *g);
	void (*make)(struct vaes_group *g, const uint8_t *const *masters);
	void (*make_mixed)(struct vaes_group *g, const uint8_t *const *masters);
	void (*make_given)(struct vaes_group *g, const uint8_t *const *keys);
	void (*derive_one)(struct vaes_group *g, const uint8_t *const *masters);
	void (*expand_one)(struct vaes_group *g);
	void (*pads)(struct vaes_group *g);
	void (*seal_short)(struct vaes_group *g, const struct rows *texts);
	void (*open_short)(struct vaes_group *g, const struct rows *texts);
	void (*seal_summed)(struct vaes_group *g, const struct rows *texts);
	void (*open_summed)(struct vaes_group *g, const struct rows *texts);
	void (*seal_long)(struct vaes_group *g);
	void (*open_long)(struct vaes_group *g);
	unsigned int rounds;
};

/* From the masters of all lanes to their schedules, on the way in registers. */
ALWAYS_INLINE void
make_all(struct vaes_group *g, struct derivation d, const int rounds)
{
	derive_lanes(g, d);
	make_ivs(g);
	expand_lanes(g, rounds);
}

/* From the keys of all lanes, which are at hand, to their schedules. */
ALWAYS_INLINE void
make_given(struct vaes_group *g, const uint8_t *const *keys, const int rounds)
{
	UNROLL
	for (int q = 0; q < QUADS; q++) {
		const uint8_t *const *k = keys + 4 * q;

		g->round_keys[0].quad[q] = gather(k, offsetof(struct saker_data_key, key));
		if (rounds == ROUNDS_256)
			g->round_keys[1].quad[q] = gather(
				k, offsetof(struct saker_data_key, key) + BLOCK);
		/* what stands behind a mask is no part of a nonce */
		g->mask.quad[q] = gather(k, offsetof(struct saker_data_key, mask));
	}
	make_ivs(g);
	expand_lanes(g, rounds);
}

#define SUITE_CODE(name, outputs_, rounds_)                                                        \
	static void derive_##name(struct vaes_group *g, const uint8_t *const *masters)             \
	{                                                                                          \
		derive_lanes(g, (struct derivation){ masters, 0, outputs_, QUADS, 0 });            \
	}                                                                                          \
	static void derive_mixed_##name(struct vaes_group *g, const uint8_t *const *masters)       \
	{                                                                                          \
		derive_lanes(g, (struct derivation){ masters, 1, outputs_, QUADS, 0 });            \
	}                                                                                          \
	static void expand_##name(struct vaes_group *g)                                            \
	{                                                                                          \
		expand_lanes(g, rounds_);                                                          \
	}                                                                                          \
	static void make_##name(struct vaes_group *g, const uint8_t *const *masters)               \
	{                                                                                          \
		make_all(g, (struct derivation){ masters, 0, outputs_, QUADS, 0 }, rounds_);       \
	}                                                                                          \
	static void make_mixed_##name(struct vaes_group *g, const uint8_t *const *masters)         \
	{                                                                                          \
		make_all(g, (struct derivation){ masters, 1, outputs_, QUADS, 0 }, rounds_);       \
	}                                                                                          \
	static void make_given_##name(struct vaes_group *g, const uint8_t *const *keys)            \
	{                                                                                          \
		make_given(g, keys, rounds_);                                                      \
	}                                                                                          \
	static void derive_one_##name(struct vaes_group *g, const uint8_t *const *masters)         \
	{                                                                                          \
		derive_lanes(g, (struct derivation){ masters, 0, outputs_, 1, 0 });                \
	}                                                                                          \
	static void expand_one_##name(struct vaes_group *g)                                        \
	{                                                                                          \
		expand_one(g, rounds_);                                                            \
	}                                                                                          \
	static void pads_##name(struct vaes_group *g)                                              \
	{                                                                                          \
		make_pads(g, rounds_);                                                             \
	}                                                                                          \
	static void seal_short_##name(struct vaes_group *g, const struct rows *texts)              \
	{                                                                                          \
		crypt_short(g, texts, (struct mode){ SEAL, rounds_, 0 });                          \
	}                                                                                          \
	static void open_short_##name(struct vaes_group *g, const struct rows *texts)              \
	{                                                                                          \
		crypt_short(g, texts, (struct mode){ OPEN, rounds_, 0 });                          \
	}                                                                                          \
	static void seal_summed_##name(struct vaes_group *g, const struct rows *texts)             \
	{                                                                                          \
		crypt_short(g, texts, (struct mode){ SEAL, rounds_, 1 });                          \
	}                                                                                          \
	static void open_summed_##name(struct vaes_group *g, const struct rows *texts)             \
	{                                                                                          \
		crypt_short(g, texts, (struct mode){ OPEN, rounds_, 1 });                          \
	}                                                                                          \
	static void seal_long_##name(struct vaes_group *g)                                         \
	{                                                                                          \
		crypt_long(g, (struct mode){ SEAL, rounds_, 0 });                                  \
	}                                                                                          \
	static void open_long_##name(struct vaes_group *g)                                         \
	{                                                                                          \
		crypt_long(g, (struct mode){ OPEN, rounds_, 0 });                                  \
	}                                                                                          \
	static const struct suite_code name = {                                                    \
		.derive = derive_##name,                                                           \
		.derive_mixed = derive_mixed_##name,                                               \
		.expand = expand_##name,                                                           \
		.make = make_##name,                                                               \
		.make_mixed = make_mixed_##name,                                                   \
		.make_given = make_given_##name,                                                   \
		.derive_one = derive_one_##name,                                                   \
		.expand_one = expand_one_##name,                                                   \
		.pads = pads_##name,                                                               \
		.seal_short = seal_short_##name,                                                   \
		.open_short = open_short_##name,                                                   \
		.seal_summed = seal_summed_##name,                                                 \
		.open_summed = open_summed_##name,                                                 \
		.seal_long = seal_long_##name,                                                     \
		.open_long = open_long_##name,                                                     \
		.rounds = rounds_,                                                                 \
	}

SUITE_CODE(aes_128, 2, ROUNDS_128);
SUITE_CODE(aes_256, 3, ROUNDS_256);

static inline const struct suite_code *
suite_code(unsigned int suite)
{
	return suite == SAKER_AES_128_GCM ? &aes_128 : &aes_256;
}

#endif
