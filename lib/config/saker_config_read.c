/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_config_internal.h"

#include <stdarg.h>
#include <stdlib.h>

/** Where a setting is read to. */
struct place {
	struct saker_cfg_reader *r;
	struct saker_cfg_obj *o;
	const struct saker_cfg_field *f;
};

static const char *
kind_of(const config_setting_t *s)
{
	static const char *const names[] = {
		[CONFIG_TYPE_NONE] = "empty",
		[CONFIG_TYPE_GROUP] = "a group { }",
		[CONFIG_TYPE_INT] = "an integer",
		[CONFIG_TYPE_INT64] = "an integer",
		[CONFIG_TYPE_FLOAT] = "a fraction",
		[CONFIG_TYPE_STRING] = "a string",
		[CONFIG_TYPE_BOOL] = "a boolean",
		[CONFIG_TYPE_ARRAY] = "an array [ ]",
		[CONFIG_TYPE_LIST] = "a list ( )",
	};

	return names[config_setting_type(s)];
}

static bool
is_list(const config_setting_t *s)
{
	return config_setting_is_list(s) || config_setting_is_array(s);
}

static bool
is_int(const config_setting_t *s)
{
	int type = config_setting_type(s);

	return type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64;
}

static bool
wrong_type(const struct place *at, const config_setting_t *s)
{
	const char *type = saker_cfg_types[at->f->type].help;

	saker_cfg_fault_at(at->r, s, at->o, "%s is %s; give %s %s", at->f->name, kind_of(s),
		strchr("aeiouE", type[0]) != NULL ? "an" : "a", type);
	return false;
}

static struct saker_cfg_slot
slot_of(const struct place *at)
{
	return (struct saker_cfg_slot){
		.r = at->r,
		.field = at->f,
		.object = at->o->p,
		.at = (uint8_t *)at->o->p + at->f->offset,
	};
}

static bool
read_text(const struct place *at, config_setting_t *s)
{
	struct saker_cfg_slot slot = slot_of(at);
	const char *text = config_setting_get_string(s);

	if (text == NULL)
		return wrong_type(at, s);
	if (saker_cfg_types[at->f->type].take(&slot, text))
		return true;
	saker_cfg_fault_at(at->r, s, at->o, "%s: \"%s\" %s", at->f->name, text, slot.why);
	return false;
}

static bool
read_int(const struct place *at, config_setting_t *s)
{
	struct saker_cfg_slot slot = slot_of(at);
	bool narrow = config_setting_type(s) == CONFIG_TYPE_INT;
	long long v;

	if (!is_int(s))
		return wrong_type(at, s);
	v = config_setting_get_int64(s);
	/* libconfig reads 0xffffffff as -1: before 1.7 always, in 1.8 behind a final L */
	if (v < 0 && v >= INT32_MIN && (at->f->flags & SAKER_F_WIDE) != 0)
		v &= UINT32_MAX;
	if (saker_cfg_take_int(&slot, v))
		return true;
	saker_cfg_fault_at(at->r, s, at->o, "%s: %lld %s%s", at->f->name, v, slot.why,
		narrow && v < 0 && at->f->min >= 0 ? " (above 2147483647 with a final L)" : "");
	return false;
}

static bool
read_bool(const struct place *at, config_setting_t *s)
{
	if (config_setting_type(s) != CONFIG_TYPE_BOOL)
		return wrong_type(at, s);
	*(bool *)((uint8_t *)at->o->p + at->f->offset) = config_setting_get_bool(s) != 0;
	return true;
}

static bool
read_text_or_int(const struct place *at, config_setting_t *s)
{
	struct saker_cfg_slot slot = slot_of(at);
	char text[24];

	if (!is_int(s))
		return read_text(at, s);
	snprintf(text, sizeof(text), "%lld", config_setting_get_int64(s));
	if (saker_cfg_types[at->f->type].take(&slot, text))
		return true;
	saker_cfg_fault_at(at->r, s, at->o, "%s: %s %s", at->f->name, text, slot.why);
	return false;
}

static bool
read_texts(const struct place *at, config_setting_t *s)
{
	int n = config_setting_length(s);
	bool good = true;

	if (!is_list(s))
		return wrong_type(at, s);
	if (n == 0 && (at->f->flags & SAKER_F_NONEMPTY) != 0) {
		saker_cfg_fault_at(at->r, s, at->o,
			"%s is empty; name at least one, or take it out", at->f->name);
		return false;
	}
	for (int i = 0; i < n; i++)
		good &= read_text(at, config_setting_get_elem(s, (unsigned int)i));
	return good;
}

static void fault_in_section(struct saker_cfg_reader *r, const config_setting_t *s,
	const char *format, ...) __attribute__((format(printf, 3, 4)));

/** Add a fault of a section as a whole. */
static void
fault_in_section(struct saker_cfg_reader *r, const config_setting_t *s, const char *format, ...)
{
	const char *file = config_setting_source_file(s);
	char text[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	saker_fault(r->faults, file != NULL ? file : r->c->file, (int)config_setting_source_line(s),
		"%s", text);
}

static void read_object(struct saker_cfg_reader *r, struct saker_cfg_obj *o, unsigned int i);

/** Make room in the owner for the objects of a list. @return their number */
static unsigned int
make_objects(struct saker_cfg_reader *r, const struct saker_cfg_section *section, void *owner,
	config_setting_t *s)
{
	unsigned int n = (unsigned int)config_setting_length(s);
	void *array;

	if (n > section->max) {
		fault_in_section(r, s, "%s: %u entries are too many; give at most %u",
			section->name, n, section->max);
		n = section->max;
	}
	array = calloc(n == 0 ? 1 : n, section->size);
	if (array == NULL) {
		saker_fault(r->faults, NULL, 0, "%s: out of memory", section->name);
		return 0;
	}
	memcpy((uint8_t *)owner + section->list_at, &array, sizeof(array));
	memcpy((uint8_t *)owner + section->count_at, &n, sizeof(n));
	return n;
}

/** Read the objects of a list. @param n receives their number */
static struct saker_cfg_obj *
read_list(struct saker_cfg_reader *r, const struct saker_cfg_obj *like, void *owner,
	config_setting_t *s, unsigned int *n)
{
	struct saker_cfg_obj *objs;
	uint8_t *p;

	*n = make_objects(r, like->section, owner, s);
	objs = calloc(*n == 0 ? 1 : *n, sizeof(*objs));
	if (objs == NULL) {
		saker_fault(r->faults, NULL, 0, "%s: out of memory", like->section->name);
		*n = 0;
		return NULL;
	}
	p = saker_cfg_objects(like->section, owner, n);
	for (unsigned int i = 0; i < *n; i++) {
		objs[i] = *like;
		objs[i].at = config_setting_get_elem(s, i);
		objs[i].p = p + i * like->section->size;
		read_object(r, &objs[i], i);
	}
	return objs;
}

static bool
read_objects(const struct place *at, config_setting_t *s)
{
	struct saker_cfg_obj like = { .section = at->f->sub, .owner = at->o };

	/* libconfig's [ ] can't hold groups, but an empty one is a fair way to write none */
	if (!is_list(s))
		return wrong_type(at, s);
	at->o->kids = read_list(at->r, &like, at->o->p, s, &at->o->n_kids);
	return true;
}

static bool (*const readers[])(const struct place *at, config_setting_t *s) = {
	[SAKER_SHAPE_TEXT] = read_text,
	[SAKER_SHAPE_INT] = read_int,
	[SAKER_SHAPE_BOOL] = read_bool,
	[SAKER_SHAPE_TEXT_OR_INT] = read_text_or_int,
	[SAKER_SHAPE_TEXTS] = read_texts,
	[SAKER_SHAPE_OBJECTS] = read_objects,
};

static unsigned int
count_fields(const struct saker_cfg_section *s)
{
	unsigned int n = 0;

	while (s->fields[n].name != NULL)
		n++;
	return n;
}

static void
unknown_name(struct saker_cfg_reader *r, const struct saker_cfg_obj *o, config_setting_t *s)
{
	const char *name = config_setting_name(s);
	const char *near = saker_cfg_nearest(
		name, o->section->fields, count_fields(o->section), sizeof(struct saker_cfg_field));

	if (near == NULL)
		saker_cfg_fault_at(r, s, o, "%s is not a known name; take it out", name);
	else
		saker_cfg_fault_at(r, s, o, "%s is not a known name; did you mean %s?", name, near);
}

static void
read_setting(struct saker_cfg_reader *r, struct saker_cfg_obj *o, config_setting_t *s)
{
	const struct saker_cfg_field *f = saker_cfg_field(o->section, config_setting_name(s));
	struct place at = { r, o, f };
	uint64_t bit;

	if (f == NULL) {
		unknown_name(r, o, s);
		return;
	}
	bit = 1ULL << (f - o->section->fields);
	o->given |= bit;
	if (!readers[saker_cfg_types[f->type].shape](&at, s))
		o->bad |= bit;
}

static void
label(struct saker_cfg_obj *o, unsigned int i)
{
	const struct saker_cfg_section *s = o->section;
	const config_setting_t *name = saker_cfg_field(s, "name") == NULL
					       ? NULL
					       : config_setting_get_member(o->at, "name");
	const char *text = name == NULL ? NULL : config_setting_get_string(name);

	if (s->max == 0)
		snprintf(o->label, sizeof(o->label), "%s", s->title);
	else if (o->owner != NULL)
		snprintf(o->label, sizeof(o->label), "%.70s, %s #%u", o->owner->label, s->title,
			i + 1);
	else if (text == NULL)
		snprintf(o->label, sizeof(o->label), "%s #%u", s->title, i + 1);
	else
		snprintf(o->label, sizeof(o->label), "%s \"%.40s\"", s->title, text);
}

static void
read_computed(struct saker_cfg_reader *r, struct saker_cfg_obj *o)
{
	for (const struct saker_cfg_field *f = o->section->fields; f->name != NULL; f++) {
		struct place at = { r, o, f };
		struct saker_cfg_slot slot = slot_of(&at);

		if (f->computed != NULL && !saker_cfg_given(o, f->name))
			saker_cfg_take_int(&slot, f->computed(o->p));
	}
}

static void
read_object(struct saker_cfg_reader *r, struct saker_cfg_obj *o, unsigned int i)
{
	const struct saker_cfg_section *s = o->section;
	int line = (int)config_setting_source_line(o->at);

	memcpy((uint8_t *)o->p + s->line_at, &line, sizeof(line));
	if (!saker_cfg_defaults(r, s, o->p))
		saker_fault(r->faults, NULL, 0, "%s: out of memory", s->name);
	snprintf(o->label, sizeof(o->label), "%s #%u", s->title, i + 1);
	if (!config_setting_is_group(o->at)) {
		saker_cfg_fault_at(r, o->at, o, "is %s; give a group { }", kind_of(o->at));
		o->bad = ~0ULL;
		return;
	}
	label(o, i);
	for (int k = 0; k < config_setting_length(o->at); k++)
		read_setting(r, o, config_setting_get_elem(o->at, (unsigned int)k));
	read_computed(r, o);
	if (s->finish != NULL)
		s->finish(o->p);
}

static void
read_single(struct saker_cfg_reader *r, enum saker_cfg_id id, config_setting_t *s)
{
	const struct saker_cfg_section *section = &saker_cfg_sections[id];
	struct saker_cfg_obj *o = calloc(1, sizeof(*o));
	unsigned int n;

	if (o == NULL) {
		saker_fault(r->faults, NULL, 0, "%s: out of memory", section->name);
		return;
	}
	o->section = section;
	o->p = saker_cfg_objects(section, r->c, &n);
	o->at = s;
	r->objs[id] = o;
	r->n[id] = 1;
	if (s != NULL)
		read_object(r, o, 0);
	else if (!saker_cfg_defaults(r, section, o->p))
		saker_fault(r->faults, NULL, 0, "%s: out of memory", section->name);
}

static void
read_section(struct saker_cfg_reader *r, enum saker_cfg_id id)
{
	const struct saker_cfg_section *section = &saker_cfg_sections[id];
	config_setting_t *s = config_setting_get_member(
		config_root_setting(r->file), section->name);
	struct saker_cfg_obj like = { .section = section };

	if (section->max == 0) {
		read_single(r, id, s);
	} else if (s != NULL && !is_list(s)) {
		fault_in_section(
			r, s, "%s is %s; give a list ( ) of groups { }", section->name, kind_of(s));
	} else if (s != NULL) {
		r->objs[id] = read_list(r, &like, r->c, s, &r->n[id]);
		saker_cfg_index(r, id);
	}
}

static void
unknown_section(struct saker_cfg_reader *r, config_setting_t *s)
{
	const char *name = config_setting_name(s);
	const char *near = saker_cfg_nearest(
		name, saker_cfg_sections, SAKER_SECTIONS, sizeof(struct saker_cfg_section));
	fault_in_section(r, s, "%s is not a known section; %s%s%s", name,
		near == NULL ? "take it out" : "did you mean ", near == NULL ? "" : near,
		near == NULL ? "" : "?");
}

static bool
known_section(const char *name)
{
	for (int id = 0; id < SAKER_SECTIONS; id++)
		if (strcmp(saker_cfg_sections[id].name, name) == 0)
			return true;
	return false;
}

void
saker_cfg_read(struct saker_cfg_reader *r)
{
	config_setting_t *root = config_root_setting(r->file);

	for (int i = 0; i < config_setting_length(root); i++) {
		config_setting_t *s = config_setting_get_elem(root, (unsigned int)i);

		if (!known_section(config_setting_name(s)))
			unknown_section(r, s);
	}
	for (int id = 0; id < SAKER_SECTIONS; id++)
		read_section(r, (enum saker_cfg_id)id);
	saker_cfg_finish_proxies(r);
}
