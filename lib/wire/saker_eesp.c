/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_eesp.h"

#include <errno.h>

#include "saker_ip.h"

#define RESERVED_MASK 0x07 /* R bits of that octet */
#define KEY_IDX_ZERO  0x03 /* bits of KeyIdx that belong to no level */

#define CONTEXT_DATA     2 /* context option's data before the source id */
#define MK_DATA          2 /* Master Key option's data before the root key id */
#define LONGEST_SOURCE   8
#define PAYLOAD_OFF_BITS 10 /* shifts of the Crypt Offset option's fields */
#define CRYPT_OFF_BITS   4
#define OFFSET_MASK      0x3f

const uint8_t saker_eesp_source_len[SAKER_V_COUNT] = {
	[SAKER_V_SOURCE_ID] = 4,
	[SAKER_V_SOURCE_ID_64] = 8,
	[SAKER_V_CONNECTION_ID] = 8,
	[SAKER_V_SOURCE_IP] = 0,
	[SAKER_V_IP_PAIR] = 0,
};

/* Bits of KeyIdx that tell a level's root key. */
static uint8_t
key_idx_of(uint8_t key_idx, unsigned int level)
{
	return key_idx >> (6 - 2 * level) & 3;
}

bool
saker_root_id_len_valid(unsigned int id_len)
{
	return id_len >= SAKER_ROOT_ID_MIN && id_len <= SAKER_ROOT_ID_MAX && id_len % 4 == 0;
}

static uint64_t
load_source(const uint8_t *at, uint8_t n)
{
	if (n == 4)
		return saker_load_be32(at);
	return n == LONGEST_SOURCE ? saker_load_be64(at) : 0;
}

static enum saker_drop
read_context(const uint8_t *data, uint8_t len, struct saker_hdr *h)
{
	uint8_t variant;

	if (h->variant != SAKER_V_COUNT)
		return SAKER_DROP_OPT_REPEATED;
	if (len < CONTEXT_DATA)
		return SAKER_DROP_OPT_BAD;
	variant = data[0] >> 4;
	if (variant >= SAKER_V_COUNT)
		return SAKER_DROP_VARIANT;
	if (len != CONTEXT_DATA + saker_eesp_source_len[variant])
		return SAKER_DROP_OPT_BAD;
	if ((data[1] & KEY_IDX_ZERO) != 0)
		return SAKER_DROP_RESERVED_BITS;
	h->variant = variant;
	h->ioffset = data[0] & 15;
	h->key_idx = data[1];
	h->source = load_source(data + CONTEXT_DATA, saker_eesp_source_len[variant]);
	return SAKER_OK;
}

static enum saker_drop
read_mk(const uint8_t *p, uint16_t at, struct saker_hdr *h)
{
	unsigned int level = p[at - 2] - SAKER_EESP_OPT_MK_ZONE;
	uint8_t len = p[at - 1];

	if (h->mk_at[level] != 0)
		return SAKER_DROP_OPT_REPEATED;
	if (len < MK_DATA || !saker_root_id_len_valid(len - MK_DATA) || p[at + 1] != 0)
		return SAKER_DROP_OPT_BAD;
	h->mk_at[level] = at;
	h->mk_id_len[level] = len - MK_DATA;
	return SAKER_OK;
}

enum saker_drop
saker_eesp_read_crypt_offset(const uint8_t *data, uint8_t len, struct saker_hdr *h)
{
	uint16_t word;

	if (h->crypt_offset != 0)
		return SAKER_DROP_OPT_REPEATED;
	if (len != SAKER_EESP_CRYPT_DATA)
		return SAKER_DROP_OPT_BAD;
	word = saker_load_be16(data);
	h->payload_offset = word >> PAYLOAD_OFF_BITS;
	h->crypt_offset = word >> CRYPT_OFF_BITS & OFFSET_MASK;
	/* Payload info is in clear beside this option; and 0 means "no option" in h. */
	return h->crypt_offset != 0 ? SAKER_OK : SAKER_DROP_CLEAR_RANGE;
}

enum saker_drop
saker_eesp_read_padding(const uint8_t *data, uint8_t len)
{
	uint8_t any = 0;

	for (uint8_t i = 0; i < len; i++)
		any |= data[i];
	return any == 0 ? SAKER_OK : SAKER_DROP_OPT_BAD;
}

/* Read one option that lies inside the packet. at: its data, which follows type and length. */
static enum saker_drop
read_option(const uint8_t *p, uint16_t at, struct saker_hdr *h)
{
	uint8_t len = p[at - 1];

	switch (p[at - 2]) {
	case SAKER_EESP_OPT_CONTEXT:
		return read_context(p + at, len, h);
	case SAKER_EESP_OPT_PADN:
		return saker_eesp_read_padding(p + at, len);
	case SAKER_EESP_OPT_CRYPT_OFFSET:
		return saker_eesp_read_crypt_offset(p + at, len, h);
	case SAKER_EESP_OPT_MK_ZONE:
	case SAKER_EESP_OPT_MK_USER:
	case SAKER_EESP_OPT_MK_TASK:
		return read_mk(p, at, h);
	default:
		return SAKER_DROP_OPT_UNKNOWN;
	}
}

enum saker_drop
saker_eesp_read_options(
	const uint8_t *p, uint16_t end, saker_eesp_option_fn option, struct saker_hdr *h)
{
	uint16_t at = SAKER_EESP_BASE;

	while (at < end) {
		enum saker_drop drop;

		if (p[at] == SAKER_EESP_OPT_PAD1) {
			at++;
			continue;
		}
		if (end - at < SAKER_EESP_OPT_HEAD || end - at < SAKER_EESP_OPT_HEAD + p[at + 1])
			return SAKER_DROP_OPT_LENGTH;
		drop = option(p, at + SAKER_EESP_OPT_HEAD, h);
		if (drop != SAKER_OK)
			return drop;
		at += SAKER_EESP_OPT_HEAD + p[at + 1];
	}
	return SAKER_OK;
}

/* The context may follow the Master Key options, so this waits for the last option. */
bool
saker_mk_options_match(const uint8_t *p, const struct saker_hdr *h)
{
	for (unsigned int level = 0; level < SAKER_LEVELS; level++) {
		uint16_t at = h->mk_at[level];

		if (at != 0 && (p[at] & 3) != key_idx_of(h->key_idx, level))
			return false;
	}
	return true;
}

enum saker_drop
saker_eesp_read_first(uint8_t octet)
{
	if ((octet & ~RESERVED_MASK) != SAKER_EESP_FIRST_OCTET)
		return SAKER_DROP_BAD_VERSION;
	return (octet & RESERVED_MASK) != 0 ? SAKER_DROP_RESERVED_BITS : SAKER_OK;
}

enum saker_drop
saker_eesp_read(const uint8_t *p, uint32_t len, struct saker_hdr *h)
{
	enum saker_drop drop;
	uint16_t sn_at;

	if (len < SAKER_EESP_BASE + SAKER_EESP_SN + SAKER_ICV)
		return SAKER_DROP_RUNT;
	drop = saker_eesp_read_first(p[0]);
	if (drop != SAKER_OK)
		return drop;
	sn_at = SAKER_EESP_BASE + p[1];
	if (len < (uint32_t)sn_at + SAKER_EESP_SN + SAKER_ICV)
		return SAKER_DROP_OPT_LENGTH;

	*h = (struct saker_hdr){
		.sn = saker_load_be64(p + sn_at),
		.spi = saker_load_be32(p + 4),
		.session = saker_load_be16(p + 2),
		.len = sn_at + SAKER_EESP_SN,
		.variant = SAKER_V_COUNT, /* no context seen yet */
	};
	drop = saker_eesp_read_options(p, sn_at, read_option, h);
	if (drop != SAKER_OK)
		return drop;
	if (h->variant == SAKER_V_COUNT)
		return SAKER_DROP_NO_CONTEXT;
	if (!saker_mk_options_match(p, h))
		return SAKER_DROP_MK_NOT_ALLOWED;
	return h->sn != 0 ? SAKER_OK : SAKER_DROP_SN_ZERO;
}

/* Length of the IP header whose first octet this is, 0 if it is none. */
static uint16_t
inner_header_len(uint8_t first)
{
	uint16_t ihl = (first & 15) * 4;

	if (first >> 4 == 6)
		return SAKER_IP6_HEADER;
	return first >> 4 == 4 && ihl >= SAKER_IP4_HEADER ? ihl : 0;
}

/* Find the part that IOffset leaves unauthenticated. parts: all but the skip is known. */
enum saker_drop
saker_split_skip(const uint8_t *p, const struct saker_hdr *h, const struct saker_terms *terms,
	struct saker_parts *parts)
{
	uint16_t ip = 0;

	if (h->ioffset > terms->max_ioffset || parts->clear_len == 0)
		return SAKER_DROP_IOFFSET_RANGE;
	if (!terms->transport) {
		ip = inner_header_len(p[parts->payload_at]);
		if (ip == 0)
			return SAKER_DROP_IOFFSET_RANGE;
	}
	parts->skip_at = parts->payload_at + ip;
	parts->skip_len = h->ioffset * 4;
	if (ip + parts->skip_len > parts->clear_len)
		return SAKER_DROP_IOFFSET_RANGE;
	return SAKER_OK;
}

enum saker_drop
saker_eesp_split(const uint8_t *p, uint32_t len, const struct saker_hdr *h,
	const struct saker_terms *terms, struct saker_parts *parts)
{
	uint16_t open = h->crypt_offset * 4; /* payload info and clear payload */
	uint16_t info = open != 0 || terms->transport ? SAKER_EESP_PAYLOAD_INFO : 0;
	uint32_t cipher_at = h->len + open;

	/* Without open octets there is at least payload info or an inner packet to decrypt. */
	if (len < (uint32_t)h->len + SAKER_ICV + (open == 0 ? 4 : 0))
		return SAKER_DROP_RUNT;
	if (open != 0 && h->payload_offset * 4 != h->len)
		return SAKER_DROP_PAYLOAD_OFFSET;
	if (open > terms->max_clear + SAKER_EESP_PAYLOAD_INFO || cipher_at + SAKER_ICV > len)
		return SAKER_DROP_CLEAR_RANGE;
	*parts = (struct saker_parts){
		.payload_at = h->len + info,
		.cipher_at = cipher_at,
		.clear_len = open != 0 ? open - SAKER_EESP_PAYLOAD_INFO : 0,
		.skip_at = cipher_at,
		.cipher_len = len - SAKER_ICV - cipher_at,
	};
	if (parts->cipher_len % 4 != 0)
		return SAKER_DROP_ALIGNMENT;
	return h->ioffset == 0 ? SAKER_OK : saker_split_skip(p, h, terms, parts);
}

void
saker_eesp_aad_copy(const uint8_t *p, const struct saker_parts *parts, uint8_t *scratch)
{
	uint16_t after = parts->skip_at + parts->skip_len;

	memcpy(scratch, p, parts->skip_at);
	memcpy(scratch + parts->skip_at, p + after, parts->cipher_at - after);
}

static bool
mk_option_valid(const struct saker_form *form, unsigned int level)
{
	const struct saker_mk_option *mk = &form->mk[level];

	if (mk->id_len == 0)
		return true;
	return saker_root_id_len_valid(mk->id_len) &&
	       (mk->index & 3) == key_idx_of(form->key_idx, level);
}

bool
saker_form_valid(const struct saker_form *form)
{
	if (form->variant >= SAKER_V_COUNT || (form->key_idx & KEY_IDX_ZERO) != 0)
		return false;
	for (unsigned int level = 0; level < SAKER_LEVELS; level++)
		if (!mk_option_valid(form, level))
			return false;
	return true;
}

uint16_t
saker_eesp_add_option(struct saker_tmpl *t, uint8_t type, uint8_t len)
{
	uint16_t at = t->len + SAKER_EESP_OPT_HEAD;

	t->octets[t->len] = type;
	t->octets[t->len + 1] = len;
	t->len = at + len;
	return at;
}

static void
add_context(struct saker_tmpl *t, const struct saker_form *form)
{
	uint8_t n = saker_eesp_source_len[form->variant];
	uint16_t at = saker_eesp_add_option(t, SAKER_EESP_OPT_CONTEXT, CONTEXT_DATA + n);

	t->octets[at] = form->variant << 4;
	t->octets[at + 1] = form->key_idx;
	memcpy(t->octets + at + CONTEXT_DATA, form->source, n);
	t->context_at = at;
	t->source_at = n != 0 ? at + CONTEXT_DATA : 0;
}

static void
add_mk(struct saker_tmpl *t, unsigned int level, const struct saker_mk_option *mk)
{
	uint16_t at;

	if (mk->id_len == 0)
		return;
	at = saker_eesp_add_option(t, SAKER_EESP_OPT_MK_ZONE + level, MK_DATA + mk->id_len);
	t->octets[at] = mk->index;
	memcpy(t->octets + at + MK_DATA, mk->id, mk->id_len);
}

void
saker_eesp_place_payload(struct saker_tmpl *t)
{
	if (t->crypt_at != 0)
		saker_store_be16(t->octets + t->crypt_at,
			(t->len - SAKER_EESP_PAYLOAD_INFO) / 4 << PAYLOAD_OFF_BITS);
}

int
saker_eesp_template(const struct saker_form *form, struct saker_tmpl *t)
{
	uint16_t tail = SAKER_EESP_SN;

	if (!saker_form_valid(form))
		return -EINVAL;
	*t = (struct saker_tmpl){
		.len = SAKER_EESP_BASE,
		.payload_info = form->transport || form->crypt_offset,
	};
	t->octets[0] = SAKER_EESP_FIRST_OCTET;
	saker_store_be32(t->octets + 4, form->spi);
	add_context(t, form);
	for (unsigned int level = 0; level < SAKER_LEVELS; level++)
		add_mk(t, level, &form->mk[level]);
	if (form->crypt_offset)
		t->crypt_at = saker_eesp_add_option(
			t, SAKER_EESP_OPT_CRYPT_OFFSET, SAKER_EESP_CRYPT_DATA);
	if (t->payload_info)
		tail += SAKER_EESP_PAYLOAD_INFO;
	if (form->outer_v6 && (t->len + tail) % 8 != 0)
		saker_eesp_add_option(t, SAKER_EESP_OPT_PADN, 2);

	t->octets[1] = t->len - SAKER_EESP_BASE;
	t->sn_at = t->len;
	t->len += tail;
	saker_eesp_place_payload(t);
	return 0;
}

static void
write_source(const struct saker_tmpl *t, uint8_t *at, uint64_t source)
{
	if (saker_eesp_source_len[t->octets[t->context_at] >> 4] == LONGEST_SOURCE)
		saker_store_be64(at + t->source_at, source);
	else
		saker_store_be32(at + t->source_at, (uint32_t)source);
}

void
saker_eesp_write_crypt_offset(const struct saker_tmpl *t, uint8_t *at, uint16_t clear_len)
{
	uint16_t word = saker_load_be16(t->octets + t->crypt_at);
	uint16_t units = (SAKER_EESP_PAYLOAD_INFO + clear_len) / 4;

	saker_store_be16(at + t->crypt_at, word | units << CRYPT_OFF_BITS);
}

void
saker_eesp_write(const struct saker_tmpl *t, uint8_t *at, const struct saker_fields *f)
{
	saker_copy_header(at, t->octets, t->len);
	saker_store_be16(at + 2, f->session);
	at[t->context_at] |= f->ioffset;
	at[t->context_at + 1] = f->key_idx;
	if (t->source_at != 0)
		write_source(t, at, f->source);
	if (t->crypt_at != 0)
		saker_eesp_write_crypt_offset(t, at, f->clear_len);
	saker_store_be64(at + t->sn_at, f->sn);
	if (t->payload_info) {
		at[t->len - 2] = f->next_header;
		at[t->len - 1] = f->pad_len;
	}
}

void
saker_eesp_plan(const struct saker_tmpl *t, const struct saker_fields *f, uint16_t payload_len,
	uint16_t skip_from, struct saker_parts *parts, uint8_t *pad)
{
	bool hidden_info = t->payload_info && t->crypt_at == 0;
	uint16_t info = hidden_info ? SAKER_EESP_PAYLOAD_INFO : 0;
	uint16_t secret = payload_len - f->clear_len;
	uint16_t cipher_at = t->len - info + f->clear_len;

	*pad = -secret & 3;
	*parts = (struct saker_parts){
		.payload_at = t->len,
		.cipher_at = cipher_at,
		.clear_len = f->clear_len,
		.skip_at = f->ioffset != 0 ? t->len + skip_from : cipher_at,
		.skip_len = f->ioffset * 4,
		.cipher_len = info + secret + *pad,
	};
}

enum saker_drop
saker_payload_info_read(struct saker_opened *o)
{
	const uint8_t *p = o->payload - SAKER_EESP_PAYLOAD_INFO;

	/* Version nibble and reserved bits are zero (EESP section 2.4). */
	if (p[0] != 0 || p[1] != 0)
		return SAKER_DROP_PAYLOAD_INFO;
	o->next_header = p[2];
	o->pad = p[3];
	o->info = true;
	if (o->next_header == SAKER_PROTO_NO_NEXT)
		return SAKER_DROP_DUMMY;
	return o->pad > SAKER_EESP_MAX_PAD || o->pad > o->len ? SAKER_DROP_INNER_FORM : SAKER_OK;
}

enum saker_drop
saker_eesp_opened(uint8_t *p, const struct saker_hdr *h, const struct saker_parts *parts,
	const struct saker_terms *terms, struct saker_opened *o)
{
	*o = (struct saker_opened){
		.payload = p + parts->payload_at,
		.len = (uint16_t)(parts->cipher_at + parts->cipher_len - parts->payload_at),
	};
	if (!terms->transport && h->crypt_offset == 0)
		return SAKER_OK;
	return saker_payload_info_read(o);
}

const uint8_t *
saker_stateless_aad(const struct saker_sealed *s, uint8_t *scratch, uint16_t *len)
{
	return saker_eesp_aad(s->head, s->parts, scratch, len);
}

void
saker_stateless_nonce(const struct saker_sealed *s, uint8_t *out)
{
	saker_nonce(s->session, s->role, s->variant, s->sn, out);
}

const struct saker_format saker_format_eesp = {
	.name = "eesp",
	.letter = 'E',
	.keys = SAKER_KEYS_GROUP,
	.no_group = SAKER_DROP_UNKNOWN_SPI,
	.align = 4,
	.max_pad = SAKER_EESP_MAX_PAD,
	.first_mask = 0x80, /* the first bit tells EESP from ESP and IKE */
	.first_value = 0x80,
	.by_spi = true,
	.udp_port = 4500,
	.protocol = 49,
	.most_clear = SAKER_EESP_MAX_CLEAR,
	.skips = true,
	.read = saker_eesp_read,
	.split = saker_eesp_split,
	.opened = saker_eesp_opened,
	.template = saker_eesp_template,
	.plan = saker_eesp_plan,
	.write = saker_eesp_write,
	.aad = saker_stateless_aad,
	.nonce = saker_stateless_nonce,
};
