/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_EESP_H
#define SAKER_EESP_H

/**
 * @file
 * Format E of the stateless profile: EESP version 0 (draft-ietf-ipsecme-eesp-03) with the
 * Stateless Context option. Layout, parse and build; docs/protocol.md has the picture.
 *
 *     base 8 | options (Opt Len) | SN 8 | [payload info 4] | payload | pad 0..3 | ICV 16
 *
 * Pure: no EAL, no allocation. Threads: every function touches only its arguments.
 */

#include "saker_format.h"

#define SAKER_EESP_BASE         8 /**< base header, octets */
#define SAKER_EESP_SN           8 /**< sequence number, octets */
#define SAKER_EESP_PAYLOAD_INFO 4 /**< payload info header, octets */
#define SAKER_EESP_MAX_PAD      3 /**< octets of padding, at most */
/* The Stateless Context option is the first one that is sent. */
#define SAKER_EESP_KEY_IDX     (SAKER_EESP_BASE + 3) /**< its octet KeyIdx */
#define SAKER_EESP_SOURCE      (SAKER_EESP_BASE + 4) /**< its source id */
#define SAKER_EESP_MAX_OPTIONS 255                   /**< Opt Len is one octet */
/** Longest header, base to payload info. */
#define SAKER_EESP_MAX_HEADER                                                                      \
	(SAKER_EESP_BASE + SAKER_EESP_MAX_OPTIONS + SAKER_EESP_SN + SAKER_EESP_PAYLOAD_INFO)
/** Most payload octets that a Crypt Offset can leave in clear: (63 - 1) * 4. */
#define SAKER_EESP_MAX_CLEAR 248

/** Option types (stateless profile 2.1; EESP section 3.1). */
enum saker_eesp_option {
	SAKER_EESP_OPT_PAD1 = 0,
	SAKER_EESP_OPT_PADN = 1,
	SAKER_EESP_OPT_CRYPT_OFFSET = 2,
	SAKER_EESP_OPT_CONTEXT = 224,
	SAKER_EESP_OPT_MK_ZONE = 225,
	SAKER_EESP_OPT_MK_USER = 226,
	SAKER_EESP_OPT_MK_TASK = 227,
};

#define SAKER_EESP_FIRST_OCTET 0x80 /**< the constant bit, version 0, R bits 0 */
#define SAKER_EESP_OPT_HEAD    2    /**< type and length of an option */
#define SAKER_EESP_CRYPT_DATA  2    /**< the Crypt Offset option's data */

/**
 * Reads one option that lies inside the packet.
 * @param p the base header
 * @param at offset of the option's data, which follow type and length
 */
typedef enum saker_drop (*saker_eesp_option_fn)(const uint8_t *p, uint16_t at, struct saker_hdr *h);

/** Bit, version and R bits of a first octet. @return SAKER_OK, _BAD_VERSION, _RESERVED_BITS */
enum saker_drop saker_eesp_read_first(uint8_t octet);

/**
 * Walk over the options, Pad1 aside.
 * @param end first octet behind them, inside the packet
 * @return SAKER_OK, SAKER_DROP_OPT_LENGTH, or what @p option says of one
 */
enum saker_drop saker_eesp_read_options(
	const uint8_t *p, uint16_t end, saker_eesp_option_fn option, struct saker_hdr *h);

/** The Crypt Offset option. @return SAKER_OK, _OPT_REPEATED, _OPT_BAD, _CLEAR_RANGE */
enum saker_drop saker_eesp_read_crypt_offset(const uint8_t *data, uint8_t len, struct saker_hdr *h);

/** PadN. @return SAKER_OK, or SAKER_DROP_OPT_BAD: it is not zero */
enum saker_drop saker_eesp_read_padding(const uint8_t *data, uint8_t len);

/** Append an option to a template. @return offset of its data, which is zero yet */
uint16_t saker_eesp_add_option(struct saker_tmpl *t, uint8_t type, uint8_t len);

/** Write the Payload Offset of a template that is laid out, if it has a Crypt Offset option. */
void saker_eesp_place_payload(struct saker_tmpl *t);

/** Write CryptOffset: payload info and @p clear_len octets. */
void saker_eesp_write_crypt_offset(const struct saker_tmpl *t, uint8_t *at, uint16_t clear_len);

/** Octets of source id on the wire in format E, by variant: 4, 8, 8, 0, 0. */
extern const uint8_t saker_eesp_source_len[SAKER_V_COUNT];

/**
 * Check form, version and reserved bits of a header and read it: the first two
 * rows of the order in stateless profile section 5, and every rule on options.
 * @param p first octet of the base header
 * @param len octets from there to the end of the packet, ICV included; at most 65535
 * @return SAKER_OK or the reason; SAKER_DROP_SN_ZERO comes last
 */
enum saker_drop saker_eesp_read(const uint8_t *p, uint32_t len, struct saker_hdr *h);

/* The option that pads a header by four octets: PadN, two octets, zero. */
#define SAKER_EESP_PAD_FOUR ((uint32_t)SAKER_EESP_OPT_PADN << 24 | 2u << 16)

/**
 * saker_eesp_read() for the header that nearly all packets have: the context option with IOffset
 * 0, and padding at most.
 * @return false if it is not one, or anything is wrong with it: ask saker_eesp_read()
 */
static inline bool
saker_eesp_read_plain(const uint8_t *p, uint32_t len, struct saker_hdr *h)
{
	uint64_t base, sn;
	uint32_t context, sn_at;
	uint8_t variant, source_len;

	if (len < SAKER_EESP_BASE + 4 + SAKER_EESP_SN + SAKER_ICV)
		return false;
	base = saker_load_be64(p);
	context = saker_load_be32(p + SAKER_EESP_BASE);
	variant = context >> 12 & 15;
	if (base >> 56 != 0x80 || context >> 24 != SAKER_EESP_OPT_CONTEXT ||
		(context & 0xf03) != 0 || variant >= SAKER_V_COUNT)
		return false;
	source_len = saker_eesp_source_len[variant];
	if ((context >> 16 & 255) != 2u + source_len)
		return false;
	sn_at = SAKER_EESP_BASE + 4 + source_len;
	if (len < sn_at + 4 + SAKER_EESP_SN + SAKER_ICV)
		return false;
	if (p[1] == source_len + 8 && saker_load_be32(p + sn_at) == SAKER_EESP_PAD_FOUR)
		sn_at += 4;
	else if (p[1] != source_len + 4)
		return false;
	sn = saker_load_be64(p + sn_at);
	*h = (struct saker_hdr){
		.source = source_len == 8   ? saker_load_be64(p + SAKER_EESP_SOURCE)
			  : source_len == 4 ? saker_load_be32(p + SAKER_EESP_SOURCE)
					    : 0,
		.sn = sn,
		.spi = (uint32_t)base,
		.session = (uint16_t)(base >> 32),
		.len = (uint16_t)(sn_at + SAKER_EESP_SN),
		.variant = variant,
		.key_idx = (uint8_t)context,
	};
	return sn != 0;
}

/**
 * Find the parts of a received packet and check its offsets (stateless profile
 * 2.1 and "AAD" of section 3). In tunnel mode this reads the inner IP header's first octet
 * where it is in clear and octets are skipped.
 * @param len octets from the base header to the end of the ICV
 * @return SAKER_OK, or SAKER_DROP_RUNT, _ALIGNMENT, _PAYLOAD_OFFSET, _CLEAR_RANGE, _IOFFSET_RANGE
 */
enum saker_drop saker_eesp_split(const uint8_t *p, uint32_t len, const struct saker_hdr *h,
	const struct saker_terms *terms, struct saker_parts *parts);

/**
 * saker_eesp_split() where nothing is in clear.
 * @return false if something is, or the packet is wrong: ask saker_eesp_split()
 */
static inline bool
saker_eesp_split_plain(
	uint32_t len, const struct saker_hdr *h, bool transport, struct saker_parts *parts)
{
	uint32_t cipher_len = len - h->len - SAKER_ICV;

	*parts = (struct saker_parts){
		.payload_at = (uint16_t)(h->len + (transport ? SAKER_EESP_PAYLOAD_INFO : 0)),
		.cipher_at = h->len,
		.skip_at = h->len,
		.cipher_len = (uint16_t)cipher_len,
	};
	return (h->crypt_offset | h->ioffset) == 0 && len >= h->len + SAKER_ICV + 4u &&
	       cipher_len % 4 == 0;
}

/**
 * Payload and padding of a decrypted packet; payload info, where there is one, is checked
 * (stateless profile section 5).
 * @return SAKER_OK, or SAKER_DROP_PAYLOAD_INFO, _DUMMY, _INNER_FORM
 */
enum saker_drop saker_eesp_opened(uint8_t *p, const struct saker_hdr *h,
	const struct saker_parts *parts, const struct saker_terms *terms, struct saker_opened *o);

/* What format S has in common with format E. */

/** May a root key id have that many octets? 16..32, a multiple of 4. */
bool saker_root_id_len_valid(unsigned int id_len);

/** Do the indices in Master Key options equal those of KeyIdx, modulo 4? */
bool saker_mk_options_match(const uint8_t *p, const struct saker_hdr *h);

/** Are variant, KeyIdx and Master Key options of a form in their ranges? */
bool saker_form_valid(const struct saker_form *form);

/**
 * Find the octets that IOffset leaves unauthenticated, and check their range.
 * @param parts all but the skip is known
 * @return SAKER_OK or SAKER_DROP_IOFFSET_RANGE
 */
enum saker_drop saker_split_skip(const uint8_t *p, const struct saker_hdr *h,
	const struct saker_terms *terms, struct saker_parts *parts);

/** Read the payload info in front of saker_opened.payload. @return see saker_eesp_opened() */
enum saker_drop saker_payload_info_read(struct saker_opened *o);

/** See saker_format.aad. */
const uint8_t *saker_stateless_aad(const struct saker_sealed *s, uint8_t *scratch, uint16_t *len);

/** See saker_format.nonce. */
void saker_stateless_nonce(const struct saker_sealed *s, uint8_t *out);

/** saker_eesp_aad() where octets are skipped: copies the others to @p scratch. */
void saker_eesp_aad_copy(const uint8_t *p, const struct saker_parts *parts, uint8_t *scratch);

/**
 * The octets that are authenticated and not encrypted, in one piece.
 * @param p first octet of the base header
 * @param scratch SAKER_AAD_MAX octets, used only if octets are skipped
 * @param len receives the length
 * @return @p p or @p scratch
 */
static inline const uint8_t *
saker_eesp_aad(const uint8_t *p, const struct saker_parts *parts, uint8_t *scratch, uint16_t *len)
{
	*len = parts->cipher_at - parts->skip_len;
	if (parts->skip_len == 0)
		return p;
	saker_eesp_aad_copy(p, parts, scratch);
	return scratch;
}

/**
 * Lay out a header (stateless profile 2.1: order of options, PadN).
 * @return 0, or -EINVAL if a field is out of its range (a Master Key option's index modulo 4
 *         must be its level's bits of key_idx)
 */
int saker_eesp_template(const struct saker_form *form, struct saker_tmpl *t);

/**
 * Copy a template to @p at and finish it. @ref saker_tmpl.len octets are written; where
 * payload info is encrypted, it is the last four of them.
 */
void saker_eesp_write(const struct saker_tmpl *t, uint8_t *at, const struct saker_fields *f);

/**
 * Parts of a packet that is about to be sealed.
 * @param f clear_len is at most @p payload_len, and 0 without a Crypt Offset option
 * @param payload_len octets of inner packet or segment, before padding
 * @param skip_from payload octets before the transport header (transport mode: 0; tunnel mode:
 *        IHL or 40); used only if f->ioffset is not 0
 * @param pad receives the padding, 0..3 octets
 */
void saker_eesp_plan(const struct saker_tmpl *t, const struct saker_fields *f, uint16_t payload_len,
	uint16_t skip_from, struct saker_parts *parts, uint8_t *pad);

#endif
