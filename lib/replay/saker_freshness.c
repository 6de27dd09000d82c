/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_freshness.h"

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

/* The absolute slot nearest to local time that an SN's epoch and slot may stand for. May lie
 * before 1970, when the clock does nearly. Slots per epoch are below 2^24, so all fits 64 bits.
 */
static int64_t
absolute_slot(const struct saker_sn_params *p, uint64_t now_ms, uint64_t sn)
{
	uint64_t per_epoch = p->epoch_seconds * UINT64_C(1000) / p->slot_ms;
	uint64_t cycle = per_epoch << EPOCH_BITS, now = now_ms / p->slot_ms;
	uint64_t slot = (sn >> SAKER_COUNTER_BITS) * per_epoch +
			((sn & SAKER_COUNTER_MAX) >> SAKER_SEQ_BITS);
	uint64_t ahead = (slot % cycle + cycle - now % cycle) % cycle;

	return (int64_t)(now + ahead) - (ahead > cycle / 2 ? (int64_t)cycle : 0);
}

static enum saker_drop
fresh_in_time(const struct saker_sn_params *p, const struct saker_clock *c, bool start_guard,
	uint64_t sn, struct saker_sn_place *place)
{
	int64_t slot = absolute_slot(p, c->now_ms, sn), ms = slot * p->slot_ms;

	if (ms < 0 || (uint64_t)ms + p->window_ms < c->now_ms)
		return SAKER_DROP_STALE;
	if ((uint64_t)ms > c->now_ms + p->skew_ms)
		return SAKER_DROP_FUTURE;
	if (start_guard && (uint64_t)ms <= c->start_ms + p->skew_ms)
		return SAKER_DROP_START_GUARD;
	place->run = (uint64_t)slot;
	place->bit = sn & SAKER_SEQ_MAX;
	return SAKER_OK;
}

static enum saker_drop
fresh_in_epoch(const struct saker_sn_params *p, uint64_t sn, struct saker_sn_place *place)
{
	int16_t ahead = (int16_t)((uint16_t)(sn >> SAKER_COUNTER_BITS) - (uint16_t)p->epoch);

	if (ahead < -1 || ahead > 1)
		return SAKER_DROP_EPOCH_RANGE;
	/* One up, so that epoch 0 has a predecessor: serial numbers go round. */
	place->run = p->epoch + 1 + (uint64_t)(int64_t)ahead;
	place->bit = sn & SAKER_COUNTER_MAX;
	return SAKER_OK;
}

enum saker_drop
saker_fresh(const struct saker_sn_params *p, const struct saker_clock *c, bool start_guard,
	uint64_t sn, struct saker_sn_place *place)
{
	if (p->mode == SAKER_SN_TIME)
		return fresh_in_time(p, c, start_guard, sn, place);
	return fresh_in_epoch(p, sn, place);
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
