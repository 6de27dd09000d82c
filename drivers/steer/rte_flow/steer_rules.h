/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_STEER_RULES_H
#define SAKER_STEER_RULES_H

/**
 * @file
 * Flow rules that put a protected packet on its owner's queue: outer IP, UDP or protocol number,
 * then a raw item on the Session ID and the last octet of the source id.
 *
 * Threads: none of its own. A rule points into itself and must not be moved.
 */

#include <rte_flow.h>

#include "saker_steer.h"

#define SAKER_STEER_RAW 20 /**< octets from the base header that a rule may look at */

/** A rule with everything that it points at. */
struct saker_steer_rule {
	struct rte_flow_attr attr;
	struct rte_flow_item item[5];
	struct rte_flow_action action[2];
	struct rte_flow_action_queue queue;
	struct rte_flow_item_ipv4 ip4, ip4_mask;
	struct rte_flow_item_ipv6 ip6, ip6_mask;
	struct rte_flow_item_udp udp, udp_mask;
	struct rte_flow_item_raw raw, raw_mask;
	uint8_t octets[SAKER_STEER_RAW], octets_mask[SAKER_STEER_RAW];
};

/** Rules of one kind of packet. */
static inline unsigned int
saker_steer_rules_per_match(const struct saker_steer_plan *plan)
{
	return (plan->mask + 1u) * (plan->mask + 1u);
}

/**
 * Build rule @p n of a kind of packet.
 * @param n below saker_steer_rules_per_match(): one for each pair of residues
 */
void saker_steer_rule_build(struct saker_steer_rule *r, const struct saker_steer_plan *plan,
	const struct saker_steer_match *match, unsigned int n);

#endif
