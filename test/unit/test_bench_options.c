/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench.h"

#define MAX_ARGS 16
#define TEN      "1,1,1,1,1,1,1,1,1,1,"

/* Parse a command line that is written as one string. */
static int
parse(const char *line, struct saker_bench_options *o)
{
	static char text[512];
	char *argv[MAX_ARGS + 1] = { 0 }, *rest;
	int argc = 0;

	strncpy(text, line, sizeof(text) - 1);
	for (char *word = strtok_r(text, " ", &rest); word != NULL && argc < MAX_ARGS;
		word = strtok_r(NULL, " ", &rest))
		argv[argc++] = word;
	return saker_bench_parse(argc, argv, o);
}

static void
reads_words_numbers_and_lists(void **state)
{
	struct saker_bench_options o;

	(void)state;
	assert_int_equal(parse("crypto --driver vaes --sizes 64,1420 --rounds 7 --quick", &o), 0);
	assert_string_equal(o.driver, "vaes");
	assert_int_equal(o.sizes.n, 2);
	assert_int_equal(o.sizes.v[0], 64);
	assert_int_equal(o.sizes.v[1], 1420);
	assert_int_equal(o.rounds, 7);
	assert_true(o.quick);
	assert_false(o.help);
	assert_null(o.json);
}

static void
starts_from_nothing(void **state)
{
	struct saker_bench_options o;

	(void)state;
	memset(&o, 0xff, sizeof(o));
	assert_int_equal(parse("path", &o), 0);
	assert_int_equal(o.groups.n, 0);
	assert_null(o.compare);
	assert_false(o.no_replay);
}

static void
refuses_what_it_does_not_understand(void **state)
{
	static const char *const lines[] = { "crypto --nonsense", "crypto --sizes", "crypto spare",
		"crypto --rounds 0", "crypto --rounds x", "crypto --rounds 5x",
		"crypto --rounds -1", "crypto --sizes 64,", "crypto --sizes ,64",
		"crypto --sizes 64;128", "crypto --batch 0", "crypto --batch 65",
		"crypto --cpu z80", "scale --max 99999999999999999999999",
		"crypto --sizes " TEN TEN TEN "1,1,1" };
	struct saker_bench_options o;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_int_equal(parse(lines[i], &o), -EINVAL);
	assert_int_equal(parse("crypto --batch 64", &o), 0);
}

static void
prefers_the_list_that_was_given(void **state)
{
	static const uint64_t usual[] = { 1, 2, 3 };
	struct saker_list given = { .n = 1, .v = { 9 } }, none = { 0 }, room;

	(void)state;
	assert_ptr_equal(saker_list_or(&given, &room, usual, 3), &given);
	assert_ptr_equal(saker_list_or(&none, &room, usual, 3), &room);
	assert_int_equal(room.n, 3);
	assert_int_equal(room.v[2], 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_words_numbers_and_lists),
		cmocka_unit_test(starts_from_nothing),
		cmocka_unit_test(refuses_what_it_does_not_understand),
		cmocka_unit_test(prefers_the_list_that_was_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
