/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_NEIGHBOURS_H
#define SAKER_NEIGHBOURS_H

/**
 * @file
 * The ports as stations of their links: what workers need to answer and to find next hops, and the
 * thread that asks for neighbours.
 *
 * Threads: the main lcore only; the thread that saker_neighbours_start() makes touches nothing but
 * the table, packet buffers and the outbox of the first worker.
 */

#include "gateway.h"

/** Give the workers their links and the table of neighbours; ports and workers are there.
 * @return 0, or -EINVAL: faults were added
 */
int saker_neighbours_init(struct saker_gateway *g, struct saker_faults *faults);

/** Start the thread and announce own addresses; workers start next. @return 0 or -errno */
int saker_neighbours_start(struct saker_gateway *g);

/** Stop the thread. Nothing happens if there is none. */
void saker_neighbours_stop(struct saker_gateway *g);

/** Forget every neighbour. */
void saker_neighbours_clear(struct saker_gateway *g);

/** Free everything; the workers do not run. */
void saker_neighbours_fini(struct saker_gateway *g);

/** Visit every neighbour. */
void saker_neighbours_walk(const struct saker_gateway *g,
	void (*fn)(void *arg, const struct saker_neigh_view *v), void *arg);

/** Name of the port of a link, by struct saker_neigh_view.link. */
const char *saker_neighbours_port(const struct saker_gateway *g, unsigned int link);

/** True if a port takes frames for any Ethernet address. */
bool saker_port_takes_all(const struct saker_port *p);

#endif
