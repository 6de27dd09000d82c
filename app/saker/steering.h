/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_STEERING_H
#define SAKER_STEERING_H

/**
 * @file
 * Chooses the steering driver when ports start for the first time, and runs it.
 *
 * Threads: the main lcore, while no worker runs.
 */

#include "gateway.h"

/**
 * Steer the cipher port's packets to their owners. The first call decides who owns what, for as
 * long as the program runs: replay windows stay where they are. A driver that is refused is told on
 * stderr once, and by `show lcores`; the next one takes its place.
 */
void saker_steering_start(struct saker_gateway *g);

/** Take the rules back. */
void saker_steering_stop(struct saker_gateway *g);

#endif
