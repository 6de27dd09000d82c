/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum option_type { FLAG, TEXT, NUMBER };

static const struct option_info {
	const char *name;
	char letter;
	enum option_type type;
	size_t at;
	const char *arg;
	const char *help;
} options[] = {
#define AT(field) offsetof(struct saker_options, field)
	{ "config", 'c', TEXT, AT(config), "FILE", "configuration file (needed)" },
	{ "interactive", 'i', FLAG, AT(interactive), NULL, "prompt; traffic begins with 'start'" },
	{ "check-config", 0, FLAG, AT(check), NULL,
		"check the configuration and exit; with EAL arguments, the ports too" },
	{ "cmdline-file", 0, TEXT, AT(cmdline_file), "FILE", "run the commands of FILE first" },
	{ "stats-period", 0, NUMBER, AT(stats_period), "SECONDS", "print a line regularly" },
	{ "metrics-file", 0, TEXT, AT(metrics_file), "FILE",
		"keep OpenMetrics text in FILE, by --stats-period (10)" },
	{ "crypto-driver", 0, TEXT, AT(driver), "NAME",
		"crypto driver, instead of gateway.driver" },
	{ "user", 0, TEXT, AT(user), "NAME", "become this user once the devices are open" },
	{ "drain", 0, FLAG, AT(drain), NULL, "stop once every capture is read and all is sent" },
	{ "version", 'V', FLAG, AT(version), NULL, "print the version" },
	{ "help", 'h', FLAG, AT(help), NULL, "print this" },
#undef AT
};

#define N_OPTIONS (sizeof(options) / sizeof(options[0]))

static int
set_number(unsigned int *out, const char *text, const char *name)
{
	char *end;
	unsigned long v;

	errno = 0;
	v = strtoul(text, &end, 10);
	if (errno != 0 || *text < '0' || *text > '9' || *end != '\0' || v > 86400) {
		fprintf(stderr, "saker: --%s takes a number from 0 to 86400, not '%s'\n", name,
			text);
		return -EINVAL;
	}
	*out = (unsigned int)v;
	return 0;
}

static int
set_option(struct saker_options *o, const struct option_info *info, const char *value)
{
	char *field = (char *)o + info->at;

	switch (info->type) {
	case FLAG:
		*(bool *)field = true;
		return 0;
	case TEXT:
		*(const char **)field = value;
		return 0;
	default:
		return set_number((unsigned int *)field, value, info->name);
	}
}

static void
fill_getopt(struct option *longs, char *shorts)
{
	*shorts++ = ':';
	for (size_t i = 0; i < N_OPTIONS; i++) {
		longs[i].name = options[i].name;
		longs[i].has_arg = options[i].type == FLAG ? no_argument : required_argument;
		longs[i].val = (int)i + 256;
		if (options[i].letter == 0)
			continue;
		*shorts++ = options[i].letter;
		if (options[i].type != FLAG)
			*shorts++ = ':';
	}
	*shorts = '\0';
}

static const struct option_info *
find_option(int val)
{
	if (val >= 256)
		return &options[val - 256];
	for (size_t i = 0; i < N_OPTIONS; i++)
		if (options[i].letter == val)
			return &options[i];
	return NULL;
}

static int
complain(int c, char **argv)
{
	fprintf(stderr, "saker: %s '%s'; --help lists all options\n",
		c == ':' ? "no value behind option" : "unknown option", argv[optind - 1]);
	return -EINVAL;
}

int
saker_options_parse(int argc, char **argv, struct saker_options *o)
{
	struct option longs[N_OPTIONS + 1] = { 0 };
	char shorts[2 * N_OPTIONS + 2];
	int c, ret = 0;

	memset(o, 0, sizeof(*o));
	fill_getopt(longs, shorts);
	optind = 0;
	opterr = 0;
	while (ret == 0 && (c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		const struct option_info *info = c == '?' || c == ':' ? NULL : find_option(c);

		ret = info == NULL ? complain(c, argv) : set_option(o, info, optarg);
	}
	if (ret == 0 && optind < argc) {
		fprintf(stderr, "saker: unexpected argument '%s'\n", argv[optind]);
		ret = -EINVAL;
	}
	if (ret == 0 && o->config == NULL && !o->help && !o->version) {
		fprintf(stderr, "saker: which configuration? give it with -c FILE\n");
		ret = -EINVAL;
	}
	return ret;
}

void
saker_options_help(FILE *out)
{
	fprintf(out, "usage: saker [EAL options] -- -c FILE [options]\n\n"
		     "A gateway that computes the key of every packet instead of storing it.\n\n");
	for (size_t i = 0; i < N_OPTIONS; i++) {
		char left[48];

		snprintf(left, sizeof(left), "%c%c%s --%s%s%s", options[i].letter ? '-' : ' ',
			options[i].letter ? options[i].letter : ' ', options[i].letter ? "," : " ",
			options[i].name, options[i].arg ? " " : "",
			options[i].arg ? options[i].arg : "");
		fprintf(out, "  %-28s %s\n", left, options[i].help);
	}
	fprintf(out,
		"\nA first try without NIC or hugepages:\n"
		"  saker --no-huge -m 512 --no-pci --lcores 0@0,1@0 \\\n"
		"    --vdev=net_pcap0,rx_pcap=in.pcap,tx_pcap=back.pcap \\\n"
		"    --vdev=net_pcap1,rx_pcap=cipher.pcap,tx_pcap=out.pcap \\\n"
		"    -- -c saker.cfg --drain\n"
		"\nExit codes: 0 done, 1 failure, 2 wrong usage, 130 ended by a second signal.\n");
}
