/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/*
 * saker-bench replay: what the replay window costs a packet, look-up and update, by sources and
 * by order of arrival.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_memory.h>

#include "bench.h"
#include "rounds.h"
#include "saker_bytes.h"
#include "saker_replay.h"

#define BURST     32
#define REPEAT    16
#define ROUNDS    81
#define WINDOW    1024
#define SHUFFLED  64 /* how far packets are out of order */
#define MAX       1000000
#define RUN       1000
#define TABLE_LEN 64

/* One number of sources, one order. */
struct trial {
	struct saker_replay_table *table;
	bool shuffled;
	uint64_t sources, random;
	uint32_t *seen; /* packets of each source so far */
	uint64_t clock_cost;
	struct saker_replay_key key[REPEAT][BURST];
	struct saker_sn_place place[REPEAT][BURST];
};

/* SNs of a source: one after the other, or each block of 64 in a fixed disorder. */
static uint64_t
next_bit(struct trial *t, uint64_t source)
{
	uint64_t n = t->seen[source]++;

	return 1 + (t->shuffled ? (n & ~(SHUFFLED - 1ull)) | (n * 37 & (SHUFFLED - 1)) : n);
}

static void
draw_packets(struct trial *t)
{
	for (unsigned int i = 0; i < REPEAT * BURST; i++) {
		struct saker_replay_key *key = &t->key[i / BURST][i % BURST];
		uint64_t source;

		t->random ^= t->random << 13;
		t->random ^= t->random >> 7;
		t->random ^= t->random << 17;
		source = (uint64_t)((unsigned __int128)t->random * t->sources >> 64);
		saker_store_be64(key->source, source + 1);
		t->place[i / BURST][i % BURST] = (struct saker_sn_place){ .run = RUN,
			.bit = next_bit(t, source) };
	}
}

static unsigned int
pass_burst(struct trial *t, unsigned int k)
{
	const struct saker_replay_key *key = t->key[k];
	const struct saker_sn_place *place = t->place[k];
	uint8_t why[BURST];
	int32_t entry[BURST];
	unsigned int good = 0;

	saker_replay_peek(t->table, key, place, entry, why, BURST);
	for (unsigned int i = 0; i < BURST; i++)
		good += why[i] == SAKER_OK &&
			saker_replay_accept(t->table, &key[i], &place[i], entry[i]) == SAKER_OK;
	return good;
}

static int
run_trial(void *arg, double *part)
{
	struct trial *t = arg;
	unsigned int good = 0;
	uint64_t since;

	draw_packets(t);
	since = saker_begin();
	for (unsigned int k = 0; k < REPEAT; k++)
		good += pass_burst(t, k);
	*part = (double)(saker_end() - since - t->clock_cost) / (REPEAT * BURST);
	return good == REPEAT * BURST ? 0 : saker_bench_fail(-EIO, "a fresh packet was refused");
}

/* Every source has sent before: entries are not to be made while the clock runs. */
static int
introduce(struct trial *t)
{
	struct saker_replay_key key = { 0 };
	struct saker_sn_place place = { .run = RUN, .bit = 0 };

	for (uint64_t i = 0; i < t->sources; i++) {
		saker_store_be64(key.source, i + 1);
		if (saker_replay_accept(t->table, &key, &place, -1) != SAKER_OK)
			return saker_bench_fail(-ENOMEM, "the replay table is full too early");
	}
	return 0;
}

static int
open_trial(struct trial *t, uint64_t sources, bool shuffled)
{
	t->shuffled = shuffled;
	t->sources = sources;
	t->random = 88172645463325252u;
	t->clock_cost = saker_clock_cost();
	t->seen = calloc(sources, sizeof(*t->seen));
	t->table = saker_replay_create("saker-bench", (uint32_t)sources, WINDOW, SOCKET_ID_ANY);
	if (t->seen == NULL || t->table == NULL)
		return saker_bench_fail(
			-ENOMEM, "no memory for %" PRIu64 " sources; lower --max", sources);
	return introduce(t);
}

static void
close_trial(struct trial *t)
{
	saker_replay_free(t->table);
	free(t->seen);
	free(t);
}

static int
add_figures(const struct saker_probe *probes, unsigned int rounds, uint64_t sources,
	struct saker_figures *f)
{
	char row[24];
	struct saker_place place = {
		.table = "replay window", .row = row, .unit = "TSC cycles a packet, by sources"
	};
	int ret = 0;

	snprintf(row, sizeof(row), "%" PRIu64, sources);
	for (unsigned int i = 0; i < 2 && ret == 0; i++) {
		place.column = probes[i].name;
		ret = saker_figures_add(
			f, &place, SAKER_FIGURE, saker_probe_spread(&probes[i], 0, rounds));
	}
	place.table = "replay window, out of order to in order";
	place.unit = "ratio of TSC cycles, by sources";
	place.column = "ratio";
	if (ret == 0)
		ret = saker_figures_add(f, &place, SAKER_RATIO_LOW,
			saker_probe_ratio(&probes[1], &probes[0], 0, rounds));
	return ret;
}

static int
measure(uint64_t sources, unsigned int rounds, struct saker_figures *f)
{
	struct trial *t[2] = { calloc(1, sizeof(*t[0])), calloc(1, sizeof(*t[0])) };
	struct saker_probe probes[2] = { { .name = "in order" }, { .name = "out of order" } };
	char label[TABLE_LEN];
	int ret = t[0] == NULL || t[1] == NULL ? -ENOMEM : 0;

	for (unsigned int i = 0; i < 2 && ret == 0; i++) {
		probes[i].run = run_trial;
		probes[i].arg = t[i];
		probes[i].parts = 1;
		ret = open_trial(t[i], sources, i == 1);
	}
	snprintf(label, sizeof(label), "replay: %" PRIu64 " sources", sources);
	if (ret == 0)
		ret = saker_rounds(probes, 2, rounds, label);
	if (ret == 0)
		ret = add_figures(probes, rounds, sources, f);
	saker_probes_free(probes, 2);
	for (unsigned int i = 0; i < 2; i++)
		if (t[i] != NULL)
			close_trial(t[i]);
	return ret;
}

static uint64_t
most_sources(const struct saker_bench_options *o)
{
	return o->max > 0 ? o->max : o->quick ? 1000 : MAX;
}

static int
run(const struct saker_bench_options *o, struct saker_figures *f)
{
	static const uint64_t usual[] = { 1, 32, 1000, 10000, 100000, 1000000 };
	struct saker_list room;
	const struct saker_list *list = saker_list_or(&o->sources, &room, usual, RTE_DIM(usual));
	unsigned int rounds = o->rounds > 0 ? (unsigned int)o->rounds : o->quick ? 11 : ROUNDS;
	int ret = 0;

	for (unsigned int i = 0; i < list->n && ret == 0; i++)
		if (list->v[i] > 0 && list->v[i] <= most_sources(o))
			ret = measure(list->v[i], rounds, f);
	return ret;
}

static unsigned int
memory_mb(const struct saker_bench_options *o)
{
	return 64 +
	       (unsigned int)(saker_replay_size((uint32_t)most_sources(o), WINDOW) * 5 / 2 >> 20);
}

const struct saker_bench_command saker_bench_replay = {
	.name = "replay",
	.help = "the replay window: 1 to 1 million sources, in order and out of order",
	.eal = true,
	.memory_mb = memory_mb,
	.run = run,
};
