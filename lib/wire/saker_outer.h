/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_OUTER_H
#define SAKER_OUTER_H

/**
 * @file
 * The outer IP header, and the UDP header where there is one, as a template that is filled
 * once per policy and finished per packet: TTL 64, DSCP and ECN copied (RFC 6040 normal
 * mode), don't-fragment by policy, UDP checksum zero (RFC 6935, RFC 6936).
 *
 * Threads: a template is read-only after saker_outer_init().
 */

#include "saker_ip.h"

#define SAKER_OUTER_MAX (SAKER_IP6_HEADER + SAKER_UDP_HEADER)

/** How the outer IPv4 header's don't-fragment bit is chosen (RFC 4301, section 8.1). */
enum saker_df { SAKER_DF_SET, SAKER_DF_COPY, SAKER_DF_CLEAR };

/** Outer headers of one policy. */
struct saker_outer {
	uint8_t octets[SAKER_OUTER_MAX]; /**< headers with the variable fields zero */
	uint8_t len;                     /**< octets in use: 20 to 48 */
	uint8_t family;                  /**< 4 or 6 */
	bool udp;                        /**< a UDP header follows the IP header */
	bool entropy;                    /**< an entropy header does (format tss) */
	uint8_t df;                      /**< enum saker_df */
	uint16_t sum;                    /**< sum over the constant part of an IPv4 header */
};

/**
 * Fill a template.
 * @param proto IP protocol number; ignored if @p udp_port is not 0
 * @param udp_port UDP destination port, host order, or 0: no UDP header
 */
void saker_outer_init(struct saker_outer *o, const struct saker_ip *src, const struct saker_ip *dst,
	uint8_t proto, uint16_t udp_port, enum saker_df df);

/** Let an entropy header of @p len octets follow the IP header: entropy(2), zeros. */
void saker_outer_add_entropy(struct saker_outer *o, uint8_t len);

/**
 * Write the outer headers of one packet.
 * @param at where they begin; @ref saker_outer.len octets are written
 * @param payload_len octets behind them
 * @param tos DSCP and ECN octet of the inner packet
 * @param df true if the inner packet may not be fragmented (IPv6: true)
 * @param id IPv4 identification where don't-fragment is clear; else 0 is sent (RFC 6864)
 * @param udp_src UDP source port or entropy, host order; ignored where there is neither
 */
void saker_outer_write(const struct saker_outer *o, uint8_t *at, uint16_t payload_len, uint8_t tos,
	bool df, uint16_t id, uint16_t udp_src);

#endif
