/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "change.h"

#include <errno.h>
#include <inttypes.h>
#include <time.h>

#include "regime.h"
#include "saker_keyfile.h"

uint64_t
saker_monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int
look_at_files(struct saker_change *ch)
{
	if (saker_keywatch_take(&ch->watch, ch->config) == 0)
		return 0;
	saker_fault(&ch->faults, NULL, 0, "saker: no memory for the names of key files");
	return -ENOMEM;
}

int
saker_change_begin(struct saker_change *ch, struct saker_gateway *g, const char *what)
{
	*ch = (struct saker_change){ .g = g, .what = what, .config = g->config };
	if (saker_root_set_copy(&ch->roots, &g->roots) != 0) {
		saker_fault(&ch->faults, NULL, 0, "saker: no memory for root keys");
		return -ENOMEM;
	}
	return look_at_files(ch);
}

bool
saker_epoch_is_of(const struct saker_epoch_set *e, const struct saker_cfg_group *cfg)
{
	return strcmp(e->name, cfg->name) == 0 ||
	       (e->spi != 0 && e->spi == cfg->spi && e->format == cfg->format);
}

/* Epochs that were set while saker runs hold until a higher one is in the file. */
static void
keep_epochs(const struct saker_change *ch)
{
	for (unsigned int i = 0; i < ch->config->n_groups; i++) {
		struct saker_cfg_group *cfg = &ch->config->groups[i];

		for (const struct saker_epoch_set *e = ch->g->epochs; e != NULL; e = e->next)
			if (saker_epoch_is_of(e, cfg) && cfg->sn.mode == SAKER_SN_COUNTER &&
				e->epoch > cfg->sn.epoch)
				cfg->sn.epoch = e->epoch;
	}
}

int
saker_change_read(struct saker_change *ch, struct saker_gateway *g, const char *what)
{
	*ch = (struct saker_change){ .g = g, .what = what };
	ch->config = saker_config_load(g->config->file, &ch->faults);
	if (ch->config == NULL || look_at_files(ch) != 0)
		return -EINVAL;
	keep_epochs(ch);
	if (saker_root_set_load(ch->config, &saker_keysource_file, &ch->roots, &ch->faults) != 0)
		return -EINVAL;
	return saker_snapshot_check_keys(ch->config, &ch->roots, &ch->faults);
}

static bool
has_faults(const struct saker_change *ch)
{
	return ch->faults.errors > 0 || ch->config == NULL || ch->roots.values == NULL;
}

/* What can't change now is as it was for the time of building, and for good if all goes well. */
static struct saker_regime *
build(struct saker_change *ch)
{
	struct saker_gateway *g = ch->g;
	bool other = ch->config != g->config;
	struct saker_regime *r;

	ch->followed_ms = saker_monotonic_ms();
	if (!ch->settled && saker_root_set_follow(&ch->roots, ch->config, &g->roots, g->config,
				    ch->followed_ms, &ch->faults) != 0)
		return NULL;
	if (other)
		saker_config_exchange_fixed(ch->config, g->config);
	r = saker_regime_build(g, ch->config, &ch->roots, &ch->faults);
	if (r != NULL && ch->commit != NULL && ch->commit(ch) != 0) {
		saker_regime_drop(g, r);
		r = NULL;
	}
	if (r == NULL && other)
		saker_config_exchange_fixed(ch->config, g->config);
	return r;
}

/* Grace begins when values are in force: until then SN lines may have waited for the clock. */
static void
begin_grace(struct saker_change *ch)
{
	uint64_t until = ch->followed_ms + ch->config->gateway.rotate_grace_ms;
	uint64_t waited = saker_monotonic_ms() - ch->followed_ms;

	for (unsigned int i = 0; i < ch->config->n_root_keys && !ch->settled; i++)
		if (ch->roots.sending[i].until_ms == until)
			ch->roots.sending[i].until_ms += waited;
}

static void
enforce(struct saker_change *ch, struct saker_regime *r)
{
	begin_grace(ch);
	saker_regime_enforce(ch->g, r, ch->config, &ch->roots);
	memset(&ch->roots, 0, sizeof(ch->roots));
	ch->config = NULL;
	saker_keywatch_free(&ch->g->keywatch);
	ch->g->keywatch = ch->watch;
	memset(&ch->watch, 0, sizeof(ch->watch));
}

int
saker_change_end(struct saker_change *ch)
{
	struct saker_regime *r = has_faults(ch) ? NULL : build(ch);

	saker_faults_print(&ch->faults, stderr);
	saker_faults_free(&ch->faults);
	if (r != NULL)
		enforce(ch, r);
	else
		fprintf(stderr, "%s: nothing was changed\n", ch->what);
	saker_root_set_free(&ch->roots);
	if (ch->config != ch->g->config)
		saker_config_free(ch->config);
	saker_keywatch_free(&ch->watch);
	return r != NULL ? 0 : -EINVAL;
}
