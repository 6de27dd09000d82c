/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef STATE_DIR_H
#define STATE_DIR_H

/**
 * @file
 * A state directory for one test, and a way to break the disk under it.
 */

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "saker_sn_store.h"

#define PATH_SIZE 256

/** Where the state of a test lies. */
struct state_dir {
	char dir[PATH_SIZE];
	char file[PATH_SIZE]; /**< the reservations */
	char temp[PATH_SIZE]; /**< the temporary file: a directory of this name fails all commits */
};

/** @return 0, or -1 */
static inline int
state_dir_make(struct state_dir *d)
{
	strcpy(d->dir, P_tmpdir "/saker-test-XXXXXX");
	if (mkdtemp(d->dir) == NULL)
		return -1;
	snprintf(d->file, PATH_SIZE, "%.200s/%s", d->dir, SAKER_STORE_FILE);
	snprintf(d->temp, PATH_SIZE, "%.200s/%s.tmp", d->dir, SAKER_STORE_FILE);
	return 0;
}

static inline int
state_dir_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/** Remove it with all it holds. */
static inline void
state_dir_remove(const struct state_dir *d)
{
	nftw(d->dir, state_dir_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
