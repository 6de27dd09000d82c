/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "live.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "change.h"
#include "life.h"
#include "saker_keyfile.h"
#include "saker_pspfile.h"

#define WATCH_MS 1000
#define RETRY_MS 1000

static volatile sig_atomic_t reload_asked;

void
saker_ask_to_reload(void)
{
	reload_asked = 1;
}

/* What a reload does, counted. */
struct reload {
	unsigned int now, later;
};

/* Of a port that comes or goes, the name says it all. */
static bool
is_detail(const struct saker_config_change *change)
{
	const char *last = strrchr(change->path, '.');

	return (change->before == NULL || change->after == NULL) && last != NULL &&
	       strcmp(last, ".name") != 0;
}

static void
tell_restart(void *arg, const struct saker_config_change *change)
{
	struct reload *r = arg;

	if (!change->restart) {
		r->now++;
		return;
	}
	r->later++;
	if (is_detail(change))
		return;
	fprintf(stderr, "reload: %s needs a restart: it stays %s, the file has %s\n", change->path,
		change->before != NULL ? change->before : "absent",
		change->after != NULL ? change->after : "none");
}

int
saker_live_reload(struct saker_gateway *g)
{
	struct saker_change ch;
	struct reload r = { 0 };

	if (saker_change_read(&ch, g, "reload") == 0)
		(void)saker_config_diff(g->config, ch.config, tell_restart, &r);
	if (saker_change_end(&ch) != 0)
		return -EINVAL;
	fprintf(stderr, "reload: done; %u settings changed\n", r.now);
	return 0;
}

static int
find_key(const struct saker_gateway *g, const char *what, const char *name)
{
	for (unsigned int i = 0; i < g->config->n_root_keys; i++)
		if (strcmp(g->config->root_keys[i].name, name) == 0)
			return (int)i;
	fprintf(stderr, "%s: there is no root key '%s'; there are:", what, name);
	for (unsigned int i = 0; i < g->config->n_root_keys; i++)
		fprintf(stderr, " %s", g->config->root_keys[i].name);
	fprintf(stderr, "\n");
	return -ENOENT;
}

/* Replace the file of a root key once nothing else can fail. @p arg is its number. */
static int
write_key(struct saker_change *ch)
{
	unsigned int key = *(const unsigned int *)ch->arg;
	const char *file = ch->config->root_keys[key].file;
	int rc = saker_keyfile_write(file, &ch->roots.values[key], true);

	if (rc != 0) {
		saker_fault(&ch->faults, file, 0, "can't be replaced: %s", strerror(-rc));
		return rc;
	}
	saker_keywatch_free(&ch->watch);
	return saker_keywatch_take(&ch->watch, ch->config);
}

static void
tell_key(const struct saker_gateway *g, const char *what, unsigned int key)
{
	const struct saker_root_sending *s = &g->roots.sending[key];
	const struct saker_root_values *v = &g->roots.values[key];
	uint64_t now = saker_monotonic_ms();

	fprintf(stderr, "%s: %s: index %" PRIu32 " is current", what,
		g->config->root_keys[key].name, v->index);
	if (s->generation != SAKER_CURRENT && s->until_ms > now)
		fprintf(stderr, ", and seals in %" PRIu64 " ms; until then index %" PRIu32 " does",
			s->until_ms - now, saker_root_index(v, s->generation));
	fprintf(stderr, "\n");
}

static void
step_key(struct saker_change *ch, unsigned int key)
{
	struct saker_root_values *v = &ch->roots.values[key];
	const struct saker_cfg_root_key *cfg = &ch->config->root_keys[key];
	int rc = saker_root_step(v, (uint64_t)time(NULL));

	if (rc == -ENOKEY)
		saker_fault(&ch->faults, cfg->file, 0,
			"there is no next value to rotate to, and one made up now would be unknown "
			"to every other gateway; install a file that has one with key install");
	else if (rc == -EPERM)
		saker_fault(&ch->faults, cfg->file, 0,
			"it holds the KEYMAT of an SA, which the peer must have too; write a file "
			"with the next index and load it with key install");
	else if (rc == -ERANGE)
		saker_fault(&ch->faults, cfg->file, 0,
			"the indices are used up; make a new root key with another id");
	else if (rc != 0)
		saker_fault(&ch->faults, NULL, 0, "the kernel gave no random octets");
}

/* @return true if this gateway makes the step; false: the file has taken it already */
static bool
rotate(struct saker_change *ch, unsigned int key)
{
	const struct saker_root_values *running = &ch->g->roots.values[key];
	struct saker_root_values *v = &ch->roots.values[key];
	const char *file = ch->config->root_keys[key].file;

	if (saker_keyfile_read(file, v, &ch->faults) != 0)
		return false;
	if (v->index == running->index + 1)
		return false;
	if (v->index == running->index)
		step_key(ch, key);
	else
		saker_fault(&ch->faults, file, 0,
			"index %" PRIu32 " is neither the one that runs, %" PRIu32
			", nor the next; load the file with reload, or install another",
			v->index, running->index);
	return true;
}

int
saker_live_rotate(struct saker_gateway *g, const char *name)
{
	int key = find_key(g, "key rotate", name);
	struct saker_change ch;
	unsigned int number;
	bool stepped = false;

	if (key < 0)
		return key;
	number = (unsigned int)key;
	if (saker_change_begin(&ch, g, "key rotate") == 0)
		stepped = rotate(&ch, number);
	ch.commit = stepped ? write_key : NULL;
	ch.arg = &number;
	if (saker_change_end(&ch) != 0)
		return -EINVAL;
	tell_key(g, "key rotate", number);
	if (stepped)
		fprintf(stderr,
			"key rotate: %s holds a fresh next, which no other gateway has: hand the "
			"file to all of them before the next rotation\n",
			g->config->root_keys[number].file);
	else
		fprintf(stderr, "key rotate: the file was a step ahead already\n");
	return 0;
}

int
saker_live_install(struct saker_gateway *g, const char *name, const char *file)
{
	int key = find_key(g, "key install", name);
	struct saker_change ch;
	unsigned int number;

	if (key < 0)
		return key;
	number = (unsigned int)key;
	if (saker_change_begin(&ch, g, "key install") == 0)
		(void)saker_keyfile_read(file, &ch.roots.values[number], &ch.faults);
	ch.commit = write_key;
	ch.arg = &number;
	if (saker_change_end(&ch) != 0)
		return -EINVAL;
	tell_key(g, "key install", number);
	return 0;
}

static struct saker_cfg_group *
find_group(struct saker_config *c, const char *name)
{
	for (unsigned int i = 0; i < c->n_groups; i++)
		if (strcmp(c->groups[i].name, name) == 0)
			return &c->groups[i];
	return NULL;
}

static bool
read_epoch(const char *text, uint64_t *epoch)
{
	char *end;

	errno = 0;
	*epoch = strtoull(text, &end, 10);
	return errno == 0 && *text >= '0' && *text <= '9' && *end == '\0' && *epoch <= INT64_MAX;
}

/* Room to remember the epoch of a group in. @return NULL: no memory */
static struct saker_epoch_set *
epoch_slot(struct saker_gateway *g, const struct saker_cfg_group *cfg)
{
	struct saker_epoch_set *e = g->epochs;

	while (e != NULL && !saker_epoch_is_of(e, cfg))
		e = e->next;
	if (e != NULL)
		return e;
	e = calloc(1, sizeof(*e));
	if (e == NULL || (e->name = strdup(cfg->name)) == NULL) {
		free(e);
		return NULL;
	}
	e->format = cfg->format;
	e->spi = cfg->spi;
	e->next = g->epochs;
	g->epochs = e;
	return e;
}

static int
check_epoch(const struct saker_cfg_group *cfg, const char *group, const char *text, uint64_t *epoch)
{
	if (cfg == NULL)
		fprintf(stderr, "epoch set: there is no trust group '%s'; show groups lists them\n",
			group);
	else if (cfg->sn.mode != SAKER_SN_COUNTER)
		fprintf(stderr, "epoch set: %s counts epochs by the clock (sn = \"time\")\n",
			cfg->name);
	else if (!read_epoch(text, epoch))
		fprintf(stderr, "epoch set: '%s' is no epoch; give a whole number\n", text);
	else if (*epoch <= cfg->sn.epoch)
		fprintf(stderr,
			"epoch set: %s is in epoch %" PRIu64 ", and epochs only go forward\n",
			cfg->name, cfg->sn.epoch);
	else
		return 0;
	return -EINVAL;
}

int
saker_live_set_epoch(struct saker_gateway *g, const char *group, const char *text)
{
	struct saker_cfg_group *cfg = find_group(g->config, group);
	struct saker_epoch_set *slot = NULL;
	struct saker_change ch;
	uint64_t epoch;

	if (check_epoch(cfg, group, text, &epoch) != 0)
		return -EINVAL;
	if (saker_change_begin(&ch, g, "epoch set") == 0) {
		slot = epoch_slot(g, cfg);
		ch.config = saker_config_clone(g->config);
		if (ch.config == NULL || slot == NULL)
			saker_fault(&ch.faults, NULL, 0, "saker: no memory");
		else
			find_group(ch.config, group)->sn.epoch = epoch;
	}
	if (saker_change_end(&ch) != 0)
		return -EINVAL;
	slot->epoch = epoch;
	fprintf(stderr,
		"epoch set: %s is in epoch %" PRIu64
		"; write it into %s, since a restart refuses a lower one\n",
		group, epoch, g->config->file);
	return 0;
}

/* Values whose grace time is over begin to seal. */
static void
settle(struct saker_gateway *g, uint64_t now)
{
	struct saker_change ch;
	bool due = false;

	for (unsigned int i = 0; i < g->config->n_root_keys; i++)
		due |= g->roots.sending[i].until_ms != 0 && g->roots.sending[i].until_ms <= now;
	if (!due || now < g->settle_after_ms)
		return;
	if (saker_change_begin(&ch, g, "root keys") == 0)
		for (unsigned int i = 0; i < g->config->n_root_keys; i++)
			(void)saker_root_settle(&ch.roots.values[i], &ch.roots.sending[i], now);
	ch.settled = true;
	/* with a full disk, try again by and by */
	g->settle_after_ms = saker_change_end(&ch) == 0 ? 0 : now + RETRY_MS;
}

static void
read_handed(struct saker_change *ch, unsigned int group)
{
	const struct saker_cfg_group *g = &ch->config->groups[group];

	if (g->keys == NULL) {
		(void)saker_clientfile_read(
			g->data_keys, g->suite, &ch->roots.client[group], &ch->faults);
		return;
	}
	saker_psp_sas_free(&ch->roots.sas[group]);
	(void)saker_pspfile_read(g->keys, g->version, &ch->roots.sas[group], &ch->faults);
}

static void
read_changed(struct saker_change *ch, unsigned int i)
{
	const struct saker_config *c = ch->config;
	unsigned int keys = c->n_root_keys;

	if (i < keys)
		(void)saker_keyfile_read(c->root_keys[i].file, &ch->roots.values[i], &ch->faults);
	else
		read_handed(ch, i - keys);
}

/* Load key files that others have replaced: all at once, or none. */
static void
load_changed(struct saker_gateway *g, const struct saker_keywatch *seen)
{
	struct saker_change ch;
	int begun = saker_change_begin(&ch, g, "key files");

	for (unsigned int i = 0; i < seen->n && begun == 0; i++) {
		if (!saker_keywatch_differs(&g->keywatch, seen, i))
			continue;
		fprintf(stderr, "key files: %s has changed\n",
			i < seen->n_keys
				? g->config->root_keys[i].file
				: saker_keywatch_handed(&g->config->groups[i - seen->n_keys]));
		read_changed(&ch, i);
	}
	(void)saker_change_end(&ch);
}

static void
watch(struct saker_gateway *g)
{
	struct saker_keywatch seen;
	bool changed = false;

	if (saker_keywatch_take(&seen, g->config) != 0)
		return;
	for (unsigned int i = 0; i < seen.n && seen.n == g->keywatch.n; i++)
		changed |= saker_keywatch_differs(&g->keywatch, &seen, i);
	if (changed)
		load_changed(g, &seen);
	/* also after a fault: each change is told once */
	saker_keywatch_free(&g->keywatch);
	g->keywatch = seen;
}

void
saker_live_poll(struct saker_gateway *g)
{
	uint64_t now = saker_monotonic_ms();

	if (g->regime == NULL)
		return;
	if (reload_asked) {
		reload_asked = 0;
		(void)saker_live_reload(g);
	}
	settle(g, now);
	if (now < g->watch_after_ms)
		return;
	g->watch_after_ms = now + WATCH_MS;
	watch(g);
	saker_life_check(g);
}
