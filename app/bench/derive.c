/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "derive.h"

#include <errno.h>

#include "load.h"
#include "rounds.h"

#define REPEAT    16
#define TABLE_LEN 64

struct trial {
	const struct saker_bench_driver *driver;
	struct saker_load *load;
	struct saker_data_key keys[SAKER_BATCH];
	unsigned int blocks; /* CMAC outputs of a packet */
	uint64_t clock_cost;
};

static int
run_trial(void *arg, double *part)
{
	struct trial *t = arg;
	uint64_t since = saker_begin();
	int ret = 0;

	for (unsigned int i = 0; i < REPEAT; i++)
		ret |= t->driver->ops->derive(t->driver->ctx, &t->load->batch, t->keys);
	*part = (double)(saker_end() - since - t->clock_cost) /
		(REPEAT * t->load->batch.n * t->blocks);
	return ret == 0 ? 0 : saker_bench_fail(-EIO, "%s can't derive", t->driver->ops->name);
}

static int
add_figures(
	const struct saker_derive_plan *plan, const struct saker_probe *p, struct saker_figures *f)
{
	char table[TABLE_LEN];
	const struct saker_place place = { .table = table,
		.row = plan->suite_name,
		.column = p->name,
		.unit = "TSC cycles a block of 16 octets derived" };

	snprintf(table, sizeof(table), "crypto derive, burst %u", plan->burst);
	return saker_figures_add(f, &place, SAKER_FIGURE, saker_probe_spread(p, 0, plan->rounds));
}

int
saker_bench_derive(const struct saker_derive_plan *plan, struct saker_figures *f)
{
	const struct saker_load_form form = { .n = plan->burst, .suite = plan->suite };
	static struct trial trials[SAKER_BENCH_DRIVERS];
	struct saker_probe probes[SAKER_BENCH_DRIVERS] = { 0 };
	char label[TABLE_LEN];
	int ret = 0;

	for (unsigned int i = 0; i < plan->n; i++) {
		trials[i].driver = &plan->drivers[i];
		trials[i].load = saker_load_create(&form);
		trials[i].blocks = plan->suite == SAKER_AES_128_GCM ? 2 : 3;
		trials[i].clock_cost = saker_clock_cost();
		if (trials[i].load == NULL)
			ret = -ENOMEM;
		else
			saker_load_derive(trials[i].load, trials[i].driver);
		probes[i] = (struct saker_probe){ .name = plan->drivers[i].ops->name,
			.run = run_trial,
			.arg = &trials[i],
			.parts = 1 };
	}
	snprintf(label, sizeof(label), "crypto: %s, derivation alone, burst %u", plan->suite_name,
		plan->burst);
	if (ret == 0)
		ret = saker_rounds(probes, plan->n, plan->rounds, label);
	for (unsigned int i = 0; i < plan->n && ret == 0; i++)
		ret = add_figures(plan, &probes[i], f);
	saker_probes_free(probes, plan->n);
	for (unsigned int i = 0; i < plan->n; i++)
		saker_load_free(trials[i].load);
	saker_wipe(trials, sizeof(trials));
	return ret;
}
