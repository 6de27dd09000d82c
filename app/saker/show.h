/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_SHOW_H
#define SAKER_SHOW_H

/**
 * @file
 * What can be looked at. Each function knows nothing of the prompt: the prompt, the exit
 * statistics and tests share them.
 *
 * Threads: the main lcore only.
 */

#include "gateway.h"
#include "report.h"

/** One noun of `show`. Tables end with a NULL name. */
struct saker_show {
	const char *name; /**< one word */
	const char *help;
	void (*show)(const struct saker_gateway *g, struct saker_out *out);
};

/** stats, stages, drops, keys, groups, policies, peers, sessions, config, crypto, lcores,
 * neighbours,
 * metrics, captures, trace. */
extern const struct saker_show saker_shows[];

/** The noun of that name, NULL: there is none. */
const struct saker_show *saker_show_find(const char *name);

/**
 * `show port info|stats|xstats [NAME|all]`.
 * @param what "info", "stats" or "xstats"
 * @param port a name of the configuration, an ethdev device name, an ethdev number, "all" or NULL
 * @return 0, or -ENOENT: no such port
 */
int saker_show_port(
	const struct saker_gateway *g, const char *what, const char *port, struct saker_out *out);

/**
 * `show config diff`: what differs between the configuration in force and the file, and what of it
 * needs a restart.
 * @return 0, or -EINVAL: the file is at fault, the reasons were printed to stderr
 */
int saker_show_diff(const struct saker_gateway *g, struct saker_out *out);

/** What is printed at the end and every `--stats-period`: totals, drops, cycles per stage. */
void saker_show_summary(const struct saker_gateway *g, struct saker_out *out);

#endif
