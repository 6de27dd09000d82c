/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "figures.h"

#include <errno.h>
#include <string.h>

#include <jansson.h>

#define WORSE 1.05 /* beyond this, a change is not noise */

static const char *const kinds[] = {
	[SAKER_FIGURE] = "figure",
	[SAKER_RATIO_LOW] = "ratio, lower is better",
	[SAKER_RATIO_HIGH] = "ratio, higher is better",
};

static json_t *
pack_figure(const struct saker_figure *one)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:f, s:f, s:f}", "table", one->table, "row",
		one->row, "column", one->column, "unit", one->unit, "kind", kinds[one->kind],
		"median", one->v.median, "low", one->v.low, "high", one->v.high);
}

int
saker_figures_save(
	const struct saker_figures *f, const struct saker_circumstance *c, const char *file)
{
	json_t *root = json_object(), *list = json_array();
	int ret = 0;

	for (; c->name != NULL; c++)
		ret |= json_object_set_new(root, c->name, json_string(c->text));
	for (unsigned int i = 0; i < f->n; i++)
		ret |= json_array_append_new(list, pack_figure(&f->list[i]));
	ret |= json_object_set_new(root, "figures", list);
	if (ret == 0)
		ret = json_dump_file(root, file, JSON_INDENT(1) | JSON_REAL_PRECISION(5));
	json_decref(root);
	return ret == 0 ? 0 : -EIO;
}

static bool
is_of(const json_t *object, const char *name, const char *text)
{
	const char *found = json_string_value(json_object_get(object, name));

	return found != NULL && strcmp(found, text) == 0;
}

/* Median of the same ratio in the baseline; 0: there is none. */
static double
find_median(const json_t *list, const struct saker_figure *one)
{
	const json_t *old;
	size_t i;

	json_array_foreach(list, i, old)
	{
		if (is_of(old, "table", one->table) && is_of(old, "row", one->row) &&
			is_of(old, "column", one->column) && is_of(old, "kind", kinds[one->kind]))
			return json_number_value(json_object_get(old, "median"));
	}
	return 0;
}

static bool
is_worse(const struct saker_figure *one, double old)
{
	if (one->kind == SAKER_RATIO_LOW)
		return one->v.median > old * WORSE;
	return one->v.median * WORSE < old;
}

static int
compare_all(const struct saker_figures *f, const json_t *list, FILE *out)
{
	int worse = 0, common = 0;

	for (unsigned int i = 0; i < f->n; i++) {
		const struct saker_figure *one = &f->list[i];
		double old = one->kind == SAKER_FIGURE ? 0 : find_median(list, one);

		if (old <= 0)
			continue;
		common++;
		if (!is_worse(one, old))
			continue;
		worse++;
		fprintf(out, "worse: %s, %s, %s: %.3f, was %.3f\n", one->table, one->row,
			one->column, one->v.median, old);
	}
	fprintf(out, "%d of %d ratios are more than 5 %% worse than the baseline\n", worse, common);
	return common == 0 ? -EINVAL : worse;
}

int
saker_figures_compare(const struct saker_figures *f, const char *baseline, FILE *out)
{
	json_error_t error;
	json_t *root = json_load_file(baseline, 0, &error);
	int ret;

	if (root == NULL) {
		fprintf(out, "%s: line %d: %s\n", baseline, error.line, error.text);
		return -EINVAL;
	}
	ret = compare_all(f, json_object_get(root, "figures"), out);
	if (ret == -EINVAL)
		fprintf(out, "%s: has no ratio of this command; make one with --json\n", baseline);
	json_decref(root);
	return ret;
}
