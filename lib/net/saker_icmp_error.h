/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_ICMP_ERROR_H
#define SAKER_ICMP_ERROR_H

/**
 * @file
 * Tell the sender of a packet why it was not forwarded: the packet itself is turned into the ICMP
 * (RFC 792, RFC 1191, RFC 1812 section 4.3) or ICMPv6 error (RFC 4443).
 *
 * Threads: every function touches only its arguments; a bucket belongs to one lcore.
 */

#include <rte_mbuf.h>

#include "saker_ip.h"

#define SAKER_PROTO_ICMP  1
#define SAKER_PROTO_ICMP6 58

#define SAKER_ICMP4_ERROR_MAX 576  /**< longest error, IP header included (RFC 1812 4.3.2.3) */
#define SAKER_ICMP6_ERROR_MAX 1280 /**< the same for IPv6 (RFC 4443 section 2.4 (c)) */

/** Errors that a forwarder sends. */
enum saker_icmp_kind {
	SAKER_ICMP_TOO_BIG,       /**< fragmentation needed and DF set; packet too big */
	SAKER_ICMP_TIME_EXCEEDED, /**< TTL or hop limit exceeded in transit */
};

/**
 * True if an error may answer this packet (RFC 1812 section 4.3.2.7, RFC 4443 section 2.4 (e)): it
 * is no ICMP error or redirect itself, no later fragment, and neither address is one that stands
 * for no single host. Unknown ICMP types count as errors.
 * @param ip first octet of a packet that saker_ip_read() accepted
 */
bool saker_icmp_may_answer(const uint8_t *ip, const struct saker_ip_view *v);

/**
 * Turn a packet into the error that answers it. Quotes as much of it as the limits above allow.
 * @param m one segment that begins with the IP header and ends with the packet
 * @param mtu SAKER_ICMP_TOO_BIG: longest packet that would have passed, octets
 * @param from the sender of the error, of the packet's family
 * @return true: @p m is the error, its checksums are right. false: none may be sent, or the buffer
 *         has no room for its headers; @p m is unchanged and still to be dropped
 */
bool saker_icmp_error(struct rte_mbuf *m, const struct saker_ip_view *v, enum saker_icmp_kind kind,
	uint16_t mtu, const struct saker_ip *from);

/** A token bucket that bounds the rate of errors (RFC 1812 4.3.2.8, RFC 4443 2.4 (f)). */
struct saker_icmp_bucket {
	uint64_t last_ms; /**< when it was filled up last */
	uint32_t tokens;
};

#define SAKER_ICMP_PER_SECOND 1000 /**< errors of one bucket; a multiple of 1000 */
#define SAKER_ICMP_BURST      200  /**< errors at once after a pause */

/**
 * Take the right to send one error.
 * @param now_ms unix time; a clock that was set back fills nothing until it has caught up
 * @return false: not now
 */
bool saker_icmp_allowed(struct saker_icmp_bucket *bucket, uint64_t now_ms);

#endif
