/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

static const struct saker_column columns[] = {
	{ "name", 'l' },
	{ "tx_packets", 'r' },
};

static const struct saker_column one[] = { { "v", 'l' } };

/** Everything that was written. */
struct sink {
	char text[4096];
	unsigned int pieces;
};

static void
sink_write(void *arg, const char *text)
{
	struct sink *s = arg;

	assert_true(strlen(s->text) + strlen(text) < sizeof(s->text));
	strcat(s->text, text);
	s->pieces++;
}

static struct saker_out
sink_out(struct sink *s, bool json)
{
	*s = (struct sink){ 0 };
	return (struct saker_out){ .write = sink_write, .arg = s, .json = json };
}

static void
check_table(void *arg, const struct saker_table *t)
{
	(*(unsigned int *)arg)++;
	assert_string_equal(t->title, "drops");
	assert_ptr_equal(t->columns, columns);
	assert_int_equal(t->n_columns, 2);
	assert_int_equal(t->n_rows, 2);
	assert_string_equal(t->cell[0].text, "runt");
	assert_int_equal(t->cell[0].kind, SAKER_CELL_TEXT);
	assert_int_equal(t->cell[1].kind, SAKER_CELL_NONE);
	assert_string_equal(t->cell[2].text, "1.5");
	assert_int_equal(t->cell[2].kind, SAKER_CELL_REAL);
	assert_int_equal(t->cell[3].kind, SAKER_CELL_TRUE);
}

static void
hands_out_a_table_cell_by_cell(void **state)
{
	unsigned int calls = 0;
	struct saker_report *r = saker_report_begin("drops", columns, 2);
	struct saker_out out;

	(void)state;
	saker_out_tables(&out, check_table, &calls);
	saker_report_text(r, "runt");
	saker_report_none(r);
	saker_report_real(r, 1.5);
	saker_report_bool(r, true);
	saker_out_printf(&out, "a remark goes nowhere");
	saker_report_end(r, &out, "no drops");
	assert_int_equal(calls, 1);
}

static void
two_rows(struct sink *s, bool json)
{
	struct saker_out out = sink_out(s, json);
	struct saker_report *r = saker_report_begin("drops", columns, 2);

	saker_report_text(r, "%s-%d", "runt", 7);
	saker_report_u64(r, 5);
	saker_report_text(r, "x");
	saker_report_u64(r, UINT64_MAX);
	saker_report_end(r, &out, "no drops");
}

/* One text cell as JSON, the quotes included. */
static void
assert_json_cell(const char *text, const char *expected)
{
	char want[256];
	struct sink s;
	struct saker_out out = sink_out(&s, true);
	struct saker_report *r = saker_report_begin("t", one, 1);

	saker_report_text(r, "%s", text);
	saker_report_end(r, &out, "");
	snprintf(want, sizeof(want), "{\"t\":[{\"v\":%s}]}\n", expected);
	assert_string_equal(s.text, want);
}

/* The second line of a table with one cell. */
static void
assert_text_cell(const char *text, const char *expected)
{
	char want[256];
	struct sink s;
	struct saker_out out = sink_out(&s, false);
	struct saker_report *r = saker_report_begin("t", one, 1);

	saker_report_text(r, "%s", text);
	saker_report_end(r, &out, "");
	snprintf(want, sizeof(want), "v\n%s\n", expected);
	assert_string_equal(s.text, want);
}

static void
aligns_columns_and_spells_headings_with_blanks(void **state)
{
	struct sink s;

	(void)state;
	two_rows(&s, false);
	assert_string_equal(s.text, "name              tx packets\n"
				    "runt-7                     5\n"
				    "x       18446744073709551615\n");
}

static void
leaves_no_blanks_at_the_end_of_a_line(void **state)
{
	static const struct saker_column left[] = { { "a", 'l' }, { "b", 'l' } };
	struct sink s;
	struct saker_out out = sink_out(&s, false);
	struct saker_report *r = saker_report_begin("t", left, 2);

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		saker_report_text(r, "%s", i == 0 ? "wide" : "");
		saker_report_text(r, "%s", i == 0 ? "wider" : "w");
	}
	saker_report_end(r, &out, "");
	assert_string_equal(s.text, "a     b\nwide  wider\n      w\n");
}

static void
prints_json_as_one_line_with_the_names_as_keys(void **state)
{
	struct sink s;

	(void)state;
	two_rows(&s, true);
	assert_string_equal(s.text, "{\"drops\":[{\"name\":\"runt-7\",\"tx_packets\":5},"
				    "{\"name\":\"x\",\"tx_packets\":18446744073709551615}]}\n");
}

static void
writes_a_table_in_one_piece(void **state)
{
	struct sink s;

	(void)state;
	two_rows(&s, false);
	assert_int_equal(s.pieces, 1);
	two_rows(&s, true);
	assert_int_equal(s.pieces, 1);
}

static void
prints_the_remark_for_an_empty_table_as_text_only(void **state)
{
	struct sink s;
	struct saker_out out = sink_out(&s, false);

	(void)state;
	saker_report_end(saker_report_begin("drops", columns, 2), &out, "no drops");
	assert_string_equal(s.text, "no drops\n");
	out = sink_out(&s, true);
	saker_report_end(saker_report_begin("drops", columns, 2), &out, "no drops");
	assert_string_equal(s.text, "{\"drops\":[]}\n");
}

static void
keeps_the_type_of_a_cell_in_json(void **state)
{
	static const struct saker_column kinds[] = {
		{ "real", 'r' },
		{ "yes", 'l' },
		{ "no", 'l' },
		{ "none", 'l' },
		{ "digits", 'l' },
	};
	struct sink s;

	(void)state;
	for (unsigned int json = 0; json < 2; json++) {
		struct saker_out out = sink_out(&s, json != 0);
		struct saker_report *r = saker_report_begin("t", kinds, 5);

		saker_report_real(r, 12.34);
		saker_report_bool(r, true);
		saker_report_bool(r, false);
		saker_report_none(r);
		saker_report_text(r, "17");
		saker_report_end(r, &out, "");
		assert_string_equal(s.text,
			json != 0 ? "{\"t\":[{\"real\":12.3,\"yes\":true,\"no\":false,"
				    "\"none\":null,\"digits\":\"17\"}]}\n"
				  : "real  yes  no  none  digits\n12.3  yes  no  -     17\n");
	}
}

static void
prints_what_is_no_number_as_null(void **state)
{
	static const double values[] = { NAN, INFINITY, -INFINITY };

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		struct sink s;
		struct saker_out out = sink_out(&s, true);
		struct saker_report *r = saker_report_begin("t", one, 1);

		saker_report_real(r, values[i]);
		saker_report_end(r, &out, "");
		assert_string_equal(s.text, "{\"t\":[{\"v\":null}]}\n");
	}
}

static void
escapes_what_json_does_not_allow_in_strings(void **state)
{
	(void)state;
	assert_json_cell("", "\"\"");
	assert_json_cell("a\"b\\c/d", "\"a\\\"b\\\\c/d\"");
	assert_json_cell("\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\"");
	assert_json_cell("\x01\x1b[2J\x7f", "\"\\u0001\\u001b[2J\\u007f\"");
	assert_json_cell("%s", "\"%s\"");
}

static void
passes_utf8_on_and_replaces_what_is_not(void **state)
{
	(void)state;
	assert_json_cell(
		"\xc3\xa9\xe2\x82\xac\xf0\x9f\xa6\x85", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\xa6\x85\"");
	/* a stray octet, a sequence cut short, an overlong blank, a surrogate, beyond Unicode */
	assert_json_cell("a\xff", "\"a\\ufffd\"");
	assert_json_cell("\xe2\x82", "\"\\ufffd\\ufffd\"");
	assert_json_cell("\xc0\xa0", "\"\\ufffd\\ufffd\"");
	assert_json_cell("\xe0\x80\xa0", "\"\\ufffd\\ufffd\\ufffd\"");
	assert_json_cell("\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"");
	assert_json_cell("\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
}

static void
hands_a_terminal_nothing_to_obey(void **state)
{
	(void)state;
	assert_text_cell("\x1b[2J\n\xff", "?[2J??");
	assert_text_cell("r\xc3\xa9seau", "r\xc3\xa9seau");
}

static void
counts_letters_not_octets_when_it_aligns(void **state)
{
	struct sink s;
	struct saker_out out = sink_out(&s, false);
	struct saker_report *r = saker_report_begin("t", columns, 2);

	(void)state;
	saker_report_text(r, "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9");
	saker_report_u64(r, 1);
	saker_report_end(r, &out, "");
	assert_string_equal(s.text, "name   tx packets\n"
				    "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9           1\n");
}

static void
holds_more_rows_than_it_began_with(void **state)
{
	struct sink s;
	struct saker_out out = sink_out(&s, true);
	struct saker_report *r = saker_report_begin("t", one, 1);
	unsigned int rows = 0;

	(void)state;
	for (unsigned int i = 0; i < 300; i++)
		saker_report_u64(r, i);
	saker_report_end(r, &out, "");
	for (const char *p = s.text; (p = strstr(p, "{\"v\":")) != NULL; p++, rows++)
		assert_int_equal(strtoul(p + strlen("{\"v\":"), NULL, 10), rows);
	assert_int_equal(rows, 300);
}

static void
survives_a_report_that_could_not_begin(void **state)
{
	struct sink s;
	struct saker_out out = sink_out(&s, true);

	(void)state;
	saker_report_text(NULL, "text");
	saker_report_u64(NULL, 1);
	saker_report_none(NULL);
	saker_report_end(NULL, &out, "empty");
	assert_string_equal(s.text, "");
}

static void
writes_to_a_file(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	struct saker_out out;

	(void)state;
	assert_non_null(f);
	saker_out_file(&out, f, false);
	saker_out_printf(&out, "%s %u\n", "lcore", 3U);
	fclose(f);
	assert_false(out.json);
	assert_string_equal(text, "lcore 3\n");
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hands_out_a_table_cell_by_cell),
		cmocka_unit_test(aligns_columns_and_spells_headings_with_blanks),
		cmocka_unit_test(leaves_no_blanks_at_the_end_of_a_line),
		cmocka_unit_test(prints_json_as_one_line_with_the_names_as_keys),
		cmocka_unit_test(writes_a_table_in_one_piece),
		cmocka_unit_test(prints_the_remark_for_an_empty_table_as_text_only),
		cmocka_unit_test(keeps_the_type_of_a_cell_in_json),
		cmocka_unit_test(prints_what_is_no_number_as_null),
		cmocka_unit_test(escapes_what_json_does_not_allow_in_strings),
		cmocka_unit_test(passes_utf8_on_and_replaces_what_is_not),
		cmocka_unit_test(hands_a_terminal_nothing_to_obey),
		cmocka_unit_test(counts_letters_not_octets_when_it_aligns),
		cmocka_unit_test(holds_more_rows_than_it_began_with),
		cmocka_unit_test(survives_a_report_that_could_not_begin),
		cmocka_unit_test(writes_to_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
