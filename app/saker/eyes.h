/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_EYES_H
#define SAKER_EYES_H

/**
 * @file
 * What looks at a running gateway from outside: telemetry, metrics, captures. All of it begins
 * after the gateway is set up and ends before it is torn down.
 *
 * Threads: the main lcore only.
 */

#include "gateway.h"
#include "options.h"

/** Begin. What can't be had is told on stderr; traffic does not depend on it. */
void saker_eyes_start(struct saker_gateway *g, const struct saker_options *o);

/** End; waits for those who are looking. */
void saker_eyes_stop(struct saker_gateway *g);

#endif
