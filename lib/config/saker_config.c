/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include "saker_config_internal.h"

const struct saker_cfg_field *
saker_cfg_field(const struct saker_cfg_section *s, const char *name)
{
	for (const struct saker_cfg_field *f = s->fields; f->name != NULL; f++)
		if (strcmp(f->name, name) == 0)
			return f;
	return NULL;
}

static uint64_t
bit_of(const struct saker_cfg_obj *o, const char *name)
{
	return 1ULL << (saker_cfg_field(o->section, name) - o->section->fields);
}

bool
saker_cfg_given(const struct saker_cfg_obj *o, const char *name)
{
	return (o->given & bit_of(o, name)) != 0;
}

bool
saker_cfg_sound(const struct saker_cfg_obj *o, const char *name)
{
	return (o->bad & bit_of(o, name)) == 0;
}

int
saker_cfg_line(const struct saker_cfg_obj *o)
{
	return o->at == NULL ? 0 : (int)config_setting_source_line(o->at);
}

bool
saker_cfg_applies(
	const struct saker_cfg_section *s, const struct saker_cfg_field *f, const void *object)
{
	const struct saker_cfg_field *on;
	const uint8_t *p;
	int value = 0;

	if (!saker_cfg_in_format(f->formats, object))
		return false;
	if (f->only.field == NULL)
		return true;
	on = saker_cfg_field(s, f->only.field);
	p = (const uint8_t *)object + on->offset;
	memcpy(&value, p, on->size);
	return strcmp(saker_cfg_word(on->words, value), f->only.word) == 0;
}

void *
saker_cfg_objects(const struct saker_cfg_section *s, const void *owner, unsigned int *n)
{
	const uint8_t *p = (const uint8_t *)owner + s->list_at;
	void *array;

	if (s->max == 0) {
		*n = 1;
		return (void *)(uintptr_t)p;
	}
	memcpy(n, (const uint8_t *)owner + s->count_at, sizeof(*n));
	memcpy(&array, p, sizeof(array));
	return array;
}

bool
saker_cfg_defaults(struct saker_cfg_reader *r, const struct saker_cfg_section *s, void *object)
{
	bool good = true;

	for (const struct saker_cfg_field *f = s->fields; f->name != NULL; f++) {
		struct saker_cfg_slot slot = { r, f, object, (uint8_t *)object + f->offset, "" };

		if (f->def != NULL)
			good &= saker_cfg_types[f->type].take(&slot, f->def);
	}
	return good;
}

static void
release_field(const struct saker_cfg_field *f, void *object)
{
	void *p = NULL;
	unsigned int n;

	if (f->type == SAKER_T_OBJECTS) {
		p = saker_cfg_objects(f->sub, object, &n);
		for (unsigned int i = 0; i < n; i++)
			saker_cfg_release(f->sub, (uint8_t *)p + i * f->sub->size);
	} else if (f->type == SAKER_T_PATH || f->type == SAKER_T_HEXES) {
		memcpy(&p, (uint8_t *)object + f->offset, sizeof(p));
	}
	free(p);
}

void
saker_cfg_release(const struct saker_cfg_section *s, void *object)
{
	for (const struct saker_cfg_field *f = s->fields; f->name != NULL; f++)
		release_field(f, object);
}

/** The place and the object, then the sentence. */
struct message {
	const char *file;
	int line;
	char text[1024];
};

static void compose(struct message *m, const config_setting_t *at, const struct saker_cfg_obj *o,
	const char *format, va_list ap) __attribute__((format(printf, 4, 0)));

static void
compose(struct message *m, const config_setting_t *at, const struct saker_cfg_obj *o,
	const char *format, va_list ap)
{
	int n = snprintf(m->text, sizeof(m->text), "%s: ", o->label);

	m->file = at == NULL ? NULL : config_setting_source_file(at);
	m->line = at == NULL ? 0 : (int)config_setting_source_line(at);
	vsnprintf(m->text + n, sizeof(m->text) - (size_t)n, format, ap);
}

static const config_setting_t *
place_of(const struct saker_cfg_obj *o, const char *name)
{
	config_setting_t *s = NULL;

	if (o->at != NULL && name != NULL && config_setting_is_group(o->at))
		s = config_setting_get_member(o->at, name);
	return s != NULL ? s : o->at;
}

void
saker_cfg_fault(struct saker_cfg_reader *r, const struct saker_cfg_obj *o, const char *name,
	const char *format, ...)
{
	struct message m;
	va_list ap;

	va_start(ap, format);
	compose(&m, place_of(o, name), o, format, ap);
	va_end(ap);
	saker_fault(r->faults, m.file != NULL ? m.file : r->c->file, m.line, "%s", m.text);
}

void
saker_cfg_warn(struct saker_cfg_reader *r, const struct saker_cfg_obj *o, const char *name,
	const char *format, ...)
{
	struct message m;
	va_list ap;

	va_start(ap, format);
	compose(&m, place_of(o, name), o, format, ap);
	va_end(ap);
	saker_warning(r->faults, m.file != NULL ? m.file : r->c->file, m.line, "%s", m.text);
}

void
saker_cfg_fault_at(struct saker_cfg_reader *r, const config_setting_t *at,
	const struct saker_cfg_obj *o, const char *format, ...)
{
	struct message m;
	va_list ap;

	va_start(ap, format);
	compose(&m, at, o, format, ap);
	va_end(ap);
	saker_fault(r->faults, m.file != NULL ? m.file : r->c->file, m.line, "%s", m.text);
}

static void
set_include_dir(config_t *file, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir;

	if (slash == NULL)
		return;
	dir = strndup(path, (size_t)(slash - path) + 1);
	if (dir != NULL)
		config_set_include_dir(file, dir);
	free(dir);
}

/** Let libconfig read the file. */
static bool
parse(config_t *file, const char *path, struct saker_faults *faults)
{
	const char *where;

	if (!saker_cfg_scan(path, faults))
		return false;
	set_include_dir(file, path);
	errno = 0;
	if (config_read_file(file, path) == CONFIG_TRUE)
		return true;
	if (config_error_type(file) == CONFIG_ERR_FILE_IO) {
		saker_fault(faults, path, 0, "the configuration can't be read: %s",
			errno != 0 ? strerror(errno) : config_error_text(file));
		return false;
	}
	where = config_error_file(file);
	saker_fault(faults, where != NULL ? where : path, config_error_line(file),
		"%s; look at the end of the line before, too", config_error_text(file));
	return false;
}

static void
free_reader(struct saker_cfg_reader *r)
{
	for (int id = 0; id < SAKER_SECTIONS; id++) {
		for (unsigned int i = 0; i < r->n[id]; i++)
			free(r->objs[id][i].kids);
		free(r->objs[id]);
		free(r->names[id]);
	}
	free(r->selectors);
	free(r->users);
}

static bool
load(struct saker_config *c, struct saker_faults *faults)
{
	unsigned int before = faults->errors;
	config_t file;
	struct saker_cfg_reader r = { .c = c, .faults = faults, .file = &file };

	config_init(&file);
	if (parse(&file, c->file, faults)) {
		saker_cfg_read(&r);
		saker_cfg_check(&r);
	}
	free_reader(&r);
	config_destroy(&file);
	return faults->errors == before;
}

struct saker_config *
saker_config_load(const char *file, struct saker_faults *faults)
{
	struct saker_config *c = calloc(1, sizeof(*c));

	if (c == NULL || (c->file = strdup(file)) == NULL) {
		saker_fault(faults, file, 0, "out of memory");
		free(c);
		return NULL;
	}
	if (!load(c, faults)) {
		saker_config_free(c);
		return NULL;
	}
	return c;
}

void
saker_config_free(struct saker_config *c)
{
	if (c == NULL)
		return;
	for (int id = 0; id < SAKER_SECTIONS; id++) {
		const struct saker_cfg_section *s = &saker_cfg_sections[id];
		unsigned int n;
		uint8_t *p = saker_cfg_objects(s, c, &n);

		for (unsigned int i = 0; i < n; i++)
			saker_cfg_release(s, p + i * s->size);
		if (s->max != 0)
			free(p);
	}
	free(c->file);
	free(c);
}
