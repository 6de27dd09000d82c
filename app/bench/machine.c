/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "machine.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <rte_common.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_version.h>

#include "rounds.h"
#ifdef SAKER_HAVE_IPSEC_MB
#include <intel-ipsec-mb.h>
#endif

#define TEXT_LEN      256
#define EAL_ARGS      16
#define LCORES_LEN    1024
#define CLOCK_STEPS   4000
#define CLOCK_WAIT_US 50000
#ifdef __clang__
#define COMPILER "clang"
#else
#define COMPILER "gcc"
#endif

static char command[TEXT_LEN], load[TEXT_LEN] = "unknown";

/* The first line of a file under /proc that begins with a word: what follows the colon. */
static bool
read_proc(const char *file, const char *word, char *text, size_t size)
{
	FILE *f = fopen(file, "r");
	char line[TEXT_LEN], *colon;
	bool found = false;

	if (f == NULL)
		return false;
	while (!found && fgets(line, sizeof(line), f) != NULL) {
		colon = strchr(line, ':');
		if (strncmp(line, word, strlen(word)) != 0 || colon == NULL)
			continue;
		colon += 1 + strspn(colon + 1, " \t");
		colon[strcspn(colon, "\n")] = '\0';
		snprintf(text, size, "%s", colon);
		found = true;
	}
	fclose(f);
	return found;
}

static uint64_t
meminfo(const char *word)
{
	char text[TEXT_LEN];

	return read_proc("/proc/meminfo", word, text, sizeof(text)) ? strtoull(text, NULL, 10) : 0;
}

uint64_t
saker_machine_free_mb(void)
{
	return meminfo("MemAvailable") / 1024;
}

static uint64_t
free_huge_mb(void)
{
	return meminfo("HugePages_Free") * meminfo("Hugepagesize") / 1024;
}

double
saker_machine_clock(void)
{
#ifdef RTE_ARCH_X86
	uint64_t x = 3, since = saker_begin();

	/* A multiplication takes three cycles on every CPU that has AVX2. */
	for (unsigned int i = 0; i < CLOCK_STEPS; i++)
		__asm__ volatile("imul %0, %0" : "+r"(x));
	return 3.0 * CLOCK_STEPS / (double)(saker_end() - since);
#else
	return 1;
#endif
}

static const char *
library_version(void)
{
#ifdef SAKER_HAVE_IPSEC_MB
	return imb_get_version_str();
#else
	return "not built in";
#endif
}

/* Where the figures go has no part in them. */
static bool
is_aside(const char *option)
{
	return strcmp(option, "--json") == 0 || strcmp(option, "--machine") == 0;
}

/* The first number of /proc/loadavg: the last minute. */
static void
note_load(void)
{
	FILE *f = fopen("/proc/loadavg", "r");

	if (f == NULL)
		return;
	if (fgets(load, sizeof(load), f) != NULL)
		load[strcspn(load, " \n")] = '\0';
	fclose(f);
}

void
saker_machine_note_command(int argc, char **argv)
{
	size_t used = (size_t)snprintf(command, sizeof(command), "saker-bench");

	note_load();
	for (int i = 1; i < argc && used < sizeof(command); i++) {
		if (is_aside(argv[i]))
			i++;
		else
			used += (size_t)snprintf(
				command + used, sizeof(command) - used, " %s", argv[i]);
	}
}

static double
tsc_ghz(void)
{
	struct timespec from, to;
	uint64_t since;

	clock_gettime(CLOCK_MONOTONIC, &from);
	since = rte_rdtsc();
	usleep(CLOCK_WAIT_US);
	clock_gettime(CLOCK_MONOTONIC, &to);
	return (double)(rte_rdtsc() - since) /
	       ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec));
}

static const char *
memory_text(bool eal)
{
	if (!eal)
		return "process memory";
	return rte_eal_has_hugepages() ? "huge pages" : "small pages, for want of huge ones";
}

void
saker_machine_describe(const char *text, bool eal, struct saker_circumstance *c)
{
	static char cpu[TEXT_LEN], kernel[TEXT_LEN], clock[TEXT_LEN];
	struct utsname name;
	const struct saker_circumstance all[] = {
		{ "program", "saker-bench " SAKER_VERSION },
		{ "command", command },
		{ "machine", text == NULL ? "" : text },
		{ "cpu", cpu },
		{ "clock", clock },
		{ "load", load },
		{ "memory", memory_text(eal) },
		{ "kernel", kernel },
		{ "compiler", COMPILER " " __VERSION__ },
		{ "dpdk", rte_version() },
		{ "ipsec_mb", library_version() },
		{ NULL, NULL },
	};

	_Static_assert(RTE_DIM(all) <= SAKER_CIRCUMSTANCES, "there is room for all");
	if (!read_proc("/proc/cpuinfo", "model name", cpu, sizeof(cpu)))
		snprintf(cpu, sizeof(cpu), "unknown");
	snprintf(clock, sizeof(clock), "TSC %.3f GHz, core clock %.2f of it", tsc_ghz(),
		saker_machine_clock());
	if (uname(&name) == 0)
		snprintf(kernel, sizeof(kernel), "%.32s %.200s", name.sysname, name.release);
	memcpy(c, all, sizeof(all));
}

/* The main lcore shares a CPU with the first worker: it sleeps while the others work. */
static int
choose_lcores(unsigned int workers, char *text, size_t size)
{
	int cpus[CPU_SETSIZE], n = 0;
	size_t used;
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return -errno;
	for (int i = CPU_SETSIZE - 1; i >= 0; i--)
		if (CPU_ISSET(i, &set))
			cpus[n++] = i;
	used = (size_t)snprintf(text, size, "0@%d", cpus[0]);
	for (unsigned int w = 0; w < workers && used < size; w++)
		used += (size_t)snprintf(
			text + used, size - used, ",%u@%d", w + 1, cpus[w % (unsigned int)n]);
	return used < size ? 0 : -ENOSPC;
}

int
saker_machine_start_eal(unsigned int memory_mb, unsigned int workers)
{
	static char program[] = "saker-bench", lcores_opt[] = "--lcores", pci[] = "--no-pci",
		    telemetry[] = "--no-telemetry", log[] = "--log-level=error",
		    huge[] = "--in-memory", no_huge[] = "--no-huge", shconf[] = "--no-shconf",
		    mem_opt[] = "-m";
	static char lcores[LCORES_LEN], memory[16];
	char *argv[EAL_ARGS] = { program, lcores_opt, lcores, pci, telemetry, log };
	int argc = 6;

	if (choose_lcores(workers, lcores, sizeof(lcores)) != 0)
		return saker_bench_fail(-EIO, "can't say which CPUs to run on");
	if (free_huge_mb() >= memory_mb) {
		argv[argc++] = huge;
	} else {
		fprintf(stderr,
			"saker-bench: %u MB of huge pages are not free; without them figures are "
			"worse. Reserve some: sysctl -w vm.nr_hugepages=%u\n",
			memory_mb, memory_mb / 2 + 1);
		snprintf(memory, sizeof(memory), "%u", memory_mb);
		argv[argc++] = no_huge;
		argv[argc++] = shconf;
		argv[argc++] = mem_opt;
		argv[argc++] = memory;
	}
	if (rte_eal_init(argc, argv) >= 0)
		return 0;
	return saker_bench_fail(-EIO, "EAL could not start: %s", rte_strerror(rte_errno));
}
