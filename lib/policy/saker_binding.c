/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_snapshot.h"

static bool
listed(const struct saker_cfg_ips *ips, const struct saker_ip *ip)
{
	for (unsigned int i = 0; i < ips->n; i++)
		if (saker_ip_equal(&ips->ip[i], ip))
			return true;
	return false;
}

static uint64_t
binding_source(const struct saker_cfg_binding *b)
{
	uint64_t v = 0;

	for (unsigned int i = 0; i < b->source_id.len; i++)
		v = v << 8 | b->source_id.octets[i];
	return v;
}

bool
saker_group_binds(const struct saker_group *g, uint64_t source, const struct saker_ip *from,
	const struct saker_ip *to)
{
	const struct saker_cfg_group *cfg = g->cfg;

	/* The flow half of a connection id only isolates keys: the device is the source. */
	if (g->variant == SAKER_V_CONNECTION_ID)
		source >>= 32;
	for (unsigned int i = 0; i < cfg->n_addresses; i++) {
		const struct saker_cfg_binding *b = &cfg->addresses[i];

		if (b->source_id.len != 0 && binding_source(b) != source)
			continue;
		if (listed(&b->from, from) && listed(&b->to, to))
			return true;
	}
	return false;
}
