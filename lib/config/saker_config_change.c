/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <errno.h>
#include <stdlib.h>

#include "saker_config_internal.h"

static bool clone_list(const struct saker_cfg_section *s, void *to, const void *from);

/* Octets behind the pointer of a path or a list of source ids. */
static size_t
size_behind(const struct saker_cfg_field *f, const void *object, const void *p)
{
	uint8_t n = 0;

	if (p == NULL)
		return 0;
	if (f->type == SAKER_T_PATH)
		return strlen(p) + 1;
	memcpy(&n, (const uint8_t *)object + f->count_at, sizeof(n));
	return n * sizeof(struct saker_cfg_hex);
}

static bool
clone_field(const struct saker_cfg_field *f, void *to, const void *from)
{
	void *copy = NULL;
	const void *p;
	size_t size;

	if (f->type == SAKER_T_OBJECTS)
		return clone_list(f->sub, to, from);
	if (f->type != SAKER_T_PATH && f->type != SAKER_T_HEXES)
		return true;
	memcpy(&p, (const uint8_t *)from + f->offset, sizeof(p));
	size = size_behind(f, from, p);
	if (size > 0)
		copy = malloc(size);
	if (copy != NULL)
		memcpy(copy, p, size);
	memcpy((uint8_t *)to + f->offset, &copy, sizeof(copy));
	return copy != NULL || size == 0;
}

/* What an object points at is still that of its original: take copies, or nothing. */
static bool
clone_fields(const struct saker_cfg_section *s, void *to, const void *from)
{
	bool good = true;

	for (const struct saker_cfg_field *f = s->fields; f->name != NULL; f++)
		good &= clone_field(f, to, from);
	return good;
}

static bool
clone_list(const struct saker_cfg_section *s, void *to, const void *from)
{
	unsigned int n;
	const uint8_t *old = saker_cfg_objects(s, from, &n);
	uint8_t *copy = calloc(n + 1u, s->size);
	bool good = copy != NULL;

	memcpy((uint8_t *)to + s->list_at, &copy, sizeof(copy));
	if (copy == NULL) {
		memset((uint8_t *)to + s->count_at, 0, sizeof(n));
		return false;
	}
	if (n > 0)
		memcpy(copy, old, n * s->size);
	for (unsigned int i = 0; i < n; i++)
		good &= clone_fields(s, copy + i * s->size, old + i * s->size);
	return good;
}

struct saker_config *
saker_config_clone(const struct saker_config *c)
{
	struct saker_config *to = malloc(sizeof(*to));
	bool good = true;

	if (to == NULL)
		return NULL;
	*to = *c;
	to->file = strdup(c->file);
	for (int id = 0; id < SAKER_SECTIONS; id++) {
		const struct saker_cfg_section *s = &saker_cfg_sections[id];

		good &= s->max == 0 ? clone_fields(s, (uint8_t *)to + s->list_at,
					      (const uint8_t *)c + s->list_at)
				    : clone_list(s, to, c);
	}
	if (good && to->file != NULL)
		return to;
	saker_config_free(to);
	return NULL;
}

static void
exchange(void *a, void *b, size_t n)
{
	uint8_t *x = a, *y = b;

	for (size_t i = 0; i < n; i++) {
		uint8_t t = x[i];

		x[i] = y[i];
		y[i] = t;
	}
}

static void
exchange_section(const struct saker_cfg_section *s, uint8_t *a, uint8_t *b)
{
	if (s->restart) {
		exchange(a + s->list_at, b + s->list_at, sizeof(void *));
		exchange(a + s->count_at, b + s->count_at, sizeof(unsigned int));
		return;
	}
	for (const struct saker_cfg_field *f = s->fields; s->max == 0 && f->name != NULL; f++)
		if ((f->flags & SAKER_F_RESTART) != 0)
			exchange(a + s->list_at + f->offset, b + s->list_at + f->offset, f->size);
}

void
saker_config_exchange_fixed(struct saker_config *next, struct saker_config *running)
{
	for (int id = 0; id < SAKER_SECTIONS; id++)
		exchange_section(&saker_cfg_sections[id], (uint8_t *)next, (uint8_t *)running);
}
