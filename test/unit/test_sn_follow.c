/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <sys/stat.h>
#include <unistd.h>

#include "sender_life.h"

/* A sender whose master key or parameters change while it lives. */
struct rotation {
	struct place *at;
	struct saker_sn_line *line; /* in use */
	struct saker_sn_id id;      /* of it */
};

static struct rotation
begin(struct place *at, uint64_t now)
{
	begin_life(at, now);
	return (struct rotation){ at, &at->line, at->id };
}

/* A line for another master key, reserved but not yet in use. NULL: refused. */
static struct saker_sn_line *
prepare(struct rotation *r, uint8_t key, uint64_t now)
{
	struct saker_sn_line *line = aligned_alloc(64, sizeof(*line));

	memset(line, 0, sizeof(*line));
	r->id.mk_check[0] = key;
	if (saker_sn_keeper_follow(r->at->keeper, &r->id, &r->at->params, line, r->line, now,
		    &r->at->faults) != 0) {
		free(line);
		return NULL;
	}
	return line;
}

static void
change_to(struct rotation *r, struct saker_sn_line *line, bool same_key)
{
	saker_sn_line_follow(line, r->line, same_key);
	saker_sn_keeper_retire(r->line);
	saker_sn_keeper_sweep(r->at->keeper);
	if (r->line != &r->at->line)
		free(r->line);
	r->line = line;
}

static void
end(struct rotation *r)
{
	end_life(r->at);
	if (r->line != &r->at->line)
		free(r->line);
}

static saker_sn
take(struct rotation *r, uint64_t now)
{
	struct saker_sn_grant g = saker_sn_take(r->line, now, one_block, 1);

	assert_string_equal(saker_drop_info[g.why].name, "ok");
	return sn_of(g);
}

static void
goes_on_at_once_under_another_key(void **state)
{
	struct rotation r = begin(*state, NOW);
	struct saker_sn_line *next;
	saker_sn last = 0;

	saker_sn_keeper_renew(r.at->keeper, NOW + 400);
	for (int i = 0; i < 100; i++)
		last = take(&r, NOW + 400);
	next = prepare(&r, 2, NOW + 400);
	assert_non_null(next);
	assert_int_equal(
		saker_sn_take(next, NOW + 400, one_block, 1).why, SAKER_DROP_SN_UNRESERVED);
	assert_int_equal(saker_sn_keeper_renew(r.at->keeper, NOW + 400), 0);
	for (int i = 0; i < 100; i++)
		last = take(&r, NOW + 410);
	change_to(&r, next, false);
	assert_true(take(&r, NOW + 410) == last + 1);
	end(&r);
}

static void
repeats_nothing_when_it_goes_back_to_a_key(void **state)
{
	for (int mode = 0; mode < 2; mode++) {
		struct rotation r;
		saker_sn last = 0;

		((struct place *)*state)->params = mode ? in_order : in_time;
		((struct place *)*state)->id.session = (uint16_t)mode;
		r = begin(*state, NOW);
		for (int i = 0; i < 50; i++) {
			uint64_t now = NOW + 400 + (uint64_t)i;
			struct saker_sn_line *next = prepare(&r, (uint8_t)(1 + i % 3), now);
			bool same = memcmp(r.id.mk_check, "", 1) == 0;

			assert_non_null(next);
			saker_sn_keeper_renew(r.at->keeper, now);
			assert_true(take(&r, now) > last);
			last = take(&r, now);
			change_to(&r, next, same);
			assert_true(take(&r, now) > last);
			last = take(&r, now);
		}
		end(&r);
	}
}

static void
starts_above_all_keys_after_a_kill(void **state)
{
	struct rotation r = begin(*state, NOW);
	struct saker_sn_line *next = prepare(&r, 2, NOW);
	saker_sn promised;

	saker_sn_keeper_renew(r.at->keeper, NOW);
	change_to(&r, next, false);
	saker_sn_keeper_renew(r.at->keeper, NOW + 2000);
	promised = saker_sn_line_limit_get(r.line);
	take(&r, NOW + 2000);
	end(&r);
	begin_life(*state, NOW + 2001); /* the old key again */
	assert_true(((struct place *)*state)->line.last + 1 >= promised);
}

static void
refuses_an_epoch_that_lies_behind_for_any_key(void **state)
{
	struct place *at = *state;
	struct rotation r;

	at->params = in_order;
	r = begin(at, 0);
	take(&r, 0);
	at->params.epoch--;
	assert_null(prepare(&r, 2, 0));
	assert_int_equal(at->faults.errors, 1);
	assert_non_null(strstr(at->faults.text[0], "lies behind"));
	end(&r);
}

static void
steps_an_epoch_under_the_same_key(void **state)
{
	struct place *at = *state;
	struct rotation r;
	struct saker_sn_line *next;

	at->params = in_order;
	r = begin(at, 0);
	take(&r, 0);
	at->params.epoch++;
	next = prepare(&r, at->id.mk_check[0], 0);
	assert_non_null(next);
	saker_sn_keeper_renew(at->keeper, 0);
	change_to(&r, next, true);
	assert_true(take(&r, 0) == saker_sn_make(at->params.epoch, 1));
	end(&r);
}

static void
counts_the_blocks_of_a_key_on(void **state)
{
	struct place *at = *state;
	const uint16_t blocks = 60000;
	struct rotation r;
	struct saker_sn_line *next;

	at->params = in_order;
	at->params.max_blocks = 100000;
	r = begin(at, 0);
	assert_int_equal(saker_sn_take(r.line, 0, &blocks, 1).n, 1);
	at->params.skew_ms++;
	next = prepare(&r, at->id.mk_check[0], 0);
	saker_sn_keeper_renew(at->keeper, 0);
	change_to(&r, next, true);
	assert_int_equal(saker_sn_take(r.line, 0, &blocks, 1).why, SAKER_DROP_KEY_EXHAUSTED);
	next = prepare(&r, 9, 0);
	saker_sn_keeper_renew(at->keeper, 0);
	change_to(&r, next, false);
	assert_int_equal(saker_sn_take(r.line, 0, &blocks, 1).n, 1);
	end(&r);
}

static void
refuses_slots_that_put_the_clock_behind(void **state)
{
	struct place *at = *state;
	struct rotation r = begin(at, NOW);

	at->params.epoch_seconds = 864000;
	assert_null(prepare(&r, 2, NOW));
	assert_non_null(strstr(at->faults.text[0], "ahead of the clock"));
	end(&r);
}

static void
follows_no_line_that_is_not_supplied(void **state)
{
	struct place *at = *state;
	struct rotation r = begin(at, NOW);
	struct saker_sn_line stranger = { 0 };

	r.line = &stranger;
	assert_null(prepare(&r, 2, NOW));
	assert_int_equal(at->faults.errors, 1);
}

static void
a_failed_write_leaves_the_old_line_as_it_is(void **state)
{
	struct rotation r = begin(*state, NOW);
	struct saker_sn_line *next;

	saker_sn_keeper_renew(r.at->keeper, NOW + 400);
	take(&r, NOW + 400);
	next = prepare(&r, 2, NOW + 400);
	assert_int_equal(mkdir(r.at->state.temp, 0700), 0);
	assert_int_not_equal(saker_sn_keeper_renew(r.at->keeper, NOW + 400), 0);
	assert_true(saker_sn_line_limit_get(next) == 0);
	saker_sn_keeper_retire(next);
	saker_sn_keeper_sweep(r.at->keeper);
	free(next);
	assert_int_equal(rmdir(r.at->state.temp), 0);
	take(&r, NOW + 450);
	end(&r);
}

static void
forgets_old_keys_but_not_what_was_reserved(void **state)
{
	struct place *at = *state;
	struct rotation r;
	saker_sn last;
	FILE *f;
	int lines = 0, c;

	at->params = in_order;
	r = begin(at, 0);
	for (int i = 2; i < 60; i++) {
		struct saker_sn_line *next = prepare(&r, (uint8_t)i, 0);

		saker_sn_keeper_renew(at->keeper, 0);
		take(&r, 0);
		change_to(&r, next, false);
	}
	last = take(&r, 0);
	end(&r);
	f = fopen(at->state.file, "r");
	while ((c = fgetc(f)) != EOF)
		lines += c == '\n';
	fclose(f);
	assert_true(lines <= SAKER_STORE_KEYS + 4);
	begin_life(at, 0); /* the first key, long forgotten */
	assert_true(take_one(at, 0) > saker_sn_make(7, 1));
	at->id.mk_check[0] = 59;
	begin_life(at, 0);
	assert_true(take_one(at, 0) > last);
}

static void
stops_and_goes_on_as_told(void **state)
{
	struct rotation r = begin(*state, NOW);

	saker_sn_keeper_renew(r.at->keeper, NOW + 400);
	take(&r, NOW + 400);
	saker_sn_line_stop(r.line, SAKER_DROP_KEY_EXPIRED);
	assert_int_equal(
		saker_sn_take(r.line, NOW + 400, one_block, 5).why, SAKER_DROP_KEY_EXPIRED);
	saker_sn_line_stop(r.line, SAKER_OK);
	take(&r, NOW + 400);
	assert_int_equal(saker_sn_line_life(r.line).packets, 2);
	assert_int_equal(saker_sn_line_life(r.line).keys, 1);
	saker_sn_keeper_renew(r.at->keeper, NOW + 500);
	take(&r, NOW + 500);
	assert_int_equal(saker_sn_line_life(r.line).keys, 2);
	r.line->flow_keys = true;
	assert_int_equal(saker_sn_line_life(r.line).keys, 3);
	end(&r);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_place, remove_place)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(goes_on_at_once_under_another_key),
		TEST(repeats_nothing_when_it_goes_back_to_a_key),
		TEST(starts_above_all_keys_after_a_kill),
		TEST(refuses_an_epoch_that_lies_behind_for_any_key),
		TEST(steps_an_epoch_under_the_same_key),
		TEST(counts_the_blocks_of_a_key_on),
		TEST(refuses_slots_that_put_the_clock_behind),
		TEST(follows_no_line_that_is_not_supplied),
		TEST(a_failed_write_leaves_the_old_line_as_it_is),
		TEST(forgets_old_keys_but_not_what_was_reserved),
		TEST(stops_and_goes_on_as_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
