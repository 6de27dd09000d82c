/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_LCORES_H
#define SAKER_LCORES_H

/**
 * @file
 * Workers: one a worker lcore, each with its queues, SN lines, windows and driver context.
 *
 * Threads: the main lcore only.
 */

#include "gateway.h"

/** Count the worker lcores that EAL has. @return 0, or -EINVAL: a fault was added. */
int saker_lcores_count(struct saker_gateway *g, struct saker_faults *faults);

/** Create the workers; ports and snapshot are there. @return 0, or -EINVAL: faults were added. */
int saker_lcores_init(struct saker_gateway *g, struct saker_faults *faults);

/** Launch the workers. @return 0 or -errno */
int saker_lcores_start(struct saker_gateway *g);

/** Stop the workers and wait for them. */
void saker_lcores_stop(struct saker_gateway *g);

/** Wipe and free the workers. */
void saker_lcores_fini(struct saker_gateway *g);

/** True if no worker has seen a packet for some rounds and no inbox holds one. */
bool saker_lcores_idle(const struct saker_gateway *g);

/** False if a worker has not gone round since the last call: for a watchdog. */
bool saker_lcores_alive(struct saker_gateway *g);

#endif
