/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_freshness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define DAY_MS 86400000ULL
#define NOW    (20000 * DAY_MS + 50000) /* epoch 20000, slot 500 */

static const struct saker_sn_params in_time = {
	.mode = SAKER_SN_TIME,
	.epoch_seconds = 86400,
	.slot_ms = 100,
	.window_ms = 2000,
	.skew_ms = 500,
	.rekey_shift = -1,
};

static const struct saker_sn_params in_order = {
	.mode = SAKER_SN_COUNTER,
	.epoch = 70000, /* 4464 on the wire */
	.rekey_shift = -1,
};

static uint64_t
sn_of(uint64_t epoch, uint64_t slot, uint64_t seq)
{
	return (uint64_t)saker_sn_make(epoch, slot << SAKER_SEQ_BITS | seq);
}

/* Check as a receiver that has run for a while. */
static enum saker_drop
check(const struct saker_sn_params *p, uint64_t now, uint64_t sn, struct saker_sn_place *place)
{
	struct saker_clock c;

	saker_clock_start(&c, 0);
	saker_clock_step(&c, now);
	return saker_fresh(p, &c, true, sn, place);
}

static void
assert_placed(const struct saker_sn_params *p, uint64_t now, uint64_t sn, uint64_t run)
{
	struct saker_sn_place place = { 0 };

	assert_int_equal(check(p, now, sn, &place), SAKER_OK);
	assert_int_equal(place.run, run);
	assert_int_equal(
		place.bit, p->mode == SAKER_SN_TIME ? sn & SAKER_SEQ_MAX : sn & SAKER_COUNTER_MAX);
}

static void
assert_drops(const struct saker_sn_params *p, uint64_t now, uint64_t sn, enum saker_drop why)
{
	struct saker_sn_place place;

	assert_string_equal(
		saker_drop_info[check(p, now, sn, &place)].name, saker_drop_info[why].name);
}

static void
clock_never_goes_back(void **state)
{
	struct saker_clock c;

	(void)state;
	saker_clock_start(&c, 1000);
	saker_clock_step(&c, 900);
	assert_int_equal(c.now_ms, 1000);
	saker_clock_step(&c, 1100);
	saker_clock_step(&c, 1050);
	assert_int_equal(c.now_ms, 1100);
	assert_int_equal(c.start_ms, 1000);
}

static void
accepts_slots_from_window_before_to_skew_after(void **state)
{
	(void)state;
	assert_placed(&in_time, NOW, sn_of(20000, 500, 7), 20000 * 864000ULL + 500);
	assert_placed(&in_time, NOW, sn_of(20000, 480, 7), 20000 * 864000ULL + 480);
	assert_drops(&in_time, NOW, sn_of(20000, 479, 7), SAKER_DROP_STALE);
	assert_drops(&in_time, NOW + 1, sn_of(20000, 480, 7), SAKER_DROP_STALE);
	assert_placed(&in_time, NOW, sn_of(20000, 505, 7), 20000 * 864000ULL + 505);
	assert_drops(&in_time, NOW, sn_of(20000, 506, 7), SAKER_DROP_FUTURE);
	assert_drops(&in_time, NOW - 1, sn_of(20000, 505, 7), SAKER_DROP_FUTURE);
}

static void
refuses_other_epochs(void **state)
{
	(void)state;
	assert_drops(&in_time, NOW, sn_of(19999, 500, 7), SAKER_DROP_STALE);
	assert_drops(&in_time, NOW, sn_of(20001, 500, 7), SAKER_DROP_FUTURE);
	assert_drops(&in_time, NOW, sn_of(20000 + 32767, 500, 7), SAKER_DROP_FUTURE);
	assert_drops(&in_time, NOW, sn_of(20000 + 32769, 500, 7), SAKER_DROP_STALE);
	/* Half of all epochs away the slot decides which way is nearer. */
	assert_drops(&in_time, NOW, sn_of(20000 + 32768, 499, 7), SAKER_DROP_FUTURE);
	assert_drops(&in_time, NOW, sn_of(20000 + 32768, 501, 7), SAKER_DROP_STALE);
}

static void
maps_over_the_border_of_an_epoch(void **state)
{
	uint64_t midnight = 20001 * DAY_MS, first = 20001 * 864000ULL;

	(void)state;
	assert_placed(&in_time, midnight, sn_of(20000, 863990, 1), first - 10);
	assert_placed(&in_time, midnight - 100, sn_of(20001, 4, 1), first + 4);
}

static void
maps_slots_past_the_end_of_an_epoch_arithmetically(void **state)
{
	(void)state;
	assert_placed(&in_time, 20001 * DAY_MS, sn_of(20000, 864003, 0), 20001 * 864000ULL + 3);
}

static void
maps_over_the_wrap_of_the_16_bit_epoch(void **state)
{
	uint64_t wrap = 65536 * DAY_MS, first = 65536 * 864000ULL;

	(void)state;
	assert_placed(&in_time, wrap + 100, sn_of(65535, 863999, 1), first - 1);
	assert_placed(&in_time, wrap - 100, sn_of(0, 3, 1), first + 3);
	assert_drops(&in_time, wrap - 100, sn_of(1, 3, 1), SAKER_DROP_FUTURE);
	assert_placed(&in_time, 5 * wrap - 1, sn_of(65536 * 5ULL, 2, 1), 5 * first + 2);
}

static void
stands_at_the_beginning_of_time(void **state)
{
	struct saker_clock c;
	struct saker_sn_place place;

	(void)state;
	assert_drops(&in_time, 0, sn_of(65535, 863999, 1), SAKER_DROP_STALE);
	assert_drops(&in_time, 100, sn_of(0, 7, 1), SAKER_DROP_FUTURE);
	assert_placed(&in_time, 700, sn_of(0, 6, 1), 6);
	saker_clock_start(&c, 0);
	assert_int_equal(saker_fresh(&in_time, &c, false, sn_of(0, 0, 1), &place), SAKER_OK);
	assert_int_equal(saker_oldest_run(&in_time, &c), 0);
}

static void
refuses_slots_up_to_skew_after_the_start(void **state)
{
	struct saker_clock c;
	struct saker_sn_place place;

	(void)state;
	saker_clock_start(&c, NOW);
	saker_clock_step(&c, NOW + 600);
	assert_int_equal(saker_fresh(&in_time, &c, true, sn_of(20000, 505, 1), &place),
		SAKER_DROP_START_GUARD);
	assert_int_equal(saker_fresh(&in_time, &c, false, sn_of(20000, 505, 1), &place), SAKER_OK);
	assert_int_equal(saker_fresh(&in_time, &c, true, sn_of(20000, 506, 1), &place), SAKER_OK);
}

static void
accepts_epochs_next_to_the_current_one(void **state)
{
	(void)state;
	assert_placed(&in_order, NOW, sn_of(4464, 3, 9), 70001);
	assert_placed(&in_order, NOW, sn_of(4463, 0, 1), 70000);
	assert_placed(&in_order, NOW, sn_of(4465, 0xffffff, 0xffffff), 70002);
	assert_drops(&in_order, NOW, sn_of(4462, 0, 1), SAKER_DROP_EPOCH_RANGE);
	assert_drops(&in_order, NOW, sn_of(4466, 0, 1), SAKER_DROP_EPOCH_RANGE);
	assert_drops(&in_order, NOW, sn_of(4464 + 32768, 0, 1), SAKER_DROP_EPOCH_RANGE);
}

static void
compares_epochs_over_the_wrap(void **state)
{
	struct saker_sn_params p = in_order;

	(void)state;
	p.epoch = 65535;
	assert_placed(&p, 0, sn_of(0, 0, 1), 65537);
	p.epoch = 65536;
	assert_placed(&p, 0, sn_of(65535, 0, 1), 65536);
	p.epoch = 0;
	assert_placed(&p, 0, sn_of(1, 0, 1), 2);
	assert_placed(&p, 0, sn_of(65535, 0, 1), 0);
}

static void
accepts_a_lifetime_of_epochs_and_all_newer_ones_in_tss(void **state)
{
	struct saker_sn_params p = in_order;
	struct saker_clock c;

	(void)state;
	p.newer_epochs = true;
	p.epoch_lifetime = 16;
	assert_placed(&p, NOW, sn_of(4464, 3, 9), 70001);
	assert_placed(&p, NOW, sn_of(4448, 0, 0), 69985);
	assert_drops(&p, NOW, sn_of(4447, 0, 1), SAKER_DROP_LATE);
	assert_placed(&p, NOW, sn_of(4464 + 32767, 0, 1), 70001 + 32767);
	assert_drops(&p, NOW, sn_of(4464 + 32768, 0, 1), SAKER_DROP_LATE);
	saker_clock_start(&c, NOW);
	assert_int_equal(saker_oldest_run(&p, &c), 69985);
	p.epoch_lifetime = 0;
	assert_drops(&p, NOW, sn_of(4463, 0, 1), SAKER_DROP_LATE);
	/* nothing lies before the first epoch */
	p.epoch = 3;
	p.epoch_lifetime = 16;
	assert_placed(&p, NOW, sn_of(0, 0, 0), 1);
	assert_drops(&p, NOW, sn_of(65530, 0, 0), SAKER_DROP_LATE);
	assert_int_equal(saker_oldest_run(&p, &c), 0);
}

static void
oldest_run_is_the_first_that_is_fresh(void **state)
{
	struct saker_sn_params p = in_time;
	struct saker_clock c;

	(void)state;
	srand(3);
	for (int i = 0; i < 20000; i++) {
		uint64_t now = (uint64_t)rand() * 1000 + (uint64_t)(rand() % 100000), oldest;
		struct saker_sn_place place;
		saker_sn sn;

		p.slot_ms = 1u << rand() % 8; /* divides 2^7 * 10^3 ms evenly */
		p.epoch_seconds = 128;
		p.window_ms = (uint32_t)(rand() % 3000);
		saker_clock_start(&c, now);
		oldest = saker_oldest_run(&p, &c);
		sn = saker_sn_at(&p, oldest * p.slot_ms);
		if (oldest * p.slot_ms > now + p.skew_ms)
			continue;
		assert_int_equal(saker_fresh(&p, &c, false, (uint64_t)sn, &place), SAKER_OK);
		assert_int_equal(place.run, oldest);
		if (oldest == 0)
			continue;
		sn = saker_sn_at(&p, (oldest - 1) * p.slot_ms);
		assert_int_equal(
			saker_fresh(&p, &c, false, (uint64_t)sn, &place), SAKER_DROP_STALE);
	}
	saker_clock_start(&c, 0);
	assert_int_equal(saker_oldest_run(&in_order, &c), 70000);
	p = in_order;
	p.epoch = 0;
	assert_int_equal(saker_oldest_run(&p, &c), 0);
}

static void
receiver_places_what_a_sender_takes(void **state)
{
	(void)state;
	srand(2);
	for (int i = 0; i < 20000; i++) {
		uint64_t now = (uint64_t)rand() * 4000 + (uint64_t)rand() % 4000;
		saker_sn sn = saker_sn_at(&in_time, now + (uint64_t)(rand() % 500));

		if (now < 1000)
			continue;
		assert_placed(&in_time, now, (uint64_t)sn,
			saker_sn_unix_ms(&in_time, sn) / in_time.slot_ms);
	}
}

static void
refuses_what_windows_younger_than_the_start_have_not_seen(void **state)
{
	struct saker_fresh_base b = { .since_ms = NOW - 300 };
	struct saker_sn_place place;
	struct saker_clock c;

	(void)state;
	saker_clock_start(&c, 0);
	saker_clock_step(&c, NOW);
	saker_fresh_prepare(&b, &in_time, &c, false);
	assert_int_equal(saker_fresh_at(&b, sn_of(20000, 497, 1), &place), SAKER_DROP_START_GUARD);
	assert_int_equal(saker_fresh_at(&b, sn_of(20000, 498, 1), &place), SAKER_OK);
	saker_clock_step(&c, NOW + 1);
	saker_fresh_prepare(&b, &in_time, &c, false);
	assert_int_equal(b.since_ms, NOW - 300);
	assert_int_equal(saker_fresh_at(&b, sn_of(20000, 497, 1), &place), SAKER_DROP_START_GUARD);
}

static void
packets_of_one_slot_share_its_verdict_until_the_clock_moves(void **state)
{
	struct saker_fresh_base b = { 0 };
	struct saker_sn_place place, other;
	struct saker_clock c;

	(void)state;
	saker_clock_start(&c, 0);
	saker_clock_step(&c, NOW);
	saker_fresh_prepare(&b, &in_time, &c, false);
	for (uint64_t slot = 470; slot < 515; slot++)
		for (uint64_t seq = 1; seq < 3; seq++) {
			uint64_t sn = sn_of(20000, slot, seq);
			enum saker_drop why = saker_fresh_next(&b, sn, &place);

			assert_int_equal(why, saker_fresh_at(&b, sn, &other));
			if (why == SAKER_OK)
				assert_memory_equal(&place, &other, sizeof(place));
		}
	assert_int_equal(saker_fresh_next(&b, sn_of(20000, 480, 1), &place), SAKER_OK);
	saker_clock_step(&c, NOW + 1000);
	saker_fresh_prepare(&b, &in_time, &c, false);
	assert_int_equal(saker_fresh_next(&b, sn_of(20000, 480, 2), &place), SAKER_DROP_STALE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_windows_younger_than_the_start_have_not_seen),
		cmocka_unit_test(clock_never_goes_back),
		cmocka_unit_test(accepts_slots_from_window_before_to_skew_after),
		cmocka_unit_test(refuses_other_epochs),
		cmocka_unit_test(maps_over_the_border_of_an_epoch),
		cmocka_unit_test(maps_slots_past_the_end_of_an_epoch_arithmetically),
		cmocka_unit_test(maps_over_the_wrap_of_the_16_bit_epoch),
		cmocka_unit_test(stands_at_the_beginning_of_time),
		cmocka_unit_test(refuses_slots_up_to_skew_after_the_start),
		cmocka_unit_test(accepts_epochs_next_to_the_current_one),
		cmocka_unit_test(compares_epochs_over_the_wrap),
		cmocka_unit_test(accepts_a_lifetime_of_epochs_and_all_newer_ones_in_tss),
		cmocka_unit_test(oldest_run_is_the_first_that_is_fresh),
		cmocka_unit_test(receiver_places_what_a_sender_takes),
		cmocka_unit_test(packets_of_one_slot_share_its_verdict_until_the_clock_moves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
