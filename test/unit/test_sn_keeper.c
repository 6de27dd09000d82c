/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <errno.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sender_life.h"

#define CHUNK (1u << 26) /* SNs of a reservation in the counter discipline */

static void
assert_told(const struct place *at, const char *text)
{
	assert_int_equal(at->faults.n, 1);
	if (strstr(at->faults.text[0], text) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", at->faults.text[0], text);
}

static void
starts_a_new_line_as_if_it_had_just_reserved(void **state)
{
	struct place *at = *state;
	uint64_t wait;

	begin_life(at, NOW);
	wait = saker_sn_keeper_wait_ms(at->keeper, NOW);
	assert_in_range(wait, 250, 350);
	assert_int_equal(try_one(at, NOW + wait - 1), SAKER_DROP_CLOCK_AHEAD);
	assert_int_equal(saker_sn_keeper_wait_ms(at->keeper, NOW + wait), 0);
	assert_int_equal(saker_sn_keeper_wait_ms(at->keeper, NOW + DAY_MS), 0);
	saker_sn_keeper_renew(at->keeper, NOW + wait);
	assert_true(take_one(at, NOW + wait) == saker_sn_at(&in_time, NOW + wait));
}

static void
reserves_no_slot_further_ahead_than_half_the_skew(void **state)
{
	struct place *at = *state;

	for (uint64_t now = NOW; now < NOW + 1000; now += 7) {
		begin_life(at, now);
		assert_true(saker_sn_unix_ms(&in_time, limit_of(at)) <= now + 250);
	}
}

static void
starts_at_the_reservation_of_the_life_before(void **state)
{
	struct place *at = *state;
	saker_sn promised, first;
	uint64_t wait;

	begin_life(at, NOW);
	saker_sn_keeper_renew(at->keeper, NOW + 1000);
	promised = limit_of(at);
	take_one(at, NOW + 1000);
	begin_life(at, NOW + 1001);
	wait = saker_sn_keeper_wait_ms(at->keeper, NOW + 1001);
	assert_in_range(wait, 1, 350);
	saker_sn_keeper_renew(at->keeper, NOW + 1001 + wait);
	first = take_one(at, NOW + 1001 + wait);
	assert_true(first >= promised);
	assert_true(first == saker_sn_at(&in_time, NOW + 1001 + wait));
}

static void
starts_at_once_when_the_reservation_has_passed(void **state)
{
	struct place *at = *state;

	begin_life(at, NOW);
	begin_life(at, NOW + 400);
	assert_int_equal(saker_sn_keeper_wait_ms(at->keeper, NOW + 400), 0);
	take_one(at, NOW + 400);
}

static void
stays_above_the_reservation_of_another_master_key(void **state)
{
	struct place *at = *state;
	saker_sn promised;

	begin_life(at, NOW);
	promised = limit_of(at);
	at->id.mk_check[0] = 2;
	begin_life(at, NOW);
	assert_true(at->line.last + 1 >= promised);
	assert_int_equal(at->line.mk_first, 20000);
}

static void
stays_above_a_later_key_when_an_old_one_is_installed_again(void **state)
{
	struct place *at = *state;
	saker_sn promised;

	begin_life(at, NOW);
	at->id.mk_check[0] = 2;
	begin_life(at, NOW + DAY_MS);
	promised = limit_of(at);
	at->id = line_id;
	begin_life(at, NOW);
	assert_true(at->line.last + 1 >= promised);
}

/* A client that held root keys is handed data keys, which may be those of before. */
static void
counts_on_above_every_master_key_where_none_is_known(void **state)
{
	struct place *at = *state;
	saker_sn promised;

	at->params.mode = SAKER_SN_COUNTER;
	at->params.epoch = 7;
	begin_life(at, NOW);
	promised = limit_of(at);
	memset(at->id.mk_check, 0, sizeof(at->id.mk_check));
	begin_life(at, NOW);
	assert_true(take_one(at, NOW) >= promised);
	promised = limit_of(at);
	at->id = line_id;
	begin_life(at, NOW);
	assert_true(take_one(at, NOW) >= promised);
}

static void
waits_long_when_the_clock_was_set_far_back(void **state)
{
	struct place *at = *state;
	uint64_t commits;

	begin_life(at, NOW);
	begin_life(at, NOW - DAY_MS);
	assert_in_range(saker_sn_keeper_wait_ms(at->keeper, NOW - DAY_MS), DAY_MS, DAY_MS + 350);
	assert_int_equal(try_one(at, NOW - DAY_MS), SAKER_DROP_CLOCK_AHEAD);
	commits = saker_sn_keeper_commits(at->keeper);
	assert_int_equal(saker_sn_keeper_renew(at->keeper, NOW - DAY_MS + 5000), 0);
	assert_int_equal(saker_sn_keeper_commits(at->keeper), commits);
	saker_sn_keeper_renew(at->keeper, NOW + 400);
	take_one(at, NOW + 400);
}

static void
never_lowers_a_limit_when_the_clock_steps_back(void **state)
{
	struct place *at = *state;
	saker_sn limit;

	begin_life(at, NOW);
	limit = limit_of(at);
	saker_sn_keeper_renew(at->keeper, NOW - 3000);
	assert_true(limit_of(at) == limit);
}

static void
renews_all_lines_in_one_commit_about_every_quarter_of_the_skew(void **state)
{
	struct place *at = *state;
	struct saker_sn_line more[8];
	struct saker_sn_id id = line_id;
	uint64_t now;

	assert_int_equal(try_life(at, NOW), 0);
	for (int i = 0; i < 8; i++) {
		id.session = (uint16_t)(i + 1);
		assert_int_equal(
			saker_sn_keeper_add(at->keeper, &id, &in_time, &more[i], NOW, &at->faults),
			0);
	}
	for (now = NOW; now < NOW + 10000; now += 10) {
		assert_int_equal(saker_sn_keeper_renew(at->keeper, now), 0);
		for (int i = 0; i < 8; i++)
			assert_true(saker_sn_line_limit_get(&more[i]) > saker_sn_at(&in_time, now));
	}
	assert_in_range(saker_sn_keeper_commits(at->keeper), 40, 100);
}

static void
supplies_a_slot_that_is_longer_than_the_skew(void **state)
{
	struct place *at = *state;

	at->params.slot_ms = 1000;
	begin_life(at, NOW);
	for (uint64_t now = NOW + 2000; now < NOW + 9000; now += 10) {
		saker_sn_keeper_renew(at->keeper, now);
		take_one(at, now);
	}
}

static void
counts_the_life_of_a_master_key_from_its_first_reservation(void **state)
{
	struct place *at = *state;
	uint64_t last_day = NOW + (SAKER_MK_EPOCHS - 1) * DAY_MS;

	begin_life(at, NOW);
	begin_life(at, last_day);
	assert_int_equal(at->line.mk_first, 20000);
	take_one(at, last_day);
	begin_life(at, last_day + DAY_MS);
	assert_int_equal(try_one(at, last_day + DAY_MS), SAKER_DROP_MK_EXPIRED);
	at->id.mk_check[0] = 2;
	begin_life(at, last_day + 2 * DAY_MS);
	assert_int_equal(at->line.mk_first, 20000 + SAKER_MK_EPOCHS + 1);
	take_one(at, last_day + 2 * DAY_MS);
}

static void
publishes_nothing_when_the_commit_fails(void **state)
{
	struct place *at = *state;

	assert_int_equal(try_life(at, NOW), 0);
	assert_int_equal(mkdir(at->state.temp, 0700), 0);
	assert_int_equal(saker_sn_keeper_renew(at->keeper, NOW), -EISDIR);
	assert_true(saker_sn_keeper_failed(at->keeper));
	assert_int_equal(saker_sn_keeper_error(at->keeper), EISDIR);
	assert_true(limit_of(at) == 0);
	assert_int_equal(saker_sn_keeper_start(at->keeper, &at->faults), -EISDIR);
	assert_told(at, "SN reservations can't be written");
	assert_int_equal(try_one(at, NOW + 400), SAKER_DROP_SN_UNRESERVED);
	assert_int_equal(rmdir(at->state.temp), 0);
	assert_int_equal(saker_sn_keeper_renew(at->keeper, NOW + 400), 0);
	assert_false(saker_sn_keeper_failed(at->keeper));
	take_one(at, NOW + 400);
}

static void
counts_from_one_and_goes_on_above_the_reservation(void **state)
{
	struct place *at = *state;

	at->params = in_order;
	begin_life(at, 0);
	assert_int_equal(saker_sn_keeper_wait_ms(at->keeper, 0), 0);
	assert_true(take_one(at, 0) == saker_sn_make(7, 1));
	assert_true(limit_of(at) == saker_sn_make(7, 1 + CHUNK));
	begin_life(at, 0);
	assert_true(take_one(at, 0) == saker_sn_make(7, 1 + CHUNK));
}

/* As if all up to an SN had been used. */
static void
go_on_behind(struct place *at, saker_sn used)
{
	struct saker_sn_line before;

	saker_sn_line_init(&before, &at->params, used, 0, 0);
	saker_sn_line_follow(&at->line, &before, false);
}

static void
extends_a_counter_reservation_when_half_is_used(void **state)
{
	struct place *at = *state;

	at->params = in_order;
	begin_life(at, 0);
	go_on_behind(at, saker_sn_make(7, CHUNK / 2 - 2));
	take_one(at, 0);
	saker_sn_keeper_renew(at->keeper, 0);
	assert_int_equal(saker_sn_keeper_commits(at->keeper), 1);
	go_on_behind(at, saker_sn_make(7, CHUNK / 2 + 1));
	take_one(at, 0);
	saker_sn_keeper_renew(at->keeper, 0);
	assert_int_equal(saker_sn_keeper_commits(at->keeper), 2);
	assert_true(limit_of(at) == saker_sn_make(7, CHUNK / 2 + 3 + CHUNK));
}

static void
reserves_a_small_share_where_there_are_few_counters(void **state)
{
	struct place *at = *state;

	at->params = in_order;
	at->params.counter_max = UINT32_MAX;
	begin_life(at, 0);
	assert_true(limit_of(at) == saker_sn_make(7, 1 + UINT32_MAX / 1024));
	go_on_behind(at, saker_sn_make(7, UINT32_MAX - 2));
	saker_sn_line_limit(&at->line, saker_sn_make(7, UINT32_MAX));
	take_one(at, 0);
	saker_sn_keeper_renew(at->keeper, 0);
	assert_true(limit_of(at) == saker_sn_make(7, (uint64_t)UINT32_MAX + 1));
	begin_life(at, 0);
	assert_int_equal(try_one(at, 0), SAKER_DROP_SN_EXHAUSTED);
}

static void
starts_a_higher_epoch_at_one_and_refuses_a_lower_one(void **state)
{
	struct place *at = *state;

	at->params = in_order;
	begin_life(at, 0);
	at->params.epoch = 6;
	assert_int_equal(try_life(at, 0), -EINVAL);
	assert_told(at, "session 0: epoch 6 lies behind the persisted epoch 7, raise epoch");
	at->params.epoch = 8;
	begin_life(at, 0);
	assert_true(take_one(at, 0) == saker_sn_make(8, 1));
	at->params.epoch = 6;
	at->id.mk_check[0] = 2;
	begin_life(at, 0);
	assert_true(take_one(at, 0) == saker_sn_make(6, 1));
}

static void
says_when_the_counter_of_an_epoch_is_used_up(void **state)
{
	struct place *at = *state;

	at->params = in_order;
	begin_life(at, 0);
	go_on_behind(at, saker_sn_make(7, SAKER_COUNTER_MAX - 2));
	saker_sn_line_limit(&at->line, saker_sn_make(7, SAKER_COUNTER_MAX));
	take_one(at, 0);
	saker_sn_keeper_renew(at->keeper, 0);
	assert_int_equal(saker_sn_take(&at->line, 0, one_block, 3).n, 1);
	assert_int_equal(try_one(at, 0), SAKER_DROP_SN_EXHAUSTED);
	assert_int_equal(try_life(at, 0), -EINVAL);
	assert_told(at, "the counter of epoch 7 is used up, raise epoch");
	at->params.epoch = 8;
	begin_life(at, 0);
	assert_true(take_one(at, 0) == saker_sn_make(8, 1));
}

static void
refuses_one_line_for_two_senders(void **state)
{
	struct place *at = *state;
	struct saker_sn_line other;

	begin_life(at, NOW);
	assert_int_equal(
		saker_sn_keeper_add(at->keeper, &at->id, &in_time, &other, NOW, &at->faults),
		-EINVAL);
	assert_told(at, "two senders share one SN line");
}

/* A sender's history, as an observer of the wire would keep it. */
struct history {
	struct place *at;
	uint64_t now;
	saker_sn last;    /* highest SN seen */
	saker_sn key_run; /* data key of `last` */
	uint64_t blocks;  /* encrypted by it */
	uint64_t packets;
	bool broken; /* the disk */
};

static void
send_some(struct history *h)
{
	struct place *at = h->at;
	struct saker_sn_grant g;
	uint16_t blocks[64];

	for (int i = 0; i < 64; i++)
		blocks[i] = (uint16_t)(1 + rand() % 4096);
	g = saker_sn_take(&at->line, h->now, blocks, (uint16_t)(1 + rand() % 64));
	for (uint16_t i = 0; i < g.n; i++) {
		saker_sn sn = sn_of(g) + i;

		assert_true(sn > h->last);
		if (saker_sn_key_run(&at->params, sn) != h->key_run)
			h->blocks = 0;
		h->last = sn;
		h->key_run = saker_sn_key_run(&at->params, sn);
		h->blocks += blocks[i];
		assert_true(h->blocks <= at->params.max_blocks);
	}
	h->packets += g.n;
}

static void
move_clock(struct history *h)
{
	uint64_t step = (uint64_t)(rand() % 60);

	if (rand() % 40 == 0)
		step = (uint64_t)(rand() % 5000);
	if (rand() % 5 != 0)
		h->now += step;
	else if (h->now > NOW + step)
		h->now -= step;
}

static void
toggle_disk(struct history *h)
{
	h->broken = !h->broken;
	assert_int_equal(h->broken ? mkdir(h->at->state.temp, 0700) : rmdir(h->at->state.temp), 0);
}

static void
restart(struct history *h)
{
	if (h->broken)
		toggle_disk(h);
	assert_int_equal(try_life(h->at, h->now), 0);
}

static void
live_through(struct history *h, int steps)
{
	restart(h);
	for (int i = 0; i < steps; i++) {
		int chance = rand() % 400;

		move_clock(h);
		if (chance == 0)
			restart(h);
		else if (chance == 1)
			toggle_disk(h);
		if (chance % 3 == 0)
			saker_sn_keeper_renew(h->at->keeper, h->now);
		send_some(h);
	}
	if (h->broken)
		toggle_disk(h);
}

static void
repeats_no_sn_over_clock_jumps_kills_and_failed_writes(void **state)
{
	static const int shifts[] = { -1, 24, 20 };
	struct place *at = *state;

	srand(4);
	for (int i = 0; i < 3; i++) {
		struct history h = { .at = at, .now = NOW + (uint64_t)i * DAY_MS };

		at->id.session = (uint16_t)i;
		at->params.rekey_shift = shifts[i];
		at->params.epoch_seconds = 60;
		at->params.max_blocks = 1u << 21;
		live_through(&h, 12000);
		assert_true(h.packets > 10000);
	}
}

static void
repeats_no_counter_over_kills_and_failed_writes(void **state)
{
	struct place *at = *state;
	struct history h = { .at = at, .now = NOW };

	srand(5);
	at->params = in_order;
	at->params.max_blocks = 1ULL << 40;
	for (; at->params.epoch < 10; at->params.epoch++)
		live_through(&h, 3000);
	assert_true(h.packets > 10000);
}

static void
keeps_the_block_limit_of_a_key_over_restarts(void **state)
{
	struct place *at = *state;
	struct history h = { .at = at, .now = NOW };

	srand(6);
	at->params = in_order;
	at->params.max_blocks = 1u << 24;
	live_through(&h, 3000);
	assert_in_range(h.blocks, at->params.max_blocks / 8, at->params.max_blocks);
	for (uint16_t i = 0; i < 64; i++)
		saker_sn_take(&at->line, 0, one_block, 64);
	restart(&h);
	saker_sn_keeper_renew(at->keeper, 0);
	assert_int_equal(
		saker_sn_take(&at->line, 0, (uint16_t[]){ 4096 }, 1).why, SAKER_DROP_KEY_EXHAUSTED);
	at->params.epoch++;
	begin_life(at, 0);
	take_one(at, 0);
}

static void
forgets_no_blocks_when_the_limit_is_lowered_for_a_while(void **state)
{
	struct place *at = *state;
	uint64_t blocks;

	at->params = in_order;
	begin_life(at, 0);
	begin_life(at, 0);
	blocks = at->line.blocks;
	assert_true(blocks > 1000);
	at->params.max_blocks = 1000;
	begin_life(at, 0);
	assert_int_equal(try_one(at, 0), SAKER_DROP_KEY_EXHAUSTED);
	at->params = in_order;
	begin_life(at, 0);
	assert_true(at->line.blocks >= blocks);
}

static uint64_t
clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Let the keeper's thread work until sending gives `why`, ten seconds at most. */
static bool
comes_to(struct place *at, enum saker_drop why)
{
	for (int i = 0; i < 5000; i++) {
		if (try_one(at, clock_ms()) == why)
			return true;
		usleep(2000);
	}
	return false;
}

static void
thread_supplies_stops_with_a_broken_disk_and_recovers(void **state)
{
	struct place *at = *state;
	struct timespec before, after;

	assert_int_equal(try_life(at, clock_ms()), 0);
	assert_int_equal(saker_sn_keeper_start(at->keeper, &at->faults), 0);
	assert_true(comes_to(at, SAKER_OK));
	usleep(400000);
	assert_true(comes_to(at, SAKER_OK));
	assert_int_equal(mkdir(at->state.temp, 0700), 0);
	assert_true(comes_to(at, SAKER_DROP_SN_UNRESERVED));
	assert_true(saker_sn_keeper_failed(at->keeper));
	assert_int_equal(rmdir(at->state.temp), 0);
	assert_true(comes_to(at, SAKER_OK));
	assert_false(saker_sn_keeper_failed(at->keeper));
	clock_gettime(CLOCK_MONOTONIC, &before);
	end_life(at);
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_true(after.tv_sec - before.tv_sec < 3);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_place, remove_place)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(starts_a_new_line_as_if_it_had_just_reserved),
		TEST(reserves_no_slot_further_ahead_than_half_the_skew),
		TEST(starts_at_the_reservation_of_the_life_before),
		TEST(starts_at_once_when_the_reservation_has_passed),
		TEST(stays_above_the_reservation_of_another_master_key),
		TEST(stays_above_a_later_key_when_an_old_one_is_installed_again),
		TEST(counts_on_above_every_master_key_where_none_is_known),
		TEST(waits_long_when_the_clock_was_set_far_back),
		TEST(never_lowers_a_limit_when_the_clock_steps_back),
		TEST(renews_all_lines_in_one_commit_about_every_quarter_of_the_skew),
		TEST(supplies_a_slot_that_is_longer_than_the_skew),
		TEST(counts_the_life_of_a_master_key_from_its_first_reservation),
		TEST(publishes_nothing_when_the_commit_fails),
		TEST(counts_from_one_and_goes_on_above_the_reservation),
		TEST(extends_a_counter_reservation_when_half_is_used),
		TEST(starts_a_higher_epoch_at_one_and_refuses_a_lower_one),
		TEST(says_when_the_counter_of_an_epoch_is_used_up),
		TEST(reserves_a_small_share_where_there_are_few_counters),
		TEST(refuses_one_line_for_two_senders),
		TEST(repeats_no_sn_over_clock_jumps_kills_and_failed_writes),
		TEST(repeats_no_counter_over_kills_and_failed_writes),
		TEST(keeps_the_block_limit_of_a_key_over_restarts),
		TEST(forgets_no_blocks_when_the_limit_is_lowered_for_a_while),
		TEST(thread_supplies_stops_with_a_broken_disk_and_recovers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
