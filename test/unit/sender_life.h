/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SENDER_LIFE_H
#define SENDER_LIFE_H

/**
 * @file
 * One sender that lives, is killed and lives again on the same state directory.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "saker_sn_keeper.h"
#include "state_dir.h"

#define DAY_MS 86400000ULL
#define NOW    (20000 * DAY_MS + 50000) /* epoch 20000, slot 500 */

static const struct saker_sn_params in_time = {
	.mode = SAKER_SN_TIME,
	.epoch_seconds = 86400,
	.slot_ms = 100,
	.window_ms = 2000,
	.skew_ms = 500,
	.rekey_shift = 24,
	.max_blocks = 1ULL << 44,
};

static const struct saker_sn_params in_order = {
	.mode = SAKER_SN_COUNTER,
	.epoch = 7,
	.rekey_shift = -1,
	.max_blocks = 1ULL << 44,
};

static const struct saker_sn_id line_id = {
	.format = 'E', .spi = 0x1001, .source = { 10, 0, 0, 1 }, .source_len = 4, .mk_check = { 1 }
};

static const uint16_t one_block[64] = {
	[0 ... 63] = 1,
};

/** A state directory, and one life of a sender in it. */
struct place {
	struct state_dir state;
	struct saker_faults faults;
	struct saker_sn_id id;
	struct saker_sn_params params;
	struct saker_sn_keeper *keeper;
	struct saker_sn_line line;
};

/** Set-up of a test. */
static inline int
make_place(void **state)
{
	struct place *at = aligned_alloc(_Alignof(struct place), sizeof(*at));

	memset(at, 0, sizeof(*at));
	if (state_dir_make(&at->state) != 0)
		return -1;
	at->id = line_id;
	at->params = in_time;
	*state = at;
	return 0;
}

/** Tear-down of a test. */
static inline int
remove_place(void **state)
{
	struct place *at = *state;

	saker_sn_keeper_free(at->keeper);
	state_dir_remove(&at->state);
	saker_faults_free(&at->faults);
	free(at);
	return 0;
}

/** Nothing is written at the end of a life, so that this is what a kill leaves too. */
static inline void
end_life(struct place *at)
{
	saker_sn_keeper_free(at->keeper);
	at->keeper = NULL;
	saker_faults_free(&at->faults);
}

/** End the life before; begin one without a first reservation. */
static inline int
try_life(struct place *at, uint64_t now)
{
	struct saker_sn_store *store;

	end_life(at);
	store = saker_sn_store_open(at->state.dir, &at->faults);
	assert_non_null(store);
	at->keeper = saker_sn_keeper_create(store);
	assert_non_null(at->keeper);
	return saker_sn_keeper_add(at->keeper, &at->id, &at->params, &at->line, now, &at->faults);
}

/** End the life before; begin one that may send once its time has come. */
static inline void
begin_life(struct place *at, uint64_t now)
{
	assert_int_equal(try_life(at, now), 0);
	assert_int_equal(saker_sn_keeper_renew(at->keeper, now), 0);
}

/** First SN of a grant, unwrapped. */
static inline saker_sn
sn_of(struct saker_sn_grant g)
{
	return (saker_sn)(g.epoch >> 16) << 64 | g.first;
}

/** What the sender may not reach. */
static inline saker_sn
limit_of(const struct place *at)
{
	return saker_sn_line_limit_get(&at->line);
}

/** Why a packet gets no SN, or SAKER_OK. */
static inline enum saker_drop
try_one(struct place *at, uint64_t now)
{
	return saker_sn_take(&at->line, now, one_block, 1).why;
}

/** The SN of a packet that must get one. */
static inline saker_sn
take_one(struct place *at, uint64_t now)
{
	struct saker_sn_grant g = saker_sn_take(&at->line, now, one_block, 1);

	assert_string_equal(saker_drop_info[g.why].name, "ok");
	return sn_of(g);
}

#endif
