/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "lcores.h"

#include <errno.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>

#include "ports.h"

#define IDLE_LOOPS     256 /* empty rounds after which a worker counts as idle */
#define ONLINE_POLL_US 50
#define WORKER_MBUFS   2047 /* more than a transmit queue may keep */
#define WORKER_CACHE   128
#define HELD_SHARE     4    /* fragments may hold a port's buffers by one part in so many */
#define MAX_IN_MAKING  1024 /* packets that a worker joins at a time */

int
saker_lcores_count(struct saker_gateway *g, struct saker_faults *faults)
{
	unsigned int n = rte_lcore_count() - 1;

	if (n == 0 || n > SAKER_MAX_WORKERS) {
		saker_fault(faults, NULL, 0,
			"saker: EAL has %u worker lcores beside the main one, 1 to %u are needed; "
			"for "
			"one worker on a small machine give EAL --lcores 0@0,1@0",
			n, SAKER_MAX_WORKERS);
		return -EINVAL;
	}
	g->n_workers = n;
	return 0;
}

/* Buffers for what a worker makes itself: as large as the largest of the ports. */
static int
create_pool(const struct saker_gateway *g, struct saker_worker *w)
{
	unsigned int packets = g->config->gateway.mbufs / (HELD_SHARE * 8 * g->n_workers);
	static unsigned int pools; /* saker-bench has several gateways at a time */
	uint16_t room = 0;
	char name[32];

	for (unsigned int i = 0; i < g->n_ports; i++)
		room = RTE_MAX(room, rte_pktmbuf_data_room_size(g->ports[i].pool));
	snprintf(name, sizeof(name), "saker-worker-%u", pools++);
	w->pool = rte_pktmbuf_pool_create(name, WORKER_MBUFS, WORKER_CACHE, 0, room, w->socket);
	if (w->pool == NULL)
		return -ENOMEM;
	w->reassembler = saker_reassembler_create(
		RTE_MIN(packets, (unsigned int)MAX_IN_MAKING), w->pool, w->socket);
	return w->reassembler == NULL ? -ENOMEM : 0;
}

static int
create_parts(struct saker_gateway *g, struct saker_worker *w, struct saker_faults *faults)
{
	char name[32];

	w->crypto_ctx = w->crypto->lcore_init(w->socket);
	if (g->n_workers > 1) {
		snprintf(name, sizeof(name), "saker-inbox-%u", w->index);
		w->inbox = rte_ring_create(name, SAKER_INBOX_SIZE, w->socket, RING_F_SC_DEQ);
		snprintf(name, sizeof(name), "saker-seal-%u", w->index);
		w->seal_inbox = rte_ring_create(name, SAKER_INBOX_SIZE, w->socket, RING_F_SC_DEQ);
	}
	if (w->crypto_ctx == NULL) {
		saker_fault(faults, NULL, 0,
			"saker: crypto driver %s could not be opened for worker %u: no memory "
			"(-m), "
			"or no queue pair of a device is free",
			w->crypto->name, w->index);
		return -EINVAL;
	}
	if ((g->n_workers > 1 && (w->inbox == NULL || w->seal_inbox == NULL)) ||
		create_pool(g, w) != 0) {
		saker_fault(faults, NULL, 0,
			"saker: no memory for worker %u; give EAL more with -m", w->index);
		return -EINVAL;
	}
	return 0;
}

static void
set_tx(struct saker_gateway *g, struct saker_worker *w, enum saker_direction d)
{
	const struct saker_port *p = saker_port_of_link(g, !d);
	struct saker_tx *tx = &w->tx[d];
	struct rte_ether_addr dst;

	tx->port = p->id;
	tx->mtu = p->cfg->mtu;
	tx->queue = p->n_txq == 0 ? 0 : (uint16_t)(w->index % p->n_txq);
	tx->absent = p->n_txq == 0;
	tx->lock = p->locks == NULL ? NULL : &p->locks[tx->queue];
	memset(&dst, 0xff, sizeof(dst));
	if (p->cfg->has_next_hop)
		memcpy(&dst, p->cfg->next_hop_mac, sizeof(dst));
	saker_l2_init(tx->l2, &dst, &p->mac);
}

static int
deal_queues(struct saker_gateway *g, struct saker_faults *faults)
{
	for (unsigned int i = 0; i < g->n_ports; i++) {
		const struct saker_port *p = &g->ports[i];

		for (uint16_t q = 0; q < p->n_rxq; q++) {
			struct saker_worker *w = g->workers[q % g->n_workers];

			if (w->n_rx == SAKER_MAX_QUEUES) {
				saker_fault(faults, g->config->file, p->cfg->line,
					"port %s: more than %u receive queues for one worker; use "
					"more "
					"lcores",
					p->cfg->name, SAKER_MAX_QUEUES);
				return -EINVAL;
			}
			w->rx[w->n_rx++] = (struct saker_rx){ .port = p->id,
				.queue = q,
				.second = p->cfg->role == SAKER_PORT_CIPHER &&
					  p != saker_port_of_link(g, SAKER_INBOUND),
				.direction = p->cfg->role == SAKER_PORT_CLEAR ? SAKER_OUTBOUND
									      : SAKER_INBOUND };
		}
	}
	return 0;
}

static int
create_worker(struct saker_gateway *g, unsigned int lcore, unsigned int index,
	struct saker_faults *faults)
{
	int socket = (int)rte_lcore_to_socket_id(lcore);
	struct saker_worker *w = rte_zmalloc_socket("saker", sizeof(*w), 64, socket);

	if (w == NULL) {
		saker_fault(faults, NULL, 0,
			"saker: no memory for worker %u; give EAL more with -m", index);
		return -EINVAL;
	}
	g->workers[index] = w;
	w->index = index;
	w->lcore = lcore;
	w->n_workers = g->n_workers;
	w->socket = socket;
	w->workers = g->workers;
	w->steer = &g->steer.how;
	w->edition = &g->edition;
	w->qsbr = g->qsbr;
	w->running = &g->running;
	w->watch = &g->watch;
	w->crypto = g->crypto;
	w->idle_mode = g->config->gateway.idle;
	w->clock_span = rte_get_tsc_hz() / SAKER_CLOCK_READINGS;
	saker_timing_start(&w->timing, SAKER_TIMED_EVERY);
	set_tx(g, w, SAKER_OUTBOUND);
	set_tx(g, w, SAKER_INBOUND);
	return create_parts(g, w, faults);
}

static int
create_qsbr(struct saker_gateway *g)
{
	g->qsbr = rte_zmalloc("saker", rte_rcu_qsbr_get_memsize(SAKER_MAX_WORKERS), 64);
	if (g->qsbr == NULL)
		return -ENOMEM;
	return rte_rcu_qsbr_init(g->qsbr, SAKER_MAX_WORKERS);
}

int
saker_lcores_init(struct saker_gateway *g, struct saker_faults *faults)
{
	unsigned int lcore, index = 0;

	g->steer.how.n_workers = (uint16_t)g->n_workers;
	if (create_qsbr(g) != 0) {
		saker_fault(faults, NULL, 0, "saker: no memory; give EAL more with -m");
		return -EINVAL;
	}
	RTE_LCORE_FOREACH_WORKER (lcore) {
		if (create_worker(g, lcore, index, faults) != 0)
			return -EINVAL;
		rte_rcu_qsbr_thread_register(g->qsbr, index++);
	}
	return deal_queues(g, faults);
}

/* A worker that is not online yet would not be waited for when its edition goes. */
static void
wait_online(const struct saker_gateway *g)
{
	for (unsigned int i = 0; i < g->n_workers; i++)
		while (atomic_load(&g->workers[i]->loops) == 0)
			rte_delay_us_sleep(ONLINE_POLL_US);
}

int
saker_lcores_start(struct saker_gateway *g)
{
	atomic_store(&g->running, true);
	for (unsigned int i = 0; i < g->n_workers; i++) {
		struct saker_worker *w = g->workers[i];

		/* Rounds of an earlier run say nothing about this one. */
		atomic_store(&w->loops, 0);
		atomic_store(&w->idle_since, 0);
		w->load.busy_cycles = 0;
		if (rte_eal_remote_launch(saker_worker_run, w, w->lcore) == 0)
			continue;
		saker_lcores_stop(g);
		return -EBUSY;
	}
	wait_online(g);
	return 0;
}

void
saker_lcores_stop(struct saker_gateway *g)
{
	atomic_store(&g->running, false);
	for (unsigned int i = 0; i < g->n_workers; i++)
		if (g->workers[i] != NULL)
			rte_eal_wait_lcore(g->workers[i]->lcore);
}

static void
empty_inbox(struct rte_ring *inbox)
{
	void *m;

	while (inbox != NULL && rte_ring_dequeue(inbox, &m) == 0)
		rte_pktmbuf_free(m);
}

static void
free_worker(struct saker_worker *w)
{
	if (w->crypto_ctx != NULL)
		w->crypto->lcore_fini(w->crypto_ctx);
	saker_reassembler_free(w->reassembler);
	rte_mempool_free(w->pool);
	empty_inbox(w->inbox);
	empty_inbox(w->seal_inbox);
	rte_ring_free(w->inbox);
	rte_ring_free(w->seal_inbox);
	for (unsigned int i = 0; i < w->n_waiting; i++)
		rte_pktmbuf_free(w->waiting[i]);
	saker_wipe(&w->burst.jobs, sizeof(w->burst.jobs));
	saker_wipe(&w->sorted, sizeof(w->sorted));
	rte_free(w);
}

void
saker_lcores_fini(struct saker_gateway *g)
{
	for (unsigned int i = 0; i < g->n_workers; i++) {
		if (g->workers[i] != NULL)
			free_worker(g->workers[i]);
		g->workers[i] = NULL;
	}
	rte_free(g->qsbr);
	g->qsbr = NULL;
}

bool
saker_lcores_alive(struct saker_gateway *g)
{
	bool alive = true;

	if (!atomic_load(&g->running))
		return true;
	for (unsigned int i = 0; i < g->n_workers; i++) {
		uint64_t loops = atomic_load_explicit(&g->workers[i]->loops, memory_order_relaxed);

		alive = alive && loops != g->workers[i]->loops_seen;
		g->workers[i]->loops_seen = loops;
	}
	return alive;
}

static bool
worker_idle(const struct saker_worker *w)
{
	uint64_t since = atomic_load_explicit(&w->idle_since, memory_order_acquire);
	uint64_t loops = atomic_load_explicit(&w->loops, memory_order_acquire);

	return loops >= since + IDLE_LOOPS && (w->inbox == NULL || rte_ring_empty(w->inbox)) &&
	       (w->seal_inbox == NULL || rte_ring_empty(w->seal_inbox));
}

bool
saker_lcores_idle(const struct saker_gateway *g)
{
	for (unsigned int i = 0; i < g->n_workers; i++)
		if (!worker_idle(g->workers[i]))
			return false;
	return true;
}
