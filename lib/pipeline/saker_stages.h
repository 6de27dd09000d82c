/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_STAGES_H
#define SAKER_STAGES_H

/**
 * @file
 * The two stage tables, for the worker alone.
 */

#include "saker_worker.h"

/** Clear packets in, protected packets out. */
extern const struct saker_stage saker_outbound_stages[];

/** Indices in that table: where our own packets come in, and fragments of clear packets. */
enum { SAKER_OUTBOUND_PARSE = 0, SAKER_OUTBOUND_ROUTE = 2 };

/** Protected packets in, clear packets out. */
extern const struct saker_stage saker_inbound_stages[];

#endif
