/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_link.h"

void
saker_link_prepare(struct saker_link *l)
{
	uint8_t mac[8] = { 0 }, mask[8] = { 0 }, end[8] = { 0 }, end_mask[8] = { 0 };

	saker_ip6_link_local(l->mac, &l->local6);
	if (!l->takes_all) {
		memcpy(mac, l->mac, SAKER_MAC);
		memset(mask, 0xff, SAKER_MAC);
	}
	memcpy(&l->mac_word, mac, sizeof(mac));
	memcpy(&l->mac_mask, mask, sizeof(mask));
	saker_store_be16(end + 6, SAKER_TYPE_IP4);
	saker_store_be16(end_mask + 6, UINT16_MAX);
	if (l->vlan != 0) {
		saker_store_be32(end + 2, (uint32_t)SAKER_TYPE_VLAN << 16 | l->vlan);
		saker_store_be32(end_mask + 2, 0xffff0000 | SAKER_VLAN_ID);
		l->tag_len = SAKER_VLAN_TAG;
	}
	memcpy(&l->type4_word, end, sizeof(end));
	memcpy(&l->type_mask, end_mask, sizeof(end_mask));
	if (l->ends_here) {
		memcpy(&l->gate4, l->own[0].ip.octets, sizeof(l->gate4));
		memcpy(l->gate6, l->own[1].ip.octets, sizeof(l->gate6));
	}
}

bool
saker_link_owns(const struct saker_link *l, const struct saker_ip *ip)
{
	const struct saker_ip *own = &l->own[ip->family == 6].ip;

	return saker_ip_equal(own, ip) || saker_ip_equal(&l->local6, ip);
}

static bool
in_prefix(const struct saker_link *l, const struct saker_ip *ip)
{
	const struct saker_prefix *own = &l->own[ip->family == 6];

	return own->ip.family != 0 && saker_prefix_holds(own, ip);
}

bool
saker_link_holds(const struct saker_link *l, const struct saker_ip *ip)
{
	return in_prefix(l, ip) || saker_ip6_is_link_local(ip) ||
	       saker_ip_equal(&l->gateway[ip->family == 6], ip);
}

const struct saker_ip *
saker_link_next_hop(const struct saker_link *l, const struct saker_ip *dst)
{
	const struct saker_ip *gateway = &l->gateway[dst->family == 6];

	if (gateway->family == 0 || in_prefix(l, dst) || saker_ip6_is_link_local(dst))
		return dst;
	return gateway;
}
