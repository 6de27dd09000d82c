/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_index.h"

void
saker_index_add(struct saker_index *x, uint32_t hash, uint32_t number)
{
	uint32_t at = saker_index_home(x, hash);

	while (x->place[at & x->mask] != 0)
		at++;
	x->place[at & x->mask] = (uint64_t)hash << 32 | (number + 1);
}

/* May what lies at `at` move to the hole, that is: is its home not between the two? */
static bool
may_move(const struct saker_index *x, uint32_t at, uint32_t hole)
{
	uint32_t home = saker_index_home(x, (uint32_t)(x->place[at] >> 32));

	return ((at - home) & x->mask) >= ((at - hole) & x->mask);
}

/* What follows moves up, so that no search ends at the hole too early. */
static void
close_hole(struct saker_index *x, uint32_t hole)
{
	for (uint32_t at = (hole + 1) & x->mask; x->place[at] != 0; at = (at + 1) & x->mask) {
		if (!may_move(x, at, hole))
			continue;
		x->place[hole] = x->place[at];
		hole = at;
	}
	x->place[hole] = 0;
}

void
saker_index_remove(struct saker_index *x, uint32_t hash, uint32_t number)
{
	uint64_t wanted = (uint64_t)hash << 32 | (number + 1);
	uint32_t at = saker_index_home(x, hash);

	while (x->place[at] != wanted)
		at = (at + 1) & x->mask;
	close_hole(x, at);
}
