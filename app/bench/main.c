/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>

#include "bench.h"
#include "gateway.h"
#include "machine.h"

#define QUERY 0xffffffff

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_MISUSED = 2 };

static const struct saker_bench_command *const commands[] = {
	&saker_bench_crypto,
	&saker_bench_path,
	&saker_bench_scale,
	&saker_bench_cores,
	&saker_bench_replay,
	&saker_bench_setup,
};

/* Nobody asks a benchmark to quit but by a signal, which ends it. */
bool
saker_quit_asked(void)
{
	return false;
}

static int
print_help(void)
{
	printf("usage: saker-bench [EAL options --] COMMAND [options]\n\n"
	       "Measures saker, side by side with what it is compared with. Figures are medians; "
	       "behind them\nstands half the distance of the quartiles.\n\ncommands:\n");
	for (size_t i = 0; i < RTE_DIM(commands); i++)
		printf("  %-18s %s\n", commands[i]->name, commands[i]->help);
	printf("\noptions:\n");
	saker_bench_options_help(stdout);
	printf("\nExit codes: 0 done, 1 failure or ratios that are worse, 2 wrong usage.\n");
	return EXIT_OK;
}

/* Where code, stack and heap lie decides a few percent: let it be the same every time. */
static void
fix_addresses(char **argv)
{
	int now = personality(QUERY);

	if (now == -1 || (now & ADDR_NO_RANDOMIZE) ||
		personality((unsigned long)now | ADDR_NO_RANDOMIZE) == -1)
		return;
	execv("/proc/self/exe", argv);
}

static const struct saker_bench_command *
find_command(const char *name)
{
	for (size_t i = 0; i < RTE_DIM(commands); i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
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

static int
start_eal(const struct saker_bench_command *c, const struct saker_bench_options *o, int eal_args,
	char **argv)
{
	if (!c->eal)
		return 0;
	if (eal_args == 0)
		return saker_machine_start_eal(
			c->memory_mb(o), o->workers > 0 ? (unsigned int)o->workers : 1);
	/* EAL writes to its argv: its own part only, up to the separator. */
	if (rte_eal_init(eal_args, argv) >= 0)
		return 0;
	return saker_bench_fail(-EIO, "EAL could not start: %s", rte_strerror(rte_errno));
}

/* @return an exit code */
static int
conclude(const struct saker_bench_command *command, const struct saker_bench_options *o,
	const struct saker_figures *f)
{
	struct saker_circumstance c[SAKER_CIRCUMSTANCES];

	saker_machine_describe(o->machine, command->eal, c);
	for (unsigned int i = 0; c[i].name != NULL; i++)
		printf("%-10s %s\n", c[i].name, c[i].text);
	saker_figures_print(f, stdout);
	if (o->json != NULL && saker_figures_save(f, c, o->json) != 0) {
		(void)saker_bench_fail(0, "can't write %s", o->json);
		return EXIT_FAILED;
	}
	if (o->compare == NULL)
		return EXIT_OK;
	printf("\n");
	return saker_figures_compare(f, o->compare, stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}

int
main(int argc, char **argv)
{
	struct saker_bench_options o;
	struct saker_figures figures = { 0 };
	const struct saker_bench_command *command;
	int eal_args = find_separator(argc, argv), at = eal_args + 1, code = EXIT_FAILED;

	fix_addresses(argv);
	if (at >= argc) {
		(void)print_help();
		return EXIT_MISUSED;
	}
	if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0)
		return print_help();
	command = find_command(argv[at]);
	if (command == NULL) {
		(void)saker_bench_fail(0, "there is no command '%s'; see --help", argv[at]);
		return EXIT_MISUSED;
	}
	if (saker_bench_parse(argc - at, argv + at, &o) != 0)
		return EXIT_MISUSED;
	if (o.help)
		return print_help();
	saker_machine_note_command(argc, argv);
	if (start_eal(command, &o, eal_args, argv) == 0 && command->run(&o, &figures) == 0)
		code = conclude(command, &o, &figures);
	saker_figures_free(&figures);
	if (command->eal)
		rte_eal_cleanup();
	return code;
}
