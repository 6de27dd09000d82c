/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "regime.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include <rte_cycles.h>
#include <rte_malloc.h>

#include "control.h"
#include "lines.h"
#include "saker_path.h"
#include "saker_proxy.h"
#include "worker_ids.h"

#define GRACE_POLL_US 50

/* Names of tables must be unique, and those of two regimes live side by side. */
static unsigned int tables;

static void *
zalloc(const struct saker_worker *w, size_t n, size_t size)
{
	return rte_zmalloc_socket("saker", (n + 1) * size, RTE_CACHE_LINE_SIZE, w->socket);
}

static int
out_of_memory(struct saker_faults *faults)
{
	saker_fault(faults, NULL, 0, "saker: no memory for the workers; give EAL more with -m");
	return -ENOMEM;
}

/* An SA has one sender. A server that was handed none only receives. */
static int
check_sas(const struct saker_gateway *g, const struct saker_sender *sender,
	struct saker_faults *faults)
{
	const struct saker_cfg_group *cfg = sender->group->cfg;

	if (sender->n_seal >= g->n_workers ||
		(sender->n_seal == 0 && cfg->role == SAKER_ROLE_SERVER))
		return 0;
	saker_fault(faults, g->config->file, cfg->line,
		"trust group %s: keys has %u SAs for a peer of its policies, too few for %u "
		"workers, each of which needs one; let the receiver hand out more",
		cfg->name, sender->n_seal, g->n_workers);
	return -EINVAL;
}

/* Every group needs a session id for each worker and class: SN lines are not shared. */
static int
check_sessions(
	const struct saker_gateway *g, const struct saker_regime *r, struct saker_faults *faults)
{
	const struct saker_snapshot *s = r->snapshot;
	int ret = 0;

	for (unsigned int i = 0; i < s->n_senders; i++) {
		const struct saker_cfg_group *cfg = s->senders[i].group->cfg;
		unsigned int classes = saker_group_classes(s->senders[i].group);

		if (s->senders[i].group->handed) {
			ret |= check_sas(g, &s->senders[i], faults);
			continue;
		}
		if (s->senders[i].group->names_workers) {
			ret |= saker_worker_ids_check(g, s->config, &s->senders[i], faults);
			continue;
		}
		if (cfg->sessions >= classes * g->n_workers || s->senders[i].group->by_resource)
			continue;
		saker_fault(faults, s->config->file, cfg->line,
			"trust group %s: %u sessions are too few for %u workers and %u QoS "
			"classes; "
			"raise sessions to %u",
			cfg->name, cfg->sessions, g->n_workers, classes, classes * g->n_workers);
		ret = -EINVAL;
	}
	return ret;
}

/* A worker without an SA of its own gives clear packets away; those of a proxy must stay. */
static int
check_proxies(
	const struct saker_gateway *g, const struct saker_snapshot *s, struct saker_faults *faults)
{
	int ret = 0;

	for (unsigned int i = 0; i < s->n_ways; i++) {
		const struct saker_group *to = s->ways[i].to;

		if (!to->by_resource || to->cfg->sessions >= g->n_workers)
			continue;
		saker_fault(faults, s->config->file, s->ways[i].cfg->line,
			"proxy %s: trust group %s has %u child_sas for %u workers, and packets of "
			"a proxy are sealed where they were opened; raise child_sas to %u",
			s->ways[i].cfg->name, to->cfg->name, to->cfg->sessions - 1, g->n_workers,
			g->n_workers - 1);
		ret = -EINVAL;
	}
	return ret;
}

static int
compare_windows(const void *a, const void *b)
{
	const struct saker_windows *const *x = a, *const *y = b;

	if ((*x)->format != (*y)->format)
		return (*x)->format < (*y)->format ? -1 : 1;
	return ((*x)->spi > (*y)->spi) - ((*x)->spi < (*y)->spi);
}

static int
compare_tallies(const void *a, const void *b)
{
	const struct saker_tally *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static bool
same_windows(const struct saker_windows *w, const struct saker_cfg_group *cfg)
{
	return w->format == cfg->format && w->variant == cfg->variant && w->replay == cfg->replay &&
	       w->sn.mode == cfg->sn.mode && w->sn.epoch_seconds == cfg->sn.epoch_seconds &&
	       w->sn.slot_ms == cfg->sn.slot_ms &&
	       (w->replay == SAKER_REPLAY_NONE ||
		       (w->window == cfg->replay_window && w->sources == cfg->replay_sources));
}

static struct saker_windows *
windows_before(const struct saker_gateway *g, const struct saker_cfg_group *cfg)
{
	const struct saker_windows key = { .format = cfg->format, .spi = cfg->spi }, *at = &key;
	struct saker_windows **found = NULL;

	if (g->regime != NULL)
		found = bsearch(&at, g->regime->windows_by_spi, g->regime->snapshot->n_groups,
			sizeof(struct saker_windows *), compare_windows);
	return found != NULL && same_windows(*found, cfg) ? *found : NULL;
}

/* Owners are chosen by a hash, so some worker owns more than its equal share. */
static uint32_t
sources_of_worker(const struct saker_gateway *g, const struct saker_cfg_group *cfg)
{
	uint32_t share = (cfg->replay_sources + g->n_workers - 1) / g->n_workers;

	return RTE_MIN(cfg->replay_sources, share + share / 4 + 16);
}

static int
create_tables(const struct saker_gateway *g, struct saker_windows *windows,
	const struct saker_cfg_group *cfg, struct saker_faults *faults)
{
	uint32_t sources = sources_of_worker(g, cfg);

	for (unsigned int w = 0; w < g->n_workers && cfg->replay != SAKER_REPLAY_NONE; w++) {
		char name[32];

		snprintf(name, sizeof(name), "saker-replay-%u", tables++);
		windows->table[w] = saker_replay_create(
			name, sources, cfg->replay_window, g->workers[w]->socket);
		if (windows->table[w] != NULL)
			continue;
		saker_fault(faults, g->config->file, cfg->line,
			"trust group %s: no memory for the replay windows of %u sources (%zu MB a "
			"worker); give EAL more with -m, or lower replay_sources",
			cfg->name, sources, saker_replay_size(sources, cfg->replay_window) >> 20);
		return -ENOMEM;
	}
	return 0;
}

/* One for each worker, which share no cache line. */
static void *
counters(const struct saker_gateway *g, size_t size)
{
	void *p = aligned_alloc(RTE_CACHE_LINE_SIZE, g->n_workers * size);

	if (p != NULL)
		memset(p, 0, g->n_workers * size);
	return p;
}

static int
new_windows(const struct saker_gateway *g, uint64_t number, const struct saker_cfg_group *cfg,
	struct saker_windows **out, struct saker_faults *faults)
{
	struct saker_windows *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return out_of_memory(faults);
	*out = w;
	w->format = cfg->format;
	w->spi = cfg->spi;
	w->variant = cfg->variant;
	w->sn = cfg->sn;
	w->replay = cfg->replay;
	w->window = cfg->replay_window;
	w->sources = cfg->replay_sources;
	w->born = w->used = number;
	w->count = counters(g, sizeof(*w->count));
	if (w->count == NULL)
		return out_of_memory(faults);
	return create_tables(g, w, cfg, faults);
}

static int
build_windows(struct saker_gateway *g, struct saker_regime *r, struct saker_faults *faults)
{
	for (unsigned int i = 0; i < r->snapshot->n_groups; i++) {
		const struct saker_cfg_group *cfg = r->snapshot->groups[i].cfg;

		r->windows[i] = windows_before(g, cfg);
		if (r->windows[i] != NULL)
			r->windows[i]->used = r->edition.number;
		else if (new_windows(g, r->edition.number, cfg, &r->windows[i], faults) != 0)
			return -ENOMEM;
		for (unsigned int w = 0; w < g->n_workers; w++) {
			r->edition.holding[w].replay[i] = r->windows[i]->table[w];
			r->edition.holding[w].guard[i] = &r->windows[i]->guard[w];
			r->edition.holding[w].group_count[i] = &r->windows[i]->count[w];
		}
		r->windows_by_spi[i] = r->windows[i];
	}
	qsort(r->windows_by_spi, r->snapshot->n_groups, sizeof(struct saker_windows *),
		compare_windows);
	return 0;
}

static struct saker_tally *
tally_before(const struct saker_gateway *g, const char *name)
{
	struct saker_tally key, *const at = &key, **found = NULL;

	snprintf(key.name, sizeof(key.name), "%s", name);
	if (g->regime != NULL)
		found = bsearch(&at, g->regime->tallies_by_name, g->regime->snapshot->n_all,
			sizeof(struct saker_tally *), compare_tallies);
	return found == NULL ? NULL : *found;
}

static struct saker_tally *
new_tally(const struct saker_gateway *g, uint64_t number, const char *name)
{
	struct saker_tally *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->count = counters(g, sizeof(*t->count));
	if (t->count == NULL) {
		free(t);
		return NULL;
	}
	snprintf(t->name, sizeof(t->name), "%s", name);
	t->born = t->used = number;
	return t;
}

/* Each way of a proxy has one or two policies: no configured name ends like theirs. */
static void
tally_name(const struct saker_policy *p, char *name, size_t size)
{
	if (p->way == NULL)
		snprintf(name, size, "%s", p->cfg->name);
	else
		snprintf(name, size, "%s\n%u%u", p->cfg->name, p->way->back, p->carries);
}

static int
build_tallies(struct saker_gateway *g, struct saker_regime *r, struct saker_faults *faults)
{
	for (unsigned int i = 0; i < r->snapshot->n_all; i++) {
		char name[sizeof(((struct saker_tally *)NULL)->name)];
		struct saker_tally *t;

		tally_name(&r->snapshot->policies[i], name, sizeof(name));
		t = tally_before(g, name);

		if (t == NULL)
			t = new_tally(g, r->edition.number, name);
		if (t == NULL)
			return out_of_memory(faults);
		t->used = r->edition.number;
		r->tallies[i] = r->tallies_by_name[i] = t;
		for (unsigned int w = 0; w < g->n_workers; w++)
			r->edition.holding[w].policy_count[i] = &t->count[w];
	}
	qsort(r->tallies_by_name, r->snapshot->n_all, sizeof(struct saker_tally *),
		compare_tallies);
	return 0;
}

static int
build_holding(const struct saker_regime *r, const struct saker_worker *w, unsigned int cache)
{
	const struct saker_snapshot *s = r->snapshot;
	struct saker_holding *h = &r->edition.holding[w->index];

	h->lines = zalloc(w, s->n_lines, sizeof(*h->lines));
	h->changes = zalloc(w, s->n_lines, sizeof(*h->changes));
	h->replay = zalloc(w, s->n_groups, sizeof(*h->replay));
	h->guard = zalloc(w, s->n_groups, sizeof(*h->guard));
	h->group_count = zalloc(w, s->n_groups, sizeof(*h->group_count));
	h->fresh = zalloc(w, s->n_groups, sizeof(*h->fresh));
	h->policy_count = zalloc(w, s->n_all, sizeof(*h->policy_count));
	if (cache > 0)
		h->cache = saker_key_cache_create(w->crypto, w->crypto_ctx, cache, w->socket);
	return h->lines == NULL || h->changes == NULL || h->replay == NULL || h->guard == NULL ||
			       h->group_count == NULL || h->fresh == NULL ||
			       h->policy_count == NULL || (cache > 0 && h->cache == NULL)
		       ? -ENOMEM
		       : 0;
}

static int
allocate(const struct saker_gateway *g, struct saker_regime *r)
{
	const struct saker_snapshot *s = r->snapshot;
	unsigned int cache = 0;
	int ret = 0;

	r->n_workers = g->n_workers;
	r->n_lines = g->n_workers * s->n_lines;
	r->lines = calloc(r->n_lines + 1u, sizeof(struct saker_line *));
	r->windows = calloc(s->n_groups + 1u, sizeof(struct saker_windows *));
	r->windows_by_spi = calloc(s->n_groups + 1u, sizeof(struct saker_windows *));
	r->tallies = calloc(s->n_all + 1u, sizeof(struct saker_tally *));
	r->tallies_by_name = calloc(s->n_all + 1u, sizeof(struct saker_tally *));
	r->edition.holding = calloc(g->n_workers, sizeof(*r->edition.holding));
	if (r->lines == NULL || r->windows == NULL || r->windows_by_spi == NULL ||
		r->tallies == NULL || r->tallies_by_name == NULL || r->edition.holding == NULL)
		return -ENOMEM;
	for (unsigned int i = 0; i < s->n_groups; i++)
		cache = RTE_MAX(cache, s->groups[i].cfg->key_cache);
	for (unsigned int w = 0; w < g->n_workers && ret == 0; w++)
		ret = build_holding(r, g->workers[w], cache);
	return ret;
}

static struct saker_snapshot *
build_snapshot(const struct saker_gateway *g, const struct saker_config *c,
	const struct saker_root_set *roots, struct saker_faults *faults)
{
	void *ctx = g->crypto->lcore_init(SOCKET_ID_ANY);
	struct saker_snapshot *s;

	if (ctx == NULL) {
		saker_fault(faults, NULL, 0,
			"saker: crypto driver %s could not be opened: no memory (-m), or no queue "
			"pair of a device is free",
			g->crypto->name);
		return NULL;
	}
	s = saker_snapshot_build(c, roots, g->crypto, ctx, faults);
	g->crypto->lcore_fini(ctx);
	return s;
}

/* Every live value has a life, also while it does not seal. */
static int
keep_lives(struct saker_gateway *g, const struct saker_regime *r, const struct saker_config *c)
{
	for (unsigned int k = 0; k < c->n_root_keys; k++)
		for (unsigned int gen = 0; gen < SAKER_LIVE_GENERATIONS; gen++)
			if (r->roots->values[k].live[gen] &&
				saker_life_of(g, c, r->roots, k, gen, r->edition.number) == NULL)
				return -ENOMEM;
	return 0;
}

static int
build_paths(const struct saker_gateway *g, struct saker_regime *r)
{
	const struct saker_regime *old = g->regime;

	if (!r->snapshot->config->gateway.path_mtu)
		return 0;
	r->edition.paths = saker_paths_create(r->snapshot, old == NULL ? NULL : old->edition.paths,
		old == NULL ? NULL : old->snapshot);
	return r->edition.paths == NULL ? -ENOMEM : 0;
}

static int
fill(struct saker_gateway *g, struct saker_regime *r, struct saker_faults *faults)
{
	int ret;

	if ((check_sessions(g, r, faults) | check_proxies(g, r->snapshot, faults)) != 0)
		return -EINVAL;
	saker_control_lock(); /* others may be looking at the lives */
	ret = keep_lives(g, r, r->snapshot->config);
	saker_control_unlock();
	if (ret != 0 || allocate(g, r) != 0)
		return out_of_memory(faults);
	if (build_paths(g, r) != 0)
		return out_of_memory(faults);
	if (build_windows(g, r, faults) != 0 || build_tallies(g, r, faults) != 0)
		return -ENOMEM;
	return saker_lines_build(g, r, faults);
}

static void
free_holding(struct saker_holding *h)
{
	saker_key_cache_free(h->cache);
	rte_free(h->lines);
	rte_free(h->changes);
	rte_free(h->replay);
	rte_free(h->guard);
	rte_free(h->group_count);
	rte_free(h->fresh);
	rte_free(h->policy_count);
}

static void
free_windows(struct saker_windows *w)
{
	for (unsigned int i = 0; i < SAKER_MAX_WORKERS; i++)
		saker_replay_free(w->table[i]);
	free(w->count);
	free(w);
}

static void
free_objects(struct saker_gateway *g, struct saker_regime *r, const struct saker_sweep *sweep)
{
	if (r->lines != NULL)
		saker_lines_free(g, r, sweep);
	for (unsigned int i = 0; r->windows != NULL && i < r->snapshot->n_groups; i++)
		if (r->windows[i] != NULL &&
			saker_gone(sweep, r->windows[i]->born, r->windows[i]->used))
			free_windows(r->windows[i]);
	for (unsigned int i = 0; r->tallies != NULL && i < r->snapshot->n_all; i++) {
		struct saker_tally *t = r->tallies[i];

		if (t == NULL || !saker_gone(sweep, t->born, t->used))
			continue;
		free(t->count);
		free(t);
	}
}

static void
regime_free(struct saker_gateway *g, struct saker_regime *r, const struct saker_sweep *sweep)
{
	free_objects(g, r, sweep);
	for (unsigned int w = 0; r->edition.holding != NULL && w < r->n_workers; w++)
		free_holding(&r->edition.holding[w]);
	free(r->edition.holding);
	free(r->edition.paths);
	free(r->lines);
	free(r->lines_by_id);
	free(r->windows);
	free(r->windows_by_spi);
	free(r->tallies);
	free(r->tallies_by_name);
	saker_snapshot_free(r->snapshot);
	free(r);
}

struct saker_regime *
saker_regime_build(struct saker_gateway *g, const struct saker_config *c,
	const struct saker_root_set *roots, struct saker_faults *faults)
{
	struct saker_regime *r = calloc(1, sizeof(*r));

	if (r == NULL) {
		(void)out_of_memory(faults);
		return NULL;
	}
	r->edition.number = ++g->editions;
	r->roots = roots;
	r->snapshot = build_snapshot(g, c, roots, faults);
	r->edition.snapshot = r->snapshot;
	if (r->snapshot != NULL && fill(g, r, faults) == 0)
		return r;
	if (r->snapshot != NULL)
		saker_regime_drop(g, r);
	else
		free(r);
	return NULL;
}

void
saker_regime_drop(struct saker_gateway *g, struct saker_regime *r)
{
	regime_free(g, r, &(struct saker_sweep){ r->edition.number, true });
}

/* Windows that are new or reach further back have not seen all that they would accept. */
static void
set_guards(const struct saker_gateway *g, const struct saker_regime *r)
{
	for (unsigned int i = 0; i < r->snapshot->n_groups; i++) {
		const struct saker_cfg_group *cfg = r->snapshot->groups[i].cfg;
		struct saker_windows *w = r->windows[i];
		bool fresh = w->born == r->edition.number;
		struct saker_guard guard = { .pending = true };

		guard.shift_ms = fresh ? (int64_t)cfg->sn.skew_ms : -(int64_t)w->sn.window_ms;
		if (fresh ? cfg->start_guard && g->regime != NULL
			  : cfg->sn.window_ms > w->sn.window_ms)
			for (unsigned int k = 0; k < r->n_workers; k++) {
				guard.since_ms = w->guard[k].since_ms;
				w->guard[k] = guard;
			}
		w->sn = cfg->sn;
	}
}

/* Every worker that runs has ended a round that began before. */
static void
wait_for_workers(const struct saker_gateway *g)
{
	uint64_t token = rte_rcu_qsbr_start(g->qsbr);

	while (rte_rcu_qsbr_check(g->qsbr, token, false) == 0)
		rte_delay_us_sleep(GRACE_POLL_US);
}

/* After the first round nobody uses the old edition; in the second, everyone takes the new one,
 * and reads the lines that its own go on from.
 */
static void
publish(struct saker_gateway *g, const struct saker_regime *r)
{
	atomic_store_explicit(&g->edition, &r->edition, memory_order_release);
	if (atomic_load(&g->running)) {
		wait_for_workers(g);
		wait_for_workers(g);
		return;
	}
	for (unsigned int i = 0; i < g->n_workers; i++)
		saker_worker_take(g->workers[i], &r->edition);
}

void
saker_regime_enforce(struct saker_gateway *g, struct saker_regime *r, struct saker_config *c,
	struct saker_root_set *roots)
{
	struct saker_root_set old_roots = g->roots;
	struct saker_config *old_c = g->config;
	struct saker_regime *old = g->regime;

	if (old != NULL)
		saker_lines_wait(g, r);
	saker_control_lock();
	set_guards(g, r);
	publish(g, r);
	g->regime = r;
	g->snapshot = r->snapshot;
	g->config = c;
	g->roots = *roots;
	r->roots = &g->roots;
	if (old != NULL)
		regime_free(g, old, &(struct saker_sweep){ r->edition.number, false });
	if (old_roots.values != roots->values)
		saker_root_set_free(&old_roots);
	if (old_c != c)
		saker_config_free(old_c);
	saker_life_sweep(g, r->edition.number);
	saker_control_unlock();
	saker_life_check(g);
}

void
saker_regime_fini(struct saker_gateway *g)
{
	if (g->regime == NULL)
		return;
	regime_free(g, g->regime, &(struct saker_sweep){ UINT64_MAX, false });
	g->regime = NULL;
	g->snapshot = NULL;
}
