/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <errno.h>

#include "saker_snapshot.h"

/* One entry more than there are: an empty section is no special case. */
static int
allocate(const struct saker_config *c, struct saker_root_set *set)
{
	set->n = c->n_root_keys + 1;
	set->n_groups = c->n_groups + 1;
	set->values = saker_secret_alloc(set->n * sizeof(*set->values));
	set->client = saker_secret_alloc(set->n_groups * sizeof(*set->client));
	return set->values == NULL || set->client == NULL ? -ENOMEM : 0;
}

int
saker_root_set_load(const struct saker_config *c, const struct saker_keysource_ops *source,
	struct saker_root_set *set, struct saker_faults *faults)
{
	int ret = 0;

	if (allocate(c, set) != 0) {
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
	memset(set, 0, sizeof(*set));
}
