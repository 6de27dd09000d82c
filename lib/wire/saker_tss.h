/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_TSS_H
#define SAKER_TSS_H

/**
 * @file
 * Ultra Ethernet's Transport Security Sublayer, header version 1.0: header, parts, AAD and nonce;
 * docs/formats.md has the picture.
 *
 *     type 5 | SP 1 | 0 1 | AN 1 | SDI 24 | [SSI 32] | epoch 16 | counter 48 | payload | ICV 16
 *
 * Behind an IP header stands an entropy header of 4 octets, else UDP. Addresses are authenticated.
 * In transport mode the header goes between the UDP or entropy header of a UET packet, which stay,
 * and its payload. Nothing on the wire tells the mode, or what is in clear.
 *
 * Pure: no EAL, no allocation. Threads: every function touches only its arguments.
 */

#include "saker_format.h"

#define SAKER_TSS_SDI_MAX 0xffffffu
#define SAKER_TSS_ENTROPY 4 /**< octets of an entropy header */
#define SAKER_TSS_DIRECTION_BIT                                                                    \
	(UINT64_C(1) << 47) /**< of a counter in server mode: the server's */

/** True if a payload begins as what the UET delivery layer sends: types 2 to 14. */
static inline bool
saker_tss_is_uet(const uint8_t *payload, uint32_t len)
{
	uint8_t type = len == 0 ? 0 : payload[0] >> 3;

	return type >= 2 && type <= 14;
}

/**
 * See saker_format.read. The session of a header is its AN: SNs of each key are counted by
 * themselves.
 * @return SAKER_OK, or SAKER_DROP_RUNT, _BAD_VERSION: not of type TSS, _RESERVED_BITS
 */
enum saker_drop saker_tss_read(const uint8_t *p, uint32_t len, struct saker_hdr *h);

/**
 * See saker_format.bind: in server mode the counter is of the sender's half, and is read without
 * the bit that says so.
 * @return SAKER_OK or SAKER_DROP_DIRECTION
 */
enum saker_drop saker_tss_bind(
	const uint8_t *p, uint32_t len, const struct saker_terms *terms, struct saker_hdr *h);

/** See saker_format.split: as much is in clear as the terms say. */
enum saker_drop saker_tss_split(const uint8_t *p, uint32_t len, const struct saker_hdr *h,
	const struct saker_terms *terms, struct saker_parts *parts);

/** See saker_format.opened. @return SAKER_OK, or SAKER_DROP_INNER_FORM: transport mode, no UET */
enum saker_drop saker_tss_opened(uint8_t *p, const struct saker_hdr *h,
	const struct saker_parts *parts, const struct saker_terms *terms, struct saker_opened *o);

/** See saker_format.template. @return 0, or -EINVAL for another variant or too long an SDI */
int saker_tss_template(const struct saker_form *form, struct saker_tmpl *t);

/** See saker_format.plan: no padding. */
void saker_tss_plan(const struct saker_tmpl *t, const struct saker_fields *f, uint16_t payload_len,
	uint16_t skip_from, struct saker_parts *parts, uint8_t *pad);

/** See saker_format.write. The AN is the top bit of the key index. */
void saker_tss_write(const struct saker_tmpl *t, uint8_t *at, const struct saker_fields *f);

/**
 * AAD: addresses of the IP header, what stands between it and the security header, the latter, and
 * payload in clear. Behind UDP the UDP header belongs to it if terms->udp_in_aad. IPv4 options
 * and IPv6 extension headers do not.
 */
const uint8_t *saker_tss_aad(const struct saker_sealed *s, uint8_t *scratch, uint16_t *len);

/** Nonce before the mask: id(4) || TSC(8); the id is the SSI, the IPv4 source, or the SDI. */
void saker_tss_nonce(const struct saker_sealed *s, uint8_t out[12]);

#endif
