/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <errno.h>
#include <stdlib.h>

#include "saker_snapshot.h"

/* One entry more than there are: an empty section is no special case. */
static int
allocate(struct saker_root_set *set, unsigned int keys, unsigned int groups)
{
	set->n = keys;
	set->n_groups = groups;
	set->values = saker_secret_alloc(set->n * sizeof(*set->values));
	set->client = saker_secret_alloc(set->n_groups * sizeof(*set->client));
	set->sas = calloc(set->n_groups, sizeof(*set->sas));
	set->sending = calloc(set->n, sizeof(*set->sending));
	for (unsigned int i = 0; i < set->n && set->sending != NULL; i++)
		set->sending[i].generation = SAKER_CURRENT;
	return set->values == NULL || set->client == NULL || set->sas == NULL ||
			       set->sending == NULL
		       ? -ENOMEM
		       : 0;
}

int
saker_root_set_load(const struct saker_config *c, const struct saker_keysource_ops *source,
	struct saker_root_set *set, struct saker_faults *faults)
{
	int ret = 0;

	if (allocate(set, c->n_root_keys + 1, c->n_groups + 1) != 0) {
		saker_fault(faults, c->file, 0, "no memory for %u root keys", c->n_root_keys);
		ret = -EINVAL;
		goto out;
	}
	for (unsigned int i = 0; i < c->n_root_keys; i++)
		if (source->read_root(c->root_keys[i].file, &set->values[i], faults) != 0)
			ret = -EINVAL;
	for (unsigned int i = 0; i < c->n_groups; i++)
		if (c->groups[i].data_keys != NULL &&
			source->read_client(c->groups[i].data_keys, c->groups[i].suite,
				&set->client[i], faults) != 0)
			ret = -EINVAL;
	for (unsigned int i = 0; i < c->n_groups; i++)
		if (c->groups[i].keys != NULL &&
			source->read_sas(
				c->groups[i].keys, c->groups[i].version, &set->sas[i], faults) != 0)
			ret = -EINVAL;
out:
	if (ret != 0)
		saker_root_set_free(set);
	return ret;
}

void
saker_root_set_free(struct saker_root_set *set)
{
	saker_secret_free(set->values, set->n * sizeof(*set->values));
	saker_secret_free(set->client, set->n_groups * sizeof(*set->client));
	for (unsigned int i = 0; set->sas != NULL && i < set->n_groups; i++)
		saker_psp_sas_free(&set->sas[i]);
	free(set->sas);
	free(set->sending);
	memset(set, 0, sizeof(*set));
}

static int
copy_sas(struct saker_root_set *to, const struct saker_root_set *from)
{
	for (unsigned int i = 0; from->sas != NULL && i < to->n_groups; i++) {
		size_t size = from->sas[i].n * sizeof(*from->sas[i].sa);

		if (size == 0)
			continue;
		to->sas[i].sa = saker_secret_alloc(size);
		if (to->sas[i].sa == NULL)
			return -ENOMEM;
		to->sas[i].n = from->sas[i].n;
		memcpy(to->sas[i].sa, from->sas[i].sa, size);
	}
	return 0;
}

int
saker_root_set_copy(struct saker_root_set *to, const struct saker_root_set *from)
{
	if (allocate(to, from->n, from->n_groups) != 0 || copy_sas(to, from) != 0) {
		saker_root_set_free(to);
		return -ENOMEM;
	}
	memcpy(to->values, from->values, to->n * sizeof(*to->values));
	memcpy(to->client, from->client, to->n_groups * sizeof(*to->client));
	memcpy(to->sending, from->sending, to->n * sizeof(*to->sending));
	return 0;
}

static bool
same_key(const struct saker_cfg_root_key *a, const struct saker_cfg_root_key *b)
{
	return strcmp(a->name, b->name) == 0 && a->level == b->level && a->id.len == b->id.len &&
	       memcmp(a->id.octets, b->id.octets, a->id.len) == 0;
}

int
saker_root_set_same(const struct saker_config *c, unsigned int key, const struct saker_config *in)
{
	for (unsigned int i = 0; i < in->n_root_keys; i++)
		if (same_key(&in->root_keys[i], &c->root_keys[key]))
			return (int)i;
	return -1;
}

int
saker_root_set_follow(struct saker_root_set *set, const struct saker_config *c,
	const struct saker_root_set *before, const struct saker_config *before_c, uint64_t now_ms,
	struct saker_faults *faults)
{
	int ret = 0;

	for (unsigned int i = 0; i < c->n_root_keys; i++) {
		const struct saker_cfg_root_key *cfg = &c->root_keys[i];
		int j = saker_root_set_same(c, i, before_c);
		enum saker_root_fault fault;

		if (j < 0)
			continue;
		fault = saker_root_check(&set->values[i], &before->values[j]);
		if (fault != SAKER_ROOT_GOOD) {
			saker_fault(faults, cfg->file, 0, "root key %s: %s", cfg->name,
				saker_root_fault_text(fault));
			ret = -EINVAL;
			continue;
		}
		if (!saker_root_overlap(&set->values[i], &before->values[j]))
			saker_warning(faults, cfg->file, 0,
				"root key %s: none of its values was known before, so packets of "
				"members that don't hold this file yet are lost",
				cfg->name);
		set->sending[i] = before->sending[j];
		saker_root_follow(&set->values[i], &set->sending[i], &before->values[j], now_ms,
			c->gateway.rotate_grace_ms);
	}
	return ret;
}
