/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_esp.h"

#include <errno.h>

#include "saker_ip.h"

#define ALIGN     4 /* of the encrypted part */
#define SN_AT     4
#define HALF_BITS 32
#define LONG_AAD  12 /* with a 64-bit SN */

static uint16_t
header_len(const struct saker_terms *terms)
{
	return SAKER_ESP_HEADER + (terms->implicit_iv ? 0 : SAKER_ESP_IV);
}

enum saker_drop
saker_esp_read(const uint8_t *p, uint32_t len, struct saker_hdr *h)
{
	if (len < SAKER_ESP_HEADER + ALIGN + SAKER_ICV)
		return SAKER_DROP_RUNT;
	*h = (struct saker_hdr){
		.spi = saker_load_be32(p), .sn = saker_load_be32(p + SN_AT), .len = SAKER_ESP_HEADER
	};
	/* What IKE sends to the same port begins like that (RFC 3948). */
	return h->spi == 0 ? SAKER_DROP_NOT_EESP : SAKER_OK;
}

enum saker_drop
saker_esp_bind(const uint8_t *p, uint32_t len, const struct saker_terms *terms, struct saker_hdr *h)
{
	(void)p;
	h->len = header_len(terms);
	if (len < (uint32_t)h->len + ALIGN + SAKER_ICV)
		return SAKER_DROP_RUNT;
	return h->sn == 0 && terms->esp_sn == SAKER_ESP_SN_32 ? SAKER_DROP_SN_ZERO : SAKER_OK;
}

/* The SN of the first packet that comes in. */
static uint64_t
first_sn(const uint8_t *p, const struct saker_hdr *h, const struct saker_terms *terms)
{
	uint64_t iv = terms->implicit_iv ? 0 : saker_load_be64(p + SAKER_ESP_HEADER);

	return (uint32_t)iv == h->sn ? iv : h->sn;
}

uint64_t
saker_esp_whole_sn(const uint8_t *p, const struct saker_hdr *h, const struct saker_terms *terms,
	uint64_t newest, uint32_t window)
{
	uint64_t high = newest >> HALF_BITS;
	uint32_t low = (uint32_t)newest, bottom = low - window + 1;

	if (terms->esp_sn != SAKER_ESP_SN_64)
		return h->sn;
	if (newest == 0)
		return first_sn(p, h, terms);
	if (low >= window - 1)
		high += h->sn < bottom;
	else if (high > 0 && h->sn >= bottom)
		high--;
	return high << HALF_BITS | h->sn;
}

enum saker_drop
saker_esp_split(const uint8_t *p, uint32_t len, const struct saker_hdr *h,
	const struct saker_terms *terms, struct saker_parts *parts)
{
	(void)p;
	(void)terms;
	if (len < (uint32_t)h->len + ALIGN + SAKER_ICV)
		return SAKER_DROP_RUNT;
	*parts = (struct saker_parts){
		.payload_at = h->len,
		.cipher_at = h->len,
		.skip_at = h->len,
		.cipher_len = (uint16_t)(len - SAKER_ICV - h->len),
	};
	return parts->cipher_len % ALIGN == 0 ? SAKER_OK : SAKER_DROP_ALIGNMENT;
}

/* 1, 2, 3 and so on (RFC 4303 section 2.4). */
static bool
counts_up(const uint8_t *pad, unsigned int n)
{
	uint8_t wrong = 0;

	for (unsigned int i = 0; i < n; i++)
		wrong |= pad[i] ^ (uint8_t)(i + 1);
	return wrong == 0;
}

static enum saker_drop
check_tunnelled(const struct saker_opened *o)
{
	uint8_t version = o->len == 0 ? 0 : o->payload[0] >> 4;

	switch (o->next_header) {
	case SAKER_PROTO_IPIP:
		return version == 4 ? SAKER_OK : SAKER_DROP_PAYLOAD_INFO;
	case SAKER_PROTO_IPV6:
		return version == 6 ? SAKER_OK : SAKER_DROP_PAYLOAD_INFO;
	default:
		return SAKER_DROP_PAYLOAD_INFO;
	}
}

enum saker_drop
saker_esp_opened(uint8_t *p, const struct saker_hdr *h, const struct saker_parts *parts,
	const struct saker_terms *terms, struct saker_opened *o)
{
	uint8_t *trailer = p + parts->cipher_at + parts->cipher_len - SAKER_ESP_TRAILER;
	uint16_t room = parts->cipher_len - SAKER_ESP_TRAILER, pad = trailer[0];

	(void)h;
	if (pad > room || !counts_up(trailer - pad, pad))
		return SAKER_DROP_INNER_FORM;
	*o = (struct saker_opened){
		.payload = p + parts->payload_at,
		.len = room - pad,
		.next_header = trailer[1],
	};
	if (o->next_header == SAKER_PROTO_NO_NEXT)
		return SAKER_DROP_DUMMY;
	return terms->transport ? SAKER_OK : check_tunnelled(o);
}

int
saker_esp_template(const struct saker_form *form, struct saker_tmpl *t)
{
	*t = (struct saker_tmpl){ .len = header_len(form->terms), .sn_at = SN_AT };
	return form->crypt_offset ? -EINVAL : 0;
}

void
saker_esp_plan(const struct saker_tmpl *t, const struct saker_fields *f, uint16_t payload_len,
	uint16_t skip_from, struct saker_parts *parts, uint8_t *pad)
{
	(void)f;
	(void)skip_from;
	*pad = SAKER_ESP_TRAILER + (-(payload_len + SAKER_ESP_TRAILER) & (ALIGN - 1));
	*parts = (struct saker_parts){
		.payload_at = t->len,
		.cipher_at = t->len,
		.skip_at = t->len,
		.cipher_len = payload_len + *pad,
	};
}

void
saker_esp_write(const struct saker_tmpl *t, uint8_t *at, const struct saker_fields *f)
{
	saker_store_be32(at, f->spi);
	saker_store_be32(at + SN_AT, (uint32_t)f->sn);
	if (t->len > SAKER_ESP_HEADER)
		saker_store_be64(at + SAKER_ESP_HEADER, f->sn);
}

void
saker_esp_write_trailer(uint8_t *icv, const struct saker_fields *f)
{
	uint8_t pad = f->pad_len - SAKER_ESP_TRAILER;
	uint8_t *at = icv - f->pad_len;

	for (uint8_t i = 0; i < pad; i++)
		at[i] = i + 1;
	at[pad] = pad;
	at[pad + 1] = f->next_header;
}

const uint8_t *
saker_esp_aad(const struct saker_sealed *s, uint8_t *scratch, uint16_t *len)
{
	*len = SAKER_ESP_HEADER;
	if (s->terms->esp_sn != SAKER_ESP_SN_64)
		return s->head;
	memcpy(scratch, s->head, SN_AT);
	saker_store_be64(scratch + SN_AT, s->sn);
	*len = LONG_AAD;
	return scratch;
}

void
saker_esp_nonce(const struct saker_sealed *s, uint8_t out[12])
{
	memset(out, 0, 4);
	if (s->terms->implicit_iv)
		saker_store_be64(out + 4, s->sn);
	else
		memcpy(out + 4, s->head + SAKER_ESP_HEADER, SAKER_ESP_IV);
}

const struct saker_format saker_format_esp = {
	.name = "esp",
	.letter = 'X',
	.keys = SAKER_KEYS_SESSION,
	.align = ALIGN,
	.trailer = SAKER_ESP_TRAILER,
	.max_pad = SAKER_PAD_ANY,
	.first_mask = 0x80, /* the first bit tells ESP from EESP */
	.first_value = 0,
	.by_spi = true,
	.worker_spi = true,
	.no_group = SAKER_DROP_UNKNOWN_SPI,
	.udp_port = 4500,
	.protocol = 50,
	.read = saker_esp_read,
	.bind = saker_esp_bind,
	.whole_sn = saker_esp_whole_sn,
	.split = saker_esp_split,
	.opened = saker_esp_opened,
	.template = saker_esp_template,
	.plan = saker_esp_plan,
	.write = saker_esp_write,
	.write_trailer = saker_esp_write_trailer,
	.aad = saker_esp_aad,
	.nonce = saker_esp_nonce,
};
