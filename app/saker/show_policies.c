/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/*
 * Policies, as they are configured and as traffic meets them.
 */

#include <time.h>

#include "regime.h"
#include "saker_path.h"
#include "show_parts.h"

static void
proto_cell(struct saker_report *r, uint8_t proto)
{
	if (proto == 0)
		saker_report_text(r, "any");
	else
		saker_report_text(r, "%u", proto);
}

static void
range_cell(struct saker_report *r, const struct saker_cfg_range *range)
{
	if (range->low == 0 && range->high == UINT16_MAX)
		saker_report_text(r, "any");
	else if (range->low == range->high)
		saker_report_text(r, "%u", range->low);
	else
		saker_report_text(r, "%u-%u", range->low, range->high);
}

void
saker_show_address(struct saker_report *r, const struct saker_ip *ip)
{
	char text[SAKER_IP_TEXT];

	if (ip->family == 0)
		saker_report_none(r);
	else
		saker_report_text(r, "%s", saker_ip_to_text(ip, text));
}

/* What only a policy that protects has. */
static void
protect_cells(struct saker_report *r, const struct saker_gateway *g, const struct saker_policy *p)
{
	const struct saker_paths *paths = g->regime == NULL ? NULL : g->regime->edition.paths;
	uint64_t now_ms = (uint64_t)time(NULL) * 1000;
	uint16_t path = 0;

	if (p->group == NULL) {
		for (unsigned int i = 0; i < 10; i++)
			saker_report_none(r);
		return;
	}
	saker_report_text(r, "%s", p->group->cfg->name);
	saker_report_text(r, "%s", saker_cfg_mode_name(p->cfg->mode));
	saker_show_address(r, &p->cfg->local);
	saker_show_address(r, &p->cfg->peer);
	saker_report_u64(r, p->cfg->clear_octets);
	saker_report_u64(r, p->cfg->ioffset);
	for (unsigned int six = 0; six < 2; six++)
		saker_report_u64(r, saker_path_tunnel_mtu(paths, p, six, now_ms));
	if (saker_paths_learnt(paths) && !p->transport)
		path = saker_path_mtu(&paths->path[p->ends], now_ms);
	if (path != 0)
		saker_report_u64(r, path);
	else
		saker_report_none(r);
	saker_report_text(r, "%s", saker_cfg_fragment_name(p->cfg->fragment));
}

struct saker_policy_count
saker_show_policy_sum(const struct saker_gateway *g, unsigned int policy)
{
	struct saker_policy_count sum = { 0 };

	for (unsigned int i = 0; i < g->n_workers; i++) {
		const struct saker_policy_count *c;

		if (g->workers[i]->policy_count == NULL)
			continue;
		c = g->workers[i]->policy_count[policy];
		sum.out_packets += saker_peek(&c->out_packets);
		sum.out_octets += saker_peek(&c->out_octets);
		sum.out_drops += saker_peek(&c->out_drops);
		sum.in_packets += saker_peek(&c->in_packets);
		sum.in_octets += saker_peek(&c->in_octets);
	}
	return sum;
}

void
saker_show_policy_cells(struct saker_report *r, const struct saker_policy_count *c)
{
	saker_report_u64(r, c->out_packets);
	saker_report_u64(r, c->out_octets);
	saker_report_u64(r, c->out_drops);
	saker_report_u64(r, c->in_packets);
	saker_report_u64(r, c->in_octets);
}

static void
policy_row(struct saker_report *r, const struct saker_gateway *g, const struct saker_policy *p)
{
	struct saker_policy_count sum = saker_show_policy_sum(g, p->index);
	char text[SAKER_IP_TEXT];

	saker_report_u64(r, p->index);
	saker_report_text(r, "%s", p->cfg->name);
	saker_report_text(r, "%s", saker_prefix_to_text(&p->cfg->src, text));
	saker_report_text(r, "%s", saker_prefix_to_text(&p->cfg->dst, text));
	proto_cell(r, p->cfg->proto);
	range_cell(r, &p->cfg->sport);
	range_cell(r, &p->cfg->dport);
	saker_report_text(r, "%s", saker_cfg_action_name(p->cfg->action));
	protect_cells(r, g, p);
	saker_show_policy_cells(r, &sum);
}

void
saker_show_policies(const struct saker_gateway *g, struct saker_out *out)
{
	static const struct saker_column columns[] = {
		{ "order", 'r' },
		{ "name", 'l' },
		{ "src", 'l' },
		{ "dst", 'l' },
		{ "proto", 'l' },
		{ "sport", 'l' },
		{ "dport", 'l' },
		{ "action", 'l' },
		{ "group", 'l' },
		{ "mode", 'l' },
		{ "local", 'l' },
		{ "peer", 'l' },
		{ "clear", 'r' },
		{ "ioffset", 'r' },
		{ "mtu4", 'r' },
		{ "mtu6", 'r' },
		{ "path_mtu", 'r' },
		{ "fragment", 'l' },
		{ "out_packets", 'r' },
		{ "out_octets", 'r' },
		{ "out_drops", 'r' },
		{ "in_packets", 'r' },
		{ "in_octets", 'r' },
	};
	struct saker_report *r = SAKER_REPORT_BEGIN("policies", columns);
	const struct saker_snapshot *s = g->snapshot;

	for (unsigned int i = 0; s != NULL && i < s->n_policies; i++)
		policy_row(r, g, &s->policies[i]);
	saker_report_end(r, out, "no policies");
}
