/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_IP_H
#define SAKER_IP_H

/**
 * @file
 * IP as saker needs it: addresses and prefixes as text, one parse of a packet's
 * IPv4 or IPv6 headers, checksums, and the ECN rules of tunnels (RFC 6040).
 * Pure: no EAL, no allocation.
 *
 * Threads: every function touches only its arguments.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "saker_bytes.h"
#include "saker_drop.h"

#define SAKER_IP4_HEADER 20     /**< IPv4 header without options, octets */
#define SAKER_IP4_DF     0x4000 /**< don't-fragment bit, in the word of flags and offset */
#define SAKER_IP6_HEADER 40     /**< IPv6 header, octets */
#define SAKER_UDP_HEADER 8      /**< UDP header, octets */
#define SAKER_IP_TEXT    50     /**< room for an address or prefix as text */

#define SAKER_PROTO_TCP     6
#define SAKER_PROTO_UDP     17
#define SAKER_PROTO_IPV6    41
#define SAKER_PROTO_IPIP    4
#define SAKER_PROTO_NO_NEXT 59

/** An address of either family. */
struct saker_ip {
	uint8_t family;     /**< 4, 6, or 0 for "not set" */
	uint8_t octets[16]; /**< network order; IPv4 uses the first four, the rest is zero */
};

/** An address range by prefix. */
struct saker_prefix {
	struct saker_ip ip; /**< host bits are zero */
	uint8_t len;        /**< 0..32 or 0..128 */
};

/** Bits of an address that count, by family; as the octets lie in memory. */
struct saker_ip_mask {
	uint32_t v4;
	uint64_t v6[2];
};

/** What one look at a packet's IP headers tells. Offsets count from the IP header. */
struct saker_ip_view {
	uint8_t family;    /**< 4 or 6 */
	uint8_t tos;       /**< DSCP and ECN octet */
	uint8_t proto;     /**< protocol of the payload, extension headers skipped */
	bool fragment;     /**< one fragment of several (an IPv6 atomic fragment is not) */
	bool has_l4;       /**< false for a fragment that is not the first */
	uint16_t proto_at; /**< offset of the octet that names @ref proto */
	uint16_t l4_at;    /**< offset of the payload: after IPv4 options, IPv6 extensions */
	uint16_t total;    /**< length by the IP header, headers included */
};

/**
 * Read an IPv4 header, or an IPv6 header with its hop-by-hop, routing,
 * destination and fragment extensions (RFC 791, RFC 8200).
 *
 * Does not verify the IPv4 checksum: see saker_ip4_checksum_ok().
 * @param p first octet of the IP header
 * @param len octets there are; more than the IP length is allowed (Ethernet padding)
 * @return SAKER_OK, or SAKER_DROP_NOT_IP, _RUNT, _IP_HEADER or _IP_LENGTH
 */
enum saker_drop saker_ip_read(const uint8_t *p, uint32_t len, struct saker_ip_view *v);

/**
 * True if the checksum of a 20-octet IPv4 header is right. One's complement sums may be taken in
 * words of any size and order (RFC 1071): all is well if the sum is a multiple of 0xffff. It is one
 * if the product with the inverse of -0xffff modulo 2^64 is small, as the quotient would be.
 */
static inline bool
saker_ip4_sum_ok(const uint8_t *p)
{
	const uint64_t inverse = UINT64_C(0x0001000100010001);
	uint64_t a, b, sum;
	uint32_t c;

	memcpy(&a, p, sizeof(a));
	memcpy(&b, p + 8, sizeof(b));
	memcpy(&c, p + 16, sizeof(c));
	sum = a + b;
	sum += sum < b;
	sum += c;
	sum += sum < c;
	return -sum * inverse <= inverse;
}

/**
 * Length of an IPv4 packet without options that is no fragment, as nearly all are. What is behind
 * the packet is not known here: compare.
 * @param p SAKER_IP4_HEADER readable octets
 * @return 0: it is not one, or anything is wrong with its header: ask saker_ip_read()
 */
static inline uint32_t
saker_ip4_plain_total(const uint8_t *p)
{
	uint64_t word;
	uint32_t total;

	memcpy(&word, p, sizeof(word));
	total = __builtin_bswap16((uint16_t)(word >> 16));
	/* Version, header length; more fragments, offset. */
	return (word & UINT64_C(0xff3f0000000000ff)) == 0x45 && total >= SAKER_IP4_HEADER ? total
											  : 0;
}

/** What saker_ip_read() says of such a packet, in two stores. */
static inline void
saker_ip4_view_plain(struct saker_ip_view *v, const uint8_t *p, uint32_t total)
{
	uint64_t low = 4 | (uint64_t)p[1] << 8 | (uint64_t)p[9] << 16 | UINT64_C(1) << 32 |
		       UINT64_C(9) << 48;
	uint32_t high = SAKER_IP4_HEADER | total << 16;

	_Static_assert(offsetof(struct saker_ip_view, tos) == 1 &&
			       offsetof(struct saker_ip_view, proto) == 2 &&
			       offsetof(struct saker_ip_view, has_l4) == 4 &&
			       offsetof(struct saker_ip_view, proto_at) == 6 &&
			       offsetof(struct saker_ip_view, l4_at) == 8 &&
			       offsetof(struct saker_ip_view, total) == 10,
		"a view is laid out as these words are");
	memcpy(v, &low, sizeof(low));
	memcpy((uint8_t *)v + sizeof(low), &high, sizeof(high));
}

/** Source address of a packet that saker_ip_read() accepted. */
struct saker_ip saker_ip_src(const uint8_t *p);

/** Destination address of a packet that saker_ip_read() accepted. */
struct saker_ip saker_ip_dst(const uint8_t *p);

/** True if the families and addresses are equal. */
bool saker_ip_equal(const struct saker_ip *a, const struct saker_ip *b);

/** True if @p ip lies in @p prefix; a prefix of family 0 holds every address. */
bool saker_prefix_holds(const struct saker_prefix *prefix, const struct saker_ip *ip);

/**
 * The bits of prefixes.
 * @param len4 length for IPv4, at most 32
 * @param len6 length for IPv6, at most 128
 */
struct saker_ip_mask saker_ip_mask_of(unsigned int len4, unsigned int len6);

/** Read an address from text. @return 0 or -EINVAL. */
int saker_ip_from_text(const char *text, struct saker_ip *ip);

/**
 * Read "address/length" from text; a bare address is a full-length prefix.
 * @return 0; -EINVAL for other text; -ERANGE if host bits are set beyond the length.
 */
int saker_prefix_from_text(const char *text, struct saker_prefix *prefix);

/**
 * Read an address with the length of its prefix from text; host bits are kept, a bare address has
 * the full length.
 * @return 0 or -EINVAL
 */
int saker_ifaddr_from_text(const char *text, struct saker_prefix *prefix);

/**
 * Write an address as text; "none" for family 0.
 * @param out SAKER_IP_TEXT characters
 * @return @p out
 */
char *saker_ip_to_text(const struct saker_ip *ip, char *out);

/** Write a prefix as text; "any" for family 0. @return @p out. */
char *saker_prefix_to_text(const struct saker_prefix *prefix, char *out);

/**
 * Internet checksum (RFC 1071) over @p n octets, any alignment, starting from
 * the folded sum @p start (0 for none).
 * @return the one's complement sum, folded, *not* inverted, in host order.
 */
uint16_t saker_ip_sum(const void *data, size_t n, uint16_t start);

/** True if the IPv4 header checksum over @p header_len octets, a multiple of 4, is right. */
static inline bool
saker_ip4_checksum_ok(const uint8_t *p, uint16_t header_len)
{
	uint64_t sum = 0;

	/* One's complement sums may be taken in words of any size and order (RFC 1071). */
	for (uint16_t at = 0; at < header_len; at += 4) {
		uint32_t word;

		memcpy(&word, p + at, sizeof(word));
		sum += word;
	}
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16) == 0xffff;
}

/** Compute and store the checksum of an IPv4 header of @p header_len octets. */
void saker_ip4_set_checksum(uint8_t *p, uint16_t header_len);

/**
 * True if a UDP datagram's checksum is zero or right (RFC 768, RFC 6935).
 * @param p first octet of an IP packet that saker_ip_read() accepted
 */
bool saker_udp_checksum_ok(const uint8_t *p, const struct saker_ip_view *v);

/**
 * Give a UDP datagram that fills an IP packet its length and checksum (RFC 768, RFC 8200).
 * @param p first octet of the IP packet
 * @param v of the packet as it is now
 */
void saker_udp_set_length(uint8_t *p, const struct saker_ip_view *v);

/**
 * ECN field of the inner packet after decapsulation (RFC 6040, figure 4).
 * @param inner,outer the two ECN bits of either header
 * @return the new inner ECN field, or -1: drop
 */
int saker_ecn_decap(uint8_t inner, uint8_t outer);

/** Change the ECN bits of an IPv4 or IPv6 header; an IPv4 checksum stays right (RFC 1624). */
void saker_ip_set_ecn(uint8_t *p, uint8_t ecn);

/**
 * Change the protocol octet and the length of a packet in place; an IPv4 header checksum
 * is computed anew.
 * @param at offset of the octet that names the payload's protocol
 * @param total new length, IP header included
 */
void saker_ip_set_payload(uint8_t *p, uint16_t at, uint8_t proto, uint16_t total);

#endif
