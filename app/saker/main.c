/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_eal.h>

#include "cli.h"
#include "eyes.h"
#include "gateway.h"
#include "handout_socket.h"
#include "hugepages.h"
#include "lcores.h"
#include "live.h"
#include "notify.h"
#include "options.h"
#include "privileges.h"
#include "show.h"
#include "statline.h"

#define POLL_MS 100

#define INSIST_S 1 /* a second signal this much later is a person's; sooner it is an echo */

static volatile sig_atomic_t quit_asked;

bool
saker_quit_asked(void)
{
	return quit_asked != 0;
}

void
saker_ask_to_quit(void)
{
	quit_asked = 1;
}

/* A second one means it: whatever hangs, the program ends. But timeout(1) and terminals send one
 * request twice, to the process and to its group.
 */
static void
on_signal(int sig)
{
	static time_t first;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!quit_asked || first == 0)
		first = now.tv_sec;
	else if (now.tv_sec > first + INSIST_S)
		_exit(128 + sig);
	quit_asked = 1;
}

static void
on_hangup(int sig)
{
	(void)sig;
	saker_ask_to_reload();
}

/* From the beginning: a reload that is asked for too early is done once all runs, and whoever stops
 * listening to what is printed stops no traffic.
 */
static void
catch_early(void)
{
	struct sigaction hup = { .sa_handler = on_hangup, .sa_flags = SA_RESTART };
	struct sigaction pipe = { .sa_handler = SIG_IGN };

	sigaction(SIGHUP, &hup, NULL);
	sigaction(SIGPIPE, &pipe, NULL);
}

static void
catch_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal };

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
}

/* Where "--" stands, or 0. */
static int
find_separator(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--") == 0)
			return i;
	return 0;
}

static bool
asks_for(int argc, char **argv, const char *what)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], what) == 0)
			return true;
	return false;
}

/* Without "--" everything is EAL's, but help is help. */
static int
without_separator(int argc, char **argv)
{
	if (asks_for(argc, argv, "--version")) {
		printf("saker %s\n", SAKER_VERSION);
		return SAKER_EXIT_OK;
	}
	if (asks_for(argc, argv, "--help") || asks_for(argc, argv, "-h")) {
		saker_options_help(stdout);
		return SAKER_EXIT_OK;
	}
	fprintf(stderr, "saker: the options of saker come behind '--'; see saker --help\n");
	return SAKER_EXIT_USAGE;
}

static int
start_eal(const struct saker_gateway *g, int argc, char **argv)
{
	if (saker_privileges_resume() != 0 ||
		saker_hugepages_check(saker_hugepages_need(g->config), argc, argv, "") != 0)
		return -1;
	if (rte_eal_init(argc, argv) >= 0)
		return 0;
	fprintf(stderr, "saker: EAL could not start (its reason stands above)\n");
	return -1;
}

static void
print_summary(const struct saker_gateway *g)
{
	struct saker_out out;

	saker_out_file(&out, stdout, false);
	saker_show_summary(g, &out);
	fflush(stdout);
}

static void
print_line(struct saker_statline *l, const struct saker_gateway *g)
{
	char text[SAKER_STATLINE_MAX];

	saker_statline_take(l, g, text, sizeof(text));
	printf("%s\n", text);
	fflush(stdout);
	saker_notify("STATUS=%s", text);
}

static bool
workers_alive(void *g)
{
	return saker_lcores_alive(g);
}

static void
tell_ready(const struct saker_gateway *g)
{
	char text[128];

	snprintf(text, sizeof(text), "%u ports, %u workers, crypto driver %s%s", g->n_ports,
		g->n_workers, g->crypto->name, g->sending_refused ? ", REFUSES TO SEND" : "");
	saker_notify_ready(text);
}

static void
wait_and_report(struct saker_gateway *g, unsigned int period)
{
	uint64_t hz = rte_get_timer_hz(), next = rte_get_timer_cycles() + period * hz;
	struct saker_statline line;

	saker_statline_begin(&line, g);
	while (!saker_quit_asked()) {
		rte_delay_us_sleep(POLL_MS * 1000);
		saker_notify_alive(workers_alive, g);
		saker_live_poll(g);
		if (period == 0 || rte_get_timer_cycles() < next)
			continue;
		next += period * hz;
		print_line(&line, g);
	}
}

static int
serve_prompt(struct saker_gateway *g)
{
	if (saker_cli_start(g) != 0)
		return SAKER_EXIT_FAILURE;
	tell_ready(g);
	while (!saker_quit_asked() && saker_cli_poll(g, POLL_MS)) {
		saker_notify_alive(workers_alive, g);
		saker_live_poll(g);
	}
	saker_cli_stop();
	return SAKER_EXIT_OK;
}

/* Everything after set-up. The exit code tells whether all that was asked for was done. */
static int
serve(struct saker_gateway *g, const struct saker_options *o)
{
	if (o->cmdline_file != NULL && saker_cli_file(g, o->cmdline_file) != 0)
		return SAKER_EXIT_FAILURE;
	if (saker_quit_asked())
		return SAKER_EXIT_OK;
	if (o->interactive)
		return serve_prompt(g);
	if (!atomic_load(&g->running) && saker_gateway_start(g) != 0)
		return SAKER_EXIT_FAILURE;
	tell_ready(g);
	if (!o->drain) {
		wait_and_report(g, o->stats_period);
		return SAKER_EXIT_OK;
	}
	saker_gateway_drain(g);
	return g->sending_refused ? SAKER_EXIT_FAILURE : SAKER_EXIT_OK;
}

static int
run_gateway(struct saker_gateway *g, const struct saker_options *o)
{
	int code;

	if (saker_gateway_init(g, o->driver, !o->check) != 0)
		return SAKER_EXIT_FAILURE;
	if (o->check)
		return SAKER_EXIT_OK;
	catch_signals();
	code = saker_handout_start(g) == 0 ? SAKER_EXIT_OK : SAKER_EXIT_FAILURE;
	saker_eyes_start(g, o);
	if (code == SAKER_EXIT_OK)
		code = serve(g, o);
	saker_notify_stopping();
	saker_gateway_stop(g);
	saker_handout_stop();
	saker_eyes_stop(g);
	print_summary(g);
	return code;
}

static int
run(const struct saker_options *o, int eal_argc, char **eal_argv)
{
	static struct saker_gateway g;
	int code = SAKER_EXIT_FAILURE;

	catch_early();
	if (saker_privileges_assume(o->user) != 0 || saker_gateway_load(&g, o->config) != 0)
		goto done;
	if (o->check && eal_argc == 1) {
		code = SAKER_EXIT_OK;
		goto done;
	}
	if (start_eal(&g, eal_argc, eal_argv) != 0)
		goto done;
	code = run_gateway(&g, o);
	saker_gateway_fini(&g);
	rte_eal_cleanup();
	if (code == SAKER_EXIT_OK && o->check)
		printf("%s: good\n", o->config);
	return code;
done:
	saker_gateway_fini(&g);
	if (code == SAKER_EXIT_OK)
		printf("%s: good\n", o->config);
	return code;
}

int
main(int argc, char **argv)
{
	int at = find_separator(argc, argv);
	struct saker_options o;

	saker_privileges_harden();
	if (at == 0)
		return without_separator(argc, argv);
	argv[at] = argv[0];
	if (saker_options_parse(argc - at, argv + at, &o) != 0)
		return SAKER_EXIT_USAGE;
	if (o.version)
		printf("saker %s\n", SAKER_VERSION);
	if (o.help)
		saker_options_help(stdout);
	if (o.version || o.help)
		return SAKER_EXIT_OK;
	return run(&o, at, argv);
}
