/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_faults.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static char *message(const char *file, int line, const char *kind, const char *format, va_list ap)
	__attribute__((format(printf, 4, 0)));

static char *
message(const char *file, int line, const char *kind, const char *format, va_list ap)
{
	char where[512] = "", what[1024], *text = NULL;

	if (file != NULL && line > 0)
		snprintf(where, sizeof(where), "%s:%d: ", file, line);
	else if (file != NULL)
		snprintf(where, sizeof(where), "%s: ", file);
	vsnprintf(what, sizeof(what), format, ap);
	if (asprintf(&text, "%s%s%s", where, kind, what) < 0)
		return NULL;
	return text;
}

static void
append(struct saker_faults *f, char *text)
{
	char **grown = realloc(f->text, (f->n + 1) * sizeof(*grown));

	if (grown == NULL || text == NULL) {
		free(text);
		if (grown != NULL)
			f->text = grown;
		return;
	}
	f->text = grown;
	f->text[f->n++] = text;
}

void
saker_fault(struct saker_faults *f, const char *file, int line, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	append(f, message(file, line, "", format, ap));
	va_end(ap);
	f->errors++;
}

void
saker_warning(struct saker_faults *f, const char *file, int line, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	append(f, message(file, line, "warning: ", format, ap));
	va_end(ap);
}

void
saker_faults_print(const struct saker_faults *f, FILE *out)
{
	for (unsigned int i = 0; i < f->n; i++)
		fprintf(out, "%s\n", f->text[i]);
}

void
saker_faults_free(struct saker_faults *f)
{
	for (unsigned int i = 0; i < f->n; i++)
		free(f->text[i]);
	free(f->text);
	memset(f, 0, sizeof(*f));
}
