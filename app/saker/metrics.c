/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "show_parts.h"

#define LABELS 3

enum type { COUNTER, GAUGE };

/** A metric: a column of a table. Rows of one name follow each other, so do those of a table. */
struct metric {
	const char *noun; /**< of `show` */
	const char *column;
	const char *name; /**< ends with the unit, if there is one */
	enum type type;
	const char *unit; /**< NULL: it counts events */
	const char *help;
	const char *direction; /**< label that the column stands for, or NULL */
	/** A label and the column that it comes from. */
	struct {
		const char *name, *column;
	} label[LABELS];
};

/* clang-format off */
#define WAY       { "direction", "direction" }
#define LCORE     { "lcore", "lcore" }
#define GROUP     { "group", "group" }
#define OF_POLICY { { "policy", "name" }, GROUP }
#define OF_PEER   { { "peer", "peer" }, GROUP }
#define OF_PROXY  { { "proxy", "name" }, { "from", "from" }, { "to", "to" } }
#define OF_STAGE  { LCORE, WAY, { "stage", "stage" } }
#define OF_KEY    { { "key", "name" }, { "level", "level" }, { "generation", "generation" } }
#define OUT       "outbound"
#define IN        "inbound"

static const struct metric metrics[] = {
	{ "stats", "packets_in", "saker_received_packets", COUNTER, "packets",
		"Packets received.", NULL, { WAY } },
	{ "stats", "octets_in", "saker_received_bytes", COUNTER, "bytes",
		"Octets received.", NULL, { WAY } },
	{ "stats", "packets_out", "saker_sent_packets", COUNTER, "packets",
		"Packets sent.", NULL, { WAY } },
	{ "stats", "octets_out", "saker_sent_bytes", COUNTER, "bytes",
		"Octets sent.", NULL, { WAY } },
	{ "stats", "keys_derived", "saker_derived_keys", COUNTER, "keys",
		"Data keys derived.", NULL, { WAY } },
	{ "drops", "packets", "saker_dropped_packets", COUNTER, "packets",
		"Packets dropped, by reason.", NULL,
		{ { "reason", "reason" }, WAY, { "severity", "severity" } } },
	{ "stages", "calls", "saker_stage_calls", COUNTER, NULL,
		"Bursts that a stage has worked on.", NULL, OF_STAGE },
	{ "stages", "packets", "saker_stage_packets", COUNTER, "packets",
		"Packets that a stage has worked on.", NULL, OF_STAGE },
	{ "stages", "cycles", "saker_stage_cycles", COUNTER, "cycles",
		"TSC cycles that a stage has taken.", NULL, OF_STAGE },
	{ "lcores", "outbound_in", "saker_lcore_received_packets", COUNTER, "packets",
		"Packets that a worker has received.", OUT, { LCORE } },
	{ "lcores", "inbound_in", "saker_lcore_received_packets", COUNTER, "packets",
		NULL, IN, { LCORE } },
	{ "lcores", "outbound_out", "saker_lcore_sent_packets", COUNTER, "packets",
		"Packets that a worker has sent.", OUT, { LCORE } },
	{ "lcores", "inbound_out", "saker_lcore_sent_packets", COUNTER, "packets",
		NULL, IN, { LCORE } },
	{ "lcores", "handed_over", "saker_lcore_handed_over_packets", COUNTER, "packets",
		"Packets that a worker has given to their owner.", NULL, { LCORE } },
	{ "lcores", "taken_over", "saker_lcore_taken_over_packets", COUNTER, "packets",
		"Packets that a worker has got as their owner.", NULL, { LCORE } },
	{ "lcores", "held_back", "saker_lcore_held_back_rounds", COUNTER, "rounds",
		"Rounds in which a worker waited for an owner.", NULL, { LCORE } },
	{ "lcores", "busy_rounds", "saker_lcore_busy_rounds", COUNTER, "rounds",
		"Rounds of a worker that found packets.", NULL, { LCORE } },
	{ "lcores", "empty_rounds", "saker_lcore_empty_rounds", COUNTER, "rounds",
		"Rounds of a worker that found none.", NULL, { LCORE } },
	{ "lcores", "naps", "saker_lcore_naps", COUNTER, NULL,
		"Times that an idle worker has slept.", NULL, { LCORE } },
	{ "lcores", "inbox", "saker_lcore_inbox_packets", GAUGE, "packets",
		"Packets that wait for a worker.", NULL, { LCORE } },
	{ "groups", "in_drops", "saker_group_dropped_packets", COUNTER, "packets",
		"Received packets lost once their trust group was known.", NULL,
		{ { "group", "name" } } },
	{ "groups", "own_source", "saker_group_own_source_packets", COUNTER, "packets",
		"Packets that verified under our own source id.", NULL, { { "group", "name" } } },
	{ "groups", "twin", "saker_group_twin_packets", COUNTER, "packets",
		"Of these, packets that this gateway has not sent.", NULL,
		{ { "group", "name" } } },
	{ "policies", "out_packets", "saker_policy_packets", COUNTER, "packets",
		"Packets that a policy has let pass.", OUT, OF_POLICY },
	{ "policies", "in_packets", "saker_policy_packets", COUNTER, "packets",
		NULL, IN, OF_POLICY },
	{ "policies", "out_octets", "saker_policy_bytes", COUNTER, "bytes",
		"Octets that a policy has let pass.", OUT, OF_POLICY },
	{ "policies", "in_octets", "saker_policy_bytes", COUNTER, "bytes",
		NULL, IN, OF_POLICY },
	{ "policies", "out_drops", "saker_policy_dropped_packets", COUNTER, "packets",
		"Packets lost once their policy was known.", OUT, OF_POLICY },
	{ "proxies", "packets", "saker_proxy_packets", COUNTER, "packets",
		"Packets that a proxy has sealed again, by way.", NULL, OF_PROXY },
	{ "proxies", "octets", "saker_proxy_bytes", COUNTER, "bytes",
		"Octets of inner packets that a proxy has sealed again.", NULL, OF_PROXY },
	{ "proxies", "drops", "saker_proxy_dropped_packets", COUNTER, "packets",
		"Packets lost once their proxy was known.", NULL, OF_PROXY },
	{ "peers", "out_packets", "saker_peer_packets", COUNTER, "packets",
		"Packets to and from a peer.", OUT, OF_PEER },
	{ "peers", "in_packets", "saker_peer_packets", COUNTER, "packets",
		NULL, IN, OF_PEER },
	{ "peers", "out_octets", "saker_peer_bytes", COUNTER, "bytes",
		"Octets to and from a peer.", OUT, OF_PEER },
	{ "peers", "in_octets", "saker_peer_bytes", COUNTER, "bytes",
		NULL, IN, OF_PEER },
	{ "peers", "out_drops", "saker_peer_dropped_packets", COUNTER, "packets",
		"Packets to a peer that were lost.", OUT, OF_PEER },
	{ "psp", "packets", "saker_psp_packets", COUNTER, "packets",
		"PSP packets, by what became of them.", NULL, { { "counter", "counter" } } },
	{ "psp", "octets", "saker_psp_bytes", COUNTER, "bytes",
		"Octets of PSP packets between IV and ICV.", NULL, { { "counter", "counter" } } },
	{ "keys", "index", "saker_root_key_index", GAUGE, NULL,
		"Index of a live root key.", NULL, OF_KEY },
};
/* clang-format on */

#define N_METRICS (sizeof(metrics) / sizeof(metrics[0]))

/** Where samples go: text or a table. */
struct sink {
	FILE *text;
	struct saker_report *report;
	const struct metric *first; /**< of the table under way */
};

/* A label's value: what would end it, or is no UTF-8, is written in another way. */
static void
put_escaped(FILE *f, const char *value)
{
	const unsigned char *p = (const unsigned char *)value;

	while (*p != '\0') {
		unsigned int n = saker_utf8_len(p);

		if (n == 0)
			fputc('?', f);
		else if (*p == '\n')
			fputs("\\n", f);
		else if (*p == '"' || *p == '\\')
			fprintf(f, "\\%c", *p);
		else
			fwrite(p, 1, n, f);
		p += n == 0 ? 1 : n;
	}
}

static const struct saker_cell *
cell_of(const struct saker_table *t, size_t row, const char *column)
{
	for (unsigned int c = 0; c < t->n_columns; c++)
		if (strcmp(t->columns[c].name, column) == 0)
			return &t->cell[row * t->n_columns + c];
	return NULL;
}

static void
put_label(FILE *f, unsigned int *n, const char *name, const char *value)
{
	fprintf(f, "%s%s=\"", (*n)++ == 0 ? "{" : ",", name);
	put_escaped(f, value);
	fputc('"', f);
}

static void
put_labels(FILE *f, const struct metric *m, const struct saker_table *t, size_t row)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < LABELS && m->label[i].name != NULL; i++) {
		const struct saker_cell *cell = cell_of(t, row, m->label[i].column);

		put_label(f, &n, m->label[i].name,
			cell == NULL || cell->kind == SAKER_CELL_NONE ? "" : cell->text);
	}
	if (m->direction != NULL)
		put_label(f, &n, "direction", m->direction);
	if (n > 0)
		fputc('}', f);
}

static const char *
suffix(const struct metric *m)
{
	return m->type == COUNTER ? "_total" : "";
}

static void
report_sample(struct sink *s, const struct metric *m, const struct saker_table *t, size_t row,
	const char *value)
{
	char *labels = NULL;
	size_t size;
	FILE *f = open_memstream(&labels, &size);

	if (f != NULL) {
		put_labels(f, m, t, row);
		fclose(f);
	}
	saker_report_text(s->report, "%s%s", m->name, suffix(m));
	saker_report_text(s->report, "%s", m->type == COUNTER ? "counter" : "gauge");
	saker_report_text(s->report, "%s", labels == NULL ? "" : labels);
	saker_report_u64(s->report, strtoull(value, NULL, 10));
	free(labels);
}

/* Sums over lcores are left out: who collects adds up. */
static bool
is_sum(const struct saker_table *t, size_t row)
{
	const struct saker_cell *lcore = cell_of(t, row, "lcore");

	return lcore != NULL && lcore->kind == SAKER_CELL_TEXT;
}

static void
put_samples(struct sink *s, const struct metric *m, const struct saker_table *t)
{
	for (size_t row = 0; row < t->n_rows; row++) {
		const struct saker_cell *value = cell_of(t, row, m->column);

		if (value == NULL || value->kind != SAKER_CELL_NUMBER || is_sum(t, row))
			continue;
		if (s->text == NULL) {
			report_sample(s, m, t, row, value->text);
			continue;
		}
		fprintf(s->text, "%s%s", m->name, suffix(m));
		put_labels(s->text, m, t, row);
		fprintf(s->text, " %s\n", value->text);
	}
}

static void
put_head(FILE *f, const struct metric *m)
{
	fprintf(f, "# TYPE %s %s\n", m->name, m->type == COUNTER ? "counter" : "gauge");
	if (m->unit != NULL)
		fprintf(f, "# UNIT %s %s\n", m->name, m->unit);
	fprintf(f, "# HELP %s %s\n", m->name, m->help);
}

/* All metrics of one table; a metric without samples is none. */
static void
put_table(void *arg, const struct saker_table *t)
{
	struct sink *s = arg;

	for (const struct metric *m = s->first; m < metrics + N_METRICS; m++) {
		if (strcmp(m->noun, s->first->noun) != 0)
			return;
		if (s->text != NULL && m->help != NULL && t->n_rows > 0)
			put_head(s->text, m);
		put_samples(s, m, t);
	}
}

static void
put_all(const struct saker_gateway *g, struct sink *s)
{
	for (size_t i = 0; i < N_METRICS; i++) {
		struct saker_out out;

		if (i > 0 && strcmp(metrics[i].noun, metrics[i - 1].noun) == 0)
			continue;
		s->first = &metrics[i];
		saker_out_tables(&out, put_table, s);
		out.zeros = true; /* a rate needs the zero that it began with */
		saker_show_find(metrics[i].noun)->show(g, &out);
	}
}

int
saker_metrics_write(const struct saker_gateway *g, FILE *f)
{
	struct sink s = { .text = f };

	fprintf(f, "# TYPE saker_build info\n# HELP saker_build The program.\n");
	fprintf(f, "saker_build_info{version=\"%s\",driver=\"%s\"} 1\n", SAKER_VERSION,
		g->crypto == NULL ? "" : g->crypto->name);
	put_all(g, &s);
	fprintf(f, "# EOF\n");
	return ferror(f) ? -ENOMEM : 0;
}

/* The metrics as one text, to be freed, NULL: no memory. */
static char *
render(const struct saker_gateway *g)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	int ret;

	if (f == NULL)
		return NULL;
	ret = saker_metrics_write(g, f);
	if (fclose(f) == 0 && ret == 0)
		return text;
	free(text);
	return NULL;
}

static int
write_whole(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	size_t len = strlen(text), at = 0;

	if (fd < 0)
		return -errno;
	while (at < len) {
		ssize_t n = write(fd, text + at, len - at);

		if (n < 0 && errno != EINTR) {
			int ret = -errno;

			close(fd);
			return ret;
		}
		at += n < 0 ? 0 : (size_t)n;
	}
	return close(fd) == 0 ? 0 : -errno;
}

int
saker_metrics_replace(const struct saker_gateway *g, const char *file)
{
	char *text = render(g), *temporary = NULL;
	int ret = -ENOMEM;

	if (text != NULL && asprintf(&temporary, "%s.tmp", file) >= 0) {
		ret = write_whole(temporary, text);
		if (ret == 0 && rename(temporary, file) != 0)
			ret = -errno;
		if (ret != 0)
			unlink(temporary);
		free(temporary);
	}
	free(text);
	return ret;
}

void
saker_show_metrics(const struct saker_gateway *g, struct saker_out *out)
{
	static const struct saker_column columns[] = {
		{ "name", 'l' },
		{ "type", 'l' },
		{ "labels", 'l' },
		{ "value", 'r' },
	};
	struct sink s = { 0 };
	char *text;

	if (out->json) {
		s.report = SAKER_REPORT_BEGIN("metrics", columns);
		put_all(g, &s);
		saker_report_end(s.report, out, "no metrics");
		return;
	}
	text = render(g);
	if (text != NULL)
		out->write(out->arg, text);
	else
		fputs("metrics could not be printed: out of memory\n", stderr);
	free(text);
}
