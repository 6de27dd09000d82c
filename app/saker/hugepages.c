/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "hugepages.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_mbuf.h>

#include "ports.h"
#include "saker_replay.h"

#define MB          (1024u * 1024)
#define BESIDES     (64ull * MB) /* EAL, rings, classifiers, drivers */
#define PER_GROUP   (256u * 1024)
#define PER_KEY     1024u /* an expanded data key with its place in a cache */
#define PER_MBUF    128u  /* mempool headers, padding */
#define NO_HUGE_MB  64    /* what EAL takes with --no-huge and without -m */
#define NAME_PREFIX "hugepages-"

/** The pages of the machine, and those of the size that is named in messages. */
struct pages {
	uint64_t free_octets;
	uint64_t size_kb; /* the smallest size, 0: the kernel has none */
	uint64_t total;   /* pages of that size */
};

/** What EAL was told. */
struct wishes {
	bool no_huge, in_memory, huge_dir;
	uint64_t mb; /* -m, 0: not given */
};

uint64_t
saker_hugepages_need(const struct saker_config *c)
{
	uint64_t need = BESIDES + (uint64_t)c->n_groups * PER_GROUP;

	for (unsigned int i = 0; i < c->n_ports; i++)
		need += (uint64_t)c->gateway.mbufs *
			(saker_port_buffer_size(&c->ports[i]) + sizeof(struct rte_mbuf) + PER_MBUF);
	for (unsigned int i = 0; i < c->n_groups; i++) {
		const struct saker_cfg_group *g = &c->groups[i];

		if (g->replay != SAKER_REPLAY_NONE)
			/* Workers have a little more than their equal share each. */
			need += saker_replay_size(
				g->replay_sources + g->replay_sources / 4, g->replay_window);
		need += (uint64_t)g->key_cache * PER_KEY;
	}
	return need;
}

static uint64_t
read_number(const char *root, uint64_t kb, const char *name)
{
	unsigned long long v = 0;
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path),
		"%.200s/sys/kernel/mm/hugepages/" NAME_PREFIX "%" PRIu64 "kB/%s", root, kb, name);
	f = fopen(path, "r");
	if (f == NULL)
		return 0;
	if (fscanf(f, "%llu", &v) != 1)
		v = 0;
	fclose(f);
	return v;
}

static void
add_size(struct pages *p, const char *root, uint64_t kb)
{
	p->free_octets += read_number(root, kb, "free_hugepages") * kb * 1024;
	if (p->size_kb != 0 && p->size_kb < kb)
		return;
	p->size_kb = kb;
	p->total = read_number(root, kb, "nr_hugepages");
}

static struct pages
count_pages(const char *root)
{
	struct pages p = { 0 };
	const struct dirent *e;
	unsigned long long kb;
	char path[512];
	DIR *dir;

	snprintf(path, sizeof(path), "%.200s/sys/kernel/mm/hugepages", root);
	dir = opendir(path);
	while (dir != NULL && (e = readdir(dir)) != NULL)
		if (sscanf(e->d_name, NAME_PREFIX "%llukB", &kb) == 1 && kb > 0)
			add_size(&p, root, kb);
	if (dir != NULL)
		closedir(dir);
	return p;
}

static bool
is_mounted(const char *root)
{
	char path[512], line[1024];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "%.200s/proc/self/mounts", root);
	f = fopen(path, "r");
	while (f != NULL && !found && fgets(line, sizeof(line), f) != NULL)
		found = strstr(line, " hugetlbfs ") != NULL;
	if (f != NULL)
		fclose(f);
	return found;
}

static struct wishes
read_wishes(int argc, char **argv)
{
	struct wishes w = { 0 };

	for (int i = 1; i < argc; i++) {
		const char *a = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";

		w.no_huge |= strcmp(a, "--no-huge") == 0;
		w.in_memory |= strcmp(a, "--in-memory") == 0;
		w.huge_dir |= strncmp(a, "--huge-dir", 10) == 0;
		if (strcmp(a, "-m") == 0)
			w.mb = strtoull(value, NULL, 10);
		else if (strncmp(a, "-m", 2) == 0)
			w.mb = strtoull(a + 2, NULL, 10);
	}
	return w;
}

static void
check_no_huge(uint64_t need_mb, const struct wishes *w)
{
	uint64_t have = w->mb == 0 ? NO_HUGE_MB : w->mb;

	if (have < need_mb)
		fprintf(stderr,
			"saker: the configuration needs about %" PRIu64 " MB, but --no-huge gives "
			"%" PRIu64 " MB; give EAL '-m %" PRIu64 "'\n",
			need_mb, have, need_mb);
}

static void
tell_lack(uint64_t need_mb, const struct pages *p, bool none)
{
	uint64_t size = p->size_kb * 1024, lack = need_mb * MB - p->free_octets;

	fprintf(stderr,
		"saker: the configuration needs about %" PRIu64 " MB of hugepages, %" PRIu64
		" MB are free; reserve them with 'sysctl -w vm.nr_hugepages=%" PRIu64 "'\n",
		need_mb, p->free_octets / MB, p->total + (lack + size - 1) / size);
	if (none)
		fprintf(stderr,
			"saker: or, to try it out, do without: give EAL '--no-huge -m %" PRIu64
			"'\n",
			need_mb);
}

int
saker_hugepages_check(uint64_t need, int argc, char **argv, const char *root)
{
	uint64_t need_mb = (need + MB - 1) / MB;
	struct wishes w = read_wishes(argc, argv);
	struct pages p;

	if (w.no_huge) {
		check_no_huge(need_mb, &w);
		return 0;
	}
	p = count_pages(root);
	if (p.size_kb == 0) {
		fprintf(stderr,
			"saker: this kernel has no hugepages; give EAL '--no-huge -m "
			"%" PRIu64 "'\n",
			need_mb);
		return -ENOMEM;
	}
	if (p.free_octets < need_mb * MB)
		tell_lack(need_mb, &p, p.free_octets == 0);
	if (p.free_octets == 0)
		return -ENOMEM;
	if (w.in_memory || w.huge_dir || is_mounted(root))
		return 0;
	fprintf(stderr, "saker: hugepages are reserved but not mounted; give EAL --in-memory, or "
			"'mount -t hugetlbfs nodev /dev/hugepages'\n");
	return -ENOMEM;
}
