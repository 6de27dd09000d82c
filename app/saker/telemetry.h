/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_TELEMETRY_H
#define SAKER_TELEMETRY_H

/**
 * @file
 * Commands of DPDK's telemetry socket: `/saker/NOUN` gives the table of `show NOUN`.
 *
 * Threads: start and stop on the main lcore; replies are made on telemetry's thread, under the
 * lock of the control path.
 */

#include "gateway.h"

/** Register the commands; they answer from @p g until saker_telemetry_stop(). */
void saker_telemetry_start(const struct saker_gateway *g);

/** Answer no more: the gateway is about to go. A reply that is being made is waited for. */
void saker_telemetry_stop(void);

#endif
