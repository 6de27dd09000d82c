/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/*
 * saker-bench cores: packets a second of 1 to n workers, each on an lcore of its own with memory
 * for ports. Making the packets is part of the loop, and is also measured by itself.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include <rte_common.h>
#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include "feed.h"
#include "rounds.h"

#define BURST     32
#define ROUNDS    9
#define MAX       SAKER_MAX_WORKERS
#define TABLE_LEN 64

/* What a worker does in its loop. */
enum job { NOTHING, OUT, BOTH, JOBS };

static const char *const job_names[JOBS] = { "making packets", "sealing", "sealing and opening" };

/* One worker. */
struct hand {
	struct saker_feed feed;
	enum job job;
	_Atomic bool *running;
	uint64_t packets, cycles;
	int ret;
} __rte_cache_aligned;

struct bench {
	struct saker_world *world;
	struct hand hands[MAX];
	_Atomic bool running;
	unsigned int workers, rounds, step_ms;
	uint64_t frame;
	double samples[JOBS][MAX][64]; /* million packets a second, by round */
};

static int
make_and_drop(struct saker_feed *feed)
{
	struct rte_mbuf *m[BURST];
	int ret = saker_feed_clear(feed, m, BURST);

	if (ret == 0)
		rte_pktmbuf_free_bulk(m, BURST);
	return ret;
}

static int
seal_once(struct saker_feed *feed)
{
	int ret = saker_feed_clear(feed, feed->w->burst.m, BURST);

	if (ret == 0)
		saker_worker_process(feed->w, SAKER_OUTBOUND, BURST, false);
	return ret;
}

static int
seal_and_open(struct saker_feed *feed)
{
	int ret = saker_feed_sealed(feed, feed->w->burst.m, BURST);

	if (ret == 0)
		saker_worker_process(feed->w, SAKER_INBOUND, BURST, false);
	return ret;
}

static int
work(void *arg)
{
	static int (*const jobs[JOBS])(struct saker_feed *) = {
		[NOTHING] = make_and_drop, [OUT] = seal_once, [BOTH] = seal_and_open
	};
	struct hand *h = arg;
	uint64_t since = rte_rdtsc();

	h->packets = 0;
	h->ret = 0;
	while (atomic_load_explicit(h->running, memory_order_relaxed) && h->ret == 0) {
		h->ret = jobs[h->job](&h->feed);
		h->packets += BURST;
	}
	h->cycles = rte_rdtsc() - since;
	return 0;
}

/* All that the first @n workers do in a while. @return million packets a second, or -1 */
static double
work_together(struct bench *b, unsigned int n, enum job job)
{
	double mpps = 0;

	atomic_store(&b->running, true);
	for (unsigned int i = 0; i < n; i++) {
		b->hands[i].job = job;
		if (rte_eal_remote_launch(work, &b->hands[i], b->hands[i].feed.w->lcore) != 0)
			return -1;
	}
	rte_delay_us_sleep(b->step_ms * 1000);
	atomic_store(&b->running, false);
	for (unsigned int i = 0; i < n; i++) {
		rte_eal_wait_lcore(b->hands[i].feed.w->lcore);
		if (b->hands[i].ret != 0 || saker_feed_check(b->hands[i].feed.w) != 0)
			return -1;
		mpps += (double)b->hands[i].packets / (double)b->hands[i].cycles *
			(double)rte_get_tsc_hz() / 1e6;
	}
	return mpps;
}

static int
go_rounds(struct bench *b)
{
	for (unsigned int r = 0; r < b->rounds; r++) {
		fprintf(stderr, "cores: round %u of %u\n", r + 1, b->rounds);
		for (unsigned int n = 1; n <= b->workers; n++)
			for (unsigned int j = 0; j < JOBS; j++) {
				double mpps = work_together(b, n, j);

				if (mpps < 0)
					return saker_bench_fail(
						-EIO, "%u workers did not get through", n);
				b->samples[j][n - 1][r] = mpps;
			}
	}
	return 0;
}

static int
add_figures(struct bench *b, struct saker_figures *f)
{
	char table[TABLE_LEN], row[16];
	double scratch[64];
	struct saker_place place = { .table = table, .row = row };
	int ret = 0;

	for (unsigned int n = 1; n <= b->workers; n++)
		for (unsigned int j = 0; j < JOBS && ret == 0; j++) {
			double *v = b->samples[j][n - 1];

			snprintf(row, sizeof(row), "%u", n);
			place.column = job_names[j];
			snprintf(table, sizeof(table), "cores, to one worker, %" PRIu64 " octets",
				b->frame);
			place.unit = "ratio of packets a second, by workers";
			if (n > 1)
				ret = saker_figures_add(f, &place, SAKER_RATIO_HIGH,
					saker_stats_ratio(v, b->samples[j][0], b->rounds, scratch));
			snprintf(table, sizeof(table), "cores, %" PRIu64 " octets", b->frame);
			place.unit = "million packets a second, by workers";
			memcpy(scratch, v, b->rounds * sizeof(*v));
			if (ret == 0)
				ret = saker_figures_add(f, &place, SAKER_FIGURE,
					saker_stats_spread(scratch, b->rounds));
		}
	return ret;
}

static struct saker_world_plan
make_plan(const struct saker_bench_options *o)
{
	return (struct saker_world_plan){ .driver = o->driver,
		.suite = o->suite,
		.variant = o->variant,
		.groups = 1,
		.sources = o->sources.n > 0 ? o->sources.v[0] : 1000,
		.replay = !o->no_replay };
}

static int
measure(struct bench *b, const struct saker_world_plan *plan, struct saker_figures *f)
{
	int ret = 0;

	for (unsigned int i = 0; i < b->workers && ret == 0; i++) {
		b->hands[i].running = &b->running;
		ret = saker_feed_init(&b->hands[i].feed, b->world, i, b->frame);
		if (ret == 0)
			ret = saker_feed_spread(&b->hands[i].feed, 1, plan->sources, 0);
	}
	if (ret == 0)
		ret = go_rounds(b);
	if (ret == 0)
		ret = add_figures(b, f);
	for (unsigned int i = 0; i < b->workers; i++)
		saker_feed_fini(&b->hands[i].feed);
	return ret;
}

static int
run(const struct saker_bench_options *o, struct saker_figures *f)
{
	const struct saker_world_plan plan = make_plan(o);
	struct bench *b = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*b));
	int ret;

	if (b == NULL)
		return -ENOMEM;
	memset(b, 0, sizeof(*b));
	b->rounds = o->rounds > 0 ? (unsigned int)RTE_MIN(o->rounds, 64u) : o->quick ? 3 : ROUNDS;
	b->step_ms = o->quick ? 20 : o->seconds > 0 ? (unsigned int)o->seconds * 1000 : 200;
	b->frame = o->sizes.n > 0 ? o->sizes.v[0] : 64;
	b->world = saker_world_create(&plan);
	b->workers = b->world == NULL ? 0 : b->world->g.n_workers;
	ret = b->world == NULL ? -EINVAL : measure(b, &plan, f);
	saker_world_free(b->world);
	free(b);
	return ret;
}

static unsigned int
memory_mb(const struct saker_bench_options *o)
{
	struct saker_world_plan plan = make_plan(o);

	return saker_world_mb(&plan, o->workers > 0 ? (unsigned int)o->workers : 1);
}

const struct saker_bench_command saker_bench_cores = {
	.name = "cores",
	.help = "packets a second of 1 to n workers",
	.eal = true,
	.memory_mb = memory_mb,
	.run = run,
};
