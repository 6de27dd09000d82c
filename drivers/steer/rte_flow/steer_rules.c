/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "steer_rules.h"

#include <string.h>

#define EESP_BIT       0x80 /* of the first octet: not ESP, not IKE */
#define SESSION_LOW_AT 3
#define OPTION_AT      8 /* of the first option's type */
#define CONTEXT_OPTION 224

static void
add_item(struct saker_steer_rule *r, unsigned int *n, enum rte_flow_item_type type,
	const void *spec, const void *mask)
{
	r->item[(*n)++] = (struct rte_flow_item){ .type = type, .spec = spec, .mask = mask };
}

static void
add_ip(struct saker_steer_rule *r, unsigned int *n, const struct saker_steer_match *m)
{
	uint8_t protocol = m->udp ? IPPROTO_UDP : m->protocol;

	if (m->family == 4) {
		r->ip4.hdr.next_proto_id = protocol;
		r->ip4_mask.hdr.next_proto_id = 0xff;
		add_item(r, n, RTE_FLOW_ITEM_TYPE_IPV4, &r->ip4, &r->ip4_mask);
		return;
	}
	r->ip6.hdr.proto = protocol;
	r->ip6_mask.hdr.proto = 0xff;
	add_item(r, n, RTE_FLOW_ITEM_TYPE_IPV6, &r->ip6, &r->ip6_mask);
}

static void
add_udp(struct saker_steer_rule *r, unsigned int *n, const struct saker_steer_match *m)
{
	r->udp.hdr.dst_port = rte_cpu_to_be_16(m->udp_port);
	r->udp_mask.hdr.dst_port = RTE_BE16(0xffff);
	add_item(r, n, RTE_FLOW_ITEM_TYPE_UDP, &r->udp, &r->udp_mask);
}

static void
look_at(struct saker_steer_rule *r, uint8_t at, uint8_t value, uint8_t mask)
{
	r->octets[at] = value;
	r->octets_mask[at] = mask;
}

static void
add_raw(struct saker_steer_rule *r, unsigned int *n, uint8_t low_at)
{
	/* The whole pattern stands right behind the item before; only its octets are masked. */
	r->raw = (struct rte_flow_item_raw){
		.relative = 1, .length = low_at + 1, .pattern = r->octets
	};
	r->raw_mask = (struct rte_flow_item_raw){ .relative = 1,
		.search = 1,
		.reserved = 0x3fffffff,
		.offset = -1,
		.limit = 0xffff,
		.length = 0xffff,
		.pattern = r->octets_mask };
	add_item(r, n, RTE_FLOW_ITEM_TYPE_RAW, &r->raw, &r->raw_mask);
}

void
saker_steer_rule_build(struct saker_steer_rule *r, const struct saker_steer_plan *plan,
	const struct saker_steer_match *match, unsigned int n)
{
	const struct saker_steer how = { .n_workers = plan->n_workers, .mask = plan->mask };
	uint8_t session = (uint8_t)(n / (plan->mask + 1u)), low = (uint8_t)(n % (plan->mask + 1u));
	unsigned int items = 0;

	memset(r, 0, sizeof(*r));
	r->attr.ingress = 1;
	look_at(r, 0, EESP_BIT, EESP_BIT);
	look_at(r, SESSION_LOW_AT, session, (uint8_t)plan->mask);
	look_at(r, OPTION_AT, CONTEXT_OPTION, 0xff);
	look_at(r, match->low_at, low, (uint8_t)plan->mask);
	add_item(r, &items, RTE_FLOW_ITEM_TYPE_ETH, NULL, NULL);
	add_ip(r, &items, match);
	if (match->udp)
		add_udp(r, &items, match);
	add_raw(r, &items, match->low_at);
	/* What is left is zero, which is RTE_FLOW_ITEM_TYPE_END. */
	r->queue.index = (uint16_t)saker_steer_by_mask(&how, session, low);
	r->action[0] = (struct rte_flow_action){ .type = RTE_FLOW_ACTION_TYPE_QUEUE,
		.conf = &r->queue };
	r->action[1].type = RTE_FLOW_ACTION_TYPE_END;
}
