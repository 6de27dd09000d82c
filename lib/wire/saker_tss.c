/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_tss.h"

#include <errno.h>

#include "saker_ip.h"

#define TYPE      0x08 /* 1 in the upper five bits */
#define TYPE_MASK 0xf8
#define SP        0x04 /* an SSI follows */
#define RESERVED  0x02
#define AN        0x01 /* which of two keys */
#define SHORT     12   /* header without SSI, octets */
#define SSI_AT    4
#define SSI       4
#define TSC       8
#define IP4_SRC   12
#define IP6_SRC   8

enum saker_drop
saker_tss_read(const uint8_t *p, uint32_t len, struct saker_hdr *h)
{
	bool ssi;

	if (len < SHORT + SAKER_ICV)
		return SAKER_DROP_RUNT;
	if ((p[0] & TYPE_MASK) != TYPE)
		return SAKER_DROP_BAD_VERSION;
	if ((p[0] & RESERVED) != 0)
		return SAKER_DROP_RESERVED_BITS;
	ssi = (p[0] & SP) != 0;
	if (ssi && len < SHORT + SSI + SAKER_ICV)
		return SAKER_DROP_RUNT;
	*h = (struct saker_hdr){
		.source = ssi ? saker_load_be32(p + SSI_AT) : 0,
		.spi = saker_load_be32(p) & SAKER_TSS_SDI_MAX,
		.session = p[0] & AN,
		.len = ssi ? SHORT + SSI : SHORT,
		.variant = ssi ? SAKER_V_SOURCE_ID : SAKER_V_SOURCE_IP,
		.key_idx = (uint8_t)((p[0] & AN) << 7),
	};
	h->sn = saker_load_be64(p + h->len - TSC);
	return SAKER_OK;
}

enum saker_drop
saker_tss_bind(const uint8_t *p, uint32_t len, const struct saker_terms *terms, struct saker_hdr *h)
{
	bool from_server = (h->sn & SAKER_TSS_DIRECTION_BIT) != 0;

	(void)p;
	(void)len;
	if (terms->end == SAKER_END_PEER)
		return SAKER_OK;
	if (from_server == (terms->end == SAKER_END_SERVER))
		return SAKER_DROP_DIRECTION;
	h->sn &= ~SAKER_TSS_DIRECTION_BIT;
	return SAKER_OK;
}

static void
lay_out(uint16_t header, uint16_t payload, uint16_t clear, struct saker_parts *parts)
{
	*parts = (struct saker_parts){
		.payload_at = header,
		.cipher_at = header + clear,
		.clear_len = clear,
		.skip_at = header + clear,
		.cipher_len = payload - clear,
	};
}

enum saker_drop
saker_tss_split(const uint8_t *p, uint32_t len, const struct saker_hdr *h,
	const struct saker_terms *terms, struct saker_parts *parts)
{
	uint16_t payload = (uint16_t)(len - SAKER_ICV - h->len), most = payload & ~3;

	(void)p;
	lay_out(h->len, payload, terms->max_clear < most ? terms->max_clear : most, parts);
	return SAKER_OK;
}

enum saker_drop
saker_tss_opened(uint8_t *p, const struct saker_hdr *h, const struct saker_parts *parts,
	const struct saker_terms *terms, struct saker_opened *o)
{
	(void)h;
	*o = (struct saker_opened){
		.payload = p + parts->payload_at,
		.len = parts->clear_len + parts->cipher_len,
	};
	if (terms->transport && !saker_tss_is_uet(o->payload, o->len))
		return SAKER_DROP_INNER_FORM;
	return SAKER_OK;
}

int
saker_tss_template(const struct saker_form *form, struct saker_tmpl *t)
{
	bool ssi = form->variant == SAKER_V_SOURCE_ID;

	if ((!ssi && form->variant != SAKER_V_SOURCE_IP) || form->spi > SAKER_TSS_SDI_MAX)
		return -EINVAL;
	*t = (struct saker_tmpl){
		.len = ssi ? SHORT + SSI : SHORT,
		.source_at = ssi ? SSI_AT : 0,
		.flags = form->terms->end == SAKER_END_SERVER,
	};
	t->sn_at = t->len - TSC;
	saker_store_be32(t->octets, (uint32_t)(TYPE | (ssi ? SP : 0)) << 24 | form->spi);
	return 0;
}

void
saker_tss_plan(const struct saker_tmpl *t, const struct saker_fields *f, uint16_t payload_len,
	uint16_t skip_from, struct saker_parts *parts, uint8_t *pad)
{
	(void)skip_from;
	*pad = 0;
	lay_out(t->len, payload_len, f->clear_len, parts);
}

void
saker_tss_write(const struct saker_tmpl *t, uint8_t *at, const struct saker_fields *f)
{
	memcpy(at, t->octets, SSI_AT);
	at[0] |= f->key_idx >> 7;
	if (t->source_at != 0)
		saker_store_be32(at + SSI_AT, (uint32_t)f->source);
	saker_store_be64(at + t->sn_at, f->sn | (t->flags ? SAKER_TSS_DIRECTION_BIT : 0));
}

/* Of what stands between IP and security header, octets that are authenticated. */
static uint16_t
signed_between(const struct saker_terms *terms)
{
	if (!terms->in_udp)
		return SAKER_TSS_ENTROPY;
	return terms->udp_in_aad ? SAKER_UDP_HEADER : 0;
}

const uint8_t *
saker_tss_aad(const struct saker_sealed *s, uint8_t *scratch, uint16_t *len)
{
	bool six = s->ip[0] >> 4 == 6;
	uint16_t addresses = six ? 32 : 8, between = signed_between(s->terms);
	uint16_t rest = between + s->parts->cipher_at;
	const uint8_t *from = s->ip + (six ? IP6_SRC : IP4_SRC), *behind = s->head - between;

	*len = addresses + rest;
	if (from + addresses == behind)
		return from;
	memcpy(scratch, from, addresses);
	memcpy(scratch + addresses, behind, rest);
	return scratch;
}

void
saker_tss_nonce(const struct saker_sealed *s, uint8_t out[12])
{
	uint32_t first = saker_load_be32(s->head);

	if ((s->head[0] & SP) != 0) {
		memcpy(out, s->head + SSI_AT, SSI + TSC);
		return;
	}
	if (s->ip[0] >> 4 == 4)
		memcpy(out, s->ip + IP4_SRC, 4);
	else
		saker_store_be32(out, first & SAKER_TSS_SDI_MAX);
	memcpy(out + 4, s->head + SHORT - TSC, TSC);
}

const struct saker_format saker_format_tss = {
	.name = "tss",
	.letter = 'T',
	.keys = SAKER_KEYS_ROOT,
	.no_group = SAKER_DROP_UNKNOWN_SPI,
	.align = 1,
	.first_mask = TYPE_MASK,
	.first_value = TYPE,
	.by_spi = true,
	.worker_source = true,
	.among_clear = true,
	.entropy = SAKER_TSS_ENTROPY,
	.udp_port = 4793,
	.protocol = 253,
	.read = saker_tss_read,
	.bind = saker_tss_bind,
	.split = saker_tss_split,
	.opened = saker_tss_opened,
	.template = saker_tss_template,
	.plan = saker_tss_plan,
	.write = saker_tss_write,
	.aad = saker_tss_aad,
	.nonce = saker_tss_nonce,
};
