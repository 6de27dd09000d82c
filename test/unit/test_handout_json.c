/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "handout_json.h"

static void
reads_what_is_asked_for(void **state)
{
	static const struct {
		const char *line, *group;
		unsigned int count;
	} rows[] = {
		{ "{\"group\":\"edge\"}", "edge", 1 },
		{ "{\"group\":\"edge\",\"count\":7}", "edge", 7 },
		{ "  {\t\"count\" : 1024 , \"group\" : \"a b/c\" }  \r", "a b/c", 1024 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct saker_handout_request r;

		assert_null(saker_handout_read(rows[i].line, &r));
		assert_string_equal(r.group, rows[i].group);
		assert_int_equal(r.count, rows[i].count);
	}
}

static void
refuses_everything_else(void **state)
{
	static const char *const lines[] = { "", "{", "}", "{}", "[]", "null", "edge",
		"{\"group\"}", "{\"group\":}", "{\"group\":\"\"}", "{\"group\":7}",
		"{\"group\":\"e\"", "{\"group\":\"e\"}}", "{\"group\":\"e\"},",
		"{\"group\":\"e\",}", "{,\"group\":\"e\"}", "{\"group\":\"e}",
		"{\"group\":\"e\\\"\"}", "{\"group\":\"e\\u0041\"}", "{\"group\":\"e\x01\"}",
		"{\"group\":\"\xff\"}", "{\"group\":\"e\",\"group\":\"f\"}",
		"{\"group\":\"e\",\"count\":1,\"count\":2}", "{\"count\":1}",
		"{\"group\":\"e\",\"count\":0}", "{\"group\":\"e\",\"count\":-1}",
		"{\"group\":\"e\",\"count\":1025}", "{\"group\":\"e\",\"count\":99999999999}",
		"{\"group\":\"e\",\"count\":1.5}", "{\"group\":\"e\",\"count\":\"1\"}",
		"{\"group\":\"e\",\"count\":01}", "{\"group\":\"e\",\"count\":}",
		"{\"group\":\"e\",\"key\":\"1\"}", "{\"group\":\"e\",\"averyveryverylongname\":1}",
		"{\"group\":\"a-name-that-is-longer-than-any-name-of-a-group\"}", "{group:\"e\"}",
		"{'group':'e'}", "{\"group\":\"e\"} {\"group\":\"e\"}" };

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct saker_handout_request r;

		if (saker_handout_read(lines[i], &r) == NULL)
			fail_msg("took %s", lines[i]);
	}
}

static void
writes_every_sa_and_keeps_to_its_room(void **state)
{
	static struct saker_psp_sa sa[SAKER_PSP_SAS];
	static char out[200000];
	struct saker_handout_request r = { "", 3 };
	struct saker_handout_lot lot = { .version = 0, .sas = { 2, sa } };
	size_t n;

	(void)state;
	memset(r.group, 'g', sizeof(r.group) - 1);
	memset(sa, 0xab, sizeof(sa));
	sa[0].spi = 0x80000001;
	sa[1].spi = 2;
	n = saker_handout_answer(&r, &lot, out);
	assert_int_equal(n, strlen(out));
	assert_non_null(
		strstr(out, "\"version\":0,\"sas\":[{\"spi\":\"80000001\",\"key\":"
			    "\"abababababababababababababababab\"},{\"spi\":\"00000002\","));
	assert_string_equal(out + strlen(out) - 4, "}]}\n");
	lot = (struct saker_handout_lot){ .version = 1, .sas = { SAKER_PSP_SAS, sa } };
	assert_in_range(saker_handout_answer(&r, &lot, out), 64 * SAKER_PSP_SAS,
		saker_handout_room(SAKER_PSP_SAS) - 1);
}

static void
writes_errors_as_one_sound_line(void **state)
{
	char out[1024] = "", why[600];
	size_t n = saker_handout_error("say \"x\"\n\\", out);

	(void)state;
	assert_int_equal(n, strlen(out));
	assert_string_equal(out, "{\"error\":\"say 'x'''\"}\n");
	memset(why, 'w', sizeof(why));
	why[sizeof(why) - 1] = '\0';
	assert_in_range(saker_handout_error(why, out), 300, saker_handout_room(0) - 1);
	assert_string_equal(out + strlen(out) - 3, "\"}\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_is_asked_for),
		cmocka_unit_test(refuses_everything_else),
		cmocka_unit_test(writes_every_sa_and_keeps_to_its_room),
		cmocka_unit_test(writes_errors_as_one_sound_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
