/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/*
 * What passes and what is lost: stages, drops, lcores.
 */

#include <rte_cycles.h>

#include "show_parts.h"

static struct saker_stage_count
peek_stage(const struct saker_worker *w, enum saker_direction d, unsigned int stage)
{
	const struct saker_stage_count *c = &w->count[d].stage[stage];

	return (struct saker_stage_count){
		.calls = saker_peek(&c->calls),
		.packets = saker_peek(&c->packets),
		.timed = saker_peek(&c->timed),
		.cycles = saker_peek(&c->cycles),
	};
}

struct saker_stage_count
saker_show_stage_sum(const struct saker_gateway *g, enum saker_direction d, unsigned int stage)
{
	struct saker_stage_count sum = { 0 };

	for (unsigned int i = 0; i < g->n_workers; i++) {
		struct saker_stage_count c = peek_stage(g->workers[i], d, stage);

		sum.calls += c.calls;
		sum.packets += c.packets;
		sum.timed += c.timed;
		sum.cycles += c.cycles;
	}
	return sum;
}

double
saker_show_per_packet(const struct saker_stage_count *c)
{
	return c->timed == 0 ? 0 : (double)c->cycles / (double)c->timed;
}

uint64_t
saker_show_drop_sum(const struct saker_gateway *g, enum saker_direction d, unsigned int reason)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < g->n_workers; i++)
		sum += saker_peek(&g->workers[i]->count[d].drop[reason]);
	return sum;
}

/* The cells after `lcore`. */
static void
stage_cells(struct saker_report *r, enum saker_direction d, unsigned int stage,
	const struct saker_stage_count *c)
{
	saker_report_text(r, "%s", saker_direction_name(d));
	saker_report_text(r, "%s", saker_stage_name(d, stage));
	saker_report_u64(r, c->calls);
	saker_report_u64(r, c->packets);
	saker_report_u64(r, c->cycles);
	saker_report_real(r, saker_show_per_packet(c));
}

static void
worker_stages(
	struct saker_report *r, const struct saker_worker *w, enum saker_direction d, bool zeros)
{
	for (unsigned int i = 0; i < SAKER_MAX_STAGES && saker_stage_name(d, i) != NULL; i++) {
		struct saker_stage_count c = peek_stage(w, d, i);

		if (c.packets == 0 && !zeros)
			continue;
		saker_report_u64(r, w->lcore);
		stage_cells(r, d, i, &c);
	}
}

static void
all_stages(struct saker_report *r, const struct saker_gateway *g, enum saker_direction d)
{
	for (unsigned int i = 0; i < SAKER_MAX_STAGES && saker_stage_name(d, i) != NULL; i++) {
		struct saker_stage_count c = saker_show_stage_sum(g, d, i);

		if (c.packets == 0)
			continue;
		saker_report_text(r, "all");
		stage_cells(r, d, i, &c);
	}
}

void
saker_show_stages(const struct saker_gateway *g, struct saker_out *out)
{
	static const struct saker_column columns[] = {
		{ "lcore", 'r' },
		{ "direction", 'l' },
		{ "stage", 'l' },
		{ "calls", 'r' },
		{ "packets", 'r' },
		{ "cycles", 'r' },
		{ "cycles_per_packet", 'r' },
	};
	struct saker_report *r = SAKER_REPORT_BEGIN("stages", columns);

	for (unsigned int i = 0; i < g->n_workers; i++)
		for (unsigned int d = 0; d < SAKER_DIRECTIONS; d++)
			worker_stages(r, g->workers[i], d, out->zeros);
	for (unsigned int d = 0; d < SAKER_DIRECTIONS; d++)
		all_stages(r, g, d);
	saker_report_end(r, out, "no packets yet");
}

void
saker_show_drops(const struct saker_gateway *g, struct saker_out *out)
{
	static const char *const severity[] = {
		[SAKER_INFO] = "info",
		[SAKER_WARN] = "warn",
		[SAKER_ATTACK] = "attack",
	};
	static const struct saker_column columns[] = {
		{ "reason", 'l' },
		{ "direction", 'l' },
		{ "packets", 'r' },
		{ "severity", 'l' },
		{ "help", 'l' },
	};
	struct saker_report *r = SAKER_REPORT_BEGIN("drops", columns);

	for (unsigned int n = SAKER_DIRECTIONS; n < SAKER_DIRECTIONS * SAKER_DROP_COUNT; n++) {
		unsigned int reason = n / SAKER_DIRECTIONS, d = n % SAKER_DIRECTIONS;
		uint64_t packets = saker_show_drop_sum(g, d, reason);

		if (packets == 0 && !out->zeros)
			continue;
		saker_report_text(r, "%s", saker_drop_info[reason].name);
		saker_report_text(r, "%s", saker_direction_name(d));
		saker_report_u64(r, packets);
		saker_report_text(r, "%s", severity[saker_drop_info[reason].severity]);
		saker_report_text(r, "%s", saker_drop_info[reason].help);
	}
	saker_report_end(r, out, "no drops");
}

static const char *
port_name(const struct saker_gateway *g, uint16_t id)
{
	for (unsigned int i = 0; i < g->n_ports; i++)
		if (g->ports[i].id == id)
			return g->ports[i].cfg->name;
	return "?";
}

static void
queues_cell(struct saker_report *r, const struct saker_gateway *g, const struct saker_worker *w)
{
	char text[SAKER_MAX_QUEUES * (SAKER_NAME_MAX + 8)] = "";
	size_t at = 0;

	for (unsigned int i = 0; i < w->n_rx; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s:%u", i == 0 ? "" : " ",
			port_name(g, w->rx[i].port), w->rx[i].queue);
	if (at == 0)
		saker_report_none(r);
	else
		saker_report_text(r, "%s", text);
}

static uint64_t
handed_over(const struct saker_worker *w)
{
	return saker_peek(&w->count[SAKER_OUTBOUND].handed_over) +
	       saker_peek(&w->count[SAKER_INBOUND].handed_over);
}

static uint64_t
waits_in(struct rte_ring *inbox)
{
	return inbox == NULL ? 0 : rte_ring_count(inbox);
}

/* Packets that a worker has taken through the expensive stages: its own and those it was given. */
static uint64_t
worker_packets(const struct saker_worker *w)
{
	return saker_peek(&w->count[SAKER_OUTBOUND].rx_packets) +
	       saker_peek(&w->count[SAKER_INBOUND].rx_packets) - handed_over(w) +
	       saker_peek(&w->load.taken_over);
}

/* How packets are shared out: 100 where this worker has its equal share of all. */
static void
share_cell(struct saker_report *r, const struct saker_gateway *g, uint64_t packets)
{
	uint64_t all = 0;

	for (unsigned int i = 0; i < g->n_workers; i++)
		all += worker_packets(g->workers[i]);
	if (all == 0)
		saker_report_none(r);
	else
		saker_report_real(r, (double)packets * 100 * g->n_workers / (double)all);
}

static void
load_cell(struct saker_report *r, const struct saker_gateway *g, const struct saker_worker *w)
{
	uint64_t end = atomic_load(&g->running) ? rte_rdtsc() : g->stopped_tsc;

	if (g->started_tsc == 0 || end <= g->started_tsc)
		saker_report_none(r);
	else
		saker_report_real(r, (double)saker_peek(&w->load.busy_cycles) * 100 /
					     (double)(end - g->started_tsc));
}

static void
way_cells(struct saker_report *r, const struct saker_worker *w)
{
	for (unsigned int d = 0; d < SAKER_DIRECTIONS; d++) {
		saker_report_u64(r, saker_peek(&w->count[d].rx_packets));
		saker_report_u64(r, saker_peek(&w->count[d].tx_packets));
	}
}

static void
handover_cells(struct saker_report *r, const struct saker_worker *w)
{
	saker_report_u64(r, handed_over(w));
	saker_report_u64(r, saker_peek(&w->load.taken_over));
	saker_report_u64(r, saker_peek(&w->load.held_back));
	saker_report_u64(r, waits_in(w->inbox) + waits_in(w->seal_inbox));
}

static void
idle_cells(struct saker_report *r, const struct saker_worker *w)
{
	const char *idle = saker_cfg_idle_name(w->idle_mode);

	saker_report_text(r, "%s", w->interrupts ? "interrupt" : idle);
	saker_report_u64(r, saker_peek(&w->load.busy_rounds));
	saker_report_u64(r, saker_peek(&w->load.empty_rounds));
	saker_report_u64(r, saker_peek(&w->load.naps));
}

void
saker_show_lcores(const struct saker_gateway *g, struct saker_out *out)
{
	static const struct saker_column columns[] = {
		{ "lcore", 'r' },
		{ "worker", 'r' },
		{ "socket", 'r' },
		{ "rx_queues", 'l' },
		{ "load_percent", 'r' },
		{ "share_percent", 'r' },
		{ "outbound_in", 'r' },
		{ "outbound_out", 'r' },
		{ "inbound_in", 'r' },
		{ "inbound_out", 'r' },
		{ "handed_over", 'r' },
		{ "taken_over", 'r' },
		{ "held_back", 'r' },
		{ "inbox", 'r' },
		{ "idle", 'l' },
		{ "busy_rounds", 'r' },
		{ "empty_rounds", 'r' },
		{ "naps", 'r' },
	};
	struct saker_report *r = SAKER_REPORT_BEGIN("lcores", columns);

	for (unsigned int i = 0; i < g->n_workers; i++) {
		struct saker_worker *w = g->workers[i];

		saker_report_u64(r, w->lcore);
		saker_report_u64(r, w->index);
		if (w->socket < 0)
			saker_report_none(r);
		else
			saker_report_u64(r, (unsigned int)w->socket);
		queues_cell(r, g, w);
		load_cell(r, g, w);
		share_cell(r, g, worker_packets(w));
		way_cells(r, w);
		handover_cells(r, w);
		idle_cells(r, w);
	}
	saker_report_end(r, out, "no workers");
	if (!out->json && g->steer.driver != NULL)
		saker_out_printf(out, "\nsteering by %s%s%s\n", g->steer.driver->name,
			g->steer.why[0] == '\0' ? "" : ": ", g->steer.why);
}
