/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_MTU_H
#define SAKER_MTU_H

/**
 * @file
 * The tunnel MTU: the longest packet that still fits a port once it is protected.
 *
 * Padding brings what is encrypted, a trailer included, to a multiple of the format's alignment,
 * and clear octets come in fours, so a packet of n octets leaves with
 * `front + align(n + trailer) + ICV` octets (stateless profile 2.1: alignment 4, no trailer).
 *
 * Threads: every function touches only its arguments.
 */

#include "saker_format.h"
#include "saker_ip.h"

#define SAKER_IP4_MIN_MTU 68   /**< every IPv4 link carries this (RFC 791) */
#define SAKER_IP6_MIN_MTU 1280 /**< every IPv6 link carries this (RFC 8200 section 5) */

/**
 * Length of a packet once it is protected.
 * @param f its format
 * @param len its length, IP header included, octets
 * @param front octets that protection puts in front of it, or in transport mode into it
 */
static inline uint32_t
saker_mtu_protected(const struct saker_format *f, uint16_t len, uint16_t front)
{
	uint32_t secret = (uint32_t)len + f->trailer + f->align - 1;

	return front + secret - secret % f->align + SAKER_ICV;
}

/**
 * Longest packet whose protected form fits.
 * @param f its format
 * @param port_mtu longest IP packet of the port, octets
 * @param front as in saker_mtu_protected()
 * @return octets; 0: none fits
 */
static inline uint16_t
saker_mtu_tunnel(const struct saker_format *f, uint16_t port_mtu, uint16_t front)
{
	uint16_t secret;

	if (port_mtu < front + SAKER_ICV + f->trailer)
		return 0;
	secret = (uint16_t)(port_mtu - front - SAKER_ICV);
	secret -= secret % f->align;
	return secret < f->trailer ? 0 : secret - f->trailer;
}

/**
 * The MTU that a packet's sender is told: what fits, but nothing below what its family promises
 * every link to carry (RFC 2473 section 7.1 for IPv6).
 * @param family 4 or 6
 */
static inline uint16_t
saker_mtu_told(uint8_t family, uint16_t tunnel_mtu)
{
	uint16_t least = family == 6 ? SAKER_IP6_MIN_MTU : SAKER_IP4_MIN_MTU;

	return tunnel_mtu < least ? least : tunnel_mtu;
}

#endif
