/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_ESP_H
#define SAKER_ESP_H

/**
 * @file
 * Format esp: ESP (RFC 4303) with AES-GCM (RFC 4106) and, if agreed on, an implicit IV (RFC 8750);
 * docs/protocol.md has the picture.
 *
 *     SPI 4 | SN 4 | [IV 8] | payload | TFC padding | padding 0..255 | pad length 1 | next header 1
 *     | ICV 16
 *
 * Whether there is an IV is in the group's terms, so reading a header is finished by bind(). Of a
 * "partially transmitted 64-bit" SN the wire has the low half.
 *
 * Pure: no EAL, no allocation. Threads: every function touches only its arguments.
 */

#include "saker_format.h"

#define SAKER_ESP_HEADER  8          /**< SPI and SN, octets */
#define SAKER_ESP_IV      8          /**< explicit IV, octets */
#define SAKER_ESP_TRAILER 2          /**< pad length and next header, octets */
#define SAKER_ESP_SPI_MAX 0x7fffffff /**< in UDP: the first bit tells ESP from EESP */
#define SAKER_ESP_SN_MAX  0xffffffff /**< of 32-bit SNs: they never wrap */

/** Read SPI and SN: see saker_format.read. @return SAKER_OK, SAKER_DROP_RUNT or, of IKE,
 * _NOT_EESP */
enum saker_drop saker_esp_read(const uint8_t *p, uint32_t len, struct saker_hdr *h);

/**
 * Find the payload by the group's terms.
 * @return SAKER_OK, SAKER_DROP_RUNT or, of "32-bit sequential" SNs, _SN_ZERO
 */
enum saker_drop saker_esp_bind(
	const uint8_t *p, uint32_t len, const struct saker_terms *terms, struct saker_hdr *h);

/**
 * The high half of an SN is what brings it next to the window (RFC 4303, appendix A2.2). Where
 * nothing was accepted yet it is 0, but for an explicit IV that shows the whole SN, as saker's
 * does: a receiver that starts later than its peer needs that. Wrong either way, the ICV fails.
 * @see saker_format.whole_sn
 */
uint64_t saker_esp_whole_sn(const uint8_t *p, const struct saker_hdr *h,
	const struct saker_terms *terms, uint64_t newest, uint32_t window);

/** Find the encrypted part. @return SAKER_OK, SAKER_DROP_RUNT or _ALIGNMENT */
enum saker_drop saker_esp_split(const uint8_t *p, uint32_t len, const struct saker_hdr *h,
	const struct saker_terms *terms, struct saker_parts *parts);

/**
 * Read the trailer. What lies between an inner packet and the padding is TFC padding, and not
 * looked at.
 * @return SAKER_OK; SAKER_DROP_DUMMY: next header 59; _INNER_FORM: padding that is not 1, 2, 3...;
 *         _PAYLOAD_INFO: tunnel mode, and next header is not what the inner packet is
 */
enum saker_drop saker_esp_opened(uint8_t *p, const struct saker_hdr *h,
	const struct saker_parts *parts, const struct saker_terms *terms, struct saker_opened *o);

/** Lay out a header; needs form->terms. @return 0; -EINVAL: nothing can be left in clear */
int saker_esp_template(const struct saker_form *form, struct saker_tmpl *t);

/** Parts of a packet to seal: see saker_format.plan. */
void saker_esp_plan(const struct saker_tmpl *t, const struct saker_fields *f, uint16_t payload_len,
	uint16_t skip_from, struct saker_parts *parts, uint8_t *pad);

/** Write a header. The IV is the whole SN. */
void saker_esp_write(const struct saker_tmpl *t, uint8_t *at, const struct saker_fields *f);

/** Write padding, pad length and next header in front of the ICV. */
void saker_esp_write_trailer(uint8_t *icv, const struct saker_fields *f);

/** AAD (RFC 4106 section 5): SPI and SN, all of it. */
const uint8_t *saker_esp_aad(const struct saker_sealed *s, uint8_t *scratch, uint16_t *len);

/** Nonce before the mask, which holds the salt: 0(4) || IV(8) (RFC 4106, RFC 8750). */
void saker_esp_nonce(const struct saker_sealed *s, uint8_t out[12]);

#endif
