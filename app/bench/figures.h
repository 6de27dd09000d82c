/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_FIGURES_H
#define SAKER_FIGURES_H

/**
 * @file
 * What a benchmark found out: figures in tables, printed with ratios first, kept as JSON, compared
 * with a baseline.
 *
 * Threads: one list belongs to one thread. Memory: the list owns its texts.
 */

#include <stdbool.h>
#include <stdio.h>

#include "stats.h"

/** What a figure is. Only ratios are compared with a baseline: they outlive a machine. */
enum saker_figure_kind {
	SAKER_FIGURE,    /**< cycles, packets: of this machine */
	SAKER_RATIO_LOW, /**< a ratio, the lower the better */
	SAKER_RATIO_HIGH /**< a ratio, the higher the better */
};

/** Where a figure stands. */
struct saker_place {
	const char *table, *row, *column;
	const char *unit; /**< of the whole table */
};

/** One figure. */
struct saker_figure {
	char *table, *row, *column, *unit;
	enum saker_figure_kind kind;
	struct saker_spread v;
};

/** A growing list of figures. Zero-initialise it. */
struct saker_figures {
	struct saker_figure *list;
	unsigned int n;
};

/** What the figures are of: pairs of name and text, as in "cpu", "AMD EPYC". */
struct saker_circumstance {
	const char *name, *text;
};

/** Add a figure. @return 0 or -ENOMEM */
int saker_figures_add(struct saker_figures *f, const struct saker_place *place,
	enum saker_figure_kind kind, struct saker_spread v);

/** Print every table as a matrix of medians and spreads; tables of ratios come first. */
void saker_figures_print(const struct saker_figures *f, FILE *out);

/**
 * Write a JSON file.
 * @param c the circumstances, ending with a NULL name
 * @return 0, or -EIO
 */
int saker_figures_save(
	const struct saker_figures *f, const struct saker_circumstance *c, const char *file);

/**
 * Name every ratio that is more than 5 % worse than in a baseline file.
 * @param out receives one line per ratio that is worse, and one that counts
 * @return how many there are; -EINVAL if the file can't be read or has no ratio in common
 */
int saker_figures_compare(const struct saker_figures *f, const char *baseline, FILE *out);

/** Forget all figures. */
void saker_figures_free(struct saker_figures *f);

#endif
