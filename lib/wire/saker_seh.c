/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_seh.h"

#include <errno.h>

#include "saker_eesp.h"

#define VERSION       1u
#define WORD          4 /* octets of the first word */
#define UNIT          8 /* octets that HL counts */
#define OPT_HEAD      2 /* type and length of an option */
#define MK_DATA       2 /* an option's data before the root key id */
#define KEY_IDX_ZERO  3 /* bits of KeyIdx that belong to no level */
#define LONGEST_ID    8
#define VERSION_SHIFT 28
#define HL_SHIFT      24
#define V_SHIFT       20
#define KEY_SHIFT     12
#define COFFSET_SHIFT 4

/* Octets of the id field; where the source is an address they are zero. */
static uint8_t
id_len(uint8_t variant)
{
	return saker_eesp_source_len[variant] == LONGEST_ID ? LONGEST_ID : 4;
}

static bool
by_address(uint8_t variant)
{
	return saker_eesp_source_len[variant] == 0;
}

static enum saker_drop
read_word(const uint8_t *p, uint32_t len, struct saker_hdr *h)
{
	uint32_t word = saker_load_be32(p);

	if (word >> VERSION_SHIFT != VERSION)
		return SAKER_DROP_BAD_VERSION;
	*h = (struct saker_hdr){
		.len = (uint16_t)(((word >> HL_SHIFT & 15) + 1) * UNIT),
		.variant = word >> V_SHIFT & 15,
		.key_idx = (uint8_t)(word >> KEY_SHIFT),
		.crypt_offset = (uint8_t)(word >> COFFSET_SHIFT),
		.ioffset = word & 15,
	};
	if (h->variant >= SAKER_V_COUNT)
		return SAKER_DROP_VARIANT;
	if ((h->key_idx & KEY_IDX_ZERO) != 0)
		return SAKER_DROP_RESERVED_BITS;
	if (h->len < WORD + id_len(h->variant) + SAKER_EESP_SN ||
		(uint32_t)h->len + SAKER_ICV > len)
		return SAKER_DROP_OPT_LENGTH;
	return SAKER_OK;
}

static enum saker_drop
read_id(const uint8_t *p, struct saker_hdr *h)
{
	if (id_len(h->variant) == LONGEST_ID)
		h->source = saker_load_be64(p + WORD);
	else
		h->source = saker_load_be32(p + WORD);
	return by_address(h->variant) && h->source != 0 ? SAKER_DROP_RESERVED_BITS : SAKER_OK;
}

/* Read one Master Key option that lies inside the header. at: its data. */
static enum saker_drop
read_mk(const uint8_t *p, uint16_t at, struct saker_hdr *h)
{
	uint8_t type = p[at - 2], len = p[at - 1];
	unsigned int level = type - SAKER_SEH_MK_ZONE;

	if (type > SAKER_SEH_MK_TASK)
		return SAKER_DROP_OPT_UNKNOWN;
	if (h->mk_at[level] != 0)
		return SAKER_DROP_OPT_REPEATED;
	if (len < MK_DATA || !saker_root_id_len_valid(len - MK_DATA) || p[at + 1] != 0)
		return SAKER_DROP_OPT_BAD;
	h->mk_at[level] = at;
	h->mk_id_len[level] = len - MK_DATA;
	return SAKER_OK;
}

static enum saker_drop
read_options(const uint8_t *p, uint16_t end, struct saker_hdr *h)
{
	uint16_t at = WORD + id_len(h->variant);

	while (at < end) {
		enum saker_drop why;

		if (p[at] == SAKER_SEH_PAD) {
			at++;
			continue;
		}
		if (end - at < OPT_HEAD || end - at < OPT_HEAD + p[at + 1])
			return SAKER_DROP_OPT_LENGTH;
		why = read_mk(p, at + OPT_HEAD, h);
		if (why != SAKER_OK)
			return why;
		at += OPT_HEAD + p[at + 1];
	}
	return SAKER_OK;
}

enum saker_drop
saker_seh_read(const uint8_t *p, uint32_t len, struct saker_hdr *h)
{
	enum saker_drop why;

	if (len < SAKER_SEH_MIN + SAKER_ICV)
		return SAKER_DROP_RUNT;
	why = read_word(p, len, h);
	if (why == SAKER_OK)
		why = read_id(p, h);
	if (why == SAKER_OK)
		why = read_options(p, h->len - SAKER_EESP_SN, h);
	if (why != SAKER_OK)
		return why;
	if (!saker_mk_options_match(p, h))
		return SAKER_DROP_MK_NOT_ALLOWED;
	h->sn = saker_load_be64(p + h->len - SAKER_EESP_SN);
	return h->sn != 0 ? SAKER_OK : SAKER_DROP_SN_ZERO;
}

enum saker_drop
saker_seh_split(const uint8_t *p, uint32_t len, const struct saker_hdr *h,
	const struct saker_terms *terms, struct saker_parts *parts)
{
	uint16_t open = h->crypt_offset * 4;
	uint16_t info = terms->transport ? SAKER_EESP_PAYLOAD_INFO : 0;
	uint32_t cipher_at = h->len + open;

	/* Without open octets there is at least payload info or an inner packet to decrypt. */
	if (len < (uint32_t)h->len + SAKER_ICV + (open == 0 ? 4 : 0))
		return SAKER_DROP_RUNT;
	if (open > terms->max_clear + info || cipher_at + SAKER_ICV > len)
		return SAKER_DROP_CLEAR_RANGE;
	*parts = (struct saker_parts){
		.payload_at = h->len + info,
		.cipher_at = (uint16_t)cipher_at,
		.clear_len = open != 0 ? open - info : 0,
		.skip_at = (uint16_t)cipher_at,
		.cipher_len = (uint16_t)(len - SAKER_ICV - cipher_at),
	};
	if (parts->cipher_len % 4 != 0)
		return SAKER_DROP_ALIGNMENT;
	return h->ioffset == 0 ? SAKER_OK : saker_split_skip(p, h, terms, parts);
}

static enum saker_drop
seh_opened(uint8_t *p, const struct saker_hdr *h, const struct saker_parts *parts,
	const struct saker_terms *terms, struct saker_opened *o)
{
	(void)h;
	*o = (struct saker_opened){
		.payload = p + parts->payload_at,
		.len = (uint16_t)(parts->cipher_at + parts->cipher_len - parts->payload_at),
	};
	return terms->transport ? saker_payload_info_read(o) : SAKER_OK;
}

static void
add_mk(struct saker_tmpl *t, unsigned int level, const struct saker_mk_option *mk)
{
	uint8_t *at = t->octets + t->len;

	if (mk->id_len == 0)
		return;
	at[0] = (uint8_t)(SAKER_SEH_MK_ZONE + level);
	at[1] = MK_DATA + mk->id_len;
	at[2] = mk->index;
	memcpy(at + OPT_HEAD + MK_DATA, mk->id, mk->id_len);
	t->len += OPT_HEAD + MK_DATA + mk->id_len;
}

int
saker_seh_template(const struct saker_form *form, struct saker_tmpl *t)
{
	uint32_t hl;

	if (!saker_form_valid(form))
		return -EINVAL;
	*t = (struct saker_tmpl){
		.len = WORD + id_len(form->variant),
		.source_at = by_address(form->variant) ? 0 : WORD,
		.crypt_at = form->crypt_offset ? 2 : 0,
		.payload_info = form->transport,
	};
	memcpy(t->octets + WORD, form->source, saker_eesp_source_len[form->variant]);
	for (unsigned int level = 0; level < SAKER_LEVELS; level++)
		add_mk(t, level, &form->mk[level]);
	hl = (t->len + SAKER_EESP_SN - 1u) / UNIT;
	t->len = (uint16_t)((hl + 1) * UNIT);
	t->sn_at = t->len - SAKER_EESP_SN;
	saker_store_be32(t->octets,
		VERSION << VERSION_SHIFT | hl << HL_SHIFT | (uint32_t)form->variant << V_SHIFT);
	if (t->payload_info)
		t->len += SAKER_EESP_PAYLOAD_INFO;
	return 0;
}

/* Units in clear from the end of the header on: payload info, and payload. */
static uint32_t
coffset(const struct saker_tmpl *t, const struct saker_fields *f)
{
	uint32_t info = t->payload_info ? SAKER_EESP_PAYLOAD_INFO : 0;

	return t->crypt_at == 0 ? 0 : (info + f->clear_len) / 4;
}

void
saker_seh_write(const struct saker_tmpl *t, uint8_t *at, const struct saker_fields *f)
{
	saker_copy_header(at, t->octets, t->len);
	saker_store_be32(at, saker_load_be32(t->octets) | (uint32_t)f->key_idx << KEY_SHIFT |
				     coffset(t, f) << COFFSET_SHIFT | f->ioffset);
	if (t->source_at != 0 && id_len(t->octets[1] >> 4) == LONGEST_ID)
		saker_store_be64(at + WORD, f->source);
	else if (t->source_at != 0)
		saker_store_be32(at + WORD, (uint32_t)f->source);
	saker_store_be64(at + t->sn_at, f->sn);
	if (t->payload_info) {
		at[t->len - 2] = f->next_header;
		at[t->len - 1] = f->pad_len;
	}
}

const struct saker_format saker_format_seh = {
	.name = "seh",
	.letter = 'S',
	.keys = SAKER_KEYS_GROUP,
	.no_group = SAKER_DROP_MK_NOT_ALLOWED,
	.align = 4,
	.max_pad = SAKER_EESP_MAX_PAD,
	.worker_source = true,
	.udp_port = 42253,
	.protocol = 253,
	.most_clear = SAKER_EESP_MAX_CLEAR,
	.skips = true,
	.read = saker_seh_read,
	.split = saker_seh_split,
	.opened = seh_opened,
	.template = saker_seh_template,
	.plan = saker_eesp_plan,
	.write = saker_seh_write,
	.aad = saker_stateless_aad,
	.nonce = saker_stateless_nonce,
};
