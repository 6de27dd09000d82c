/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>
#include <rte_byteorder.h>
#include <rte_eal.h>

#include "saker_classify.h"

#define POLICIES 40
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

static struct saker_ip
address(uint8_t family, const uint8_t *octets)
{
	struct saker_ip ip = { .family = family };

	memcpy(ip.octets, octets, family == 4 ? 4 : 16);
	return ip;
}

static bool
matches(const struct saker_cfg_policy *p, uint8_t family, const struct saker_tuple *t)
{
	struct saker_ip src = address(family, t->src), dst = address(family, t->dst);
	uint16_t sport = rte_be_to_cpu_16(t->sport), dport = rte_be_to_cpu_16(t->dport);

	return saker_prefix_holds(&p->src, &src) && saker_prefix_holds(&p->dst, &dst) &&
	       (p->proto == 0 || p->proto == t->proto) && sport >= p->sport.low &&
	       sport <= p->sport.high && dport >= p->dport.low && dport <= p->dport.high;
}

static const struct saker_policy *
naive(const struct saker_snapshot *s, uint8_t family, const struct saker_tuple *t)
{
	for (unsigned int i = 0; i < s->n_policies; i++)
		if (matches(s->policies[i].cfg, family, t))
			return &s->policies[i];
	return NULL;
}

static struct saker_tuple
random_tuple(void)
{
	static const uint8_t protos[] = { 6, 17, 1 };
	struct saker_tuple t = { .proto = protos[rnd(3)] };

	random_octets(t.src, 16);
	random_octets(t.dst, 16);
	t.sport = rte_cpu_to_be_16((uint16_t)rnd(100));
	t.dport = rte_cpu_to_be_16((uint16_t)rnd(100));
	return t;
}

static void
snapshot_of(struct saker_snapshot *s, const struct saker_config *c, struct saker_policy *policies)
{
	memset(s, 0, sizeof(*s));
	for (unsigned int i = 0; i < c->n_policies; i++)
		policies[i] = (struct saker_policy){ .cfg = &c->policies[i], .index = (uint16_t)i };
	s->policies = policies;
	s->n_policies = c->n_policies;
	assert_int_equal(saker_classifier_build(c, 4, "test4", &s->acl4), 0);
	assert_int_equal(saker_classifier_build(c, 6, "test6", &s->acl6), 0);
}

static unsigned int
compare(const struct saker_snapshot *s)
{
	unsigned int found = 0;

	for (unsigned int i = 0; i < PACKETS; i++) {
		uint8_t family = rnd(2) ? 4 : 6;
		const struct saker_tuple t = random_tuple(), *tp = &t;
		const struct saker_policy *p;

		saker_classify(s, family, &tp, &p, 1);
		assert_ptr_equal(p, naive(s, family, &t));
		found += p != NULL;
	}
	return found;
}

static void
finds_the_first_policy_that_matches(void **state)
{
	struct saker_cfg_policy cfg[POLICIES];
	struct saker_policy policies[POLICIES];
	struct saker_config c = { .policies = cfg, .n_policies = POLICIES };
	struct saker_snapshot s;
	unsigned int found = 0;

	(void)state;
	for (unsigned int round = 0; round < 20; round++) {
		for (unsigned int i = 0; i < POLICIES; i++)
			cfg[i] = random_policy();
		snapshot_of(&s, &c, policies);
		found += compare(&s);
		rte_acl_free(s.acl4);
		rte_acl_free(s.acl6);
	}
	/* The test means something only if both outcomes occur. */
	assert_in_range(found, 20 * PACKETS / 10, 20 * PACKETS - 100);
}

static void
finds_nothing_without_policies(void **state)
{
	struct saker_config c = { 0 };
	struct saker_snapshot s = { 0 };
	const struct saker_tuple t = { .proto = 17 }, *tp = &t;
	const struct saker_policy *p = (const struct saker_policy *)&t;

	(void)state;
	assert_int_equal(saker_classifier_build(&c, 4, "none", &s.acl4), 0);
	assert_null(s.acl4);
	saker_classify(&s, 4, &tp, &p, 1);
	assert_null(p);
}

int
main(void)
{
	static const char *eal[] = { "test", "--no-huge", "--no-pci", "-m", "128", "--no-shconf",
		"--no-telemetry", "--lcores", "0", "--log-level", "error" };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_first_policy_that_matches),
		cmocka_unit_test(finds_nothing_without_policies),
	};

	if (rte_eal_init(RTE_DIM(eal), (char **)(uintptr_t)eal) < 0)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
