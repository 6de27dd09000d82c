/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_ECHO_H
#define SAKER_ECHO_H

/**
 * @file
 * Answers to ping: ICMP (RFC 792, RFC 1122 section 3.2.2.6) and ICMPv6 (RFC 4443, section 4). Pure:
 * no EAL, no allocation.
 *
 * Threads: every function touches only its arguments.
 */

#include "saker_ip.h"

#define SAKER_PROTO_ICMP 1

/**
 * Make an echo reply of an echo request, in place; its length stays the same. The caller has found
 * that the destination is its own.
 * @param ip a packet that saker_ip_read() accepted, whole
 * @return false: it is no request, a fragment, damaged, has IPv4 options, or its source is not one
 *         station. The packet is unchanged then
 */
bool saker_echo_answer(uint8_t *ip, const struct saker_ip_view *v);

#endif
