/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "keytool.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/random.h>

#define PROGRAM "saker-keytool"

static const struct saker_keytool_command *const commands[] = {
	&saker_keytool_new,
	&saker_keytool_show,
	&saker_keytool_rotate,
	&saker_keytool_derive,
	&saker_keytool_psp,
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

const char *const saker_keytool_generation[SAKER_GENERATIONS] = { "pre", "current", "next" };

__attribute__((format(printf, 1, 0))) static void
say(const char *format, va_list ap)
{
	fprintf(stderr, PROGRAM ": ");
	vfprintf(stderr, format, ap);
	fprintf(stderr, "\n");
}

enum saker_keytool_status
saker_keytool_fail(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say(format, ap);
	va_end(ap);
	return SAKER_KEYTOOL_FAILED;
}

static void
print_usage(const struct saker_keytool_command *c, FILE *out)
{
	fprintf(out, "usage: " PROGRAM " %s %s\n", c->name, c->synopsis);
}

enum saker_keytool_status
saker_keytool_misused(const struct saker_keytool_command *c, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say(format, ap);
	va_end(ap);
	print_usage(c, stderr);
	return SAKER_KEYTOOL_USAGE;
}

static enum saker_keytool_status
print_help(const struct saker_keytool_command *c)
{
	print_usage(c, stdout);
	printf("\n%s.\n\n%s", c->summary, c->help);
	return SAKER_KEYTOOL_OK;
}

enum saker_keytool_status
saker_keytool_other_option(const struct saker_keytool_command *c, int option)
{
	if (option == 'h')
		return print_help(c);
	print_usage(c, stderr);
	return SAKER_KEYTOOL_USAGE;
}

bool
saker_keytool_number(const char *text, uint64_t max, uint64_t *value)
{
	char *end;
	unsigned long long v;

	/* strtoull() would also take a sign and leading space. */
	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	v = strtoull(text, &end, text[1] == 'x' ? 16 : 10);
	if (errno != 0 || *end != '\0' || v > max)
		return false;
	*value = v;
	return true;
}

bool
saker_keytool_random(void *p, size_t n)
{
	/* getrandom(2) gives up to 256 octets whole, once the kernel is seeded. */
	if (n <= 256 && getrandom(p, n, 0) == (ssize_t)n)
		return true;
	saker_keytool_fail("the kernel gave no random octets: %s", strerror(errno));
	return false;
}

bool
saker_keytool_read(const char *path, struct saker_root_values *keys)
{
	struct saker_faults faults = { 0 };
	int rc = saker_keyfile_read(path, keys, &faults);

	saker_faults_print(&faults, stderr);
	saker_faults_free(&faults);
	return rc == 0;
}

uint32_t
saker_keytool_index(const struct saker_root_values *keys, int generation)
{
	return saker_root_index(keys, (unsigned int)generation);
}

void
saker_keytool_print_values(const char *prefix, const struct saker_root_values *keys)
{
	char check[SAKER_CHECK_TEXT];

	printf("%s", prefix);
	for (int g = 0; g < SAKER_GENERATIONS; g++)
		if (keys->live[g])
			printf(" %s: index %u, check value %s.", saker_keytool_generation[g],
				saker_keytool_index(keys, g),
				saker_key_check_text(keys->value[g], check));
	printf("\n");
}

static enum saker_keytool_status
print_overview(FILE *out, enum saker_keytool_status status)
{
	fprintf(out, "usage: " PROGRAM " COMMAND [ARGUMENTS]\n\n");
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-8s %s\n", commands[i]->name, commands[i]->summary);
	fprintf(out,
		"  %-8s Say more about one command\n\n"
		"Exit status: 0 done, 1 failed, 2 command line at fault.\n",
		"help");
	return status;
}

static const struct saker_keytool_command *
find(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	saker_keytool_fail("there is no command \"%s\"; see " PROGRAM " --help", name);
	return NULL;
}

static enum saker_keytool_status
help(int argc, char **argv)
{
	const struct saker_keytool_command *c;

	if (argc < 2)
		return print_overview(stdout, SAKER_KEYTOOL_OK);
	c = find(argv[1]);
	return c == NULL ? SAKER_KEYTOOL_USAGE : print_help(c);
}

static enum saker_keytool_status
run(int argc, char **argv)
{
	const struct saker_keytool_command *c;
	char full_name[64];

	if (strcmp(argv[0], "help") == 0)
		return help(argc, argv);
	c = find(argv[0]);
	if (c == NULL)
		return SAKER_KEYTOOL_USAGE;
	/* getopt_long() begins its own sentences with argv[0]. */
	snprintf(full_name, sizeof(full_name), PROGRAM " %s", c->name);
	argv[0] = full_name;
	optind = 0;
	return c->run(argc, argv);
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	enum saker_keytool_status status;

	switch (getopt_long(argc, argv, "+hV", options, NULL)) {
	case -1:
		status = optind < argc ? run(argc - optind, argv + optind)
				       : print_overview(stderr, SAKER_KEYTOOL_USAGE);
		break;
	case 'h':
		status = print_overview(stdout, SAKER_KEYTOOL_OK);
		break;
	case 'V':
		printf(PROGRAM " " SAKER_VERSION "\n");
		status = SAKER_KEYTOOL_OK;
		break;
	default:
		status = print_overview(stderr, SAKER_KEYTOOL_USAGE);
	}
	if (fflush(stdout) != 0)
		status = saker_keytool_fail("can't write the output: %s", strerror(errno));
	return (int)status;
}
