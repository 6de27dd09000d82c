/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/*
 * saker-bench setup: packets that are the first of their session. Deriving needs nothing
 * beforehand; a table needs its key schedule made and entered, with the key itself given for free.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_cycles.h>
#include <rte_memory.h>

#include "load.h"
#include "rounds.h"
#include "saker_replay.h"
#include "sessions.h"

#define BURST     32
#define REPEAT    8
#define ROUNDS    161
#define WINDOW    1024
#define RUN       1000
#define MAX       100000
#define SIZE      64
#define TABLE_LEN 64

struct way;
typedef int (*way_fn)(struct way *w, uint64_t session);

/* One way to begin BURST sessions and seal the first packet of each. */
struct way {
	const char *name;
	way_fn begin;
	const struct saker_bench_driver *driver;
	struct saker_sessions *sessions;
	struct saker_replay_table *replay;
	struct rte_hash *hash;
	struct saker_load *load;
	uint64_t next, max; /* sessions begun, and room for them */
	uint64_t clock_cost;
};

static int
seal_all(struct way *w)
{
	return w->driver->ops->seal(w->driver->ctx, &w->load->batch) == BURST ? 0 : -EIO;
}

static int
derive(struct way *w, uint64_t session)
{
	for (unsigned int i = 0; i < BURST; i++)
		saker_load_source(&w->load->batch, i, session + i);
	return seal_all(w);
}

/* The receiver's side: an entry in the replay table for every source that is new. */
static int
derive_and_enter(struct way *w, uint64_t session)
{
	const struct saker_sn_place place = { .run = RUN, .bit = 1 };
	struct saker_replay_key key = { 0 };
	int ret = derive(w, session);

	for (unsigned int i = 0; i < BURST && ret == 0; i++) {
		saker_store_be64(key.source, session + i + 1);
		ret = saker_replay_accept(w->replay, &key, &place, -1) == SAKER_OK ? 0 : -ENOSPC;
	}
	return ret;
}

static int
enter(struct way *w, uint64_t session)
{
	int ret = 0;

	for (unsigned int i = 0; i < BURST && ret == 0; i++) {
		uint64_t id = saker_session_id(session + i);

		ret = rte_hash_add_key_data(w->hash, &id, (void *)(uintptr_t)(session + i));
	}
	return ret;
}

static void
make_key(uint64_t session, struct saker_data_key *key)
{
	memset(key, 0, sizeof(*key));
	memcpy(key->key, &session, sizeof(session));
}

static int
fill_schedules(struct way *w, uint64_t session)
{
	struct saker_data_key key;
	const void *schedule[BURST];

	for (unsigned int i = 0; i < BURST; i++) {
		uint8_t *at = w->sessions->schedules + (session + i) * SAKER_BARE_KEY;

		make_key(session + i, &key);
		saker_bare_expand(w->sessions->bare, key.key, at);
		schedule[i] = at;
	}
	saker_bare_seal(w->sessions->bare, &w->load->batch, schedule);
	return enter(w, session);
}

static int
fill_records(struct way *w, uint64_t session)
{
	const struct saker_sessions *s = w->sessions;
	struct saker_batch *b = &w->load->batch;
	struct saker_expanded_key own;
	struct saker_data_key key;
	int ret = 0;

	for (unsigned int i = 0; i < BURST && ret == 0; i++) {
		uint8_t *record = s->records + (session + i) * s->record;

		make_key(session + i, &key);
		ret = w->driver->ops->expand(w->driver->ctx, b->suite, &key, &own);
		memcpy(record, &own, s->used);
		b->expanded[i] = (const void *)record;
	}
	if (ret == 0)
		ret = seal_all(w);
	return ret == 0 ? enter(w, session) : ret;
}

/* The first is what the others are compared with. */
static const struct {
	const char *name;
	way_fn begin;
	bool bare, hash, replay; /* what it needs */
} ways[] = {
	{ "derive", derive, false, false, false },
	{ "derive, replay entry", derive_and_enter, false, false, true },
	{ "schedule, hash entry", fill_schedules, true, true, false },
	{ "record, hash entry", fill_records, false, true, false },
};
#define WAYS RTE_DIM(ways)

struct bench {
	enum saker_suite suite;
	struct saker_bench_driver driver[SAKER_BENCH_DRIVERS];
	struct saker_sessions sessions;
	struct way way[WAYS];
	struct saker_probe probes[WAYS];
	unsigned int n, rounds;
	uint64_t max;
};

/* Tables that are full begin anew. */
static int
begin_again(struct way *w)
{
	w->next = 0;
	if (w->hash != NULL)
		rte_hash_reset(w->hash);
	if (w->replay == NULL)
		return 0;
	saker_replay_free(w->replay);
	w->replay = saker_replay_create("saker-bench", (uint32_t)w->max, WINDOW, SOCKET_ID_ANY);
	return w->replay == NULL ? saker_bench_fail(-ENOMEM, "no memory for replay windows") : 0;
}

static int
run_way(void *arg, double *part)
{
	struct way *w = arg;
	uint64_t since;
	int ret = 0;

	if (w->next + REPEAT * BURST > w->max)
		ret = begin_again(w);
	since = saker_begin();
	for (unsigned int i = 0; i < REPEAT && ret == 0; i++, w->next += BURST)
		ret = w->begin(w, w->next);
	*part = (double)(saker_end() - since - w->clock_cost) / (REPEAT * BURST);
	return ret == 0 ? 0 : saker_bench_fail(ret, "%s: could not begin a session", w->name);
}

static int
add_way(struct bench *b, unsigned int k, uint32_t size)
{
	const struct saker_load_form form = {
		.size = size, .n = BURST, .aad_len = saker_bench_aad_len(), .suite = b->suite
	};
	struct way *w = &b->way[b->n];

	*w = (struct way){ .name = ways[k].name,
		.begin = ways[k].begin,
		.driver = &b->driver[0],
		.sessions = &b->sessions,
		.load = saker_load_share(b->n == 0 ? NULL : b->way[0].load, &form),
		.max = b->max,
		.clock_cost = saker_clock_cost() };
	b->probes[b->n++] = (struct saker_probe){
		.name = w->name, .run = run_way, .arg = w, .parts = 1
	};
	if (w->load == NULL)
		return -ENOMEM;
	saker_load_derive(w->load, w->driver);
	if (ways[k].hash)
		w->hash = saker_session_hash(b->max);
	if (ways[k].replay)
		w->replay = saker_replay_create(
			"saker-bench", (uint32_t)b->max, WINDOW, SOCKET_ID_ANY);
	if ((ways[k].hash && w->hash == NULL) || (ways[k].replay && w->replay == NULL))
		return saker_bench_fail(-ENOMEM, "no memory for %" PRIu64 " sessions", b->max);
	return 0;
}

static void
drop_ways(struct bench *b)
{
	saker_probes_free(b->probes, b->n);
	for (unsigned int i = 0; i < b->n; i++) {
		saker_load_free(b->way[i].load);
		saker_replay_free(b->way[i].replay);
		rte_hash_free(b->way[i].hash);
	}
	b->n = 0;
}

/* Cycles of a session to millions of sessions a second. */
static struct saker_spread
rate_of(struct saker_spread s)
{
	double mhz = (double)rte_get_tsc_hz() / 1e6;

	return (struct saker_spread){
		.median = mhz / s.median, .low = mhz / s.high, .high = mhz / s.low
	};
}

static int
add_figures(const struct bench *b, uint32_t size, struct saker_figures *f)
{
	char row[24];
	struct saker_place place = { .row = row };
	int ret = 0;

	snprintf(row, sizeof(row), "%u", size);
	for (unsigned int i = 0; i < b->n && ret == 0; i++) {
		struct saker_spread s = saker_probe_spread(&b->probes[i], 0, b->rounds);

		place.column = b->probes[i].name;
		place.table = "setup, sessions begun";
		place.unit = "million a second, by octets of the first packet";
		ret = saker_figures_add(f, &place, SAKER_FIGURE, rate_of(s));
		place.table = "setup, time to begin, to deriving";
		place.unit = "ratio of TSC cycles (above 1: deriving is ahead), by octets";
		if (ret == 0 && i > 0)
			ret = saker_figures_add(f, &place, SAKER_RATIO_HIGH,
				saker_probe_ratio(&b->probes[i], &b->probes[0], 0, b->rounds));
	}
	return ret;
}

static int
measure(struct bench *b, uint32_t size, struct saker_figures *f)
{
	char label[TABLE_LEN];
	int ret = 0;

	for (unsigned int k = 0; k < WAYS && ret == 0; k++)
		if (!ways[k].bare || b->sessions.bare != NULL)
			ret = add_way(b, k, size);
	snprintf(label, sizeof(label), "setup: %u octets", size);
	if (ret == 0)
		ret = saker_rounds(b->probes, b->n, b->rounds, label);
	if (ret == 0)
		ret = add_figures(b, size, f);
	drop_ways(b);
	return ret;
}

static uint64_t
most_sessions(const struct saker_bench_options *o)
{
	return RTE_MAX(o->max > 0 ? o->max : (uint64_t)MAX, (uint64_t)(REPEAT * BURST));
}

static int
run_bench(struct bench *b, const struct saker_bench_options *o, struct saker_figures *f)
{
	static const uint64_t usual[] = { SIZE };
	struct saker_list room;
	const struct saker_list *sizes = saker_list_or(&o->sizes, &room, usual, 1);
	const char *driver = saker_bench_choose(o->driver);
	int ret;

	if (driver == NULL || saker_bench_drivers_open(driver, b->suite, b->driver) != 1)
		return -EINVAL;
	ret = saker_sessions_create(&b->sessions, &b->driver[0], b->suite, b->max);
	for (unsigned int i = 0; i < sizes->n && ret == 0; i++)
		ret = measure(b, (uint32_t)sizes->v[i], f);
	saker_sessions_free(&b->sessions);
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
	b->max = most_sessions(o);
	ret = run_bench(b, o, f);
	free(b);
	return ret;
}

static unsigned int
memory_mb(const struct saker_bench_options *o)
{
	uint64_t n = most_sessions(o);

	return 128 + (unsigned int)((saker_replay_size((uint32_t)n, WINDOW) + n * 256) * 2 >> 20);
}

const struct saker_bench_command saker_bench_setup = {
	.name = "setup",
	.help = "new sessions a second until their first packet is sealed",
	.eal = true,
	.memory_mb = memory_mb,
	.run = run,
};
