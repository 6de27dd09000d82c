/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_TRACE_H
#define SAKER_TRACE_H

/**
 * @file
 * What became of the next packets: how far they came, and why no further.
 *
 * A packet that one worker hands over to another gives two records, one of each.
 *
 * Threads: a record belongs to the worker that took it until `done` is set; then anyone may read.
 */

#include "saker_worker.h"

#define SAKER_TRACE_MAX 1024 /**< most packets of a trace */

/** What became of a packet. */
enum saker_verdict {
	SAKER_VERDICT_SENT,        /**< sealed or opened, and given to the port */
	SAKER_VERDICT_BYPASS,      /**< given to the port as it is */
	SAKER_VERDICT_HANDED_OVER, /**< to the worker that owns its session */
	SAKER_VERDICT_TAKEN,       /**< for saker itself: answered, or learned from */
	SAKER_VERDICT_CUT,         /**< into fragments, which go their own way */
	SAKER_VERDICT_JOINED,      /**< a fragment that waits for the others of its packet */
	SAKER_VERDICT_PROXIED,     /**< opened, and on its way to be sealed under another group */
	SAKER_VERDICT_DROP,
	SAKER_VERDICTS
};

/** One packet. Of keys it holds nothing. */
struct saker_trace_record {
	_Atomic bool done;
	uint8_t direction; /**< enum saker_direction */
	uint8_t stage;     /**< last it came to, as for saker_stage_name() */
	uint8_t verdict;   /**< enum saker_verdict */
	uint8_t why;       /**< enum saker_drop */
	uint8_t variant;   /**< of the group */
	bool has_sn;       /**< sn, session and source are known */
	uint32_t lcore;
	uint32_t octets_in, octets_out; /**< frame received; IP packet at the end */
	uint64_t sn, source;
	uint16_t session;
	struct saker_ip src, dst; /**< of the packet that came in; family 0: unknown */
	char policy[SAKER_NAME_MAX], group[SAKER_NAME_MAX]; /**< empty: unknown */
};

/** A trace. */
struct saker_trace {
	_Atomic uint32_t taken; /**< records, may pass `wanted` */
	uint32_t wanted;        /**< at most SAKER_TRACE_MAX */
	struct saker_trace_record record[SAKER_TRACE_MAX];
};

/** "sent", "bypass", "handed over", "cut", "taken", "joined", "drop". */
const char *saker_verdict_name(enum saker_verdict v);

/** Take records for the packets of a burst. */
void saker_trace_begin(struct saker_worker *w, unsigned int d);

/** Finish the records of losers; the others follow their packets to the front. */
void saker_trace_losers(struct saker_worker *w, unsigned int d, unsigned int stage);

/** Finish the records of all packets that are left. */
void saker_trace_sent(struct saker_worker *w, unsigned int d);

#endif
