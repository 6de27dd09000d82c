/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_BURST_H
#define SAKER_BURST_H

/**
 * @file
 * Up to 64 packets on their way through the stages, as a structure of arrays: what one stage uses
 * of many packets lies side by side.
 *
 * A stage marks losers with saker_burst_drop() and leaves them where they are; after it,
 * saker_burst_settle() frees them, counts them by reason and closes the gaps.
 *
 * Threads: a burst belongs to one lcore.
 */

#include <rte_mbuf.h>

#include "saker_freshness.h"
#include "saker_job.h"
#include "saker_replay.h"
#include "saker_snapshot.h"

#define SAKER_BURST        64 /**< packets of a burst; a crypto batch holds as many */
#define SAKER_FRAMES_AHEAD 4  /**< frames to prefetch before their turn */

_Static_assert(SAKER_BURST == SAKER_BATCH, "a burst fits one crypto batch");

/** Way of a packet. */
enum saker_direction { SAKER_OUTBOUND, SAKER_INBOUND, SAKER_DIRECTIONS };

/** Verdict for a packet that left the pipeline alive: another lcore or a bypass has it. */
#define SAKER_MOVED SAKER_DROP_COUNT

/** See the file comment. Arrays are indexed by slot, 0 to n - 1. */
struct saker_burst {
	uint16_t n;
	uint16_t losers;  /**< slots marked since the last settling */
	bool handed_over; /**< from another worker, or `ours`: the Ethernet header is gone */
	bool second;      /**< inbound: it came by the second cipher port */
	bool ours;        /**< outbound: of our own making */
	bool overlong;    /**< outbound: some packets are to be cut when they are sent */
	bool own;         /**< inbound: some source may be our own */
	uint16_t undone;  /**< slots that the next stages have work with, at least; see `done` */
	uint16_t unready; /**< crypto jobs that are not filled, at most */
	bool done[SAKER_BURST];   /**< a stage has done the next ones' part too (saker_plain_*.h) */
	uint8_t why[SAKER_BURST]; /**< enum saker_drop, or SAKER_MOVED */
	struct rte_mbuf *m[SAKER_BURST + SAKER_FRAMES_AHEAD]; /**< see saker_burst_extend() */

	/* parsed: the packet that came in; inbound that is the outer one */
	uint8_t *ip[SAKER_BURST];
	struct saker_ip_view view[SAKER_BURST];

	/* outbound */
	const struct saker_policy *policy[SAKER_BURST];
	struct saker_fields fields[SAKER_BURST];
	uint16_t payload_at[SAKER_BURST]; /**< from ip: first octet to protect */
	uint16_t payload_len[SAKER_BURST];
	uint16_t blocks[SAKER_BURST]; /**< AES blocks */
	uint32_t flow[SAKER_BURST];   /**< keyed hash of the inner flow */
	uint8_t pad[SAKER_BURST];     /**< octets of padding */

	/* inbound */
	const struct saker_listener *listener[SAKER_BURST];
	uint32_t head_len[SAKER_BURST]; /**< security header to ICV */
	struct saker_hdr hdr[SAKER_BURST];
	struct saker_sn_place place[SAKER_BURST];
	struct saker_replay_key key[SAKER_BURST];
	struct saker_replay_table *table[SAKER_BURST]; /**< NULL: the group has no windows */
	uint32_t hash[SAKER_BURST];                    /**< of `key` in `table` */
	int32_t entry[SAKER_BURST];

	/* both: what crypto jobs are made of; `ip` is the outer header by then */
	const struct saker_group *group[SAKER_BURST];
	uint8_t *head[SAKER_BURST]; /**< security header */
	uint64_t sn[SAKER_BURST];
	uint64_t source[SAKER_BURST]; /**< source id on the wire */
	uint16_t session[SAKER_BURST];
	struct saker_parts parts[SAKER_BURST];
	const struct saker_master *master[SAKER_BURST];
	const struct saker_expanded_key *expanded[SAKER_BURST];

	/* crypto jobs, by slot; of plain packets they are made early, and not of the fields above
	 */
	bool ready[SAKER_BURST];   /**< the job is filled */
	uint8_t kind[SAKER_BURST]; /**< what jobs of one driver call must share */
	struct saker_batch jobs;
};

/** Visit every slot. */
#define SAKER_FOREACH_SLOT(b, i) for (unsigned int i = 0, n_##i = (b)->n; i < n_##i; i++)

/** Have all packets the same policy? */
static inline bool
saker_burst_one_policy(const struct saker_burst *b)
{
	uintptr_t others = 0;

	/* where policies change, the second is mostly another already */
	if (b->n > 1 && b->policy[1] != b->policy[0])
		return false;
	SAKER_FOREACH_SLOT (b, i)
		others |= (uintptr_t)b->policy[i] ^ (uintptr_t)b->policy[0];
	return others == 0 && b->n > 0;
}

/** Mark a loser. The first reason counts. */
static inline void
saker_burst_drop(struct saker_burst *b, unsigned int i, unsigned int why)
{
	if (b->why[i] == SAKER_OK) {
		b->why[i] = (uint8_t)why;
		b->losers++;
	}
}

/** Let the last packet stand behind itself too, so that frames ahead are there for all. */
static inline void
saker_burst_extend(struct saker_burst *b)
{
	for (unsigned int i = b->n; b->n > 0 && i < b->n + (unsigned int)SAKER_FRAMES_AHEAD; i++)
		b->m[i] = b->m[b->n - 1];
}

/** saker_burst_settle() where there are losers. */
void saker_burst_close_gaps(struct saker_burst *b, uint64_t *counter);

/**
 * Free the losers, count them, move survivors to the front in order.
 * @param counter one per reason, SAKER_DROP_COUNT entries
 */
static inline void
saker_burst_settle(struct saker_burst *b, uint64_t *counter)
{
	if (unlikely(b->losers > 0))
		saker_burst_close_gaps(b, counter);
}

#endif
