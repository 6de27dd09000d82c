/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "show.h"

#include "own_source.h"
#include "show_parts.h"

static void
traffic_row(struct saker_report *r, const struct saker_gateway *g, enum saker_direction d)
{
	uint64_t rx_packets = 0, rx_octets = 0, tx_packets = 0, tx_octets = 0, keys = 0;

	for (unsigned int i = 0; i < g->n_workers; i++) {
		const struct saker_way_count *c = &g->workers[i]->count[d];

		rx_packets += saker_peek(&c->rx_packets);
		rx_octets += saker_peek(&c->rx_octets);
		tx_packets += saker_peek(&c->tx_packets);
		tx_octets += saker_peek(&c->tx_octets);
		keys += saker_peek(&c->keys_derived);
	}
	saker_report_text(r, "%s", saker_direction_name(d));
	saker_report_u64(r, rx_packets);
	saker_report_u64(r, rx_octets);
	saker_report_u64(r, tx_packets);
	saker_report_u64(r, tx_octets);
	saker_report_u64(r, keys);
}

void
saker_show_stats(const struct saker_gateway *g, struct saker_out *out)
{
	static const struct saker_column columns[] = {
		{ "direction", 'l' },
		{ "packets_in", 'r' },
		{ "octets_in", 'r' },
		{ "packets_out", 'r' },
		{ "octets_out", 'r' },
		{ "keys_derived", 'r' },
	};
	struct saker_report *r = SAKER_REPORT_BEGIN("stats", columns);

	for (unsigned int d = 0; d < SAKER_DIRECTIONS; d++)
		traffic_row(r, g, d);
	saker_report_end(r, out, "no traffic");
}

static void
stage_rows(struct saker_report *r, const struct saker_gateway *g, enum saker_direction d)
{
	for (unsigned int i = 0; i < SAKER_MAX_STAGES && saker_stage_name(d, i) != NULL; i++) {
		struct saker_stage_count c = saker_show_stage_sum(g, d, i);

		if (c.packets == 0)
			continue;
		saker_report_text(r, "%s", saker_direction_name(d));
		saker_report_text(r, "%s", saker_stage_name(d, i));
		saker_report_real(r, saker_show_per_packet(&c));
	}
}

static void
cycles(const struct saker_gateway *g, struct saker_out *out)
{
	static const struct saker_column columns[] = {
		{ "direction", 'l' },
		{ "stage", 'l' },
		{ "cycles_per_packet", 'r' },
	};
	struct saker_report *r = SAKER_REPORT_BEGIN("cycles", columns);

	for (unsigned int d = 0; d < SAKER_DIRECTIONS; d++)
		stage_rows(r, g, d);
	saker_report_end(r, out, "no packets");
}

static void
gap(struct saker_out *out)
{
	if (!out->json)
		saker_out_printf(out, "\n");
}

static void
twins(const struct saker_gateway *g, struct saker_out *out)
{
	const struct saker_snapshot *s = g->snapshot;

	for (unsigned int i = 0; s != NULL && i < s->n_groups; i++) {
		struct saker_group_count c = saker_group_sum(g, i);

		if (c.own_source > 0)
			saker_out_printf(out,
				"trust group %s: %llu packets came under our own source id, %llu "
				"of them from another gateway\n",
				s->groups[i].cfg->name, (unsigned long long)c.own_source,
				(unsigned long long)c.twin);
	}
}

void
saker_show_summary(const struct saker_gateway *g, struct saker_out *out)
{
	saker_show_stats(g, out);
	gap(out);
	saker_show_drops(g, out);
	gap(out);
	cycles(g, out);
	if (!out->json)
		twins(g, out);
	if (g->sending_refused && !out->json)
		saker_out_printf(
			out, "nothing was sent under protection: the SN state can't be used\n");
}
