/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kat_vectors.h"
#include "saker_freshness.h"

static struct saker_sn_params
params_of(const struct kat_sn *k)
{
	return (struct saker_sn_params){
		.mode = SAKER_SN_TIME,
		.epoch_seconds = k->epoch_seconds,
		.slot_ms = k->slot_ms,
		.window_ms = 2000,
		.skew_ms = 500,
		.rekey_shift = -1,
		.max_blocks = UINT64_MAX,
	};
}

static saker_sn
last_of(const struct kat_sn *k)
{
	return (saker_sn)k->last_hi << 64 | k->last_lo;
}

static saker_sn
next_of(const struct kat_sn *k)
{
	return (saker_sn)k->next_hi << 64 | k->next_lo;
}

static void
clock_gives_epoch_and_slot(void **state)
{
	(void)state;
	for (size_t i = 0; i < KAT_COUNT(kat_sns); i++) {
		struct saker_sn_params p = params_of(&kat_sns[i]);
		saker_sn at = saker_sn_at(&p, kat_sns[i].unix_ms);

		assert_int_equal(saker_sn_epoch(at), kat_sns[i].epoch);
		assert_int_equal(saker_sn_counter(at) >> SAKER_SEQ_BITS, kat_sns[i].slot);
		assert_int_equal(saker_sn_counter(at) & SAKER_SEQ_MAX, 1);
	}
}

static void
next_sn_is_as_known(void **state)
{
	(void)state;
	for (size_t i = 0; i < KAT_COUNT(kat_sns); i++) {
		const struct kat_sn *k = &kat_sns[i];
		struct saker_sn_params p = params_of(k);
		saker_sn next = saker_sn_next(&p, k->unix_ms, last_of(k));

		assert_true(next == next_of(k));
		assert_int_equal((uint64_t)next, k->on_wire);
	}
}

static void
line_grants_the_known_sn(void **state)
{
	const uint16_t blocks = 1;

	(void)state;
	for (size_t i = 0; i < KAT_COUNT(kat_sns); i++) {
		const struct kat_sn *k = &kat_sns[i];
		struct saker_sn_params p = params_of(k);
		struct saker_sn_grant g;
		struct saker_sn_line l;

		saker_sn_line_init(&l, &p, 0, saker_sn_epoch(next_of(k)), 0);
		l.last = last_of(k);
		saker_sn_line_limit(&l, next_of(k) + 1);
		g = saker_sn_take(&l, k->unix_ms, &blocks, 1);
		assert_int_equal(g.n, 1);
		assert_int_equal(g.first, k->on_wire);
		assert_int_equal(g.epoch, saker_sn_epoch(next_of(k)));
		g = saker_sn_take(&l, k->unix_ms, &blocks, 1);
		assert_int_equal(g.why, SAKER_DROP_SN_UNRESERVED);
	}
}

static void
receiver_with_the_same_clock_finds_it_fresh(void **state)
{
	(void)state;
	for (size_t i = 0; i < KAT_COUNT(kat_sns); i++) {
		const struct kat_sn *k = &kat_sns[i];
		struct saker_sn_params p = params_of(k);
		struct saker_sn_place place;
		struct saker_clock c;

		saker_clock_start(&c, k->unix_ms);
		assert_int_equal(saker_fresh(&p, &c, false, k->on_wire, &place), SAKER_OK);
		assert_int_equal(place.run, saker_sn_unix_ms(&p, next_of(k)) / k->slot_ms);
		assert_int_equal(place.bit, k->on_wire & SAKER_SEQ_MAX);
	}
}

static void
next_sn_depends_on_every_part_of_the_known_answer(void **state)
{
	unsigned int moved = 0;

	(void)state;
	for (size_t i = 0; i < KAT_COUNT(kat_sns); i++) {
		const struct kat_sn *k = &kat_sns[i];
		struct saker_sn_params p = params_of(k);

		assert_true(saker_sn_next(&p, k->unix_ms, next_of(k)) != next_of(k));
		p.slot_ms++;
		moved += saker_sn_next(&p, k->unix_ms, last_of(k)) != next_of(k);
	}
	assert_true(moved > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clock_gives_epoch_and_slot),
		cmocka_unit_test(next_sn_is_as_known),
		cmocka_unit_test(line_grants_the_known_sn),
		cmocka_unit_test(receiver_with_the_same_clock_finds_it_fresh),
		cmocka_unit_test(next_sn_depends_on_every_part_of_the_known_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
