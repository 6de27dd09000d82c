/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_subsa.h"

#include <errno.h>

/* Octets of SN and IV. */
static uint16_t
peer_header(const struct saker_terms *terms)
{
	return (terms->no_sn ? 0 : SAKER_EESP_SN) + (terms->implicit_iv ? 0 : SAKER_SUBSA_IV);
}

static enum saker_drop
read_option(const uint8_t *p, uint16_t at, struct saker_hdr *h)
{
	uint8_t len = p[at - 1];

	switch (p[at - 2]) {
	case SAKER_EESP_OPT_PADN:
		return saker_eesp_read_padding(p + at, len);
	case SAKER_EESP_OPT_CRYPT_OFFSET:
		return saker_eesp_read_crypt_offset(p + at, len, h);
	default:
		return SAKER_DROP_OPT_UNKNOWN;
	}
}

enum saker_drop
saker_subsa_read(const uint8_t *p, uint32_t len, struct saker_hdr *h)
{
	enum saker_drop drop;
	uint16_t end;

	if (len < SAKER_EESP_BASE + SAKER_ICV)
		return SAKER_DROP_RUNT;
	drop = saker_eesp_read_first(p[0]);
	if (drop != SAKER_OK)
		return drop;
	end = SAKER_EESP_BASE + p[1];
	if (len < (uint32_t)end + SAKER_ICV)
		return SAKER_DROP_OPT_LENGTH;
	*h = (struct saker_hdr){
		.spi = saker_load_be32(p + 4),
		.session = saker_load_be16(p + 2),
		.len = end,
	};
	return saker_eesp_read_options(p, end, read_option, h);
}

enum saker_drop
saker_subsa_bind(
	const uint8_t *p, uint32_t len, const struct saker_terms *terms, struct saker_hdr *h)
{
	uint16_t more = peer_header(terms);

	if (len < (uint32_t)h->len + more + SAKER_ICV)
		return SAKER_DROP_RUNT;
	if (h->crypt_offset != 0 && terms->max_clear == 0)
		return SAKER_DROP_CLEAR_RANGE;
	h->sn = saker_load_be64(p + h->len);
	h->len += more;
	return h->sn == 0 && !terms->no_sn ? SAKER_DROP_SN_ZERO : SAKER_OK;
}

int
saker_subsa_template(const struct saker_form *form, struct saker_tmpl *t)
{
	uint16_t tail = peer_header(form->terms);

	*t = (struct saker_tmpl){
		.len = SAKER_EESP_BASE,
		.payload_info = form->transport || form->crypt_offset,
	};
	if (tail == 0)
		return -EINVAL;
	t->octets[0] = SAKER_EESP_FIRST_OCTET;
	if (form->crypt_offset)
		t->crypt_at = saker_eesp_add_option(
			t, SAKER_EESP_OPT_CRYPT_OFFSET, SAKER_EESP_CRYPT_DATA);
	if (t->payload_info)
		tail += SAKER_EESP_PAYLOAD_INFO;
	if (form->outer_v6 && (t->len + tail) % 8 != 0)
		saker_eesp_add_option(t, SAKER_EESP_OPT_PADN, 2);
	t->octets[1] = (uint8_t)(t->len - SAKER_EESP_BASE);
	t->sn_at = t->len;
	t->len += tail;
	saker_eesp_place_payload(t);
	return 0;
}

void
saker_subsa_write(const struct saker_tmpl *t, uint8_t *at, const struct saker_fields *f)
{
	uint16_t end = t->len - (t->payload_info ? SAKER_EESP_PAYLOAD_INFO : 0);

	saker_copy_header(at, t->octets, t->len);
	saker_store_be16(at + 2, f->session);
	saker_store_be32(at + 4, f->spi);
	if (t->crypt_at != 0)
		saker_eesp_write_crypt_offset(t, at, f->clear_len);
	for (uint16_t i = t->sn_at; i < end; i += SAKER_EESP_SN)
		saker_store_be64(at + i, f->sn);
	if (t->payload_info) {
		at[t->len - 2] = f->next_header;
		at[t->len - 1] = f->pad_len;
	}
}

/* Where payload info or payload begin, which is behind the IV. */
static uint16_t
header_len(const struct saker_sealed *s)
{
	return SAKER_EESP_BASE + s->head[1] + peer_header(s->terms);
}

const uint8_t *
saker_subsa_aad(const struct saker_sealed *s, uint8_t *scratch, uint16_t *len)
{
	uint16_t end = header_len(s), iv_at = end - SAKER_SUBSA_IV;

	*len = s->parts->cipher_at;
	if (s->terms->iv_in_aad || s->terms->implicit_iv)
		return s->head;
	*len -= SAKER_SUBSA_IV;
	if (s->parts->cipher_at == end)
		return s->head;
	memcpy(scratch, s->head, iv_at);
	memcpy(scratch + iv_at, s->head + end, s->parts->cipher_at - end);
	return scratch;
}

void
saker_subsa_nonce(const struct saker_sealed *s, uint8_t out[12])
{
	/* Implicit or not, it is what stands last. */
	const uint8_t *iv = s->head + header_len(s) - SAKER_SUBSA_IV;

	memset(out, 0, 4);
	memcpy(out + 4, iv, SAKER_SUBSA_IV);
}

const struct saker_format saker_format_subsa = {
	.name = "eesp-subsa",
	.letter = 'B',
	.keys = SAKER_KEYS_SESSION,
	.no_group = SAKER_DROP_UNKNOWN_SPI,
	.align = 4,
	.max_pad = SAKER_EESP_MAX_PAD,
	.first_mask = 0x80, /* the first bit tells EESP from ESP and IKE */
	.first_value = 0x80,
	.by_spi = true,
	.udp_port = 4500,
	.protocol = 49,
	.most_clear = SAKER_EESP_MAX_CLEAR,
	.read = saker_subsa_read,
	.bind = saker_subsa_bind,
	.split = saker_eesp_split,
	.opened = saker_eesp_opened,
	.template = saker_subsa_template,
	.plan = saker_eesp_plan,
	.write = saker_subsa_write,
	.aad = saker_subsa_aad,
	.nonce = saker_subsa_nonce,
};
