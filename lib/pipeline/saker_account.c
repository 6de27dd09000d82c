/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_account.h"

void
saker_account_begin(struct saker_burst *b, enum saker_direction d)
{
	if (d == SAKER_OUTBOUND)
		memset(b->policy, 0, b->n * sizeof(b->policy[0]));
	else
		memset(b->group, 0, b->n * sizeof(b->group[0]));
}

static void
count_outbound(struct saker_worker *w, const struct saker_burst *b, unsigned int i)
{
	const struct saker_policy *p = b->policy[i];

	if (p != NULL)
		w->policy_count[p->index]->out_drops++;
}

static void
count_inbound(struct saker_worker *w, const struct saker_burst *b, unsigned int i)
{
	const struct saker_group *g = b->group[i];

	if (g != NULL && w->group_count != NULL)
		w->group_count[g->index]->in_drops++;
}

void
saker_account_losers(struct saker_worker *w, enum saker_direction d, const struct saker_burst *b)
{
	SAKER_FOREACH_SLOT (b, i) {
		if (b->why[i] == SAKER_OK || b->why[i] == SAKER_MOVED)
			continue;
		if (d == SAKER_OUTBOUND)
			count_outbound(w, b, i);
		else
			count_inbound(w, b, i);
	}
}
