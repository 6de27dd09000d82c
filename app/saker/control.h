/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_CONTROL_H
#define SAKER_CONTROL_H

/**
 * @file
 * The lock of the control path. The main lcore alone changes the gateway: it holds the lock while
 * it replaces configuration, keys, snapshot or workers' tables, or frees them. Every other thread
 * that reads them (telemetry, metrics) holds it while it reads. The main lcore reads without.
 *
 * Workers never take it: they are told by the snapshot pointer and quiescence.
 */

/** Take the lock; waits. Not recursive. */
void saker_control_lock(void);

/** Give it back. */
void saker_control_unlock(void);

#endif
