/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_freshness.h"

#include <string.h>

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

/* The last slot of which windows may have forgotten something. */
static int64_t
guarded(const struct saker_fresh_base *b, const struct saker_sn_params *p,
	const struct saker_clock *c, bool start_guard)
{
	uint64_t until_ms = start_guard ? c->start_ms + p->skew_ms : 0;

	if (b->since_ms > until_ms)
		until_ms = b->since_ms;
	return until_ms > 0 ? (int64_t)(until_ms / p->slot_ms) : -1;
}

static void
prepare_time(struct saker_fresh_base *b, const struct saker_sn_params *p,
	const struct saker_clock *c, bool start_guard)
{
	uint64_t epoch_ms = p->epoch_seconds * UINT64_C(1000);
	uint64_t epoch = c->now_ms / epoch_ms;

	b->per_epoch = (int64_t)(epoch_ms / p->slot_ms);
	b->half = b->per_epoch << (EPOCH_BITS - 1);
	b->epoch = (uint16_t)epoch;
	b->epoch_run = (int64_t)epoch * b->per_epoch;
	b->now_run = (int64_t)(c->now_ms / p->slot_ms);
	b->oldest = (int64_t)b->oldest_run;
	b->newest = (int64_t)((c->now_ms + p->skew_ms) / p->slot_ms);
	b->guarded = guarded(b, p, c, start_guard);
}

/* Runs count from one, so that epoch 0 has a predecessor: serial numbers go round. */
static void
prepare_counter(struct saker_fresh_base *b, const struct saker_sn_params *p)
{
	b->epoch = (uint16_t)p->epoch;
	b->epoch_run = (int64_t)p->epoch + 1;
	b->behind = p->newer_epochs ? (int16_t)p->epoch_lifetime : 1;
	b->ahead = p->newer_epochs ? INT16_MAX : 1;
	b->late = p->newer_epochs ? SAKER_DROP_LATE : SAKER_DROP_EPOCH_RANGE;
}

void
saker_fresh_prepare(struct saker_fresh_base *b, const struct saker_sn_params *p,
	const struct saker_clock *c, bool start_guard)
{
	const uint64_t since_ms = b->since_ms;

	memset(b, 0, sizeof(*b));
	b->slot = SAKER_NO_SLOT;
	b->since_ms = since_ms;
	b->mode = p->mode;
	b->now_ms = c->now_ms;
	b->oldest_run = saker_oldest_run(p, c);
	if (p->mode == SAKER_SN_TIME)
		prepare_time(b, p, c, start_guard);
	else
		prepare_counter(b, p);
}

enum saker_drop
saker_fresh_in_epoch(
	const struct saker_fresh_base *b, int16_t ahead, uint64_t sn, struct saker_sn_place *place)
{
	if (ahead < -b->behind)
		return (enum saker_drop)b->late;
	if (ahead > b->ahead)
		return SAKER_DROP_EPOCH_RANGE;
	if (b->epoch_run + ahead < 0)
		return SAKER_DROP_LATE;
	place->run = (uint64_t)(b->epoch_run + ahead);
	place->bit = sn & SAKER_COUNTER_MAX;
	return SAKER_OK;
}

enum saker_drop
saker_fresh(const struct saker_sn_params *p, const struct saker_clock *c, bool start_guard,
	uint64_t sn, struct saker_sn_place *place)
{
	struct saker_fresh_base base = { .since_ms = 0 };

	saker_fresh_prepare(&base, p, c, start_guard);
	return saker_fresh_at(&base, sn, place);
}

uint64_t
saker_oldest_run(const struct saker_sn_params *p, const struct saker_clock *c)
{
	if (p->mode == SAKER_SN_COUNTER && p->newer_epochs)
		return p->epoch < p->epoch_lifetime ? 0 : p->epoch + 1 - p->epoch_lifetime;
	if (p->mode == SAKER_SN_COUNTER)
		return p->epoch;
	if (c->now_ms <= p->window_ms)
		return 0;
	return (c->now_ms - p->window_ms + p->slot_ms - 1) / p->slot_ms;
}
