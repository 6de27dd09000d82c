/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/*
 * Proxies: from which trust group to which, and what has gone each way.
 */

#include <time.h>

#include "regime.h"
#include "saker_path.h"
#include "saker_proxy.h"
#include "show_parts.h"

static struct saker_policy_count
sum_of(const struct saker_gateway *g, const struct saker_way *w)
{
	struct saker_policy_count sum = saker_show_policy_sum(g, w->shut->index), open;

	if (w->open == NULL)
		return sum;
	open = saker_show_policy_sum(g, w->open->index);
	sum.out_packets += open.out_packets;
	sum.out_octets += open.out_octets;
	sum.out_drops += open.out_drops;
	return sum;
}

static void
way_row(struct saker_report *r, const struct saker_gateway *g, const struct saker_way *w)
{
	const struct saker_paths *paths = g->regime == NULL ? NULL : g->regime->edition.paths;
	const struct saker_cfg_policy *cfg = w->shut->cfg;
	struct saker_policy_count sum = sum_of(g, w);
	char text[SAKER_IP_TEXT];

	saker_report_text(r, "%s", w->cfg->name);
	saker_report_text(r, w->back ? "back" : "forth");
	saker_report_text(r, "%s", w->from->cfg->name);
	saker_report_text(r, "%s", w->to->cfg->name);
	saker_report_text(r, "%s", saker_prefix_to_text(&cfg->src, text));
	saker_report_text(r, "%s", saker_prefix_to_text(&cfg->dst, text));
	saker_show_address(r, &cfg->local);
	saker_show_address(r, &cfg->peer);
	for (unsigned int six = 0; six < 2; six++)
		saker_report_u64(
			r, saker_path_tunnel_mtu(paths, w->shut, six, (uint64_t)time(NULL) * 1000));
	saker_report_u64(r, sum.out_packets);
	saker_report_u64(r, sum.out_octets);
	saker_report_u64(r, sum.out_drops);
}

void
saker_show_proxies(const struct saker_gateway *g, struct saker_out *out)
{
	static const struct saker_column columns[] = {
		{ "name", 'l' },
		{ "way", 'l' },
		{ "from", 'l' },
		{ "to", 'l' },
		{ "src", 'l' },
		{ "dst", 'l' },
		{ "local", 'l' },
		{ "peer", 'l' },
		{ "mtu4", 'r' },
		{ "mtu6", 'r' },
		{ "packets", 'r' },
		{ "octets", 'r' },
		{ "drops", 'r' },
	};
	struct saker_report *r = SAKER_REPORT_BEGIN("proxies", columns);
	const struct saker_snapshot *s = g->snapshot;

	for (unsigned int i = 0; s != NULL && i < s->n_ways; i++)
		way_row(r, g, &s->ways[i]);
	saker_report_end(r, out, "no proxies");
}
