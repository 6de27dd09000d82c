/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "show.h"

#include <string.h>

#include "capture.h"
#include "metrics.h"
#include "show_parts.h"
#include "trace.h"

static void
config_row(void *arg, const char *path, const char *value, bool is_default)
{
	saker_report_text(arg, "%s", path);
	saker_report_text(arg, "%s", value);
	saker_report_bool(arg, is_default);
}

void
saker_show_config(const struct saker_gateway *g, struct saker_out *out)
{
	static const struct saker_column columns[] = {
		{ "path", 'l' },
		{ "value", 'l' },
		{ "default", 'l' },
	};
	struct saker_report *r = SAKER_REPORT_BEGIN("config", columns);

	saker_config_walk(g->config, config_row, r);
	saker_report_end(r, out, "no settings");
}

static void
crypto_drivers(const struct saker_gateway *g, struct saker_out *out)
{
	static const struct saker_column columns[] = {
		{ "driver", 'l' },
		{ "state", 'l' },
		{ "in_use", 'l' },
		{ "needs", 'l' },
	};
	struct saker_report *r = SAKER_REPORT_BEGIN("drivers", columns);

	for (const struct saker_crypto_ops *const *d = saker_crypto_drivers; *d != NULL; d++) {
		saker_report_text(r, "%s", (*d)->name);
		saker_report_text(r, "%s", saker_crypto_state_name(saker_crypto_check(*d)));
		saker_report_bool(r, *d == g->crypto);
		saker_report_text(r, "%s", (*d)->help);
	}
	saker_out_printf(out, "%s\n\n", g->crypto_why);
	saker_report_end(r, out, "no crypto driver was built");
	saker_out_printf(out, "\n");
}

void
saker_show_crypto(const struct saker_gateway *g, struct saker_out *out)
{
	static const struct saker_column columns[] = {
		{ "lcore", 'r' },
		{ "driver", 'l' },
		{ "keys_derived", 'r' },
		{ "keys_cached", 'r' },
	};
	struct saker_report *r = SAKER_REPORT_BEGIN("crypto", columns);

	for (unsigned int i = 0; i < g->n_workers; i++) {
		const struct saker_way_count *c = g->workers[i]->count;

		saker_report_u64(r, g->workers[i]->lcore);
		saker_report_text(r, "%s", g->workers[i]->crypto->name);
		saker_report_u64(r, saker_peek(&c[SAKER_OUTBOUND].keys_derived) +
					    saker_peek(&c[SAKER_INBOUND].keys_derived));
		saker_report_u64(r, saker_peek(&c[SAKER_OUTBOUND].keys_cached) +
					    saker_peek(&c[SAKER_INBOUND].keys_cached));
	}
	if (!out->json)
		crypto_drivers(g, out);
	saker_report_end(r, out, "no workers");
}

const struct saker_show saker_shows[] = {
	{ "stats", "packets, octets and keys derived, by direction", saker_show_stats },
	{ "stages", "cycles per packet of every stage, by lcore", saker_show_stages },
	{ "drops", "why packets were dropped, in words", saker_show_drops },
	{ "keys", "root keys: id, index, check value, file", saker_show_keys },
	{ "groups", "trust groups and the root keys they send with", saker_show_groups },
	{ "policies", "policies in their order, with traffic", saker_show_policies },
	{ "proxies", "proxies between trust groups, with traffic each way", saker_show_proxies },
	{ "peers", "traffic of the policies that lead to a peer", saker_show_peers },
	{ "sessions", "sequence numbers sent and received, by session", saker_show_sessions },
	{ "config", "every setting with its effective value", saker_show_config },
	{ "crypto", "crypto drivers, keys derived and taken from a cache", saker_show_crypto },
	{ "neighbours", "next hops and their Ethernet addresses, by port", saker_show_neighbours },
	{ "lcores", "workers, their queues and their load", saker_show_lcores },
	{ "psp", "the counters that PSP asks of a device", saker_show_psp },
	{ "captures", "captures and what they have lost", saker_show_captures },
	{ "trace", "what became of the packets of `trace N`", saker_show_trace },
	{ "metrics", "all counters as OpenMetrics text", saker_show_metrics },
	{ NULL, NULL, NULL },
};

const struct saker_show *
saker_show_find(const char *name)
{
	for (const struct saker_show *s = saker_shows; s->name != NULL; s++)
		if (strcmp(s->name, name) == 0)
			return s;
	return NULL;
}
