/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_BYTES_H
#define SAKER_BYTES_H

/**
 * @file
 * Big-endian loads and stores, hexadecimal text, and the three things that
 * secrets need: wiping, constant-time comparison, and a place that is never
 * written to a core file.
 *
 * Threads: every function is pure or touches only its arguments.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** Load a 16-bit big-endian integer from any address. */
static inline uint16_t
saker_load_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/** Load a 32-bit big-endian integer from any address. */
static inline uint32_t
saker_load_be32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return __builtin_bswap32(v);
}

/** Load a 64-bit big-endian integer from any address. */
static inline uint64_t
saker_load_be64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return __builtin_bswap64(v);
}

/** Store a 16-bit integer big-endian at any address. */
static inline void
saker_store_be16(uint8_t *p, uint16_t v)
{
	v = __builtin_bswap16(v);
	memcpy(p, &v, sizeof(v));
}

/** Store a 32-bit integer big-endian at any address. */
static inline void
saker_store_be32(uint8_t *p, uint32_t v)
{
	v = __builtin_bswap32(v);
	memcpy(p, &v, sizeof(v));
}

/** Store a 64-bit integer big-endian at any address. */
static inline void
saker_store_be64(uint8_t *p, uint64_t v)
{
	v = __builtin_bswap64(v);
	memcpy(p, &v, sizeof(v));
}

/**
 * Copy a header of at least 16 octets. Short ones, up to 64 octets, take two or four moves that may
 * overlap instead of a call.
 */
static inline void
saker_copy_header(uint8_t *to, const uint8_t *from, size_t n)
{
	if (n > 64) {
		memcpy(to, from, n);
		return;
	}
	memcpy(to, from, 16);
	if (n > 32) {
		memcpy(to + 16, from + 16, 16);
		memcpy(to + n - 32, from + n - 32, 16);
	}
	memcpy(to + n - 16, from + n - 16, 16);
}

/** Overwrite @p n octets with zero in a way the compiler may not remove. */
static inline void
saker_wipe(void *p, size_t n)
{
	explicit_bzero(p, n);
}

/**
 * Compare @p n octets in constant time.
 * @return true if they are equal.
 */
bool saker_ct_equal(const void *a, const void *b, size_t n);

/**
 * Allocate zeroed memory for keys: locked if the system allows it, and left
 * out of core files. Aligned to 64 octets. Free with saker_secret_free().
 * @param size octets, at least 1
 * @return the memory, or NULL with errno set.
 */
void *saker_secret_alloc(size_t size);

/**
 * Wipe and free memory of saker_secret_alloc().
 * @param p NULL is allowed
 * @param size the size that was asked for
 */
void saker_secret_free(void *p, size_t size);

/**
 * Decode hexadecimal text (either case, no separators).
 * @param text NUL-terminated
 * @param out receives the octets
 * @param size room in @p out
 * @return the number of octets, or -EINVAL (odd length, other characters,
 *         empty) or -ENOSPC. On failure @p out holds nothing of the text.
 */
int saker_hex_decode(const char *text, uint8_t *out, size_t size);

/**
 * Encode octets as lower-case hexadecimal text.
 * @param out room for 2 * @p n + 1 characters
 * @return @p out
 */
char *saker_hex_encode(const uint8_t *in, size_t n, char *out);

#endif
