/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "gateway.h"

#include <errno.h>
#include <stdlib.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>

#include "lcores.h"
#include "life.h"
#include "lines.h"
#include "live.h"
#include "neighbours.h"
#include "ports.h"
#include "privileges.h"
#include "regime.h"
#include "saker_keyfile.h"
#include "steering.h"

#define DRAIN_MS 20 /* workers must stay idle this long */
#define POLL_MS  10

/* Print what was found and forget it. @return -EINVAL if there were errors. */
static int
conclude(struct saker_faults *faults)
{
	int ret = faults->errors > 0 ? -EINVAL : 0;

	saker_faults_print(faults, stderr);
	saker_faults_free(faults);
	return ret;
}

int
saker_gateway_load(struct saker_gateway *g, const char *file)
{
	struct saker_faults faults = { 0 };

	g->config = saker_config_load(file, &faults);
	if (g->config != NULL && saker_keywatch_take(&g->keywatch, g->config) == 0 &&
		saker_root_set_load(g->config, &saker_keysource_file, &g->roots, &faults) == 0)
		(void)saker_snapshot_check_keys(g->config, &g->roots, &faults);
	return conclude(&faults);
}

static int
choose_driver(struct saker_gateway *g, const char *driver, struct saker_faults *faults)
{
	const char *wanted = driver != NULL ? driver : g->config->gateway.driver;

	g->crypto = saker_crypto_select(wanted, g->crypto_why, sizeof(g->crypto_why));
	if (g->crypto != NULL)
		return 0;
	if (driver != NULL)
		saker_fault(faults, NULL, 0, "--crypto-driver %s", g->crypto_why);
	else
		saker_fault(faults, g->config->file, g->config->gateway.line, "driver %s",
			g->crypto_why);
	return -EINVAL;
}

static int
set_up(struct saker_gateway *g, const char *driver, struct saker_faults *faults)
{
	if (saker_lcores_count(g, faults) != 0)
		return -EINVAL;
	if (choose_driver(g, driver, faults) != 0 || saker_ports_init(g, faults) != 0)
		return -EINVAL;
	if (saker_lcores_init(g, faults) != 0)
		return -EINVAL;
	return saker_neighbours_init(g, faults);
}

/* By the user that saker runs as: so is everything that a reload will do. */
static int
begin_regime(struct saker_gateway *g)
{
	struct saker_faults faults = { 0 };
	struct saker_regime *r = saker_regime_build(g, g->config, &g->roots, &faults);

	if (conclude(&faults) != 0 || r == NULL)
		return -EINVAL;
	saker_regime_enforce(g, r, g->config, &g->roots);
	return 0;
}

int
saker_gateway_init(struct saker_gateway *g, const char *driver, bool serve)
{
	struct saker_faults faults = { 0 };
	int ret;

	g->serve = serve;
	ret = set_up(g, driver, &faults);
	if (conclude(&faults) != 0 || ret != 0)
		return -EINVAL;
	fprintf(stderr, "saker: crypto driver %s\n", g->crypto_why);
	if (serve && saker_privileges_drop() != 0)
		return -EPERM;
	return begin_regime(g);
}

int
saker_gateway_start(struct saker_gateway *g)
{
	int ret;

	if (atomic_load(&g->running))
		return -EALREADY;
	ret = saker_ports_start(g);
	if (ret == 0) {
		saker_steering_start(g);
		saker_lines_wait(g, g->regime);
		ret = saker_neighbours_start(g);
	}
	if (ret == 0)
		ret = saker_lcores_start(g);
	if (ret != 0) {
		saker_neighbours_stop(g);
		saker_ports_stop(g);
		fprintf(stderr, "saker: could not start: %s\n", strerror(-ret));
		return ret;
	}
	g->started_tsc = rte_rdtsc();
	return 0;
}

void
saker_gateway_stop(struct saker_gateway *g)
{
	if (!atomic_load(&g->running))
		return;
	saker_neighbours_stop(g);
	saker_lcores_stop(g);
	g->stopped_tsc = rte_rdtsc();
	saker_steering_stop(g);
	saker_ports_stop(g);
}

bool
saker_gateway_drain(struct saker_gateway *g)
{
	unsigned int idle_ms = 0;

	while (idle_ms < DRAIN_MS && !saker_quit_asked()) {
		rte_delay_us_sleep(POLL_MS * 1000);
		saker_live_poll(g);
		idle_ms = saker_lcores_idle(g) ? idle_ms + POLL_MS : 0;
	}
	return !saker_quit_asked() && !g->sending_refused;
}

static void
clear_worker(struct saker_worker *w, unsigned int what)
{
	for (unsigned int d = 0; d < SAKER_DIRECTIONS; d++) {
		if (what & SAKER_CLEAR_DROPS)
			memset(w->count[d].drop, 0, sizeof(w->count[d].drop));
		if (what & SAKER_CLEAR_STAGES)
			memset(w->count[d].stage, 0, sizeof(w->count[d].stage));
	}
}

void
saker_gateway_clear(struct saker_gateway *g, unsigned int what)
{
	for (unsigned int i = 0; i < g->n_workers; i++)
		clear_worker(g->workers[i], what);
	if (what & SAKER_CLEAR_NEIGHBOURS)
		saker_neighbours_clear(g);
	for (unsigned int i = 0; i < g->n_ports && (what & SAKER_CLEAR_PORTS); i++) {
		rte_eth_stats_reset(g->ports[i].id);
		rte_eth_xstats_reset(g->ports[i].id);
	}
}

static void
forget_epochs(struct saker_gateway *g)
{
	while (g->epochs != NULL) {
		struct saker_epoch_set *next = g->epochs->next;

		free(g->epochs->name);
		free(g->epochs);
		g->epochs = next;
	}
}

void
saker_gateway_fini(struct saker_gateway *g)
{
	saker_gateway_stop(g);
	saker_sn_keeper_free(g->keeper);
	g->keeper = NULL;
	saker_neighbours_fini(g);
	saker_ports_close(g); /* it may hold buffers of the workers */
	saker_regime_fini(g);
	saker_life_fini(g);
	saker_lcores_fini(g);
	saker_ports_fini(g);
	saker_keywatch_free(&g->keywatch);
	forget_epochs(g);
	saker_root_set_free(&g->roots);
	saker_config_free(g->config);
	g->config = NULL;
}
