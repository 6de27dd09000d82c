/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "trace.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "saker_trace.h"
#include "show_parts.h"

/* @return 0, or -EINVAL: that is no number of packets */
static int
read_count(const char *text, uint32_t *count)
{
	char *end;
	unsigned long v;

	errno = 0;
	v = strtoul(text, &end, 10);
	if (errno != 0 || *text < '0' || *text > '9' || *end != '\0' || v > SAKER_TRACE_MAX)
		return -EINVAL;
	*count = (uint32_t)v;
	return 0;
}

/* No worker writes into the records when this returns. */
static void
disarm(struct saker_gateway *g)
{
	atomic_fetch_and(&g->watch.on, ~SAKER_WATCH_TRACE);
	if (g->qsbr != NULL)
		rte_rcu_qsbr_synchronize(g->qsbr, RTE_QSBR_THRID_INVALID);
}

int
saker_trace_arm(struct saker_gateway *g, const char *count)
{
	struct saker_trace *trace;
	uint32_t wanted;

	if (read_count(count, &wanted) != 0) {
		fprintf(stderr, "trace: '%s' is no number of packets from 0 to %u\n", count,
			SAKER_TRACE_MAX);
		return -EINVAL;
	}
	trace = calloc(1, sizeof(*trace));
	if (trace == NULL) {
		fprintf(stderr, "trace: no memory\n");
		return -ENOMEM;
	}
	saker_trace_fini(g);
	trace->wanted = wanted;
	g->watch.trace = trace;
	if (wanted > 0)
		atomic_fetch_or(&g->watch.on, SAKER_WATCH_TRACE);
	return 0;
}

void
saker_trace_fini(struct saker_gateway *g)
{
	disarm(g);
	free(g->watch.trace);
	g->watch.trace = NULL;
}

static void
name_cell(struct saker_report *r, const char *name)
{
	if (name[0] == '\0')
		saker_report_none(r);
	else
		saker_report_text(r, "%s", name);
}

static void
stages_cell(struct saker_report *r, const struct saker_trace_record *t)
{
	char text[SAKER_MAX_STAGES * 16] = "";
	size_t at = 0;

	for (unsigned int i = 0; i <= t->stage && i < SAKER_MAX_STAGES; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s", i == 0 ? "" : " ",
			saker_stage_name(t->direction, i));
	saker_report_text(r, "%s", text);
}

/* Source ids are as wide as their variant says; two variants have none. */
static void
source_cell(struct saker_report *r, const struct saker_trace_record *t)
{
	if (!t->has_sn || t->variant == SAKER_V_SOURCE_IP || t->variant == SAKER_V_IP_PAIR)
		saker_report_none(r);
	else
		saker_report_text(
			r, "%0*" PRIx64, t->variant == SAKER_V_SOURCE_ID ? 8 : 16, t->source);
}

static void
sn_cells(struct saker_report *r, const struct saker_trace_record *t)
{
	source_cell(r, t);
	if (!t->has_sn) {
		saker_report_none(r);
		saker_report_none(r);
		return;
	}
	saker_report_u64(r, t->session);
	saker_report_text(r, "%016" PRIx64, t->sn);
}

static void
trace_row(struct saker_report *r, const struct saker_trace_record *t, unsigned int number)
{
	saker_report_u64(r, number);
	saker_report_u64(r, t->lcore);
	saker_report_text(r, "%s", saker_direction_name(t->direction));
	saker_report_text(r, "%s", saker_verdict_name(t->verdict));
	if (t->verdict == SAKER_VERDICT_DROP)
		saker_report_text(r, "%s", saker_drop_info[t->why].name);
	else
		saker_report_none(r);
	saker_show_address(r, &t->src);
	saker_show_address(r, &t->dst);
	saker_report_u64(r, t->octets_in);
	if (t->octets_out == 0)
		saker_report_none(r);
	else
		saker_report_u64(r, t->octets_out);
	name_cell(r, t->policy);
	name_cell(r, t->group);
	sn_cells(r, t);
	stages_cell(r, t);
}

static void
note(const struct saker_trace *t, struct saker_out *out)
{
	uint32_t taken = t == NULL ? 0 : atomic_load(&t->taken);

	if (t != NULL && taken < t->wanted && !out->json)
		saker_out_printf(out, "%u more packets are waited for\n", t->wanted - taken);
}

void
saker_show_trace(const struct saker_gateway *g, struct saker_out *out)
{
	static const struct saker_column columns[] = {
		{ "number", 'r' },
		{ "lcore", 'r' },
		{ "direction", 'l' },
		{ "verdict", 'l' },
		{ "reason", 'l' },
		{ "src", 'l' },
		{ "dst", 'l' },
		{ "octets_in", 'r' },
		{ "octets_out", 'r' },
		{ "policy", 'l' },
		{ "group", 'l' },
		{ "source", 'l' },
		{ "session", 'r' },
		{ "sn", 'l' },
		{ "stages", 'l' },
	};
	struct saker_report *r = SAKER_REPORT_BEGIN("trace", columns);
	const struct saker_trace *t = g->watch.trace;

	for (unsigned int i = 0; t != NULL && i < t->wanted; i++)
		if (atomic_load_explicit(&t->record[i].done, memory_order_acquire))
			trace_row(r, &t->record[i], i + 1);
	saker_report_end(r, out, "no packets were traced");
	note(t, out);
}
