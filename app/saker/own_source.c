/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "own_source.h"

#include <inttypes.h>
#include <stdio.h>

#include "show_parts.h"

#define PERIOD 10 /* calls between two warnings of one kind */

/* What has been told, over all groups. */
static struct {
	uint64_t twins;          /* packets */
	unsigned int wait_twins; /* calls until the next may be told */
	bool returned_told;
} told;

struct saker_group_count
saker_group_sum(const struct saker_gateway *g, unsigned int group)
{
	struct saker_group_count sum = { 0 };

	for (unsigned int i = 0; i < g->n_workers; i++) {
		const struct saker_group_count *c;

		if (g->workers[i]->group_count == NULL)
			continue;
		c = g->workers[i]->group_count[group];
		sum.in_drops += saker_peek(&c->in_drops);
		sum.own_source += saker_peek(&c->own_source);
		sum.twin += saker_peek(&c->twin);
	}
	return sum;
}

static void
tell_twin(const struct saker_group *group, uint64_t packets)
{
	fprintf(stderr,
		"saker: trust group %s: ANOTHER GATEWAY SENDS UNDER OUR SOURCE ID: %" PRIu64
		" packets verified that this one has not sent. Nonces repeat: stop one of the two, "
		"give it a source id of its own, and rotate the root keys\n",
		group->cfg->name, packets);
}

static void
tell_returned(const struct saker_group *group, uint64_t packets)
{
	fprintf(stderr,
		"saker: trust group %s: %" PRIu64
		" packets came back under our own source id with SNs that were used here: they "
		"may be our own, reflected\n",
		group->cfg->name, packets);
}

/* Totals of all groups; tells of those that have something to tell. */
static struct saker_group_count
total(const struct saker_gateway *g, bool twins, bool returned)
{
	const struct saker_snapshot *s = g->snapshot;
	struct saker_group_count all = { 0 };

	for (unsigned int i = 0; s != NULL && i < s->n_groups; i++) {
		struct saker_group_count c = saker_group_sum(g, i);
		uint64_t back = c.own_source - RTE_MIN(c.own_source, c.twin);

		all.twin += c.twin;
		all.own_source += back;
		if (twins && c.twin > 0)
			tell_twin(&s->groups[i], c.twin);
		if (returned && back > 0)
			tell_returned(&s->groups[i], back);
	}
	return all;
}

void
saker_own_source_check(const struct saker_gateway *g, bool last)
{
	struct saker_group_count now = total(g, false, false);
	bool twins, returned;

	told.wait_twins -= told.wait_twins > 0;
	twins = now.twin > told.twins && (last || told.wait_twins == 0);
	returned = now.own_source > 0 && !told.returned_told;
	if (now.twin < told.twins)
		told.twins = now.twin; /* a group has gone */
	if (!twins && !returned)
		return;
	(void)total(g, twins, returned);
	told.returned_told = told.returned_told || returned;
	if (twins) {
		told.twins = now.twin;
		told.wait_twins = PERIOD;
	}
}
