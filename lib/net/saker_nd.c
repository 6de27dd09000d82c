/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_nd.h"

#define HOP_LIMIT    255 /* who is not on the link can't send this */
#define MESSAGE      24  /* type, code, checksum, flags, target */
#define OPTION       8   /* a MAC address option; lengths of options count these */
#define OPTION_SLLA  1
#define OPTION_TLLA  2
#define FIRST_OCTETS 0x60000000

uint16_t
saker_icmp6_sum(const uint8_t *ip, const uint8_t *icmp, uint16_t len)
{
	uint8_t pseudo[8] = { 0 };
	uint16_t sum = saker_ip_sum(ip + 8, 32, 0);

	saker_store_be32(pseudo, len);
	pseudo[7] = SAKER_PROTO_ICMP6;
	sum = saker_ip_sum(pseudo, sizeof(pseudo), sum);
	return saker_ip_sum(icmp, len, sum);
}

bool
saker_nd_is(const uint8_t *ip, uint32_t len)
{
	if (len <= SAKER_IP6_HEADER || ip[0] >> 4 != 6 || ip[6] != SAKER_PROTO_ICMP6)
		return false;
	return ip[SAKER_IP6_HEADER] == SAKER_ND_SOLICIT || ip[SAKER_IP6_HEADER] == SAKER_ND_ADVERT;
}

static void
read_ip(const uint8_t *p, struct saker_ip *ip)
{
	ip->family = 6;
	memcpy(ip->octets, p, sizeof(ip->octets));
}

/* Every option has a length, and they fill the packet. */
static bool
read_options(const uint8_t *p, const uint8_t *end, struct saker_nd *nd)
{
	uint8_t wanted = nd->type == SAKER_ND_SOLICIT ? OPTION_SLLA : OPTION_TLLA;

	nd->has_mac = false;
	while (p < end) {
		if (end - p < OPTION || p[1] == 0 || end - p < p[1] * OPTION)
			return false;
		if (p[0] == wanted) {
			if (p[1] != 1 || !saker_mac_is_station(p + 2))
				return false;
			memcpy(nd->mac, p + 2, SAKER_MAC);
			nd->has_mac = true;
		}
		p += p[1] * OPTION;
	}
	return true;
}

static bool
is_unspecified(const struct saker_ip *ip)
{
	static const uint8_t none[16];

	return memcmp(ip->octets, none, sizeof(none)) == 0;
}

static bool
addresses_fit(const struct saker_nd *nd)
{
	struct saker_ip group;

	if (saker_ip_is_group(&nd->target) || saker_ip_is_group(&nd->src))
		return false;
	if (nd->type == SAKER_ND_ADVERT)
		return !is_unspecified(&nd->src) &&
		       (!saker_ip_is_group(&nd->dst) || (nd->flags & SAKER_ND_SOLICITED) == 0);
	if (!is_unspecified(&nd->src))
		return true;
	/* Duplicate address detection: to the solicited nodes, and without a MAC. */
	saker_nd_solicited_node(&nd->target, &group);
	return !nd->has_mac && saker_ip_equal(&group, &nd->dst);
}

bool
saker_nd_read(const uint8_t *ip, uint32_t len, struct saker_nd *nd)
{
	const uint8_t *icmp = ip + SAKER_IP6_HEADER;
	uint16_t octets = saker_load_be16(ip + 4);

	if (len < SAKER_IP6_HEADER + MESSAGE || octets < MESSAGE || octets > len - SAKER_IP6_HEADER)
		return false;
	if (ip[7] != HOP_LIMIT || icmp[1] != 0 || saker_icmp6_sum(ip, icmp, octets) != 0xffff)
		return false;
	nd->type = icmp[0];
	nd->flags = icmp[4];
	read_ip(ip + 8, &nd->src);
	read_ip(ip + 24, &nd->dst);
	read_ip(icmp + 8, &nd->target);
	return read_options(icmp + MESSAGE, icmp + octets, nd) && addresses_fit(nd);
}

uint16_t
saker_nd_write(const struct saker_nd *nd, uint8_t *ip)
{
	uint8_t *icmp = ip + SAKER_IP6_HEADER, *option = icmp + MESSAGE;
	uint16_t octets = nd->has_mac ? MESSAGE + OPTION : MESSAGE;

	memset(ip, 0, SAKER_ND_MAX);
	saker_store_be32(ip, FIRST_OCTETS);
	saker_store_be16(ip + 4, octets);
	ip[6] = SAKER_PROTO_ICMP6;
	ip[7] = HOP_LIMIT;
	memcpy(ip + 8, nd->src.octets, 16);
	memcpy(ip + 24, nd->dst.octets, 16);
	icmp[0] = nd->type;
	icmp[4] = nd->flags;
	memcpy(icmp + 8, nd->target.octets, 16);
	if (nd->has_mac) {
		option[0] = nd->type == SAKER_ND_SOLICIT ? OPTION_SLLA : OPTION_TLLA;
		option[1] = 1;
		memcpy(option + 2, nd->mac, SAKER_MAC);
	}
	saker_store_be16(icmp + 2, (uint16_t)~saker_icmp6_sum(ip, icmp, octets));
	return SAKER_IP6_HEADER + octets;
}

void
saker_nd_answer(const struct saker_nd *ask, const uint8_t mac[SAKER_MAC], struct saker_nd *answer)
{
	static const struct saker_ip all_nodes = { .family = 6,
		.octets = { 0xff, 0x02, [15] = 0x01 } };
	bool probe = is_unspecified(&ask->src);

	*answer = (struct saker_nd){
		.type = SAKER_ND_ADVERT,
		.flags = SAKER_ND_ROUTER | SAKER_ND_OVERRIDE | (probe ? 0 : SAKER_ND_SOLICITED),
		.src = ask->target,
		.dst = probe ? all_nodes : ask->src,
		.target = ask->target,
		.has_mac = true,
	};
	memcpy(answer->mac, mac, SAKER_MAC);
}

void
saker_nd_solicited_node(const struct saker_ip *ip, struct saker_ip *group)
{
	*group = (struct saker_ip){ .family = 6,
		.octets = { 0xff, 0x02, [11] = 0x01, [12] = 0xff } };
	memcpy(group->octets + 13, ip->octets + 13, 3);
}
