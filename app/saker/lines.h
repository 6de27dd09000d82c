/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_LINES_H
#define SAKER_LINES_H

/**
 * @file
 * SN lines of a regime: one per sender, QoS class and worker, and the keeper that supplies them.
 *
 * Threads: the main lcore only.
 */

#include "regime.h"

/**
 * Give a regime its lines: those that stay, and new ones with a reservation.
 * @return 0, or -EINVAL: faults were added
 */
int saker_lines_build(struct saker_gateway *g, struct saker_regime *r, struct saker_faults *faults);

/**
 * Wait until new lines may send, at most a few seconds: a line without one before it begins once
 * the clock has passed what may have been used of it.
 */
void saker_lines_wait(const struct saker_gateway *g, const struct saker_regime *r);

/** Free the lines of @p r that are gone, and supply them no more. */
void saker_lines_free(
	struct saker_gateway *g, struct saker_regime *r, const struct saker_sweep *sweep);

/** Can every line send at this moment? On a slow disk the keeper may be behind for a while. */
bool saker_lines_ready(const struct saker_regime *r);

/** Wall clock in milliseconds. */
uint64_t saker_unix_ms(void);

#endif
