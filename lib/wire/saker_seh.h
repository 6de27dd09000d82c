/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_SEH_H
#define SAKER_SEH_H

/**
 * @file
 * Format S of the stateless profile, section 2.2: the security header as figures 4 and 5 of
 * draft-xia-ipsecme-eesp-stateless-encryption-02 draw it; docs/protocol.md has the picture.
 *
 *     Version 4 | HL 4 | V 4 | KeyIdx 8 | COffset 8 | IOffset 4
 *     source id 4 or 8 | options | zero padding | SN 8 | [payload info 4] | payload | pad 0..3 |
 * ICV 16
 *
 * There is no SPI and no session id. Payload info, padding, skipped octets and nonce are format
 * E's (saker_eesp.h).
 *
 * Pure: no EAL, no allocation. Threads: every function touches only its arguments.
 */

#include "saker_format.h"

#define SAKER_SEH_MIN 16  /**< shortest header: word, id of 4 octets, SN */
#define SAKER_SEH_MAX 128 /**< longest header: HL is 15 */

/** Types of options: Master Key options of figure 5, and one octet of padding. */
enum saker_seh_option {
	SAKER_SEH_PAD = 0,
	SAKER_SEH_MK_ZONE = 1,
	SAKER_SEH_MK_USER = 2,
	SAKER_SEH_MK_TASK = 3,
};

/** See saker_format.read. The group is not in the header: saker_hdr.spi is 0. */
enum saker_drop saker_seh_read(const uint8_t *p, uint32_t len, struct saker_hdr *h);

/** See saker_format.split. @return SAKER_OK, or SAKER_DROP_RUNT, _ALIGNMENT, _CLEAR_RANGE,
 * _IOFFSET_RANGE
 */
enum saker_drop saker_seh_split(const uint8_t *p, uint32_t len, const struct saker_hdr *h,
	const struct saker_terms *terms, struct saker_parts *parts);

/** See saker_format.template. */
int saker_seh_template(const struct saker_form *form, struct saker_tmpl *t);

/** See saker_format.write. */
void saker_seh_write(const struct saker_tmpl *t, uint8_t *at, const struct saker_fields *f);

#endif
