/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/* Not every helper is needed here. */
#pragma GCC diagnostic ignored "-Wunused-function"
#include "config/helpers.h"

#define BASE "config/base.cfg"

static void
takes_addresses_with_a_prefix_and_gateways(void **state)
{
	struct saker_faults faults = { 0 };
	char *base = read_text_file(BASE);
	char *one = with(base, "address = \"192.0.2.1\"",
		"address = \"192.0.2.1/24\"; gateway = \"192.0.2.254\"; vlan = 7; "
		"promiscuous = true");
	char *two = with(one, "address6 = \"2001:db8::1\"",
		"address6 = \"2001:db8::1/64\"; gateway6 = \"fe80::1\"");
	struct saker_config *c = load_text(two, &faults);

	(void)state;
	assert_non_null(c);
	assert_int_equal(c->ports[1].address.len, 24);
	assert_int_equal(c->ports[1].address.ip.octets[3], 1);
	assert_int_equal(c->ports[1].address6.len, 64);
	assert_int_equal(c->ports[1].gateway.octets[3], 254);
	assert_int_equal(c->ports[1].gateway6.family, 6);
	assert_int_equal(c->ports[1].vlan, 7);
	assert_true(c->ports[1].promiscuous);
	assert_int_equal(c->ports[0].address.ip.family, 0);
	saker_config_free(c);
	saker_faults_free(&faults);
	free(two);
	free(one);
	free(base);
}

static void
warns_of_a_gateway_beside_a_fixed_neighbour(void **state)
{
	struct saker_faults faults = { 0 };
	char *base = read_text_file(BASE);
	char *text = with(base, "address = \"192.0.2.1\"",
		"address = \"192.0.2.1/24\"; gateway = \"192.0.2.254\"; "
		"next_hop_mac = \"02:00:00:00:00:03\"");
	struct saker_config *c = load_text(text, &faults);

	(void)state;
	assert_non_null(c);
	assert_true(told(&faults, 8, "next_hop_mac fixes the neighbour"));
	saker_config_free(c);
	saker_faults_free(&faults);
	free(text);
	free(base);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_addresses_with_a_prefix_and_gateways),
		cmocka_unit_test(warns_of_a_gateway_beside_a_fixed_neighbour),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
