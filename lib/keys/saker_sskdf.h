/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_SSKDF_H
#define SAKER_SSKDF_H

/**
 * @file
 * Keys of Sub SAs (EESP section 5 and its IKEv2 draft, section 3.1.1), and of SAs whose key is
 * made of a root key value without one: docs/protocol.md, "Keys of Sub SAs".
 *
 * Threads: control path only. Memory: callers wipe keys when they are done.
 */

#include "saker_keys.h"

/** Sub SA key derivation functions, by their transform ids. */
enum saker_sskdf {
	SAKER_SSKDF_NONE = 0,
	SAKER_SSKDF_SHA256 = 1,
	SAKER_SSKDF_SHA384 = 2,
	SAKER_SSKDF_SHA512 = 3
};

#define SAKER_SSKDF_ROOT_MAX 64 /**< octets of the longest KEY_root */
#define SAKER_SALT_LEN       4  /**< octets of salt of AES-GCM (RFC 4106) */

/** Octets of KEY_root: 32, 48, 64; 0 without a function. */
unsigned int saker_sskdf_root_len(enum saker_sskdf sskdf);

/**
 * KEYMAT_sub = HKDF-Expand(KEY_root, session id, L); the session id as two octets, big endian.
 * @param root saker_sskdf_root_len() octets
 * @param len L, octets; 1..255 times the hash's length
 * @return 0; -EINVAL without a function; -EIO if the crypto library failed. On failure @p out is
 *         zero.
 */
int saker_sskdf(
	enum saker_sskdf sskdf, const uint8_t *root, uint16_t session, uint8_t *out, size_t len);

/**
 * KEY_root of a root key value: the value itself with SHA-256, and
 * P(value, "SR", transform id, bits) for the longer ones.
 * @param root receives saker_sskdf_root_len() octets
 * @return 0, -EINVAL or -EIO
 */
int saker_sskdf_root(enum saker_sskdf sskdf, const uint8_t value[SAKER_ROOT_LEN], uint8_t *root);

/**
 * Data key of a session from a root key value. KEYMAT is key || salt; the salt becomes the first
 * four octets of the mask, so that a nonce is 0(4) || IV(8) before it. Without a function
 * KEYMAT = P(value, "SK", format || suite || session id, bits).
 * @param format letter
 * @return 0 or -EIO; then @p out is zero
 */
int saker_session_data_key(enum saker_sskdf sskdf, uint8_t format, enum saker_suite suite,
	const uint8_t value[SAKER_ROOT_LEN], uint16_t session, struct saker_data_key *out);

#endif
