/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <string.h>

#include "saker_config_internal.h"

static bool
same_listener(const struct saker_cfg_group *a, const struct saker_cfg_group *b)
{
	if (a->format != b->format || a->encap != b->encap)
		return false;
	return a->encap == SAKER_ENCAP_UDP ? a->udp_port == b->udp_port
					   : a->protocol == b->protocol;
}

static bool
has_id(const struct saker_config *c, const struct saker_cfg_refs *keys,
	const struct saker_cfg_root_key *k)
{
	for (unsigned int i = 0; i < keys->n; i++) {
		const struct saker_cfg_root_key *other = &c->root_keys[keys->index[i]];

		if (other->level == k->level && other->id.len == k->id.len &&
			memcmp(other->id.octets, k->id.octets, k->id.len) == 0)
			return true;
	}
	return false;
}

/* Would b take what is sent in group a? Options name only what the sender puts there. */
static bool
takes(const struct saker_config *c, const struct saker_cfg_group *a,
	const struct saker_cfg_group *b)
{
	for (unsigned int i = 0; i < a->root_keys.n; i++) {
		const struct saker_cfg_root_key *k = &c->root_keys[a->root_keys.index[i]];

		if (a->master_key_options[k->level] && !has_id(c, &b->root_keys, k) &&
			!has_id(c, &b->allow_root_keys, k))
			return false;
	}
	return true;
}

static void
check_told_apart(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_cfg_group *g = o->p;

	for (const struct saker_cfg_group *q = r->c->groups; q < g; q++) {
		if (!same_listener(q, g) || (!takes(r->c, q, g) && !takes(r->c, g, q)))
			continue;
		saker_cfg_fault(r, o, NULL,
			"its packets and those of trust group \"%s\" can't be told apart at their "
			"listener; name different root keys in master_key_options, or give it a "
			"port of its own",
			q->name);
		return;
	}
}

const struct saker_cfg_rule saker_cfg_seh_rules[] = {
	{ check_told_apart,
		{ "root_keys", "master_key_options", "allow_root_keys", "encap", "udp_port",
			"protocol" },
		"Groups that share a listener are told apart by the root keys that their packets "
		"name (`master_key_options`): none may take the packets of another." },
	{ NULL },
};
