/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_LOOKUP_H
#define SAKER_LOOKUP_H

/**
 * @file
 * What both directions do with Ethernet frames and policies.
 *
 * Threads: every function touches only its arguments.
 */

#include "saker_burst.h"

/**
 * Strip the Ethernet header with up to two VLAN tags, read and check the IP header, cut the
 * Ethernet padding. Afterwards the buffer begins with the IP header.
 * @param has_l2 false: the frame's Ethernet header is gone already
 * @return SAKER_OK or the reason
 */
enum saker_drop saker_frame_read(
	struct rte_mbuf *m, bool has_l2, uint8_t **ip, struct saker_ip_view *view);

/**
 * Find the policies of packets.
 * @param reverse exchange source and destination: what may come back
 * @param policy receives n entries, NULL: none matches
 * @param n at most SAKER_BURST
 */
void saker_policies_of(const struct saker_snapshot *s, uint8_t *const *ip,
	const struct saker_ip_view *view, uint16_t n, bool reverse,
	const struct saker_policy **policy);

/** Hash of a packet's flow, keyed: addresses, protocol, ports. */
uint32_t saker_flow_hash(const uint8_t *ip, const struct saker_ip_view *view, uint32_t secret);

/** The same over the source address alone. */
uint32_t saker_source_hash(const uint8_t *ip, const struct saker_ip_view *view, uint32_t secret);

#endif
