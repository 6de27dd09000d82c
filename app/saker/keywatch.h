/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_KEYWATCH_H
#define SAKER_KEYWATCH_H

/**
 * @file
 * Have key files changed? A look at name, inode, size and times; nothing is read.
 *
 * Threads: the main lcore only.
 */

#include <stdbool.h>
#include <sys/stat.h>

#include "saker_config.h"

/** The files of root keys, then those of data keys of groups, as they were last seen. */
struct saker_keywatch {
	unsigned int n, n_keys;
	struct stat *seen; /**< all zero: there is no such file */
};

/** Look at all key files of a configuration. @return 0 or -ENOMEM */
int saker_keywatch_take(struct saker_keywatch *w, const struct saker_config *c);

/** The file of keys that a group was handed, or NULL. */
const char *saker_keywatch_handed(const struct saker_cfg_group *g);

/** True if file @p i is not the same in both, which are of one configuration. */
bool saker_keywatch_differs(
	const struct saker_keywatch *a, const struct saker_keywatch *b, unsigned int i);

/** Free what was seen. */
void saker_keywatch_free(struct saker_keywatch *w);

#endif
