/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "neighbours.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include <rte_cycles.h>
#include <rte_malloc.h>

#include "ports.h"

#define POLL_US 1000 /* how long news of neighbours may lie */

/** What is kept beside the workers' parts. */
struct saker_neighbours {
	struct saker_gateway *g;
	struct saker_link link[SAKER_DIRECTIONS]; /* by the direction of what arrives there */
	struct saker_neigh *table;
	pthread_t thread;
	_Atomic bool running;
};

bool
saker_port_takes_all(const struct saker_port *p)
{
	return p->cfg->has_next_hop || p->cfg->promiscuous ||
	       !saker_mac_is_station(p->mac.addr_bytes);
}

static void
set_link(struct saker_link *l, const struct saker_port *p)
{
	const struct saker_cfg_port *cfg = p->cfg;

	*l = (struct saker_link){
		.fixed = cfg->has_next_hop,
		.takes_all = saker_port_takes_all(p),
		.ends_here = cfg->role == SAKER_PORT_CLEAR,
		.vlan = cfg->vlan,
		.own = { cfg->address, cfg->address6 },
		.gateway = { cfg->gateway, cfg->gateway6 },
	};
	memcpy(l->mac, p->mac.addr_bytes, SAKER_MAC);
	memcpy(l->next_hop, cfg->next_hop_mac, SAKER_MAC);
	saker_link_prepare(l);
}

/* Frames of the control thread leave by the queues of the first worker. */
static void
send_frame(void *arg, unsigned int link, const uint8_t *frame, uint16_t len)
{
	struct saker_neighbours *n = arg;
	const struct saker_port *p = saker_port_of_link(n->g, link);
	struct rte_mbuf *m = rte_pktmbuf_alloc(p->pool);
	char *at = m == NULL ? NULL : rte_pktmbuf_append(m, len);

	if (at == NULL) {
		rte_pktmbuf_free(m);
		return;
	}
	memcpy(at, frame, len);
	m->hash.usr = link == SAKER_INBOUND ? SAKER_OUTBOUND : SAKER_INBOUND;
	if (rte_ring_enqueue(n->g->workers[0]->hops->outbox, m) != 0)
		rte_pktmbuf_free(m);
}

static int
init_worker(struct saker_neighbours *n, struct saker_worker *w)
{
	static unsigned int outboxes; /* saker-bench has several gateways at a time */
	char name[32];

	w->hops = rte_zmalloc_socket("saker", sizeof(*w->hops), RTE_CACHE_LINE_SIZE, w->socket);
	if (w->hops == NULL)
		return -ENOMEM;
	snprintf(name, sizeof(name), "saker-outbox-%u", outboxes++);
	w->hops->outbox = rte_ring_create(name, SAKER_OUTBOX_SIZE, w->socket, RING_F_SC_DEQ);
	if (w->hops->outbox == NULL)
		return -ENOMEM;
	w->hops->table = n->table;
	memcpy(w->link, n->link, sizeof(w->link));
	for (unsigned int d = 0; d < SAKER_DIRECTIONS; d++)
		w->tx[d].resolve = !w->link[!d].fixed || w->link[!d].vlan != 0;
	return 0;
}

static int
create(struct saker_gateway *g)
{
	static unsigned int tables;
	struct saker_neighbours *n = calloc(1, sizeof(*n));
	char name[24];
	struct saker_neigh_params params = {
		.name = name,
		.n_links = SAKER_DIRECTIONS,
		.n_workers = g->n_workers,
		.qsbr = g->qsbr,
		.send = send_frame,
		.arg = n,
	};
	int ret = 0;

	snprintf(name, sizeof(name), "saker-neigh-%u", tables++);
	g->neighbours = n;
	if (n == NULL)
		return -ENOMEM;
	n->g = g;
	for (unsigned int d = 0; d < SAKER_DIRECTIONS; d++)
		set_link(&n->link[d], saker_port_of_link(g, d));
	params.link = n->link;
	n->table = saker_neigh_create(&params);
	if (n->table == NULL)
		return -ENOMEM;
	for (unsigned int i = 0; i < g->n_workers && ret == 0; i++)
		ret = init_worker(n, g->workers[i]);
	return ret;
}

int
saker_neighbours_init(struct saker_gateway *g, struct saker_faults *faults)
{
	if (create(g) == 0)
		return 0;
	saker_fault(faults, NULL, 0,
		"saker: no memory for the table of neighbours; give EAL more with -m");
	return -EINVAL;
}

static uint64_t
monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void *
run(void *arg)
{
	struct saker_neighbours *n = arg;

	while (atomic_load_explicit(&n->running, memory_order_relaxed)) {
		saker_neigh_poll(n->table, monotonic_ms());
		rte_delay_us_sleep(POLL_US);
	}
	return NULL;
}

int
saker_neighbours_start(struct saker_gateway *g)
{
	struct saker_neighbours *n = g->neighbours;
	int ret;

	if (n->link[SAKER_OUTBOUND].fixed && n->link[SAKER_INBOUND].fixed)
		return 0;
	saker_neigh_poll(n->table, monotonic_ms()); /* the first packet needs its clock */
	saker_neigh_announce(n->table);
	atomic_store(&n->running, true);
	ret = pthread_create(&n->thread, NULL, run, n);
	if (ret != 0) {
		atomic_store(&n->running, false);
		return -ret;
	}
	pthread_setname_np(n->thread, "saker-neigh");
	return 0;
}

void
saker_neighbours_stop(struct saker_gateway *g)
{
	struct saker_neighbours *n = g->neighbours;

	if (n == NULL || !atomic_exchange(&n->running, false))
		return;
	pthread_join(n->thread, NULL);
}

void
saker_neighbours_clear(struct saker_gateway *g)
{
	saker_neigh_clear(g->neighbours->table);
}

void
saker_neighbours_fini(struct saker_gateway *g)
{
	saker_neighbours_stop(g);
	for (unsigned int i = 0; i < g->n_workers; i++) {
		struct saker_worker *w = g->workers[i];

		if (w == NULL || w->hops == NULL)
			continue;
		saker_hops_drain(w->hops);
		rte_ring_free(w->hops->outbox);
		rte_free(w->hops);
		w->hops = NULL;
	}
	if (g->neighbours != NULL)
		saker_neigh_free(g->neighbours->table);
	free(g->neighbours);
	g->neighbours = NULL;
}

void
saker_neighbours_walk(const struct saker_gateway *g,
	void (*fn)(void *arg, const struct saker_neigh_view *v), void *arg)
{
	if (g->neighbours != NULL)
		saker_neigh_walk(g->neighbours->table, fn, arg);
}

const char *
saker_neighbours_port(const struct saker_gateway *g, unsigned int link)
{
	const struct saker_port *p = saker_port_of_link((struct saker_gateway *)(uintptr_t)g, link);

	return p == NULL ? "?" : p->cfg->name;
}
