/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_LIVE_H
#define SAKER_LIVE_H

/**
 * @file
 * Changes while the gateway runs: read, check, build, then swap. On any fault what was in force
 * stays in force, and every reason is printed with file and line.
 *
 * Threads: the main lcore only.
 */

#include "gateway.h"

/**
 * Read the configuration and all key files again.
 * @return 0, or -EINVAL: the reasons were printed to stderr and nothing has changed
 */
int saker_live_reload(struct saker_gateway *g);

/**
 * Step a root key and its file: next becomes current, current pre, and a fresh next is made. A
 * file that is one step ahead already is only loaded.
 * @param name of the root key
 * @return as saker_live_reload()
 */
int saker_live_rotate(struct saker_gateway *g, const char *name);

/**
 * Check a root key file that came from elsewhere, put it in place of the configured one and load
 * it.
 * @return as saker_live_reload()
 */
int saker_live_install(struct saker_gateway *g, const char *name, const char *file);

/**
 * Set the epoch of a group of the counter discipline: forward only.
 * @param epoch a number
 * @return as saker_live_reload()
 */
int saker_live_set_epoch(struct saker_gateway *g, const char *group, const char *epoch);

/**
 * What has become due: a reload that was asked for, root keys that begin to seal, key files that
 * have changed, limits of root keys. Call it often; it does little when there is nothing to do.
 */
void saker_live_poll(struct saker_gateway *g);

/** Ask for a reload. Safe in a signal handler. */
void saker_ask_to_reload(void);

#endif
