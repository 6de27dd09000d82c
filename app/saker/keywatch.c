/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "keywatch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void
look(struct stat *at, const char *file)
{
	if (file == NULL || stat(file, at) != 0)
		memset(at, 0, sizeof(*at));
}

const char *
saker_keywatch_handed(const struct saker_cfg_group *g)
{
	return g->keys != NULL ? g->keys : g->data_keys;
}

int
saker_keywatch_take(struct saker_keywatch *w, const struct saker_config *c)
{
	w->n_keys = c->n_root_keys;
	w->n = c->n_root_keys + c->n_groups;
	w->seen = calloc(w->n + 1u, sizeof(*w->seen));
	if (w->seen == NULL) {
		w->n = w->n_keys = 0;
		return -ENOMEM;
	}
	for (unsigned int i = 0; i < c->n_root_keys; i++)
		look(&w->seen[i], c->root_keys[i].file);
	for (unsigned int i = 0; i < c->n_groups; i++)
		look(&w->seen[w->n_keys + i], saker_keywatch_handed(&c->groups[i]));
	return 0;
}

static bool
same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool
saker_keywatch_differs(
	const struct saker_keywatch *a, const struct saker_keywatch *b, unsigned int i)
{
	const struct stat *x = &a->seen[i], *y = &b->seen[i];

	return x->st_dev != y->st_dev || x->st_ino != y->st_ino || x->st_size != y->st_size ||
	       !same_time(&x->st_mtim, &y->st_mtim) || !same_time(&x->st_ctim, &y->st_ctim);
}

void
saker_keywatch_free(struct saker_keywatch *w)
{
	free(w->seen);
	memset(w, 0, sizeof(*w));
}
