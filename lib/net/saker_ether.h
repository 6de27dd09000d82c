/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_ETHER_H
#define SAKER_ETHER_H

/**
 * @file
 * Ethernet headers with VLAN tags (IEEE 802.3, 802.1Q): read, write, multicast addresses. Pure: no
 * EAL, no allocation.
 *
 * Threads: every function touches only its arguments.
 */

#include "saker_ip.h"

#define SAKER_MAC          6
#define SAKER_ETHER_HEADER 14
#define SAKER_VLAN_TAG     4
#define SAKER_VLAN_ID      0x0fff /**< bits of the VLAN id in a tag */

#define SAKER_TYPE_IP4  0x0800
#define SAKER_TYPE_ARP  0x0806
#define SAKER_TYPE_VLAN 0x8100
#define SAKER_TYPE_QINQ 0x88a8
#define SAKER_TYPE_IP6  0x86dd

/** What an Ethernet header says. Addresses stand at its start: destination, then source. */
struct saker_ether {
	uint16_t type; /**< of the payload, behind the tags */
	uint16_t at;   /**< offset of the payload */
	uint16_t vlan; /**< id in the outermost tag, 0 without one */
	uint8_t tags;  /**< how many, at most two */
};

/** A MAC address that stands for all stations. */
extern const uint8_t saker_mac_broadcast[SAKER_MAC];

/**
 * Read an Ethernet header with up to two VLAN tags.
 * @param len octets there are
 * @return false: it is cut short, or has more tags
 */
bool saker_ether_read(const uint8_t *frame, uint32_t len, struct saker_ether *e);

/**
 * Write an Ethernet header.
 * @param frame room for SAKER_ETHER_HEADER + SAKER_VLAN_TAG octets
 * @param vlan id for a tag; 0: no tag
 * @return octets written
 */
uint16_t saker_ether_write(uint8_t *frame, const uint8_t dst[SAKER_MAC],
	const uint8_t src[SAKER_MAC], uint16_t vlan, uint16_t type);

/** True for addresses of groups, broadcast included. */
static inline bool
saker_mac_is_group(const uint8_t mac[SAKER_MAC])
{
	return (mac[0] & 1) != 0;
}

/** True for an address that one station may have: no group, not zero. */
bool saker_mac_is_station(const uint8_t mac[SAKER_MAC]);

/** True for a multicast address, and for 255.255.255.255. */
bool saker_ip_is_group(const struct saker_ip *ip);

/** MAC address of an IP address that saker_ip_is_group() (RFC 1112 section 6.4, RFC 2464). */
void saker_mac_of_group(const struct saker_ip *ip, uint8_t mac[SAKER_MAC]);

/** True for link-local IPv6 addresses (RFC 4291, section 2.5.6). */
bool saker_ip6_is_link_local(const struct saker_ip *ip);

/** The link-local address that a MAC address makes (RFC 4291, appendix A). */
void saker_ip6_link_local(const uint8_t mac[SAKER_MAC], struct saker_ip *ip);

#endif
