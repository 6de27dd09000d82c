/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "sn_lines.h"

#include <pthread.h>

/* slots per epoch one short of what the counter can hold: 16777000 of 16777216 */
static const struct saker_sn_params long_epoch = {
	.mode = SAKER_SN_TIME,
	.epoch_seconds = 16777,
	.slot_ms = 1,
	.skew_ms = 2000,
	.rekey_shift = -1,
	.max_blocks = UINT64_MAX,
};

static void
grants_nothing_before_a_limit_is_published(void **state)
{
	struct saker_sn_line l;

	(void)state;
	saker_sn_line_init(&l, &in_time, 0, 20000, 0);
	assert_grant(saker_sn_take(&l, NOW, one_block, 1), 0, 0, SAKER_DROP_SN_UNRESERVED);
	saker_sn_line_limit(&l, sn_of(20000, 500, 4));
	assert_grant(saker_sn_take(&l, NOW, one_block, 8), sn_of(20000, 500, 1), 3,
		SAKER_DROP_SN_UNRESERVED);
	assert_grant(saker_sn_take(&l, NOW, one_block, 8), 0, 0, SAKER_DROP_SN_UNRESERVED);
}

static void
grants_nothing_on_a_line_that_was_never_made_ready(void **state)
{
	struct saker_sn_line l = { 0 };

	(void)state;
	assert_grant(saker_sn_take(&l, NOW, one_block, 9), 0, 0, SAKER_DROP_SN_UNRESERVED);
}

static void
runs_densely_within_a_slot_and_jumps_with_it(void **state)
{
	struct saker_sn_line l;

	(void)state;
	line_open(&l, &in_time, 0);
	l.mk_first = 20000;
	assert_grant(saker_sn_take(&l, NOW, one_block, 64), sn_of(20000, 500, 1), 64, SAKER_OK);
	assert_grant(saker_sn_take(&l, NOW + 99, one_block, 2), sn_of(20000, 500, 65), 2, SAKER_OK);
	assert_grant(saker_sn_take(&l, NOW + 100, one_block, 1), sn_of(20000, 501, 1), 1, SAKER_OK);
	assert_grant(
		saker_sn_take(&l, 20001 * DAY_MS, one_block, 1), sn_of(20001, 0, 1), 1, SAKER_OK);
	assert_grant(saker_sn_take(&l, 20001 * DAY_MS, one_block, 0), 0, 0, SAKER_OK);
}

static void
goes_on_counting_when_the_clock_steps_back_by_no_more_than_half_the_skew(void **state)
{
	struct saker_sn_line l;

	(void)state;
	line_open(&l, &in_time, sn_of(20000, 499, 9));
	assert_grant(saker_sn_take(&l, NOW, one_block, 1), sn_of(20000, 500, 1), 1, SAKER_OK);
	l.start_ms = 0;
	assert_grant(saker_sn_take(&l, NOW - 250, one_block, 2), sn_of(20000, 500, 2), 2, SAKER_OK);
	assert_grant(saker_sn_take(&l, NOW - 251, one_block, 2), 0, 0, SAKER_DROP_CLOCK_AHEAD);
	assert_grant(saker_sn_take(&l, 0, one_block, 2), 0, 0, SAKER_DROP_CLOCK_AHEAD);
	assert_grant(saker_sn_take(&l, NOW, one_block, 1), sn_of(20000, 500, 4), 1, SAKER_OK);
}

static void
waits_for_the_clock_to_reach_the_first_slot(void **state)
{
	struct saker_sn_line l;

	(void)state;
	line_open(&l, &in_time, sn_of(20000, 500, 0));
	assert_grant(saker_sn_take(&l, NOW - 1, one_block, 1), 0, 0, SAKER_DROP_CLOCK_AHEAD);
	assert_grant(saker_sn_take(&l, NOW, one_block, 1), sn_of(20000, 500, 1), 1, SAKER_OK);
}

static void
runs_into_the_next_slot_when_seq_overflows(void **state)
{
	struct saker_sn_line l;

	(void)state;
	line_open(&l, &in_time, sn_of(20000, 500, SAKER_SEQ_MAX - 2));
	assert_grant(saker_sn_take(&l, NOW, one_block, 4), sn_of(20000, 500, SAKER_SEQ_MAX - 1), 4,
		SAKER_OK);
	assert_true(l.last == sn_of(20000, 501, 1));
}

static void
holds_every_sn_of_a_grant_to_the_clock_rule(void **state)
{
	struct saker_sn_line l;

	(void)state;
	line_open(&l, &in_time, 0);
	l.mk_first = 20000;
	l.last = sn_of(20000, 502, SAKER_SEQ_MAX - 3);
	assert_grant(saker_sn_take(&l, NOW + 49, one_block, 8),
		sn_of(20000, 502, SAKER_SEQ_MAX - 2), 3, SAKER_DROP_CLOCK_AHEAD);
	assert_grant(saker_sn_take(&l, NOW + 49, one_block, 8), 0, 0, SAKER_DROP_CLOCK_AHEAD);
	assert_grant(saker_sn_take(&l, NOW + 50, one_block, 8), sn_of(20000, 503, 0), 8, SAKER_OK);
}

static void
never_crosses_an_epoch_within_one_grant(void **state)
{
	struct saker_sn_line l;
	uint64_t now;

	(void)state;
	line_open(&l, &long_epoch, 0);
	l.mk_first = 90000;
	l.last = saker_sn_make(90000, SAKER_COUNTER_MAX - 2);
	now = saker_sn_unix_ms(&long_epoch, l.last) - 500;
	assert_grant(saker_sn_take(&l, now, one_block, 5),
		saker_sn_make(90000, SAKER_COUNTER_MAX - 1), 2, SAKER_OK);
	assert_grant(saker_sn_take(&l, now, one_block, 3), saker_sn_make(90001, 0), 3, SAKER_OK);
}

static void
never_grants_an_sn_that_is_zero_on_the_wire(void **state)
{
	struct saker_sn_line l;
	uint64_t now;

	(void)state;
	line_open(&l, &long_epoch, 0);
	l.mk_first = 65535;
	l.last = saker_sn_make(65535, SAKER_COUNTER_MAX);
	now = saker_sn_unix_ms(&long_epoch, l.last + 1) - 500;
	assert_grant(saker_sn_take(&l, now, one_block, 3), saker_sn_make(65536, 1), 3, SAKER_OK);
}

static void
counts_from_one_in_the_counter_discipline(void **state)
{
	struct saker_sn_line l;

	(void)state;
	line_open(&l, &in_order, saker_sn_make(7, 0));
	assert_grant(saker_sn_take(&l, 0, one_block, 64), saker_sn_make(7, 1), 64, SAKER_OK);
	assert_grant(saker_sn_take(&l, NOW, one_block, 1), saker_sn_make(7, 65), 1, SAKER_OK);
	line_open(&l, &in_order, saker_sn_make(3, 99));
	assert_grant(saker_sn_take(&l, 0, one_block, 1), saker_sn_make(7, 1), 1, SAKER_OK);
}

static void
refuses_when_the_counter_is_used_up_and_never_wraps(void **state)
{
	struct saker_sn_line l;

	(void)state;
	line_open(&l, &in_order, saker_sn_make(7, SAKER_COUNTER_MAX - 2));
	assert_grant(saker_sn_take(&l, 0, one_block, 5), saker_sn_make(7, SAKER_COUNTER_MAX - 1), 2,
		SAKER_DROP_SN_EXHAUSTED);
	for (int i = 0; i < 3; i++)
		assert_grant(saker_sn_take(&l, 0, one_block, 5), 0, 0, SAKER_DROP_SN_EXHAUSTED);
}

static void
ends_at_the_last_counter_that_a_group_has(void **state)
{
	struct saker_sn_params params = in_order;
	struct saker_sn_line l;

	(void)state;
	params.counter_max = UINT32_MAX;
	line_open(&l, &params, saker_sn_make(7, UINT32_MAX - 2));
	assert_grant(saker_sn_take(&l, 0, one_block, 5), saker_sn_make(7, UINT32_MAX - 1), 2,
		SAKER_DROP_SN_EXHAUSTED);
	assert_grant(saker_sn_take(&l, 0, one_block, 5), 0, 0, SAKER_DROP_SN_EXHAUSTED);
	/* As after a restart with all of it reserved. */
	line_open(&l, &params, saker_sn_make(7, UINT32_MAX) + 5);
	assert_grant(saker_sn_take(&l, 0, one_block, 5), 0, 0, SAKER_DROP_SN_EXHAUSTED);
	assert_false(saker_sn_params_equal(&params, &in_order));
}

static void
keeps_the_higher_of_two_limits(void **state)
{
	struct saker_sn_line l;

	(void)state;
	saker_sn_line_init(&l, &in_order, saker_sn_make(7, 0), 7, 0);
	assert_true(saker_sn_line_limit_get(&l) == 0);
	saker_sn_line_limit(&l, saker_sn_make(7, 11));
	saker_sn_line_limit(&l, saker_sn_make(7, 3));
	assert_true(saker_sn_line_limit_get(&l) == saker_sn_make(7, 11));
	assert_grant(saker_sn_take(&l, 0, one_block, 20), saker_sn_make(7, 1), 10,
		SAKER_DROP_SN_UNRESERVED);
}

static void
refuses_a_master_key_that_is_2_15_epochs_old(void **state)
{
	struct saker_sn_line l;
	uint64_t last_day = (20000 + SAKER_MK_EPOCHS - 1) * DAY_MS;

	(void)state;
	line_open(&l, &in_time, 0);
	l.mk_first = 20000;
	assert_int_equal(saker_sn_take(&l, last_day, one_block, 1).n, 1);
	assert_grant(
		saker_sn_take(&l, last_day + DAY_MS, one_block, 1), 0, 0, SAKER_DROP_MK_EXPIRED);
}

static void
refuses_an_epoch_before_the_first_of_the_master_key(void **state)
{
	struct saker_sn_line l;

	(void)state;
	line_open(&l, &in_time, 0);
	l.mk_first = 20001;
	assert_grant(saker_sn_take(&l, NOW, one_block, 1), 0, 0, SAKER_DROP_MK_EXPIRED);
}

static void
stops_before_a_data_key_passes_its_blocks(void **state)
{
	const uint16_t blocks[4] = { 40, 40, 21, 20 };
	struct saker_sn_params p = in_order;
	struct saker_sn_line l;

	(void)state;
	p.max_blocks = 100;
	line_open(&l, &p, saker_sn_make(7, 0));
	assert_grant(
		saker_sn_take(&l, 0, blocks, 4), saker_sn_make(7, 1), 2, SAKER_DROP_KEY_EXHAUSTED);
	assert_grant(saker_sn_take(&l, 0, blocks + 3, 1), saker_sn_make(7, 3), 1, SAKER_OK);
	assert_grant(saker_sn_take(&l, 0, one_block, 1), 0, 0, SAKER_DROP_KEY_EXHAUSTED);
}

static void
counts_on_from_the_blocks_of_an_earlier_life(void **state)
{
	struct saker_sn_params p = in_order;
	struct saker_sn_line l;

	(void)state;
	p.max_blocks = 100;
	saker_sn_line_init(&l, &p, saker_sn_make(7, 50), 7, 98);
	saker_sn_line_limit(&l, no_limit);
	assert_grant(saker_sn_take(&l, 0, one_block, 5), saker_sn_make(7, 51), 2,
		SAKER_DROP_KEY_EXHAUSTED);
}

static void
counts_blocks_anew_when_the_epoch_brings_another_key(void **state)
{
	struct saker_sn_params p = in_time;
	struct saker_sn_line l;

	(void)state;
	p.max_blocks = 10;
	line_open(&l, &p, 0);
	l.mk_first = 20000;
	assert_int_equal(saker_sn_take(&l, NOW, one_block, 64).n, 10);
	assert_grant(saker_sn_take(&l, NOW + 5000, one_block, 1), 0, 0, SAKER_DROP_KEY_EXHAUSTED);
	assert_int_equal(saker_sn_take(&l, NOW + DAY_MS, one_block, 64).n, 10);
}

static void
counts_blocks_key_by_key_when_a_grant_spans_several(void **state)
{
	const uint16_t blocks[8] = { 5, 5, 5, 5, 5, 5, 5, 6 };
	struct saker_sn_params p = in_order;
	struct saker_sn_line l;

	(void)state;
	p.rekey_shift = 1; /* keys of two SNs: 1, 2 3, 4 5, 6 7, 8 */
	p.max_blocks = 10;
	line_open(&l, &p, saker_sn_make(7, 0));
	assert_grant(saker_sn_take(&l, 0, blocks, 7), saker_sn_make(7, 1), 7, SAKER_OK);
	assert_int_equal(l.blocks, 10);
	line_open(&l, &p, saker_sn_make(7, 1));
	assert_grant(
		saker_sn_take(&l, 0, blocks, 8), saker_sn_make(7, 2), 7, SAKER_DROP_KEY_EXHAUSTED);
}

static void
counts_keys_that_may_come_back_as_one(void **state)
{
	struct saker_sn_params p = in_order, direct = in_order;
	struct saker_sn_line l;

	(void)state;
	p.rekey_shift = 1;
	p.rekey_mask = 2; /* two keys by turns */
	direct.one_key = true;
	p.max_blocks = direct.max_blocks = 10;
	line_open(&l, &p, saker_sn_make(7, 0));
	assert_int_equal(saker_sn_take(&l, 0, one_block, 64).n, 10);
	line_open(&l, &direct, saker_sn_make(7, 0));
	assert_int_equal(saker_sn_take(&l, 0, one_block, 6).n, 6);
	l.params.epoch++;
	assert_int_equal(saker_sn_take(&l, 0, one_block, 6).n, 4);
}

static void
keeps_to_the_blocks_reserved_for_the_key_of_the_limit(void **state)
{
	struct saker_sn_line l;

	(void)state;
	saker_sn_line_init(&l, &in_order, saker_sn_make(7, 0), 7, 0);
	saker_sn_line_reserve(&l, saker_sn_make(7, 1000), 20);
	saker_sn_line_reserve(&l, saker_sn_make(7, 1000), 10);
	assert_grant(saker_sn_take(&l, 0, one_block, 64), saker_sn_make(7, 1), 20,
		SAKER_DROP_SN_UNRESERVED);
	saker_sn_line_reserve(&l, saker_sn_make(7, 1000), 30);
	assert_int_equal(saker_sn_take(&l, 0, one_block, 64).n, 10);
	saker_sn_line_reserve(&l, saker_sn_make(8, 1000), 1);
	assert_int_equal(saker_sn_take(&l, 0, one_block, 64).n, 64);
}

static void
publishes_what_was_used(void **state)
{
	struct saker_sn_line l;
	uint64_t blocks;

	(void)state;
	line_open(&l, &in_order, saker_sn_make(7, 4));
	assert_true(saker_sn_line_used(&l, &blocks) == saker_sn_make(7, 4));
	saker_sn_take(&l, 0, one_block, 6);
	assert_true(saker_sn_line_used(&l, &blocks) == saker_sn_make(7, 10));
	assert_int_equal(blocks, 6);
}

static void
rises_strictly_whatever_the_clock_does(void **state)
{
	struct saker_sn_params p = in_time;
	struct saker_sn_line l;
	saker_sn last = 0;
	uint64_t now = NOW;
	unsigned int granted = 0;

	(void)state;
	srand(1);
	p.rekey_shift = 24;
	line_open(&l, &p, 0);
	l.mk_first = 19000;
	for (int i = 0; i < 200000; i++) {
		uint64_t step = (uint64_t)rand() % (rand() % 50 == 0 ? DAY_MS : 150);
		struct saker_sn_grant g;
		saker_sn first;

		now = rand() % 2 == 0 || now < 19500 * DAY_MS ? now + step : now - step;
		g = saker_sn_take(&l, now, one_block, (uint16_t)(rand() % 65));
		if (g.n == 0)
			continue;
		first = (saker_sn)(g.epoch >> 16) << 64 | g.first;
		assert_true(first > last);
		last = first + g.n - 1;
		assert_true(saker_sn_unix_ms(&p, last) <= now + p.skew_ms / 2);
		granted++;
	}
	assert_true(granted > 1000);
}

static void
takes_no_time_beyond_all_clocks_for_an_early_one(void **state)
{
	struct saker_sn_line l;

	(void)state;
	assert_int_equal(
		saker_sn_unix_ms(&in_time, saker_sn_make(UINT64_MAX / DAY_MS + 1, 0)), UINT64_MAX);
	line_open(&l, &in_time, saker_sn_make(UINT64_MAX / DAY_MS + 1, 0));
	assert_grant(saker_sn_take(&l, NOW, one_block, 1), 0, 0, SAKER_DROP_CLOCK_AHEAD);
}

static void
keeps_the_old_limit_while_the_keeper_writes(void **state)
{
	struct saker_sn_line l;

	(void)state;
	saker_sn_line_init(&l, &in_order, saker_sn_make(7, 0), 7, 0);
	saker_sn_line_limit(&l, saker_sn_make(7, 3));
	assert_int_equal(saker_sn_take(&l, 0, one_block, 1).n, 1);
	l.shared.version++; /* as between two words of a new limit */
	l.shared.limit_hi = 1;
	assert_grant(saker_sn_take(&l, 0, one_block, 5), saker_sn_make(7, 2), 1,
		SAKER_DROP_SN_UNRESERVED);
	l.shared.version++;
	assert_int_equal(saker_sn_take(&l, 0, one_block, 5).n, 5);
}

#define ROUNDS 200000u

static void *
raise_limits(void *arg)
{
	struct saker_sn_line *l = arg;
	uint64_t blocks;

	for (unsigned int i = 1; i <= ROUNDS; i++) {
		uint64_t used, packets;

		/* both words of the limit say the same, and so do SN and blocks of what is used */
		saker_sn_line_reserve(l, (saker_sn)i << 64 | i, UINT64_MAX);
		used = saker_sn_counter(saker_sn_line_used(l, &blocks));
		packets = saker_sn_line_life(l).packets;
		if (used != blocks || packets < used ||
			packets > saker_sn_counter(saker_sn_line_used(l, &blocks)))
			return l;
	}
	return NULL;
}

static void
worker_and_keeper_never_see_half_a_value(void **state)
{
	struct saker_sn_line l;
	pthread_t keeper;
	void *torn = NULL;
	uint64_t taken = 0;

	(void)state;
	saker_sn_line_init(&l, &in_order, saker_sn_make(7, 0), 7, 0);
	assert_int_equal(pthread_create(&keeper, NULL, raise_limits, &l), 0);
	do {
		saker_sn_take(&l, taken++ / 8, one_block, 1); /* seven of eight unasked */
		assert_int_equal((uint64_t)(l.limit >> 64), (uint64_t)l.limit);
	} while ((uint64_t)l.limit < ROUNDS);
	pthread_join(keeper, &torn);
	assert_null(torn);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grants_nothing_before_a_limit_is_published),
		cmocka_unit_test(grants_nothing_on_a_line_that_was_never_made_ready),
		cmocka_unit_test(runs_densely_within_a_slot_and_jumps_with_it),
		cmocka_unit_test(
			goes_on_counting_when_the_clock_steps_back_by_no_more_than_half_the_skew),
		cmocka_unit_test(waits_for_the_clock_to_reach_the_first_slot),
		cmocka_unit_test(runs_into_the_next_slot_when_seq_overflows),
		cmocka_unit_test(holds_every_sn_of_a_grant_to_the_clock_rule),
		cmocka_unit_test(never_crosses_an_epoch_within_one_grant),
		cmocka_unit_test(never_grants_an_sn_that_is_zero_on_the_wire),
		cmocka_unit_test(counts_from_one_in_the_counter_discipline),
		cmocka_unit_test(refuses_when_the_counter_is_used_up_and_never_wraps),
		cmocka_unit_test(ends_at_the_last_counter_that_a_group_has),
		cmocka_unit_test(keeps_the_higher_of_two_limits),
		cmocka_unit_test(refuses_a_master_key_that_is_2_15_epochs_old),
		cmocka_unit_test(refuses_an_epoch_before_the_first_of_the_master_key),
		cmocka_unit_test(stops_before_a_data_key_passes_its_blocks),
		cmocka_unit_test(counts_on_from_the_blocks_of_an_earlier_life),
		cmocka_unit_test(counts_blocks_anew_when_the_epoch_brings_another_key),
		cmocka_unit_test(counts_blocks_key_by_key_when_a_grant_spans_several),
		cmocka_unit_test(counts_keys_that_may_come_back_as_one),
		cmocka_unit_test(keeps_to_the_blocks_reserved_for_the_key_of_the_limit),
		cmocka_unit_test(publishes_what_was_used),
		cmocka_unit_test(rises_strictly_whatever_the_clock_does),
		cmocka_unit_test(takes_no_time_beyond_all_clocks_for_an_early_one),
		cmocka_unit_test(keeps_the_old_limit_while_the_keeper_writes),
		cmocka_unit_test(worker_and_keeper_never_see_half_a_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
