/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_psp.h"

#include <errno.h>

#include "saker_ip.h"

#define UNIT          8    /* octets that Hdr Ext Len counts */
#define OFFSET_MASK   0x3f /* Crypt Offset; the two bits above are R */
#define VERSION_SHIFT 2
#define VERSION_MASK  15
#define IV_AT         8
#define PHASE_BIT     31 /* of the SPI: which master key */
#define NONCE_AT      4  /* SPI and IV */
#define NONCE_LEN     12
#define LONGEST       9000 /* frames of the reference implementation have 9014 octets at most */

enum saker_drop
saker_psp_read(const uint8_t *p, uint32_t len, struct saker_hdr *h)
{
	uint32_t header;

	if (len < SAKER_PSP_FIXED + SAKER_ICV)
		return SAKER_DROP_RUNT;
	header = (p[1] + 1u) * UNIT;
	if (header < SAKER_PSP_FIXED || header + SAKER_ICV > len)
		return SAKER_DROP_OPT_LENGTH;
	*h = (struct saker_hdr){
		.sn = saker_load_be64(p + IV_AT),
		.spi = saker_load_be32(p + 4),
		.len = (uint16_t)header,
		.crypt_offset = p[2] & OFFSET_MASK,
		.next_header = p[0],
		.version = p[3] >> VERSION_SHIFT & VERSION_MASK,
		.flags = p[3] & (uint8_t) ~(VERSION_MASK << VERSION_SHIFT),
	};
	h->source = h->spi;
	h->key_idx = (uint8_t)(h->spi >> PHASE_BIT << 7);
	return SAKER_PSP_FIXED + h->crypt_offset * 4u + SAKER_ICV > len ? SAKER_DROP_CLEAR_RANGE
									: SAKER_OK;
}

enum saker_drop
saker_psp_bind(const uint8_t *p, uint32_t len, const struct saker_terms *terms, struct saker_hdr *h)
{
	(void)p;
	(void)len;
	if (h->version != terms->version)
		return SAKER_DROP_BAD_VERSION;
	if ((h->flags & SAKER_PSP_ONE) == 0)
		return SAKER_DROP_RESERVED_BITS;
	if ((h->flags & SAKER_PSP_HAS_COOKIE) != 0 && h->len == SAKER_PSP_FIXED)
		return SAKER_DROP_COOKIE_MISSING;
	return h->spi << 1 == 0 ? SAKER_DROP_SPI_RESERVED : SAKER_OK;
}

enum saker_drop
saker_psp_split(const uint8_t *p, uint32_t len, const struct saker_hdr *h,
	const struct saker_terms *terms, struct saker_parts *parts)
{
	uint32_t end = len - SAKER_ICV, open = h->crypt_offset * 4u;

	(void)p;
	if (saker_psp_is_gmac(h->version))
		open = end - SAKER_PSP_FIXED;
	else if (open > terms->max_clear)
		return SAKER_DROP_CLEAR_RANGE;
	*parts = (struct saker_parts){
		.payload_at = h->len,
		.cipher_at = (uint16_t)(SAKER_PSP_FIXED + open),
		.clear_len = (uint16_t)open,
		.skip_at = (uint16_t)(SAKER_PSP_FIXED + open),
		.cipher_len = (uint16_t)(end - SAKER_PSP_FIXED - open),
	};
	return SAKER_OK;
}

static bool
is_tunnel(uint8_t next_header)
{
	return next_header == SAKER_PROTO_IPIP || next_header == SAKER_PROTO_IPV6;
}

enum saker_drop
saker_psp_opened(uint8_t *p, const struct saker_hdr *h, const struct saker_parts *parts,
	const struct saker_terms *terms, struct saker_opened *o)
{
	if ((h->flags & SAKER_PSP_DROP) != 0)
		return SAKER_DROP_DROP_BIT;
	if (is_tunnel(h->next_header) == terms->transport)
		return SAKER_DROP_MODE;
	*o = (struct saker_opened){
		.payload = p + parts->payload_at,
		.len = (uint16_t)(parts->cipher_at + parts->cipher_len - parts->payload_at),
		.next_header = h->next_header,
		.info = true,
	};
	return SAKER_OK;
}

int
saker_psp_template(const struct saker_form *form, struct saker_tmpl *t)
{
	const struct saker_terms *terms = form->terms;
	uint8_t cookie = terms->cookie ? SAKER_PSP_COOKIE : 0;

	if (terms->version >= SAKER_PSP_VERSIONS)
		return -EINVAL;
	*t = (struct saker_tmpl){
		.len = SAKER_PSP_FIXED + cookie,
		.sn_at = IV_AT,
		.crypt_at = form->crypt_offset ? 2 : 0,
		.flags = terms->version,
	};
	t->octets[1] = (uint8_t)(t->len / UNIT - 1);
	t->octets[3] = (uint8_t)(terms->version << VERSION_SHIFT | SAKER_PSP_ONE);
	if (terms->cookie) {
		t->octets[3] |= SAKER_PSP_HAS_COOKIE;
		saker_store_be64(t->octets + SAKER_PSP_FIXED, terms->cookie_value);
	}
	return 0;
}

void
saker_psp_plan(const struct saker_tmpl *t, const struct saker_fields *f, uint16_t payload_len,
	uint16_t skip_from, struct saker_parts *parts, uint8_t *pad)
{
	uint16_t body = t->len - SAKER_PSP_FIXED + payload_len;
	uint16_t open = saker_psp_is_gmac(t->flags) ? body : f->clear_len;

	(void)skip_from;
	*pad = 0;
	*parts = (struct saker_parts){
		.payload_at = t->len,
		.cipher_at = SAKER_PSP_FIXED + open,
		.clear_len = open,
		.skip_at = SAKER_PSP_FIXED + open,
		.cipher_len = body - open,
	};
}

void
saker_psp_write(const struct saker_tmpl *t, uint8_t *at, const struct saker_fields *f)
{
	saker_copy_header(at, t->octets, t->len);
	at[0] = f->next_header;
	at[2] = (uint8_t)(f->clear_len / 4);
	saker_store_be32(at + 4, f->spi);
	saker_store_be64(at + IV_AT, f->sn);
}

static const uint8_t *
psp_aad(const struct saker_sealed *s, uint8_t *scratch, uint16_t *len)
{
	(void)scratch;
	*len = s->parts->cipher_at;
	return s->head;
}

static void
psp_nonce(const struct saker_sealed *s, uint8_t *out)
{
	memcpy(out, s->head + NONCE_AT, NONCE_LEN);
}

const struct saker_format saker_format_psp = {
	.name = "psp",
	.letter = 'P',
	.keys = SAKER_KEYS_ROOT,
	.no_group = SAKER_DROP_BAD_VERSION,
	.align = 1,
	.worker_spi = true,
	.any_sn = true,
	.udp_port = 1000,
	.longest = LONGEST,
	.most_clear = SAKER_CLEAR_MAX,
	.read = saker_psp_read,
	.bind = saker_psp_bind,
	.split = saker_psp_split,
	.opened = saker_psp_opened,
	.template = saker_psp_template,
	.plan = saker_psp_plan,
	.write = saker_psp_write,
	.aad = psp_aad,
	.nonce = psp_nonce,
};
