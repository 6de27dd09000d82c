/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/*
 * saker-bench crypto: every driver, suite and size, with a fresh key for every packet and with
 * keys that were kept, beside the bare ipsec-mb library with its key schedule in L1.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "bare.h"
#include "derive.h"
#include "load.h"
#include "rounds.h"

#define TRIALS    (2 * SAKER_BENCH_DRIVERS + 2)
#define SAMPLE    (128 * 1024) /* octets that one sample works on, roughly */
#define OVERHEAD  256          /* what a packet costs beside its octets, in octets */
#define ROUNDS    201
#define NAME_LEN  32
#define TABLE_LEN 64

enum part { SEAL, OPEN, PARTS };

static const char *const part_names[PARTS] = { "seal", "open" };
static const char *const suite_names[] = {
	[SAKER_AES_128_GCM] = "aes-128-gcm", [SAKER_AES_256_GCM] = "aes-256-gcm"
};
static const uint64_t all_sizes[] = { 64, 128, 256, 512, 1024, 1420, 4096, 8936 };
static const uint64_t quick_sizes[] = { 64, 1420 };
static const uint64_t usual_batch[] = { 32 };

/* A driver with fresh or cached keys, or the bare library with stored ones. */
struct trial {
	char name[NAME_LEN];
	const struct saker_bench_driver *driver; /* NULL: the bare library */
	struct saker_bare *bare;
	const void *key[SAKER_BATCH]; /* for the bare library */
	bool cached;
	struct saker_load *load;
	unsigned int repeat;
	uint64_t clock_cost;
	double median[PARTS][SAKER_BENCH_LIST]; /* by size */
};

/* What one suite is measured with. */
struct bench {
	enum saker_suite suite;
	struct saker_bench_driver drivers[SAKER_BENCH_DRIVERS];
	unsigned int n_drivers;
	struct saker_bare *bare;
	uint8_t *schedules; /* SAKER_BENCH_KEYS of the bare library */
	struct trial trials[TRIALS];
	struct saker_probe probes[TRIALS];
	unsigned int n, rounds;
	const struct saker_list *sizes;
	struct saker_figures *figures;
};

/* @return packets that came out right */
static inline unsigned int
call(struct trial *t, enum part part)
{
	struct saker_batch *b = &t->load->batch;

	if (t->driver != NULL)
		return part == SEAL ? t->driver->ops->seal(t->driver->ctx, b)
				    : t->driver->ops->open(t->driver->ctx, b);
	if (part == OPEN)
		return saker_bare_open_all(t->bare, b, t->key) ? b->n : 0;
	saker_bare_seal(t->bare, b, t->key);
	return b->n;
}

/* Seal in place, then open in place, each timed by itself: what is opened is genuine. */
static int
run_trial(void *arg, double *part)
{
	struct trial *t = arg;
	unsigned int n = t->load->batch.n, good = 0;
	uint64_t took[PARTS] = { 0 };

	for (unsigned int i = 0; i < t->repeat; i++)
		for (unsigned int p = 0; p < PARTS; p++) {
			uint64_t since = saker_begin();

			good += call(t, p);
			took[p] += saker_end() - since - t->clock_cost;
		}
	for (unsigned int p = 0; p < PARTS; p++)
		part[p] = (double)took[p] / t->repeat / n;
	if (good == PARTS * t->repeat * n)
		return 0;
	return saker_bench_fail(-EIO, "%s could not open what it had sealed", t->name);
}

static void
add_driver(struct bench *b, const struct saker_bench_driver *d)
{
	for (unsigned int cached = 0; cached < 2; cached++) {
		struct trial *t = &b->trials[b->n++];

		t->driver = d;
		t->cached = cached;
		snprintf(t->name, sizeof(t->name), "%.20s %s", d->ops->name,
			cached ? "cached" : "fresh");
	}
}

/* One key schedule for all packets, which surely stays in L1, and one for each. */
static int
add_bare(struct bench *b)
{
	uint8_t key[SAKER_KEY_MAX] = { 1 };

	b->bare = saker_bare_open(b->suite);
	if (b->bare == NULL)
		return 0;
	b->schedules = aligned_alloc(64, SAKER_BENCH_KEYS * SAKER_BARE_KEY);
	if (b->schedules == NULL)
		return -ENOMEM;
	for (unsigned int i = 0; i < SAKER_BENCH_KEYS; i++) {
		key[1] = (uint8_t)i;
		saker_bare_expand(b->bare, key, b->schedules + i * SAKER_BARE_KEY);
	}
	for (unsigned int many = 0; many < 2; many++) {
		struct trial *t = &b->trials[b->n++];

		t->bare = b->bare;
		snprintf(t->name, sizeof(t->name), "library %s", many ? "32 keys" : "stored");
		for (unsigned int i = 0; i < SAKER_BATCH; i++)
			t->key[i] = b->schedules +
				    many * (i % SAKER_BENCH_KEYS) * (size_t)SAKER_BARE_KEY;
	}
	return 0;
}

static int
prepare(struct bench *b, const struct saker_load_form *form)
{
	unsigned int repeat = SAMPLE / (form->n * (form->size + OVERHEAD));
	uint64_t cost = saker_clock_cost();

	for (unsigned int i = 0; i < b->n; i++) {
		struct trial *t = &b->trials[i];

		t->load = saker_load_share(i == 0 ? NULL : b->trials[0].load, form);
		if (t->load == NULL)
			return -ENOMEM;
		if (t->driver != NULL && t->cached)
			saker_load_keep(t->load, t->driver);
		else if (t->driver != NULL)
			saker_load_derive(t->load, t->driver);
		t->repeat = RTE_MAX(repeat, 1u);
		t->clock_cost = cost;
		b->probes[i] = (struct saker_probe){
			.name = t->name, .run = run_trial, .arg = t, .parts = PARTS
		};
	}
	return 0;
}

static void
clean_up(struct bench *b)
{
	saker_probes_free(b->probes, b->n);
	for (unsigned int i = 0; i < b->n; i++) {
		saker_load_free(b->trials[i].load);
		b->trials[i].load = NULL;
	}
}

/* Every driver against one other trial. */
static int
add_ratios(const struct bench *b, enum part part, struct saker_place *place, const char *against)
{
	const struct saker_probe *other = NULL;
	char column[2 * NAME_LEN];
	int ret = 0;

	for (unsigned int i = 0; i < b->n; i++)
		if (strcmp(b->trials[i].name, against) == 0)
			other = &b->probes[i];
	place->column = column;
	for (unsigned int i = 0; i < b->n && other != NULL && ret == 0; i++) {
		if (b->trials[i].driver == NULL || &b->probes[i] == other)
			continue;
		snprintf(column, sizeof(column), "%s", b->trials[i].name);
		ret = saker_figures_add(b->figures, place, SAKER_RATIO_LOW,
			saker_probe_ratio(&b->probes[i], other, part, b->rounds));
	}
	return ret;
}

static int
add_cycles(struct bench *b, enum part part, unsigned int size, struct saker_place *place)
{
	int ret = 0;

	for (unsigned int i = 0; i < b->n && ret == 0; i++) {
		struct saker_spread s = saker_probe_spread(&b->probes[i], part, b->rounds);

		b->trials[i].median[part][size] = s.median;
		place->column = b->trials[i].name;
		ret = saker_figures_add(b->figures, place, SAKER_FIGURE, s);
	}
	return ret;
}

static int
add_figures(struct bench *b, const struct saker_load_form *form, unsigned int size)
{
	static const char *const against[] = { "library stored", "ipsec_mb fresh" };
	char table[TABLE_LEN], row[16];
	struct saker_place place = { .table = table, .row = row };
	int ret = 0;

	snprintf(row, sizeof(row), "%u", form->size);
	for (unsigned int part = 0; part < PARTS && ret == 0; part++) {
		snprintf(table, sizeof(table), "crypto %s %s, burst %u", part_names[part],
			suite_names[b->suite], form->n);
		place.unit = "TSC cycles a packet, by octets of payload";
		ret = add_cycles(b, part, size, &place);
		place.unit = "ratio of TSC cycles, by octets of payload";
		for (unsigned int a = 0; a < RTE_DIM(against) && ret == 0; a++) {
			snprintf(table, sizeof(table), "crypto %s %s, burst %u, to %s",
				part_names[part], suite_names[b->suite], form->n, against[a]);
			ret = add_ratios(b, part, &place, against[a]);
		}
	}
	return ret;
}

static int
measure(struct bench *b, const struct saker_load_form *form, unsigned int size)
{
	char label[TABLE_LEN];
	int ret = prepare(b, form);

	snprintf(label, sizeof(label), "crypto: %s, %u octets, burst %u", suite_names[b->suite],
		form->size, form->n);
	if (ret == 0)
		ret = saker_rounds(b->probes, b->n, b->rounds, label);
	if (ret == 0)
		ret = add_figures(b, form, size);
	clean_up(b);
	return ret;
}

/* What a packet and what an octet costs. */
static int
add_line(struct bench *b, const struct trial *t, enum part part, struct saker_place *place)
{
	double x[SAKER_BENCH_LIST];
	struct saker_line line;
	int ret;

	for (unsigned int i = 0; i < b->sizes->n; i++)
		x[i] = (double)b->sizes->v[i];
	line = saker_stats_line(x, t->median[part], b->sizes->n);
	place->row = t->name;
	place->column = "a packet";
	ret = saker_figures_add(b->figures, place, SAKER_FIGURE,
		(struct saker_spread){ line.intercept, line.intercept, line.intercept });
	place->column = "an octet";
	if (ret == 0)
		ret = saker_figures_add(b->figures, place, SAKER_FIGURE,
			(struct saker_spread){ line.slope, line.slope, line.slope });
	return ret;
}

static int
measure_sizes(struct bench *b, uint16_t burst, uint16_t aad)
{
	char table[TABLE_LEN];
	struct saker_place place = { .table = table, .unit = "TSC cycles: intercept and slope" };
	int ret = 0;

	for (unsigned int i = 0; i < b->sizes->n && ret == 0; i++) {
		const struct saker_load_form form = { .size = (uint32_t)b->sizes->v[i],
			.n = burst,
			.aad_len = aad,
			.suite = b->suite };

		ret = measure(b, &form, i);
	}
	for (unsigned int part = 0; part < PARTS && ret == 0 && b->sizes->n > 1; part++) {
		snprintf(table, sizeof(table), "crypto %s %s, burst %u, line", part_names[part],
			suite_names[b->suite], burst);
		for (unsigned int i = 0; i < b->n && ret == 0; i++)
			ret = add_line(b, &b->trials[i], part, &place);
	}
	return ret;
}

static int
measure_burst(struct bench *b, uint16_t burst, uint16_t aad)
{
	const struct saker_derive_plan derive = { .drivers = b->drivers,
		.n = b->n_drivers,
		.suite = b->suite,
		.suite_name = suite_names[b->suite],
		.burst = burst,
		.rounds = b->rounds };
	int ret = saker_bench_derive(&derive, b->figures);

	return ret == 0 ? measure_sizes(b, burst, aad) : ret;
}

static int
measure_suite(struct bench *b, const struct saker_bench_options *o)
{
	uint16_t aad = o->aad > 0 ? (uint16_t)RTE_MIN(o->aad, UINT16_MAX) : saker_bench_aad_len();
	struct saker_list room;
	const struct saker_list *batch = saker_list_or(&o->batch, &room, usual_batch, 1);
	int ret = 0;

	b->n_drivers = saker_bench_drivers_open(o->driver, b->suite, b->drivers);
	if (b->n_drivers == 0)
		return -EINVAL;
	for (unsigned int i = 0; i < b->n_drivers; i++)
		add_driver(b, &b->drivers[i]);
	ret = add_bare(b);
	for (unsigned int i = 0; i < batch->n && ret == 0; i++)
		ret = measure_burst(b, (uint16_t)batch->v[i], aad);
	saker_bench_drivers_close(b->drivers, b->n_drivers);
	saker_bare_close(b->bare);
	free(b->schedules);
	return ret;
}

static int
run(const struct saker_bench_options *o, struct saker_figures *f)
{
	struct saker_list room;
	const struct saker_list *sizes = o->quick ? saker_list_or(&o->sizes, &room, quick_sizes,
							    RTE_DIM(quick_sizes))
						  : saker_list_or(&o->sizes, &room, all_sizes,
							    RTE_DIM(all_sizes));
	unsigned int rounds = o->rounds > 0 ? (unsigned int)o->rounds : o->quick ? 11 : ROUNDS;
	enum saker_suite suites[2];
	unsigned int n = saker_bench_suites(o->suite, suites);
	int ret = n == 0 ? -EINVAL : 0;

	for (unsigned int i = 0; i < n && ret == 0; i++) {
		struct bench *b = calloc(1, sizeof(*b));

		if (b == NULL)
			return -ENOMEM;
		b->suite = suites[i];
		b->sizes = sizes;
		b->rounds = rounds;
		b->figures = f;
		ret = measure_suite(b, o);
		free(b);
	}
	return ret;
}

const struct saker_bench_command saker_bench_crypto = {
	.name = "crypto",
	.help = "drivers: cycles a packet with fresh and with cached keys, beside the bare library",
	.run = run,
};
