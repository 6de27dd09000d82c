/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_outer.h"

#define TTL 64

static uint8_t
init_ip4(uint8_t *p, const struct saker_ip *src, const struct saker_ip *dst, uint8_t proto)
{
	p[0] = 0x45;
	p[8] = TTL;
	p[9] = proto;
	memcpy(p + 12, src->octets, 4);
	memcpy(p + 16, dst->octets, 4);
	return SAKER_IP4_HEADER;
}

static uint8_t
init_ip6(uint8_t *p, const struct saker_ip *src, const struct saker_ip *dst, uint8_t proto)
{
	p[0] = 0x60;
	p[6] = proto;
	p[7] = TTL;
	memcpy(p + 8, src->octets, 16);
	memcpy(p + 24, dst->octets, 16);
	return SAKER_IP6_HEADER;
}

void
saker_outer_init(struct saker_outer *o, const struct saker_ip *src, const struct saker_ip *dst,
	uint8_t proto, uint16_t udp_port, enum saker_df df)
{
	*o = (struct saker_outer){ .family = src->family, .udp = udp_port != 0, .df = df };
	if (o->udp)
		proto = SAKER_PROTO_UDP;
	o->len = o->family == 4 ? init_ip4(o->octets, src, dst, proto)
				: init_ip6(o->octets, src, dst, proto);
	o->sum = saker_ip_sum(o->octets, o->len, 0);
	if (o->udp) {
		saker_store_be16(o->octets + o->len + 2, udp_port);
		o->len += SAKER_UDP_HEADER;
	}
}

void
saker_outer_add_entropy(struct saker_outer *o, uint8_t len)
{
	o->entropy = true;
	o->len += len;
}

static bool
dont_fragment(const struct saker_outer *o, bool inner_df)
{
	return o->df == SAKER_DF_SET || (o->df == SAKER_DF_COPY && inner_df);
}

/* The checksum is the constant part's sum plus the words that change. */
static void
finish_ip4(const struct saker_outer *o, uint8_t *at, uint16_t payload_len, uint8_t tos, bool df,
	uint16_t id)
{
	uint16_t total = SAKER_IP4_HEADER + payload_len;
	uint16_t flags = df ? SAKER_IP4_DF : 0;
	uint32_t sum = (uint32_t)o->sum + total + tos;

	id = df ? 0 : id;
	sum += (uint32_t)id + flags;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	at[1] = tos;
	saker_store_be16(at + 2, total);
	saker_store_be32(at + 4, (uint32_t)id << 16 | flags);
	saker_store_be16(at + 10, (uint16_t)~sum);
}

static void
finish_ip6(uint8_t *at, uint16_t payload_len, uint8_t tos)
{
	at[0] |= tos >> 4;
	at[1] = (uint8_t)(tos << 4);
	saker_store_be16(at + 4, payload_len);
}

void
saker_outer_write(const struct saker_outer *o, uint8_t *at, uint16_t payload_len, uint8_t tos,
	bool df, uint16_t id, uint16_t udp_src)
{
	saker_copy_header(at, o->octets, o->len);
	if (__builtin_expect(o->entropy, 0)) {
		uint16_t ip = o->family == 6 ? SAKER_IP6_HEADER : SAKER_IP4_HEADER;

		saker_store_be16(at + ip, udp_src);
		payload_len += o->len - ip;
	}
	if (o->udp) {
		uint8_t *udp = at + o->len - SAKER_UDP_HEADER;

		payload_len += SAKER_UDP_HEADER;
		saker_store_be16(udp, udp_src);
		saker_store_be16(udp + 4, payload_len);
	}
	if (o->family == 6) {
		finish_ip6(at, payload_len, tos);
		return;
	}
	finish_ip4(o, at, payload_len, tos, dont_fragment(o, df), id);
}
