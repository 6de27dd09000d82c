/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_TEST_CONFIG_HELPERS_H
#define SAKER_TEST_CONFIG_HELPERS_H

/**
 * @file
 * Configurations made of text in a directory of the test's own, and what is told of them.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "saker_config.h"

/* libconfig 1.5 loses the string at hand when it meets a syntax error. */
const char *__lsan_default_suppressions(void);
const char *
__lsan_default_suppressions(void)
{
	return "leak:libconfig\n";
}

static char dir[] = P_tmpdir "/saker-config-XXXXXX";
static char file[sizeof(dir) + 16]; /* the configuration that a test makes */

static char *
read_text_file(const char *path)
{
	FILE *in = fopen(path, "r");
	char *text = NULL;
	size_t room = 0;

	assert_non_null(in);
	assert_true(getdelim(&text, &room, '\0', in) > 0);
	fclose(in);
	return text;
}

static void
write_file(const char *path, const char *text, size_t n)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_int_equal(fwrite(text, 1, n, out), n);
	assert_int_equal(fclose(out), 0);
}

/* Replace the one occurrence of a text. (Inlined, gcc 12 takes what it returns for its variable.)
 */
static __attribute__((noinline)) char *
with(const char *text, const char *old, const char *new)
{
	const char *at = strstr(text, old);
	char *changed;

	if (at == NULL)
		fail_msg("not in the base configuration: %s", old);
	if (strstr(at + 1, old) != NULL)
		fail_msg("more than once in the base configuration: %s", old);
	assert_true(
		asprintf(&changed, "%.*s%s%s", (int)(at - text), text, new, at + strlen(old)) > 0);
	return changed;
}

static int
line_at(const char *text, const char *at)
{
	int line = 1;

	assert_non_null(at);
	for (; text < at; text++)
		line += *text == '\n';
	return line;
}

static struct saker_config *
load_text(const char *text, struct saker_faults *faults)
{
	write_file(file, text, strlen(text));
	return saker_config_load(file, faults);
}

/* True if a message begins with that place and has that text. */
static bool
told(const struct saker_faults *faults, int line, const char *says)
{
	char place[sizeof(file) + 16];

	snprintf(place, sizeof(place), "%s:%d: ", file, line);
	for (unsigned int i = 0; i < faults->n; i++)
		if (strncmp(faults->text[i], place, strlen(place)) == 0 &&
			strstr(faults->text[i], says) != NULL)
			return true;
	return false;
}

static void
expect_fault(const char *text, int line, const char *says, unsigned int errors)
{
	struct saker_faults faults = { 0 };
	struct saker_config *c = load_text(text, &faults);
	bool good = c == NULL && told(&faults, line, says) && faults.errors == errors;

	if (!good) {
		saker_faults_print(&faults, stderr);
		fail_msg("expected line %d: %s, and %u faults in all", line, says, errors);
	}
	saker_faults_free(&faults);
}

/* A list of 65 source ids. */
static inline char *
long_list(void)
{
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	assert_non_null(out);
	for (int i = 0; i < SAKER_CFG_LIST + 1; i++)
		fprintf(out, "%s\"0a0000%02x\"", i == 0 ? "[ " : ", ", i);
	fputs(" ]", out);
	fclose(out);
	return text;
}

static struct saker_config *
load_well(const char *path)
{
	struct saker_faults faults = { 0 };
	struct saker_config *c = saker_config_load(path, &faults);

	saker_faults_print(&faults, stderr);
	assert_non_null(c);
	assert_int_equal(faults.n, 0);
	return c;
}

static inline void
load_anything(const char *text, size_t n)
{
	struct saker_faults faults = { 0 };
	struct saker_config *c;

	write_file(file, text, n);
	c = saker_config_load(file, &faults);
	assert_true((c == NULL) == (faults.errors > 0));
	saker_config_free(c);
	saker_faults_free(&faults);
}

static int
make_directory(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(file, sizeof(file), "%s/saker.cfg", dir);
	return 0;
}

static int
remove_directory(void **state)
{
	(void)state;
	unlink(file);
	return rmdir(dir);
}

#endif
