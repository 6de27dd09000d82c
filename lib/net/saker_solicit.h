/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_SOLICIT_H
#define SAKER_SOLICIT_H

/**
 * @file
 * Frames that a port sends about neighbours of its own accord: questions for their Ethernet
 * addresses, announcements of its own. Pure: no EAL, no allocation.
 *
 * Threads: every function touches only its arguments.
 */

#include "saker_link.h"

#define SAKER_SOLICIT_MAX 96 /**< octets of the longest frame */

/**
 * Ask for the Ethernet address of @p ip: an ARP request or a neighbour solicitation (RFC 826;
 * RFC 4861, section 7.2.2). A port without an IPv4 address asks as probes do (RFC 5227).
 * @param mac of the neighbour as known so far, to ask it alone; NULL: ask everyone
 * @param frame room for SAKER_SOLICIT_MAX octets
 * @return octets to send
 */
uint16_t saker_solicit(
	const struct saker_link *l, const struct saker_ip *ip, const uint8_t *mac, uint8_t *frame);

/**
 * Tell everyone about an own address: ARP announcement or unsolicited advertisement (RFC 5227,
 * section 3; RFC 4861, section 7.2.6). Parameters and result as for saker_solicit().
 */
uint16_t saker_announce(const struct saker_link *l, const struct saker_ip *own, uint8_t *frame);

#endif
