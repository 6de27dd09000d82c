/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_LOOKUP_H
#define SAKER_LOOKUP_H

/**
 * @file
 * What both directions do with Ethernet frames and policies.
 *
 * Threads: the worker of the burst.
 */

#include "saker_worker.h"

/**
 * Sort out frames that are for saker itself or not for it at all, see saker_link_takes().
 * Strip Ethernet headers with up to two VLAN tags, read and check IP headers, cut the Ethernet
 * padding. Afterwards each buffer begins with its IP header; `ip` and `view` are set. Packets that
 * were handed over have lost their Ethernet header before. What came in several segments is in one.
 */
void saker_frames_read(struct saker_worker *w, enum saker_direction d);

/** True if an IPv4 address is one that tunnels end at; always if none is configured. */
static inline bool
saker_is_local4(const struct saker_snapshot *s, const uint8_t *dst)
{
	for (unsigned int i = 0; i < s->n_local; i++)
		if (s->local[i].family == 4 && memcmp(s->local[i].octets, dst, 4) == 0)
			return true;
	return s->n_local == 0;
}

/** The same for IPv6. */
static inline bool
saker_is_local6(const struct saker_snapshot *s, const uint8_t *dst)
{
	for (unsigned int i = 0; i < s->n_local; i++)
		if (s->local[i].family == 6 && memcmp(s->local[i].octets, dst, 16) == 0)
			return true;
	return s->n_local == 0;
}

/** The same for the destination of a packet. @param ip its IP header */
static inline bool
saker_is_local(const struct saker_snapshot *s, const uint8_t *ip)
{
	return ip[0] >> 4 == 4 ? saker_is_local4(s, ip + 16) : saker_is_local6(s, ip + 24);
}

/**
 * Find the policies of packets by `ip` and `view`; NULL: none matches.
 * @param reverse exchange source and destination: what may come back
 */
void saker_policies_of(const struct saker_snapshot *s, struct saker_burst *b, bool reverse);

/** First rule of one packet in a classifier of its family, or SAKER_MATCH_NONE. */
uint16_t saker_rule_of(
	const struct saker_classifier *c, const uint8_t *ip, const struct saker_ip_view *v);

/** Count packets and octets of the inner packets for their policies. */
void saker_count_policies(
	struct saker_worker *w, const struct saker_burst *b, enum saker_direction d);

#endif
