/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_STATS_H
#define SAKER_STATS_H

/**
 * @file
 * The few statistics that a benchmark on a shared machine can stand on: medians and quartiles,
 * medians of ratios taken round by round, and a line through points that ignores outliers.
 *
 * Threads: every function touches only its arguments.
 */

/** A median and the quartiles around it. */
struct saker_spread {
	double median, low, high;
};

/** y = intercept + slope * x. */
struct saker_line {
	double slope, intercept;
};

/** @param v n values; they are sorted. All zero for no values. */
struct saker_spread saker_stats_spread(double *v, unsigned int n);

/**
 * Of a[i] / b[i]: what two things that were measured side by side have to do with each other,
 * however the clock changed between rounds.
 * @param scratch room for n values
 */
struct saker_spread saker_stats_ratio(
	const double *a, const double *b, unsigned int n, double *scratch);

/**
 * Theil-Sen: the median of the slopes between all pairs of points, and of the intercepts.
 * @param n points, at most 64, with at least two different x; else slope 0
 */
struct saker_line saker_stats_line(const double *x, const double *y, unsigned int n);

/** Half the distance of the quartiles, in percent of the median. */
double saker_stats_percent(const struct saker_spread *s);

#endif
