/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/*
 * saker-bench scale: a random session for every packet. Deriving the key stands against tables of
 * stored keys that outgrow the caches, in one process, side by side.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_lcore.h>

#include "load.h"
#include "machine.h"
#include "rounds.h"
#include "saker_eesp.h"
#include "saker_sn.h"
#include "sessions.h"

#define BURST       32
#define REPEAT      16 /* bursts of a sample */
#define ROUNDS      81
#define WARM        2000 /* bursts before the first round */
#define MAX         4000000
#define LINE        64
#define SPARE_MB    1500 /* memory that is left to others */
#define HASH_OCTETS 128  /* of one session, generously */
#define TABLE_LEN   64

struct way;

/* What one way of finding and using keys does for a burst. */
typedef unsigned int (*way_fn)(struct way *w, const uint64_t *session);

struct way {
	const char *name;
	way_fn burst;
	const struct saker_bench_driver *driver;
	const struct saker_sessions *sessions;
	struct rte_hash *hash;
	struct saker_load *load;
	uint64_t n, random, sn;
	uint64_t clock_cost;
	uint64_t numbers[REPEAT][BURST];
};

static void
give_nonces(struct way *w)
{
	struct saker_batch *b = &w->load->batch;

	for (unsigned int i = 0; i < BURST; i++)
		saker_nonce(0, 0, 0, ++w->sn, b->nonce[i]);
}

static unsigned int
derive(struct way *w, const uint64_t *session)
{
	struct saker_batch *b = &w->load->batch;

	for (unsigned int i = 0; i < BURST; i++)
		saker_load_source(b, i, session[i]);
	return w->driver->ops->seal(w->driver->ctx, b);
}

static unsigned int
seal_scheduled(struct way *w, const void *const *key, bool prefetch)
{
	struct saker_batch *b = &w->load->batch;

	for (unsigned int i = 0; i < BURST && prefetch; i++)
		saker_bare_prefetch(w->sessions->bare, key[i], b->len[i]);
	saker_bare_seal(w->sessions->bare, b, key);
	return BURST;
}

static const void *
schedule(const struct way *w, uint64_t session)
{
	return w->sessions->schedules + session * SAKER_BARE_KEY;
}

static unsigned int
table_plain(struct way *w, const uint64_t *session)
{
	const void *key[BURST];

	for (unsigned int i = 0; i < BURST; i++)
		key[i] = schedule(w, session[i]);
	return seal_scheduled(w, key, false);
}

static unsigned int
table_prefetched(struct way *w, const uint64_t *session)
{
	const void *key[BURST];

	for (unsigned int i = 0; i < BURST; i++)
		key[i] = schedule(w, session[i]);
	return seal_scheduled(w, key, true);
}

/* The numbers behind the ids of a burst. */
static void
look_up(const struct way *w, const uint64_t *session, uint64_t *number)
{
	uint64_t id[BURST], hits;
	const void *key[BURST];
	void *data[BURST];

	for (unsigned int i = 0; i < BURST; i++) {
		id[i] = saker_session_id(session[i]);
		key[i] = &id[i];
	}
	rte_hash_lookup_bulk_data(w->hash, key, BURST, &hits, data);
	for (unsigned int i = 0; i < BURST; i++)
		number[i] = (uintptr_t)data[i];
}

static unsigned int
table_hashed(struct way *w, const uint64_t *session)
{
	uint64_t number[BURST];

	look_up(w, session, number);
	return table_prefetched(w, number);
}

static unsigned int
seal_recorded(struct way *w, const uint64_t *session, bool prefetch)
{
	const struct saker_sessions *s = w->sessions;
	struct saker_batch *b = &w->load->batch;

	for (unsigned int i = 0; i < BURST; i++) {
		const uint8_t *record = s->records + session[i] * s->record;

		b->expanded[i] = (const void *)record;
		for (size_t at = 0; at < s->record && prefetch; at += LINE)
			__builtin_prefetch(record + at);
	}
	return w->driver->ops->seal(w->driver->ctx, b);
}

static unsigned int
record_plain(struct way *w, const uint64_t *session)
{
	return seal_recorded(w, session, false);
}

static unsigned int
record_prefetched(struct way *w, const uint64_t *session)
{
	return seal_recorded(w, session, true);
}

static unsigned int
record_hashed(struct way *w, const uint64_t *session)
{
	uint64_t number[BURST];

	look_up(w, session, number);
	return seal_recorded(w, number, true);
}

/* The first is what the others are compared with. */
static const struct {
	const char *name;
	way_fn burst;
	bool bare; /* needs the library */
} ways[] = {
	{ "derive", derive, false },
	{ "schedules", table_plain, true },
	{ "schedules, prefetched", table_prefetched, true },
	{ "schedules, hash + pf", table_hashed, true },
	{ "records", record_plain, false },
	{ "records, prefetched", record_prefetched, false },
	{ "records, hash + pf", record_hashed, false },
};
#define WAYS RTE_DIM(ways)

_Static_assert(WAYS <= SAKER_BENCH_LIST, "all ways fit side by side");

struct bench {
	enum saker_suite suite;
	struct saker_bench_driver driver[SAKER_BENCH_DRIVERS];
	struct saker_sessions sessions;
	struct way way[SAKER_BENCH_LIST];
	struct saker_probe probes[SAKER_BENCH_LIST];
	unsigned int n, rounds;
	struct saker_list counts; /* of sessions */
	struct saker_figures *figures;
};

static void
draw_sessions(struct way *w)
{
	for (unsigned int i = 0; i < REPEAT * BURST; i++) {
		w->random ^= w->random << 13;
		w->random ^= w->random >> 7;
		w->random ^= w->random << 17;
		w->numbers[i / BURST][i % BURST] = (uint64_t)((unsigned __int128)w->random * w->n >>
							      64);
	}
}

static int
run_way(void *arg, double *part)
{
	struct way *w = arg;
	unsigned int good = 0;
	uint64_t since;

	draw_sessions(w);
	since = saker_begin();
	for (unsigned int i = 0; i < REPEAT; i++) {
		give_nonces(w);
		good += w->burst(w, w->numbers[i]);
	}
	*part = (double)(saker_end() - since - w->clock_cost) / (REPEAT * BURST);
	return good == REPEAT * BURST ? 0 : saker_bench_fail(-EIO, "%s did not seal", w->name);
}

static int
add_way(struct bench *b, unsigned int k, uint32_t size, uint64_t n)
{
	const struct saker_load_form form = {
		.size = size, .n = BURST, .aad_len = saker_bench_aad_len(), .suite = b->suite
	};
	struct way *w = &b->way[b->n];

	*w = (struct way){ .name = ways[k].name,
		.burst = ways[k].burst,
		.driver = &b->driver[0],
		.sessions = &b->sessions,
		.load = saker_load_share(b->n == 0 ? NULL : b->way[0].load, &form),
		.n = n,
		.random = 88172645463325252u + k,
		.clock_cost = saker_clock_cost() };
	if (w->load == NULL)
		return -ENOMEM;
	saker_load_derive(w->load, w->driver);
	b->probes[b->n++] = (struct saker_probe){
		.name = w->name, .run = run_way, .arg = w, .parts = 1
	};
	return 0;
}

static void
drop_ways(struct bench *b)
{
	saker_probes_free(b->probes, b->n);
	for (unsigned int i = 0; i < b->n; i++)
		saker_load_free(b->way[i].load);
	b->n = 0;
}

static void
warm_up(struct bench *b)
{
	double ignored;

	for (unsigned int i = 0; i < b->n; i++)
		for (unsigned int k = 0; k < WARM / REPEAT; k++)
			(void)run_way(&b->way[i], &ignored);
}

static int
add_figures(struct bench *b, uint32_t size, uint64_t n)
{
	char table[TABLE_LEN], row[24];
	struct saker_place place = { .table = table, .row = row };
	int ret = 0;

	snprintf(row, sizeof(row), "%" PRIu64, n);
	for (unsigned int i = 0; i < b->n && ret == 0; i++) {
		place.column = b->probes[i].name;
		place.unit = "TSC cycles a packet, by sessions";
		snprintf(table, sizeof(table), "scale, %u octets", size);
		ret = saker_figures_add(b->figures, &place, SAKER_FIGURE,
			saker_probe_spread(&b->probes[i], 0, b->rounds));
		if (i == 0 || ret != 0)
			continue;
		place.unit = "ratio of TSC cycles (above 1: deriving is ahead), by sessions";
		snprintf(table, sizeof(table), "scale, %u octets, stored to derived", size);
		ret = saker_figures_add(b->figures, &place, SAKER_RATIO_HIGH,
			saker_probe_ratio(&b->probes[i], &b->probes[0], 0, b->rounds));
	}
	return ret;
}

static int
measure(struct bench *b, struct rte_hash *hash, uint32_t size, uint64_t n)
{
	char label[TABLE_LEN];
	int ret = 0;

	for (unsigned int k = 0; k < WAYS && ret == 0; k++)
		if (!ways[k].bare || b->sessions.bare != NULL)
			ret = add_way(b, k, size, n);
	for (unsigned int i = 0; i < b->n; i++)
		b->way[i].hash = hash;
	snprintf(label, sizeof(label), "scale: %" PRIu64 " sessions, %u octets", n, size);
	if (ret == 0) {
		warm_up(b);
		ret = saker_rounds(b->probes, b->n, b->rounds, label);
	}
	if (ret == 0)
		ret = add_figures(b, size, n);
	drop_ways(b);
	return ret;
}

/* Deriving alone, all numbers of sessions side by side: it should not matter how many there are. */
static int
measure_flatness(struct bench *b, uint32_t size)
{
	char row[24], column[24];
	struct saker_place place = { .table = "scale, deriving, to the first number of sessions",
		.row = row,
		.column = column,
		.unit = "ratio of TSC cycles, by sessions" };
	int ret = 0;

	for (unsigned int i = 0; i < b->counts.n && ret == 0; i++)
		ret = add_way(b, 0, size, b->counts.v[i]);
	if (ret == 0)
		ret = saker_rounds(b->probes, b->n, b->rounds, "scale: deriving alone");
	snprintf(column, sizeof(column), "%u octets", size);
	for (unsigned int i = 1; i < b->n && ret == 0; i++) {
		snprintf(row, sizeof(row), "%" PRIu64, b->counts.v[i]);
		ret = saker_figures_add(b->figures, &place, SAKER_RATIO_LOW,
			saker_probe_ratio(&b->probes[i], &b->probes[0], 0, b->rounds));
	}
	drop_ways(b);
	return ret;
}

static uint64_t
most_sessions(const struct saker_bench_options *o)
{
	uint64_t max = o->max > 0 ? o->max : o->quick ? 1000 : MAX;
	uint64_t free_mb = saker_machine_free_mb();
	uint64_t room = free_mb < SPARE_MB ? 0
					   : ((free_mb - SPARE_MB) << 20) / SAKER_SESSION_OCTETS;

	if (max <= room)
		return max;
	(void)saker_bench_fail(0, "memory is enough for %" PRIu64 " sessions only", room);
	return room;
}

/* The numbers of sessions asked for, as far as there is room. */
static void
choose_counts(struct bench *b, const struct saker_bench_options *o, uint64_t max)
{
	static const uint64_t usual[] = { 1, 32, 1000, 10000, 100000, 1000000, 4000000 };
	struct saker_list room;
	const struct saker_list *list = saker_list_or(&o->sessions, &room, usual, RTE_DIM(usual));

	for (unsigned int i = 0; i < list->n; i++)
		if (list->v[i] > 0 && list->v[i] <= max)
			b->counts.v[b->counts.n++] = list->v[i];
}

static int
measure_all(struct bench *b, const struct saker_list *sizes)
{
	int ret = 0;

	for (unsigned int s = 0; s < sizes->n && ret == 0; s++)
		ret = measure_flatness(b, (uint32_t)sizes->v[s]);
	for (unsigned int i = 0; i < b->counts.n && ret == 0; i++) {
		struct rte_hash *hash = saker_session_hash_of(b->counts.v[i]);

		if (hash == NULL)
			return -ENOMEM;
		for (unsigned int s = 0; s < sizes->n && ret == 0; s++)
			ret = measure(b, hash, (uint32_t)sizes->v[s], b->counts.v[i]);
		rte_hash_free(hash);
	}
	return ret;
}

static int
run_bench(struct bench *b, const struct saker_bench_options *o)
{
	static const uint64_t usual[] = { 64, 512, 1420 };
	struct saker_list room;
	const struct saker_list *sizes = saker_list_or(&o->sizes, &room, usual, RTE_DIM(usual));
	const char *driver = saker_bench_choose(o->driver);
	int ret;

	choose_counts(b, o, most_sessions(o));
	if (driver == NULL || b->counts.n == 0 ||
		saker_bench_drivers_open(driver, b->suite, b->driver) != 1)
		return -EINVAL;
	ret = saker_sessions_create(
		&b->sessions, &b->driver[0], b->suite, b->counts.v[b->counts.n - 1]);
	if (ret == 0) {
		fprintf(stderr,
			"records: %zu octets, of which %s uses %zu as its stored key; all are "
			"prefetched\n",
			b->sessions.record, driver, b->sessions.used);
		ret = measure_all(b, sizes);
		saker_sessions_free(&b->sessions);
	}
	saker_bench_drivers_close(b->driver, 1);
	return ret;
}

static int
run(const struct saker_bench_options *o, struct saker_figures *f)
{
	enum saker_suite suites[2];
	struct bench *b;
	int ret;

	if (saker_bench_suites(o->suite, suites) == 0)
		return -EINVAL;
	b = calloc(1, sizeof(*b));
	if (b == NULL)
		return -ENOMEM;
	b->suite = suites[0];
	b->rounds = o->rounds > 0 ? (unsigned int)o->rounds : o->quick ? 11 : ROUNDS;
	b->figures = f;
	ret = run_bench(b, o);
	free(b);
	return ret;
}

static unsigned int
memory_mb(const struct saker_bench_options *o)
{
	return 64 + (unsigned int)((o->quick ? 1000 : most_sessions(o)) * HASH_OCTETS >> 20);
}

const struct saker_bench_command saker_bench_scale = {
	.name = "scale",
	.help = "1 to 4 million sessions: deriving against tables of stored keys",
	.eal = true,
	.memory_mb = memory_mb,
	.run = run,
};
