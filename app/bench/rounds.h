/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_ROUNDS_H
#define SAKER_ROUNDS_H

/**
 * @file
 * Measuring side by side: every round runs every probe once, so that whatever the machine does
 * meanwhile happens to all of them alike.
 *
 * Threads: one set of probes belongs to one thread.
 */

#include <stdint.h>

#include <rte_cycles.h>
#ifdef RTE_ARCH_X86
#include <x86intrin.h>
#endif

#include "figures.h"

/** Begin a measurement: nothing before it may run into it. */
static inline uint64_t
saker_begin(void)
{
#ifdef RTE_ARCH_X86
	uint64_t t;

	_mm_lfence();
	t = __rdtsc();
	_mm_lfence();
	return t;
#else
	return rte_rdtsc_precise();
#endif
}

/** Read the clock once everything before has been done. */
static inline uint64_t
saker_end(void)
{
#ifdef RTE_ARCH_X86
	unsigned int cpu;
	uint64_t t = __rdtscp(&cpu);

	_mm_lfence();
	return t;
#else
	return rte_rdtsc_precise();
#endif
}

/** What saker_begin() and saker_end() take by themselves, in cycles: to be taken off. */
uint64_t saker_clock_cost(void);

/** Something to measure. */
struct saker_probe {
	const char *name;
	/** Run it once and say what each part took. @return 0; else the benchmark ends */
	int (*run)(void *arg, double *part);
	void *arg;
	unsigned int parts;
	bool cold;       /**< no run to warm up before every measurement */
	double *samples; /**< parts * rounds, made by saker_rounds() */
};

/**
 * Run every probe in every round, each after one run to warm up; progress goes to stderr.
 * @param label what stderr says of it
 * @return 0, -ENOMEM, or what a probe returned
 */
int saker_rounds(
	struct saker_probe *probes, unsigned int n, unsigned int rounds, const char *label);

/** The samples of one part, by round. */
static inline double *
saker_samples(const struct saker_probe *p, unsigned int part, unsigned int rounds)
{
	return p->samples + (size_t)part * rounds;
}

/** Median and quartiles of one part. The samples stay in their order. */
struct saker_spread saker_probe_spread(
	const struct saker_probe *p, unsigned int part, unsigned int rounds);

/** Median and quartiles of the ratio of one part of two probes, round by round. */
struct saker_spread saker_probe_ratio(const struct saker_probe *a, const struct saker_probe *b,
	unsigned int part, unsigned int rounds);

/** Free the samples. */
void saker_probes_free(struct saker_probe *probes, unsigned int n);

#endif
