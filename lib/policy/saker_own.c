/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_own.h"

#include <string.h>

void
saker_own_source(const struct saker_sender *sender, unsigned int worker, uint8_t source[16])
{
	bool steps = sender->group->names_workers && !sender->group->handed;
	unsigned int add = steps ? worker : 0;

	memcpy(source, sender->source, 16);
	for (unsigned int i = sender->source_len; add > 0 && i-- > 0; add >>= 8) {
		add += source[i];
		source[i] = (uint8_t)add;
	}
}

void
saker_own_key(const struct saker_sender *sender, uint8_t key[16])
{
	bool id = sender->group->variant == SAKER_V_SOURCE_ID;

	memset(key, 0, 16);
	memcpy(key + (id ? 4 : 0), sender->source, sender->source_len);
}

static void
note(struct saker_group *g, const struct saker_sender *sender)
{
	uint8_t key[16];
	uint64_t word;

	saker_own_key(sender, key);
	memcpy(&word, key, sizeof(word));
	if (!g->own_known)
		g->own[0] = g->own[1] = word;
	else if (g->own[1] == g->own[0])
		g->own[1] = word;
	else if (g->own[0] != word && g->own[1] != word)
		g->own_more = true;
	g->own_known = true;
}

void
saker_own_prepare(struct saker_snapshot *s)
{
	for (unsigned int i = 0; i < s->n_groups; i++) {
		s->groups[i].own[0] = s->groups[i].own[1] = UINT64_MAX;
		s->groups[i].own_known = s->groups[i].own_more = false;
	}
	for (unsigned int i = 0; i < s->n_senders; i++) {
		struct saker_group *g = &s->groups[s->senders[i].group->index];

		/* Keys of one direction open nothing of the other. */
		if (g->cfg->role == SAKER_ROLE_PEER && g->session == NULL)
			note(g, &s->senders[i]);
	}
}
