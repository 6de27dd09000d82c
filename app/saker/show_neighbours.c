/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "neighbours.h"
#include "show_parts.h"

/** What a row needs. */
struct table {
	const struct saker_gateway *g;
	struct saker_report *r;
};

static void
row(void *arg, const struct saker_neigh_view *v)
{
	const struct table *t = arg;
	const uint8_t *m = v->mac;
	char text[SAKER_IP_TEXT];

	saker_report_text(t->r, "%s", saker_neighbours_port(t->g, v->link));
	saker_report_text(t->r, "%s", saker_ip_to_text(&v->ip, text));
	if (v->has_mac)
		saker_report_text(
			t->r, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
	else
		saker_report_none(t->r);
	saker_report_text(t->r, "%s", v->state);
	saker_report_u64(t->r, v->age_ms / 1000);
	if (v->was_used)
		saker_report_u64(t->r, v->idle_s);
	else
		saker_report_none(t->r);
}

void
saker_show_neighbours(const struct saker_gateway *g, struct saker_out *out)
{
	static const struct saker_column columns[] = {
		{ "port", 'l' },
		{ "address", 'l' },
		{ "mac", 'l' },
		{ "state", 'l' },
		{ "confirmed_s", 'r' },
		{ "idle_s", 'r' },
	};
	struct table t = { g, SAKER_REPORT_BEGIN("neighbours", columns) };

	saker_neighbours_walk(g, row, &t);
	saker_report_end(t.r, out, "no neighbours");
}
