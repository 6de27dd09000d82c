/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <errno.h>
#include <stdlib.h>

#include "saker_config_internal.h"

/** A setting as the file would spell it. */
struct setting {
	char *path, *value;
	bool found; /**< the other side has it too */
};

/** Every setting of one side. */
struct side {
	struct setting *list;
	size_t n, room;
	bool failed;
};

static void
collect(void *arg, const char *path, const char *value, bool is_default)
{
	struct side *s = arg;

	(void)is_default;
	if (s->n == s->room) {
		size_t room = s->room == 0 ? 256 : 2 * s->room;
		struct setting *grown = reallocarray(s->list, room, sizeof(*grown));

		if (grown == NULL) {
			s->failed = true;
			return;
		}
		s->list = grown;
		s->room = room;
	}
	s->list[s->n] = (struct setting){ strdup(path), strdup(value), false };
	s->failed |= s->list[s->n].path == NULL || s->list[s->n].value == NULL;
	s->n++;
}

static void
collect_place(struct side *s, const char *section, const char *name, unsigned int i)
{
	char path[SAKER_NAME_MAX + 32], place[16];

	snprintf(path, sizeof(path), "%s.%s (place)", section, name);
	snprintf(place, sizeof(place), "%u", i);
	collect(s, path, place, false);
}

/* Policies and proxies are tried in their order, so their places are settings too. */
static void
collect_places(struct side *s, const struct saker_config *c)
{
	for (unsigned int i = 0; i < c->n_policies; i++)
		collect_place(s, "policies", c->policies[i].name, i);
	for (unsigned int i = 0; i < c->n_proxies; i++)
		collect_place(s, "proxies", c->proxies[i].name, i);
}

static bool
fill(struct side *s, const struct saker_config *c)
{
	saker_config_walk(c, collect, s);
	collect_places(s, c);
	return !s->failed;
}

static void
release(struct side *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->list[i].path);
		free(s->list[i].value);
	}
	free(s->list);
}

static int
compare(const void *a, const void *b)
{
	const struct setting *const *x = a, *const *y = b;

	return strcmp((*x)->path, (*y)->path);
}

static struct setting **
sort(const struct side *s)
{
	struct setting **by_path = calloc(s->n + 1, sizeof(struct setting *));

	for (size_t i = 0; i < s->n && by_path != NULL; i++)
		by_path[i] = &s->list[i];
	if (by_path != NULL)
		qsort(by_path, s->n, sizeof(struct setting *), compare);
	return by_path;
}

/* ports.clear.mtu, gateway.driver */
static bool
needs_restart(const char *path)
{
	size_t len = strcspn(path, ".");
	const char *last = strrchr(path, '.');

	for (int id = 0; id < SAKER_SECTIONS; id++) {
		const struct saker_cfg_section *s = &saker_cfg_sections[id];
		const struct saker_cfg_field *f;

		if (strlen(s->name) != len || strncmp(s->name, path, len) != 0)
			continue;
		f = last == NULL ? NULL : saker_cfg_field(s, last + 1);
		return s->restart || (f != NULL && (f->flags & SAKER_F_RESTART) != 0);
	}
	return false;
}

/** Two sides and who wants to know. */
struct comparison {
	struct side before, after;
	struct setting **by_path; /**< of the side before */
	void (*fn)(void *arg, const struct saker_config_change *change);
	void *arg;
};

static void
tell(const struct comparison *c, const char *path, const char *before, const char *after)
{
	const struct saker_config_change change = { path, before, after, needs_restart(path) };

	c->fn(c->arg, &change);
}

static void
compare_sides(struct comparison *c)
{
	for (size_t i = 0; i < c->after.n; i++) {
		struct setting *s = &c->after.list[i];
		struct setting **at = bsearch(
			&s, c->by_path, c->before.n, sizeof(struct setting *), compare);

		if (at != NULL)
			(*at)->found = true;
		if (at == NULL || strcmp((*at)->value, s->value) != 0)
			tell(c, s->path, at == NULL ? NULL : (*at)->value, s->value);
	}
	for (size_t i = 0; i < c->before.n; i++)
		if (!c->before.list[i].found)
			tell(c, c->before.list[i].path, c->before.list[i].value, NULL);
}

int
saker_config_diff(const struct saker_config *before, const struct saker_config *after,
	void (*fn)(void *arg, const struct saker_config_change *change), void *arg)
{
	struct comparison c = { .fn = fn, .arg = arg };
	bool good = fill(&c.before, before) && fill(&c.after, after);

	c.by_path = good ? sort(&c.before) : NULL;
	if (c.by_path != NULL)
		compare_sides(&c);
	good = c.by_path != NULL;
	free(c.by_path);
	release(&c.before);
	release(&c.after);
	return good ? 0 : -ENOMEM;
}
