/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "report.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct saker_report {
	const char *title;
	const struct saker_column *columns;
	unsigned int n; /**< columns */
	struct saker_cell *cell;
	size_t used, room;
	bool failed; /**< out of memory: cells are missing */
};

unsigned int
saker_utf8_len(const unsigned char *p)
{
	unsigned int n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;

	if (p[0] > 0xf4)
		return 0;
	for (unsigned int i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	/* overlong forms, surrogates, and what lies beyond U+10FFFF */
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
		(p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

static void
json_char(FILE *f, const unsigned char *p, unsigned int n)
{
	static const char plain[] = "\"\\\b\f\n\r\t", named[] = "\"\\bfnrt";
	const char *at = strchr(plain, p[0]);

	if (n == 0)
		fputs("\\ufffd", f);
	else if (at != NULL)
		fprintf(f, "\\%c", named[at - plain]);
	else if (p[0] < 0x20 || p[0] == 0x7f)
		fprintf(f, "\\u%04x", (unsigned int)p[0]);
	else
		fwrite(p, 1, n, f);
}

static void
json_string(FILE *f, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	fputc('"', f);
	while (*p != '\0') {
		unsigned int n = saker_utf8_len(p);

		json_char(f, p, n);
		p += n == 0 ? 1 : n;
	}
	fputc('"', f);
}

static void
json_cell(FILE *f, const struct saker_cell *c)
{
	switch (c->kind) {
	case SAKER_CELL_TEXT:
		json_string(f, c->text);
		break;
	case SAKER_CELL_NUMBER:
	case SAKER_CELL_REAL:
		fputs(c->text, f);
		break;
	case SAKER_CELL_TRUE:
		fputs("true", f);
		break;
	case SAKER_CELL_FALSE:
		fputs("false", f);
		break;
	case SAKER_CELL_NONE:
		fputs("null", f);
		break;
	}
}

static void
print_json(FILE *f, const struct saker_report *r)
{
	fputc('{', f);
	json_string(f, r->title);
	fputs(":[", f);
	for (size_t i = 0; i < r->used; i++) {
		unsigned int col = (unsigned int)(i % r->n);

		fputs(col != 0 ? "," : i != 0 ? ",{" : "{", f);
		json_string(f, r->columns[col].name);
		fputc(':', f);
		json_cell(f, &r->cell[i]);
		if (col == r->n - 1)
			fputc('}', f);
	}
	fputs("]}\n", f);
}

static unsigned int
width(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	unsigned int n = 0;

	for (; *p != '\0'; n++) {
		unsigned int len = saker_utf8_len(p);

		p += len == 0 ? 1 : len;
	}
	return n;
}

/* What a terminal might obey is not passed on. */
static void
text_put(FILE *f, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	while (*p != '\0') {
		unsigned int n = saker_utf8_len(p);

		if (n == 0 || p[0] < 0x20 || p[0] == 0x7f)
			fputc('?', f);
		else
			fwrite(p, 1, n, f);
		p += n == 0 ? 1 : n;
	}
}

static void
text_cell(FILE *f, const struct saker_report *r, unsigned int col, const char *text,
	const unsigned int *widest)
{
	unsigned int pad = widest[col] - width(text);
	bool last = col == r->n - 1, right = r->columns[col].align == 'r';

	if (right)
		fprintf(f, "%*s", (int)pad, "");
	text_put(f, text);
	if (!right && !last)
		fprintf(f, "%*s", (int)pad, "");
	fputs(last ? "\n" : "  ", f);
}

static char *
heading(const struct saker_column *c)
{
	char *text = strdup(c->name);

	for (char *p = text; p != NULL && *p != '\0'; p++)
		if (*p == '_')
			*p = ' ';
	return text;
}

static void
measure(const struct saker_report *r, unsigned int *widest)
{
	for (unsigned int col = 0; col < r->n; col++)
		widest[col] = width(r->columns[col].name);
	for (size_t i = 0; i < r->used; i++) {
		unsigned int w = width(r->cell[i].text);

		if (w > widest[i % r->n])
			widest[i % r->n] = w;
	}
}

static bool
print_text(FILE *f, const struct saker_report *r)
{
	unsigned int *widest = calloc(r->n, sizeof(*widest));

	if (widest == NULL)
		return false;
	measure(r, widest);
	for (unsigned int col = 0; col < r->n; col++) {
		char *text = heading(&r->columns[col]);

		text_cell(f, r, col, text != NULL ? text : r->columns[col].name, widest);
		free(text);
	}
	for (size_t i = 0; i < r->used; i++)
		text_cell(f, r, (unsigned int)(i % r->n), r->cell[i].text, widest);
	free(widest);
	return true;
}

/* The whole table as one text, so that it is written in one piece or not at all. */
static char *
render(const struct saker_report *r, bool json)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	bool ok = true;

	if (f == NULL)
		return NULL;
	if (json)
		print_json(f, r);
	else
		ok = print_text(f, r);
	if (fclose(f) != 0 || !ok) {
		free(text);
		return NULL;
	}
	return text;
}

static bool
make_room(struct saker_report *r)
{
	size_t room = r->room == 0 ? 16 * r->n : 2 * r->room;
	struct saker_cell *cell;

	if (r->used < r->room)
		return true;
	cell = reallocarray(r->cell, room, sizeof(*cell));
	if (cell == NULL)
		return false;
	r->cell = cell;
	r->room = room;
	return true;
}

/* Owns text from here on. */
static void
append(struct saker_report *r, enum saker_cell_kind kind, char *text)
{
	if (r == NULL || text == NULL || !make_room(r)) {
		if (r != NULL)
			r->failed = true;
		free(text);
		return;
	}
	r->cell[r->used++] = (struct saker_cell){ kind, text };
}

static void __attribute__((format(printf, 3, 4)))
append_format(struct saker_report *r, enum saker_cell_kind kind, const char *format, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, format);
	if (vasprintf(&text, format, ap) < 0)
		text = NULL;
	va_end(ap);
	append(r, kind, text);
}

static void
file_write(void *arg, const char *text)
{
	fputs(text, arg);
}

void
saker_out_file(struct saker_out *out, FILE *file, bool json)
{
	*out = (struct saker_out){ .write = file_write, .arg = file, .json = json };
}

static void
write_nothing(void *arg, const char *text)
{
	(void)arg;
	(void)text;
}

void
saker_out_tables(
	struct saker_out *out, void (*table)(void *arg, const struct saker_table *t), void *arg)
{
	/* as in JSON, remarks have no place */
	*out = (struct saker_out){
		.write = write_nothing, .arg = arg, .json = true, .table = table
	};
}

void
saker_out_printf(struct saker_out *out, const char *format, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, format);
	if (vasprintf(&text, format, ap) < 0)
		text = NULL;
	va_end(ap);
	if (text != NULL)
		out->write(out->arg, text);
	free(text);
}

struct saker_report *
saker_report_begin(const char *title, const struct saker_column *columns, unsigned int n)
{
	struct saker_report *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->title = title;
	r->columns = columns;
	r->n = n;
	return r;
}

void
saker_report_text(struct saker_report *r, const char *format, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, format);
	if (vasprintf(&text, format, ap) < 0)
		text = NULL;
	va_end(ap);
	append(r, SAKER_CELL_TEXT, text);
}

void
saker_report_u64(struct saker_report *r, uint64_t v)
{
	append_format(r, SAKER_CELL_NUMBER, "%" PRIu64, v);
}

void
saker_report_real(struct saker_report *r, double v)
{
	if (isfinite(v))
		append_format(r, SAKER_CELL_REAL, "%.1f", v);
	else
		saker_report_none(r);
}

void
saker_report_bool(struct saker_report *r, bool v)
{
	append(r, v ? SAKER_CELL_TRUE : SAKER_CELL_FALSE, strdup(v ? "yes" : "no"));
}

void
saker_report_none(struct saker_report *r)
{
	append(r, SAKER_CELL_NONE, strdup("-"));
}

static void
hand_out(const struct saker_report *r, struct saker_out *out)
{
	const struct saker_table t = {
		.title = r->title,
		.columns = r->columns,
		.n_columns = r->n,
		.n_rows = r->used / r->n,
		.cell = r->cell,
	};

	out->table(out->arg, &t);
}

void
saker_report_end(struct saker_report *r, struct saker_out *out, const char *empty)
{
	char *text = NULL;

	if (r == NULL || r->failed)
		fputs("a table could not be printed: out of memory\n", stderr);
	else if (out->table != NULL)
		hand_out(r, out);
	else if (r->used == 0 && !out->json)
		saker_out_printf(out, "%s\n", empty);
	else
		text = render(r, out->json);
	if (text != NULL)
		out->write(out->arg, text);
	free(text);
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->used; i++)
		free(r->cell[i].text);
	free(r->cell);
	free(r);
}
