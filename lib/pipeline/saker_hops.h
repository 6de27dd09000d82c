/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_HOPS_H
#define SAKER_HOPS_H

/**
 * @file
 * Sending to next hops that are looked up: which neighbour, its Ethernet address, packets that wait
 * until it is known, frames that the control thread wants sent, and how much a worker answers.
 *
 * A worker numbers links by the direction of the packets that arrive there: what it sends in
 * direction d leaves by link !d.
 *
 * Threads: the worker alone; the control thread only puts frames into `outbox`.
 */

#include "saker_neigh.h"
#include "saker_worker.h"

#define SAKER_HELD        256 /**< packets of a worker that wait for neighbours */
#define SAKER_HELD_HOP    128 /**< of them, for one neighbour */
#define SAKER_OUTBOX_SIZE 256 /**< frames of the control thread */

/** A packet that waits. It begins with its IP header. */
struct saker_held {
	struct rte_mbuf *m;
	struct saker_ip hop;
	uint32_t since_s; /**< clock of the table */
	uint8_t direction;
};

/** Last next hop of a direction: good until the table or the clock changes. */
struct saker_hop_cache {
	struct saker_ip dst;
	uint8_t mac[SAKER_MAC];
	uint64_t version, now_ms;
};

/** Answers that a worker may give: a token a millisecond. */
struct saker_bucket {
	uint64_t at_ms;
	uint32_t tokens;
};

/** What may be answered apart from each other. */
enum saker_answer { SAKER_ANSWER_NEIGHBOUR, SAKER_ANSWER_ECHO, SAKER_ANSWERS };

/** The part of a worker that has to do with neighbours. */
struct saker_hops {
	struct saker_neigh *table;
	struct rte_ring *outbox; /**< whole frames; m->hash.usr is the direction to send in */
	struct saker_hop_cache cache[SAKER_DIRECTIONS];
	struct saker_held held[SAKER_HELD];
	unsigned int n_held;
	uint64_t version; /**< of the table when held packets were last tried */
	uint32_t now_s;
	struct saker_bucket bucket[SAKER_ANSWERS];
};

/** Send a packet whose IP header is at its start to its next hop, or hold or drop it. */
void saker_hops_send(struct saker_worker *w, enum saker_direction d, struct rte_mbuf *m);

/**
 * Send what the control thread has put into the outbox, and held packets whose neighbour is known
 * now. Once a round.
 */
void saker_hops_poll(struct saker_worker *w);

/** Put a whole frame into the transmit buffer of a direction. */
void saker_hops_push(struct saker_worker *w, enum saker_direction d, struct rte_mbuf *m);

/** May the worker answer once more? */
bool saker_hops_may_answer(struct saker_worker *w, enum saker_answer what);

/** Free what is held. No worker runs. */
void saker_hops_drain(struct saker_hops *h);

#endif
