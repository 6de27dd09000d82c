/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/* Not every helper is needed here. */
#pragma GCC diagnostic ignored "-Wunused-function"
#include "config/helpers.h"
#include "saker_config_internal.h"

#define EXAMPLES "../../config/"

/* Every format but the main one has an example of its own, which holds without a warning. */
static void
loads_the_example_of_every_format(void **state)
{
	(void)state;
	for (unsigned int i = 1; saker_formats[i] != NULL; i++) {
		const struct saker_format *f = saker_formats[i];
		struct saker_config *c;
		char path[128];

		snprintf(path, sizeof(path), EXAMPLES "%s.cfg", f->name);
		c = load_well(path);
		assert_int_equal(c->groups[0].format, f->letter);
		saker_config_free(c);
	}
}

static void
spells_every_format_as_its_table_does(void **state)
{
	(void)state;
	for (unsigned int i = 0; saker_formats[i] != NULL; i++)
		assert_string_equal(
			saker_cfg_format_name(saker_formats[i]->letter), saker_formats[i]->name);
}

static void
takes_ports_from_the_format(void **state)
{
	struct saker_config *c = load_well(EXAMPLES "seh.cfg");

	(void)state;
	assert_int_equal(c->groups[0].udp_port, 42253);
	assert_int_equal(c->groups[0].protocol, 253);
	saker_config_free(c);
}

static void
refuses_what_has_no_meaning_in_a_format(void **state)
{
	struct saker_faults faults = { 0 };
	char *base = read_text_file(EXAMPLES "seh.cfg");
	char *text = with(base, "format = \"seh\";", "format = \"seh\"; sessions = 4;");

	(void)state;
	assert_null(load_text(text, &faults));
	assert_int_equal(faults.n, 1);
	assert_non_null(strstr(faults.text[0], "sessions has no meaning in format seh"));
	saker_faults_free(&faults);
	free(text);
	free(base);
}

/* Two groups of format S at one listener, the second with another root key or the same. */
static struct saker_config *
load_two_groups(const char *key, const char *options, struct saker_faults *faults)
{
	char second[512];
	char *base = read_text_file(EXAMPLES "seh.cfg"), *keys, *text;
	struct saker_config *c;

	keys = with(base, "file = \"zone-east.key\"; }",
		"file = \"zone-east.key\"; },\n{ name = \"west\"; level = \"zone\"; id = "
		"\"11112233445566778899aabbccddeeff\"; file = \"w.key\"; }");
	snprintf(second, sizeof(second),
		"trust_groups:\n(\n{ name = \"other\"; spi = 7; format = \"seh\"; root_keys = [ "
		"\"%s\" ]; source_id = \"0a000009\"; master_key_options = [ %s ]; },",
		key, options);
	text = with(keys, "trust_groups:\n(", second);
	c = load_text(text, faults);
	free(text);
	free(keys);
	free(base);
	return c;
}

static void
tells_groups_of_one_listener_apart_by_root_keys(void **state)
{
	struct saker_faults faults = { 0 };
	struct saker_config *c = load_two_groups("west", "\"zone\"", &faults);

	(void)state;
	assert_non_null(c);
	assert_int_equal(faults.errors, 0);
	saker_config_free(c);
	saker_faults_free(&faults);
}

static void
refuses_groups_of_one_listener_that_look_alike(void **state)
{
	static const char *const alike[][2] = { { "zone-east", "\"zone\"" }, { "west", "" } };

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct saker_faults faults = { 0 };

		assert_null(load_two_groups(alike[i][0], alike[i][1], &faults));
		assert_non_null(strstr(faults.text[0], "can't be told apart at their listener"));
		saker_faults_free(&faults);
	}
}

/* Several changes to the example of format tss. */
static char *
tss_with(const char *const (*change)[2], unsigned int n)
{
	char *text = read_text_file(EXAMPLES "tss.cfg");

	for (unsigned int i = 0; i < n; i++) {
		char *next = with(text, change[i][0], change[i][1]);

		free(text);
		text = next;
	}
	return text;
}

static void
expect_of_tss(const char *const (*change)[2], unsigned int n, const char *says)
{
	struct saker_faults faults = { 0 };
	char *text = tss_with(change, n);
	struct saker_config *c = load_text(text, &faults);

	if (says == NULL) {
		saker_faults_print(&faults, stderr);
		assert_non_null(c);
		assert_int_equal(faults.n, 0);
	} else {
		assert_null(c);
		assert_int_equal(faults.n, 1);
		assert_non_null(strstr(faults.text[0], says));
	}
	saker_config_free(c);
	saker_faults_free(&faults);
	free(text);
}

#define NO_REKEY                                                                                   \
	{                                                                                          \
		"rekey_shift = 8; rekey_mask = 0xff00;", ""                                        \
	}
#define DIRECT                                                                                     \
	{                                                                                          \
		"kdf = \"cluster\";", "kdf = \"direct\";"                                          \
	}
#define IPV6                                                                                       \
	{ "address = \"192.0.2.1\"", "address6 = \"2001:db8::1\"" },                               \
	{                                                                                          \
		"local = \"192.0.2.1\"; peer = \"192.0.2.2\"",                                     \
			"local = \"2001:db8::1\"; peer = \"2001:db8::2\""                          \
	}

static void
refuses_direct_mode_over_ipv6_without_ssi(void **state)
{
	static const char *const change[][2] = { { "variant = \"source-id\";",
							 "variant = \"source-ip\";" },
		{ "source_id = \"0a000001\";", "" }, NO_REKEY, IPV6, DIRECT };

	(void)state;
	expect_of_tss(change, 6, "kdf \"direct\" over IPv6 needs an SSI");
	expect_of_tss(change, 5, NULL); /* in cluster mode the address is in the key */
	expect_of_tss(change + 2, 4, NULL);
}

static void
leaves_a_bit_of_the_counter_for_the_direction_in_server_mode(void **state)
{
	static const char *const change[][2] = { NO_REKEY,
		{ "kdf = \"cluster\";", "role = \"client\";" }, { "epoch_lifetime = 16;", "" },
		{ "sn = \"counter\"; epoch = 1;",
			"sn = \"time\"; epoch_seconds = 83886; slot_ms = 10;" },
		{ "slot_ms = 10;", "slot_ms = 6;" } };
	char *text = tss_with(change, 4);
	struct saker_faults faults = { 0 };
	struct saker_config *c = load_text(text, &faults);

	(void)state;
	assert_non_null(c);
	assert_int_equal(c->groups[0].sn.counter_max, (UINT64_C(1) << 47) - 1);
	expect_of_tss(change, 5, "in role client an epoch has at most 2^23 slots");
	saker_config_free(c);
	saker_faults_free(&faults);
	free(text);
}

static void
gives_tss_the_numbers_of_ultra_ethernet(void **state)
{
	struct saker_config *c = load_well(EXAMPLES "tss.cfg");

	(void)state;
	assert_int_equal(c->groups[0].udp_port, 4793);
	assert_int_equal(c->groups[0].protocol, 253);
	assert_true(c->groups[0].sn.newer_epochs);
	assert_false(c->groups[0].sn.one_key);
	saker_config_free(c);
}

static void
check_needs(const struct saker_cfg_section *s, const struct saker_cfg_rule *rule)
{
	for (; rule != NULL && rule->check != NULL; rule++) {
		assert_null(rule->needs[sizeof(rule->needs) / sizeof(rule->needs[0]) - 1]);
		for (const char *const *name = rule->needs; *name != NULL; name++)
			if (saker_cfg_field(s, *name) == NULL)
				fail_msg("a rule of %s needs %s, which it has not", s->name, *name);
	}
}

static void
every_rule_needs_names_of_its_own_section(void **state)
{
	(void)state;
	for (int id = 0; id < SAKER_SECTIONS; id++)
		check_needs(&saker_cfg_sections[id], saker_cfg_sections[id].rules);
	for (const struct saker_cfg_format_rules *f = saker_cfg_format_rules; f->rules != NULL; f++)
		check_needs(&saker_cfg_sections[SAKER_SEC_GROUPS], f->rules);
}

/* saker_cfg_obj keeps a bit for each. */
static void
no_section_has_more_than_64_names(void **state)
{
	(void)state;
	for (int id = 0; id < SAKER_SECTIONS; id++) {
		const struct saker_cfg_field *f = saker_cfg_sections[id].fields;

		while (f->name != NULL)
			f++;
		assert_in_range(f - saker_cfg_sections[id].fields, 1, 64);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loads_the_example_of_every_format),
		cmocka_unit_test(spells_every_format_as_its_table_does),
		cmocka_unit_test(takes_ports_from_the_format),
		cmocka_unit_test(refuses_what_has_no_meaning_in_a_format),
		cmocka_unit_test(tells_groups_of_one_listener_apart_by_root_keys),
		cmocka_unit_test(refuses_groups_of_one_listener_that_look_alike),
		cmocka_unit_test(refuses_direct_mode_over_ipv6_without_ssi),
		cmocka_unit_test(leaves_a_bit_of_the_counter_for_the_direction_in_server_mode),
		cmocka_unit_test(gives_tss_the_numbers_of_ultra_ethernet),
		cmocka_unit_test(every_rule_needs_names_of_its_own_section),
		cmocka_unit_test(no_section_has_more_than_64_names),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
