/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_ACCOUNT_H
#define SAKER_ACCOUNT_H

/**
 * @file
 * Whose packets are lost: drops by policy (outbound) and by trust group (inbound). Where a packet
 * was lost before its policy or group was known, only its reason is counted.
 *
 * Threads: the worker that calls.
 */

#include "saker_worker.h"

/** Before the first stage: forget whose packets an earlier burst had. */
void saker_account_begin(struct saker_burst *b, enum saker_direction d);

/** Count the losers of a stage; to be called before they are settled. */
void saker_account_losers(
	struct saker_worker *w, enum saker_direction d, const struct saker_burst *b);

#endif
