/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "bench.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "saker_cpu.h"

enum option_type { FLAG, TEXT, NUMBER, LIST };

static const struct option_info {
	const char *name;
	enum option_type type;
	size_t at;
	const char *arg;
	const char *help;
} options[] = {
#define AT(field) offsetof(struct saker_bench_options, field)
	{ "driver", TEXT, AT(driver), "NAME", "crypto driver; else all, or the best" },
	{ "cpu", TEXT, AT(cpu), "NAME", "no more than sse, avx2 or avx2-vaes for drivers" },
	{ "suite", TEXT, AT(suite), "NAME", "aes-128-gcm or aes-256-gcm" },
	{ "sizes", LIST, AT(sizes), "N,...", "crypto, scale, setup: octets of payload" },
	{ "size", LIST, AT(sizes), "N,...", "path, cores: Ethernet frame, FCS included" },
	{ "batch", LIST, AT(batch), "N,...", "packets of a burst (32), at most 64" },
	{ "aad", NUMBER, AT(aad), "N", "crypto: octets of AAD; else those of format E" },
	{ "direction", TEXT, AT(direction), "WAY", "path, cores: out, in or both" },
	{ "variant", TEXT, AT(variant), "NAME", "path, cores: source-id, connection-id, ..." },
	{ "groups", LIST, AT(groups), "N,...", "path: trust groups" },
	{ "sources", LIST, AT(sources), "N,...", "path, replay: sources; outbound: flows" },
	{ "sessions", LIST, AT(sessions), "N,...", "scale: sessions" },
	{ "no-replay", FLAG, AT(no_replay), NULL, "path, cores: no replay window" },
	{ "max", NUMBER, AT(max), "N", "scale, setup, replay: most sessions or sources" },
	{ "workers", NUMBER, AT(workers), "N", "cores: most workers" },
	{ "seconds", NUMBER, AT(seconds), "N", "cores: of every measurement" },
	{ "rounds", NUMBER, AT(rounds), "N", "rounds that the medians are of" },
	{ "quick", FLAG, AT(quick), NULL, "few sizes and rounds: does it run at all?" },
	{ "json", TEXT, AT(json), "FILE", "write the figures there" },
	{ "compare", TEXT, AT(compare), "FILE",
		"name ratios that are more than 5 % worse than in FILE; exit 1 if there are any" },
	{ "machine", TEXT, AT(machine), "TEXT", "what to say of the machine in the JSON file" },
	{ "help", FLAG, AT(help), NULL, "print this" },
#undef AT
};

#define N_OPTIONS (sizeof(options) / sizeof(options[0]))

int
saker_bench_fail(int ret, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "saker-bench: ");
	vfprintf(stderr, format, args);
	fprintf(stderr, "\n");
	va_end(args);
	return ret;
}

/* One number, up to a comma or the end. @return what follows, or NULL: it is none */
static const char *
read_number(const char *text, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 10);
	if (errno != 0 || *text < '0' || *text > '9' || (*end != '\0' && *end != ','))
		return NULL;
	return end;
}

static int
set_list(struct saker_list *list, const char *text, const char *name)
{
	for (list->n = 0; list->n < SAKER_BENCH_LIST; list->n++) {
		text = read_number(text, &list->v[list->n]);
		if (text == NULL)
			break;
		if (*text == '\0') {
			list->n++;
			return 0;
		}
		text++;
	}
	return saker_bench_fail(
		-EINVAL, "--%s takes up to %d numbers with commas between", name, SAKER_BENCH_LIST);
}

static int
set_option(struct saker_bench_options *o, const struct option_info *info, const char *value)
{
	char *field = (char *)o + info->at;
	const char *end;

	switch (info->type) {
	case FLAG:
		*(bool *)field = true;
		return 0;
	case TEXT:
		*(const char **)field = value;
		return 0;
	case LIST:
		return set_list((struct saker_list *)field, value, info->name);
	default:
		end = read_number(value, (uint64_t *)field);
		if (end == NULL || *end != '\0' || *(uint64_t *)field == 0)
			return saker_bench_fail(-EINVAL, "--%s takes a number above 0, not '%s'",
				info->name, value);
		return 0;
	}
}

static int
check(const struct saker_bench_options *o)
{
	if (o->cpu != NULL && saker_cpu_limit(o->cpu) != 0)
		return saker_bench_fail(
			-EINVAL, "--cpu takes sse, avx2, avx2-vaes or avx512, not '%s'", o->cpu);
	for (unsigned int i = 0; i < o->batch.n; i++)
		if (o->batch.v[i] == 0 || o->batch.v[i] > SAKER_BATCH)
			return saker_bench_fail(
				-EINVAL, "--batch takes 1 to %d packets", SAKER_BATCH);
	return 0;
}

int
saker_bench_parse(int argc, char **argv, struct saker_bench_options *o)
{
	struct option longs[N_OPTIONS + 1] = { 0 };
	int c, ret = 0;

	memset(o, 0, sizeof(*o));
	for (size_t i = 0; i < N_OPTIONS; i++) {
		longs[i].name = options[i].name;
		longs[i].has_arg = options[i].type == FLAG ? no_argument : required_argument;
		longs[i].val = (int)i;
	}
	optind = 0;
	opterr = 0;
	while (ret == 0 && (c = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		if (c == '?' || c == ':')
			return saker_bench_fail(-EINVAL, "%s '%s'; --help lists all options",
				c == ':' ? "no value behind option" : "unknown option",
				argv[optind - 1]);
		ret = set_option(o, &options[c], optarg);
	}
	if (ret == 0 && optind < argc)
		ret = saker_bench_fail(-EINVAL, "unexpected argument '%s'", argv[optind]);
	return ret == 0 ? check(o) : ret;
}

void
saker_bench_options_help(FILE *out)
{
	for (size_t i = 0; i < N_OPTIONS; i++) {
		char left[48];

		snprintf(left, sizeof(left), "--%s%s%s", options[i].name, options[i].arg ? " " : "",
			options[i].arg ? options[i].arg : "");
		fprintf(out, "  %-18s %s\n", left, options[i].help);
	}
}

const struct saker_list *
saker_list_or(
	const struct saker_list *given, struct saker_list *room, const uint64_t *v, unsigned int n)
{
	if (given->n > 0)
		return given;
	memcpy(room->v, v, n * sizeof(*v));
	room->n = n;
	return room;
}
