/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_LINK_STAGE_H
#define SAKER_LINK_STAGE_H

/**
 * @file
 * The first stage of both directions: frames that are not the port's are dropped; ARP, neighbour
 * discovery and ping for the port's own addresses are answered in place; the rest goes on as it
 * is.
 *
 * Threads: the worker alone.
 */

#include "saker_worker.h"

/** Stage: frames of the clear port. */
void saker_stage_link_clear(struct saker_worker *w, struct saker_burst *b);

/** Stage: frames of the cipher port; packets that were handed over have passed it. */
void saker_stage_link_cipher(struct saker_worker *w, struct saker_burst *b);

#endif
