/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_COMMAND_H
#define SAKER_COMMAND_H

/**
 * @file
 * Commands: one row each, which says how it is spelt, what it is for and what runs. Parser,
 * completion, help and the nearest matches are all made from these rows.
 *
 * Threads: the main lcore only.
 */

#include "show.h"

#define SAKER_WORDS 6 /**< most words of a command */

struct saker_command;

/** One command as it was typed. */
struct saker_call {
	const struct saker_command *command;
	struct saker_gateway *gateway;
	struct saker_out out;          /**< json is set if that was the last word */
	const char *word[SAKER_WORDS]; /**< without a final `json`; NULL beyond the last */
};

/** A row. */
struct saker_command {
	/** Literal words, then free words in capitals; what may be left out stands last, in []. */
	const char *syntax;
	const char *help;
	/** @return 0, or -errno: the reason was printed to stderr */
	int (*run)(const struct saker_call *call);
	unsigned int what;             /**< for run: enum saker_clear */
	const struct saker_show *show; /**< for run */
};

/** An area of `help`: the first word of its commands. */
struct saker_area {
	const char *name;
	const char *help;
};

/** control, for every command that no other area holds, show, capture, clear, set; then a NULL
 * name. */
extern const struct saker_area saker_areas[];

/** Names of saker_areas, for completion: separated by '#'. */
extern const char saker_area_names[];

/** Levels of `set log` from the gravest on, for completion: separated by '#'. */
extern const char saker_log_levels[];

/** Area of a command. */
const struct saker_area *saker_command_area(const struct saker_command *c);

/** Every command, one for each of saker_shows included; the last has a NULL syntax. */
const struct saker_command *saker_commands(void);

#endif
