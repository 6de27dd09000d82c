/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_CRYPTO_STAGE_H
#define SAKER_CRYPTO_STAGE_H

/**
 * @file
 * From a burst to crypto batches and back: packets are grouped by suite, KDF input and
 * size, derived and sealed (or opened) in as few driver calls as that takes.
 *
 * Threads: the worker of the burst.
 */

#include "saker_worker.h"

/** Stage: derive and seal. Uses ip, eesp, group, parts, sn, source, session, master, expanded. */
void saker_stage_seal(struct saker_worker *w, struct saker_burst *b);

/** Stage: derive and open. A wrong ICV is dropped as bad_icv. */
void saker_stage_open(struct saker_worker *w, struct saker_burst *b);

#endif
