/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_BENCH_H
#define SAKER_BENCH_H

/**
 * @file
 * What the commands of saker-bench have in common: their options, and how they are called.
 *
 * Threads: the main thread only.
 */

#include <stdint.h>

#include "figures.h"
#include "saker_crypto.h"

#define SAKER_BENCH_LIST    32 /**< most entries of a list option */
#define SAKER_BENCH_DRIVERS 8  /**< most crypto drivers side by side */
#define SAKER_BENCH_KEYS    32 /**< data keys of the cases that keep keys */

/** Numbers of an option such as `--sizes 64,1420`. */
struct saker_list {
	unsigned int n;
	uint64_t v[SAKER_BENCH_LIST];
};

/** What was asked for. Strings point into argv. */
struct saker_bench_options {
	const char *driver;    /**< NULL: all that are ready; `path` and others: the best */
	const char *cpu;       /**< most that drivers may use of the processor; NULL: all */
	const char *suite;     /**< NULL: both, or the default */
	const char *direction; /**< out, in or both */
	const char *variant;
	const char *json, *compare, *machine;
	struct saker_list sizes, batch, groups, sources, sessions;
	uint64_t aad; /**< octets; 0: what format E has */
	uint64_t max, workers, rounds, seconds;
	bool quick, no_replay, help;
};

/** A subcommand. */
struct saker_bench_command {
	const char *name, *help;
	bool eal; /**< needs EAL */
	/** Huge page memory that it needs, in MB, with these options. */
	unsigned int (*memory_mb)(const struct saker_bench_options *o);
	/** Measure and add figures. @return 0 or -errno: the reason was printed to stderr */
	int (*run)(const struct saker_bench_options *o, struct saker_figures *f);
};

extern const struct saker_bench_command saker_bench_crypto, saker_bench_path, saker_bench_scale,
	saker_bench_cores, saker_bench_replay, saker_bench_setup;

/** Parse what stands behind the command. @return 0, or -EINVAL: the reason was printed. */
int saker_bench_parse(int argc, char **argv, struct saker_bench_options *o);

/** Print every option. */
void saker_bench_options_help(FILE *out);

/** The list that was given, or these @p n values. */
const struct saker_list *saker_list_or(
	const struct saker_list *given, struct saker_list *room, const uint64_t *v, unsigned int n);

/** The suites to measure. @return how many; 0: there is no such suite, which was printed */
unsigned int saker_bench_suites(const char *name, enum saker_suite suites[2]);

/** A crypto driver and what is needed to call it. */
struct saker_bench_driver {
	const struct saker_crypto_ops *ops;
	void *ctx;
	struct saker_master *master;
	struct saker_expanded_key *expanded; /**< SAKER_BENCH_KEYS of them */
};

/** Name of the driver to use: the named one, or the best. @return NULL: the reason was printed */
const char *saker_bench_choose(const char *name);

/**
 * Make drivers ready: the named one, or all that pass their known answers.
 * @param suite of the expanded keys
 * @return how many; 0: none, and the reason was printed
 */
unsigned int saker_bench_drivers_open(
	const char *name, enum saker_suite suite, struct saker_bench_driver *d);

/** Wipe and free. */
void saker_bench_drivers_close(struct saker_bench_driver *d, unsigned int n);

/** Octets of AAD of format E with variant source-id in tunnel mode. */
uint16_t saker_bench_aad_len(void);

/** Print one sentence about what went wrong. @return @p ret */
int saker_bench_fail(int ret, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
