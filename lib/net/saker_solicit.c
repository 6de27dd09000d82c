/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_solicit.h"

#include "saker_arp.h"
#include "saker_nd.h"

#define MIN_FRAME 60 /* IEEE 802.3, without the checksum */

static uint16_t
padded(uint16_t len)
{
	return len < MIN_FRAME ? MIN_FRAME : len;
}

static uint16_t
write_arp(
	const struct saker_link *l, const struct saker_arp *arp, const uint8_t *dst, uint8_t *frame)
{
	uint16_t at;

	memset(frame, 0, SAKER_SOLICIT_MAX);
	at = saker_ether_write(frame, dst, l->mac, l->vlan, SAKER_TYPE_ARP);
	saker_arp_write(arp, frame + at);
	return padded(at + SAKER_ARP_LEN);
}

static uint16_t
write_nd(const struct saker_link *l, const struct saker_nd *nd, const uint8_t *dst, uint8_t *frame)
{
	uint16_t at = saker_ether_write(frame, dst, l->mac, l->vlan, SAKER_TYPE_IP6);

	return at + saker_nd_write(nd, frame + at);
}

static uint16_t
ask_arp(const struct saker_link *l, const struct saker_ip *sender, const struct saker_ip *target,
	const uint8_t *dst, uint8_t *frame)
{
	struct saker_arp arp = { .op = SAKER_ARP_REQUEST, .sender = *sender, .target = *target };

	memcpy(arp.sender_mac, l->mac, SAKER_MAC);
	return write_arp(l, &arp, dst == NULL ? saker_mac_broadcast : dst, frame);
}

/* The own address of the same scope, or the one that every port has. */
static const struct saker_ip *
source6(const struct saker_link *l, const struct saker_ip *ip)
{
	return saker_ip6_is_link_local(ip) || l->own[1].ip.family == 0 ? &l->local6 : &l->own[1].ip;
}

static uint16_t
ask_nd(const struct saker_link *l, const struct saker_ip *ip, const uint8_t *mac, uint8_t *frame)
{
	struct saker_nd nd = {
		.type = SAKER_ND_SOLICIT,
		.src = *source6(l, ip),
		.dst = *ip,
		.target = *ip,
		.has_mac = true,
	};
	uint8_t group[SAKER_MAC];

	memcpy(nd.mac, l->mac, SAKER_MAC);
	if (mac != NULL)
		return write_nd(l, &nd, mac, frame);
	saker_nd_solicited_node(ip, &nd.dst);
	saker_mac_of_group(&nd.dst, group);
	return write_nd(l, &nd, group, frame);
}

uint16_t
saker_solicit(
	const struct saker_link *l, const struct saker_ip *ip, const uint8_t *mac, uint8_t *frame)
{
	if (ip->family == 4)
		return ask_arp(l, &l->own[0].ip, ip, mac, frame);
	return ask_nd(l, ip, mac, frame);
}

uint16_t
saker_announce(const struct saker_link *l, const struct saker_ip *own, uint8_t *frame)
{
	struct saker_nd probe = { .type = SAKER_ND_SOLICIT, .target = *own }, advert;
	uint8_t group[SAKER_MAC];

	if (own->family == 4)
		return ask_arp(l, own, own, NULL, frame);
	saker_nd_answer(&probe, l->mac, &advert);
	saker_mac_of_group(&advert.dst, group);
	return write_nd(l, &advert, group, frame);
}
