/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_DERIVE_H
#define SAKER_DERIVE_H

/**
 * @file
 * What the key derivation costs by itself. A part of the command `crypto`.
 *
 * Threads: the main thread only.
 */

#include "bench.h"

/** What to measure. */
struct saker_derive_plan {
	const struct saker_bench_driver *drivers;
	unsigned int n;
	enum saker_suite suite;
	const char *suite_name;
	uint16_t burst;
	unsigned int rounds;
};

/** Measure every driver's derivation and add figures. @return 0 or -errno */
int saker_bench_derive(const struct saker_derive_plan *plan, struct saker_figures *f);

#endif
