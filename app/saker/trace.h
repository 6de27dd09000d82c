/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_TRACE_CTL_H
#define SAKER_TRACE_CTL_H

/**
 * @file
 * `trace N` and what it has seen.
 *
 * Threads: the main lcore only.
 */

#include "show.h"

/**
 * Trace the next packets; an earlier trace is forgotten.
 * @param count how many, in digits; 0 ends a trace
 * @return 0 or -errno: the reason was printed to stderr
 */
int saker_trace_arm(struct saker_gateway *g, const char *count);

/** Forget a trace. No worker runs any more. */
void saker_trace_fini(struct saker_gateway *g);

/** `show trace`: packets of the last trace, in the order in which they came. */
void saker_show_trace(const struct saker_gateway *g, struct saker_out *out);

#endif
