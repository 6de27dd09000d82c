/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "rounds.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_PARTS   32
#define COST_ROUNDS 1000
#define STACK_STEP  (13 * 16)
#define STACK_RANGE 4096

uint64_t
saker_clock_cost(void)
{
	uint64_t least = UINT64_MAX;

	for (unsigned int i = 0; i < COST_ROUNDS; i++) {
		uint64_t since = saker_begin(), took = saker_end() - since;

		least = took < least ? took : least;
	}
	return least;
}

/* Where the stack lies decides some percent, and the length of the command decides where it lies:
 * so it lies elsewhere in every round.
 */
static __attribute__((noinline)) int
run_elsewhere(struct saker_probe *p, double *part, unsigned int round)
{
	volatile char *room = __builtin_alloca(1 + (size_t)round * STACK_STEP % STACK_RANGE);
	int ret = 0;

	room[0] = 0;
	if (!p->cold)
		ret = p->run(p->arg, part);
	return ret == 0 ? p->run(p->arg, part) : ret;
}

static int
run_probe(struct saker_probe *p, unsigned int round, unsigned int rounds)
{
	double part[MAX_PARTS];
	int ret = run_elsewhere(p, part, round);

	for (unsigned int i = 0; i < p->parts && ret == 0; i++)
		saker_samples(p, i, rounds)[round] = part[i];
	return ret;
}

static void
show_progress(const char *label, unsigned int round, unsigned int rounds)
{
	bool last = round == rounds;

	if (isatty(STDERR_FILENO) != 1) {
		if (last)
			fprintf(stderr, "%s\n", label);
		return;
	}
	if (last || round % 16 == 0)
		fprintf(stderr, "\r%-60s %3u %%%s", label, round * 100 / rounds, last ? "\n" : "");
}

int
saker_rounds(struct saker_probe *probes, unsigned int n, unsigned int rounds, const char *label)
{
	int ret = 0;

	for (unsigned int i = 0; i < n; i++) {
		probes[i].samples = calloc((size_t)probes[i].parts * rounds, sizeof(double));
		if (probes[i].samples == NULL || probes[i].parts > MAX_PARTS)
			return -ENOMEM;
	}
	for (unsigned int r = 0; r < rounds && ret == 0; r++) {
		show_progress(label, r, rounds);
		for (unsigned int i = 0; i < n && ret == 0; i++)
			ret = run_probe(&probes[i], r, rounds);
	}
	show_progress(label, rounds, rounds);
	return ret;
}

struct saker_spread
saker_probe_spread(const struct saker_probe *p, unsigned int part, unsigned int rounds)
{
	double *copy = malloc(rounds * sizeof(*copy));
	struct saker_spread s = { 0 };

	if (copy == NULL)
		return s;
	memcpy(copy, saker_samples(p, part, rounds), rounds * sizeof(*copy));
	s = saker_stats_spread(copy, rounds);
	free(copy);
	return s;
}

struct saker_spread
saker_probe_ratio(const struct saker_probe *a, const struct saker_probe *b, unsigned int part,
	unsigned int rounds)
{
	double *scratch = malloc(rounds * sizeof(*scratch));
	struct saker_spread s = { 0 };

	if (scratch == NULL)
		return s;
	s = saker_stats_ratio(
		saker_samples(a, part, rounds), saker_samples(b, part, rounds), rounds, scratch);
	free(scratch);
	return s;
}

void
saker_probes_free(struct saker_probe *probes, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		free(probes[i].samples);
		probes[i].samples = NULL;
	}
}
