/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_OWN_WATCH_H
#define SAKER_OWN_WATCH_H

/**
 * @file
 * Packets that verify and name our own source (stateless profile section 4: one engine, one SN
 * line). Where the SN is none that this gateway has used, another engine sends under its id, and
 * nonces repeat. Where it is one, the packet may be our own, reflected. Both are counted and
 * neither is dropped here: replay window and policies decide.
 *
 * Threads: the worker that calls. It reads what other workers publish of their SN lines.
 */

#include "saker_worker.h"

/** Look at all packets of an inbound burst; after the ICV is known to be right. */
void saker_own_watch(struct saker_worker *w, const struct saker_burst *b);

#endif
