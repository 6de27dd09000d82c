/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_SN_KEEPER_INTERNAL_H
#define SAKER_SN_KEEPER_INTERNAL_H

/**
 * @file
 * Inside of the keeper: the thread (saker_sn_keeper.c), and with which SN a line begins
 * (saker_sn_keeper_lines.c).
 *
 * Threads: the mutex guards the supplies and the store.
 */

#include <pthread.h>

#include "saker_sn_keeper.h"

/** A line that is kept supplied. */
struct saker_sn_supply {
	struct saker_sn_line *line;
	struct saker_sn_record record; /**< persisted, and published once the line has a limit */
	struct saker_sn_record next;   /**< about to be persisted */
};

/** See saker_sn_keeper.h. */
struct saker_sn_keeper {
	struct saker_sn_store *store;
	struct saker_sn_supply *supplies;
	unsigned int n;
	_Atomic bool failed;
	_Atomic int error;
	_Atomic uint64_t commits;
	bool started;
	pthread_t thread;
	pthread_mutex_t mutex; /**< of stop, supplies and the store */
	pthread_cond_t wake;
	bool stop;
};

static inline saker_sn
saker_sn_higher(saker_sn a, saker_sn b)
{
	return a > b ? a : b;
}

static inline bool
saker_sn_in_time(const struct saker_sn_params *p)
{
	return p->mode == SAKER_SN_TIME;
}

/**
 * Reservation of the time discipline: the end of the slot that is skew/2 ahead. Its beginning
 * would leave nothing to send in a slot that is longer than skew/2.
 */
static inline saker_sn
saker_sn_time_reservation(const struct saker_sn_params *p, uint64_t unix_ms)
{
	return saker_sn_at(p, unix_ms + p->skew_ms / 2) | SAKER_SEQ_MAX;
}

#endif
