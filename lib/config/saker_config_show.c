/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <inttypes.h>
#include <stdlib.h>

#include "saker_config_internal.h"

#define PATH_ROOM 160

/** A walk over a configuration. */
struct walk {
	const struct saker_config *c;
	void (*fn)(void *arg, const char *path, const char *value, bool is_default);
	void *arg;
};

/** Objects on the way of a walk. */
struct step {
	const struct saker_cfg_section *section;
	const void *object;
	const void *defaults; /**< the same with nothing given */
	char path[PATH_ROOM];
};

static void walk_objects(const struct walk *w, const struct saker_cfg_section *s, const void *owner,
	const char *prefix);

/** A value as the file would spell it. @return malloc()ed, NULL: no memory */
static char *
text_of(const struct walk *w, const struct saker_cfg_field *f, const void *object)
{
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);
	struct saker_cfg_view view = { w->c, f, object };

	if (out == NULL)
		return NULL;
	saker_cfg_types[f->type].show(&view, out);
	fclose(out);
	return text;
}

static bool
is_default(const struct step *s, const struct saker_cfg_field *f, const char *text, const char *def)
{
	char computed[24];

	if ((f->flags & SAKER_F_REQUIRED) != 0)
		return false;
	if (f->computed == NULL)
		return def != NULL && strcmp(text, def) == 0;
	snprintf(computed, sizeof(computed), "%" PRId64, f->computed(s->object));
	return strcmp(text, computed) == 0;
}

static void
walk_field(const struct walk *w, const struct step *s, const struct saker_cfg_field *f)
{
	char path[2 * PATH_ROOM], *text, *def;

	snprintf(path, sizeof(path), "%s.%s", s->path, f->name);
	if (f->type == SAKER_T_OBJECTS) {
		walk_objects(w, f->sub, s->object, path);
		return;
	}
	text = text_of(w, f, s->object);
	def = text_of(w, f, s->defaults);
	if (text != NULL)
		w->fn(w->arg, path, text, is_default(s, f, text, def));
	free(text);
	free(def);
}

static void
walk_object(const struct walk *w, const struct step *s)
{
	for (const struct saker_cfg_field *f = s->section->fields; f->name != NULL; f++)
		if (saker_cfg_applies(s->section, f, s->object))
			walk_field(w, s, f);
}

/** Name the place of object @p i: gateway, ports.clear, trust_groups.g.addresses[0]. */
static void
set_path(struct step *s, const char *prefix, unsigned int i)
{
	if (s->section->max == 0)
		snprintf(s->path, sizeof(s->path), "%s", prefix);
	else if (saker_cfg_field(s->section, "name") == NULL)
		snprintf(s->path, sizeof(s->path), "%s[%u]", prefix, i);
	else
		snprintf(s->path, sizeof(s->path), "%s.%s", prefix, (const char *)s->object);
}

static void
walk_objects(const struct walk *w, const struct saker_cfg_section *section, const void *owner,
	const char *prefix)
{
	struct saker_cfg_reader r = { .c = (struct saker_config *)(uintptr_t)w->c };
	struct step s = { .section = section };
	void *defaults = calloc(1, section->size);
	unsigned int n;
	const uint8_t *p = saker_cfg_objects(section, owner, &n);

	if (defaults == NULL)
		return;
	saker_cfg_defaults(&r, section, defaults);
	s.defaults = defaults;
	for (unsigned int i = 0; i < n; i++) {
		s.object = p + i * section->size;
		set_path(&s, prefix, i);
		walk_object(w, &s);
	}
	saker_cfg_release(section, defaults);
	free(defaults);
}

void
saker_config_walk(const struct saker_config *c,
	void (*fn)(void *arg, const char *path, const char *value, bool is_default), void *arg)
{
	struct walk w = { c, fn, arg };

	for (int id = 0; id < SAKER_SECTIONS; id++)
		walk_objects(&w, &saker_cfg_sections[id], c, saker_cfg_sections[id].name);
}

static void
print_words(const struct saker_cfg_word *words, FILE *out)
{
	const char *mark = "";

	for (; words->word != NULL; words++) {
		fprintf(out, "%s`%s`", mark, words->word);
		mark = ", ";
	}
}

static void
print_type(const struct saker_cfg_field *f, FILE *out)
{
	fputs(saker_cfg_types[f->type].help, out);
	if (f->words != NULL) {
		fputs(": ", out);
		print_words(f->words, out);
	} else if (f->type == SAKER_T_INT) {
		fprintf(out, ", %" PRId64 " to %" PRId64, f->min, f->max);
	} else if (f->type == SAKER_T_HEX || f->type == SAKER_T_HEXES) {
		fprintf(out, ", %" PRId64 " to %" PRId64 " octets", f->min, f->max);
	}
}

static bool
is_quoted(const struct saker_cfg_field *f)
{
	return saker_cfg_types[f->type].shape == SAKER_SHAPE_TEXT || f->type == SAKER_T_PORTS;
}

static void
print_default(const struct saker_cfg_field *f, FILE *out)
{
	const char *quote = is_quoted(f) ? "\"" : "";

	if ((f->flags & SAKER_F_REQUIRED) != 0)
		fputs("required", out);
	else if (f->def_help != NULL)
		fputs(f->def_help, out);
	else if (f->def != NULL)
		fprintf(out, "`%s%s%s`", quote, f->def, quote);
	else
		fputs("none", out);
}

static void
print_field(const struct saker_cfg_field *f, FILE *out)
{
	fprintf(out, "| `%s` | ", f->name);
	print_type(f, out);
	fputs(" | ", out);
	print_default(f, out);
	fprintf(out, " | %s", f->help);
	if (f->formats != NULL) {
		fputs(" Only in format ", out);
		saker_cfg_print_formats(f->formats, out);
		fputc('.', out);
	}
	if (f->only.field != NULL)
		fprintf(out, " Only with `%s = \"%s\"`.", f->only.field, f->only.word);
	if ((f->flags & SAKER_F_RESTART) != 0)
		fputs(" A change needs a restart.", out);
	fputs(" |\n", out);
}

static void
print_rules(const struct saker_cfg_rule *rule, FILE *out)
{
	for (; rule->check != NULL; rule++) {
		if (rule->help == NULL)
			continue;
		fprintf(out, "- %s", rule->help);
		if (rule->formats != NULL) {
			fputs(" (", out);
			saker_cfg_print_formats(rule->formats, out);
			fputc(')', out);
		}
		fputc('\n', out);
	}
}

static void
print_all_rules(const struct saker_cfg_section *s, FILE *out)
{
	if (s->rules == NULL)
		return;
	fputs("\nChecked:\n\n", out);
	print_rules(s->rules, out);
	if (s != &saker_cfg_sections[SAKER_SEC_GROUPS])
		return;
	for (const struct saker_cfg_format_rules *f = saker_cfg_format_rules; f->rules != NULL;
		f++) {
		fprintf(out, "\nChecked in format `%s`:\n\n", saker_cfg_format_name(f->letter));
		print_rules(f->rules, out);
	}
}

static void
print_section(const char *name, const struct saker_cfg_section *s, FILE *out)
{
	fprintf(out,
		"\n### `%s`\n\n%s%s\n\n| name | type | default | meaning |\n|---|---|---|---|\n",
		name, s->help, s->restart ? " A change needs a restart." : "");
	for (const struct saker_cfg_field *f = s->fields; f->name != NULL; f++)
		print_field(f, out);
	print_all_rules(s, out);
	for (const struct saker_cfg_field *f = s->fields; f->name != NULL; f++) {
		char path[PATH_ROOM];

		if (f->sub == NULL)
			continue;
		snprintf(path, sizeof(path), "%s.%s", name, f->name);
		print_section(path, f->sub, out);
	}
}

void
saker_config_print_reference(FILE *out)
{
	for (int id = 0; id < SAKER_SECTIONS; id++)
		print_section(saker_cfg_sections[id].name, &saker_cfg_sections[id], out);
	fputs("\n### The whole file\n\nChecked:\n\n", out);
	for (const struct saker_cfg_whole_rule *w = saker_cfg_whole_rules; w->check != NULL; w++)
		fprintf(out, "- %s\n", w->help);
}
