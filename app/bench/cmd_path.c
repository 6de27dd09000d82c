/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/*
 * saker-bench path: the whole pipeline of one worker, with ports replaced by memory. Inbound
 * packets were sealed just before by the outbound stages, so that replay windows do their work.
 *
 * The worker's own stage counters say what each stage takes. The call of the crypto driver is
 * timed apart from what the stage around it does, and a port driver that only frees packets apart
 * from the stage that sends. Looking at the clock between stages costs as much as a small stage:
 * what all takes together is measured for itself, with one timed burst, as the gateway has few.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include <rte_common.h>
#include <rte_ethdev.h>

#include "feed.h"
#include "rounds.h"
#include "yardstick.h"

#define BURSTS    8 /* between two fillings: their packets stay in L2 */
#define SCENES    32
#define WORLDS    8
#define ROUNDS    201
#define NAME_LEN  40
#define TABLE_LEN 64

/* Beside the stages: what of a packet's way is whose. */
enum sum { DRIVER, PREPARE, PORT, SEND, BETWEEN, STAGES, OURS, WALL, YARDSTICK, SUMS };

static const char *const sum_names[SUMS] = {
	[DRIVER] = "= crypto driver",
	[PREPARE] = "= crypto stage less driver",
	[PORT] = "= port driver",
	[SEND] = "= tx less port driver",
	[BETWEEN] = "= between stages",
	[STAGES] = "= stages less crypto, tx",
	[OURS] = "= all less the two drivers",
	[WALL] = "= all",
	[YARDSTICK] = "(library, 64 stored)",
};

/* One combination of direction, groups and sources. */
struct scene {
	char name[NAME_LEN];
	enum saker_direction direction;
	struct saker_feed feed;
	unsigned int burst, groups;
	uint64_t sources;
	struct saker_yardstick *yardstick;
	unsigned int stages; /* rx, the table's, tx */
	struct rte_mbuf *m[BURSTS][SAKER_BURST];
};

struct bench {
	struct saker_yardstick *yardstick;
	struct saker_world *worlds[WORLDS];
	unsigned int world_groups[WORLDS], n_worlds;
	struct scene scenes[SCENES];
	struct saker_probe probes[SCENES];
	unsigned int n, feeds, rounds;
	uint64_t frame;
	struct saker_figures *figures;
};

/* A sum of one scene over a sum of another. */
struct ratio {
	unsigned int over;
	enum sum sum;
	unsigned int under;
	enum sum to;
	enum saker_figure_kind kind;
};

/* The driver in use, behind calls that time it. */
static struct {
	const struct saker_crypto_ops *inner;
	struct saker_crypto_ops outer;
	uint64_t cycles;
} timed;

static unsigned int
timed_seal(void *ctx, struct saker_batch *b)
{
	uint64_t since = rte_rdtsc();
	unsigned int good = timed.inner->seal(ctx, b);

	timed.cycles += rte_rdtsc() - since;
	return good;
}

static unsigned int
timed_open(void *ctx, struct saker_batch *b)
{
	uint64_t since = rte_rdtsc();
	unsigned int good = timed.inner->open(ctx, b);

	timed.cycles += rte_rdtsc() - since;
	return good;
}

static void
time_driver(struct saker_worker *w)
{
	timed.inner = w->crypto;
	timed.outer = *w->crypto;
	timed.outer.seal = timed_seal;
	timed.outer.open = timed_open;
	w->crypto = &timed.outer;
}

static int
fill_scene(struct scene *s, bool sealed)
{
	int ret = 0;

	for (unsigned int i = 0; i < BURSTS && ret == 0; i++)
		ret = sealed ? saker_feed_sealed(&s->feed, s->m[i], (uint16_t)s->burst)
			     : saker_feed_clear(&s->feed, s->m[i], (uint16_t)s->burst);
	return ret;
}

/* What the port driver takes for as many packets. */
static int
run_port(struct scene *s, double *cycles)
{
	const struct saker_tx *tx = &s->feed.w->tx[s->direction];
	uint64_t since, sent = 0;
	int ret = fill_scene(s, false);

	if (ret != 0)
		return ret;
	since = saker_begin();
	for (unsigned int i = 0; i < BURSTS; i++)
		sent += rte_eth_tx_burst(tx->port, tx->queue, s->m[i], (uint16_t)s->burst);
	*cycles = (double)(saker_end() - since);
	return sent == BURSTS * s->burst
		       ? 0
		       : saker_bench_fail(-EIO, "the port that takes everything refused packets");
}

/* @param every one of so many bursts is timed stage by stage */
static uint64_t
process_all(struct scene *s, uint32_t every)
{
	struct saker_worker *w = s->feed.w;
	uint64_t since;

	memset(w->count[s->direction].stage, 0, sizeof(w->count[s->direction].stage));
	saker_timing_start(&w->timing, every);
	timed.cycles = 0;
	since = saker_begin();
	for (unsigned int i = 0; i < BURSTS; i++) {
		memcpy(w->burst.m, s->m[i], s->burst * sizeof(s->m[i][0]));
		saker_timing_next(&w->timing);
		saker_worker_process(w, s->direction, (uint16_t)s->burst, false);
	}
	return saker_end() - since;
}

static bool
is_crypto(const char *stage)
{
	return strcmp(stage, "seal") == 0 || strcmp(stage, "open") == 0;
}

/* From cycles of all packets to cycles of one: stages, each burst timed. */
static void
account_stages(const struct scene *s, uint64_t wall, double port, double *part)
{
	const struct saker_way_count *count = &s->feed.w->count[s->direction];
	double crypto = 0, stages = 0, *sum = part + s->stages;
	double packets = (double)BURSTS * s->burst;

	for (unsigned int i = 0; i < s->stages; i++) {
		part[i] = (double)count->stage[i].cycles / packets;
		stages += part[i];
		if (is_crypto(saker_stage_name(s->direction, i)))
			crypto = part[i];
	}
	sum[PREPARE] = crypto - (double)timed.cycles / packets;
	sum[PORT] = port / packets;
	sum[SEND] = part[s->stages - 1] - sum[PORT];
	sum[BETWEEN] = (double)wall / packets - stages;
	sum[STAGES] = stages - crypto - part[s->stages - 1];
}

/* The same: all together. */
static void
account_all(const struct scene *s, uint64_t wall, double *part)
{
	double packets = (double)BURSTS * s->burst, *sum = part + s->stages;

	sum[DRIVER] = (double)timed.cycles / packets;
	sum[WALL] = (double)wall / packets;
	sum[OURS] = sum[WALL] - sum[DRIVER] - sum[PORT];
}

static int
run_scene(void *arg, double *part)
{
	struct scene *s = arg;
	bool sealed = s->direction == SAKER_INBOUND;
	double port;
	int ret = run_port(s, &port);

	if (ret == 0)
		ret = fill_scene(s, sealed);
	if (ret != 0)
		return ret;
	account_stages(s, process_all(s, 1), port, part);
	ret = fill_scene(s, sealed);
	if (ret != 0)
		return ret;
	account_all(s, process_all(s, BURSTS), part);
	part[s->stages + YARDSTICK] = saker_yardstick_measure(s->yardstick);
	return saker_feed_check(s->feed.w);
}

static struct saker_world *
world_of(struct bench *b, const struct saker_world_plan *plan)
{
	for (unsigned int i = 0; i < b->n_worlds; i++)
		if (b->world_groups[i] == plan->groups)
			return b->worlds[i];
	if (b->n_worlds == WORLDS) {
		(void)saker_bench_fail(0, "at most %d numbers of groups at a time", WORLDS);
		return NULL;
	}
	b->worlds[b->n_worlds] = saker_world_create(plan);
	if (b->worlds[b->n_worlds] == NULL)
		return NULL;
	b->world_groups[b->n_worlds] = plan->groups;
	time_driver(b->worlds[b->n_worlds]->g.workers[0]);
	return b->worlds[b->n_worlds++];
}

static int
add_scene(struct bench *b, const struct saker_world_plan *plan, enum saker_direction direction,
	uint64_t sources, unsigned int burst)
{
	struct scene *s = &b->scenes[b->n];
	struct saker_world *world;
	int ret;

	if (b->n == SCENES)
		return saker_bench_fail(-EINVAL, "at most %d cases at a time", SCENES);
	world = world_of(b, plan);
	if (world == NULL)
		return -EINVAL;
	s->yardstick = b->yardstick;
	s->direction = direction;
	s->burst = burst;
	s->groups = plan->groups;
	s->sources = sources;
	snprintf(s->name, sizeof(s->name), "%u group%s, %" PRIu64 " src", plan->groups,
		plan->groups == 1 ? "" : "s", sources);
	ret = saker_feed_init(&s->feed, world, 0, b->frame);
	if (ret == 0)
		ret = saker_feed_spread(&s->feed, plan->groups, sources, b->feeds++);
	while (saker_stage_name(direction, s->stages) != NULL)
		s->stages++;
	b->probes[b->n++] = (struct saker_probe){
		.name = s->name, .run = run_scene, .arg = s, .parts = s->stages + SUMS
	};
	return ret;
}

static const char *
row_of(const struct scene *s, unsigned int part)
{
	return part < s->stages ? saker_stage_name(s->direction, part)
				: sum_names[part - s->stages];
}

static int
add_cycles(const struct bench *b, unsigned int i)
{
	const struct scene *s = &b->scenes[i];
	char table[TABLE_LEN];
	struct saker_place place = {
		.table = table, .column = s->name, .unit = "TSC cycles a packet"
	};
	unsigned int rows;
	int ret = 0;

	snprintf(table, sizeof(table), "path %s, %" PRIu64 " octets, burst %u",
		saker_direction_name(s->direction), b->frame, s->burst);
	rows = s->stages + (s->yardstick == NULL ? YARDSTICK : SUMS);
	for (unsigned int p = SAKER_STAGE_FIRST; p < rows && ret == 0; p++) {
		place.row = row_of(s, p);
		ret = saker_figures_add(b->figures, &place, SAKER_FIGURE,
			saker_probe_spread(&b->probes[i], p, b->rounds));
	}
	return ret;
}

/* One ratio: of a sum of scene i to a sum of another or the same. */
static int
add_ratio(const struct bench *b, const struct ratio *r, struct saker_place *place)
{
	const struct saker_probe *over = &b->probes[r->over], *under = &b->probes[r->under];
	double *scratch = malloc(b->rounds * sizeof(*scratch));
	int ret;

	if (scratch == NULL)
		return -ENOMEM;
	ret = saker_figures_add(b->figures, place, r->kind,
		saker_stats_ratio(
			saker_samples(over, b->scenes[r->over].stages + r->sum, b->rounds),
			saker_samples(under, b->scenes[r->under].stages + r->to, b->rounds),
			b->rounds, scratch));
	free(scratch);
	return ret;
}

/* Our own share, and all against the first scene of this direction. A driver that gets faster
 * makes the second ratio larger, which is no loss: it is not compared with a baseline.
 */
static int
add_ratios(const struct bench *b, unsigned int i, unsigned int first)
{
	const struct {
		const char *row;
		bool wanted;
		struct ratio r;
	} ratios[] = {
		{ "ours to library's", b->yardstick != NULL,
			{ i, OURS, i, YARDSTICK, SAKER_RATIO_LOW } },
		{ "ours to driver's", true, { i, OURS, i, DRIVER, SAKER_FIGURE } },
		{ "all to first", i != first, { i, WALL, first, WALL, SAKER_RATIO_LOW } },
	};
	const struct scene *s = &b->scenes[i];
	char row[TABLE_LEN];
	struct saker_place place = {
		.table = "path ratios", .row = row, .column = s->name, .unit = "ratio of TSC cycles"
	};
	int ret = 0;

	for (unsigned int k = 0; k < RTE_DIM(ratios) && ret == 0; k++) {
		if (!ratios[k].wanted)
			continue;
		snprintf(row, sizeof(row), "%s %" PRIu64 ": %s", saker_direction_name(s->direction),
			b->frame, ratios[k].row);
		ret = add_ratio(b, &ratios[k].r, &place);
	}
	return ret;
}

static int
add_figures(const struct bench *b)
{
	unsigned int first[SAKER_DIRECTIONS] = { SCENES, SCENES };
	int ret = 0;

	for (unsigned int i = 0; i < b->n && ret == 0; i++) {
		unsigned int *to = &first[b->scenes[i].direction];

		if (*to == SCENES)
			*to = i;
		ret = add_cycles(b, i);
		if (ret == 0)
			ret = add_ratios(b, i, *to);
	}
	return ret;
}

static const uint64_t one[] = { 1 };

/* Of all cases that share a world. */
static uint64_t
all_sources(const struct saker_list *list)
{
	uint64_t sum = list->n == 0;

	for (unsigned int i = 0; i < list->n; i++)
		sum += list->v[i];
	return sum;
}

static struct saker_world_plan
make_plan(const struct saker_bench_options *o)
{
	return (struct saker_world_plan){ .driver = o->driver,
		.suite = o->suite,
		.variant = o->variant,
		.groups = 1,
		.sources = all_sources(&o->sources),
		.replay = !o->no_replay };
}

/* All combinations, each direction by itself. */
static int
add_scenes(struct bench *b, const struct saker_bench_options *o, enum saker_direction d)
{
	struct saker_list room[2];
	const struct saker_list *groups = saker_list_or(&o->groups, &room[0], one, 1);
	const struct saker_list *sources = saker_list_or(&o->sources, &room[1], one, 1);
	unsigned int burst = o->batch.n > 0 ? (unsigned int)o->batch.v[0] : 32;
	struct saker_world_plan plan = make_plan(o);
	int ret = 0;

	for (unsigned int g = 0; g < groups->n; g++)
		for (unsigned int s = 0; s < sources->n && ret == 0; s++) {
			plan.groups = (unsigned int)groups->v[g];
			ret = add_scene(b, &plan, d, RTE_MAX(sources->v[s], groups->v[g]), burst);
		}
	return ret;
}

static void
free_scenes(struct bench *b)
{
	saker_probes_free(b->probes, b->n);
	for (unsigned int i = 0; i < b->n; i++)
		saker_feed_fini(&b->scenes[i].feed);
	memset(b->scenes, 0, sizeof(b->scenes));
	b->n = 0;
}

static int
measure(struct bench *b, const struct saker_bench_options *o, uint64_t frame)
{
	const char *way = o->direction == NULL ? "both" : o->direction;
	char label[TABLE_LEN];
	int ret = 0;

	if (strcmp(way, "out") != 0 && strcmp(way, "in") != 0 && strcmp(way, "both") != 0)
		return saker_bench_fail(-EINVAL, "--direction is out, in or both, not '%s'", way);
	b->frame = frame;
	if (strcmp(way, "in") != 0)
		ret = add_scenes(b, o, SAKER_OUTBOUND);
	if (ret == 0 && strcmp(way, "out") != 0)
		ret = add_scenes(b, o, SAKER_INBOUND);
	snprintf(label, sizeof(label), "path: %" PRIu64 " octets", frame);
	if (ret == 0)
		ret = saker_rounds(b->probes, b->n, b->rounds, label);
	if (ret == 0)
		ret = add_figures(b);
	free_scenes(b);
	return ret;
}

static int
run(const struct saker_bench_options *o, struct saker_figures *f)
{
	static const uint64_t usual[] = { 64 };
	struct saker_list room;
	const struct saker_list *sizes = saker_list_or(&o->sizes, &room, usual, 1);
	struct bench *b = calloc(1, sizeof(*b));
	int ret = b == NULL ? -ENOMEM : 0;

	if (b == NULL)
		return ret;
	b->rounds = o->rounds > 0 ? (unsigned int)o->rounds : o->quick ? 11 : ROUNDS;
	b->figures = f;
	b->yardstick = saker_yardstick_create();
	for (unsigned int i = 0; i < sizes->n && ret == 0; i++)
		ret = measure(b, o, sizes->v[i]);
	for (unsigned int i = 0; i < b->n_worlds; i++)
		saker_world_free(b->worlds[i]);
	saker_yardstick_free(b->yardstick);
	free(b);
	return ret;
}

static unsigned int
memory_mb(const struct saker_bench_options *o)
{
	struct saker_world_plan plan = make_plan(o);
	unsigned int worlds = RTE_MAX(o->groups.n, 1u);

	return worlds * saker_world_mb(&plan, 1);
}

const struct saker_bench_command saker_bench_path = {
	.name = "path",
	.help = "the pipeline of one worker, stage by stage, ports replaced by memory",
	.eal = true,
	.memory_mb = memory_mb,
	.run = run,
};
