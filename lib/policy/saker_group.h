/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_GROUP_H
#define SAKER_GROUP_H

/**
 * @file
 * From a group's configuration and root keys to its group keys, one for every combination of
 * live root key values that a packet may name.
 *
 * Threads: control thread.
 */

#include "saker_snapshot.h"

/** What building a group needs beside its configuration. */
struct saker_group_env {
	const struct saker_config *config;
	const struct saker_root_set *roots;
	const struct saker_crypto_ops *ops; /**< NULL: only check */
	void *ctx;
	struct saker_faults *faults;
};

/**
 * Build one group.
 * @param g zeroed; on failure call saker_group_free() all the same
 * @return 0, or -EINVAL: faults were added
 */
int saker_group_build(const struct saker_group_env *env, const struct saker_cfg_group *cfg,
	struct saker_group *g);

/** Wipe keys and free what the group points at. */
void saker_group_free(struct saker_group *g);

#endif
