/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_relay.h"

#include "saker_lookup.h"
#include "saker_proxy.h"

/* Units of unauthenticated octets. Of packets that came the short way no header is kept. */
static inline uint8_t
ioffset_of(const struct saker_burst *b, unsigned int i)
{
	return (uint8_t)(b->parts[i].skip_len / 4);
}

/* NULL: no proxy of the group lets it pass. */
static const struct saker_way *
find_way(const struct saker_burst *b, unsigned int i)
{
	const struct saker_ways *ways = b->group[i]->ways;
	const struct saker_classifier *c = b->view[i].family == 4 ? &ways->classify4
								  : &ways->classify6;
	uint16_t rule = saker_rule_of(c, b->ip[i], &b->view[i]);
	const struct saker_way *way;

	if (rule == SAKER_MATCH_NONE)
		return NULL;
	way = ways->way[rule];
	if (unlikely(ioffset_of(b, i) != 0) && saker_reads_ports(way->shut->cfg))
		return NULL;
	return way;
}

/* Octets of the inner packet that came in clear. */
static uint16_t
came_in_clear(const struct saker_parts *parts)
{
	return parts->cipher_at > parts->payload_at ? parts->cipher_at - parts->payload_at : 0;
}

/* What may stay as it came; all is sealed where that can't be.
 * @return false: an IOffset must stay, since sealing would vouch for what nobody has checked
 */
static bool
keep_offsets(const struct saker_burst *b, unsigned int i, const struct saker_way *way,
	struct saker_carry *carry)
{
	uint16_t clear = came_in_clear(&b->parts[i]);
	uint8_t ioffset = ioffset_of(b, i);

	if (likely((clear | ioffset) == 0))
		return true;
	if (way->open != NULL && clear % 4 == 0 && clear <= b->view[i].total &&
		clear + way->front_clear <= way->most_clear) {
		carry->clear_len = clear + way->front_clear;
		carry->ioffset = ioffset;
	}
	return ioffset == 0 || (carry->ioffset == ioffset && way->to->format->skips &&
				       ioffset <= way->to->cfg->max_ioffset);
}

static unsigned int
take(struct saker_worker *w, const struct saker_burst *b, unsigned int i)
{
	struct saker_carry carry = { .proxied = true };
	const struct saker_way *way = find_way(b, i);
	const struct saker_policy *p;
	unsigned int why = SAKER_MOVED;

	if (way == NULL)
		return SAKER_DROP_PROXY_POLICY;
	if (!keep_offsets(b, i, way, &carry))
		why = SAKER_DROP_PROXY_IOFFSET;
	p = carry.clear_len != 0 ? way->open : way->shut;
	if (why == SAKER_MOVED && !saker_later_add(&w->later, b->m[i], p, carry))
		why = SAKER_DROP_NO_BUFFER;
	if (why != SAKER_MOVED)
		w->policy_count[p->index]->out_drops++;
	return why;
}

void
saker_stage_proxy(struct saker_worker *w, struct saker_burst *b)
{
	if (likely(w->s->n_ways == 0))
		return;
	SAKER_FOREACH_SLOT (b, i) {
		if (b->group[i]->ways == NULL)
			continue;
		saker_burst_drop(b, i, take(w, b, i));
		if (unlikely(w->s->psp) && b->why[i] == SAKER_MOVED)
			saker_psp_count_relayed(w, b, i);
	}
}
