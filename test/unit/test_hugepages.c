/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hugepages.h"

#define MB (1024ull * 1024)

/* A machine: a directory that stands for "/". */
static char root[64], said[4096];

static void
put(const char *path, const char *text)
{
	char full[256];
	FILE *f;

	snprintf(full, sizeof(full), "%s/%s", root, path);
	for (char *p = strchr(full + strlen(root) + 1, '/'); p != NULL; p = strchr(p + 1, '/')) {
		*p = '\0';
		mkdir(full, 0700);
		*p = '/';
	}
	f = fopen(full, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int
make_machine(void **state)
{
	(void)state;
	snprintf(root, sizeof(root), "hugepages.XXXXXX");
	assert_non_null(mkdtemp(root));
	put("proc/self/mounts", "proc /proc proc rw 0 0\n");
	return 0;
}

static int
remove_machine(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", root);
	return system(command);
}

static void
pages(unsigned int kb, const char *total, const char *unused)
{
	char path[128];

	snprintf(path, sizeof(path), "sys/kernel/mm/hugepages/hugepages-%ukB/nr_hugepages", kb);
	put(path, total);
	snprintf(path, sizeof(path), "sys/kernel/mm/hugepages/hugepages-%ukB/free_hugepages", kb);
	put(path, unused);
}

static void
mount(void)
{
	put("proc/self/mounts", "proc /proc proc rw 0 0\nnodev /mnt/huge hugetlbfs rw 0 0\n");
}

/* Runs the check with EAL arguments, which end with a NULL; keeps what it says. */
static int
check(uint64_t need, ...)
{
	char *argv[8] = { (char *)(uintptr_t) "saker" };
	int argc = 1, ret, keep = dup(STDERR_FILENO);
	FILE *f = tmpfile();
	va_list ap;
	size_t n;

	va_start(ap, need);
	while ((argv[argc] = va_arg(ap, char *)) != NULL)
		argc++;
	va_end(ap);
	assert_non_null(f);
	fflush(stderr);
	dup2(fileno(f), STDERR_FILENO);
	ret = saker_hugepages_check(need, argc, argv, root);
	fflush(stderr);
	dup2(keep, STDERR_FILENO);
	close(keep);
	rewind(f);
	n = fread(said, 1, sizeof(said) - 1, f);
	said[n] = '\0';
	fclose(f);
	return ret;
}

static void
says_nothing_when_there_is_enough(void **state)
{
	(void)state;
	pages(2048, "512\n", "100\n");
	assert_int_equal(check(200 * MB, "--in-memory", NULL), 0);
	assert_string_equal(said, "");
	mount();
	assert_int_equal(check(200 * MB, NULL), 0);
	assert_string_equal(said, "");
}

static void
names_the_number_of_pages_when_there_are_none(void **state)
{
	(void)state;
	pages(2048, "0\n", "0\n");
	assert_int_equal(check(200 * MB, "--in-memory", NULL), -ENOMEM);
	assert_non_null(strstr(said, "needs about 200 MB of hugepages, 0 MB are free"));
	assert_non_null(strstr(said, "'sysctl -w vm.nr_hugepages=100'"));
	assert_non_null(strstr(said, "'--no-huge -m 200'"));
}

static void
adds_what_lacks_to_what_others_use(void **state)
{
	(void)state;
	pages(2048, "512\n", "90\n");
	assert_int_equal(check(201 * MB, "--in-memory", NULL), 0);
	assert_non_null(strstr(said, "180 MB are free"));
	assert_non_null(strstr(said, "'sysctl -w vm.nr_hugepages=523'"));
	assert_null(strstr(said, "--no-huge"));
}

static void
counts_pages_of_every_size(void **state)
{
	(void)state;
	pages(2048, "512\n", "0\n");
	pages(1048576, "1\n", "1\n");
	assert_int_equal(check(1000 * MB, "--in-memory", NULL), 0);
	assert_string_equal(said, "");
	assert_int_equal(check(1100 * MB, "--in-memory", NULL), 0);
	assert_non_null(strstr(said, "'sysctl -w vm.nr_hugepages=550'"));
}

static void
tells_of_pages_that_are_not_mounted(void **state)
{
	(void)state;
	pages(2048, "512\n", "512\n");
	assert_int_equal(check(200 * MB, NULL), -ENOMEM);
	assert_non_null(strstr(said, "mount -t hugetlbfs nodev /dev/hugepages"));
	assert_int_equal(check(200 * MB, "--huge-dir=/mnt", NULL), 0);
	assert_int_equal(check(200 * MB, "--huge-dir", "/mnt", NULL), 0);
	assert_string_equal(said, "");
}

static void
without_hugepages_it_looks_at_the_memory_given(void **state)
{
	(void)state;
	assert_int_equal(check(200 * MB, "--no-huge", "-m", "512", NULL), 0);
	assert_string_equal(said, "");
	assert_int_equal(check(200 * MB, "--no-huge", "-m200", NULL), 0);
	assert_string_equal(said, "");
	assert_int_equal(check(200 * MB, "--no-huge", NULL), 0);
	assert_non_null(strstr(said, "--no-huge gives 64 MB; give EAL '-m 200'"));
}

static void
tells_of_a_kernel_without_hugepages(void **state)
{
	(void)state;
	assert_int_equal(check(200 * MB, NULL), -ENOMEM);
	assert_non_null(strstr(said, "this kernel has no hugepages"));
	put("sys/kernel/mm/hugepages/hugepages-0kB/free_hugepages", "9");
	put("sys/kernel/mm/hugepages/other/free_hugepages", "9");
	assert_int_equal(check(200 * MB, NULL), -ENOMEM);
	pages(2048, "many\n", "many\n");
	assert_int_equal(check(200 * MB, NULL), -ENOMEM);
	assert_non_null(strstr(said, " 0 MB are free"));
}

static void
needs_more_for_more_ports_buffers_and_sources(void **state)
{
	struct saker_cfg_port ports[2] = { { .mtu = 1500 }, { .mtu = 9000 } };
	struct saker_cfg_group group = { .replay_sources = 1 << 20, .replay_window = 1024 };
	struct saker_config c = { .ports = ports, .groups = &group };
	uint64_t none = saker_hugepages_need(&c), one, two;

	(void)state;
	c.gateway.mbufs = 1024;
	c.n_ports = 1;
	one = saker_hugepages_need(&c);
	assert_in_range(one - none, 1024 * 2048, 1024 * 3072);
	c.n_ports = 2;
	two = saker_hugepages_need(&c);
	assert_in_range(two - one, 1024 * 9000, 1024 * 11000);
	c.n_groups = 1;
	assert_in_range(saker_hugepages_need(&c) - two, 256 * MB, 1024 * MB);
	group.replay = SAKER_REPLAY_NONE;
	assert_in_range(saker_hugepages_need(&c) - two, 1, MB);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_machine, remove_machine)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(says_nothing_when_there_is_enough),
		TEST(names_the_number_of_pages_when_there_are_none),
		TEST(adds_what_lacks_to_what_others_use),
		TEST(counts_pages_of_every_size),
		TEST(tells_of_pages_that_are_not_mounted),
		TEST(without_hugepages_it_looks_at_the_memory_given),
		TEST(tells_of_a_kernel_without_hugepages),
		TEST(needs_more_for_more_ports_buffers_and_sources),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
