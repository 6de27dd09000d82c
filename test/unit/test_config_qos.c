/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/* Not every helper is needed here. */
#pragma GCC diagnostic ignored "-Wunused-function"
#include "config/helpers.h"

#define BASE "config/base.cfg"

static void
reads_classes_as_sets_of_dscps(void **state)
{
	char *base = read_text_file(BASE);
	char *text = with(base, "max_clear = 64",
		"max_clear = 64; qos_classes = [ \"EF, va\", \" 10-14,CS1 , af21 - af23\" ]");
	struct saker_faults faults = { 0 };
	struct saker_config *c = load_text(text, &faults);
	const struct saker_cfg_qos *qos;

	(void)state;
	assert_non_null(c);
	qos = &c->groups[0].qos;
	assert_int_equal(qos->n, 2);
	for (unsigned int dscp = 0; dscp < SAKER_DSCPS; dscp++) {
		bool second = dscp == 8 || (dscp >= 10 && dscp <= 14) || (dscp >= 18 && dscp <= 22);

		assert_int_equal(qos->class_of[dscp], dscp == 46 || dscp == 44 ? 1
						      : second                 ? 2
									       : 0);
	}
	assert_int_equal(c->groups[1].qos.n, 0);
	saker_config_free(c);
	saker_faults_free(&faults);
	free(text);
	free(base);
}

struct shown {
	char classes[64];
	bool is_default;
};

static void
note(void *arg, const char *path, const char *value, bool is_default)
{
	struct shown *s = arg;

	if (strcmp(path, "trust_groups.cluster.qos_classes") != 0)
		return;
	snprintf(s->classes, sizeof(s->classes), "%s", value);
	s->is_default = is_default;
}

static void
shows_classes_as_the_file_may_spell_them(void **state)
{
	char *base = read_text_file(BASE);
	char *text = with(base, "max_clear = 64",
		"max_clear = 64; qos_classes = [ \"ef\", \"14, cs1, 10 - 12\" ]");
	struct saker_faults faults = { 0 };
	struct saker_config *c = load_text(text, &faults);
	struct shown s = { 0 };

	(void)state;
	assert_non_null(c);
	saker_config_walk(c, note, &s);
	assert_string_equal(s.classes, "[ \"46\", \"8,10-12,14\" ]");
	assert_false(s.is_default);
	saker_config_free(c);
	c = load_text(base, &faults);
	saker_config_walk(c, note, &s);
	assert_string_equal(s.classes, "[ ]");
	assert_true(s.is_default);
	saker_config_free(c);
	saker_faults_free(&faults);
	free(text);
	free(base);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_classes_as_sets_of_dscps),
		cmocka_unit_test(shows_classes_as_the_file_may_spell_them),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
