/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/*
 * Traffic by peer: what all policies that lead to one address under one group have let pass.
 */

#include <stdlib.h>

#include "show_parts.h"

static int
order(const void *a, const void *b)
{
	const struct saker_policy *p = *(const struct saker_policy *const *)a;
	const struct saker_policy *q = *(const struct saker_policy *const *)b;

	if (p->group->index != q->group->index)
		return p->group->index < q->group->index ? -1 : 1;
	if (p->cfg->peer.family != q->cfg->peer.family)
		return p->cfg->peer.family < q->cfg->peer.family ? -1 : 1;
	return memcmp(p->cfg->peer.octets, q->cfg->peer.octets, sizeof(p->cfg->peer.octets));
}

/* Policies that lead to a peer, those of one peer side by side. @return how many */
static unsigned int
gather(const struct saker_snapshot *s, const struct saker_policy **found)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < s->n_policies; i++)
		if (s->policies[i].group != NULL && s->policies[i].cfg->peer.family != 0)
			found[n++] = &s->policies[i];
	qsort(found, n, sizeof(*found), order);
	return n;
}

static void
add(struct saker_policy_count *sum, const struct saker_policy_count *c)
{
	sum->out_packets += c->out_packets;
	sum->out_octets += c->out_octets;
	sum->out_drops += c->out_drops;
	sum->in_packets += c->in_packets;
	sum->in_octets += c->in_octets;
}

/* @return policies of the first one's peer */
static unsigned int
peer_row(struct saker_report *r, const struct saker_gateway *g,
	const struct saker_policy *const *policy, unsigned int n)
{
	struct saker_policy_count sum = { 0 };
	unsigned int i = 0;

	for (; i < n && order(&policy[i], &policy[0]) == 0; i++) {
		struct saker_policy_count c = saker_show_policy_sum(g, policy[i]->index);

		add(&sum, &c);
	}
	saker_show_address(r, &policy[0]->cfg->peer);
	saker_report_text(r, "%s", policy[0]->group->cfg->name);
	saker_report_u64(r, i);
	saker_show_policy_cells(r, &sum);
	return i;
}

void
saker_show_peers(const struct saker_gateway *g, struct saker_out *out)
{
	static const struct saker_column columns[] = {
		{ "peer", 'l' },
		{ "group", 'l' },
		{ "policies", 'r' },
		{ "out_packets", 'r' },
		{ "out_octets", 'r' },
		{ "out_drops", 'r' },
		{ "in_packets", 'r' },
		{ "in_octets", 'r' },
	};
	struct saker_report *r = SAKER_REPORT_BEGIN("peers", columns);
	const struct saker_snapshot *s = g->snapshot;
	const struct saker_policy **policy;
	unsigned int n = 0;

	policy = s == NULL ? NULL : calloc(s->n_policies + 1, sizeof(*policy));
	if (policy != NULL)
		n = gather(s, policy);
	for (unsigned int i = 0; i < n;)
		i += peer_row(r, g, &policy[i], n - i);
	free(policy);
	saker_report_end(r, out, "no peers");
}
