/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_FLOW_H
#define SAKER_FLOW_H

/**
 * @file
 * The flow of a packet: ports, and keyed hashes of it. Arguments are a packet that saker_ip_read()
 * accepted, and its view.
 *
 * Threads: every function touches only its arguments.
 */

#include <rte_branch_prediction.h>

#include "saker_ip.h"

#define SAKER_PORT_BIT(proto) (UINT64_C(1) << ((proto) % 64))

/** TCP, UDP, DCCP, SCTP and UDP-Lite begin with two ports. */
static inline bool
saker_proto_has_ports(uint8_t proto)
{
	static const uint64_t with_ports[4] = {
		[0] = SAKER_PORT_BIT(6) | SAKER_PORT_BIT(17) | SAKER_PORT_BIT(33),
		[2] = SAKER_PORT_BIT(132) | SAKER_PORT_BIT(136),
	};

	return proto == SAKER_PROTO_UDP || proto == SAKER_PROTO_TCP ||
	       (with_ports[proto / 64] >> proto % 64 & 1) != 0;
}

/** Protocol and ports, source port in the low half; 0 where there are none. */
static inline uint64_t
saker_load_ports(const uint8_t *ip, const struct saker_ip_view *v)
{
	uint32_t ports = 0;

	if (likely(saker_proto_has_ports(v->proto) && v->has_l4 && v->total >= v->l4_at + 4))
		memcpy(&ports, ip + v->l4_at, sizeof(ports));
	return (uint64_t)v->proto << 32 | ports;
}

/** Eight octets, as they lie in memory. */
static inline uint64_t
saker_load_word(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/** Exchange the ports of saker_load_ports(). */
static inline uint64_t
saker_swap_ports(uint64_t ports)
{
	return (ports & ~UINT64_C(0xffffffff)) | (ports & 0xffff) << 16 | (ports >> 16 & 0xffff);
}

/** Two halves of a product: each of its bits hangs on all bits of both. */
static inline uint64_t
saker_mix(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/** saker_load_ports() of TCP or UDP behind an IPv4 header without options. */
static inline uint64_t
saker_load_ports4(const uint8_t *ip)
{
	uint32_t ports;

	memcpy(&ports, ip + SAKER_IP4_HEADER, sizeof(ports));
	return (uint64_t)ip[9] << 32 | ports;
}

/** saker_flow_hash() of an IPv4 packet. @param addresses both, as they lie in memory */
static inline uint32_t
saker_flow_hash4(uint64_t addresses, uint64_t ports, const uint64_t secret[2])
{
	return (uint32_t)saker_mix(addresses ^ secret[0], ports ^ secret[1]);
}

/** Hash of a packet's flow, keyed: addresses, protocol, ports. */
static inline uint32_t
saker_flow_hash(const uint8_t *ip, const struct saker_ip_view *v, const uint64_t secret[2])
{
	uint64_t ports = saker_load_ports(ip, v);

	if (likely(v->family == 4))
		return saker_flow_hash4(saker_load_word(ip + 12), ports, secret);
	ports ^= secret[1];
	return (uint32_t)saker_mix(
		saker_mix(saker_load_word(ip + 8) ^ secret[0], saker_load_word(ip + 16) ^ ports),
		saker_mix(saker_load_word(ip + 24) ^ secret[1],
			saker_load_word(ip + 32) ^ secret[0]));
}

/** The same over the source address alone: the bits of it that count. */
static inline uint32_t
saker_source_hash(const uint8_t *ip, const struct saker_ip_view *v,
	const struct saker_ip_mask *mask, const uint64_t secret[2])
{
	uint32_t v4;

	if (v->family == 4) {
		memcpy(&v4, ip + 12, sizeof(v4));
		return (uint32_t)saker_mix((v4 & mask->v4) ^ secret[0], secret[1]);
	}
	return (uint32_t)saker_mix((saker_load_word(ip + 8) & mask->v6[0]) ^ secret[0],
		(saker_load_word(ip + 16) & mask->v6[1]) ^ secret[1]);
}

#endif
