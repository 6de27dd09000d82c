/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_log.h>

#include "capture.h"
#include "cli.h"
#include "grammar.h"
#include "handout.h"
#include "live.h"
#include "nearest.h"
#include "trace.h"

/* The gateway and what it shows, as far as commands can tell: each call is noted. */
static char calls[1024];
static bool quit_asked, drained;
static int start_result;
static struct saker_gateway gateway;

static void __attribute__((format(printf, 1, 2))) note(const char *format, ...)
{
	size_t at = strlen(calls);
	va_list ap;

	va_start(ap, format);
	vsnprintf(calls + at, sizeof(calls) - at, format, ap);
	va_end(ap);
}

int
saker_gateway_start(struct saker_gateway *g)
{
	assert_ptr_equal(g, &gateway);
	note("start;");
	g->running = start_result == 0;
	return start_result;
}

void
saker_gateway_stop(struct saker_gateway *g)
{
	note("stop;");
	g->running = false;
}

bool
saker_gateway_drain(struct saker_gateway *g)
{
	assert_true(g->running);
	note("drain;");
	return drained;
}

void
saker_gateway_clear(struct saker_gateway *g, unsigned int what)
{
	(void)g;
	note("clear %u;", what);
}

bool
saker_quit_asked(void)
{
	return quit_asked;
}

void
saker_ask_to_quit(void)
{
	quit_asked = true;
}

int
saker_show_port(
	const struct saker_gateway *g, const char *what, const char *port, struct saker_out *out)
{
	(void)g;
	note("port %s %s%s;", what, port != NULL ? port : "-", out->json ? " json" : "");
	return port != NULL && strcmp(port, "nosuch") == 0 ? -ENOENT : 0;
}

int
saker_trace_arm(struct saker_gateway *g, const char *count)
{
	(void)g;
	note("trace %s;", count);
	return strcmp(count, "many") == 0 ? -EINVAL : 0;
}

const char saker_capture_points[] = "clear-in#drops";

int
saker_capture_start(struct saker_gateway *g, const char *point, const char *file)
{
	(void)g;
	note("capture %s %s;", point, file);
	return strcmp(point, "nosuch") == 0 ? -EINVAL : 0;
}

int
saker_capture_stop(struct saker_gateway *g, const char *point, struct saker_out *out)
{
	(void)g;
	(void)out;
	note("capture stop %s;", point == NULL ? "-" : point);
	return 0;
}

int
saker_live_reload(struct saker_gateway *g)
{
	assert_ptr_equal(g, &gateway);
	note("reload;");
	return 0;
}

int
saker_live_rotate(struct saker_gateway *g, const char *name)
{
	(void)g;
	note("rotate %s;", name);
	return strcmp(name, "nosuch") == 0 ? -ENOENT : 0;
}

int
saker_live_install(struct saker_gateway *g, const char *name, const char *file)
{
	(void)g;
	note("install %s %s;", name, file);
	return 0;
}

int
saker_handout_new(
	const struct saker_gateway *g, const char *group, const char *count, const char *file)
{
	(void)g;
	note("psp %s %s %s;", group, count == NULL ? "-" : count, file == NULL ? "-" : file);
	return 0;
}

int
saker_live_set_epoch(struct saker_gateway *g, const char *group, const char *epoch)
{
	(void)g;
	note("epoch %s %s;", group, epoch);
	return 0;
}

void
saker_live_poll(struct saker_gateway *g)
{
	assert_ptr_equal(g, &gateway);
}

int
saker_show_diff(const struct saker_gateway *g, struct saker_out *out)
{
	(void)g;
	note("diff%s;", out->json ? " json" : "");
	return 0;
}

static void
show_drops(const struct saker_gateway *g, struct saker_out *out)
{
	(void)g;
	note("drops%s;", out->json ? " json" : "");
}

static void
show_stages(const struct saker_gateway *g, struct saker_out *out)
{
	(void)g;
	note("stages%s;", out->json ? " json" : "");
}

const struct saker_show saker_shows[] = {
	{ "drops", "why packets were dropped", show_drops },
	{ "stages", "cycles of stages", show_stages },
	{ NULL, NULL, NULL },
};

static int
reset(void **state)
{
	(void)state;
	calls[0] = '\0';
	quit_asked = false;
	drained = true;
	start_result = 0;
	memset(&gateway, 0, sizeof(gateway));
	return 0;
}

static int
run_octets(const char *text, size_t size)
{
	char name[] = "test_cli_XXXXXX";
	int fd = mkstemp(name), ret;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, size), size);
	close(fd);
	ret = saker_cli_file(&gateway, name);
	unlink(name);
	return ret;
}

static int
run(const char *text)
{
	return run_octets(text, strlen(text));
}

static void
runs_the_commands_of_a_file_in_order(void **state)
{
	(void)state;
	assert_int_equal(run("start\nshow drops\nshow stages json\ndrain\nstop\n"), 0);
	assert_string_equal(calls, "start;drops;stages json;drain;stop;");
}

static void
runs_captures_and_traces_with_what_they_are_given(void **state)
{
	(void)state;
	assert_int_equal(run("capture start drops a b\n"), -EINVAL);
	assert_int_equal(run("capture start drops ./f.pcapng\ncapture stop\n"), 0);
	assert_int_equal(run("capture stop drops\ntrace 5\n"), 0);
	assert_int_equal(run("trace many\n"), -EINVAL);
	assert_int_equal(run("trace\n"), -EINVAL);
	assert_string_equal(calls, "capture drops ./f.pcapng;capture stop -;"
				   "capture stop drops;trace 5;trace many;");
}

static void
skips_comments_and_empty_lines_and_takes_blanks_as_they_come(void **state)
{
	(void)state;
	assert_int_equal(run("# comment\n\n  \t\n  # more\n\t show \t drops  \nstop # why\r\n"), 0);
	assert_string_equal(calls, "drops;stop;");
}

static void
runs_a_last_line_without_a_line_feed(void **state)
{
	(void)state;
	assert_int_equal(run("show drops\nstop"), 0);
	assert_string_equal(calls, "drops;stop;");
}

static void
stops_at_the_first_unknown_command(void **state)
{
	static const char *const bad[] = { "shw drops", "show", "show drop", "show drops jsn",
		"show drops json more", "clear port", "set log", "starts", "Start" };

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char text[128];

		reset(state);
		snprintf(text, sizeof(text), "show stages\n%s\nstop\n", bad[i]);
		assert_int_equal(run(text), -EINVAL);
		assert_string_equal(calls, "stages;");
	}
}

static void
stops_at_the_first_command_that_fails(void **state)
{
	start_result = -EALREADY;
	assert_int_equal(run("start\nstop\n"), -EINVAL);
	assert_string_equal(calls, "start;");
	reset(state);
	drained = false;
	assert_int_equal(run("start\ndrain\nstop\n"), -EINVAL);
	assert_string_equal(calls, "start;drain;");
	reset(state);
	assert_int_equal(run("show port info nosuch\nstop\n"), -EINVAL);
	assert_string_equal(calls, "port info nosuch;");
	reset(state);
	assert_int_equal(run("help nosuch\nstop\n"), -EINVAL);
	assert_string_equal(calls, "");
}

static void
does_not_drain_what_does_not_run(void **state)
{
	(void)state;
	assert_int_equal(run("drain\n"), -EINVAL);
	assert_string_equal(calls, "");
}

static void
refuses_a_line_with_a_nul_and_survives_a_long_one(void **state)
{
	char text[20000] = "show drops";

	assert_int_equal(run_octets("stop\0 x\n", 8), -EINVAL);
	assert_string_equal(calls, "");
	memset(text + strlen(text), ' ', 10000);
	memcpy(text + 10010, "json\n", 6);
	assert_int_equal(run(text), 0);
	assert_string_equal(calls, "drops json;");
	reset(state);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(run(text), -EINVAL);
}

static void
quit_ends_the_file_without_a_failure(void **state)
{
	(void)state;
	assert_int_equal(run("show drops\nquit\nstop\n"), 0);
	assert_true(quit_asked);
	assert_string_equal(calls, "drops;");
}

static void
fails_for_a_file_that_is_not_there(void **state)
{
	(void)state;
	assert_int_equal(saker_cli_file(&gateway, "no/such/file"), -EINVAL);
}

static void
takes_a_port_and_json_in_any_combination(void **state)
{
	(void)state;
	assert_int_equal(run("show port info\nshow port stats cipher\nshow port xstats json\n"
			     "show port info all json\n"),
		0);
	assert_string_equal(
		calls, "port info -;port stats cipher;port xstats - json;port info all json;");
}

static void
clears_what_is_named(void **state)
{
	char want[64];

	(void)state;
	snprintf(want, sizeof(want), "clear %d;clear %d;clear %d;", SAKER_CLEAR_PORTS,
		SAKER_CLEAR_DROPS, SAKER_CLEAR_STAGES);
	assert_int_equal(run("clear port stats\nclear drops\nclear stages\n"), 0);
	assert_string_equal(calls, want);
}

static void
sets_the_level_of_matching_log_types_only(void **state)
{
	int type = rte_log_register("saker.test"), other = rte_log_register("other.test");

	(void)state;
	assert_true(type >= 0 && other >= 0);
	rte_log_set_level((uint32_t)other, RTE_LOG_NOTICE);
	assert_int_equal(run("set log saker.* debug\n"), 0);
	assert_int_equal(rte_log_get_level((uint32_t)type), RTE_LOG_DEBUG);
	assert_int_equal(rte_log_get_level((uint32_t)other), RTE_LOG_NOTICE);
	assert_int_equal(run("set log saker.test emergency\n"), 0);
	assert_int_equal(rte_log_get_level((uint32_t)type), RTE_LOG_EMERG);
	assert_int_equal(run("set log saker.test 4\n"), 0);
	assert_int_equal(rte_log_get_level((uint32_t)type), RTE_LOG_ERR);
	assert_int_equal(run("set log saker.test deb\n"), -EINVAL);
	assert_int_equal(run("set log saker.test 9\n"), -EINVAL);
	assert_int_equal(run("set log no.such.type debug\n"), -EINVAL);
	assert_int_equal(rte_log_get_level((uint32_t)type), RTE_LOG_ERR);
}

static void
every_command_belongs_to_an_area_and_has_help(void **state)
{
	(void)state;
	for (const struct saker_command *c = saker_commands(); c->syntax != NULL; c++) {
		const struct saker_area *a = saker_command_area(c);
		size_t len = strlen(a->name);

		assert_true(strlen(c->help) > 0);
		assert_true(a == saker_areas || strncmp(c->syntax, a->name, len) == 0);
		assert_true(a != saker_areas || strstr(a->help, "start, stop") == a->help);
	}
	assert_int_equal(run("help\nhelp control\nhelp show\nhelp clear\nhelp set\nhelp key\n"), 0);
}

static void
passes_names_files_and_epochs_on(void **state)
{
	(void)state;
	assert_int_equal(run("reload\nkey rotate east\nkey install east a/b.key\n"
			     "epoch set lab 20001\nshow config diff json\nshow config diff\n"),
		0);
	assert_string_equal(calls, "reload;rotate east;install east a/b.key;epoch lab 20001;"
				   "diff json;diff;");
	calls[0] = '\0';
	assert_int_equal(run("key rotate nosuch\nreload\n"), -EINVAL);
	assert_string_equal(calls, "rotate nosuch;");
	assert_int_equal(run("key rotate\n"), -EINVAL);
	assert_int_equal(run("epoch set lab\n"), -EINVAL);
}

static void
assert_nearest(const char *line, const char *syntax)
{
	const struct saker_command *found[SAKER_NEAREST];
	unsigned int n = saker_nearest(line, saker_commands(), found);

	assert_true(n > 0);
	assert_string_equal(found[0]->syntax, syntax);
}

static void
passes_counts_and_files_of_sas_on(void **state)
{
	(void)state;
	assert_int_equal(
		run("psp spi new edge\npsp spi new edge 4\npsp spi new edge 4 a/b.key\n"), 0);
	assert_string_equal(calls, "psp edge - -;psp edge 4 -;psp edge 4 a/b.key;");
	assert_int_equal(run("psp spi new\n"), -EINVAL);
	assert_nearest("psp spi edge", "psp spi new GROUP [COUNT] [FILE]");
}

static void
finds_the_command_that_was_meant(void **state)
{
	(void)state;
	assert_nearest("shw drops", "show drops [json]");
	assert_nearest("show  drop jsn", "show drops [json]");
	assert_nearest("SHOW STAGES", "show stages [json]");
	assert_nearest("exit", "quit");
	assert_nearest("set log", "set log TYPE LEVEL");
	assert_nearest("show ports", "show port info [PORT] [json]");
	assert_nearest("clear port", "clear port stats");
	assert_nearest("show port inf cipher", "show port info [PORT] [json]");
}

static void
suggests_nothing_that_is_far_off(void **state)
{
	const struct saker_command *found[SAKER_NEAREST];
	char text[1000];

	(void)state;
	assert_int_equal(saker_nearest("", saker_commands(), found), 0);
	assert_int_equal(saker_nearest("show", saker_commands(), found), 0);
	assert_int_equal(saker_nearest("compile everything", saker_commands(), found), 0);
	memset(text, 'y', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(saker_nearest(text, saker_commands(), found), 0);
}

/** A completion of a line, as TAB would make it. */
static void
complete(const char *line, char *out, size_t size)
{
	static const struct saker_choices choices[] = {
		{ "AREA", saker_area_names },
		{ "PORT", "clear#cipher#all" },
		{ "LEVEL", saker_log_levels },
		{ "NAME", "zone-east#user-blue" },
		{ "GROUP", "cluster#lab" },
		{ NULL, NULL },
	};
	const struct saker_grammar_spec spec = { .commands = saker_commands(), .choices = choices };
	cmdline_parse_ctx_t *grammar = saker_grammar_new(&spec);
	struct cmdline *cl;
	int at = 0;

	assert_non_null(grammar);
	cl = cmdline_new(grammar, "", -1, -1);
	assert_non_null(cl);
	out[0] = '\0';
	if (cmdline_complete(cl, line, &at, out, (unsigned int)size) == 0)
		out[0] = '\0';
	cmdline_free(cl);
	saker_grammar_free(grammar);
}

static void
completes_words_ports_areas_and_levels(void **state)
{
	static const struct {
		const char *line, *rest;
	} cases[] = {
		{ "st", "" },
		{ "sta", "rt " },
		{ "show dr", "ops " },
		{ "show drops j", "son " },
		{ "show port i", "nfo " },
		{ "show port info ci", "pher " },
		{ "show port info cipher j", "son " },
		{ "help cl", "ear " },
		{ "set log lib.eal wa", "rning " },
		{ "key rot", "ate " },
		{ "key install zo", "ne-east " },
		{ "epoch set la", "b " },
		{ "nosuch x", "" },
	};
	char out[128];

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		complete(cases[i].line, out, sizeof(out));
		if (cases[i].rest[0] != '\0')
			assert_string_equal(out, cases[i].rest);
	}
	complete("nosuch x", out, sizeof(out));
	assert_string_equal(out, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(runs_the_commands_of_a_file_in_order, reset),
		cmocka_unit_test_setup(runs_captures_and_traces_with_what_they_are_given, reset),
		cmocka_unit_test_setup(
			skips_comments_and_empty_lines_and_takes_blanks_as_they_come, reset),
		cmocka_unit_test_setup(runs_a_last_line_without_a_line_feed, reset),
		cmocka_unit_test_setup(stops_at_the_first_unknown_command, reset),
		cmocka_unit_test_setup(stops_at_the_first_command_that_fails, reset),
		cmocka_unit_test_setup(does_not_drain_what_does_not_run, reset),
		cmocka_unit_test_setup(refuses_a_line_with_a_nul_and_survives_a_long_one, reset),
		cmocka_unit_test_setup(quit_ends_the_file_without_a_failure, reset),
		cmocka_unit_test_setup(fails_for_a_file_that_is_not_there, reset),
		cmocka_unit_test_setup(takes_a_port_and_json_in_any_combination, reset),
		cmocka_unit_test_setup(clears_what_is_named, reset),
		cmocka_unit_test_setup(sets_the_level_of_matching_log_types_only, reset),
		cmocka_unit_test_setup(every_command_belongs_to_an_area_and_has_help, reset),
		cmocka_unit_test_setup(passes_names_files_and_epochs_on, reset),
		cmocka_unit_test_setup(passes_counts_and_files_of_sas_on, reset),
		cmocka_unit_test_setup(finds_the_command_that_was_meant, reset),
		cmocka_unit_test_setup(suggests_nothing_that_is_far_off, reset),
		cmocka_unit_test_setup(completes_words_ports_areas_and_levels, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
