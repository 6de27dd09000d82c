/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_EDITION_H
#define SAKER_EDITION_H

/**
 * @file
 * What workers work by until the next change: a snapshot, and for each worker what it holds under
 * it: SN lines, replay windows, counters. The arrays belong to the edition and stand in the order
 * of the snapshot's senders, groups and policies. What they point at may outlive it: a group that
 * stays keeps its windows, a policy its counters, a sender its SNs.
 *
 * Threads: built and freed by the control thread, immutable once published; a worker takes it with
 * saker_worker_take(). What a holding points at is its worker's.
 */

#include "saker_key_cache.h"
#include "saker_replay.h"
#include "saker_sn.h"
#include "saker_snapshot.h"

struct saker_paths;

/** Counters of one policy on one lcore. */
struct saker_policy_count {
	uint64_t out_packets, out_octets, in_packets, in_octets;
	uint64_t out_drops; /**< outbound packets that were lost once the policy was known */
} __attribute__((aligned(64)));

/** Counters of one trust group on one lcore. */
struct saker_group_count {
	uint64_t in_drops;   /**< inbound packets that were lost once the group was known */
	uint64_t own_source; /**< that verified and name our own source */
	uint64_t twin;       /**< of these, such as this gateway has not sent */
} __attribute__((aligned(64)));

/** Since when the windows of one group on one lcore know what was accepted. */
struct saker_guard {
	bool pending;     /**< to be set from shift_ms by the worker that takes the edition */
	int64_t shift_ms; /**< relative to the receiver's clock */
	uint64_t since_ms;
};

/** The line whose SNs another goes on from. */
struct saker_line_change {
	struct saker_sn_line *line;
	const struct saker_sn_line *before;
	bool same_key; /**< both are for one master key */
};

/** What one worker holds. */
struct saker_holding {
	struct saker_sn_line **lines;             /**< by sender and class */
	struct saker_replay_table **replay;       /**< one per group, NULL: none */
	struct saker_guard **guard;               /**< one per group */
	struct saker_group_count **group_count;   /**< one per group */
	struct saker_fresh_base *fresh;           /**< one per group, of this edition only */
	struct saker_policy_count **policy_count; /**< one per policy */
	struct saker_key_cache *cache; /**< of this edition only; NULL: no group wants one */
	struct saker_line_change *changes;
	unsigned int n_changes;
};

/** See the file comment. */
struct saker_edition {
	uint64_t number; /**< rises with every attempt to build one */
	const struct saker_snapshot *snapshot;
	struct saker_holding *holding; /**< by worker */
	struct saker_paths *paths;     /**< shared by all; NULL: MTUs are not learnt */
};

#endif
