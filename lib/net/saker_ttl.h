/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_TTL_H
#define SAKER_TTL_H

/**
 * @file
 * A forwarded packet loses one TTL or hop (RFC 1812 section 5.3.1, RFC 8200 section 3). A gateway
 * takes it once, whether it encapsulates, decapsulates or lets pass (RFC 2003 section 3.1,
 * RFC 4301 section 5.1.2).
 *
 * Threads: every function touches only its arguments.
 */

#include "saker_bytes.h"
#include "saker_drop.h"

/** Add two words in one's complement. */
static inline uint16_t
saker_sum_add(uint16_t a, uint16_t b)
{
	uint32_t sum = (uint32_t)a + b;

	return (uint16_t)(sum + (sum >> 16));
}

/**
 * Checksum after a word under it has changed (RFC 1624, equation 3).
 * @param checksum as it stands in the header, host order
 */
static inline uint16_t
saker_checksum_update(uint16_t checksum, uint16_t old, uint16_t new)
{
	return (uint16_t)~saker_sum_add(saker_sum_add((uint16_t)~checksum, (uint16_t)~old), new);
}

/** saker_ttl_decrement() for IPv4 alone. */
static inline enum saker_drop
saker_ttl_decrement4(uint8_t *ip)
{
	uint16_t checksum;
	uint32_t sum;

	if (__builtin_expect(ip[8] <= 1, 0))
		return SAKER_DROP_TTL;
	/* -0x0100 under the sum is +0x0100 in the checksum, as in memory 1; all ones are avoided.
	 */
	memcpy(&checksum, ip + 10, sizeof(checksum));
	sum = checksum + 1u;
	checksum = (uint16_t)(sum + (sum >= 0xffff));
	memcpy(ip + 10, &checksum, sizeof(checksum));
	ip[8] -= 1;
	return SAKER_OK;
}

/**
 * Take one off the TTL or hop limit; an IPv4 header checksum stays right (RFC 1624).
 * @param ip first octet of a packet that saker_ip_read() accepted
 * @return SAKER_OK, or SAKER_DROP_TTL: it may not be forwarded, and is unchanged
 */
static inline enum saker_drop
saker_ttl_decrement(uint8_t *ip)
{
	if (__builtin_expect(ip[0] >> 4 == 4, 1))
		return saker_ttl_decrement4(ip);
	if (__builtin_expect(ip[7] <= 1, 0))
		return SAKER_DROP_TTL;
	ip[7] -= 1;
	return SAKER_OK;
}

#endif
