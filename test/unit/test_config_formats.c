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
		cmocka_unit_test(every_rule_needs_names_of_its_own_section),
		cmocka_unit_test(no_section_has_more_than_64_names),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
