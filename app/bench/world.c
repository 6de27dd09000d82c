/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "world.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>

#include "ports.h"
#include "saker_keyfile.h"

#define PATH_LEN   96
#define MAX_GROUPS 256
#define MBUFS      1024 /* of a worker: few, so that they stay in L2 */
#define POOLS_MB   56   /* for a worker: the buffers of both ports, and its own */
#define SPARE_MB   256
#define WINDOW     1024
#define EPOCHS     1000 /* that the SN lines may go on for */

static unsigned int ports_made;

static uint64_t
unix_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static char *
path_of(const struct saker_world *world, const char *name, char path[PATH_LEN])
{
	snprintf(path, PATH_LEN, "%s/%s", world->dir, name);
	return path;
}

static int
write_key(const struct saker_world *world)
{
	struct saker_root_values values = { .index = 1, .live = { [SAKER_CURRENT] = true } };
	uint8_t *value = values.value[SAKER_CURRENT];
	char path[PATH_LEN];
	int ret = -EIO;

	if (getrandom(value, SAKER_ROOT_LEN, 0) == SAKER_ROOT_LEN)
		ret = saker_keyfile_write(path_of(world, "zone.key", path), &values, true);
	saker_wipe(&values, sizeof(values));
	return ret;
}

static void
print_groups(const struct saker_world_plan *plan, FILE *f)
{
	const char *variant = plan->variant == NULL ? "source-id" : plan->variant;
	const char *source = strcmp(variant, "source-id-64") == 0 ? "00000000000000ff" : "000000ff";
	bool by_address = strcmp(variant, "source-ip") == 0 || strcmp(variant, "ip-pair") == 0;

	fprintf(f, "trust_groups: (\n");
	for (unsigned int i = 0; i < plan->groups; i++) {
		fprintf(f, "{ name=\"g%u\"; spi=%u; root_keys=[\"zone\"]; variant=\"%s\";", i,
			4096 + i, variant);
		fprintf(f, " start_guard=false; window_ms=60000; replay=\"%s\";",
			plan->replay ? "window" : "none");
		if (plan->suite != NULL)
			fprintf(f, " suite=\"%s\";", plan->suite);
		if (plan->replay)
			fprintf(f, " replay_window=%u; replay_sources=%" PRIu64 ";", WINDOW,
				plan->sources / plan->groups + 8);
		if (!by_address)
			fprintf(f, " source_id=\"%s\";", source);
		fprintf(f, " }%s\n", i + 1 < plan->groups ? "," : "");
	}
	fprintf(f, ");\n");
}

/* One policy a group, each for a network of its own, to and fro. */
static void
print_policies(const struct saker_world_plan *plan, FILE *f)
{
	fprintf(f, "policies: (\n");
	for (unsigned int i = 0; i < plan->groups; i++)
		fprintf(f,
			"{ name=\"p%u\"; src=\"10.%u.0.0/16\"; dst=\"10.%u.0.0/16\"; "
			"action=\"protect\"; group=\"g%u\"; local=\"192.0.2.1\"; "
			"peer=\"192.0.2.2\"; }%s\n",
			i, i, i, i, i + 1 < plan->groups ? "," : "");
	fprintf(f, ");\n");
}

static int
write_config(const struct saker_world *world, const struct saker_world_plan *plan)
{
	char path[PATH_LEN];
	FILE *f = fopen(path_of(world, "bench.cfg", path), "w");

	if (f == NULL)
		return -errno;
	fprintf(f, "gateway: { mbufs = %u; };\nports: (\n", MBUFS * (rte_lcore_count() - 1));
	fprintf(f,
		"{ name=\"clear\"; device=\"net_null%u\"; role=\"clear\"; mtu=9000; "
		"next_hop_mac=\"02:00:00:00:00:02\"; },\n",
		world->first_port);
	fprintf(f,
		"{ name=\"cipher\"; device=\"net_null%u\"; role=\"cipher\"; mtu=9200; "
		"next_hop_mac=\"02:00:00:00:00:03\"; "
		"address=\"192.0.2.1\"; }\n);\n",
		world->first_port + 1);
	fprintf(f, "root_keys: ( { name=\"zone\"; level=\"zone\"; "
		   "id=\"00112233445566778899aabbccddeeff\"; file=\"zone.key\"; } );\n");
	print_groups(plan, f);
	print_policies(plan, f);
	return fclose(f) == 0 ? 0 : -errno;
}

static int
make_ports(struct saker_world *world)
{
	int ret = 0;

	world->first_port = ports_made;
	for (; world->ports < 2 && ret == 0; world->ports += ret == 0) {
		char name[32];

		snprintf(name, sizeof(name), "net_null%u", ports_made);
		ret = rte_eal_hotplug_add("vdev", name, "no-rx=1");
		ports_made += ret == 0;
	}
	return ret;
}

/* Lines as the keeper would publish them, but for good. */
static void
init_lines(struct saker_gateway *g)
{
	uint64_t now = unix_ms();

	for (unsigned int i = 0; i < g->n_workers; i++)
		for (unsigned int k = 0; k < g->snapshot->n_senders; k++) {
			const struct saker_sender *s = &g->snapshot->senders[k];
			struct saker_sn_line *line = g->workers[i]->lines[s->first_line];
			const struct saker_sn_params *p = &s->group->cfg->sn;
			saker_sn from = saker_sn_at(p, now);
			uint64_t epoch = saker_sn_epoch(from);

			saker_sn_line_init(line, p, from - 1, epoch, 0);
			saker_sn_line_limit(line, saker_sn_make(epoch + EPOCHS, 0));
		}
}

static int
set_up(struct saker_world *world, const struct saker_world_plan *plan)
{
	struct saker_gateway *g = &world->g;
	char path[PATH_LEN];

	if (make_ports(world) != 0)
		return saker_bench_fail(-EIO, "no virtual devices; is net_null built in?");
	if (write_key(world) != 0 || write_config(world, plan) != 0)
		return saker_bench_fail(-EIO, "can't write to %s", world->dir);
	if (saker_gateway_load(g, path_of(world, "bench.cfg", path)) != 0 ||
		saker_gateway_init(g, plan->driver, false) != 0 || saker_ports_start(g) != 0)
		return -EINVAL;
	init_lines(g);
	for (unsigned int i = 0; i < g->n_workers; i++)
		saker_clock_start(&g->workers[i]->clock, unix_ms());
	return 0;
}

static void
remove_dir(const struct saker_world *world)
{
	static const char *const names[] = { "zone.key", "bench.cfg", "state" };
	char path[PATH_LEN];

	for (size_t i = 0; i < RTE_DIM(names); i++)
		(void)remove(path_of(world, names[i], path));
	(void)rmdir(world->dir);
}

struct saker_world *
saker_world_create(const struct saker_world_plan *plan)
{
	const char *tmp = getenv("TMPDIR");
	struct saker_world *world;
	int ret;

	if (plan->groups == 0 || plan->groups > MAX_GROUPS) {
		(void)saker_bench_fail(0, "there can be 1 to %d trust groups", MAX_GROUPS);
		return NULL;
	}
	world = calloc(1, sizeof(*world));
	if (world == NULL)
		return NULL;
	snprintf(world->dir, sizeof(world->dir), "%.40s/saker-bench-XXXXXX",
		tmp == NULL ? P_tmpdir : tmp);
	if (mkdtemp(world->dir) == NULL) {
		(void)saker_bench_fail(0, "can't make a directory %s", world->dir);
		free(world);
		return NULL;
	}
	ret = set_up(world, plan);
	remove_dir(world);
	if (ret == 0)
		return world;
	saker_world_free(world);
	return NULL;
}

void
saker_world_free(struct saker_world *world)
{
	if (world == NULL)
		return;
	saker_gateway_fini(&world->g);
	free(world);
}

struct rte_mempool *
saker_world_pool(struct saker_world *world)
{
	return world->g.ports[0].pool;
}

unsigned int
saker_world_mb(const struct saker_world_plan *plan, unsigned int workers)
{
	size_t windows = plan->replay ? saker_replay_size((uint32_t)plan->sources, WINDOW) : 0;

	/* Memory of the size of a table must be free in one piece, beside what is in the way. */
	return SPARE_MB + workers * (POOLS_MB + (unsigned int)(windows / 1000000 * 5 / 4));
}
