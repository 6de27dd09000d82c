/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>
#include <rte_eal.h>

#include "saker_classify.h"

#define POLICIES 40
#define FEW      16
#define PACKETS  4000

static uint32_t seed = 20261121;

static uint32_t
rnd(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

/* Few distinct octets, so that prefixes and packets meet often. */
static void
random_octets(uint8_t *out, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		out[i] = (uint8_t)rnd(3);
}

static struct saker_prefix
random_prefix(uint8_t family)
{
	struct saker_prefix p = { .ip.family = family };
	unsigned int bits = family == 4 ? 32 : 128;

	if (rnd(4) == 0)
		return (struct saker_prefix){ 0 };
	p.len = (uint8_t)rnd(bits + 1);
	random_octets(p.ip.octets, bits / 8);
	for (unsigned int i = p.len; i < bits; i++)
		p.ip.octets[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
	return p;
}

static struct saker_cfg_policy
random_policy(void)
{
	static const uint8_t protos[] = { 0, 0, 6, 17, 1 };
	struct saker_cfg_policy p = { .sport = { 0, 65535 }, .dport = { 0, 65535 } };
	uint8_t family = rnd(2) ? 4 : 6;

	p.src = random_prefix(family);
	p.dst = random_prefix(family);
	p.proto = protos[rnd(5)];
	if (p.proto == 6 || p.proto == 17) {
		p.dport.low = (uint16_t)rnd(50);
		p.dport.high = (uint16_t)(p.dport.low + rnd(50));
	}
	return p;
}

/* A policy of one of few shapes, as gateways have them. */
static struct saker_cfg_policy
plain_policy(void)
{
	static const unsigned int len[] = { 16, 30 };
	struct saker_cfg_policy p = { .sport = { 0, 65535 }, .dport = { 0, 65535 } };
	unsigned int bits = len[rnd(2)];

	if (rnd(20) == 0)
		return p;
	do {
		p.src = random_prefix(4);
		p.dst = random_prefix(4);
	} while (p.src.ip.family == 0 || p.dst.ip.family == 0);
	p.src.len = p.dst.len = (uint8_t)bits;
	random_octets(p.src.ip.octets, 4);
	random_octets(p.dst.ip.octets, 4);
	p.src.ip.octets[3] = p.dst.ip.octets[3] = 0;
	if (bits == 16) {
		memset(p.src.ip.octets + 2, 0, 2);
		memset(p.dst.ip.octets + 2, 0, 2);
	} else {
		p.proto = 17;
		p.dport.low = p.dport.high = (uint16_t)rnd(3);
	}
	return p;
}

static struct saker_ip
address(uint8_t family, const uint8_t *octets)
{
	struct saker_ip ip = { .family = family };

	memcpy(ip.octets, octets, family == 4 ? 4 : 16);
	return ip;
}

/* A packet's flow, in words, and in what they are made of. */
struct flow {
	uint8_t family, proto;
	uint8_t src[16], dst[16];
	uint16_t sport, dport;
	struct saker_flow_key key;
};

static struct flow
random_flow(unsigned int ports)
{
	static const uint8_t protos[] = { 6, 17, 1 };
	struct flow f = { .family = rnd(2) ? 4 : 6, .proto = protos[rnd(3)] };
	unsigned int address = f.family == 4 ? 4 : 16;
	uint8_t *out = (uint8_t *)f.key.word;

	random_octets(f.src, 16);
	random_octets(f.dst, 16);
	f.sport = (uint16_t)rnd(ports);
	f.dport = (uint16_t)rnd(ports);
	memcpy(out, f.src, address);
	memcpy(out + address, f.dst, address);
	saker_store_be16(out + 2 * address, f.sport);
	saker_store_be16(out + 2 * address + 2, f.dport);
	out[2 * address + 4] = f.proto;
	return f;
}

static bool
matches(const struct saker_cfg_policy *p, const struct flow *f)
{
	struct saker_ip src = address(f->family, f->src), dst = address(f->family, f->dst);

	return saker_prefix_holds(&p->src, &src) && saker_prefix_holds(&p->dst, &dst) &&
	       (p->proto == 0 || p->proto == f->proto) && f->sport >= p->sport.low &&
	       f->sport <= p->sport.high && f->dport >= p->dport.low && f->dport <= p->dport.high;
}

static uint16_t
naive(const struct saker_config *c, const struct flow *f)
{
	for (unsigned int i = 0; i < c->n_policies; i++)
		if (matches(&c->policies[i], f))
			return (uint16_t)i;
	return SAKER_MATCH_NONE;
}

static unsigned int
compare_acl(const struct saker_config *c, struct rte_acl_ctx *const acl[2])
{
	unsigned int found = 0;

	for (unsigned int i = 0; i < PACKETS; i++) {
		const struct flow f = random_flow(100);
		uint16_t rule;

		saker_acl_find(acl[f.family == 6], f.family, &f.key, &rule, 1);
		assert_int_equal(rule, naive(c, &f));
		found += rule != SAKER_MATCH_NONE;
	}
	return found;
}

static void
acl_finds_the_first_policy_that_matches(void **state)
{
	struct saker_cfg_policy cfg[POLICIES];
	struct saker_config c = { .policies = cfg, .n_policies = POLICIES };
	unsigned int found = 0;

	(void)state;
	for (unsigned int round = 0; round < 20; round++) {
		struct rte_acl_ctx *acl[2];

		for (unsigned int i = 0; i < POLICIES; i++)
			cfg[i] = random_policy();
		assert_int_equal(saker_acl_build(&c, 4, "test4", &acl[0]), 0);
		assert_int_equal(saker_acl_build(&c, 6, "test6", &acl[1]), 0);
		found += compare_acl(&c, acl);
		rte_acl_free(acl[0]);
		rte_acl_free(acl[1]);
	}
	/* The test means something only if both outcomes occur. */
	assert_in_range(found, 20 * PACKETS / 10, 20 * PACKETS - 100);
}

static unsigned int
compare_match(const struct saker_config *c, struct saker_match *const match[2])
{
	unsigned int found = 0;

	for (unsigned int i = 0; i < PACKETS; i++) {
		const struct flow f = random_flow(4);
		uint16_t rule = saker_match_find(
			match[f.family == 6], f.key.word, saker_flow_words(f.family));

		assert_int_equal(rule, naive(c, &f));
		found += rule != SAKER_MATCH_NONE;
	}
	return found;
}

static void
table_finds_the_first_policy_that_matches(void **state)
{
	struct saker_cfg_policy cfg[POLICIES];
	struct saker_config c = { .policies = cfg };
	unsigned int found = 0;

	(void)state;
	for (unsigned int round = 0; round < 200; round++) {
		struct saker_match *match[2];

		c.n_policies = rnd(POLICIES) + 1;
		for (unsigned int i = 0; i < c.n_policies; i++)
			cfg[i] = plain_policy();
		assert_int_equal(saker_match_build(&c, 4, &match[0]), 0);
		assert_int_equal(saker_match_build(&c, 6, &match[1]), 0);
		found += compare_match(&c, match);
		saker_match_free(match[0]);
		saker_match_free(match[1]);
	}
	assert_in_range(found, 200 * PACKETS / 10, 200 * PACKETS - 100);
}

/* Then a look-up looks at one place, and no branch goes another way than the one before. */
static void
few_policies_stand_in_their_first_places(void **state)
{
	static struct saker_cfg_policy policies[FEW];
	const struct saker_config c = { .policies = policies, .n_policies = FEW };

	(void)state;
	for (unsigned int round = 0; round < 100; round++) {
		struct saker_match *match;

		for (unsigned int i = 0; i < FEW; i++) {
			policies[i] = (struct saker_cfg_policy){ .sport = { 0, 65535 },
				.dport = { 0, 65535 } };
			policies[i].src = (struct saker_prefix){ .ip.family = 4, .len = 24 };
			policies[i].src.ip.octets[0] = 10;
			policies[i].src.ip.octets[1] = (uint8_t)i;
			policies[i].src.ip.octets[2] = (uint8_t)rnd(256);
		}
		assert_int_equal(saker_match_build(&c, 4, &match), 0);
		for (unsigned int i = 0; i < FEW; i++) {
			uint64_t word[2] = { 0 };

			memcpy(word, policies[i].src.ip.octets, 4);
			assert_int_equal(
				match->entry[saker_match_place(match->shape, word, 2)].rule, i);
		}
		saker_match_free(match);
	}
}

static void
table_refuses_ranges_and_too_many_shapes(void **state)
{
	struct saker_cfg_policy cfg[SAKER_MATCH_SHAPES + 1];
	struct saker_config c = { .policies = cfg, .n_policies = 1 };
	struct saker_match *match;

	(void)state;
	cfg[0] = (struct saker_cfg_policy){ .sport = { 0, 65535 }, .dport = { 80, 81 } };
	assert_int_equal(saker_match_build(&c, 4, &match), -ENOTSUP);
	assert_null(match);
	for (unsigned int i = 0; i < RTE_DIM(cfg); i++)
		cfg[i] = (struct saker_cfg_policy){ .sport = { 0, 65535 },
			.dport = { 0, 65535 },
			.dst = { .ip.family = 4, .len = (uint8_t)i } };
	c.n_policies = SAKER_MATCH_SHAPES;
	assert_int_equal(saker_match_build(&c, 4, &match), 0);
	saker_match_free(match);
	c.n_policies = SAKER_MATCH_SHAPES + 1;
	assert_int_equal(saker_match_build(&c, 4, &match), -ENOTSUP);
}

static void
what_the_table_refuses_goes_to_acl(void **state)
{
	struct saker_cfg_policy cfg = { .sport = { 0, 65535 }, .dport = { 80, 81 } };
	struct saker_config c = { .policies = &cfg, .n_policies = 1 };
	struct saker_classifier four;

	(void)state;
	assert_int_equal(saker_classifier_build(&c, 4, "ranges", &four), 0);
	assert_null(four.match);
	assert_non_null(four.acl);
	saker_classifier_free(&four);
	cfg.dport = (struct saker_cfg_range){ 80, 80 };
	assert_int_equal(saker_classifier_build(&c, 4, "exact", &four), 0);
	assert_non_null(four.match);
	assert_null(four.acl);
	saker_classifier_free(&four);
}

static void
finds_nothing_without_policies(void **state)
{
	struct saker_config c = { 0 };
	struct rte_acl_ctx *acl;
	struct saker_match *match;
	const struct flow f = random_flow(100);
	uint16_t rule = 0;

	(void)state;
	assert_int_equal(saker_acl_build(&c, 4, "none", &acl), 0);
	assert_null(acl);
	saker_acl_find(acl, 4, &f.key, &rule, 1);
	assert_int_equal(rule, SAKER_MATCH_NONE);
	assert_int_equal(saker_match_build(&c, 4, &match), 0);
	assert_int_equal(saker_match_find(match, f.key.word, 2), SAKER_MATCH_NONE);
	saker_match_free(match);
}

int
main(void)
{
	static const char *eal[] = { "test", "--no-huge", "--no-pci", "-m", "128", "--no-shconf",
		"--no-telemetry", "--lcores", "0", "--log-level", "error" };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(acl_finds_the_first_policy_that_matches),
		cmocka_unit_test(table_finds_the_first_policy_that_matches),
		cmocka_unit_test(few_policies_stand_in_their_first_places),
		cmocka_unit_test(table_refuses_ranges_and_too_many_shapes),
		cmocka_unit_test(what_the_table_refuses_goes_to_acl),
		cmocka_unit_test(finds_nothing_without_policies),
	};

	if (rte_eal_init(RTE_DIM(eal), (char **)(uintptr_t)eal) < 0)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
