/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_own_line.h"

#include <limits.h>

#include "saker_own.h"
#include "saker_psp_keys.h"

/* Worker whose SA it is, of those that a sender was handed. */
static unsigned int
worker_of_handed(const struct saker_worker *w, const struct saker_sender *s, uint64_t spi)
{
	for (unsigned int i = 0; i < s->n_seal && i < w->n_workers; i++)
		if (s->seal[i].spi == spi)
			return i;
	return UINT_MAX;
}

/* Worker whose source it is, where each has one; 0 where they share it. */
static unsigned int
worker_named(const struct saker_worker *w, const struct saker_sender *s, const uint8_t source[16])
{
	const struct saker_group *g = s->group;
	uint8_t own[16];
	uint64_t steps;

	if (g->handed)
		return worker_of_handed(w, s, saker_load_be64(source));
	saker_own_key(s, own);
	if (!g->names_workers || g->by_address)
		return memcmp(own, source, sizeof(own)) == 0 ? 0 : UINT_MAX;
	steps = saker_own_steps(g, saker_load_be64(own), saker_load_be64(source));
	return steps < w->n_workers ? (unsigned int)steps : UINT_MAX;
}

int
saker_own_sender(
	const struct saker_worker *w, const struct saker_group *g, const uint8_t source[16])
{
	for (unsigned int k = 0; k < w->s->n_senders; k++)
		if (w->s->senders[k].group == g &&
			worker_named(w, &w->s->senders[k], source) != UINT_MAX)
			return (int)k;
	return -1;
}

/* The fallback SA is the first worker's that has none of its own. */
static unsigned int
worker_of_sa(const struct saker_group *g, uint16_t session)
{
	if (session >= g->cfg->sessions)
		return UINT_MAX;
	return session == 0 ? g->cfg->sessions - 1u : session - 1u;
}

const struct saker_sn_line *
saker_own_line(const struct saker_worker *w, unsigned int sender, const uint8_t source[16],
	uint16_t session)
{
	const struct saker_sender *s = &w->s->senders[sender];
	uint32_t place = (uint32_t)session - s->group->cfg->session_first;
	unsigned int worker = place % w->n_workers, class = place / w->n_workers;

	if (s->group->by_resource)
		worker = worker_of_sa(s->group, session);
	else if (s->group->names_workers)
		worker = worker_named(w, s, source);
	if (s->group->by_resource || s->group->names_workers)
		class = 0;
	if (worker >= w->n_workers || class >= saker_group_classes(s->group))
		return NULL;
	return w->taken->holding[worker].lines[s->first_line + class];
}
