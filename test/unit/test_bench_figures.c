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
#include <unistd.h>

#include <cmocka.h>

#include "figures.h"

#define TEXT_LEN 4096

static const struct saker_circumstance circumstances[] = { { "cpu", "one \"quoted\" CPU" },
	{ NULL, NULL } };

static bool
near(double a, double b)
{
	return a - b < 1e-9 && b - a < 1e-9;
}

static struct saker_spread
spread(double median)
{
	return (struct saker_spread){ median, median * 0.99, median * 1.01 };
}

static void
add(struct saker_figures *f, const char *table, const char *row, enum saker_figure_kind kind,
	double median)
{
	const struct saker_place place = {
		.table = table, .row = row, .column = "saker", .unit = "cycles"
	};

	assert_int_equal(saker_figures_add(f, &place, kind, spread(median)), 0);
}

/* What a function prints. */
static void
capture(const struct saker_figures *f, const char *baseline, int *ret, char text[TEXT_LEN])
{
	FILE *out = fmemopen(text, TEXT_LEN, "w");

	assert_non_null(out);
	if (baseline == NULL)
		saker_figures_print(f, out);
	else
		*ret = saker_figures_compare(f, baseline, out);
	fclose(out);
}

static void
finds_median_and_quartiles_between_values(void **state)
{
	double v[] = { 5, 1, 3, 2, 4 }, even[] = { 4, 1, 3, 2 };
	struct saker_spread s = saker_stats_spread(v, 5);

	(void)state;
	assert_true(near(s.median, 3) && near(s.low, 2) && near(s.high, 4));
	assert_true(near(saker_stats_percent(&s), 100.0 / 3));
	s = saker_stats_spread(even, 4);
	assert_true(near(s.median, 2.5) && near(s.low, 1.75) && near(s.high, 3.25));
	s = saker_stats_spread(even, 1);
	assert_true(near(s.median, 1) && near(s.low, 1) && near(s.high, 1));
	s = saker_stats_spread(NULL, 0);
	assert_true(near(s.median, 0));
	assert_true(near(saker_stats_percent(&s), 0));
}

/* The clock doubles in the middle: the medians differ by 1.5, every ratio is 2. */
static void
takes_ratios_round_by_round(void **state)
{
	const double a[] = { 20, 20, 40, 40, 40 }, b[] = { 10, 10, 20, 20, 20 };
	const double zero[] = { 0, 10, 0, 0, 0 };
	double scratch[5];
	struct saker_spread s = saker_stats_ratio(a, b, 5, scratch);

	(void)state;
	assert_true(near(s.median, 2) && near(s.low, 2) && near(s.high, 2));
	s = saker_stats_ratio(a, zero, 5, scratch);
	assert_true(near(s.median, 2));
}

static void
draws_the_line_past_an_outlier(void **state)
{
	const double x[] = { 64, 128, 256, 512, 1024 };
	double y[5];
	struct saker_line line;

	(void)state;
	for (unsigned int i = 0; i < 5; i++)
		y[i] = 30 + 0.5 * x[i];
	y[3] = 9000;
	line = saker_stats_line(x, y, 5);
	assert_true(near(line.slope, 0.5) && near(line.intercept, 30));
	line = saker_stats_line(x, y, 1);
	assert_true(near(line.slope, 0));
}

static void
prints_ratios_before_cycles(void **state)
{
	struct saker_figures f = { 0 };
	char text[TEXT_LEN] = "";

	(void)state;
	add(&f, "cycles of all", "64", SAKER_FIGURE, 1234);
	add(&f, "cycles of all", "1420", SAKER_FIGURE, 56.78);
	add(&f, "ratio of both", "64", SAKER_RATIO_LOW, 0.53);
	capture(&f, NULL, NULL, text);
	assert_non_null(strstr(text, "ratio of both"));
	assert_true(strstr(text, "ratio of both") < strstr(text, "cycles of all"));
	assert_non_null(strstr(text, "1234 +-1.0%"));
	assert_non_null(strstr(text, "56.8 +-1.0%"));
	assert_non_null(strstr(text, "0.530 +-1.0%"));
	saker_figures_free(&f);
	assert_int_equal(f.n, 0);
}

struct file {
	char name[32];
};

static int
make_file(void **state)
{
	struct file *file = calloc(1, sizeof(*file));
	int fd;

	assert_non_null(file);
	strcpy(file->name, "figures-XXXXXX");
	fd = mkstemp(file->name);
	assert_true(fd >= 0);
	close(fd);
	*state = file;
	return 0;
}

static int
remove_file(void **state)
{
	struct file *file = *state;

	unlink(file->name);
	free(file);
	return 0;
}

static void
save_baseline(const char *name)
{
	struct saker_figures f = { 0 };

	add(&f, "driver", "64", SAKER_RATIO_LOW, 0.5);
	add(&f, "table", "1000000", SAKER_RATIO_HIGH, 4.0);
	add(&f, "cycles", "64", SAKER_FIGURE, 30);
	assert_int_equal(saker_figures_save(&f, circumstances, name), 0);
	saker_figures_free(&f);
}

static void
finds_nothing_worse_in_the_same_figures_and_within_5_percent(void **state)
{
	const struct file *file = *state;
	struct saker_figures f = { 0 };
	char text[TEXT_LEN] = "";
	int ret;

	save_baseline(file->name);
	add(&f, "driver", "64", SAKER_RATIO_LOW, 0.524);
	add(&f, "table", "1000000", SAKER_RATIO_HIGH, 3.82);
	/* Cycles depend on the machine and are not compared. */
	add(&f, "cycles", "64", SAKER_FIGURE, 300);
	capture(&f, file->name, &ret, text);
	assert_int_equal(ret, 0);
	assert_non_null(strstr(text, "0 of 2 ratios"));
	saker_figures_free(&f);
}

static void
names_ratios_that_are_more_than_5_percent_worse(void **state)
{
	const struct file *file = *state;
	struct saker_figures f = { 0 };
	char text[TEXT_LEN] = "";
	int ret;

	save_baseline(file->name);
	add(&f, "driver", "64", SAKER_RATIO_LOW, 0.526);
	add(&f, "table", "1000000", SAKER_RATIO_HIGH, 3.8);
	add(&f, "driver", "128", SAKER_RATIO_LOW, 99);
	capture(&f, file->name, &ret, text);
	assert_int_equal(ret, 2);
	assert_non_null(strstr(text, "worse: driver, 64, saker: 0.526, was 0.500"));
	assert_non_null(strstr(text, "worse: table, 1000000, saker: 3.800, was 4.000"));
	assert_null(strstr(text, "128"));
	saker_figures_free(&f);
}

static void
takes_a_better_ratio_for_no_loss(void **state)
{
	const struct file *file = *state;
	struct saker_figures f = { 0 };
	char text[TEXT_LEN] = "";
	int ret;

	save_baseline(file->name);
	add(&f, "driver", "64", SAKER_RATIO_LOW, 0.2);
	add(&f, "table", "1000000", SAKER_RATIO_HIGH, 9);
	capture(&f, file->name, &ret, text);
	assert_int_equal(ret, 0);
	saker_figures_free(&f);
}

static void
refuses_a_baseline_that_is_absent_damaged_or_of_something_else(void **state)
{
	const struct file *file = *state;
	struct saker_figures f = { 0 };
	char text[TEXT_LEN] = "";
	FILE *damaged;
	int ret;

	add(&f, "another", "64", SAKER_RATIO_LOW, 0.2);
	capture(&f, "no-such-file.json", &ret, text);
	assert_int_equal(ret, -EINVAL);
	save_baseline(file->name);
	capture(&f, file->name, &ret, text);
	assert_int_equal(ret, -EINVAL);
	assert_non_null(strstr(text, "no ratio of this command"));
	damaged = fopen(file->name, "r+");
	assert_non_null(damaged);
	fputs("]", damaged);
	fclose(damaged);
	capture(&f, file->name, &ret, text);
	assert_int_equal(ret, -EINVAL);
	saker_figures_free(&f);
}

static void
says_when_a_file_can_not_be_written(void **state)
{
	struct saker_figures f = { 0 };

	(void)state;
	assert_int_equal(
		saker_figures_save(&f, circumstances, "no-such-directory/figures.json"), -EIO);
}

#define WITH_FILE(test) cmocka_unit_test_setup_teardown(test, make_file, remove_file)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_median_and_quartiles_between_values),
		cmocka_unit_test(takes_ratios_round_by_round),
		cmocka_unit_test(draws_the_line_past_an_outlier),
		cmocka_unit_test(prints_ratios_before_cycles),
		cmocka_unit_test(says_when_a_file_can_not_be_written),
		WITH_FILE(finds_nothing_worse_in_the_same_figures_and_within_5_percent),
		WITH_FILE(names_ratios_that_are_more_than_5_percent_worse),
		WITH_FILE(takes_a_better_ratio_for_no_loss),
		WITH_FILE(refuses_a_baseline_that_is_absent_damaged_or_of_something_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
