/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_LINK_H
#define SAKER_LINK_H

/**
 * @file
 * What a port is on its link: its addresses, which frames are its own, where it sends packets to.
 *
 * Threads: a link is set up by the control thread and read by all.
 */

#include "saker_ether.h"

#define SAKER_LINK_ICMP  1 /**< protocols that may be for the port itself */
#define SAKER_LINK_ICMP6 58

/** A port on its link. Zeroed it owns nothing, takes every frame and fixes no neighbour. */
struct saker_link {
	uint8_t mac[SAKER_MAC];
	uint8_t next_hop[SAKER_MAC]; /**< if fixed */
	bool fixed;                  /**< every packet goes to next_hop */
	bool takes_all;              /**< frames for any MAC address */
	bool ends_here;              /**< nothing for an own address goes on: a clear port */
	uint16_t vlan;               /**< 0: untagged */
	struct saker_prefix own[2];  /**< IPv4, IPv6; family 0: none */
	struct saker_ip gateway[2];  /**< IPv4, IPv6; family 0: none */
	struct saker_ip local6;      /**< link-local address of the MAC */

	/* by saker_link_prepare(), for saker_link_passes() */
	uint64_t mac_word, mac_mask;    /**< octets that a frame begins with */
	uint64_t type4_word, type_mask; /**< those that an Ethernet header of IPv4 ends with */
	uint32_t gate4;
	uint64_t gate6[2];
	uint8_t tag_len;
};

/** Fill what follows from the other fields. */
void saker_link_prepare(struct saker_link *l);

/** True for an address of the port itself. */
bool saker_link_owns(const struct saker_link *l, const struct saker_ip *ip);

/** True if @p ip is a neighbour's by the port's prefixes, its gateways or being link-local. */
bool saker_link_holds(const struct saker_link *l, const struct saker_ip *ip);

/** Next hop of a packet for @p dst: itself if it is on the link, else the gateway, else itself. */
const struct saker_ip *saker_link_next_hop(const struct saker_link *l, const struct saker_ip *dst);

/** Octets of an Ethernet header on the link. */
static inline uint32_t
saker_link_l2(const struct saker_link *l)
{
	return SAKER_ETHER_HEADER + l->tag_len;
}

/**
 * True if a frame's MAC address and VLAN are the port's, and it has this Ethertype.
 * @param frame so many octets as saker_link_l2() says are readable
 * @param ip what follows them
 */
static inline bool
saker_link_fits(const struct saker_link *l, const uint8_t *frame, const uint8_t *ip, uint16_t type)
{
	uint16_t differs = __builtin_bswap16(type ^ SAKER_TYPE_IP4);
	uint64_t dst, end;

	memcpy(&dst, frame, sizeof(dst));
	memcpy(&end, ip - sizeof(end), sizeof(end));
	end ^= l->type4_word ^ (uint64_t)differs << 48;
	return (((dst ^ l->mac_word) & l->mac_mask) | (end & l->type_mask)) == 0;
}

/** saker_link_passes() for IPv4 alone. */
static inline bool
saker_link_passes4(const struct saker_link *l, const uint8_t *frame)
{
	const uint8_t *ip = frame + saker_link_l2(l);
	uint32_t dst;

	memcpy(&dst, ip + 16, sizeof(dst));
	return saker_link_fits(l, frame, ip, SAKER_TYPE_IP4) && ip[9] != SAKER_LINK_ICMP &&
	       dst != l->gate4;
}

/**
 * True if a frame is surely one to go through the pipeline: its MAC and VLAN are the port's, it is
 * IP, no ICMP, and not for an own address of a port where such packets end. A quick look; who
 * fails it may still be let through.
 * @param frame 64 readable octets, whatever its length
 */
static inline bool
saker_link_passes(const struct saker_link *l, const uint8_t *frame)
{
	const uint8_t *ip = frame + saker_link_l2(l);
	uint64_t high, low;

	memcpy(&high, ip + 24, sizeof(high));
	memcpy(&low, ip + 32, sizeof(low));
	return saker_link_passes4(l, frame) ||
	       (saker_link_fits(l, frame, ip, SAKER_TYPE_IP6) && ip[6] != SAKER_LINK_ICMP6 &&
		       (high != l->gate6[0] || low != l->gate6[1]));
}

#endif
