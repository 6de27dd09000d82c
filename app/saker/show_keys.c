/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/*
 * Root keys and trust groups. Of a key only its check value is ever shown.
 */

#include "life.h"
#include "own_source.h"
#include "show_parts.h"

static void
key_row(struct saker_report *r, const struct saker_cfg_root_key *key,
	const struct saker_root_values *v, enum saker_generation gen)
{
	static const char *const generation[] = {
		[SAKER_PRE] = "pre",
		[SAKER_CURRENT] = "current",
		[SAKER_NEXT] = "next",
		[SAKER_OLD] = "old",
	};
	char id[2 * SAKER_ROOT_ID_MAX + 1], check[SAKER_CHECK_TEXT];

	saker_report_text(r, "%s", key->name);
	saker_report_text(r, "%s", saker_cfg_level_name(key->level));
	saker_report_text(r, "%s", saker_hex_encode(key->id.octets, key->id.len, id));
	saker_report_text(r, "%s", generation[gen]);
	saker_report_u64(r, saker_root_index(v, gen));
	saker_report_text(r, "%s", saker_key_check_text(v->value[gen], check));
	saker_report_text(r, "%s", key->file);
}

/* Of the value that seals. */
static void
life_cells(
	struct saker_report *r, const struct saker_gateway *g, unsigned int key, unsigned int gen)
{
	struct saker_life_figures f;

	saker_report_bool(r, g->roots.sending[key].generation == gen);
	if (g->roots.sending[key].generation != gen) {
		for (unsigned int i = 0; i < 4; i++)
			saker_report_none(r);
		return;
	}
	f = saker_life_figures(g, key);
	saker_report_u64(r, f.age_s);
	saker_report_u64(r, f.packets);
	saker_report_u64(r, f.keys);
	if (f.limit == NULL)
		saker_report_none(r);
	else
		saker_report_text(r, "%u %% of %s", f.percent, f.limit);
}

void
saker_show_keys(const struct saker_gateway *g, struct saker_out *out)
{
	static const struct saker_column columns[] = {
		{ "name", 'l' },
		{ "level", 'l' },
		{ "id", 'l' },
		{ "generation", 'l' },
		{ "index", 'r' },
		{ "check", 'l' },
		{ "file", 'l' },
		{ "seals", 'l' },
		{ "age_s", 'r' },
		{ "packets", 'r' },
		{ "data_keys", 'r' },
		{ "life", 'l' },
	};
	static const enum saker_generation order[SAKER_LIVE_GENERATIONS] = { SAKER_OLD, SAKER_PRE,
		SAKER_CURRENT, SAKER_NEXT };
	struct saker_report *r = SAKER_REPORT_BEGIN("keys", columns);

	for (unsigned int i = 0; i < g->roots.n && i < g->config->n_root_keys; i++)
		for (unsigned int k = 0; k < SAKER_LIVE_GENERATIONS; k++) {
			if (!g->roots.values[i].live[order[k]])
				continue;
			key_row(r, &g->config->root_keys[i], &g->roots.values[i], order[k]);
			life_cells(r, g, i, order[k]);
		}
	saker_report_end(r, out, "no root keys");
}

static void
mode_cell(struct saker_report *r, const struct saker_group *group)
{
	if (!group->mode_known)
		saker_report_none(r);
	else
		saker_report_text(r, "%s",
			saker_cfg_mode_name(
				group->transport ? SAKER_MODE_TRANSPORT : SAKER_MODE_TUNNEL));
}

/* Root keys behind the master key that seals, as name:index. */
static void
sending_cell(struct saker_report *r, const struct saker_gateway *g, const struct saker_group *group)
{
	char text[SAKER_LEVELS * (SAKER_NAME_MAX + 16)] = "";
	size_t at = 0;

	for (unsigned int l = 0; l < SAKER_LEVELS; l++) {
		uint16_t key = group->send_key[l];

		if (key >= g->roots.n || key >= g->config->n_root_keys)
			continue;
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s:%u", at == 0 ? "" : " ",
			g->config->root_keys[key].name,
			saker_root_index(&g->roots.values[key], group->send_gen[l]));
	}
	if (at == 0)
		saker_report_none(r);
	else
		saker_report_text(r, "%s", text);
}

static void
replay_cell(struct saker_report *r, const struct saker_cfg_group *cfg)
{
	if (cfg->replay == SAKER_REPLAY_NONE)
		saker_report_text(r, "none");
	else
		saker_report_text(r, "%u x %u", cfg->replay_sources, cfg->replay_window);
}

static void
group_row(struct saker_report *r, const struct saker_gateway *g, const struct saker_group *group)
{
	struct saker_group_count sum = saker_group_sum(g, group->index);
	const struct saker_cfg_group *cfg = group->cfg;

	saker_report_text(r, "%s", cfg->name);
	saker_report_text(r, "0x%08x", cfg->spi);
	saker_report_text(r, "%s", saker_cfg_format_name(cfg->format));
	saker_report_text(r, "%s", saker_cfg_variant_name(cfg->variant));
	saker_report_text(r, "%s", saker_cfg_suite_name(cfg->suite));
	saker_report_text(r, "%s", saker_cfg_role_name(cfg->role));
	saker_report_text(r, "%s", saker_cfg_combine_name(cfg->combine));
	saker_report_text(r, "%s", saker_cfg_sn_name(cfg->sn.mode));
	mode_cell(r, group);
	saker_report_text(r, "%u-%u", cfg->session_first, cfg->session_first + cfg->sessions - 1);
	sending_cell(r, g, group);
	saker_report_text(r, "%s", group->check_text);
	saker_report_u64(r, group->n_masters);
	saker_report_u64(r, cfg->key_cache);
	replay_cell(r, cfg);
	saker_report_u64(r, sum.in_drops);
	saker_report_u64(r, sum.own_source);
	saker_report_u64(r, sum.twin);
}

void
saker_show_groups(const struct saker_gateway *g, struct saker_out *out)
{
	static const struct saker_column columns[] = {
		{ "name", 'l' },
		{ "spi", 'l' },
		{ "format", 'l' },
		{ "variant", 'l' },
		{ "suite", 'l' },
		{ "role", 'l' },
		{ "combine", 'l' },
		{ "sn", 'l' },
		{ "mode", 'l' },
		{ "sessions", 'l' },
		{ "sending_keys", 'l' },
		{ "check", 'l' },
		{ "master_keys", 'r' },
		{ "key_cache", 'r' },
		{ "replay", 'l' },
		{ "in_drops", 'r' },
		{ "own_source", 'r' },
		{ "twin", 'r' },
	};
	struct saker_report *r = SAKER_REPORT_BEGIN("groups", columns);
	const struct saker_snapshot *s = g->snapshot;

	for (unsigned int i = 0; s != NULL && i < s->n_groups; i++)
		group_row(r, g, &s->groups[i]);
	saker_report_end(r, out, "no trust groups");
}
