/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_CLASSIFY_H
#define SAKER_CLASSIFY_H

/**
 * @file
 * Policies as an rte_acl classifier; the look-up itself is saker_classify() of saker_snapshot.h.
 *
 * Threads: control thread.
 */

#include "saker_snapshot.h"

/**
 * Build the classifier of one family.
 * @param family 4 or 6
 * @param name unique in the process
 * @param out receives the classifier, or NULL if no policy is of that family
 * @return 0 or -ENOMEM
 */
int saker_classifier_build(
	const struct saker_config *c, uint8_t family, const char *name, struct rte_acl_ctx **out);

#endif
