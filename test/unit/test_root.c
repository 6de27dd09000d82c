/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "saker_root.h"

/* Root key whose value of index i is octets i. */
static struct saker_root_values
key_at(uint32_t index)
{
	struct saker_root_values k = { .index = index, .live = { true, true, true } };

	for (unsigned int g = 0; g < SAKER_GENERATIONS; g++)
		memset(k.value[g], (int)saker_root_index(&k, g), SAKER_ROOT_LEN);
	return k;
}

static void
generations_have_four_indices_in_a_row(void **state)
{
	struct saker_root_values k = { .index = 7 };

	(void)state;
	assert_int_equal(saker_root_index(&k, SAKER_OLD), 5);
	assert_int_equal(saker_root_index(&k, SAKER_PRE), 6);
	assert_int_equal(saker_root_index(&k, SAKER_CURRENT), 7);
	assert_int_equal(saker_root_index(&k, SAKER_NEXT), 8);
}

static void
accepts_a_step_and_the_same_again(void **state)
{
	struct saker_root_values a = key_at(7), b = key_at(8), c = key_at(30);

	(void)state;
	assert_int_equal(saker_root_check(&b, &a), SAKER_ROOT_GOOD);
	assert_int_equal(saker_root_check(&a, &a), SAKER_ROOT_GOOD);
	assert_true(saker_root_overlap(&b, &a));
	assert_int_equal(saker_root_check(&c, &a), SAKER_ROOT_GOOD);
	assert_false(saker_root_overlap(&c, &a));
}

static void
refuses_to_go_back_or_to_mix_values_and_indices(void **state)
{
	struct saker_root_values a = key_at(7), b = key_at(6), c = key_at(8), d = key_at(9);

	(void)state;
	assert_int_equal(saker_root_check(&b, &a), SAKER_ROOT_BACK);
	c.value[SAKER_PRE][0] ^= 1;
	assert_int_equal(saker_root_check(&c, &a), SAKER_ROOT_OTHER);
	memset(d.value[SAKER_NEXT], 6, SAKER_ROOT_LEN);
	assert_int_equal(saker_root_check(&d, &a), SAKER_ROOT_AGAIN);
	assert_non_null(strstr(saker_root_fault_text(SAKER_ROOT_BACK), "goes back"));
}

static void
accepts_first_and_seals_after_the_grace_time(void **state)
{
	struct saker_root_values a = key_at(7), b = key_at(8);
	struct saker_root_sending s = { .generation = SAKER_CURRENT };

	(void)state;
	saker_root_follow(&b, &s, &a, 1000, 500);
	assert_int_equal(s.generation, SAKER_PRE);
	assert_int_equal(s.until_ms, 1500);
	assert_true(b.live[SAKER_OLD]);
	assert_int_equal(b.value[SAKER_OLD][0], 6);
	assert_false(saker_root_settle(&b, &s, 1499));
	assert_true(saker_root_settle(&b, &s, 1500));
	assert_int_equal(s.generation, SAKER_CURRENT);
	assert_false(b.live[SAKER_OLD]);
	assert_int_equal(b.value[SAKER_OLD][0], 0);
	assert_false(saker_root_settle(&b, &s, 5000));
}

static void
a_step_within_the_grace_time_seals_with_what_all_hold(void **state)
{
	struct saker_root_values a = key_at(7), b = key_at(8), c = key_at(9);
	struct saker_root_sending s = { .generation = SAKER_CURRENT };

	(void)state;
	saker_root_follow(&b, &s, &a, 0, 500);
	saker_root_follow(&c, &s, &b, 100, 500);
	assert_int_equal(saker_root_index(&c, s.generation), 8);
	assert_int_equal(s.until_ms, 600);
	assert_int_equal(c.value[SAKER_OLD][0], 7);
}

static void
the_same_index_again_changes_nothing_of_a_rotation(void **state)
{
	struct saker_root_values a = key_at(7), b = key_at(8), again = key_at(8);
	struct saker_root_sending s = { .generation = SAKER_CURRENT };

	(void)state;
	saker_root_follow(&b, &s, &a, 0, 500);
	saker_root_follow(&again, &s, &b, 400, 500);
	assert_int_equal(s.generation, SAKER_PRE);
	assert_int_equal(s.until_ms, 500);
	assert_int_equal(again.value[SAKER_OLD][0], 6);
	again.live[SAKER_PRE] = false;
	saker_root_follow(&again, &s, &b, 400, 500);
	assert_int_equal(s.generation, SAKER_CURRENT);
}

static void
without_a_grace_time_or_a_pre_it_seals_at_once(void **state)
{
	struct saker_root_values a = key_at(7), b = key_at(8), c = key_at(8);
	struct saker_root_sending s = { .generation = SAKER_CURRENT };

	(void)state;
	saker_root_follow(&b, &s, &a, 100, 0);
	assert_int_equal(s.generation, SAKER_CURRENT);
	assert_int_equal(s.until_ms, 0);
	assert_false(b.live[SAKER_OLD]);
	c.live[SAKER_PRE] = false;
	saker_root_follow(&c, &s, &a, 100, 500);
	assert_int_equal(s.generation, SAKER_CURRENT);
	assert_true(c.live[SAKER_OLD]);
}

static void
a_step_takes_next_and_makes_a_fresh_one(void **state)
{
	struct saker_root_values a = key_at(7), b = key_at(7);

	(void)state;
	assert_int_equal(saker_root_step(&a, 1234), 0);
	assert_int_equal(a.index, 8);
	assert_int_equal(a.since, 1234);
	assert_int_equal(saker_root_check(&a, &b), SAKER_ROOT_GOOD);
	assert_int_equal(a.value[SAKER_PRE][0], 7);
	assert_int_equal(a.value[SAKER_CURRENT][0], 8);
	assert_memory_not_equal(a.value[SAKER_NEXT], b.value[SAKER_NEXT], SAKER_ROOT_LEN);
	b.live[SAKER_NEXT] = false;
	assert_int_equal(saker_root_step(&b, 1), -ENOKEY);
	b.live[SAKER_NEXT] = true;
	b.index = UINT32_MAX - 1;
	assert_int_equal(saker_root_step(&b, 1), -ERANGE);
	assert_int_equal(b.index, UINT32_MAX - 1);
}

/* The same where values are KEYMAT: current has 20 octets, what follows has 36. */
static struct saker_root_values
keymat_at(uint32_t index)
{
	struct saker_root_values k = { .index = index };
	uint8_t octets[SAKER_KEYMAT_MAX];

	for (unsigned int g = 0; g < SAKER_GENERATIONS; g++) {
		memset(octets, (int)saker_root_index(&k, g), sizeof(octets));
		assert_int_equal(
			saker_keymat(&k, g, octets, saker_root_index(&k, g) % 2 ? 20 : 36), 0);
	}
	return k;
}

static void
keymat_has_a_value_that_all_of_it_makes(void **state)
{
	uint8_t octets[SAKER_KEYMAT_MAX] = { 1 };
	struct saker_root_values k = { 0 };

	(void)state;
	assert_false(saker_has_keymat(&k));
	assert_int_equal(saker_keymat(&k, SAKER_PRE, octets, 36), 0);
	assert_int_equal(saker_keymat(&k, SAKER_CURRENT, octets, 36), 0);
	octets[35] ^= 1; /* the salt */
	assert_int_equal(saker_keymat(&k, SAKER_NEXT, octets, 36), 0);
	assert_true(saker_has_keymat(&k));
	assert_true(k.live[SAKER_PRE] && k.live[SAKER_CURRENT] && k.live[SAKER_NEXT]);
	assert_memory_equal(k.value[SAKER_PRE], k.value[SAKER_CURRENT], SAKER_ROOT_LEN);
	assert_memory_not_equal(k.value[SAKER_NEXT], k.value[SAKER_CURRENT], SAKER_ROOT_LEN);
	assert_memory_equal(k.keymat[SAKER_NEXT], octets, 36);
}

static void
keymat_that_falls_out_is_kept_for_the_grace_time(void **state)
{
	struct saker_root_values a = keymat_at(7), b = keymat_at(8);
	struct saker_root_sending sending = { .generation = SAKER_CURRENT };
	static const uint8_t gone[SAKER_KEYMAT_MAX];

	(void)state;
	saker_root_follow(&b, &sending, &a, 1000, 500);
	assert_true(b.live[SAKER_OLD]);
	assert_int_equal(b.keymat_len[SAKER_OLD], a.keymat_len[SAKER_PRE]);
	assert_memory_equal(b.keymat[SAKER_OLD], a.keymat[SAKER_PRE], SAKER_KEYMAT_MAX);
	assert_true(saker_root_settle(&b, &sending, 1500));
	assert_memory_equal(b.keymat[SAKER_OLD], gone, sizeof(gone));
}

static void
keymat_takes_no_step_by_itself(void **state)
{
	struct saker_root_values a = keymat_at(7), before = a;

	(void)state;
	assert_int_equal(saker_root_step(&a, 1), -EPERM);
	assert_memory_equal(&a, &before, sizeof(a));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(generations_have_four_indices_in_a_row),
		cmocka_unit_test(accepts_a_step_and_the_same_again),
		cmocka_unit_test(refuses_to_go_back_or_to_mix_values_and_indices),
		cmocka_unit_test(accepts_first_and_seals_after_the_grace_time),
		cmocka_unit_test(a_step_within_the_grace_time_seals_with_what_all_hold),
		cmocka_unit_test(the_same_index_again_changes_nothing_of_a_rotation),
		cmocka_unit_test(without_a_grace_time_or_a_pre_it_seals_at_once),
		cmocka_unit_test(a_step_takes_next_and_makes_a_fresh_one),
		cmocka_unit_test(keymat_has_a_value_that_all_of_it_makes),
		cmocka_unit_test(keymat_that_falls_out_is_kept_for_the_grace_time),
		cmocka_unit_test(keymat_takes_no_step_by_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
