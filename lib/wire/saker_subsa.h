/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_SUBSA_H
#define SAKER_SUBSA_H

/**
 * @file
 * Format eesp-subsa: EESP version 0 (draft-ietf-ipsecme-eesp-03) as it stands, with Sub SAs;
 * docs/protocol.md has the picture.
 *
 *     base 8 | options (Opt Len) | [SN 8] | [IV 8] | [payload info 4] | payload | pad 0..3 | ICV 16
 *
 * Options, offsets and payload info are those of saker_eesp.h. SN and IV are there or not by the
 * group's terms, so reading a header is finished by bind().
 *
 * Pure: no EAL, no allocation. Threads: every function touches only its arguments.
 */

#include "saker_eesp.h"

#define SAKER_SUBSA_IV 8 /**< explicit IV, octets */

/** Check form, version, R bits and options of a header: see saker_format.read. */
enum saker_drop saker_subsa_read(const uint8_t *p, uint32_t len, struct saker_hdr *h);

/**
 * Find SN and IV by the group's terms. Where there is no SN, the IV stands for it.
 * @return SAKER_OK, SAKER_DROP_RUNT, _SN_ZERO, or _CLEAR_RANGE: a Crypt Offset option that was
 *         not agreed on
 */
enum saker_drop saker_subsa_bind(
	const uint8_t *p, uint32_t len, const struct saker_terms *terms, struct saker_hdr *h);

/** Lay out a header; needs form->terms: see saker_format.template. */
int saker_subsa_template(const struct saker_form *form, struct saker_tmpl *t);

/** Copy a template and finish it: see saker_format.write. The IV is the SN. */
void saker_subsa_write(const struct saker_tmpl *t, uint8_t *at, const struct saker_fields *f);

/**
 * AAD (EESP section 4.2): header, and what a Crypt Offset leaves in clear. Without
 * terms->iv_in_aad an explicit IV is left out: see saker_format.aad.
 */
const uint8_t *saker_subsa_aad(const struct saker_sealed *s, uint8_t *scratch, uint16_t *len);

/** Nonce before the mask, which holds the salt: 0(4) || IV(8). */
void saker_subsa_nonce(const struct saker_sealed *s, uint8_t out[12]);

#endif
