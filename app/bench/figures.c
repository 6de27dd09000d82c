/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "figures.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define ROW_WIDTH    28
#define COLUMN_WIDTH 22

int
saker_figures_add(struct saker_figures *f, const struct saker_place *place,
	enum saker_figure_kind kind, struct saker_spread v)
{
	struct saker_figure *list = realloc(f->list, (f->n + 1) * sizeof(*list)), *one;

	if (list == NULL)
		return -ENOMEM;
	f->list = list;
	one = &list[f->n];
	*one = (struct saker_figure){
		.table = strdup(place->table),
		.row = strdup(place->row),
		.column = strdup(place->column),
		.unit = strdup(place->unit),
		.kind = kind,
		.v = v,
	};
	f->n++;
	if (one->table == NULL || one->row == NULL || one->column == NULL || one->unit == NULL)
		return -ENOMEM;
	return 0;
}

/* Is the figure the first with this text? Tables, rows and columns appear once each. */
static bool
first_of(const struct saker_figures *f, unsigned int i, size_t field)
{
	for (unsigned int k = 0; k < i; k++)
		if (strcmp(f->list[k].table, f->list[i].table) == 0 &&
			strcmp(*(char **)((char *)&f->list[k] + field),
				*(char **)((char *)&f->list[i] + field)) == 0)
			return false;
	return true;
}

#define FIRST_OF(f, i, field) first_of(f, i, offsetof(struct saker_figure, field))

static const struct saker_figure *
find(const struct saker_figures *f, const struct saker_figure *row,
	const struct saker_figure *column)
{
	for (unsigned int i = 0; i < f->n; i++)
		if (strcmp(f->list[i].table, row->table) == 0 &&
			strcmp(f->list[i].row, row->row) == 0 &&
			strcmp(f->list[i].column, column->column) == 0)
			return &f->list[i];
	return NULL;
}

static void
print_cell(const struct saker_figure *one, FILE *out)
{
	char text[COLUMN_WIDTH + 8] = "";
	int digits;

	if (one != NULL) {
		digits = one->v.median < 10 ? 3 : one->v.median < 1000 ? 1 : 0;
		snprintf(text, sizeof(text), "%.*f +-%.1f%%", digits, one->v.median,
			saker_stats_percent(&one->v));
	}
	fprintf(out, " %*s", COLUMN_WIDTH, text);
}

static bool
same_table(const struct saker_figures *f, unsigned int i, unsigned int k)
{
	return strcmp(f->list[i].table, f->list[k].table) == 0;
}

static void
print_table(const struct saker_figures *f, unsigned int at, FILE *out)
{
	fprintf(out, "\n%s (%s)\n%-*s", f->list[at].table, f->list[at].unit, ROW_WIDTH, "");
	for (unsigned int c = at; c < f->n; c++)
		if (same_table(f, at, c) && FIRST_OF(f, c, column))
			fprintf(out, " %*s", COLUMN_WIDTH, f->list[c].column);
	fprintf(out, "\n");
	for (unsigned int r = at; r < f->n; r++) {
		if (!same_table(f, at, r) || !FIRST_OF(f, r, row))
			continue;
		fprintf(out, "%-*s", ROW_WIDTH, f->list[r].row);
		for (unsigned int c = at; c < f->n; c++)
			if (same_table(f, at, c) && FIRST_OF(f, c, column))
				print_cell(find(f, &f->list[r], &f->list[c]), out);
		fprintf(out, "\n");
	}
}

void
saker_figures_print(const struct saker_figures *f, FILE *out)
{
	for (int ratios = 1; ratios >= 0; ratios--)
		for (unsigned int i = 0; i < f->n; i++)
			if ((f->list[i].kind != SAKER_FIGURE) == ratios && FIRST_OF(f, i, table))
				print_table(f, i, out);
}

void
saker_figures_free(struct saker_figures *f)
{
	for (unsigned int i = 0; i < f->n; i++) {
		free(f->list[i].table);
		free(f->list[i].row);
		free(f->list[i].column);
		free(f->list[i].unit);
	}
	free(f->list);
	memset(f, 0, sizeof(*f));
}
