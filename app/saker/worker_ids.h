/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_WORKER_IDS_H
#define SAKER_WORKER_IDS_H

/**
 * @file
 * Formats without a session id: worker n sends under the n-th source id or SPI from the configured
 * one on. Whether those ids can be this gateway's alone is checked here, once the number of workers
 * is known.
 *
 * Threads: the main lcore only.
 */

#include "gateway.h"

/**
 * Check the ids of a sender whose workers are told apart by them (docs/formats.md, section 1): they
 * fit, are no other engine's by `addresses` and `sources`, and none of them is left out there.
 * @param c the configuration that the sender is of
 * @param faults receives faults, and warnings of lists that look as if ids lack
 * @return 0 or -EINVAL
 */
int saker_worker_ids_check(const struct saker_gateway *g, const struct saker_config *c,
	const struct saker_sender *sender, struct saker_faults *faults);

#endif
