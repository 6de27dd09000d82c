/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_ND_H
#define SAKER_ND_H

/**
 * @file
 * Neighbour solicitations and advertisements of IPv6 (RFC 4861, sections 4.3, 4.4, 7.1, 7.2): read
 * with all checks that a receiver owes, write, answer. Pure: no EAL, no allocation.
 *
 * Threads: every function touches only its arguments.
 */

#include "saker_ether.h"

#define SAKER_PROTO_ICMP6 58
#define SAKER_ND_MAX      72 /**< octets of the longest packet that saker writes, IPv6 included */

enum saker_nd_type { SAKER_ND_SOLICIT = 135, SAKER_ND_ADVERT = 136 };

/** Flags of an advertisement. */
enum { SAKER_ND_ROUTER = 0x80, SAKER_ND_SOLICITED = 0x40, SAKER_ND_OVERRIDE = 0x20 };

/** A solicitation or advertisement. */
struct saker_nd {
	uint8_t type;  /**< enum saker_nd_type */
	uint8_t flags; /**< of an advertisement */
	struct saker_ip src, dst, target;
	bool has_mac; /**< it has a source (solicitation) or target (advertisement) MAC option */
	uint8_t mac[SAKER_MAC];
};

/** True if an IPv6 packet is one of the two by its next header and type; it may be malformed. */
bool saker_nd_is(const uint8_t *ip, uint32_t len);

/**
 * Read a packet for which saker_nd_is() holds (RFC 4861, sections 7.1.1 and 7.1.2: hop limit 255,
 * checksum, code, length, options, addresses).
 * @param len octets there are; the IPv6 length may be less (Ethernet padding)
 * @return false: it is to be ignored
 */
bool saker_nd_read(const uint8_t *ip, uint32_t len, struct saker_nd *nd);

/**
 * Write a packet, IPv6 header included.
 * @param ip room for SAKER_ND_MAX octets
 * @return octets written
 */
uint16_t saker_nd_write(const struct saker_nd *nd, uint8_t *ip);

/** The advertisement of the router @p mac, which has the address that @p ask looks for. */
void saker_nd_answer(
	const struct saker_nd *ask, const uint8_t mac[SAKER_MAC], struct saker_nd *answer);

/** The solicited-node multicast address of an address (RFC 4291, section 2.7.1). */
void saker_nd_solicited_node(const struct saker_ip *ip, struct saker_ip *group);

/** Checksum of an ICMPv6 message with its pseudo header: 0xffff if the one in place is right. */
uint16_t saker_icmp6_sum(const uint8_t *ip, const uint8_t *icmp, uint16_t len);

#endif
