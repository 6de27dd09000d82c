/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_SN_KEEPER_H
#define SAKER_SN_KEEPER_H

/**
 * @file
 * The thread that keeps SN lines supplied: it persists a reservation, then publishes it to the
 * worker. In the time discipline a reservation ends with the slot that is skew/2 ahead of the
 * clock, so an idle line is always ready; in the counter discipline it is extended when half used.
 *
 * Lines may come and go while the thread runs: a line whose master key or parameters change is
 * followed by a new one (saker_sn_keeper_follow), which has its own reservation before the worker
 * goes over to it, and goes on where the old one stopped.
 *
 * Threads: everything that changes a keeper is for the control thread; what is asked of it
 * (failed, commits, error) is for any thread.
 */

#include "saker_sn_store.h"

struct saker_sn_keeper;

/** @return NULL: no memory, and @p store is still the caller's. Else the keeper owns it. */
struct saker_sn_keeper *saker_sn_keeper_create(struct saker_sn_store *store);

/**
 * Add a line. Initialises the line from the persisted record: it starts above
 * every reservation made before, under any master key in the time discipline; in the counter
 * discipline above the one of this master key.
 * In the time discipline without any record the line starts as if one had been made just now, so
 * that a lost state directory repeats nothing.
 * @param unix_ms the clock
 * @param faults receives why not (counter: the configured epoch lies behind the persisted one)
 * @return 0 or -EINVAL
 */
int saker_sn_keeper_add(struct saker_sn_keeper *k, const struct saker_sn_id *id,
	const struct saker_sn_params *params, struct saker_sn_line *line, uint64_t unix_ms,
	struct saker_faults *faults);

/**
 * Add a line that goes on where @p before stands, which is in use by the same source and session,
 * under another master key or with other parameters. It may send as soon as it has a reservation,
 * once its worker has called saker_sn_line_follow(); until then @p before is supplied as well.
 * @param before a line of this keeper
 * @param faults receives why not: an epoch that lies behind, or slots that do
 * @return 0 or -EINVAL
 */
int saker_sn_keeper_follow(struct saker_sn_keeper *k, const struct saker_sn_id *id,
	const struct saker_sn_params *params, struct saker_sn_line *line,
	const struct saker_sn_line *before, uint64_t unix_ms, struct saker_faults *faults);

/** Note that a line will not be used again. saker_sn_keeper_sweep() then lets go of it. */
void saker_sn_keeper_retire(struct saker_sn_line *line);

/** Supply retired lines no more: the keeper knows nothing of them afterwards. */
void saker_sn_keeper_sweep(struct saker_sn_keeper *k);

/**
 * Make the reservations that are due at the clock @p unix_ms and publish them: at once for lines
 * that have none. The thread does the same by itself.
 * @return 0 or -errno; then nothing was published
 */
int saker_sn_keeper_renew(struct saker_sn_keeper *k, uint64_t unix_ms);

/**
 * Make the first reservations and start the thread.
 * @param faults receives why not: the state can't be written
 * @return 0 or -errno; then no line may send
 */
int saker_sn_keeper_start(struct saker_sn_keeper *k, struct saker_faults *faults);

/** Milliseconds until every line of the time discipline may send at the clock @p unix_ms; 0: now.
 */
uint64_t saker_sn_keeper_wait_ms(const struct saker_sn_keeper *k, uint64_t unix_ms);

/**
 * True while reservations can't be written. Sending stops by itself, and goes on once a later
 * attempt has worked.
 */
bool saker_sn_keeper_failed(const struct saker_sn_keeper *k);

/** Commits that worked. */
uint64_t saker_sn_keeper_commits(const struct saker_sn_keeper *k);

/** errno of the last commit that failed; 0 if none ever did. */
int saker_sn_keeper_error(const struct saker_sn_keeper *k);

/** Stop the thread, close the store, free. NULL is allowed. Lines stay with their owner. */
void saker_sn_keeper_free(struct saker_sn_keeper *k);

#endif
