/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_OWN_SOURCE_H
#define SAKER_OWN_SOURCE_H

/**
 * @file
 * Shouting about a second gateway that sends under our source id.
 *
 * Threads: one at a time; it holds the lock of the control path if it is not the main lcore.
 */

#include "gateway.h"

/**
 * Warn on stderr of packets that came under our own source ids since the last call. To be called
 * every second.
 * @param last the last call: nothing is put off
 */
void saker_own_source_check(const struct saker_gateway *g, bool last);

/** Packets of a trust group, summed over all workers. */
struct saker_group_count saker_group_sum(const struct saker_gateway *g, unsigned int group);

#endif
