/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_MSS_H
#define SAKER_MSS_H

/**
 * @file
 * TCP MSS clamping: the Maximum Segment Size option of a SYN (RFC 9293 section 3.7.1) is lowered
 * to what fits the tunnel, so that connections work where path MTU discovery does not.
 *
 * Threads: every function touches only its arguments.
 */

#include "saker_ip.h"

#define SAKER_TCP_HEADER 20   /**< TCP header without options, octets */
#define SAKER_TCP_SYN    0x02 /**< flag in octet 13 */

/** MSS of TCP without options in packets of @p mtu octets, 0 if none fits (RFC 6691). */
static inline uint16_t
saker_mss_of(uint8_t family, uint16_t mtu)
{
	uint16_t headers = (family == 4 ? SAKER_IP4_HEADER : SAKER_IP6_HEADER) + SAKER_TCP_HEADER;

	return mtu > headers ? mtu - headers : 0;
}

/** True for a whole TCP header with SYN set. */
static inline bool
saker_mss_is_syn(const uint8_t *ip, const struct saker_ip_view *v)
{
	return v->proto == SAKER_PROTO_TCP && v->has_l4 &&
	       v->total >= v->l4_at + SAKER_TCP_HEADER && (ip[v->l4_at + 13] & SAKER_TCP_SYN) != 0;
}

/**
 * Lower the MSS options of a SYN that are greater than @p mss; the TCP checksum stays as right or
 * wrong as it was (RFC 1624). A malformed list of options is left alone from its fault on.
 * @param ip first octet of a packet for which saker_mss_is_syn() is true
 * @param mss octets
 * @return true if the packet was changed
 */
bool saker_mss_clamp(uint8_t *ip, const struct saker_ip_view *v, uint16_t mss);

#endif
