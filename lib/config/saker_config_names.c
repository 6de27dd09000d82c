/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <stdlib.h>

#include "saker_config_internal.h"

#define NEAR_MAX 48 /* longer names are not compared */

/** Edit distance of two short texts (Levenshtein), by rows. */
static unsigned int
distance(const char *a, const char *b)
{
	unsigned int row[NEAR_MAX + 1], n = (unsigned int)strlen(b);

	for (unsigned int j = 0; j <= n; j++)
		row[j] = j;
	for (unsigned int i = 0; a[i] != '\0'; i++) {
		unsigned int corner = row[0];

		row[0] = i + 1;
		for (unsigned int j = 0; j < n; j++) {
			unsigned int best = corner + (a[i] != b[j]);

			corner = row[j + 1];
			best = best < corner + 1 ? best : corner + 1;
			row[j + 1] = best < row[j] + 1 ? best : row[j] + 1;
		}
	}
	return row[n];
}

const char *
saker_cfg_nearest(const char *name, const void *list, unsigned int n, size_t step)
{
	const char *best = NULL;
	unsigned int least = (unsigned int)strlen(name) / 3 + 2;

	if (strlen(name) > NEAR_MAX)
		return NULL;
	for (unsigned int i = 0; i < n; i++) {
		const char *known;
		unsigned int d;

		memcpy(&known, (const uint8_t *)list + i * step, sizeof(known));
		if (strlen(known) > NEAR_MAX)
			continue;
		d = distance(name, known);
		if (d < least) {
			least = d;
			best = known;
		}
	}
	return best;
}

static int
by_name(const void *a, const void *b)
{
	const struct saker_cfg_named *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order != 0 ? order : (x->index > y->index) - (x->index < y->index);
}

static int
name_is(const void *key, const void *entry)
{
	return strcmp(key, ((const struct saker_cfg_named *)entry)->name);
}

static void
find_duplicates(struct saker_cfg_reader *r, enum saker_cfg_id id)
{
	const struct saker_cfg_named *names = r->names[id];

	for (unsigned int i = 1; i < r->n_names[id]; i++) {
		if (strcmp(names[i].name, names[i - 1].name) != 0)
			continue;
		saker_cfg_fault(r, &r->objs[id][names[i].index], "name",
			"the name is taken by line %d; choose another",
			saker_cfg_line(&r->objs[id][names[i - 1].index]));
	}
}

void
saker_cfg_index(struct saker_cfg_reader *r, enum saker_cfg_id id)
{
	unsigned int n = 0;
	struct saker_cfg_named *names = calloc(r->n[id] + 1, sizeof(*names));

	if (names == NULL) {
		saker_fault(r->faults, NULL, 0, "%s: out of memory", saker_cfg_sections[id].name);
		return;
	}
	for (unsigned int i = 0; i < r->n[id]; i++) {
		const struct saker_cfg_obj *o = &r->objs[id][i];

		if (saker_cfg_given(o, "name") && saker_cfg_sound(o, "name"))
			names[n++] = (struct saker_cfg_named){ o->p, i };
	}
	qsort(names, n, sizeof(*names), by_name);
	r->names[id] = names;
	r->n_names[id] = n;
	find_duplicates(r, id);
}

int
saker_cfg_find(const struct saker_cfg_reader *r, enum saker_cfg_id id, const char *name)
{
	const struct saker_cfg_named *found;

	if (r->n_names[id] == 0)
		return -1;
	found = bsearch(name, r->names[id], r->n_names[id], sizeof(*found), name_is);
	return found == NULL ? -1 : (int)found->index;
}
