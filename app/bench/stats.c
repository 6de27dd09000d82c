/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "stats.h"

#include <stdlib.h>

#define MAX_POINTS 64

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Value at a fraction of a sorted list, between its neighbours. */
static double
quantile(const double *v, unsigned int n, double fraction)
{
	double at = fraction * (n - 1);
	unsigned int i = (unsigned int)at;

	if (i + 1 >= n)
		return v[n - 1];
	return v[i] + (at - i) * (v[i + 1] - v[i]);
}

struct saker_spread
saker_stats_spread(double *v, unsigned int n)
{
	if (n == 0)
		return (struct saker_spread){ 0 };
	qsort(v, n, sizeof(*v), by_value);
	return (struct saker_spread){
		.median = quantile(v, n, 0.5),
		.low = quantile(v, n, 0.25),
		.high = quantile(v, n, 0.75),
	};
}

struct saker_spread
saker_stats_ratio(const double *a, const double *b, unsigned int n, double *scratch)
{
	unsigned int used = 0;

	for (unsigned int i = 0; i < n; i++)
		if (b[i] > 0)
			scratch[used++] = a[i] / b[i];
	return saker_stats_spread(scratch, used);
}

struct saker_line
saker_stats_line(const double *x, const double *y, unsigned int n)
{
	double v[MAX_POINTS * (MAX_POINTS - 1) / 2];
	struct saker_line line = { 0 };
	unsigned int used = 0;

	n = n < MAX_POINTS ? n : MAX_POINTS;
	for (unsigned int i = 0; i < n; i++)
		for (unsigned int j = 0; j < i; j++)
			if (x[i] != x[j])
				v[used++] = (y[i] - y[j]) / (x[i] - x[j]);
	line.slope = saker_stats_spread(v, used).median;
	for (unsigned int i = 0; i < n; i++)
		v[i] = y[i] - line.slope * x[i];
	line.intercept = saker_stats_spread(v, n).median;
	return line;
}

double
saker_stats_percent(const struct saker_spread *s)
{
	return s->median == 0 ? 0 : (s->high - s->low) / 2 / s->median * 100;
}
