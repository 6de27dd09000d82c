/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "saker_key_cache.h"

#define TEXT_LEN 20

/* The driver below counts, and does what the portable one does unless it is told to fail. */
static struct {
	unsigned int derived, expanded;
	bool fail_derive, fail_expand;
} calls;

static int
counting_derive(void *ctx, struct saker_batch *b, struct saker_data_key *keys)
{
	if (calls.fail_derive)
		return -EIO;
	calls.derived += b->n;
	return saker_openssl_ops.derive(ctx, b, keys);
}

static int
counting_expand(void *ctx, enum saker_suite suite, const struct saker_data_key *key,
	struct saker_expanded_key *e)
{
	if (calls.fail_expand)
		return -EIO;
	calls.expanded++;
	return saker_openssl_ops.expand(ctx, suite, key, e);
}

static struct saker_crypto_ops ops;
static void *ctx;
static struct saker_key_cache *cache;
static struct saker_batch batch;
static struct saker_master masters[2];

static void
use_cache(unsigned int entries)
{
	saker_key_cache_free(cache);
	cache = saker_key_cache_create(&ops, ctx, entries, 0);
	assert_non_null(cache);
}

/* Each test starts with an empty cache of one set, 4 entries, and an empty batch. */
static int
set_up(void **state)
{
	static const uint8_t keys[2][32] = { { 1 }, { 2 } };

	(void)state;
	ops = saker_openssl_ops;
	ops.derive = counting_derive;
	ops.expand = counting_expand;
	ctx = ops.lcore_init(0);
	assert_non_null(ctx);
	for (int i = 0; i < 2; i++)
		assert_int_equal(ops.set_master(ctx, keys[i], &masters[i]), 0);
	memset(&calls, 0, sizeof(calls));
	memset(&batch, 0, sizeof(batch));
	batch.suite = SAKER_AES_256_GCM;
	batch.kdf_blocks = 1;
	cache = NULL;
	use_cache(4);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	saker_key_cache_free(cache);
	ops.lcore_fini(ctx);
	return 0;
}

/* Start a batch of n slots, of sources from..from + n - 1. */
static void
sources(unsigned int from, unsigned int n)
{
	batch.n = (uint16_t)n;
	memset(batch.expanded, 0, sizeof(batch.expanded));
	for (unsigned int i = 0; i < n; i++) {
		batch.master[i] = &masters[0];
		memset(batch.kdf[0][i], 0xe0, SAKER_KDF_BLOCK);
		batch.kdf[0][i][0] = 0;
		saker_store_be32(batch.kdf[0][i] + 10, from + i);
	}
}

/* Every slot that was given a key was given the one that would be derived. */
static void
expect_right_keys(void)
{
	struct saker_data_key keys[SAKER_BATCH];

	assert_int_equal(saker_openssl_ops.derive(ctx, &batch, keys), 0);
	for (unsigned int i = 0; i < batch.n; i++)
		if (batch.expanded[i] != NULL)
			assert_memory_equal(batch.expanded[i]->octets, &keys[i], sizeof(keys[i]));
}

static unsigned int
slots_with_a_key(void)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < batch.n; i++)
		n += batch.expanded[i] != NULL;
	return n;
}

static bool
is_zero(const void *p, size_t n)
{
	const uint8_t *octets = p;

	while (n > 0 && octets[n - 1] == 0)
		n--;
	return n == 0;
}

static void
derives_a_key_once_and_gives_it_again(void **state)
{
	(void)state;
	sources(7, 4);
	assert_int_equal(saker_key_cache_fill(cache, &batch), 4);
	assert_int_equal(slots_with_a_key(), 4);
	expect_right_keys();
	sources(7, 4);
	assert_int_equal(saker_key_cache_fill(cache, &batch), 0);
	assert_int_equal(slots_with_a_key(), 4);
	expect_right_keys();
	assert_int_equal(calls.derived, 4);
	assert_int_equal(calls.expanded, 4);
}

static void
derives_only_what_is_missing(void **state)
{
	(void)state;
	sources(0, 2);
	assert_int_equal(saker_key_cache_fill(cache, &batch), 2);
	sources(1, 3);
	assert_int_equal(saker_key_cache_fill(cache, &batch), 2);
	assert_int_equal(slots_with_a_key(), 3);
	expect_right_keys();
}

static void
shares_one_entry_among_slots_of_the_same_key(void **state)
{
	(void)state;
	sources(3, 4);
	memcpy(batch.kdf[0][2], batch.kdf[0][0], SAKER_KDF_BLOCK);
	assert_int_equal(saker_key_cache_fill(cache, &batch), 3);
	assert_ptr_equal(batch.expanded[0], batch.expanded[2]);
	assert_ptr_not_equal(batch.expanded[0], batch.expanded[1]);
	expect_right_keys();
}

static void
tells_groups_of_one_batch_apart(void **state)
{
	(void)state;
	sources(3, 2);
	memcpy(batch.kdf[0][1], batch.kdf[0][0], SAKER_KDF_BLOCK);
	batch.master[1] = &masters[1];
	assert_int_equal(saker_key_cache_fill(cache, &batch), 2);
	assert_int_equal(slots_with_a_key(), 2);
	assert_ptr_not_equal(batch.expanded[0], batch.expanded[1]);
	expect_right_keys();
}

static void
seals_the_same_packet_with_a_cached_key(void **state)
{
	uint8_t text[2][TEXT_LEN] = { { 0 } }, icv[2][16];

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		sources(9, 1);
		if (i == 1)
			assert_int_equal(saker_key_cache_fill(cache, &batch), 1);
		batch.src[0] = batch.dst[0] = text[i];
		batch.icv[0] = icv[i];
		batch.len[0] = TEXT_LEN;
		assert_int_equal(ops.seal(ctx, &batch), 1);
	}
	assert_memory_equal(text[0], text[1], TEXT_LEN);
	assert_memory_equal(icv[0], icv[1], sizeof(icv[0]));
}

/* With one entry all keys collide: only the whole input tells them apart. */
static void
tells_keys_apart_by_all_of_their_input(void **state)
{
	static const uint8_t shapes[][2] = { { SAKER_AES_128_GCM, 1 }, { SAKER_AES_128_GCM, 2 },
		{ SAKER_AES_128_GCM, 3 }, { SAKER_AES_256_GCM, 3 } };

	(void)state;
	use_cache(1);
	sources(0, 1);
	assert_int_equal(saker_key_cache_fill(cache, &batch), 1);
	for (unsigned int octet = 1; octet < SAKER_KDF_BLOCK; octet++) {
		sources(0, 1);
		batch.kdf[0][0][octet] ^= 1;
		assert_int_equal(saker_key_cache_fill(cache, &batch), 1);
		expect_right_keys();
	}
	sources(0, 1);
	batch.master[0] = &masters[1];
	assert_int_equal(saker_key_cache_fill(cache, &batch), 1);
	expect_right_keys();
	for (unsigned int i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		batch.expanded[0] = NULL;
		batch.suite = shapes[i][0];
		batch.kdf_blocks = shapes[i][1];
		assert_int_equal(saker_key_cache_fill(cache, &batch), 1);
		expect_right_keys();
	}
	batch.expanded[0] = NULL;
	batch.kdf[2][0][15] ^= 1;
	assert_int_equal(saker_key_cache_fill(cache, &batch), 1);
	expect_right_keys();
}

static void
never_evicts_a_key_of_the_same_batch(void **state)
{
	(void)state;
	for (unsigned int entries = 1; entries <= 64; entries *= 2) {
		unsigned int derived;

		use_cache(entries);
		sources(0, SAKER_BATCH);
		derived = saker_key_cache_fill(cache, &batch);
		assert_in_range(derived, 1, entries);
		assert_int_equal(slots_with_a_key(), derived);
		for (unsigned int i = 0; i < SAKER_BATCH; i++)
			for (unsigned int k = 0; k < i; k++)
				assert_true(batch.expanded[i] == NULL ||
					    batch.expanded[i] != batch.expanded[k]);
		expect_right_keys();
	}
}

static void
never_evicts_a_key_that_an_earlier_slot_found(void **state)
{
	(void)state;
	use_cache(1);
	sources(5, 1);
	assert_int_equal(saker_key_cache_fill(cache, &batch), 1);
	sources(5, 3);
	assert_int_equal(saker_key_cache_fill(cache, &batch), 0);
	assert_non_null(batch.expanded[0]);
	assert_null(batch.expanded[1]);
	assert_null(batch.expanded[2]);
	expect_right_keys();
}

static void
makes_room_where_a_key_was_unused_longest(void **state)
{
	static const unsigned int first[] = { 0, 1, 2, 3, 0 };

	(void)state;
	for (unsigned int i = 0; i < 5; i++) {
		sources(first[i], 1);
		saker_key_cache_fill(cache, &batch);
	}
	sources(4, 1);
	assert_int_equal(saker_key_cache_fill(cache, &batch), 1);
	sources(0, 1);
	assert_int_equal(saker_key_cache_fill(cache, &batch), 0);
	sources(2, 2);
	assert_int_equal(saker_key_cache_fill(cache, &batch), 0);
	sources(1, 1);
	assert_int_equal(saker_key_cache_fill(cache, &batch), 1);
}

static void
rounds_entries_up_to_a_power_of_two(void **state)
{
	(void)state;
	use_cache(3);
	sources(0, 4);
	assert_int_equal(saker_key_cache_fill(cache, &batch), 4);
	sources(0, 4);
	assert_int_equal(saker_key_cache_fill(cache, &batch), 0);
}

static void
leaves_given_keys_alone(void **state)
{
	static struct saker_expanded_key given;

	(void)state;
	sources(0, 3);
	batch.expanded[1] = &given;
	assert_int_equal(saker_key_cache_fill(cache, &batch), 2);
	assert_ptr_equal(batch.expanded[1], &given);
	assert_true(is_zero(&given, sizeof(given)));
}

static void
wipes_all_keys_when_flushed(void **state)
{
	(void)state;
	sources(0, 4);
	assert_int_equal(saker_key_cache_fill(cache, &batch), 4);
	saker_key_cache_flush(cache);
	for (unsigned int i = 0; i < batch.n; i++)
		assert_true(is_zero(batch.expanded[i], sizeof(*batch.expanded[i])));
	sources(0, 4);
	assert_int_equal(saker_key_cache_fill(cache, &batch), 4);
	expect_right_keys();
}

static int
expand_nothing(void *c, enum saker_suite suite, const struct saker_data_key *key,
	struct saker_expanded_key *e)
{
	(void)c;
	(void)suite;
	(void)key;
	(void)e;
	return 0;
}

static void
wipes_a_key_when_it_is_evicted(void **state)
{
	(void)state;
	use_cache(1);
	sources(0, 1);
	assert_int_equal(saker_key_cache_fill(cache, &batch), 1);
	assert_false(is_zero(batch.expanded[0], sizeof(*batch.expanded[0])));
	ops.expand = expand_nothing;
	sources(1, 1);
	assert_int_equal(saker_key_cache_fill(cache, &batch), 1);
	assert_true(is_zero(batch.expanded[0], sizeof(*batch.expanded[0])));
}

static void
leaves_slots_to_the_driver_when_derivation_fails(void **state)
{
	static struct saker_expanded_key given;

	(void)state;
	for (int i = 0; i < 2; i++) {
		calls.fail_derive = i == 0;
		calls.fail_expand = i == 1;
		sources(0, 4);
		batch.expanded[3] = &given;
		assert_int_equal(saker_key_cache_fill(cache, &batch), 0);
		assert_int_equal(slots_with_a_key(), 1);
		assert_ptr_equal(batch.expanded[3], &given);
	}
	calls.fail_expand = false;
	sources(0, 4);
	assert_int_equal(saker_key_cache_fill(cache, &batch), 4);
	expect_right_keys();
}

static void
refuses_a_size_it_cannot_have(void **state)
{
	(void)state;
	assert_null(saker_key_cache_create(&ops, ctx, 0, 0));
	assert_null(saker_key_cache_create(&ops, ctx, UINT32_MAX, 0));
	saker_key_cache_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(derives_a_key_once_and_gives_it_again),
		TEST(derives_only_what_is_missing),
		TEST(shares_one_entry_among_slots_of_the_same_key),
		TEST(tells_groups_of_one_batch_apart),
		TEST(seals_the_same_packet_with_a_cached_key),
		TEST(tells_keys_apart_by_all_of_their_input),
		TEST(never_evicts_a_key_of_the_same_batch),
		TEST(never_evicts_a_key_that_an_earlier_slot_found),
		TEST(makes_room_where_a_key_was_unused_longest),
		TEST(rounds_entries_up_to_a_power_of_two),
		TEST(leaves_given_keys_alone),
		TEST(wipes_all_keys_when_flushed),
		TEST(wipes_a_key_when_it_is_evicted),
		TEST(leaves_slots_to_the_driver_when_derivation_fails),
		TEST(refuses_a_size_it_cannot_have),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
