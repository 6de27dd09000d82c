/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_psp_keys.h"

#include <errno.h>

static int
fault(const struct saker_group_env *env, const struct saker_group *g, const char *what)
{
	saker_fault(env->faults, env->config->file, g->cfg->line, "trust group %s: %s",
		g->cfg->name, what);
	return -EINVAL;
}

static int
expand(const struct saker_group_env *env, const struct saker_group *g,
	const struct saker_psp_sa *sa, struct saker_psp_seal *seal)
{
	struct saker_data_key key = { .key = { 0 } };
	int rc = 0;

	seal->spi = sa->spi;
	seal->peer = sa->peer;
	if (saker_kdf(sa->key, "CV", NULL, 0, 8 * sizeof(seal->check), seal->check) != 0)
		return -EIO;
	memcpy(key.key, sa->key, sizeof(key.key));
	if (env->ops != NULL)
		rc = env->ops->expand(env->ctx, g->suite, &key, &seal->key);
	saker_wipe(&key, sizeof(key));
	return rc;
}

static bool
seen_before(const struct saker_psp_sas *sas, unsigned int i)
{
	for (unsigned int k = 0; k < i; k++)
		if (saker_ip_equal(&sas->sa[k].peer, &sas->sa[i].peer))
			return true;
	return false;
}

/* In the order of the file, but those of one receiver side by side. */
static int
fill(const struct saker_group_env *env, struct saker_group *g, const struct saker_psp_sas *sas)
{
	unsigned int at = 0;

	for (unsigned int i = 0; i < sas->n; i++) {
		if (seen_before(sas, i))
			continue;
		for (unsigned int k = i; k < sas->n; k++)
			if (saker_ip_equal(&sas->sa[k].peer, &sas->sa[i].peer) &&
				expand(env, g, &sas->sa[k], &g->seal[at++]) != 0)
				return fault(env, g, "its SAs could not be made ready");
	}
	return 0;
}

int
saker_psp_keys_build(const struct saker_group_env *env, struct saker_group *g)
{
	const struct saker_psp_sas *sas = &env->roots->sas[g->index];

	g->seal = saker_secret_alloc(sas->n * sizeof(*g->seal));
	if (g->seal == NULL)
		return fault(env, g, "no memory for its SAs");
	g->n_seal = sas->n;
	return fill(env, g, sas);
}

void
saker_psp_keys_free(struct saker_group *g)
{
	saker_secret_free(g->seal, g->n_seal * sizeof(*g->seal));
	g->seal = NULL;
	g->n_seal = 0;
}

static const struct saker_psp_seal *
find(const struct saker_group *g, const struct saker_ip *peer, unsigned int *n)
{
	const struct saker_psp_seal *first = NULL;

	*n = 0;
	for (unsigned int i = 0; i < g->n_seal; i++) {
		if (!saker_ip_equal(&g->seal[i].peer, peer))
			continue;
		if (first == NULL)
			first = &g->seal[i];
		(*n)++;
	}
	return first;
}

const struct saker_psp_seal *
saker_psp_keys_of(const struct saker_group *g, const struct saker_ip *peer, unsigned int *n)
{
	const struct saker_ip anyone = { 0 };
	const struct saker_psp_seal *first = find(g, peer, n);

	return first != NULL ? first : find(g, &anyone, n);
}
