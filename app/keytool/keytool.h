/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_KEYTOOL_H
#define SAKER_KEYTOOL_H

/**
 * @file
 * The commands of saker-keytool, and what they have in common.
 *
 * Threads: one.
 */

#include <stdbool.h>
#include <stdint.h>

#include "saker_keyfile.h"

/** Exit status of a command. */
enum saker_keytool_status { SAKER_KEYTOOL_OK, SAKER_KEYTOOL_FAILED, SAKER_KEYTOOL_USAGE };

/** One command: name, synopsis of its arguments, one line about it, the rest of its help. */
struct saker_keytool_command {
	const char *name, *synopsis, *summary, *help;
	/** argv[0] is the command's full name; optind stands at 0. */
	enum saker_keytool_status (*run)(int argc, char **argv);
};

extern const struct saker_keytool_command saker_keytool_new;
extern const struct saker_keytool_command saker_keytool_show;
extern const struct saker_keytool_command saker_keytool_rotate;
extern const struct saker_keytool_command saker_keytool_derive;
extern const struct saker_keytool_command saker_keytool_psp;

/** Say one sentence on stderr. @return SAKER_KEYTOOL_FAILED. */
enum saker_keytool_status saker_keytool_fail(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/** The same for a command line at fault, and how to use the command. @return _USAGE. */
enum saker_keytool_status saker_keytool_misused(const struct saker_keytool_command *c,
	const char *format, ...) __attribute__((format(printf, 2, 3)));

/**
 * What to do with an option that a command has no use for itself: help for 'h', else usage.
 * @param option as getopt_long() gave it, which has already named an option it does not know
 */
enum saker_keytool_status saker_keytool_other_option(
	const struct saker_keytool_command *c, int option);

/** Read a whole number, decimal or after 0x hexadecimal. @return false if it is none up to max. */
bool saker_keytool_number(const char *text, uint64_t max, uint64_t *value);

/** Fill with random octets of the kernel. @return false: said on stderr. */
bool saker_keytool_random(void *p, size_t n);

/** Read a root key file. @return false: faults were said on stderr. */
bool saker_keytool_read(const char *path, struct saker_root_values *keys);

/** "index 7, check value 0123abcd" of each live generation, on one line. */
void saker_keytool_print_values(const char *prefix, const struct saker_root_values *keys);

/** Names of generations, as the files have them. */
extern const char *const saker_keytool_generation[SAKER_GENERATIONS];

/** Index of a generation. */
uint32_t saker_keytool_index(const struct saker_root_values *keys, int generation);

#endif
