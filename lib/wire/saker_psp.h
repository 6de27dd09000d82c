/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_PSP_H
#define SAKER_PSP_H

/**
 * @file
 * The PSP Security Protocol (Google's PSP Architecture Specification): header, parts, AAD and
 * nonce; docs/formats.md has the picture.
 *
 *     header 16 | [cookie 8 | further extensions] | payload | ICV 16
 *
 * What follows the IV is the body: the cookie, if there is one, and the payload. The Crypt Offset
 * counts from there. Versions 0 and 1 are AES-GCM, 2 and 3 GMAC, where all of the body is in clear.
 *
 * Pure: no EAL, no allocation. Threads: every function touches only its arguments.
 */

#include "saker_format.h"

#define SAKER_PSP_FIXED    16 /**< header up to the IV, octets */
#define SAKER_PSP_COOKIE   8  /**< virtualization cookie, octets */
#define SAKER_PSP_VERSIONS 4

/** Octet 3 of the header, but for the version; saker_hdr.flags. */
enum saker_psp_flag {
	SAKER_PSP_SAMPLE = 0x80, /**< S: sample at the receiver */
	SAKER_PSP_DROP = 0x40,   /**< D: drop after sampling */
	SAKER_PSP_HAS_COOKIE = 0x02,
	SAKER_PSP_ONE = 0x01, /**< always set */
};

/** True for the versions that authenticate only: 2 and 3. */
static inline bool
saker_psp_is_gmac(uint8_t version)
{
	return (version & 2) != 0;
}

/**
 * See saker_format.read: lengths and Crypt Offset (checks 8 to 10).
 * @return SAKER_OK, or SAKER_DROP_RUNT, _OPT_LENGTH, _CLEAR_RANGE
 */
enum saker_drop saker_psp_read(const uint8_t *p, uint32_t len, struct saker_hdr *h);

/**
 * See saker_format.bind: version, fixed bits and SPI (checks 11 to 14).
 * @return SAKER_OK, or SAKER_DROP_BAD_VERSION, _RESERVED_BITS, _COOKIE_MISSING, _SPI_RESERVED
 */
enum saker_drop saker_psp_bind(
	const uint8_t *p, uint32_t len, const struct saker_terms *terms, struct saker_hdr *h);

/** See saker_format.split. @return SAKER_OK or SAKER_DROP_CLEAR_RANGE */
enum saker_drop saker_psp_split(const uint8_t *p, uint32_t len, const struct saker_hdr *h,
	const struct saker_terms *terms, struct saker_parts *parts);

/**
 * See saker_format.opened: bit D, and whether the mode is the group's (checks 16 and 17).
 * @return SAKER_OK, or SAKER_DROP_DROP_BIT, _MODE
 */
enum saker_drop saker_psp_opened(uint8_t *p, const struct saker_hdr *h,
	const struct saker_parts *parts, const struct saker_terms *terms, struct saker_opened *o);

/** See saker_format.template. Version and cookie are those of the terms. */
int saker_psp_template(const struct saker_form *form, struct saker_tmpl *t);

/** See saker_format.plan. Clear octets count from the IV on, the cookie included. */
void saker_psp_plan(const struct saker_tmpl *t, const struct saker_fields *f, uint16_t payload_len,
	uint16_t skip_from, struct saker_parts *parts, uint8_t *pad);

/** See saker_format.write. The SPI is the sender's, the IV its SN. */
void saker_psp_write(const struct saker_tmpl *t, uint8_t *at, const struct saker_fields *f);

#endif
