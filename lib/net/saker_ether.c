/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_ether.h"

#define MAX_TAGS 2

const uint8_t saker_mac_broadcast[SAKER_MAC] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

static bool
is_tag(uint16_t type)
{
	return type == SAKER_TYPE_VLAN || type == SAKER_TYPE_QINQ;
}

bool
saker_ether_read(const uint8_t *frame, uint32_t len, struct saker_ether *e)
{
	*e = (struct saker_ether){ .at = SAKER_ETHER_HEADER };
	while (len >= e->at) {
		e->type = saker_load_be16(frame + e->at - 2);
		if (!is_tag(e->type))
			return true;
		if (e->tags == MAX_TAGS || len < e->at + 2u)
			return false;
		if (e->tags++ == 0)
			e->vlan = saker_load_be16(frame + e->at) & SAKER_VLAN_ID;
		e->at += SAKER_VLAN_TAG;
	}
	return false;
}

uint16_t
saker_ether_write(uint8_t *frame, const uint8_t dst[SAKER_MAC], const uint8_t src[SAKER_MAC],
	uint16_t vlan, uint16_t type)
{
	uint8_t *at = frame + 2 * SAKER_MAC;

	memcpy(frame, dst, SAKER_MAC);
	memcpy(frame + SAKER_MAC, src, SAKER_MAC);
	if (vlan != 0) {
		saker_store_be16(at, SAKER_TYPE_VLAN);
		saker_store_be16(at + 2, vlan);
		at += SAKER_VLAN_TAG;
	}
	saker_store_be16(at, type);
	return (uint16_t)(at + 2 - frame);
}

bool
saker_mac_is_station(const uint8_t mac[SAKER_MAC])
{
	static const uint8_t none[SAKER_MAC];

	return !saker_mac_is_group(mac) && memcmp(mac, none, SAKER_MAC) != 0;
}

bool
saker_ip_is_group(const struct saker_ip *ip)
{
	if (ip->family == 6)
		return ip->octets[0] == 0xff;
	return ip->octets[0] >> 4 == 0xe || saker_load_be32(ip->octets) == 0xffffffff;
}

void
saker_mac_of_group(const struct saker_ip *ip, uint8_t mac[SAKER_MAC])
{
	static const uint8_t v4[] = { 0x01, 0x00, 0x5e }, v6[] = { 0x33, 0x33 };

	if (ip->family == 6) {
		memcpy(mac, v6, sizeof(v6));
		memcpy(mac + sizeof(v6), ip->octets + 12, 4);
	} else if (ip->octets[0] == 0xff) {
		memcpy(mac, saker_mac_broadcast, SAKER_MAC);
	} else {
		memcpy(mac, v4, sizeof(v4));
		mac[3] = ip->octets[1] & 0x7f;
		memcpy(mac + 4, ip->octets + 2, 2);
	}
}

bool
saker_ip6_is_link_local(const struct saker_ip *ip)
{
	return ip->family == 6 && ip->octets[0] == 0xfe && (ip->octets[1] & 0xc0) == 0x80;
}

void
saker_ip6_link_local(const uint8_t mac[SAKER_MAC], struct saker_ip *ip)
{
	*ip = (struct saker_ip){ .family = 6, .octets = { 0xfe, 0x80 } };
	memcpy(ip->octets + 8, mac, 3);
	ip->octets[8] ^= 2;
	ip->octets[11] = 0xff;
	ip->octets[12] = 0xfe;
	memcpy(ip->octets + 13, mac + 3, 3);
}
