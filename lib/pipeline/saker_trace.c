/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_trace.h"

#include <stdio.h>

#include <rte_ether.h>

#define VLAN_TAGS 2

const char *
saker_verdict_name(enum saker_verdict v)
{
	static const char *const name[SAKER_VERDICTS] = {
		[SAKER_VERDICT_SENT] = "sent",
		[SAKER_VERDICT_BYPASS] = "bypass",
		[SAKER_VERDICT_HANDED_OVER] = "handed over",
		[SAKER_VERDICT_TAKEN] = "taken",
		[SAKER_VERDICT_CUT] = "cut",
		[SAKER_VERDICT_JOINED] = "joined",
		[SAKER_VERDICT_PROXIED] = "proxied",
		[SAKER_VERDICT_DROP] = "drop",
	};

	return name[v];
}

/* Where the IP header of a frame begins, or its length: there is none. */
static uint16_t
ip_offset(const uint8_t *frame, uint16_t len)
{
	uint16_t at = 2 * RTE_ETHER_ADDR_LEN;

	for (unsigned int tags = 0; tags <= VLAN_TAGS && at + 2 <= len; tags++) {
		uint16_t type = saker_load_be16(frame + at);

		if (type == RTE_ETHER_TYPE_IPV4 || type == RTE_ETHER_TYPE_IPV6)
			return at + 2;
		if (type != RTE_ETHER_TYPE_VLAN && type != RTE_ETHER_TYPE_QINQ)
			break;
		at += sizeof(struct rte_vlan_hdr);
	}
	return len;
}

static void
note_addresses(struct saker_trace_record *r, const struct rte_mbuf *m, bool bare)
{
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
	uint16_t at = bare ? 0 : ip_offset(p, m->data_len), left = m->data_len - at;
	bool four = left >= 20 && p[at] >> 4 == 4, six = left >= 40 && p[at] >> 4 == 6;

	if (!four && !six)
		return;
	r->src = saker_ip_src(p + at);
	r->dst = saker_ip_dst(p + at);
}

/* @return number of the record + 1, or 0: there are enough */
static uint16_t
take_record(struct saker_watch *watch)
{
	struct saker_trace *t = watch->trace;
	uint32_t n = atomic_fetch_add_explicit(&t->taken, 1, memory_order_relaxed);

	if (n < t->wanted)
		return (uint16_t)(n + 1);
	atomic_fetch_and(&watch->on, ~SAKER_WATCH_TRACE);
	return 0;
}

void
saker_trace_begin(struct saker_worker *w, unsigned int d)
{
	const struct saker_burst *b = &w->burst;

	SAKER_FOREACH_SLOT (b, i) {
		struct saker_trace_record *r;

		w->traced[i] = take_record(w->watch);
		if (w->traced[i] == 0)
			return;
		r = &w->watch->trace->record[w->traced[i] - 1];
		r->direction = (uint8_t)d;
		r->lcore = w->lcore;
		r->octets_in = b->m[i]->pkt_len;
		note_addresses(r, b->m[i], b->handed_over);
	}
}

static void
note_names(struct saker_trace_record *r, const struct saker_policy *p, const struct saker_group *g)
{
	if (p != NULL)
		snprintf(r->policy, sizeof(r->policy), "%s", p->cfg->name);
	if (g != NULL) {
		snprintf(r->group, sizeof(r->group), "%s", g->cfg->name);
		r->variant = g->variant;
	}
}

/* Inbound, the policy is known only of what passed the last check or needed no key. */
static const struct saker_policy *
policy_of(const struct saker_burst *b, unsigned int i, const struct saker_trace_record *r)
{
	if (r->direction == SAKER_OUTBOUND || r->verdict == SAKER_VERDICT_SENT ||
		r->verdict == SAKER_VERDICT_BYPASS)
		return b->policy[i];
	return NULL;
}

static void
finish(struct saker_worker *w, unsigned int i, unsigned int stage, enum saker_verdict verdict)
{
	const struct saker_burst *b = &w->burst;
	struct saker_trace_record *r = &w->watch->trace->record[w->traced[i] - 1];
	const struct saker_policy *p;

	r->verdict = (uint8_t)verdict;
	r->why = verdict == SAKER_VERDICT_DROP ? b->why[i] : SAKER_OK;
	r->stage = (uint8_t)(SAKER_STAGE_FIRST + stage);
	/* what has left the burst may be gone already */
	if (verdict == SAKER_VERDICT_SENT || verdict == SAKER_VERDICT_DROP)
		r->octets_out = b->m[i]->pkt_len;
	p = policy_of(b, i, r);
	note_names(r, p, b->group[i] != NULL || p == NULL ? b->group[i] : p->group);
	r->has_sn = b->sn[i] != 0;
	if (r->has_sn) {
		r->sn = b->sn[i];
		r->session = b->session[i];
		r->source = b->source[i];
	}
	atomic_store_explicit(&r->done, true, memory_order_release);
}

/* What left the pipeline alive, by the stage that it left in. */
static enum saker_verdict
verdict_of(const struct saker_burst *b, unsigned int i, const char *stage)
{
	static const struct {
		const char *stage;
		enum saker_verdict verdict;
	} moved[] = {
		{ "parse", SAKER_VERDICT_TAKEN },
		{ "outer", SAKER_VERDICT_TAKEN },
		{ "own", SAKER_VERDICT_HANDED_OVER },
		{ "route", SAKER_VERDICT_CUT },
		{ "proxy", SAKER_VERDICT_PROXIED },
	};

	if (b->why[i] != SAKER_MOVED)
		return SAKER_VERDICT_DROP;
	if (strcmp(stage, "outer") == 0 && b->ip[i] != NULL)
		return SAKER_VERDICT_JOINED;
	for (unsigned int k = 0; k < RTE_DIM(moved); k++)
		if (strcmp(stage, moved[k].stage) == 0)
			return moved[k].verdict;
	return SAKER_VERDICT_BYPASS;
}

void
saker_trace_losers(struct saker_worker *w, unsigned int d, unsigned int stage)
{
	const struct saker_burst *b = &w->burst;
	uint16_t kept = 0;

	SAKER_FOREACH_SLOT (b, i) {
		if (b->why[i] == SAKER_OK)
			w->traced[kept++] = w->traced[i];
		else if (w->traced[i] != 0)
			finish(w, i, stage, verdict_of(b, i, saker_stages[d][stage].name));
	}
	memset(&w->traced[kept], 0, (b->n - kept) * sizeof(w->traced[0]));
}

void
saker_trace_sent(struct saker_worker *w, unsigned int d)
{
	unsigned int stage = 0;

	while (saker_stages[d][stage].name != NULL)
		stage++;
	SAKER_FOREACH_SLOT (&w->burst, i)
		if (w->traced[i] != 0)
			finish(w, i, stage, SAKER_VERDICT_SENT);
}
