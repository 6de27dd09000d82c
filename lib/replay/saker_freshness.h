/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_FRESHNESS_H
#define SAKER_FRESHNESS_H

/**
 * @file
 * Is a received SN fresh? Stateless profile section 4: the time discipline maps epoch and slot to
 * the absolute slot nearest to local time; the counter discipline compares epochs by serial-number
 * arithmetic (RFC 1982).
 *
 * Threads: pure but for saker_clock_step(), whose clock belongs to one lcore.
 */

#include "saker_sn.h"

/** Receiver time: never goes back. */
struct saker_clock {
	uint64_t now_ms;   /**< Unix time, milliseconds */
	uint64_t start_ms; /**< when receiving began */
};

/** Begin at @p unix_ms. */
void saker_clock_start(struct saker_clock *c, uint64_t unix_ms);

/** Receiver time is max(latest seen, clock). */
void saker_clock_step(struct saker_clock *c, uint64_t unix_ms);

/** Where an SN lies in its (source, session): a run and the dense rest. */
struct saker_sn_place {
	uint64_t run; /**< absolute slot (time), or unwrapped epoch plus one (counter) */
	uint64_t bit; /**< seq (time) or counter (counter) */
};

#define SAKER_NO_SLOT UINT64_MAX /**< no epoch and slot on the wire */

/** What freshness is judged by, for one group at one reading of the clock. */
struct saker_fresh_base {
	/* all that a packet of the slot before asks for */
	uint64_t now_ms;     /**< the reading */
	uint64_t slot;       /**< epoch and slot that were found fresh last, as on the wire (time
				discipline); SAKER_NO_SLOT: none were */
	uint64_t slot_run;   /**< their run */
	uint64_t oldest_run; /**< saker_oldest_run() */

	uint64_t since_ms; /**< kept: slots up to this one are refused; the windows are younger */
	int64_t epoch_run; /**< run at which the present epoch begins */
	int64_t now_run;   /**< present run (time discipline) */
	int64_t per_epoch; /**< runs of an epoch (time discipline) */
	int64_t half;      /**< runs of half of all epochs (time discipline) */
	int64_t oldest, newest, guarded; /**< limits, in runs (time discipline) */
	uint16_t epoch;                  /**< present epoch, wrapped */
	uint8_t mode;                    /**< enum saker_sn_mode */
	int16_t behind, ahead;           /**< epochs that are accepted (counter discipline) */
	uint8_t late;                    /**< enum saker_drop of those further behind */
} __attribute__((aligned(64)));

/**
 * Do once what needs division; b->since_ms stands already.
 * @param start_guard refuse slots up to start + skew
 */
void saker_fresh_prepare(struct saker_fresh_base *b, const struct saker_sn_params *p,
	const struct saker_clock *c, bool start_guard);

/** Counter discipline: the present epoch and those around it, of format T all that are newer. */
enum saker_drop saker_fresh_in_epoch(
	const struct saker_fresh_base *b, int16_t ahead, uint64_t sn, struct saker_sn_place *place);

/* The nearest epoch gives the nearest slot, but for slots about half of all epochs away. */
static inline int64_t
saker_fresh_nearest(const struct saker_fresh_base *b, int16_t ahead, uint64_t slot)
{
	int64_t run = b->epoch_run + ahead * b->per_epoch + (int64_t)slot;

	if (__builtin_expect(run - b->now_run <= -b->half, 0))
		run += 2 * b->half;
	else if (__builtin_expect(run - b->now_run > b->half, 0))
		run -= 2 * b->half;
	return run;
}

/**
 * Check freshness and place the SN for the replay window.
 * @return SAKER_OK, or SAKER_DROP_STALE, _FUTURE, _START_GUARD, _EPOCH_RANGE, _LATE
 */
static inline enum saker_drop
saker_fresh_at(const struct saker_fresh_base *b, uint64_t sn, struct saker_sn_place *place)
{
	int16_t ahead = (int16_t)((uint16_t)(sn >> SAKER_COUNTER_BITS) - b->epoch);
	int64_t run;

	if (b->mode == SAKER_SN_COUNTER)
		return saker_fresh_in_epoch(b, ahead, sn, place);
	run = saker_fresh_nearest(b, ahead, (sn & SAKER_COUNTER_MAX) >> SAKER_SEQ_BITS);
	if (run < b->oldest)
		return SAKER_DROP_STALE;
	if (run > b->newest)
		return SAKER_DROP_FUTURE;
	if (run <= b->guarded)
		return SAKER_DROP_START_GUARD;
	place->run = (uint64_t)run;
	place->bit = sn & SAKER_SEQ_MAX;
	return SAKER_OK;
}

/** saker_fresh_at() for many packets: those of one slot share its verdict. */
static inline enum saker_drop
saker_fresh_next(struct saker_fresh_base *b, uint64_t sn, struct saker_sn_place *place)
{
	enum saker_drop why;

	if (__builtin_expect(sn >> SAKER_SEQ_BITS == b->slot, 1)) {
		place->run = b->slot_run;
		place->bit = sn & SAKER_SEQ_MAX;
		return SAKER_OK;
	}
	why = saker_fresh_at(b, sn, place);
	if (why == SAKER_OK && b->mode == SAKER_SN_TIME) {
		b->slot = sn >> SAKER_SEQ_BITS;
		b->slot_run = place->run;
	}
	return why;
}

/**
 * saker_fresh_prepare() and saker_fresh_at() in one.
 * @param start_guard refuse slots up to start + skew (time discipline)
 * @return SAKER_OK, or SAKER_DROP_STALE, _FUTURE, _START_GUARD, _EPOCH_RANGE
 */
enum saker_drop saker_fresh(const struct saker_sn_params *p, const struct saker_clock *c,
	bool start_guard, uint64_t sn, struct saker_sn_place *place);

/**
 * The oldest run that saker_fresh() still accepts: an entry whose newest run lies below it can be
 * dropped with nothing lost.
 */
uint64_t saker_oldest_run(const struct saker_sn_params *p, const struct saker_clock *c);

#endif
