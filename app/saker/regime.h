/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_REGIME_H
#define SAKER_REGIME_H

/**
 * @file
 * A configuration with its root keys, ready to be worked by: a snapshot, and what hangs on it.
 * The next regime is built beside the one in force and takes over from it what stays:
 *
 * | what              | stays while these stay the same                                        |
 * |-------------------|------------------------------------------------------------------------|
 * | an SN line        | format, SPI, source, session; master key and parameters of its SNs      |
 * | replay windows    | format, SPI, variant, discipline, slots and epochs, size of the windows |
 * | group counters    | the same                                                                |
 * | policy counters   | the name of the policy                                                  |
 *
 * A line whose master key or parameters change is followed by a new one: it has a reservation of
 * its own before the first worker takes the regime, and the worker itself goes on from the last SN
 * of the line before. So no SN of a (source, session) comes twice, under whatever key.
 *
 * Threads: the main lcore only. Memory: what a regime holds is freed once no worker can see it.
 */

#include "gateway.h"
#include "life.h"

/** Which of its objects a regime takes along when it goes. */
struct saker_sweep {
	uint64_t number; /**< of an edition */
	bool dropped; /**< it was never in force: what it brought goes; else: what it did not use */
};

static inline bool
saker_gone(const struct saker_sweep *s, uint64_t born, uint64_t used)
{
	return s->dropped ? born == s->number : used != s->number;
}

/** An SN line and what it is for. */
struct saker_line {
	struct saker_sn_line sn; /**< first */
	struct saker_sn_id id;
	unsigned int worker;
	bool supplied;       /**< the keeper knows it */
	uint64_t born, used; /**< editions */
	struct saker_life *life[SAKER_LEVELS];
};

/** Replay windows of one trust group, and its counters. */
struct saker_windows {
	uint8_t format;
	uint32_t spi;
	enum saker_variant variant;
	struct saker_sn_params sn;
	enum saker_replay_mode replay;
	uint32_t window, sources;
	uint64_t born, used;
	struct saker_replay_table *table[SAKER_MAX_WORKERS]; /**< NULL: replay = "none" */
	struct saker_guard guard[SAKER_MAX_WORKERS];
	struct saker_group_count *count; /**< one per worker */
};

/** Counters of one policy. */
struct saker_tally {
	char name[SAKER_NAME_MAX + 4];
	uint64_t born, used;
	struct saker_policy_count *count; /**< one per worker */
};

/** See the file comment. */
struct saker_regime {
	struct saker_edition edition; /**< what workers see of it */
	struct saker_snapshot *snapshot;
	const struct saker_root_set *roots;
	unsigned int n_workers, n_lines;
	struct saker_line **lines; /**< worker by worker, in the order of senders and classes */
	struct saker_windows **windows; /**< one per group */
	struct saker_tally **tallies;   /**< one per policy */
	/* the same sorted by what they are found by; n_lines, n_groups, n_all of them */
	struct saker_line **lines_by_id;
	struct saker_windows **windows_by_spi;
	struct saker_tally **tallies_by_name;
};

/**
 * Build a regime beside the one in force. What it adds is reserved and ready to send; workers do
 * not know of it yet.
 * @param c,roots outlive it
 * @return NULL: faults were added and nothing has changed
 */
struct saker_regime *saker_regime_build(struct saker_gateway *g, const struct saker_config *c,
	const struct saker_root_set *roots, struct saker_faults *faults);

/**
 * Put a regime in force: returns once every worker works by it. Then the one before is freed, with
 * its configuration and root keys unless they are those of the new one.
 * @param c,roots what it was built from; the gateway's from now on
 */
void saker_regime_enforce(struct saker_gateway *g, struct saker_regime *r, struct saker_config *c,
	struct saker_root_set *roots);

/** Give up a regime that was never in force. */
void saker_regime_drop(struct saker_gateway *g, struct saker_regime *r);

/** Free the regime in force: no worker runs. */
void saker_regime_fini(struct saker_gateway *g);

#endif
