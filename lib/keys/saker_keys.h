/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_KEYS_H
#define SAKER_KEYS_H

/**
 * @file
 * Root keys, their three generations, and the way from them to a group key (stateless
 * profile, sections 1 and 3). No octet of a key leaves this module but as a key.
 *
 * Threads: control path only. Memory: callers keep keys in saker_secret_alloc() memory and
 * wipe what they are done with.
 */

#include "saker_eesp.h"
#include "saker_kdf.h"

#define SAKER_ROOT_LEN   32 /**< octets of a root key, master key, group key */
#define SAKER_SALT_LEN   4  /**< octets of salt of AES-GCM in ESP (RFC 4106) */
#define SAKER_KEYMAT_MAX (SAKER_KEY_MAX + SAKER_SALT_LEN) /**< octets of the longest KEYMAT */
#define SAKER_CHECK_LEN  4                                /**< octets of a check value */
#define SAKER_CHECK_TEXT 9                                /**< room for a check value as text */

/**
 * The three generations of a root key. A running gateway accepts a fourth for a while after a
 * rotation: the former pre. Four indices in a row still differ modulo 4.
 */
enum saker_generation {
	SAKER_PRE,
	SAKER_CURRENT,
	SAKER_NEXT,
	SAKER_GENERATIONS,             /**< that a file may hold */
	SAKER_OLD = SAKER_GENERATIONS, /**< never in a file */
	SAKER_LIVE_GENERATIONS
};

/** A root key: up to three values with consecutive indices, and a fourth while it is rotated. */
struct saker_root_values {
	uint32_t index; /**< of current; see saker_root_index() */
	uint64_t since; /**< when current became current, seconds of Unix time; 0: not known */
	bool live[SAKER_LIVE_GENERATIONS];
	uint8_t value[SAKER_LIVE_GENERATIONS][SAKER_ROOT_LEN];
	uint8_t keymat_len[SAKER_LIVE_GENERATIONS]; /**< 0: a root key; else see saker_keymat() */
	uint8_t keymat[SAKER_LIVE_GENERATIONS][SAKER_KEYMAT_MAX];
};

/**
 * Take the KEYMAT of an SA, key || salt, as another program gave it, in place of a root key value.
 * The value becomes a hash of it, which stands for it wherever values are compared and named.
 * @param len octets, at most SAKER_KEYMAT_MAX
 * @return 0 or -EIO; then the generation is not live
 */
int saker_keymat(
	struct saker_root_values *k, unsigned int generation, const uint8_t *keymat, uint8_t len);

/** True if a live value is the KEYMAT of an SA. */
bool saker_has_keymat(const struct saker_root_values *k);

/** Index of a generation: old, pre, current and next follow each other. */
static inline uint32_t
saker_root_index(const struct saker_root_values *k, unsigned int generation)
{
	static const uint8_t before_next[SAKER_LIVE_GENERATIONS] = {
		[SAKER_PRE] = 2, [SAKER_CURRENT] = 1, [SAKER_NEXT] = 0, [SAKER_OLD] = 3
	};

	return k->index + 1 - before_next[generation];
}

/** How root keys become a master key. */
enum saker_combine { SAKER_HKDF, SAKER_XOR };

/**
 * Combine one root key value per level into a master key.
 * @param value one pointer a level, NULL for a level that the group does not use
 * @param mk receives 32 octets
 * @return 0; -EEXIST if two values are equal; -EDOM if the master key is zero; -EINVAL if no
 *         level is used; -EIO if the crypto library failed. On failure @p mk is zero.
 */
int saker_master_key(enum saker_combine combine, const uint8_t *const value[SAKER_LEVELS],
	uint8_t mk[SAKER_ROOT_LEN]);

/**
 * Bind a master key to a format, suite and SPI: P(MK, "GK", format || suite || 0 || SPI, 256).
 * @return 0 or -EIO
 */
int saker_group_key(const uint8_t mk[SAKER_ROOT_LEN], uint8_t format, enum saker_suite suite,
	uint32_t spi, uint8_t gk[SAKER_ROOT_LEN]);

/**
 * Check value of a 32-octet key: the first octets of P(key, "CV", no context, 32). It tells keys
 * apart and gives nothing of them away.
 * @return 0 or -EIO
 */
int saker_key_check(const uint8_t key[SAKER_ROOT_LEN], uint8_t check[SAKER_CHECK_LEN]);

/** Check value as text, "????????" if it can't be computed. @return @p out. */
char *saker_key_check_text(const uint8_t key[SAKER_ROOT_LEN], char out[SAKER_CHECK_TEXT]);

/**
 * Derive the data key of one context on the control path: for a client, or to check a driver.
 * @param gk group key
 * @return 0; -EINVAL if the variant is not known; -EIO if the crypto library failed. On failure
 *         @p out is zero.
 */
int saker_data_key_derive(const uint8_t gk[SAKER_ROOT_LEN], const struct saker_kdf_context *c,
	enum saker_suite suite, struct saker_data_key *out);

#endif
