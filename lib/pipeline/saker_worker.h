/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_WORKER_H
#define SAKER_WORKER_H

/**
 * @file
 * One worker lcore: its queues, its SN lines, its replay windows, its counters. Workers share
 * nothing that they write but the rings between them, and MTUs of paths (saker_path.h).
 *
 * Threads: fields are the worker's own while it runs; the control thread reads the counters, and
 * everything else while workers are stopped.
 */

#include <rte_ether.h>
#include <rte_rcu_qsbr.h>
#include <rte_ring.h>
#include <rte_spinlock.h>

#include "saker_burst.h"
#include "saker_edition.h"
#include "saker_icmp_error.h"
#include "saker_link.h"
#include "saker_psp_count.h"
#include "saker_reassemble.h"
#include "saker_steer.h"
#include "saker_watch.h"

#define SAKER_MAX_WORKERS 64
#define SAKER_MAX_QUEUES  64   /**< receive queues of one worker */
#define SAKER_MAX_STAGES  16   /**< of one direction, receive and send included */
#define SAKER_INBOX_SIZE  4096 /**< packets in a ring between workers */

struct saker_worker;
struct saker_hops;

/** A stage: works on all slots of the burst, marks losers. */
typedef void (*saker_stage_fn)(struct saker_worker *w, struct saker_burst *b);

/** A named stage; tables end with a NULL name. */
struct saker_stage {
	const char *name;
	saker_stage_fn run;
	const char *help;
	bool rest; /**< has nothing to do with packets that are `done` */
};

/** The stages of each direction in order, between receiving and sending. */
extern const struct saker_stage *const saker_stages[SAKER_DIRECTIONS];

/** Index in the counters of the two stages that no table holds. */
enum { SAKER_STAGE_RX = 0, SAKER_STAGE_FIRST = 1 };

/** What a stage has done on one lcore. */
struct saker_stage_count {
	uint64_t calls, packets;
	uint64_t timed, cycles; /**< of timed bursts, each for all since the one before it */
};

#define SAKER_CLOCK_READINGS 10000 /**< a second, at most: the clock is asked for milliseconds */

#define SAKER_TIMED_EVERY 16 /**< bursts; reading the clock between stages has its price */

/** Of which bursts the stages are timed. */
struct saker_timing {
	uint32_t every;  /**< one of so many; 0: none */
	uint32_t until;  /**< bursts until the next one */
	uint32_t gap;    /**< bursts that the next one stands for */
	uint32_t weight; /**< bursts that this one stands for; 0: it is not timed */
};

/** Time the stages of the next burst, and of one of every @p every from then on. */
static inline void
saker_timing_start(struct saker_timing *t, uint32_t every)
{
	*t = (struct saker_timing){ .every = every, .gap = 1 };
}

/** Is the burst that comes now one of them? */
static inline void
saker_timing_next(struct saker_timing *t)
{
	if (likely(t->until > 0)) {
		t->until--;
		t->weight = 0;
		return;
	}
	t->weight = t->gap;
	t->gap = t->every;
	t->until = t->every - 1;
}

/** Counters of one direction on one lcore. */
struct saker_way_count {
	struct saker_stage_count stage[SAKER_MAX_STAGES]; /**< rx, the table's stages, tx */
	uint64_t drop[SAKER_DROP_COUNT];
	uint64_t rx_packets, rx_octets, tx_packets, tx_octets;
	uint64_t keys_derived, keys_cached;
	uint64_t handed_over; /**< packets given to their owner; outbound: to who can seal them */
};

/** How a worker spends its time. */
struct saker_load {
	uint64_t busy_cycles; /**< in rounds that had packets */
	uint64_t busy_rounds, empty_rounds;
	uint64_t naps;       /**< empty rounds that ended in a sleep */
	uint64_t taken_over; /**< packets that other workers gave */
	uint64_t held_back;  /**< rounds that ended with packets waiting for a full inbox */
};

/** A receive queue and the way its packets go. */
struct saker_rx {
	uint16_t port, queue;
	uint8_t direction;
	bool second; /**< of the second of two cipher ports */
};

/** An Ethernet header, ready to copy. */
struct saker_l2 {
	uint8_t octets[16]; /**< destination, source, Ethertype */
};

/** Fill @p l2 for IPv4 (0) and IPv6 (1). */
void saker_l2_init(
	struct saker_l2 l2[2], const struct rte_ether_addr *dst, const struct rte_ether_addr *src);

/** Where packets of one direction leave; inbound, by the second cipher port, if there are two. */
struct saker_tx {
	uint16_t port, queue, mtu;
	uint16_t n;           /**< waiting in `m` */
	bool resolve;         /**< send by saker_hops_send(): the next hop is not fixed, or a tag */
	bool absent;          /**< the port has no transmit queue: everything is dropped */
	rte_spinlock_t *lock; /**< only if workers must share the queue, else NULL */
	struct saker_l2 l2[2];
	struct rte_mbuf *m[2 * SAKER_BURST];
};

#define SAKER_LATER 512 /**< packets that a burst may leave for the outbound stages */

/** What a packet of a proxy takes along. */
struct saker_carry {
	uint16_t clear_len; /**< octets to leave in clear, for the policy that carries */
	uint8_t ioffset;    /**< of these unauthenticated, units of 4 octets */
	bool proxied;       /**< false: fragments, and packets of our own */
};

/** Packets that came up in a burst and go the outbound way right after it. */
struct saker_later {
	uint16_t n;
	struct rte_mbuf *m[SAKER_LATER];
	const struct saker_policy
		*policy[SAKER_LATER]; /**< NULL: our own packet, to be classified */
	struct saker_carry carry[SAKER_LATER];
};

/** Put a packet there whose IP header is at its start. @return false: there is no room */
static inline bool
saker_later_add(struct saker_later *later, struct rte_mbuf *m, const struct saker_policy *policy,
	struct saker_carry carry)
{
	if (unlikely(later->n == RTE_DIM(later->m)))
		return false;
	later->policy[later->n] = policy;
	later->carry[later->n] = carry;
	later->m[later->n++] = m;
	return true;
}

/** See the file comment. */
struct saker_worker {
	/* set up by the control thread */
	unsigned int index, lcore, n_workers;
	int socket;
	struct saker_worker *const *workers;          /**< all, by index */
	const struct saker_steer *steer;              /**< who owns what */
	const struct saker_edition *_Atomic *edition; /**< the one in force */
	struct rte_rcu_qsbr *qsbr;
	_Atomic bool *running;
	struct saker_watch *watch; /**< NULL: nobody looks */
	const struct saker_crypto_ops *crypto;
	void *crypto_ctx;
	struct rte_mempool *pool; /**< for fragments and long packets */
	struct saker_reassembler *reassembler;
	struct rte_ring *inbox;      /**< packets that other workers received for this one */
	struct rte_ring *seal_inbox; /**< clear ones that no other worker has an SA for */
	struct saker_rx rx[SAKER_MAX_QUEUES];
	unsigned int n_rx;
	struct saker_tx
		tx[SAKER_DIRECTIONS]; /**< by direction: outbound leaves by the cipher port */
	enum saker_idle_mode idle_mode;

	struct saker_link link[SAKER_DIRECTIONS]; /**< by the direction of what arrives there */
	struct saker_hops *hops;                  /**< neighbours; NULL: answers nobody */

	/* the worker's own */
	const struct saker_edition *taken; /**< for this loop; the next ones are its parts */
	const struct saker_snapshot *s;
	struct saker_paths *paths;          /**< NULL: MTUs are not learnt */
	struct saker_key_cache *cache;      /**< NULL: no group wants one */
	struct saker_sn_line **lines;       /**< by sender and class */
	struct saker_replay_table **replay; /**< one per group, NULL: none */
	bool windowed;                      /**< some group has one */
	struct saker_fresh_base *fresh;     /**< one per group, renewed when the clock moves */
	struct saker_clock clock;
	uint64_t now_ms;                /**< the clock */
	uint64_t clock_tsc, clock_span; /**< when it was read; cycles that this is good for */
	struct rte_mbuf *waiting[SAKER_BURST]; /**< to hand over as soon as the owner has room */
	uint16_t n_waiting;
	unsigned int idle_rounds;         /**< empty ones in a row */
	uint64_t silent_since;            /**< TSC after the last packet */
	uint16_t expire_next;             /**< group whose replay table is swept next */
	uint32_t watching;                /**< watch->on, read once a round */
	uint16_t traced[SAKER_BURST];     /**< by slot: number of its trace record + 1, or 0 */
	struct saker_icmp_bucket icmp;    /**< errors that are sent */
	struct saker_icmp_bucket reports; /**< and looked at */
	uint32_t fragment_id;             /**< of the last protected packet that was cut */
	struct saker_burst burst;
	struct saker_batch sorted; /**< crypto jobs of one kind, where a burst has several */
	uint8_t aad[SAKER_BURST][SAKER_AAD_MAX];
	struct saker_later later;

	struct saker_timing timing;

	/* read by the control thread */
	struct saker_way_count count[SAKER_DIRECTIONS] __attribute__((aligned(64)));
	struct saker_load load;
	bool interrupts;                                /**< a packet ends a sleep */
	struct saker_policy_count **policy_count;       /**< one per policy */
	struct saker_group_count **group_count;         /**< one per group; NULL: not counted */
	struct saker_psp_count psp[SAKER_PSP_COUNTERS]; /**< counted where some group is PSP */
	uint64_t capture_lost[SAKER_POINTS]; /**< packets that a capture had no room for */
	_Atomic uint64_t loops;              /**< times round */
	_Atomic uint64_t idle_since;         /**< `loops` when the last packet was seen */
	uint64_t loops_seen; /**< the control thread's: `loops` when it last looked */
};

/**
 * Work by an edition from now on: SN lines go on where those before them stopped. By the worker
 * between two bursts; by the control thread while the worker stands still.
 */
void saker_worker_take(struct saker_worker *w, const struct saker_edition *e);

/** Body of a worker lcore: loops until *w->running is false. @param arg struct saker_worker */
int saker_worker_run(void *arg);

/**
 * Take packets through the stages of a direction and send the survivors.
 * @param n packets in w->burst.m; all of them are consumed
 * @param handed_over they came from another worker: their Ethernet header is gone
 */
void saker_worker_process(
	struct saker_worker *w, enum saker_direction d, uint16_t n, bool handed_over);

/** Queue a packet whose IP header is at its start for sending; writes the Ethernet header. */
void saker_worker_send(
	struct saker_worker *w, enum saker_direction d, struct rte_mbuf *m, uint8_t family);

/** Hand what waits in a transmit buffer to the port; what it refuses is dropped as tx_full. */
void saker_worker_flush(struct saker_worker *w, enum saker_direction d);

/** Name of entry @p i of saker_way_count.stage: "rx", a stage of the table, "tx", or NULL. */
const char *saker_stage_name(enum saker_direction d, unsigned int i);

/** "outbound" or "inbound". */
const char *saker_direction_name(enum saker_direction d);

/** Worker that owns a (source, session): chosen by authenticated fields only. */
unsigned int saker_owner(const struct saker_worker *w, const struct saker_group *g,
	const struct saker_replay_key *key);

#endif
