/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_METRICS_H
#define SAKER_METRICS_H

/**
 * @file
 * Counters as OpenMetrics text (OpenMetrics 1.0, sections 4 and 5). Every metric is a column of a
 * table that `show` has; one table says which.
 *
 * Threads: the main lcore, or another one that holds the lock of the control path.
 */

#include "show.h"

/**
 * Write all metrics, `# EOF` included.
 * @return 0, or -ENOMEM: @p f holds nothing of use
 */
int saker_metrics_write(const struct saker_gateway *g, FILE *f);

/**
 * Replace a file by the metrics of now: readers see the old or the new one, never half of it.
 * Mode 0644: there are no secrets in it.
 * @param file its directory must be writable: the text is written to FILE.tmp beside it first
 * @return 0 or -errno
 */
int saker_metrics_replace(const struct saker_gateway *g, const char *file);

/** `show metrics`: OpenMetrics text; in JSON a row for every sample. */
void saker_show_metrics(const struct saker_gateway *g, struct saker_out *out);

#endif
