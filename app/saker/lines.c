/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "lines.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include <rte_cycles.h>
#include <rte_malloc.h>

#include "saker_own.h"
#include "saker_psp_keys.h"

#define LONG_WAIT_MS 5000 /* longer than any skew: the clock was set back */
#define POLL_MS      5

/* A regime's lines while they come together. */
struct build {
	struct saker_gateway *g;
	struct saker_regime *r;
	const struct saker_config *config;
	struct saker_faults *faults;
};

uint64_t
saker_unix_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Whose line it is. */
struct place {
	const struct saker_sender *sender;
	unsigned int class, worker;
};

/* A worker that has another seal for it, or no SA, has a line that sends nothing. */
static bool
seals(const struct saker_sender *sender, unsigned int worker)
{
	if (sender->group->handed)
		return worker < sender->n_seal;
	return saker_sealing_worker(sender->group, worker) == worker;
}

static uint16_t
line_session(const struct saker_gateway *g, const struct place *at)
{
	if (!seals(at->sender, at->worker))
		return (uint16_t)(UINT16_MAX - at->worker); /* nobody's */
	if (at->sender->group->names_workers)
		return 0;
	return saker_group_session(at->sender->group, at->class, at->worker, g->n_workers);
}

/* As the store knows a line. Keys of format tss hang on no SPI: whatever that is, the value of the
 * root key tells what was used under it.
 */
static struct saker_sn_id
stored_id(const struct saker_group *group, const struct saker_sn_id *id)
{
	struct saker_sn_id stored = *id;

	if (group->format == &saker_format_tss && group->client == NULL)
		stored.spi = 0;
	return stored;
}

/* An SA is its key, by whatever SPI: no IV of it may come again. */
static struct saker_sn_id
handed_id(const struct place *at)
{
	const struct saker_psp_seal *seal = &at->sender->seal[at->worker];
	struct saker_sn_id id = { .format = at->sender->group->cfg->format, .spi = seal->spi };

	id.source_len = sizeof(seal->check);
	memcpy(id.source, seal->check, sizeof(seal->check));
	memcpy(id.mk_check, seal->check, sizeof(seal->check));
	return id;
}

/* What packets name, since that is what keys and nonces are made of: where workers are told apart
 * by source id or SPI, an id may be another worker's, or another group's, after a change.
 */
static struct saker_sn_id
line_id(const struct saker_gateway *g, const struct place *at)
{
	const struct saker_sender *sender = at->sender;
	const struct saker_cfg_group *cfg = sender->group->cfg;
	struct saker_sn_id id = {
		.format = cfg->format,
		.spi = sender->group->session != NULL ? 0 : cfg->spi,
		.source_len = sender->source_len,
		.session = line_session(g, at),
	};

	if (sender->group->handed && seals(sender, at->worker))
		return handed_id(at);
	saker_own_source(sender, at->worker, id.source);
	if (sender->group->session == NULL && sender->group->format->worker_spi)
		id.spi = saker_load_be32(id.source);
	memcpy(id.mk_check, sender->group->mk_check, sizeof(id.mk_check));
	return id;
}

/* The workers and classes of a source share its data keys, and so what one key may encrypt. In a
 * server group the other end shares them too. Keys by session are each line's own.
 */
static struct saker_sn_params
line_params(const struct saker_gateway *g, const struct saker_sender *sender)
{
	struct saker_sn_params params = sender->group->cfg->sn;
	unsigned int ends = sender->group->cfg->role == SAKER_ROLE_PEER ? 1 : 2;
	unsigned int lines = g->n_workers * saker_group_classes(sender->group) * ends;

	if (sender->group->session == NULL && !sender->group->handed)
		params.max_blocks = RTE_MAX(params.max_blocks / lines, 1u);
	return params;
}

/* A line that may send nothing: no limit is published for it. */
static void
init_line(const struct saker_sn_params *params, struct saker_sn_line *line)
{
	bool time = params->mode == SAKER_SN_TIME;
	uint64_t epoch = time ? saker_sn_epoch(saker_sn_at(params, saker_unix_ms()))
			      : params->epoch;

	saker_sn_line_init(line, params, saker_sn_make(epoch, 0), epoch, 0);
}

/* By source and session: whatever the master key, but where there is nothing else. */
static int
compare_ids(const struct saker_sn_id *a, const struct saker_sn_id *b)
{
	if (a->spi != b->spi)
		return a->spi < b->spi ? -1 : 1;
	if (a->format != b->format)
		return a->format - b->format;
	if (a->session != b->session)
		return a->session - b->session;
	if (a->source_len != b->source_len)
		return a->source_len - b->source_len;
	if (a->spi == 0 && memcmp(a->mk_check, b->mk_check, sizeof(a->mk_check)) != 0)
		return memcmp(a->mk_check, b->mk_check, sizeof(a->mk_check));
	return memcmp(a->source, b->source, sizeof(a->source));
}

static int
compare_lines(const void *a, const void *b)
{
	const struct saker_line *const *x = a, *const *y = b;

	return compare_ids(&(*x)->id, &(*y)->id);
}

static struct saker_line *
line_before(const struct saker_regime *r, const struct saker_sn_id *id)
{
	const struct saker_line key = { .id = *id }, *at = &key;
	struct saker_line **found = NULL;

	if (r != NULL)
		found = bsearch(&at, r->lines_by_id, r->n_lines, sizeof(struct saker_line *),
			compare_lines);
	return found == NULL ? NULL : *found;
}

static int
line_fault(const struct build *b, const struct saker_cfg_group *cfg, const char *what)
{
	saker_fault(b->faults, b->config->file, cfg->line, "trust group %s: %s", cfg->name, what);
	return -EINVAL;
}

static bool
same_key(const struct saker_sn_id *a, const struct saker_sn_id *b)
{
	return memcmp(a->mk_check, b->mk_check, sizeof(a->mk_check)) == 0;
}

/* Let the keeper supply a line, from where the one before it stands. */
static int
supply(const struct build *b, struct saker_line *line, const struct saker_sn_id *stored,
	const struct saker_sn_params *params, const struct saker_line *before)
{
	struct saker_holding *h = &b->r->edition.holding[line->worker];
	int ret;

	if (b->g->keeper == NULL) {
		init_line(params, &line->sn);
		return 0;
	}
	if (before == NULL || !before->supplied)
		ret = saker_sn_keeper_add(
			b->g->keeper, stored, params, &line->sn, saker_unix_ms(), b->faults);
	else
		ret = saker_sn_keeper_follow(b->g->keeper, stored, params, &line->sn, &before->sn,
			saker_unix_ms(), b->faults);
	line->supplied = ret == 0;
	if (ret == 0 && before != NULL && before->supplied)
		h->changes[h->n_changes++] = (struct saker_line_change){ &line->sn, &before->sn,
			same_key(&line->id, &before->id) };
	return ret;
}

/* The lives that a line counts for: those of the root keys behind its master key. */
static int
note_lives(const struct build *b, struct saker_line *line, const struct saker_group *group,
	const struct saker_root_set *roots)
{
	for (unsigned int l = 0; l < SAKER_LEVELS; l++) {
		if (group->send_key[l] == UINT16_MAX)
			continue;
		line->life[l] = saker_life_of(b->g, b->config, roots, group->send_key[l],
			group->send_gen[l], b->r->edition.number);
		if (line->life[l] == NULL)
			return -ENOMEM;
	}
	return 0;
}

static int
new_line(const struct build *b, struct saker_line *line, const struct saker_sender *sender,
	const struct saker_line *before)
{
	struct saker_sn_params params = line_params(b->g, sender);
	struct saker_sn_id stored = stored_id(sender->group, &line->id);
	const struct saker_cfg_group *cfg = sender->group->cfg;

	if (!seals(sender, line->worker))
		return 0;
	if (supply(b, line, &stored, &params, before) != 0)
		return -EINVAL;
	line->sn.flow_keys = cfg->variant == SAKER_V_CONNECTION_ID;
	if (note_lives(b, line, sender->group, b->r->roots) != 0)
		return line_fault(b, cfg, "no memory for the life of its root keys");
	return 0;
}

/* Why a line can't go from one worker to another while both run. */
static const char *
moved(const struct saker_group *g)
{
	if (g->handed)
		return "an SA in use can't move to another lcore: keep those of keys in their "
		       "order, or restart";
	if (g->by_resource)
		return "child_sas can't change so that an SA in use changes its lcore; restart";
	if (g->names_workers)
		return "its first id can't move within the ids in use, one a worker, while saker "
		       "runs; restart, or take a range beyond them";
	return "session_first can't move within the sessions in use while saker runs; restart, or "
	       "take a range beyond them";
}

static int
build_line(const struct build *b, const struct place *at, struct saker_line **out)
{
	const struct saker_sender *sender = at->sender;
	struct saker_sn_id id = line_id(b->g, at);
	struct saker_line *before = line_before(b->g->regime, &id), *line;
	struct saker_sn_params params = line_params(b->g, sender);

	if (before != NULL && before->worker != at->worker)
		return line_fault(b, sender->group->cfg, moved(sender->group));
	if (before != NULL && same_key(&id, &before->id) &&
		saker_sn_params_equal(&params, &before->sn.params)) {
		before->used = b->r->edition.number;
		*out = before;
		return note_lives(b, before, sender->group, b->r->roots);
	}
	line = rte_zmalloc_socket(
		"saker", sizeof(*line), RTE_CACHE_LINE_SIZE, b->g->workers[at->worker]->socket);
	if (line == NULL)
		return line_fault(
			b, sender->group->cfg, "no memory for its SN lines; give EAL more with -m");
	line->id = id;
	line->worker = at->worker;
	line->born = line->used = b->r->edition.number;
	*out = line;
	return new_line(b, line, sender, before);
}

static int
build_sender(const struct build *b, const struct saker_sender *sender, unsigned int worker)
{
	struct saker_line **lines = &b->r->lines[worker * b->r->snapshot->n_lines];
	struct place at = { .sender = sender, .worker = worker };
	int ret = 0;

	for (; at.class < saker_group_classes(sender->group); at.class ++) {
		unsigned int k = sender->first_line + at.class;

		if (build_line(b, &at, &lines[k]) != 0)
			ret = -EINVAL;
		if (lines[k] != NULL)
			b->r->edition.holding[worker].lines[k] = &lines[k]->sn;
	}
	return ret;
}

static int
build_lines(const struct build *b)
{
	const struct saker_snapshot *s = b->r->snapshot;
	int ret = 0;

	for (unsigned int w = 0; w < b->r->n_workers; w++)
		for (unsigned int k = 0; k < s->n_senders; k++)
			if (build_sender(b, &s->senders[k], w) != 0)
				ret = -EINVAL;
	return ret;
}

static int
open_state(struct saker_gateway *g, const struct saker_config *c, struct saker_faults *faults)
{
	struct saker_sn_store *store = saker_sn_store_open(c->gateway.state_dir, faults);

	if (store == NULL)
		return -EINVAL;
	g->keeper = saker_sn_keeper_create(store);
	if (g->keeper != NULL)
		return 0;
	saker_sn_store_close(store);
	saker_fault(faults, NULL, 0, "saker: no memory for the SN reservations");
	return -ENOMEM;
}

/* Reservations of new lines are on disk before any of them can send. */
static int
reserve(struct saker_gateway *g, struct saker_faults *faults)
{
	int rc;

	if (g->keeper == NULL)
		return 0;
	if (!g->keeper_runs) {
		rc = saker_sn_keeper_start(g->keeper, faults);
		g->keeper_runs = rc == 0;
		return rc;
	}
	rc = saker_sn_keeper_renew(g->keeper, saker_unix_ms());
	if (rc != 0)
		saker_fault(faults, NULL, 0,
			"SN reservations can't be written to the state directory (%s): make room "
			"there",
			strerror(-rc));
	return rc;
}

void
saker_lines_free(struct saker_gateway *g, struct saker_regime *r, const struct saker_sweep *sweep)
{
	for (unsigned int i = 0; i < r->n_lines; i++)
		if (r->lines[i] != NULL && saker_gone(sweep, r->lines[i]->born, r->lines[i]->used))
			saker_sn_keeper_retire(&r->lines[i]->sn);
	if (g->keeper != NULL)
		saker_sn_keeper_sweep(g->keeper);
	for (unsigned int i = 0; i < r->n_lines; i++) {
		struct saker_line *line = r->lines[i];

		if (line == NULL || !line->sn.retired)
			continue;
		saker_life_add(line);
		rte_free(line);
		r->lines[i] = NULL;
	}
}

/* Without a reservation on disk nothing is sealed, but opening goes on. */
static int
refuse(const struct build *b)
{
	saker_faults_print(b->faults, stderr);
	saker_faults_free(b->faults);
	saker_lines_free(b->g, b->r, &(struct saker_sweep){ b->r->edition.number, true });
	saker_sn_keeper_free(b->g->keeper);
	b->g->keeper = NULL;
	b->g->sending_refused = true;
	fprintf(stderr, "saker: refuses to send: protected packets are dropped as sn_unreserved "
			"until this is mended and saker started again\n");
	return build_lines(b);
}

static int
sort_lines(struct saker_regime *r)
{
	r->lines_by_id = calloc(r->n_lines + 1u, sizeof(struct saker_line *));
	if (r->lines_by_id == NULL)
		return -ENOMEM;
	memcpy(r->lines_by_id, r->lines, r->n_lines * sizeof(struct saker_line *));
	qsort(r->lines_by_id, r->n_lines, sizeof(struct saker_line *), compare_lines);
	return 0;
}

int
saker_lines_build(struct saker_gateway *g, struct saker_regime *r, struct saker_faults *faults)
{
	const struct build b = { g, r, r->snapshot->config, faults };
	bool send = g->serve && !g->sending_refused && r->n_lines > 0;
	int ret = 0;

	if (send && g->keeper == NULL)
		ret = open_state(g, b.config, faults);
	if (ret == 0)
		ret = build_lines(&b);
	if (ret == 0 && send)
		ret = reserve(g, faults);
	if (ret != 0 && g->regime == NULL && send)
		ret = refuse(&b);
	if (ret != 0)
		return -EINVAL;
	if (sort_lines(r) == 0)
		return 0;
	saker_fault(faults, NULL, 0, "saker: no memory for SN lines");
	return -ENOMEM;
}

/* Milliseconds until the last line begins. */
static uint64_t
left_of(const struct saker_regime *r)
{
	uint64_t now = saker_unix_ms(), until = now;

	for (unsigned int i = 0; i < r->n_lines; i++)
		if (r->lines[i]->supplied && r->lines[i]->born == r->edition.number)
			until = RTE_MAX(until, r->lines[i]->sn.start_ms);
	return until - now;
}

void
saker_lines_wait(const struct saker_gateway *g, const struct saker_regime *r)
{
	uint64_t left = left_of(r);

	if (g->sending_refused)
		return;
	if (left > LONG_WAIT_MS) {
		fprintf(stderr,
			"saker: the clock is %" PRIu64 " s behind the last SN reservation; until "
			"it has passed it, protected packets are dropped as clock_ahead\n",
			left / 1000);
		return;
	}
	for (unsigned int ms = 0; ms < 2 * LONG_WAIT_MS && !saker_quit_asked(); ms += POLL_MS) {
		if (left_of(r) == 0 && saker_lines_ready(r))
			return;
		rte_delay_us_sleep(POLL_MS * 1000);
	}
}

static bool
line_ready(const struct saker_line *l)
{
	return !l->supplied || l->sn.params.mode != SAKER_SN_TIME ||
	       saker_sn_line_limit_get(&l->sn) > saker_sn_at(&l->sn.params, saker_unix_ms());
}

bool
saker_lines_ready(const struct saker_regime *r)
{
	for (unsigned int i = 0; i < r->n_lines; i++)
		if (!line_ready(r->lines[i]))
			return false;
	return true;
}
