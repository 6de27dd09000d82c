/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "life.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "regime.h"

#define NEAR_PERCENT 80
#define FULL_PERCENT 100

struct saker_life *
saker_life_of(struct saker_gateway *g, const struct saker_config *c,
	const struct saker_root_set *roots, unsigned int key, unsigned int generation,
	uint64_t edition)
{
	uint32_t index = saker_root_index(&roots->values[key], generation);
	uint8_t check[SAKER_CHECK_LEN] = { 0 };
	struct saker_life *life = g->lives;

	(void)saker_key_check(roots->values[key].value[generation], check);
	while (life != NULL &&
		(strcmp(life->name, c->root_keys[key].name) != 0 || life->index != index ||
			memcmp(life->check, check, sizeof(check)) != 0))
		life = life->next;
	if (life == NULL) {
		life = calloc(1, sizeof(*life));
		if (life == NULL)
			return NULL;
		snprintf(life->name, sizeof(life->name), "%s", c->root_keys[key].name);
		memcpy(life->check, check, sizeof(check));
		life->index = index;
		life->next = g->lives;
		g->lives = life;
	}
	life->used = edition;
	return life;
}

void
saker_life_add(const struct saker_line *line)
{
	struct saker_sn_life life = saker_sn_line_life(&line->sn);

	for (unsigned int l = 0; l < SAKER_LEVELS; l++) {
		if (line->life[l] == NULL)
			continue;
		line->life[l]->past.packets += life.packets;
		line->life[l]->past.keys += life.keys;
	}
}

void
saker_life_sweep(struct saker_gateway *g, uint64_t edition)
{
	struct saker_life **at = &g->lives;

	while (*at != NULL) {
		struct saker_life *life = *at;

		if (life->used == edition) {
			at = &life->next;
			continue;
		}
		*at = life->next;
		free(life);
	}
}

static struct saker_life *
find(const struct saker_gateway *g, unsigned int key)
{
	const struct saker_root_values *v = &g->roots.values[key];
	uint32_t index = saker_root_index(v, g->roots.sending[key].generation);

	for (struct saker_life *life = g->lives; life != NULL; life = life->next)
		if (life->index == index && strcmp(life->name, g->config->root_keys[key].name) == 0)
			return life;
	return NULL;
}

static struct saker_sn_life
sent_under(const struct saker_gateway *g, const struct saker_life *life)
{
	struct saker_sn_life sum = life->past;

	for (unsigned int i = 0; g->regime != NULL && i < g->regime->n_lines; i++) {
		const struct saker_line *line = g->regime->lines[i];
		struct saker_sn_life one = saker_sn_line_life(&line->sn);

		for (unsigned int l = 0; l < SAKER_LEVELS; l++) {
			if (line->life[l] != life)
				continue;
			sum.packets += one.packets;
			sum.keys += one.keys;
		}
	}
	return sum;
}

/* When current became current: what the file says, or else when it was written. */
static uint64_t
born(const struct saker_gateway *g, unsigned int key)
{
	struct stat st;

	if (g->roots.values[key].since != 0)
		return g->roots.values[key].since;
	return stat(g->config->root_keys[key].file, &st) == 0 ? (uint64_t)st.st_mtime : 0;
}

static uint64_t
age(const struct saker_gateway *g, unsigned int key)
{
	uint64_t now = (uint64_t)time(NULL), since = born(g, key);

	return since != 0 && now > since ? now - since : 0;
}

static void
weigh(struct saker_life_figures *f, const char *name, uint64_t value, uint64_t limit)
{
	uint64_t percent = limit == 0 ? 0
				      : (uint64_t)((__extension__(unsigned __int128) value * 100) /
						   limit);

	if (limit == 0 || (f->limit != NULL && percent <= f->percent))
		return;
	f->limit = name;
	f->percent = percent > 999 ? 999 : (unsigned int)percent;
}

struct saker_life_figures
saker_life_figures(const struct saker_gateway *g, unsigned int key)
{
	const struct saker_cfg_root_key *cfg = &g->config->root_keys[key];
	struct saker_life_figures f = { .age_s = age(g, key) };
	const struct saker_life *life = find(g, key);

	if (life != NULL) {
		struct saker_sn_life sum = sent_under(g, life);

		f.packets = sum.packets;
		f.keys = sum.keys;
	}
	weigh(&f, "max_age", f.age_s, cfg->max_age);
	weigh(&f, "max_packets", f.packets, cfg->max_packets);
	weigh(&f, "max_keys", f.keys, cfg->max_keys);
	return f;
}

/* A line stops for any of its root keys, and goes on when none of them is stopped. */
static void
set_lines(const struct saker_gateway *g)
{
	for (unsigned int i = 0; i < g->regime->n_lines; i++) {
		struct saker_line *line = g->regime->lines[i];
		bool stop = false;

		for (unsigned int l = 0; l < SAKER_LEVELS; l++)
			stop |= line->life[l] != NULL && line->life[l]->stopped;
		saker_sn_line_stop(&line->sn, stop ? SAKER_DROP_KEY_EXPIRED : SAKER_OK);
	}
}

static void
warn(const struct saker_cfg_root_key *cfg, const struct saker_life *life,
	const struct saker_life_figures *f)
{
	bool full = f->percent >= FULL_PERCENT;
	const char *what = !full ? "rotate it soon"
			   : life->stopped
				   ? "nothing more is sealed with it (key_expired): rotate it"
				   : "rotate it now";

	fprintf(stderr, "saker: root key %s, index %" PRIu32 ": %u %% of %s; %s\n", cfg->name,
		life->index, f->percent, f->limit, what);
}

static void
check(struct saker_gateway *g, unsigned int key)
{
	const struct saker_cfg_root_key *cfg = &g->config->root_keys[key];
	struct saker_life_figures f = saker_life_figures(g, key);
	struct saker_life *life = find(g, key);
	unsigned int step = f.percent >= FULL_PERCENT   ? FULL_PERCENT
			    : f.percent >= NEAR_PERCENT ? NEAR_PERCENT
							: 0;

	if (life == NULL)
		return;
	life->stopped = step == FULL_PERCENT && cfg->on_expiry == SAKER_EXPIRY_STOP;
	if (step > life->told)
		warn(cfg, life, &f);
	life->told = step;
}

void
saker_life_check(struct saker_gateway *g)
{
	if (g->regime == NULL)
		return;
	for (unsigned int i = 0; i < g->config->n_root_keys; i++)
		check(g, i);
	set_lines(g);
}

void
saker_life_fini(struct saker_gateway *g)
{
	saker_life_sweep(g, UINT64_MAX);
}
