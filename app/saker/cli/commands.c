/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "command.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_log.h>

#include "capture.h"
#include "handout.h"
#include "live.h"
#include "trace.h"

#define MAX_SHOWS 32 /**< nouns of `show` */

const struct saker_area saker_areas[] = {
	{ "control", "start, stop, drain, reload, trace, quit, help" },
	{ "show", "look at ports, traffic, drops, keys, policies, sessions; add json for JSON" },
	{ "capture", "write packets to files" },
	{ "key", "rotate root keys, install new files of them" },
	{ "epoch", "step the epoch of groups that count" },
	{ "psp", "hand out SAs of PSP" },
	{ "clear", "set statistics to zero" },
	{ "set", "change how much is logged" },
	{ NULL, NULL },
};

const char saker_area_names[] = "control#show#capture#key#epoch#psp#clear#set";

const char saker_log_levels[] = "emergency#alert#critical#error#warning#notice#info#debug";

static int
run_start(const struct saker_call *call)
{
	int ret = saker_gateway_start(call->gateway);

	if (ret == -EALREADY)
		fprintf(stderr, "start: traffic is running already; type stop first\n");
	return ret;
}

static int
run_stop(const struct saker_call *call)
{
	saker_gateway_stop(call->gateway);
	return 0;
}

static int
run_drain(const struct saker_call *call)
{
	if (!call->gateway->running) {
		fprintf(stderr, "drain: there is no traffic to wait for; type start first\n");
		return -EINVAL;
	}
	if (saker_gateway_drain(call->gateway))
		return 0;
	fprintf(stderr, "drain: not everything was sent: %s\n",
		call->gateway->sending_refused ? "the SN state can't be used"
					       : "it was ended before");
	return -EINTR;
}

static int
run_reload(const struct saker_call *call)
{
	return saker_live_reload(call->gateway);
}

static int
run_rotate(const struct saker_call *call)
{
	return saker_live_rotate(call->gateway, call->word[2]);
}

static int
run_install(const struct saker_call *call)
{
	return saker_live_install(call->gateway, call->word[2], call->word[3]);
}

static int
run_epoch(const struct saker_call *call)
{
	return saker_live_set_epoch(call->gateway, call->word[2], call->word[3]);
}

static int
run_psp_new(const struct saker_call *call)
{
	return saker_handout_new(call->gateway, call->word[3], call->word[4], call->word[5]);
}

static int
run_diff(const struct saker_call *call)
{
	struct saker_out out = call->out;

	return saker_show_diff(call->gateway, &out);
}

static int
run_quit(const struct saker_call *call)
{
	RTE_SET_USED(call);
	saker_ask_to_quit();
	return 0;
}

static void
help_areas(struct saker_out out)
{
	for (const struct saker_area *a = saker_areas; a->name != NULL; a++)
		saker_out_printf(&out, "%-8s %s\n", a->name, a->help);
	saker_out_printf(&out, "\n`help AREA` lists the commands of an area; TAB completes.\n");
}

static int
run_help(const struct saker_call *call)
{
	const struct saker_area *a = saker_areas;
	struct saker_out out = call->out;

	if (call->word[1] == NULL) {
		help_areas(out);
		return 0;
	}
	while (a->name != NULL && strcmp(a->name, call->word[1]) != 0)
		a++;
	if (a->name == NULL) {
		fprintf(stderr, "help: there is no area '%s'; `help` lists them\n", call->word[1]);
		return -EINVAL;
	}
	for (const struct saker_command *c = saker_commands(); c->syntax != NULL; c++)
		if (saker_command_area(c) == a)
			saker_out_printf(&out, "%-33s %s\n", c->syntax, c->help);
	return 0;
}

static int
run_show(const struct saker_call *call)
{
	struct saker_out out = call->out;

	call->command->show->show(call->gateway, &out);
	return 0;
}

static int
run_show_port(const struct saker_call *call)
{
	const struct saker_gateway *g = call->gateway;
	struct saker_out out = call->out;
	int ret = saker_show_port(g, call->word[2], call->word[3], &out);

	if (ret == 0)
		return 0;
	fprintf(stderr, "show port: there is no port '%s'; there are:", call->word[3]);
	for (unsigned int i = 0; i < g->n_ports; i++)
		fprintf(stderr, " %s", g->ports[i].cfg->name);
	fprintf(stderr, "\n");
	return ret;
}

static int
run_capture_start(const struct saker_call *call)
{
	return saker_capture_start(call->gateway, call->word[2], call->word[3]);
}

static int
run_capture_stop(const struct saker_call *call)
{
	struct saker_out out = call->out;

	return saker_capture_stop(call->gateway, call->word[2], &out);
}

static int
run_trace(const struct saker_call *call)
{
	return saker_trace_arm(call->gateway, call->word[1]);
}

static int
run_clear(const struct saker_call *call)
{
	saker_gateway_clear(call->gateway, call->command->what);
	return 0;
}

/* Name or number of a level; 0: neither. */
static uint32_t
log_level(const char *text)
{
	size_t len = strlen(text);
	uint32_t level = RTE_LOG_EMERG;

	if (len == 1 && text[0] >= '1' && text[0] <= '8')
		return (uint32_t)(text[0] - '0');
	for (const char *p = saker_log_levels; p != NULL; level++) {
		if (strncmp(p, text, len) == 0 && (p[len] == '#' || p[len] == '\0'))
			return level;
		p = strchr(p, '#');
		p = p == NULL ? NULL : p + 1;
	}
	return 0;
}

/* DPDK accepts a pattern that matches nothing; a typing error should not pass unseen. */
static bool
log_type_exists(const char *pattern)
{
	char *types = NULL, *save = NULL;
	size_t size;
	FILE *f = open_memstream(&types, &size);
	bool found = false;

	if (f == NULL)
		return true;
	rte_log_list_types(f, "");
	if (fclose(f) != 0)
		return true;
	for (char *t = strtok_r(types, "\n", &save); t != NULL; t = strtok_r(NULL, "\n", &save))
		found = found || fnmatch(pattern, t, 0) == 0;
	free(types);
	return found;
}

static int
run_set_log(const struct saker_call *call)
{
	uint32_t level = log_level(call->word[3]);

	if (level == 0) {
		fprintf(stderr, "set log: '%s' is no level; take a name from emergency to debug\n",
			call->word[3]);
		return -EINVAL;
	}
	if (!log_type_exists(call->word[2])) {
		fprintf(stderr, "set log: no log type matches '%s'; TAB lists them\n",
			call->word[2]);
		return -ENOENT;
	}
	if (rte_log_set_level_pattern(call->word[2], level) < 0) {
		fprintf(stderr, "set log: the level of '%s' could not be set\n", call->word[2]);
		return -EINVAL;
	}
	return 0;
}

static const struct saker_command fixed[] = {
	{ "start", "start ports and workers", run_start },
	{ "stop", "stop workers and ports", run_stop },
	{ "drain", "wait until every capture was read and all is sent", run_drain },
	{ "reload", "read configuration and keys again; so does SIGHUP", run_reload },
	{ "quit", "stop, print the statistics and end; so does Ctrl-D", run_quit },
	{ "help [AREA]", "list the areas, or the commands of one", run_help },
	{ "show port info [PORT] [json]", "ports: device, addresses, link", run_show_port },
	{ "show port stats [PORT] [json]", "packets and octets by port", run_show_port },
	{ "show port xstats [PORT] [json]", "what the driver counts beside", run_show_port },
	{ "trace N", "note what becomes of the next N packets, for show trace", run_trace },
	{ "capture start POINT FILE", "write packets at POINT to FILE, as pcapng",
		run_capture_start },
	{ "capture stop [POINT]", "end all captures, or the one at POINT", run_capture_stop },
	{ "show config diff [json]", "what runs against what the file says", run_diff },
	{ "key rotate NAME", "next becomes current, in the file too", run_rotate },
	{ "key install NAME FILE", "take a new root key file and load it", run_install },
	{ "epoch set GROUP N", "step the epoch, forward only", run_epoch },
	{ "psp spi new GROUP [COUNT] [FILE]", "make SAs, and write them to a file of mode 0600",
		run_psp_new },
	{ "clear port stats", "forget what ports have counted", run_clear, SAKER_CLEAR_PORTS },
	{ "clear drops", "forget dropped packets", run_clear, SAKER_CLEAR_DROPS },
	{ "clear stages", "forget cycles and packets of stages", run_clear, SAKER_CLEAR_STAGES },
	{ "clear neighbours", "forget next hops: they are asked for again", run_clear,
		SAKER_CLEAR_NEIGHBOURS },
	{ "set log TYPE LEVEL", "log level of the log types that match", run_set_log },
};

const struct saker_area *
saker_command_area(const struct saker_command *c)
{
	size_t len = strcspn(c->syntax, " ");

	for (const struct saker_area *a = saker_areas + 1; a->name != NULL; a++)
		if (strlen(a->name) == len && strncmp(a->name, c->syntax, len) == 0)
			return a;
	return saker_areas;
}

const struct saker_command *
saker_commands(void)
{
	static struct saker_command all[RTE_DIM(fixed) + MAX_SHOWS + 1];
	static char syntax[MAX_SHOWS][48];

	if (all[0].syntax != NULL)
		return all;
	memcpy(all, fixed, sizeof(fixed));
	for (unsigned int i = 0; i < MAX_SHOWS && saker_shows[i].name != NULL; i++) {
		snprintf(syntax[i], sizeof(syntax[i]), "show %s [json]", saker_shows[i].name);
		all[RTE_DIM(fixed) + i] = (struct saker_command){
			.syntax = syntax[i],
			.help = saker_shows[i].help,
			.run = run_show,
			.show = &saker_shows[i],
		};
	}
	return all;
}
