/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_NEIGH_H
#define SAKER_NEIGH_H

/**
 * @file
 * Neighbours: next hops and their Ethernet addresses, by ARP (RFC 826) and neighbour discovery
 * (RFC 4861, section 7.3), in the same way for both families.
 *
 * An address is learnt from an answer to an own question, or from who asks for an own address.
 * What anyone else claims is not believed. Whatever contradicts what was known makes the table ask
 * everyone, so that the owner has the last word. Entries in use are probed before they expire, and
 * stay in use meanwhile.
 *
 * Threads: workers look entries up without a lock and put events into a ring; one control thread
 * calls saker_neigh_poll(); saker_neigh_walk(), _clear() and _announce() may be called by others.
 * Memory: saker_neigh_free() releases everything; links and the RCU variable are the caller's.
 */

#include <stdatomic.h>

#include <rte_hash.h>
#include <rte_rcu_qsbr.h>
#include <rte_ring.h>

#include "saker_link.h"

#define SAKER_NEIGH_MAX    4096         /**< entries */
#define SAKER_NEIGH_EVENTS 1024         /**< room of the ring */
#define SAKER_NEIGH_FAILED (1ULL << 48) /**< value of an entry that did not answer */

/** What workers have to tell. */
enum saker_neigh_kind {
	SAKER_NEIGH_WANT,   /**< a packet waits for this next hop */
	SAKER_NEIGH_ANSWER, /**< an ARP reply, or a solicited advertisement, for us */
	SAKER_NEIGH_ASK,    /**< it asked for an address of ours */
	SAKER_NEIGH_CLAIM,  /**< it told everyone: gratuitous ARP, unsolicited advertisement */
};

/** One event. */
struct saker_neigh_event {
	uint8_t kind; /**< enum saker_neigh_kind */
	uint8_t link; /**< index */
	uint8_t mac[SAKER_MAC];
	struct saker_ip ip;
	uint8_t zero[3]; /**< rings hold multiples of four octets */
};

/** Settings of a table. */
struct saker_neigh_params {
	const char *name; /**< unique in the process */
	const struct saker_link *link;
	unsigned int n_links;
	unsigned int n_workers;
	struct rte_rcu_qsbr *qsbr; /**< workers report quiescence there */
	/** Send a whole frame by the port of a link. */
	void (*send)(void *arg, unsigned int link, const uint8_t *frame, uint16_t len);
	void *arg;
};

struct saker_neigh_ctl;

/** The table as workers see it. */
struct saker_neigh {
	struct rte_hash *hash;     /**< address and link to position */
	_Atomic uint64_t *value;   /**< by position: MAC in network order, 0: not known yet */
	_Atomic uint64_t version;  /**< changes when a value does */
	_Atomic uint32_t now_s;    /**< clock of the control thread, never 0 once it runs */
	struct rte_ring *events;   /**< struct saker_neigh_event */
	uint32_t **used;           /**< by worker and position: now_s of the last look-up */
	struct saker_neigh_ctl *c; /**< the control thread's */
};

/** One entry for people. */
struct saker_neigh_view {
	unsigned int link;
	struct saker_ip ip;
	bool has_mac;
	uint8_t mac[SAKER_MAC];
	const char *state; /**< incomplete, reachable, stale, probe, failed */
	uint64_t age_ms;   /**< since it was last confirmed, or asked for first */
	bool was_used;
	uint32_t idle_s; /**< since a packet was last sent to it */
};

/** Create an empty table. Needs the EAL. @return NULL: no memory */
struct saker_neigh *saker_neigh_create(const struct saker_neigh_params *params);

/** Free a table that no worker uses. NULL is allowed. */
void saker_neigh_free(struct saker_neigh *t);

/**
 * Worker: look a next hop up, and note that it is used.
 * @param link index
 * @param value receives the MAC address as saker_neigh_mac() reads it, 0, or SAKER_NEIGH_FAILED
 * @return false: there is no entry
 */
bool saker_neigh_find(const struct saker_neigh *t, unsigned int worker, unsigned int link,
	const struct saker_ip *ip, uint64_t *value);

/** MAC address in a value. */
static inline void
saker_neigh_mac(uint64_t value, uint8_t mac[SAKER_MAC])
{
	memcpy(mac, &value, SAKER_MAC);
}

/** Worker: tell the control thread. @return false: the ring is full */
bool saker_neigh_tell(const struct saker_neigh *t, const struct saker_neigh_event *e);

/**
 * Control thread: take events, ask, ask again, age.
 * @param now_ms of a clock that never goes back
 */
void saker_neigh_poll(struct saker_neigh *t, uint64_t now_ms);

/** Tell the links about all own addresses, except where the neighbour is fixed (RFC 5227,
 * section 3; RFC 4861, section 7.2.6). */
void saker_neigh_announce(struct saker_neigh *t);

/** Forget every entry. */
void saker_neigh_clear(struct saker_neigh *t);

/** Visit every entry. */
void saker_neigh_walk(
	struct saker_neigh *t, void (*fn)(void *arg, const struct saker_neigh_view *v), void *arg);

#endif
