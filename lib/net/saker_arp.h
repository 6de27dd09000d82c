/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_ARP_H
#define SAKER_ARP_H

/**
 * @file
 * ARP for IPv4 over Ethernet (RFC 826, RFC 5227): read, write, answer. Pure: no EAL, no allocation.
 *
 * Threads: every function touches only its arguments.
 */

#include "saker_ether.h"

#define SAKER_ARP_LEN 28 /**< octets of an ARP packet */

enum saker_arp_op { SAKER_ARP_REQUEST = 1, SAKER_ARP_REPLY = 2 };

/** An ARP packet. */
struct saker_arp {
	uint16_t op; /**< enum saker_arp_op */
	uint8_t sender_mac[SAKER_MAC], target_mac[SAKER_MAC];
	struct saker_ip sender, target; /**< family 4; the sender of a probe is 0.0.0.0 */
};

/**
 * Read an ARP packet.
 * @param len octets there are; more than SAKER_ARP_LEN is allowed (Ethernet padding)
 * @return false: cut short, other hardware or protocol, unknown operation, a sender whose
 *         addresses no station can have
 */
bool saker_arp_read(const uint8_t *p, uint32_t len, struct saker_arp *a);

/** Write an ARP packet of SAKER_ARP_LEN octets. */
void saker_arp_write(const struct saker_arp *a, uint8_t *p);

/** The reply of the station @p mac, which has the address that @p ask looks for. */
void saker_arp_answer(
	const struct saker_arp *ask, const uint8_t mac[SAKER_MAC], struct saker_arp *reply);

#endif
