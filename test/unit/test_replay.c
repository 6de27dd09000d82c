/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "replay_tables.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define BURST 64

static enum saker_drop
peek(struct saker_replay_table *t, uint32_t source, uint64_t run, uint64_t bit, int32_t *entry)
{
	const struct saker_sn_place place = { run, bit };
	const struct saker_replay_key key = key_of(source, 0);
	uint8_t why;

	saker_replay_peek(t, &key, &place, entry, &why, 1);
	return why;
}

/* As a receiver does: peek, then accept. The two must agree. */
static enum saker_drop
see(struct saker_replay_table *t, uint32_t source, uint64_t run, uint64_t bit)
{
	const struct saker_sn_place place = { run, bit };
	const struct saker_replay_key key = key_of(source, 0);
	enum saker_drop early, why;
	int32_t entry;

	early = peek(t, source, run, bit, &entry);
	why = saker_replay_accept(t, &key, &place, entry);
	if (why != SAKER_DROP_REPLAY_TABLE_FULL)
		assert_int_equal(why, early);
	return why;
}

static void
assert_seen(struct saker_replay_table *t, uint64_t run, uint64_t bit, enum saker_drop why)
{
	assert_string_equal(saker_drop_info[see(t, 1, run, bit)].name, saker_drop_info[why].name);
}

static void
refuses_shapes_it_can_not_keep(void **state)
{
	(void)state;
	assert_null(saker_replay_create("test", 0, 1024, 0));
	assert_int_equal(errno, EINVAL);
	assert_null(saker_replay_create("test", 8, 0, 0));
	assert_null(saker_replay_create("test", 8, 63, 0));
	assert_null(saker_replay_create("test", 8, 100, 0));
	assert_null(saker_replay_create("test", 1u << 29, 65536, 0));
	assert_int_equal(errno, ENOMEM);
	saker_replay_free(NULL);
}

static void
accepts_a_packet_once(void **state)
{
	struct saker_replay_table *t = make_table(8, 64);

	(void)state;
	assert_seen(t, 10, 5, SAKER_OK);
	assert_seen(t, 10, 5, SAKER_DROP_REPLAY);
	assert_seen(t, 10, 6, SAKER_OK);
	assert_seen(t, 10, 5, SAKER_DROP_REPLAY);
	assert_seen(t, 10, 6, SAKER_DROP_REPLAY);
	assert_seen(t, 10, 4, SAKER_OK);
	saker_replay_free(t);
}

static void
window_is_exact_to_the_bit(void **state)
{
	static const uint32_t windows[] = { 64, 128, 192, 960, 1024 };

	(void)state;
	for (int i = 0; i < 5; i++) {
		uint32_t w = windows[i];

		for (uint64_t newest = 5000; newest < 5130; newest++) {
			struct saker_replay_table *t = make_table(8, w);

			assert_seen(t, 10, newest, SAKER_OK);
			assert_seen(t, 10, newest - w, SAKER_DROP_REPLAY);
			assert_seen(t, 10, newest - w + 1, SAKER_OK);
			assert_seen(t, 10, newest - w + 1, SAKER_DROP_REPLAY);
			assert_seen(t, 10, 0, SAKER_DROP_REPLAY);
			saker_replay_free(t);
		}
	}
}

static void
slides_by_any_distance_without_stale_bits(void **state)
{
	(void)state;
	for (uint64_t jump = 1; jump < 600; jump++) {
		struct saker_replay_table *t = make_table(8, 128);

		for (uint64_t bit = 1; bit <= 200; bit++)
			assert_seen(t, 10, bit, SAKER_OK);
		assert_seen(t, 10, 200 + jump, SAKER_OK);
		for (uint64_t bit = 200 + jump - 127; bit < 200 + jump; bit++)
			assert_seen(t, 10, bit, bit <= 200 ? SAKER_DROP_REPLAY : SAKER_OK);
		saker_replay_free(t);
	}
}

static void
takes_the_widest_jump_of_a_counter(void **state)
{
	struct saker_replay_table *t = make_table(8, 64);

	(void)state;
	assert_seen(t, 1, 1, SAKER_OK);
	assert_seen(t, 1, SAKER_COUNTER_MAX, SAKER_OK);
	assert_seen(t, 1, SAKER_COUNTER_MAX, SAKER_DROP_REPLAY);
	assert_seen(t, 1, SAKER_COUNTER_MAX - 63, SAKER_OK);
	assert_seen(t, 1, SAKER_COUNTER_MAX - 64, SAKER_DROP_REPLAY);
	saker_replay_free(t);
}

static void
keeps_windows_of_the_two_newest_runs(void **state)
{
	struct saker_replay_table *t = make_table(8, 64);

	(void)state;
	assert_seen(t, 10, 500, SAKER_OK);
	assert_seen(t, 11, 1, SAKER_OK);
	assert_seen(t, 10, 500, SAKER_DROP_REPLAY);
	assert_seen(t, 10, 501, SAKER_OK);
	assert_seen(t, 12, 1, SAKER_OK);
	assert_seen(t, 11, 2, SAKER_OK);
	assert_seen(t, 11, 1, SAKER_DROP_REPLAY);
	assert_seen(t, 10, 502, SAKER_DROP_REPLAY_OLD);
	saker_replay_free(t);
}

static void
tells_the_newest_of_each_run_that_has_a_window(void **state)
{
	struct saker_replay_table *t = make_table(8, 64);
	const struct saker_replay_key key = key_of(1, 0), other = key_of(2, 0);
	uint64_t bit = 0;

	(void)state;
	assert_false(saker_replay_newest(t, &key, 10, &bit));
	assert_int_equal(see(t, 1, 10, 500), SAKER_OK);
	assert_int_equal(see(t, 1, 10, 450), SAKER_OK);
	assert_true(saker_replay_newest(t, &key, 10, &bit));
	assert_int_equal(bit, 500);
	assert_int_equal(see(t, 1, 11, UINT64_C(7) << 32), SAKER_OK);
	assert_true(saker_replay_newest(t, &key, 11, &bit));
	assert_true(bit == UINT64_C(7) << 32);
	assert_true(saker_replay_newest(t, &key, 10, &bit));
	assert_int_equal(bit, 500);
	assert_int_equal(see(t, 1, 12, 1), SAKER_OK);
	assert_false(saker_replay_newest(t, &key, 10, &bit));
	assert_false(saker_replay_newest(t, &other, 12, &bit));
	assert_int_equal(saker_replay_used(t), 1);
	saker_replay_free(t);
}

static void
accepts_an_older_run_that_no_window_was_dropped_for(void **state)
{
	struct saker_replay_table *t = make_table(8, 64);

	(void)state;
	assert_seen(t, 10, 1, SAKER_OK);
	assert_seen(t, 7, 1, SAKER_OK);
	assert_seen(t, 7, 1, SAKER_DROP_REPLAY);
	assert_seen(t, 6, 1, SAKER_DROP_REPLAY_OLD);
	saker_replay_free(t);
}

static void
gives_a_run_between_the_window_of_the_older_one(void **state)
{
	struct saker_replay_table *t = make_table(8, 64);

	(void)state;
	assert_seen(t, 5, 7, SAKER_OK);
	assert_seen(t, 10, 7, SAKER_OK);
	assert_seen(t, 8, 7, SAKER_OK);
	assert_seen(t, 8, 7, SAKER_DROP_REPLAY);
	assert_seen(t, 10, 7, SAKER_DROP_REPLAY);
	assert_seen(t, 5, 7, SAKER_DROP_REPLAY_OLD);
	assert_seen(t, 7, 9, SAKER_DROP_REPLAY_OLD);
	assert_seen(t, 9, 7, SAKER_OK);
	assert_seen(t, 8, 9, SAKER_DROP_REPLAY_OLD);
	saker_replay_free(t);
}

static void
keeps_sources_and_sessions_apart(void **state)
{
	struct saker_replay_table *t = make_table(8, 64);
	const struct saker_sn_place place = { 10, 1 };

	(void)state;
	for (uint16_t session = 0; session < 2; session++) {
		for (uint32_t source = 1; source < 4; source++) {
			struct saker_replay_key key = key_of(source, session);

			assert_int_equal(saker_replay_accept(t, &key, &place, -1), SAKER_OK);
			assert_int_equal(
				saker_replay_accept(t, &key, &place, -1), SAKER_DROP_REPLAY);
		}
	}
	assert_int_equal(saker_replay_used(t), 6);
	saker_replay_free(t);
}

static void
peek_changes_nothing(void **state)
{
	struct saker_replay_table *t = make_table(8, 64);
	int32_t entry;

	(void)state;
	assert_int_equal(peek(t, 1, 10, 5, &entry), SAKER_OK);
	assert_true(entry < 0);
	assert_int_equal(saker_replay_used(t), 0);
	assert_seen(t, 10, 100, SAKER_OK);
	assert_int_equal(peek(t, 1, 11, 5, &entry), SAKER_OK);
	assert_true(entry >= 0);
	assert_int_equal(peek(t, 1, 10, 200, &entry), SAKER_OK);
	assert_seen(t, 10, 99, SAKER_OK);
	saker_replay_peek(t, NULL, NULL, NULL, NULL, 0);
	saker_replay_free(t);
}

static void
peeks_at_a_whole_burst(void **state)
{
	struct saker_replay_table *t = make_table(BURST, 64);
	const struct saker_sn_place old = { 10, 5 }, new = { 10, 6 };
	struct saker_sn_place place[BURST];
	struct saker_replay_key key[BURST];
	uint8_t why[BURST];
	int32_t entry[BURST];

	(void)state;
	for (uint32_t i = 0; i < BURST; i++) {
		key[i] = key_of(i, 0);
		place[i] = i % 3 == 0 ? new : old;
		if (i % 2 == 0)
			assert_int_equal(saker_replay_accept(t, &key[i], &old, -1), SAKER_OK);
	}
	saker_replay_peek(t, key, place, entry, why, BURST);
	for (uint32_t i = 0; i < BURST; i++) {
		bool known = i % 2 == 0;

		assert_int_equal(entry[i] >= 0, known);
		assert_int_equal(why[i], known && i % 3 != 0 ? SAKER_DROP_REPLAY : SAKER_OK);
	}
	saker_replay_free(t);
}

static void
finds_the_entry_that_the_same_burst_made(void **state)
{
	struct saker_replay_table *t = make_table(8, 64);
	const struct saker_replay_key key = key_of(1, 0);
	const struct saker_sn_place place = { 10, 5 };
	int32_t entry;

	(void)state;
	assert_int_equal(peek(t, 1, 10, 5, &entry), SAKER_OK);
	assert_int_equal(saker_replay_accept(t, &key, &place, entry), SAKER_OK);
	assert_int_equal(saker_replay_accept(t, &key, &place, entry), SAKER_DROP_REPLAY);
	assert_int_equal(saker_replay_used(t), 1);
	saker_replay_free(t);
}

static void
drops_a_new_source_when_full_and_serves_the_known(uint32_t sources)
{
	struct saker_replay_table *t = make_table(sources, 64);

	for (uint32_t i = 0; i < sources; i++)
		assert_int_equal(see(t, i, 10, 1), SAKER_OK);
	assert_int_equal(saker_replay_used(t), sources);
	assert_int_equal(see(t, sources, 10, 1), SAKER_DROP_REPLAY_TABLE_FULL);
	saker_replay_expire(t, 10);
	assert_int_equal(see(t, sources, 10, 1), SAKER_DROP_REPLAY_TABLE_FULL);
	for (uint32_t i = 0; i < sources; i++) {
		assert_int_equal(see(t, i, 10, 1), SAKER_DROP_REPLAY);
		assert_int_equal(see(t, i, 10, 2), SAKER_OK);
	}
	saker_replay_free(t);
}

static void
holds_as_many_sources_as_asked_for_and_no_more(void **state)
{
	(void)state;
	drops_a_new_source_when_full_and_serves_the_known(1);
	drops_a_new_source_when_full_and_serves_the_known(7);
	drops_a_new_source_when_full_and_serves_the_known(1024);
	drops_a_new_source_when_full_and_serves_the_known(5000);
}

static void
expires_only_what_is_no_longer_fresh(void **state)
{
	struct saker_replay_table *t = make_table(1000, 64);

	(void)state;
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(see(t, i, 10 + i % 2, 1), SAKER_OK);
	for (int i = 0; i < 1000 / 64 + 1; i++)
		saker_replay_expire(t, 11);
	assert_int_equal(saker_replay_used(t), 500);
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(see(t, i, 11, 1), i % 2 == 1 ? SAKER_DROP_REPLAY : SAKER_OK);
	for (int i = 0; i < 2000 / 64 + 1; i++)
		saker_replay_expire(t, 12);
	assert_int_equal(saker_replay_used(t), 0);
	saker_replay_free(t);
}

static void
makes_room_fast_when_full(void **state)
{
	struct saker_replay_table *t = make_table(500, 64);

	(void)state;
	for (uint32_t i = 0; i < 500; i++)
		assert_int_equal(see(t, i, 10, 1), SAKER_OK);
	assert_int_equal(see(t, 999, 20, 1), SAKER_DROP_REPLAY_TABLE_FULL);
	saker_replay_expire(t, 11);
	assert_int_equal(see(t, 999, 20, 1), SAKER_OK);
	assert_int_equal(saker_replay_used(t), 1);
	saker_replay_free(t);
}

static void
refuses_runs_below_the_oldest_even_when_the_entry_is_gone(void **state)
{
	struct saker_replay_table *t = make_table(8, 64);

	(void)state;
	assert_seen(t, 10, 1, SAKER_OK);
	saker_replay_expire(t, 11);
	assert_int_equal(saker_replay_used(t), 0);
	assert_seen(t, 10, 1, SAKER_DROP_REPLAY_OLD);
	saker_replay_expire(t, 5);
	assert_seen(t, 10, 1, SAKER_DROP_REPLAY_OLD);
	assert_seen(t, 11, 1, SAKER_OK);
	saker_replay_free(t);
}

static void
shows_every_entry_once(void **state)
{
	struct saker_replay_table *t = make_table(20, 64);
	struct saker_replay_entry_info info;
	uint32_t cursor = 0, sum = 0, n = 0;

	(void)state;
	for (uint32_t i = 1; i <= 9; i++)
		for (uint64_t bit = 1; bit <= i; bit++)
			assert_int_equal(see(t, i, 10, bit), SAKER_OK);
	assert_int_equal(see(t, 9, 9, 40), SAKER_OK);
	for (; saker_replay_next(t, &cursor, &info); n++) {
		uint32_t source;

		memcpy(&source, info.key.source, sizeof(source));
		sum += source;
		assert_int_equal(info.newest_run, 10);
		assert_int_equal(info.newest_bit, source);
		assert_int_equal(info.accepted, source + (source == 9));
	}
	assert_int_equal(n, 9);
	assert_int_equal(sum, 45);
	saker_replay_free(t);
}

static void
counts_anew_in_an_entry_that_another_had(void **state)
{
	struct saker_replay_table *t = make_table(1, 64);
	struct saker_replay_entry_info info;
	uint32_t cursor = 0;

	(void)state;
	for (uint64_t bit = 1; bit <= 5; bit++)
		assert_int_equal(see(t, 1, 10, bit), SAKER_OK);
	saker_replay_expire(t, 11);
	assert_int_equal(see(t, 2, 11, 1), SAKER_OK);
	assert_true(saker_replay_next(t, &cursor, &info));
	assert_int_equal(info.accepted, 1);
	saker_replay_free(t);
}

static void
tells_its_size(void **state)
{
	(void)state;
	assert_in_range(saker_replay_size(65536, 1024), 65536 * 256, 65536 * 512);
	assert_true(saker_replay_size(1, 64) < saker_replay_size(1000, 64));
	assert_true(saker_replay_size(1000, 64) < saker_replay_size(1000, 1024));
}

/* A receiver's world as simple as can be: everything ever accepted, and the newest of a run. */
#define RUNS    400
#define SOURCES 24
#define BITS    1500

static struct {
	bool accepted[SOURCES][RUNS][BITS];
	int newest[SOURCES][RUNS]; /* bit, -1: none */
} world;

static void
forget_world(void)
{
	memset(&world, 0, sizeof(world));
	for (int s = 0; s < SOURCES; s++)
		for (int r = 0; r < RUNS; r++)
			world.newest[s][r] = -1;
}

/* True if a run is one of the two newest that were seen of a source. */
static bool
is_kept(int source, int run)
{
	int newer = 0;

	for (int r = run + 1; r < RUNS; r++)
		newer += world.newest[source][r] >= 0;
	return newer < 2;
}

static void
send_at_random(struct saker_replay_table *t, int now, int window)
{
	int source = rand() % SOURCES, run = now - rand() % 6;
	int bit = rand() % 20 == 0 ? rand() % BITS : (now * 37 + rand() % (2 * window)) % BITS;
	bool *accepted = &world.accepted[source][run][bit];
	int *newest = &world.newest[source][run];
	enum saker_drop why = see(t, (uint32_t)source, (uint64_t)run, (uint64_t)bit);

	if (why == SAKER_DROP_REPLAY_TABLE_FULL)
		return;
	if (*accepted)
		assert_int_not_equal(why, SAKER_OK);
	else if (!is_kept(source, run))
		assert_int_equal(why, SAKER_DROP_REPLAY_OLD);
	else
		assert_int_equal(
			why, bit + window > *newest || *newest < 0 ? SAKER_OK : SAKER_DROP_REPLAY);
	if (why != SAKER_OK)
		return;
	*accepted = true;
	*newest = bit > *newest ? bit : *newest;
}

static void
agrees_with_a_naive_receiver(uint32_t sources, int window)
{
	struct saker_replay_table *t = make_table(sources, (uint32_t)window);

	forget_world();
	for (int now = 6; now < RUNS; now++) {
		int packets = rand() % 4 == 0 ? rand() % 5 : 400;

		saker_replay_expire(t, (uint64_t)now - 5);
		for (int i = 0; i < packets; i++)
			send_at_random(t, now, window);
	}
	saker_replay_free(t);
}

static void
agrees_with_a_naive_receiver_in_any_order_of_packets(void **state)
{
	(void)state;
	srand(7);
	agrees_with_a_naive_receiver(SOURCES, 64);
	agrees_with_a_naive_receiver(SOURCES, 192);
	agrees_with_a_naive_receiver(SOURCES, 1024);
	agrees_with_a_naive_receiver(SOURCES / 2, 128);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_shapes_it_can_not_keep),
		cmocka_unit_test(accepts_a_packet_once),
		cmocka_unit_test(window_is_exact_to_the_bit),
		cmocka_unit_test(slides_by_any_distance_without_stale_bits),
		cmocka_unit_test(takes_the_widest_jump_of_a_counter),
		cmocka_unit_test(keeps_windows_of_the_two_newest_runs),
		cmocka_unit_test(tells_the_newest_of_each_run_that_has_a_window),
		cmocka_unit_test(accepts_an_older_run_that_no_window_was_dropped_for),
		cmocka_unit_test(gives_a_run_between_the_window_of_the_older_one),
		cmocka_unit_test(keeps_sources_and_sessions_apart),
		cmocka_unit_test(peek_changes_nothing),
		cmocka_unit_test(peeks_at_a_whole_burst),
		cmocka_unit_test(finds_the_entry_that_the_same_burst_made),
		cmocka_unit_test(holds_as_many_sources_as_asked_for_and_no_more),
		cmocka_unit_test(expires_only_what_is_no_longer_fresh),
		cmocka_unit_test(makes_room_fast_when_full),
		cmocka_unit_test(refuses_runs_below_the_oldest_even_when_the_entry_is_gone),
		cmocka_unit_test(shows_every_entry_once),
		cmocka_unit_test(counts_anew_in_an_entry_that_another_had),
		cmocka_unit_test(tells_its_size),
		cmocka_unit_test(agrees_with_a_naive_receiver_in_any_order_of_packets),
	};

	return cmocka_run_group_tests(tests, start_eal, stop_eal);
}
