/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/*
 * Sessions: SN lines of senders, then what the replay windows remember of sources.
 */

#include <inttypes.h>

#include "saker_own.h"
#include "show_parts.h"

/** A table under way. */
struct listing {
	const struct saker_gateway *g;
	const struct saker_snapshot *s;
	struct saker_report *r;
	uint64_t listed, all; /**< rows, sessions that there are */
};

static void
address_cell(struct saker_report *r, uint8_t family, const uint8_t *octets)
{
	struct saker_ip ip = { .family = family };
	char text[SAKER_IP_TEXT];

	memcpy(ip.octets, octets, family == 4 ? 4 : 16);
	saker_report_text(r, "%s", saker_ip_to_text(&ip, text));
}

static void
source_cell(
	struct saker_report *r, const struct saker_group *group, const uint8_t *octets, uint8_t len)
{
	char text[2 * 16 + 1];

	if (group->variant == SAKER_V_SOURCE_IP || group->variant == SAKER_V_IP_PAIR)
		address_cell(r, len == 4 ? 4 : 6, octets);
	else
		saker_report_text(r, "%s", saker_hex_encode(octets, len, text));
}

static void
none_cells(struct saker_report *r, unsigned int n)
{
	while (n-- > 0)
		saker_report_none(r);
}

static void
line_cells(struct saker_report *r, const struct saker_sn_line *line)
{
	uint64_t blocks;
	saker_sn used = saker_sn_line_used(line, &blocks), limit = saker_sn_line_limit_get(line);
	saker_sn ahead = limit > used ? limit - 1 - used : 0;

	saker_report_u64(r, saker_sn_epoch(used));
	saker_report_u64(r, saker_sn_counter(used));
	saker_report_u64(r, ahead > UINT64_MAX ? UINT64_MAX : (uint64_t)ahead);
}

/* Keys by session have no source: the SPI that the peer knows stands for it. */
static void
sender_cells(struct saker_report *r, const struct saker_sender *s, unsigned int session,
	unsigned int worker)
{
	uint8_t source[16];

	saker_own_source(s, worker, source);
	if (s->group->session != NULL)
		saker_report_text(r, "%08" PRIx32, s->group->send_spi);
	else
		source_cell(r, s->group, source, s->source_len);
	saker_report_u64(r, s->group->names_workers ? 0 : session);
}

static void
line_row(struct listing *l, const struct saker_sender *s, unsigned int class,
	const struct saker_worker *w)
{
	if (w->lines == NULL || saker_sealing_worker(s->group, w->index) != w->index ||
		(s->group->handed && w->index >= s->n_seal) || l->all++ >= SAKER_SHOW_SESSIONS)
		return;
	l->listed++;
	saker_report_text(l->r, "out");
	saker_report_text(l->r, "%s", s->group->cfg->name);
	sender_cells(
		l->r, s, saker_group_session(s->group, class, w->index, l->g->n_workers), w->index);
	saker_report_u64(l->r, class);
	saker_report_u64(l->r, w->lcore);
	line_cells(l->r, w->lines[s->first_line + class]);
	none_cells(l->r, 3);
}

static void
sender_rows(struct listing *l, const struct saker_sender *s)
{
	for (unsigned int class = 0; class < saker_group_classes(s->group); class ++)
		for (unsigned int w = 0; w < l->g->n_workers; w++)
			line_row(l, s, class, l->g->workers[w]);
}

static void
senders(struct listing *l)
{
	for (unsigned int i = 0; i < l->s->n_senders; i++)
		sender_rows(l, &l->s->senders[i]);
}

/*
 * A replay key has no length. A source id is the low end of 8 octets, a device id stands in the
 * first 4, and an IPv4 address leaves 12 zeros behind it.
 */
static void
entry_source_cell(struct saker_report *r, const struct saker_group *group, const uint8_t source[16])
{
	static const uint8_t zero[12];

	switch (group->variant) {
	case SAKER_V_SOURCE_ID:
		source_cell(r, group, source + 4, 4);
		break;
	case SAKER_V_SOURCE_ID_64:
		source_cell(r, group, source, 8);
		break;
	case SAKER_V_CONNECTION_ID:
		source_cell(r, group, source, 4);
		break;
	default:
		source_cell(r, group, source, memcmp(source + 4, zero, sizeof(zero)) == 0 ? 4 : 16);
	}
}

static void
entry_row(struct listing *l, const struct saker_worker *w, const struct saker_group *group,
	const struct saker_replay_entry_info *e)
{
	l->listed++;
	saker_report_text(l->r, "in");
	saker_report_text(l->r, "%s", group->cfg->name);
	entry_source_cell(l->r, group, e->key.source);
	saker_report_u64(l->r, e->key.session);
	saker_report_none(l->r);
	saker_report_u64(l->r, w->lcore);
	none_cells(l->r, 3);
	saker_report_u64(l->r, e->newest_run);
	saker_report_u64(l->r, e->newest_bit);
	saker_report_u64(l->r, e->accepted);
}

static void
entries(struct listing *l, const struct saker_worker *w, const struct saker_group *group)
{
	const struct saker_replay_table *t = w->replay == NULL ? NULL : w->replay[group->index];
	struct saker_replay_entry_info e;
	uint32_t cursor = 0;

	if (t == NULL)
		return;
	l->all += saker_replay_used(t);
	while (l->listed < SAKER_SHOW_SESSIONS && saker_replay_next(t, &cursor, &e))
		entry_row(l, w, group, &e);
}

static void
sources(struct listing *l)
{
	for (unsigned int w = 0; w < l->g->n_workers; w++)
		for (unsigned int i = 0; i < l->s->n_groups; i++)
			entries(l, l->g->workers[w], &l->s->groups[i]);
}

static void
notes(const struct listing *l, struct saker_out *out)
{
	if (l->all > l->listed)
		saker_out_printf(out, "%llu of %llu sessions are listed\n",
			(unsigned long long)l->listed, (unsigned long long)l->all);
	if (l->g->sending_refused)
		saker_out_printf(
			out, "nothing is sent under protection: the SN state can't be used\n");
}

void
saker_show_sessions(const struct saker_gateway *g, struct saker_out *out)
{
	static const struct saker_column columns[] = {
		{ "direction", 'l' },
		{ "group", 'l' },
		{ "source", 'l' },
		{ "session", 'r' },
		{ "class", 'r' },
		{ "lcore", 'r' },
		{ "epoch", 'r' },
		{ "counter", 'r' },
		{ "reserved_ahead", 'r' },
		{ "newest_run", 'r' },
		{ "newest_bit", 'r' },
		{ "accepted", 'r' },
	};
	struct listing l = {
		.g = g, .s = g->snapshot, .r = SAKER_REPORT_BEGIN("sessions", columns)
	};

	if (l.s != NULL) {
		senders(&l);
		sources(&l);
	}
	saker_report_end(l.r, out, "no sessions");
	if (!out->json)
		notes(&l, out);
}
