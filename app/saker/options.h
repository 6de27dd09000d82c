/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_OPTIONS_H
#define SAKER_OPTIONS_H

/**
 * @file
 * Options behind `--`. One table drives parsing and `--help`.
 */

#include <stdbool.h>
#include <stdio.h>

/** Exit codes (docs/cli.md). */
enum { SAKER_EXIT_OK = 0, SAKER_EXIT_FAILURE = 1, SAKER_EXIT_USAGE = 2 };

/** What was asked for. Strings point into argv. */
struct saker_options {
	const char *config;
	const char *cmdline_file;
	const char *driver;
	const char *user;
	const char *metrics_file;
	unsigned int stats_period; /**< seconds, 0: off */
	bool interactive, check, drain, version, help;
};

/**
 * Parse the options behind `--`.
 * @param argc,argv argv[0] is the program's name
 * @return 0, or -EINVAL: the reason was printed to stderr
 */
int saker_options_parse(int argc, char **argv, struct saker_options *o);

/** Print usage and every option. */
void saker_options_help(FILE *out);

#endif
