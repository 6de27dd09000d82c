/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "gateway.h"

#include <errno.h>
#include <inttypes.h>
#include <time.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>

#include "lcores.h"
#include "neighbours.h"
#include "ports.h"
#include "privileges.h"
#include "saker_keyfile.h"
#include "steering.h"

#define DRAIN_MS     20   /* workers must stay idle this long */
#define LONG_WAIT_MS 5000 /* longer than any skew: the clock was set back */
#define POLL_MS      10

static uint64_t
unix_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

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
	if (g->config != NULL &&
		saker_root_set_load(g->config, &saker_keysource_file, &g->roots, &faults) == 0)
		(void)saker_snapshot_check_keys(g->config, &g->roots, &faults);
	return conclude(&faults);
}

static int
choose_driver(struct saker_gateway *g, const char *driver, struct saker_faults *faults)
{
	if (driver == NULL)
		driver = g->config->gateway.driver;
	g->crypto = saker_crypto_select(driver, g->crypto_why, sizeof(g->crypto_why));
	if (g->crypto != NULL)
		return 0;
	saker_fault(faults, g->config->file, g->config->gateway.line, "%s", g->crypto_why);
	return -EINVAL;
}

static int
build_snapshot(struct saker_gateway *g, struct saker_faults *faults)
{
	void *ctx = g->crypto->lcore_init(SOCKET_ID_ANY);

	if (ctx == NULL) {
		saker_fault(faults, NULL, 0,
			"saker: crypto driver %s could not be opened: no memory (-m), or no queue "
			"pair of a device is free",
			g->crypto->name);
		return -EINVAL;
	}
	g->snapshot = saker_snapshot_build(g->config, &g->roots, g->crypto, ctx, faults);
	g->crypto->lcore_fini(ctx);
	return g->snapshot == NULL ? -EINVAL : 0;
}

static struct saker_sn_id
line_id(const struct saker_sender *sender, unsigned int worker)
{
	const struct saker_cfg_group *cfg = sender->group->cfg;
	struct saker_sn_id id = {
		.format = cfg->format,
		.spi = cfg->spi,
		.source_len = sender->source_len,
		.session = (uint16_t)(cfg->session_first + worker),
	};

	memcpy(id.source, sender->source, sizeof(id.source));
	memcpy(id.mk_check, sender->group->mk_check, sizeof(id.mk_check));
	return id;
}

/* The workers of a source share its data keys, and so what one key may encrypt. In a server group
 * the other end shares them too.
 */
static struct saker_sn_params
line_params(const struct saker_gateway *g, const struct saker_sender *sender)
{
	struct saker_sn_params params = sender->group->cfg->sn;
	unsigned int ends = sender->group->cfg->role == SAKER_ROLE_PEER ? 1 : 2;

	params.max_blocks = RTE_MAX(params.max_blocks / g->n_workers / ends, 1u);
	return params;
}

/* A line that may send nothing: no limit is published for it. */
static void
init_line(const struct saker_sn_params *params, struct saker_sn_line *line)
{
	bool time = params->mode == SAKER_SN_TIME;
	uint64_t epoch = time ? saker_sn_epoch(saker_sn_at(params, unix_ms())) : params->epoch;

	saker_sn_line_init(line, params, saker_sn_make(epoch, 0), epoch, 0);
}

static void
init_lines(struct saker_gateway *g)
{
	for (unsigned int i = 0; i < g->n_workers; i++)
		for (unsigned int k = 0; k < g->snapshot->n_senders; k++) {
			struct saker_sn_params params = line_params(g, &g->snapshot->senders[k]);

			init_line(&params, &g->workers[i]->lines[k]);
		}
}

static int
add_line(struct saker_gateway *g, const struct saker_sender *sender, struct saker_worker *w,
	struct saker_sn_line *line, struct saker_faults *faults)
{
	struct saker_sn_id id = line_id(sender, w->index);
	struct saker_sn_params params = line_params(g, sender);

	return saker_sn_keeper_add(g->keeper, &id, &params, line, unix_ms(), faults);
}

static int
add_lines(struct saker_gateway *g, struct saker_faults *faults)
{
	const struct saker_snapshot *s = g->snapshot;
	int ret = 0;

	for (unsigned int i = 0; i < g->n_workers; i++)
		for (unsigned int k = 0; k < s->n_senders; k++)
			if (add_line(g, &s->senders[k], g->workers[i], &g->workers[i]->lines[k],
				    faults) != 0)
				ret = -EINVAL;
	return ret;
}

/* Without a reservation on disk nothing is sealed, but opening goes on. */
static void
refuse_to_send(struct saker_gateway *g, struct saker_faults *faults)
{
	g->sending_refused = true;
	(void)conclude(faults);
	fprintf(stderr, "saker: refuses to send: protected packets are dropped as sn_unreserved "
			"until this is mended and saker started again\n");
}

static void
open_state(struct saker_gateway *g)
{
	struct saker_faults faults = { 0 };
	struct saker_sn_store *store;

	if (g->snapshot->n_senders == 0)
		return;
	init_lines(g);
	store = saker_sn_store_open(g->config->gateway.state_dir, &faults);
	if (store != NULL)
		g->keeper = saker_sn_keeper_create(store);
	if (g->keeper == NULL)
		saker_sn_store_close(store);
	if (g->keeper == NULL || add_lines(g, &faults) != 0 ||
		saker_sn_keeper_start(g->keeper, &faults) != 0)
		refuse_to_send(g, &faults);
	saker_faults_free(&faults);
}

static int
set_up(struct saker_gateway *g, const char *driver, struct saker_faults *faults)
{
	if (saker_lcores_count(g, faults) != 0)
		return -EINVAL;
	if (choose_driver(g, driver, faults) != 0 || build_snapshot(g, faults) != 0)
		return -EINVAL;
	if (saker_ports_init(g, faults) != 0)
		return -EINVAL;
	if (saker_lcores_init(g, faults) != 0)
		return -EINVAL;
	return saker_neighbours_init(g, faults);
}

int
saker_gateway_init(struct saker_gateway *g, const char *driver, bool serve)
{
	struct saker_faults faults = { 0 };
	int ret = set_up(g, driver, &faults);

	if (conclude(&faults) != 0 || ret != 0)
		return -EINVAL;
	fprintf(stderr, "saker: crypto driver %s\n", g->crypto_why);
	if (serve && saker_privileges_drop() != 0)
		return -EPERM;
	if (serve)
		open_state(g);
	return 0;
}

/* Can this line send at this moment? On a slow disk the keeper may be behind for a while. */
static bool
line_ready(const struct saker_sn_line *l)
{
	return l->params.mode != SAKER_SN_TIME ||
	       saker_sn_line_limit_get(l) > saker_sn_at(&l->params, unix_ms());
}

static bool
lines_ready(const struct saker_gateway *g)
{
	for (unsigned int i = 0; i < g->n_workers; i++)
		for (unsigned int k = 0; k < g->snapshot->n_senders; k++)
			if (!line_ready(&g->workers[i]->lines[k]))
				return false;
	return true;
}

/* The time discipline starts once the clock has passed what was reserved before. */
static void
wait_for_reservations(struct saker_gateway *g)
{
	uint64_t left;

	if (g->keeper == NULL || g->sending_refused)
		return;
	left = saker_sn_keeper_wait_ms(g->keeper, unix_ms());
	if (left > LONG_WAIT_MS) {
		fprintf(stderr,
			"saker: the clock is %" PRIu64
			" s behind the last SN reservation; until it "
			"has passed it, protected packets are dropped as clock_ahead\n",
			left / 1000);
		return;
	}
	for (unsigned int ms = 0; ms < 2 * LONG_WAIT_MS && !saker_quit_asked(); ms += POLL_MS) {
		if (saker_sn_keeper_wait_ms(g->keeper, unix_ms()) == 0 && lines_ready(g))
			return;
		rte_delay_us_sleep(POLL_MS * 1000);
	}
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
		wait_for_reservations(g);
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

void
saker_gateway_fini(struct saker_gateway *g)
{
	saker_gateway_stop(g);
	saker_sn_keeper_free(g->keeper);
	g->keeper = NULL;
	saker_neighbours_fini(g);
	saker_ports_close(g); /* it may hold buffers of the workers */
	saker_lcores_fini(g);
	saker_ports_fini(g);
	saker_snapshot_free((struct saker_snapshot *)(uintptr_t)g->snapshot);
	g->snapshot = NULL;
	saker_root_set_free(&g->roots);
	saker_config_free(g->config);
	g->config = NULL;
}
