/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_session_keys.h"

#include <errno.h>
#include <stdlib.h>

#include "saker_sskdf.h"

int
saker_group_session_key(const struct saker_cfg_group *cfg, const uint8_t value[SAKER_ROOT_LEN],
	uint16_t session, struct saker_data_key *out)
{
	return saker_session_data_key(cfg->sskdf, cfg->format, cfg->suite, value, session, out);
}

static int
fault(const struct saker_group_env *env, const struct saker_group *g, const char *what)
{
	saker_fault(env->faults, env->config->file, g->cfg->line, "trust group %s: %s",
		g->cfg->name, what);
	return -EINVAL;
}

/** Neighbouring sessions, and where their keys go. */
struct range {
	uint32_t first, n;
	struct saker_expanded_key *out;
};

/* Keys of some sessions from one value; of a KEYMAT there is one. */
static int
expand(const struct saker_group_env *env, const struct saker_group *g,
	const struct saker_root_values *values, unsigned int gen, const struct range *r)
{
	struct saker_data_key key;
	int rc = 0;

	for (uint32_t i = 0; i < r->n && rc == 0; i++) {
		if (values->keymat_len[gen] != 0)
			saker_keymat_data_key(g->cfg->suite, values->keymat[gen], &key);
		else
			rc = saker_group_session_key(
				g->cfg, values->value[gen], (uint16_t)(r->first + i), &key);
		if (rc == 0 && env->ops != NULL)
			rc = env->ops->expand(env->ctx, g->suite, &key, &r->out[i]);
	}
	saker_wipe(&key, sizeof(key));
	return rc;
}

static int
build_send(const struct saker_group_env *env, struct saker_group *g)
{
	struct saker_session_keys *k = g->session;
	uint16_t key = g->cfg->root_keys.index[0];
	const struct saker_root_values *values = &env->roots->values[key];
	uint8_t generation = env->roots->sending[key].generation;
	enum saker_level level = env->config->root_keys[key].level;
	const uint8_t *value = values->value[generation];

	g->send_key[level] = key;
	g->send_gen[level] = generation;
	k->send_index = saker_root_index(values, generation);
	k->n_send = g->cfg->sessions;
	k->send_first = g->cfg->session_first;
	saker_key_check_text(value, g->check_text);
	if (saker_kdf(value, "CV", NULL, 0, 8 * sizeof(g->mk_check), g->mk_check) != 0)
		return -EIO;
	if (env->ops == NULL)
		return 0;
	k->send = saker_secret_alloc(k->n_send * sizeof(*k->send));
	if (k->send == NULL)
		return -ENOMEM;
	return expand(
		env, g, values, generation, &(struct range){ k->send_first, k->n_send, k->send });
}

static int
build_receive(const struct saker_group_env *env, struct saker_group *g)
{
	struct saker_session_keys *k = g->session;
	const struct saker_root_values *values =
		&env->roots->values[g->cfg->receive_root_keys.index[0]];
	int rc = 0;

	k->n_receive = g->accept_sessions;
	k->receive_first = g->accept_first;
	if (env->ops == NULL)
		return 0;
	k->receive = saker_secret_alloc(SAKER_SESSION_SPIS * k->n_receive * sizeof(*k->receive));
	if (k->receive == NULL)
		return -ENOMEM;
	for (unsigned int gen = 0; gen < SAKER_LIVE_GENERATIONS && rc == 0; gen++) {
		uint32_t index = saker_root_index(values, gen), slot = index % SAKER_SESSION_SPIS;

		if (!values->live[gen])
			continue;
		k->live[slot] = true;
		k->index[slot] = index;
		rc = expand(env, g, values, gen,
			&(struct range){
				k->receive_first, k->n_receive, k->receive + slot * k->n_receive });
	}
	return rc;
}

/* KEYMAT is that of one SA, and as long as the suite wants it. */
static bool
keymat_fits(const struct saker_group *g, const struct saker_root_values *values)
{
	size_t len = saker_suite_key_len(g->cfg->suite) + SAKER_SALT_LEN;

	if (!saker_has_keymat(values))
		return true;
	if (g->format->keys != SAKER_KEYS_SESSION || g->cfg->sskdf != SAKER_SSKDF_NONE ||
		g->cfg->sessions != 1 || g->cfg->accept_sessions != 1)
		return false;
	for (unsigned int gen = 0; gen < SAKER_LIVE_GENERATIONS; gen++)
		if (values->live[gen] && values->keymat_len[gen] != len)
			return false;
	return true;
}

int
saker_keymat_check(const struct saker_group_env *env, const struct saker_group *g)
{
	const struct saker_cfg_refs *refs[] = { &g->cfg->root_keys, &g->cfg->receive_root_keys,
		&g->cfg->allow_root_keys };
	int rc = 0;

	for (unsigned int r = 0; r < 3; r++)
		for (unsigned int i = 0; i < refs[r]->n; i++) {
			uint16_t key = refs[r]->index[i];

			if (keymat_fits(g, &env->roots->values[key]))
				continue;
			saker_fault(env->faults, env->config->file, g->cfg->line,
				"trust group %s: root key %s holds the KEYMAT of an SA; it serves "
				"only one of the same suite, in format esp without child_sas or "
				"eesp-subsa without sskdf",
				g->cfg->name, env->config->root_keys[key].name);
			rc = -EINVAL;
		}
	return rc;
}

int
saker_session_keys_build(const struct saker_group_env *env, struct saker_group *g)
{
	int rc;

	g->session = calloc(1, sizeof(*g->session));
	if (g->session == NULL)
		return fault(env, g, "no memory for its keys");
	rc = build_send(env, g);
	if (rc == 0)
		rc = build_receive(env, g);
	if (rc == -ENOMEM)
		return fault(env, g, "no memory for its keys; lower sessions");
	return rc == 0 ? 0 : fault(env, g, "its keys could not be derived");
}

void
saker_session_keys_free(struct saker_group *g)
{
	struct saker_session_keys *k = g->session;

	if (k == NULL)
		return;
	saker_secret_free(k->send, k->n_send * sizeof(*k->send));
	saker_secret_free(k->receive, SAKER_SESSION_SPIS * k->n_receive * sizeof(*k->receive));
	free(k);
	g->session = NULL;
}

/** A value of a root key, and which group uses it. */
struct use {
	uint8_t check[8];
	uint16_t group, key;
	const uint8_t *value;
};

/** All of them. */
struct uses {
	unsigned int n, room;
	struct use *use;
};

static int
compare_uses(const void *a, const void *b)
{
	return memcmp(((const struct use *)a)->check, ((const struct use *)b)->check,
		sizeof(((const struct use *)a)->check));
}

static int
add_uses(const struct saker_group_env *env, struct uses *all, uint16_t group, uint16_t key)
{
	const struct saker_root_values *values = &env->roots->values[key];

	for (unsigned int gen = 0; gen < SAKER_LIVE_GENERATIONS; gen++) {
		struct use u = { .group = group, .key = key, .value = values->value[gen] };
		struct use *grown;

		if (!values->live[gen])
			continue;
		if (saker_kdf(u.value, "CV", NULL, 0, 8 * sizeof(u.check), u.check) != 0)
			return -EIO;
		if (all->n == all->room) {
			all->room = 2 * all->room + 16;
			grown = reallocarray(all->use, all->room, sizeof(u));
			if (grown == NULL)
				return -ENOMEM;
			all->use = grown;
		}
		all->use[all->n++] = u;
	}
	return 0;
}

static int
collect_uses(const struct saker_group_env *env, struct uses *all)
{
	int rc = 0;

	for (unsigned int i = 0; i < env->config->n_groups && rc == 0; i++) {
		const struct saker_cfg_group *cfg = &env->config->groups[i];

		bool by_session = saker_format_find(cfg->format)->keys == SAKER_KEYS_SESSION;

		if (!by_session && cfg->format != saker_format_tss.letter)
			continue;
		for (unsigned int k = 0; k < cfg->root_keys.n && rc == 0; k++)
			rc = add_uses(env, all, (uint16_t)i, cfg->root_keys.index[k]);
		if (rc == 0 && by_session)
			rc = add_uses(env, all, (uint16_t)i, cfg->receive_root_keys.index[0]);
	}
	return rc;
}

static void
same_value_fault(const struct saker_group_env *env, const struct use *a, const struct use *b)
{
	const struct saker_cfg_group *x = &env->config->groups[a->group];
	const struct saker_cfg_group *y = &env->config->groups[b->group];

	saker_fault(env->faults, env->config->file, y->line,
		"trust groups %s and %s: root keys %s and %s hold the same value, which serves one "
		"group in one direction only; make a new one with saker-keytool",
		x->name, y->name, env->config->root_keys[a->key].name,
		env->config->root_keys[b->key].name);
}

int
saker_session_keys_check(const struct saker_group_env *env)
{
	unsigned int before = env->faults->errors;
	struct uses all = { 0 };

	if (collect_uses(env, &all) != 0)
		saker_fault(env->faults, env->config->file, 0,
			"no memory to compare the root keys of the trust groups");
	if (all.n > 1)
		qsort(all.use, all.n, sizeof(*all.use), compare_uses);
	for (unsigned int i = 1; i < all.n; i++)
		if (saker_ct_equal(all.use[i - 1].value, all.use[i].value, SAKER_ROOT_LEN))
			same_value_fault(env, &all.use[i - 1], &all.use[i]);
	free(all.use);
	return env->faults->errors == before ? 0 : -EINVAL;
}
