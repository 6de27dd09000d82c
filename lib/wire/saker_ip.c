/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_ip.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

#define IP4_FRAGMENT   0x3fff /* MF and offset */
#define IP4_OFFSET     0x1fff
#define IP6_FRAGMENT   0xfff9 /* offset and M */
#define IP6_OFFSET     0xfff8
#define IP6_EXT_MIN    8 /* shortest extension header, and unit of its length */
#define EXT_HOP_BY_HOP 0
#define EXT_ROUTING    43
#define EXT_FRAGMENT   44
#define EXT_DEST       60

static enum saker_drop
read_ip4(const uint8_t *p, uint32_t len, struct saker_ip_view *v)
{
	uint16_t header, frag;

	if (len < SAKER_IP4_HEADER)
		return SAKER_DROP_RUNT;
	header = (p[0] & 15) * 4;
	if (header < SAKER_IP4_HEADER)
		return SAKER_DROP_IP_HEADER;
	frag = saker_load_be16(p + 6);
	*v = (struct saker_ip_view){
		.family = 4,
		.tos = p[1],
		.proto = p[9],
		.fragment = (frag & IP4_FRAGMENT) != 0,
		.has_l4 = (frag & IP4_OFFSET) == 0,
		.proto_at = 9,
		.l4_at = header,
		.total = saker_load_be16(p + 2),
	};
	return v->total < header || v->total > len ? SAKER_DROP_IP_LENGTH : SAKER_OK;
}

static bool
is_extension(uint8_t proto)
{
	return proto == EXT_HOP_BY_HOP || proto == EXT_ROUTING || proto == EXT_FRAGMENT ||
	       proto == EXT_DEST;
}

/* Step over one extension header. False if it passes the end of the packet. */
static bool
skip_extension(const uint8_t *p, struct saker_ip_view *v)
{
	const uint8_t *ext = p + v->l4_at;
	uint32_t ext_len = IP6_EXT_MIN;

	if (v->total - v->l4_at < IP6_EXT_MIN)
		return false;
	if (v->proto == EXT_FRAGMENT) {
		uint16_t frag = saker_load_be16(ext + 2);

		v->fragment = (frag & IP6_FRAGMENT) != 0;
		v->has_l4 = (frag & IP6_OFFSET) == 0;
	} else {
		ext_len += ext[1] * IP6_EXT_MIN;
	}
	if ((uint32_t)(v->total - v->l4_at) < ext_len)
		return false;
	v->proto = ext[0];
	v->proto_at = v->l4_at;
	v->l4_at += ext_len;
	return true;
}

static enum saker_drop
read_ip6(const uint8_t *p, uint32_t len, struct saker_ip_view *v)
{
	uint32_t total;

	if (len < SAKER_IP6_HEADER)
		return SAKER_DROP_RUNT;
	total = SAKER_IP6_HEADER + saker_load_be16(p + 4);
	if (total > len || total > UINT16_MAX)
		return SAKER_DROP_IP_LENGTH;
	*v = (struct saker_ip_view){
		.family = 6,
		.tos = (uint8_t)(p[0] << 4 | p[1] >> 4),
		.proto = p[6],
		.has_l4 = true,
		.proto_at = 6,
		.l4_at = SAKER_IP6_HEADER,
		.total = total,
	};
	/* Behind the header of a later fragment lies data, whatever its protocol says. */
	while (is_extension(v->proto) && v->has_l4)
		if (!skip_extension(p, v))
			return SAKER_DROP_IP_HEADER;
	return SAKER_OK;
}

enum saker_drop
saker_ip_read(const uint8_t *p, uint32_t len, struct saker_ip_view *v)
{
	if (len == 0)
		return SAKER_DROP_RUNT;
	switch (p[0] >> 4) {
	case 4:
		return read_ip4(p, len, v);
	case 6:
		return read_ip6(p, len, v);
	default:
		return SAKER_DROP_NOT_IP;
	}
}

/* Address of an IP header: at4 and at6 are its offsets in either family. */
static struct saker_ip
address(const uint8_t *p, unsigned int at4, unsigned int at6)
{
	struct saker_ip ip = { .family = p[0] >> 4 };

	if (ip.family == 4)
		memcpy(ip.octets, p + at4, 4);
	else
		memcpy(ip.octets, p + at6, 16);
	return ip;
}

struct saker_ip
saker_ip_src(const uint8_t *p)
{
	return address(p, 12, 8);
}

struct saker_ip
saker_ip_dst(const uint8_t *p)
{
	return address(p, 16, 24);
}

bool
saker_ip_equal(const struct saker_ip *a, const struct saker_ip *b)
{
	return a->family == b->family && memcmp(a->octets, b->octets, sizeof(a->octets)) == 0;
}

bool
saker_prefix_holds(const struct saker_prefix *prefix, const struct saker_ip *ip)
{
	const uint8_t *net = prefix->ip.octets;
	unsigned int whole = prefix->len / 8, rest = prefix->len % 8;

	if (prefix->ip.family == 0)
		return true;
	if (prefix->ip.family != ip->family || memcmp(net, ip->octets, whole) != 0)
		return false;
	return rest == 0 || (net[whole] ^ ip->octets[whole]) >> (8 - rest) == 0;
}

static void
set_bits(void *mask, unsigned int bits)
{
	uint8_t *p = mask;

	for (unsigned int i = 0; i < bits; i++)
		p[i / 8] |= (uint8_t)(0x80 >> i % 8);
}

struct saker_ip_mask
saker_ip_mask_of(unsigned int len4, unsigned int len6)
{
	struct saker_ip_mask mask = { 0 };

	set_bits(&mask.v4, len4);
	set_bits(mask.v6, len6);
	return mask;
}

int
saker_ip_from_text(const char *text, struct saker_ip *ip)
{
	*ip = (struct saker_ip){ .family = 4 };
	if (inet_pton(AF_INET, text, ip->octets) == 1)
		return 0;
	*ip = (struct saker_ip){ .family = 6 };
	if (inet_pton(AF_INET6, text, ip->octets) == 1)
		return 0;
	*ip = (struct saker_ip){ 0 };
	return -EINVAL;
}

/* One to three digits, at most max; else -1. */
static int
prefix_len_from_text(const char *text, int max)
{
	size_t digits = strspn(text, "0123456789");
	int len = 0;

	if (digits < 1 || digits > 3 || text[digits] != '\0')
		return -1;
	for (size_t i = 0; i < digits; i++)
		len = 10 * len + (text[i] - '0');
	return len <= max ? len : -1;
}

static bool
host_bits_zero(const struct saker_prefix *prefix)
{
	unsigned int at = prefix->len / 8;
	uint8_t any = 0;

	if (at < sizeof(prefix->ip.octets))
		any = (uint8_t)(prefix->ip.octets[at] << prefix->len % 8);
	while (++at < sizeof(prefix->ip.octets))
		any |= prefix->ip.octets[at];
	return any == 0;
}

int
saker_ifaddr_from_text(const char *text, struct saker_prefix *prefix)
{
	const char *slash = strchrnul(text, '/');
	char address_text[SAKER_IP_TEXT];
	struct saker_prefix read;
	int max, len;

	if ((size_t)(slash - text) >= sizeof(address_text))
		return -EINVAL;
	memcpy(address_text, text, slash - text);
	address_text[slash - text] = '\0';
	if (saker_ip_from_text(address_text, &read.ip) != 0)
		return -EINVAL;
	max = read.ip.family == 4 ? 32 : 128;
	len = *slash == '\0' ? max : prefix_len_from_text(slash + 1, max);
	if (len < 0)
		return -EINVAL;
	read.len = (uint8_t)len;
	*prefix = read;
	return 0;
}

int
saker_prefix_from_text(const char *text, struct saker_prefix *prefix)
{
	struct saker_prefix read;

	if (saker_ifaddr_from_text(text, &read) != 0)
		return -EINVAL;
	if (!host_bits_zero(&read))
		return -ERANGE;
	*prefix = read;
	return 0;
}

char *
saker_ip_to_text(const struct saker_ip *ip, char *out)
{
	int family = ip->family == 4 ? AF_INET : AF_INET6;

	if (ip->family == 0)
		return memcpy(out, "none", sizeof("none"));
	inet_ntop(family, ip->octets, out, SAKER_IP_TEXT);
	return out;
}

char *
saker_prefix_to_text(const struct saker_prefix *prefix, char *out)
{
	size_t used;

	if (prefix->ip.family == 0)
		return memcpy(out, "any", sizeof("any"));
	used = strlen(saker_ip_to_text(&prefix->ip, out));
	snprintf(out + used, SAKER_IP_TEXT - used, "/%u", prefix->len);
	return out;
}

static uint16_t
fold(uint64_t sum)
{
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

uint16_t
saker_ip_sum(const void *data, size_t n, uint16_t start)
{
	const uint8_t *p = data;
	uint64_t sum = start;

	for (; n >= 4; n -= 4, p += 4)
		sum += saker_load_be32(p);
	if (n >= 2)
		sum += saker_load_be16(p);
	if (n % 2 != 0)
		sum += (uint64_t)p[n - 1] << 8;
	return fold(sum);
}

void
saker_ip4_set_checksum(uint8_t *p, uint16_t header_len)
{
	saker_store_be16(p + 10, 0);
	saker_store_be16(p + 10, (uint16_t)~saker_ip_sum(p, header_len, 0));
}

/* Over pseudo header and datagram, not inverted. */
static uint16_t
udp_sum(const uint8_t *p, const struct saker_ip_view *v, uint16_t len)
{
	uint16_t sum = fold((uint64_t)len + SAKER_PROTO_UDP);

	sum = v->family == 4 ? saker_ip_sum(p + 12, 8, sum) : saker_ip_sum(p + 8, 32, sum);
	return saker_ip_sum(p + v->l4_at, len, sum);
}

void
saker_udp_set_length(uint8_t *p, const struct saker_ip_view *v)
{
	uint8_t *udp = p + v->l4_at;
	uint16_t len = v->total - v->l4_at, sum;

	saker_store_be16(udp + 4, len);
	saker_store_be16(udp + 6, 0);
	sum = (uint16_t)~udp_sum(p, v, len);
	saker_store_be16(udp + 6, sum == 0 ? 0xffff : sum);
}

bool
saker_udp_checksum_ok(const uint8_t *p, const struct saker_ip_view *v)
{
	const uint8_t *udp = p + v->l4_at;
	uint16_t room = v->total - v->l4_at, len;

	if (room < SAKER_UDP_HEADER)
		return false;
	len = saker_load_be16(udp + 4);
	if (len < SAKER_UDP_HEADER || len > room)
		return false;
	if (saker_load_be16(udp + 6) == 0)
		return true;
	return udp_sum(p, v, len) == 0xffff;
}

int
saker_ecn_decap(uint8_t inner, uint8_t outer)
{
	/* Columns: outer Not-ECT, ECT(1), ECT(0), CE. */
	static const int8_t result[4][4] = {
		[0] = { 0, 0, 0, -1 }, /* inner Not-ECT */
		[1] = { 1, 1, 1, 3 },  /* inner ECT(1) */
		[2] = { 2, 1, 2, 3 },  /* inner ECT(0) */
		[3] = { 3, 3, 3, 3 },  /* inner CE */
	};

	return result[inner & 3][outer & 3];
}

/* RFC 1624: HC' = ~(~HC + ~m + m'). */
static void
set_ecn_ip4(uint8_t *p, uint8_t ecn)
{
	uint16_t old = saker_load_be16(p), sum = (uint16_t)~saker_load_be16(p + 10);

	p[1] = (p[1] & ~3) | ecn;
	sum = fold((uint32_t)sum + (uint16_t)~old + saker_load_be16(p));
	saker_store_be16(p + 10, (uint16_t)~sum);
}

void
saker_ip_set_ecn(uint8_t *p, uint8_t ecn)
{
	if (p[0] >> 4 == 4)
		set_ecn_ip4(p, ecn);
	else
		p[1] = (uint8_t)((p[1] & ~0x30) | ecn << 4);
}

void
saker_ip_set_payload(uint8_t *p, uint16_t at, uint8_t proto, uint16_t total)
{
	p[at] = proto;
	if (p[0] >> 4 == 4) {
		saker_store_be16(p + 2, total);
		saker_ip4_set_checksum(p, (p[0] & 15) * 4);
	} else {
		saker_store_be16(p + 4, total - SAKER_IP6_HEADER);
	}
}
