/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>

#include "saker_steer.h"
#include "steer_rules.h"

static struct saker_steer_plan plan;

static int
reset(void **state)
{
	(void)state;
	memset(&plan, 0, sizeof(plan));
	plan.n_workers = plan.n_queues = 4;
	plan.mask = saker_steer_mask(4);
	plan.n_matches = 1;
	plan.match[0] = (struct saker_steer_match){ .family = 4,
		.udp = true,
		.udp_port = 4500,
		.low_at = saker_steer_low_at(SAKER_V_SOURCE_ID) };
	return 0;
}

/** A packet from the base header on, as a sender would write it. */
static void
write_base(uint8_t *p, enum saker_variant variant, uint64_t source, uint16_t session)
{
	memset(p, 0x5a, 32);
	p[0] = 0x80;
	saker_store_be16(p + 2, session);
	saker_store_be32(p + 4, 0x1001);
	p[8] = 224;
	p[10] = (uint8_t)(variant << 4);
	if (variant == SAKER_V_SOURCE_ID)
		saker_store_be32(p + 12, (uint32_t)source);
	else
		saker_store_be64(p + 12, source);
}

/** The key of its replay window (stateless profile section 4). */
static struct saker_replay_key
key_of(enum saker_variant variant, uint64_t source, uint16_t session)
{
	struct saker_replay_key k = { .session = session };

	if (variant == SAKER_V_CONNECTION_ID)
		saker_store_be32(k.source, (uint32_t)(source >> 32));
	else
		saker_store_be64(k.source, source);
	return k;
}

static bool
matches(const struct saker_steer_rule *r, const uint8_t *p)
{
	for (unsigned int i = 0; i < r->raw.length; i++)
		if ((p[i] & r->octets_mask[i]) != r->octets[i])
			return false;
	return true;
}

/* The one queue that the rules choose for a packet; -1: none. */
static int
queue_of(const uint8_t *p)
{
	int queue = -1;

	for (unsigned int n = 0; n < saker_steer_rules_per_match(&plan); n++) {
		struct saker_steer_rule r;

		saker_steer_rule_build(&r, &plan, &plan.match[0], n);
		if (!matches(&r, p))
			continue;
		assert_int_equal(queue, -1);
		queue = r.queue.index;
	}
	return queue;
}

static void
rules_put_every_packet_on_its_owners_queue(void **state)
{
	static const enum saker_variant variants[] = { SAKER_V_SOURCE_ID, SAKER_V_SOURCE_ID_64,
		SAKER_V_CONNECTION_ID };
	uint8_t p[32];

	(void)state;
	for (unsigned int i = 0; i < 3000; i++) {
		enum saker_variant v = variants[i % 3];
		struct saker_steer how = { .n_workers = (uint16_t)(2 + i % 15) };
		uint64_t source = i * 0x9e3779b97f4a7c15u;
		uint16_t session = (uint16_t)(source >> 7);
		struct saker_replay_key key;

		source = v == SAKER_V_SOURCE_ID ? (uint32_t)source : source;
		key = key_of(v, source, session);
		how.mask = saker_steer_mask(how.n_workers);
		plan.n_workers = how.n_workers;
		plan.mask = how.mask;
		plan.match[0].low_at = saker_steer_low_at(v);
		write_base(p, v, source, session);
		assert_int_equal(queue_of(p), saker_steer_owner(&how, v, 0x1001, &key));
	}
}

static void
rules_leave_other_packets_alone(void **state)
{
	uint8_t p[32];

	(void)state;
	write_base(p, SAKER_V_SOURCE_ID, 0x0a000001, 3);
	assert_int_equal(queue_of(p), (3 + 1) % 4);
	p[0] = 0x00; /* ESP */
	assert_int_equal(queue_of(p), -1);
	p[0] = 0x80;
	p[8] = 225; /* another option stands first: it can't be told where the source id is */
	assert_int_equal(queue_of(p), -1);
}

static void
rules_name_the_listener(void **state)
{
	struct saker_steer_rule r;

	(void)state;
	saker_steer_rule_build(&r, &plan, &plan.match[0], 0);
	assert_int_equal(r.item[1].type, RTE_FLOW_ITEM_TYPE_IPV4);
	assert_int_equal(r.ip4.hdr.next_proto_id, 17);
	assert_int_equal(r.item[2].type, RTE_FLOW_ITEM_TYPE_UDP);
	assert_int_equal(r.udp.hdr.dst_port, rte_cpu_to_be_16(4500));
	assert_int_equal(r.item[3].type, RTE_FLOW_ITEM_TYPE_RAW);
	assert_int_equal(r.item[4].type, RTE_FLOW_ITEM_TYPE_END);
	plan.match[0] = (struct saker_steer_match){ .family = 6, .protocol = 49, .low_at = 15 };
	saker_steer_rule_build(&r, &plan, &plan.match[0], 0);
	assert_int_equal(r.item[1].type, RTE_FLOW_ITEM_TYPE_IPV6);
	assert_int_equal(r.ip6.hdr.proto, 49);
	assert_int_equal(r.item[2].type, RTE_FLOW_ITEM_TYPE_RAW);
	assert_int_equal(r.item[3].type, RTE_FLOW_ITEM_TYPE_END);
	assert_true(r.attr.ingress);
}

static void
every_worker_owns_something_in_either_way(void **state)
{
	(void)state;
	for (unsigned int n = 1; n <= 64; n++)
		for (unsigned int way = 0; way < 2; way++) {
			struct saker_steer how = { .n_workers = (uint16_t)n,
				.mask = way == 0 ? 0 : saker_steer_mask(n) };
			unsigned int owned[64] = { 0 };

			for (uint32_t i = 0; i < 64 * 64; i++) {
				struct saker_replay_key key = key_of(
					SAKER_V_SOURCE_ID, 0x0a000000 + i / 64, (uint16_t)(i % 64));
				unsigned int owner = saker_steer_owner(
					&how, SAKER_V_SOURCE_ID, 7, &key);

				assert_true(owner < n);
				owned[owner]++;
			}
			for (unsigned int i = 0; i < n; i++)
				assert_true(owned[i] >= 64 * 64 / n / 3);
		}
}

static void
refuses_what_rules_cannot_do_and_says_why(void **state)
{
	const struct saker_steer_ops *flow = saker_steer_drivers[0];
	char why[SAKER_STEER_WHY];
	void *rules = NULL;

	(void)state;
	assert_string_equal(flow->name, "rte_flow");
	plan.n_queues = 3;
	assert_true(flow->start(&plan, &rules, why) < 0);
	assert_string_equal(why, "3 receive queues are too few for 4 workers");
	reset(state);
	plan.n_workers = plan.n_queues = 17;
	plan.mask = saker_steer_mask(17);
	assert_true(flow->start(&plan, &rules, why) < 0);
	assert_string_equal(why, "rules serve 2 to 16 workers, there are 17");
	reset(state);
	plan.n_matches = 0;
	assert_true(flow->start(&plan, &rules, why) < 0);
	assert_string_equal(why, "a group has no source id on the wire");
	reset(state);
	assert_true(flow->start(&plan, &rules, why) < 0); /* net_null0 */
	assert_non_null(strstr(why, "the device refuses a rule on the session id: "));
	assert_null(rules);
}

static void
software_refuses_nothing(void **state)
{
	const struct saker_steer_ops *last = saker_steer_drivers[1];
	char why[SAKER_STEER_WHY];
	void *rules;

	(void)state;
	assert_string_equal(last->name, "software");
	assert_null(saker_steer_drivers[2]);
	memset(&plan, 0, sizeof(plan));
	assert_int_equal(last->start(&plan, &rules, why), 0);
	last->stop(0, rules);
}

int
main(void)
{
	static const char *eal[] = { "test", "--no-huge", "--no-pci", "-m", "64", "--no-shconf",
		"--no-telemetry", "--lcores", "0", "--log-level", "error", "--vdev=net_null0" };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(rules_put_every_packet_on_its_owners_queue, reset),
		cmocka_unit_test_setup(rules_leave_other_packets_alone, reset),
		cmocka_unit_test_setup(rules_name_the_listener, reset),
		cmocka_unit_test_setup(every_worker_owns_something_in_either_way, reset),
		cmocka_unit_test_setup(refuses_what_rules_cannot_do_and_says_why, reset),
		cmocka_unit_test_setup(software_refuses_nothing, reset),
	};

	if (rte_eal_init(RTE_DIM(eal), (char **)(uintptr_t)eal) < 0)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
