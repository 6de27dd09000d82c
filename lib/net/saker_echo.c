/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_echo.h"

#include "saker_nd.h"

#define HEADER 8 /* of an echo message */
#define TTL    64

/** What the families do differently. */
struct form {
	uint8_t proto, request, reply;
	uint16_t l4_at; /* without options and extension headers */
	uint16_t src_at, ttl_at, address;
};

static const struct form v4 = { SAKER_PROTO_ICMP, 8, 0, SAKER_IP4_HEADER, 12, 8, 4 };
static const struct form v6 = { SAKER_PROTO_ICMP6, 128, 129, SAKER_IP6_HEADER, 8, 7, 16 };

static bool
is_station(const uint8_t *ip)
{
	static const uint8_t loop6[16] = { [15] = 1 }, none[16];
	struct saker_ip src = saker_ip_src(ip), dst = saker_ip_dst(ip);

	if (saker_ip_is_group(&src) || saker_ip_equal(&src, &dst))
		return false;
	if (src.family == 4)
		return src.octets[0] != 0 && src.octets[0] != 127 && src.octets[0] < 240;
	return memcmp(src.octets, none, 16) != 0 && memcmp(src.octets, loop6, 16) != 0;
}

static bool
checksum_ok(const uint8_t *ip, const uint8_t *icmp, const struct saker_ip_view *v)
{
	uint16_t len = v->total - v->l4_at;

	return (v->family == 4 ? saker_ip_sum(icmp, len, 0) : saker_icmp6_sum(ip, icmp, len)) ==
	       0xffff;
}

static void
swap(uint8_t *a, uint8_t *b, uint16_t n)
{
	uint8_t keep[16];

	memcpy(keep, a, n);
	memcpy(a, b, n);
	memcpy(b, keep, n);
}

/* New checksum ~(~old + ~m + m') of RFC 1624; m is the first word of the message. */
static void
set_type(uint8_t *icmp, uint8_t type)
{
	uint32_t sum = (uint16_t)~saker_load_be16(icmp + 2);

	sum += (uint16_t) ~(icmp[0] << 8);
	sum += (uint32_t)type << 8;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	icmp[0] = type;
	saker_store_be16(icmp + 2, (uint16_t)~sum);
}

bool
saker_echo_answer(uint8_t *ip, const struct saker_ip_view *v)
{
	const struct form *f = v->family == 4 ? &v4 : &v6;
	uint8_t *icmp = ip + v->l4_at;

	if (v->proto != f->proto || v->fragment || v->l4_at != f->l4_at ||
		v->total < v->l4_at + HEADER)
		return false;
	if (icmp[0] != f->request || icmp[1] != 0 || !is_station(ip) || !checksum_ok(ip, icmp, v))
		return false;
	swap(ip + f->src_at, ip + f->src_at + f->address, f->address);
	ip[f->ttl_at] = TTL;
	set_type(icmp, f->reply);
	if (v->family == 4)
		saker_ip4_set_checksum(ip, SAKER_IP4_HEADER);
	return true;
}
