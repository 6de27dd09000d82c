/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "saker_config_internal.h"

#define DEPTH   10 /* of included files, as in libconfig */
#define INCLUDE "@include"

/** Where the scanner is. */
struct scan {
	const char *top;  /**< the main file: included ones lie beside it */
	const char *file; /**< this file */
	const char *p;
	int line;
	unsigned int depth;
	struct saker_faults *faults;
	bool *readable; /**< false: libconfig must not see this */
};

static void scan_file(const struct scan *from, const char *file);

/** Go on to @p end, counting lines. */
static void
advance(struct scan *s, const char *end)
{
	for (; s->p < end; s->p++)
		s->line += *s->p == '\n';
}

static const char *
end_of_line(const char *p)
{
	return p + strcspn(p, "\n");
}

static const char *
end_of_comment(const char *p)
{
	const char *end = strstr(p + 2, "*/");

	return end == NULL ? p + strlen(p) : end + 2;
}

static const char *
end_of_string(const char *p)
{
	for (p++; *p != '\0' && *p != '"'; p++)
		if (*p == '\\' && p[1] != '\0')
			p++;
	return *p == '"' ? p + 1 : p;
}

static const char *
end_of_word(const char *p)
{
	while (isalnum((unsigned char)*p) || (*p != '\0' && strchr("_.*-", *p) != NULL))
		p++;
	return p;
}

/** True if libconfig would silently cut this integer to 32 bits, as it did before 1.7. */
static bool
too_wide(const char *p, const char *end)
{
	bool cuts = LIBCONFIG_VER_MAJOR == 1 && LIBCONFIG_VER_MINOR < 7;
	bool hex = p[0] == '0' && (p[1] == 'x' || p[1] == 'X');
	unsigned long long v;
	char *stop;

	errno = 0;
	v = strtoull(p, &stop, hex ? 16 : 10);
	return cuts && stop == end && (errno == ERANGE || v > UINT32_MAX);
}

static const char *
scan_word(struct scan *s)
{
	const char *end = end_of_word(s->p);

	if (isdigit((unsigned char)*s->p) && too_wide(s->p, end))
		saker_fault(s->faults, s->file, s->line,
			"%.*s does not fit into 32 bits; write it with a final L",
			(int)(end - s->p), s->p);
	return end > s->p ? end : s->p + 1;
}

static const char *
scan_include(struct scan *s)
{
	const char *quote = s->p + strlen(INCLUDE), *end;
	char name[1024], *path;

	quote += strspn(quote, " \t");
	end = end_of_string(quote);
	if (*quote != '"' || end - quote < 3 || end - quote > (long)sizeof(name))
		return quote;
	snprintf(name, sizeof(name), "%.*s", (int)(end - quote - 2), quote + 1);
	path = saker_cfg_resolve(s->top, name);
	if (path != NULL && s->depth < DEPTH)
		scan_file(s, path);
	free(path);
	return end;
}

static const char *
scan_token(struct scan *s)
{
	if (*s->p == '#' || strncmp(s->p, "//", 2) == 0)
		return end_of_line(s->p);
	if (strncmp(s->p, "/*", 2) == 0)
		return end_of_comment(s->p);
	if (*s->p == '"')
		return end_of_string(s->p);
	if (strncmp(s->p, INCLUDE, strlen(INCLUDE)) == 0)
		return scan_include(s);
	return scan_word(s);
}

static char *
read_whole(const char *file)
{
	FILE *in = fopen(file, "re");
	char *text = NULL;
	size_t room = 0;

	if (in == NULL)
		return NULL;
	if (getdelim(&text, &room, '\0', in) < 0) {
		free(text);
		text = NULL;
	}
	fclose(in);
	return text;
}

static bool
is_file(const char *file)
{
	struct stat st;

	return stat(file, &st) != 0 || S_ISREG(st.st_mode);
}

static void
scan_file(const struct scan *from, const char *file)
{
	struct scan s = *from;
	char *text;

	if (!is_file(file)) {
		/* libconfig would end the program on a directory */
		saker_fault(s.faults, from->file, from->line, "%s is not a regular file; name one",
			file);
		*s.readable = false;
		return;
	}
	text = read_whole(file);
	if (text == NULL)
		return;
	s.file = file;
	s.p = text;
	s.line = 1;
	s.depth++;
	while (*s.p != '\0')
		advance(&s, scan_token(&s));
	free(text);
}

bool
saker_cfg_scan(const char *file, struct saker_faults *faults)
{
	bool readable = true;
	struct scan s = { .top = file, .faults = faults, .readable = &readable };

	scan_file(&s, file);
	return readable;
}
