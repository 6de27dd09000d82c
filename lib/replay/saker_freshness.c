/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_freshness.h"

#include <string.h>

#include <rte_branch_prediction.h>

#define EPOCH_BITS 16

void
saker_clock_start(struct saker_clock *c, uint64_t unix_ms)
{
	c->now_ms = c->start_ms = unix_ms;
}

void
saker_clock_step(struct saker_clock *c, uint64_t unix_ms)
{
	if (unix_ms > c->now_ms)
		c->now_ms = unix_ms;
}

static void
prepare_time(struct saker_fresh_base *b, const struct saker_sn_params *p,
	const struct saker_clock *c, bool start_guard)
{
	uint64_t epoch_ms = p->epoch_seconds * UINT64_C(1000);
	uint64_t epoch = c->now_ms / epoch_ms;

	b->per_epoch = (int64_t)(epoch_ms / p->slot_ms);
	b->epoch = (uint16_t)epoch;
	b->epoch_run = (int64_t)epoch * b->per_epoch;
	b->now_run = (int64_t)(c->now_ms / p->slot_ms);
	b->oldest = (int64_t)saker_oldest_run(p, c);
	b->newest = (int64_t)((c->now_ms + p->skew_ms) / p->slot_ms);
	b->guarded = start_guard ? (int64_t)((c->start_ms + p->skew_ms) / p->slot_ms) : -1;
}

/* Runs count from one, so that epoch 0 has a predecessor: serial numbers go round. */
static void
prepare_counter(struct saker_fresh_base *b, const struct saker_sn_params *p)
{
	b->epoch = (uint16_t)p->epoch;
	b->epoch_run = (int64_t)p->epoch + 1;
}

void
saker_fresh_prepare(struct saker_fresh_base *b, const struct saker_sn_params *p,
	const struct saker_clock *c, bool start_guard)
{
	memset(b, 0, sizeof(*b));
	b->mode = p->mode;
	b->now_ms = c->now_ms;
	if (p->mode == SAKER_SN_TIME)
		prepare_time(b, p, c, start_guard);
	else
		prepare_counter(b, p);
}

static enum saker_drop
place_in_epoch(
	const struct saker_fresh_base *b, int16_t ahead, uint64_t sn, struct saker_sn_place *place)
{
	if (ahead < -1 || ahead > 1)
		return SAKER_DROP_EPOCH_RANGE;
	place->run = (uint64_t)(b->epoch_run + ahead);
	place->bit = sn & SAKER_COUNTER_MAX;
	return SAKER_OK;
}

/* The nearest epoch gives the nearest slot, but for slots about half of all epochs away. */
static int64_t
nearest_run(const struct saker_fresh_base *b, int16_t ahead, uint64_t slot)
{
	int64_t run = b->epoch_run + ahead * b->per_epoch + (int64_t)slot;
	int64_t half = b->per_epoch << (EPOCH_BITS - 1);

	if (unlikely(run - b->now_run <= -half))
		run += 2 * half;
	else if (unlikely(run - b->now_run > half))
		run -= 2 * half;
	return run;
}

static enum saker_drop
place_in_time(
	const struct saker_fresh_base *b, int16_t ahead, uint64_t sn, struct saker_sn_place *place)
{
	int64_t run = nearest_run(b, ahead, (sn & SAKER_COUNTER_MAX) >> SAKER_SEQ_BITS);

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

enum saker_drop
saker_fresh_at(const struct saker_fresh_base *b, uint64_t sn, struct saker_sn_place *place)
{
	int16_t ahead = (int16_t)((uint16_t)(sn >> SAKER_COUNTER_BITS) - b->epoch);

	if (b->mode == SAKER_SN_COUNTER)
		return place_in_epoch(b, ahead, sn, place);
	return place_in_time(b, ahead, sn, place);
}

enum saker_drop
saker_fresh(const struct saker_sn_params *p, const struct saker_clock *c, bool start_guard,
	uint64_t sn, struct saker_sn_place *place)
{
	struct saker_fresh_base base;

	saker_fresh_prepare(&base, p, c, start_guard);
	return saker_fresh_at(&base, sn, place);
}

uint64_t
saker_oldest_run(const struct saker_sn_params *p, const struct saker_clock *c)
{
	if (p->mode == SAKER_SN_COUNTER)
		return p->epoch;
	if (c->now_ms <= p->window_ms)
		return 0;
	return (c->now_ms - p->window_ms + p->slot_ms - 1) / p->slot_ms;
}
