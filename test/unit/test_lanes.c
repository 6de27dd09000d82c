/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/*
 * What is particular to drivers that work on slots side by side: groups of slots, ways that depend
 * on length and on how many slots there are, masters that they expand themselves. test/xvalid
 * compares them with the other drivers in everything else.
 *
 * usage: test_lanes DRIVER CPU, where CPU is the most that the driver may use: saker_cpu.h
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "saker_cpu.h"
#include "saker_crypto.h"

#define ICV_LEN 16
#define MAX_LEN 9000
#define MAX_AAD 256
#define GROUP   16

/* The driver under test, or NULL if it was not built or can't run here; and the reference. */
static const char *driver_name;
static const struct saker_crypto_ops *driver;
static void *ctx, *reference_ctx;
static struct saker_master master, reference_master;

static struct saker_batch batch;
static uint8_t text[SAKER_BATCH][MAX_LEN], aad[SAKER_BATCH][MAX_AAD], icv[SAKER_BATCH][ICV_LEN];
static uint8_t sealed[SAKER_BATCH][MAX_LEN], sealed_icv[SAKER_BATCH][ICV_LEN];

static int
set_up(void **state)
{
	static const uint8_t key[32] = { 0x0b, 0xad, 0xc0, 0xde };

	(void)state;
	driver = saker_crypto_find(driver_name);
	if (driver == NULL || driver->probe() <= 0) {
		driver = NULL;
		return 0;
	}
	ctx = driver->lcore_init(0);
	reference_ctx = saker_openssl_ops.lcore_init(0);
	assert_non_null(ctx);
	assert_non_null(reference_ctx);
	assert_int_equal(driver->set_master(ctx, key, &master), 0);
	return saker_openssl_ops.set_master(reference_ctx, key, &reference_master);
}

static int
tear_down(void **state)
{
	(void)state;
	if (driver != NULL) {
		driver->lcore_fini(ctx);
		saker_openssl_ops.lcore_fini(reference_ctx);
	}
	return 0;
}

static void
need_driver(void)
{
	if (driver == NULL)
		skip();
}

static void
begin_batch(enum saker_suite suite, unsigned int n)
{
	memset(&batch, 0, sizeof(batch));
	batch.n = (uint16_t)n;
	batch.suite = (uint8_t)suite;
	batch.kdf_blocks = 1;
}

/* A slot in place, its contents told by its number and length. */
static void
fill_slot(unsigned int i, uint32_t len)
{
	assert_true(len <= MAX_LEN);
	for (uint32_t k = 0; k < len; k++)
		text[i][k] = (uint8_t)(k * 7 + i + len);
	memset(aad[i], (int)(0x40 + i), sizeof(aad[i]));
	memset(batch.kdf[0][i], (int)(i + len), SAKER_KDF_BLOCK);
	batch.nonce[i][11] = (uint8_t)(i + 1);
	batch.master[i] = &master;
	batch.aad[i] = aad[i];
	batch.aad_len[i] = (uint16_t)(20 + i % 24);
	batch.src[i] = batch.dst[i] = text[i];
	batch.len[i] = len;
	batch.icv[i] = icv[i];
}

/* Seal the slots that are filled with the reference, and leave them as they were. */
static void
seal_with_reference(void)
{
	struct saker_batch b = batch;

	for (unsigned int i = 0; i < b.n; i++) {
		b.master[i] = &reference_master;
		b.dst[i] = sealed[i];
		b.icv[i] = sealed_icv[i];
	}
	assert_int_equal(saker_openssl_ops.seal(reference_ctx, &b), b.n);
}

/* Seal and open give what the reference gives. */
static void
expect_agreement(void)
{
	static uint8_t plain[SAKER_BATCH][MAX_LEN];

	memcpy(plain, text, sizeof(plain));
	seal_with_reference();
	assert_int_equal(driver->seal(ctx, &batch), batch.n);
	for (unsigned int i = 0; i < batch.n; i++) {
		assert_memory_equal(text[i], sealed[i], batch.len[i]);
		assert_memory_equal(icv[i], sealed_icv[i], ICV_LEN);
	}
	assert_int_equal(driver->open(ctx, &batch), batch.n);
	assert_memory_equal(text, plain, sizeof(plain));
}

static void
expands_a_master_as_published(void **state)
{
	/* FIPS 197 appendix A.3, SP 800-38B appendix D.3 */
	static const char *const key =
		"603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4";
	static const char *const want = "cafaaae3e4d59b349adf6acebd10190d"  /* round key 13 */
					"fe4890d1e6188d0b046df344706c631e"  /* round key 14 */
					"cad1ed03299eedac2e9a99808621502f"  /* K1 */
					"95a3da06533ddb585d3533010c42a0d9"; /* K2 */
	uint8_t k[32], w[64];
	struct saker_master m;

	(void)state;
	need_driver();
	assert_int_equal(saker_hex_decode(key, k, sizeof(k)), sizeof(k));
	assert_int_equal(saker_hex_decode(want, w, sizeof(w)), sizeof(w));
	assert_int_equal(driver->set_master(ctx, k, &m), 0);
	assert_memory_equal(m.round_keys[0], k, sizeof(k));
	assert_memory_equal(m.round_keys[13], w, 32);
	assert_memory_equal(m.k1, w + 32, 16);
	assert_memory_equal(m.k2, w + 48, 16);
	k[31] ^= 1;
	assert_int_equal(driver->set_master(ctx, k, &m), 0);
	assert_memory_not_equal(m.round_keys[14], w + 16, 16);
}

static void
agrees_on_every_length_of_short_and_long_texts(void **state)
{
	(void)state;
	need_driver();
	for (uint32_t first = 0; first + GROUP <= 1300; first += GROUP)
		for (int s = SAKER_AES_128_GCM; s <= SAKER_AES_256_GCM; s++) {
			begin_batch((enum saker_suite)s, GROUP);
			for (unsigned int i = 0; i < GROUP; i++)
				fill_slot(i, first + i);
			expect_agreement();
		}
}

static void
agrees_on_neighbours_of_any_length(void **state)
{
	static const uint32_t lens[] = { 0, 9000, 1, 321, 0, 64, 320, 2048, 15, 16, 17, 513, 0,
		1024, 63, 65, 1, 4097 };
	const unsigned int n = sizeof(lens) / sizeof(lens[0]);

	(void)state;
	need_driver();
	for (unsigned int turn = 0; turn < n; turn++)
		for (int s = SAKER_AES_128_GCM; s <= SAKER_AES_256_GCM; s++) {
			begin_batch((enum saker_suite)s, n - turn);
			for (unsigned int i = 0; i < n - turn; i++)
				fill_slot(i, lens[i + turn]);
			expect_agreement();
		}
}

static void
agrees_in_small_batches(void **state)
{
	static const uint32_t most[] = { 900, 600, 400, 400, 200, 200, 200, 100, 100 };

	(void)state;
	need_driver();
	for (unsigned int n = 1; n <= sizeof(most) / sizeof(most[0]); n++)
		for (uint32_t len = 0; len <= most[n - 1]; len++) {
			begin_batch(len % 2 == 0 ? SAKER_AES_128_GCM : SAKER_AES_256_GCM, n);
			for (unsigned int i = 0; i < n; i++)
				fill_slot(i, len + 17 * i);
			expect_agreement();
		}
}

static void
agrees_on_aad_of_any_length(void **state)
{
	static const uint32_t lens[] = { 0, 40, 64, 129, 400, 1500 };

	(void)state;
	need_driver();
	for (unsigned int first = 0; first + 5 <= MAX_AAD; first += 5)
		for (size_t k = 0; k < sizeof(lens) / sizeof(lens[0]); k++) {
			begin_batch(SAKER_AES_128_GCM, 5);
			for (unsigned int i = 0; i < 5; i++) {
				fill_slot(i, lens[k]);
				batch.aad_len[i] = (uint16_t)(first + i);
			}
			expect_agreement();
		}
}

/* Slots whose bit is set in `given` have their key already. */
static void
agree_with_keys_given(enum saker_suite suite, unsigned int n, unsigned int given)
{
	static struct saker_expanded_key own[GROUP], reference[GROUP];
	struct saker_data_key key = { .key = { 1 }, .mask = { 2 } };

	begin_batch(suite, n);
	for (unsigned int i = 0; i < n; i++) {
		fill_slot(i, 60 + 90 * i);
		key.key[1] = (uint8_t)i;
		assert_int_equal(driver->expand(ctx, suite, &key, &own[i]), 0);
		assert_int_equal(
			saker_openssl_ops.expand(reference_ctx, suite, &key, &reference[i]), 0);
		batch.expanded[i] = (given >> i & 1) ? &reference[i] : NULL;
	}
	seal_with_reference();
	for (unsigned int i = 0; i < n; i++)
		batch.expanded[i] = (given >> i & 1) ? &own[i] : NULL;
	assert_int_equal(driver->seal(ctx, &batch), n);
	for (unsigned int i = 0; i < n; i++) {
		assert_memory_equal(text[i], sealed[i], batch.len[i]);
		assert_memory_equal(icv[i], sealed_icv[i], ICV_LEN);
	}
	assert_int_equal(driver->open(ctx, &batch), n);
}

static void
agrees_with_keys_given_to_any_slots(void **state)
{
	(void)state;
	need_driver();
	for (unsigned int n = 1; n <= 9; n += 2)
		for (unsigned int given = 0; given < 1u << n; given++)
			agree_with_keys_given(
				given % 2 == 0 ? SAKER_AES_256_GCM : SAKER_AES_128_GCM, n, given);
}

static void
wipes_what_is_not_genuine_and_nothing_else(void **state)
{
	static const uint8_t zero[MAX_LEN];

	(void)state;
	need_driver();
	for (unsigned int bad = 0; bad < 9; bad++) {
		begin_batch(SAKER_AES_128_GCM, 9);
		for (unsigned int i = 0; i < 9; i++)
			fill_slot(i, 70 + 100 * i);
		assert_int_equal(driver->seal(ctx, &batch), 9);
		text[bad][69] ^= 1;
		assert_int_equal(driver->open(ctx, &batch), 8);
		for (unsigned int i = 0; i < 9; i++) {
			assert_int_equal(
				batch.status[i], i == bad ? SAKER_JOB_BAD_ICV : SAKER_JOB_OK);
			if (i == bad)
				assert_memory_equal(text[i], zero, batch.len[i]);
			else
				assert_int_equal(text[i][1], (uint8_t)(7 + i + batch.len[i]));
		}
	}
}

static void
looks_at_no_slot_beyond_the_last(void **state)
{
	static const uint8_t *const nowhere = (const uint8_t *)(uintptr_t)0x10;
	static const uint32_t lens[] = { 40, 1500 };

	(void)state;
	need_driver();
	for (unsigned int n = 1; n < 2 * GROUP; n += n < 5 ? 1 : 5)
		for (size_t k = 0; k < sizeof(lens) / sizeof(lens[0]); k++) {
			begin_batch(SAKER_AES_256_GCM, n);
			for (unsigned int i = 0; i < n; i++)
				fill_slot(i, lens[k]);
			for (unsigned int i = n; i < SAKER_BATCH; i++) {
				batch.master[i] = (const void *)nowhere;
				batch.expanded[i] = (const void *)nowhere;
				batch.aad[i] = batch.src[i] = nowhere;
				batch.dst[i] = batch.icv[i] = (uint8_t *)(uintptr_t)0x10;
				batch.len[i] = UINT32_MAX - i;
				batch.aad_len[i] = UINT16_MAX;
				batch.status[i] = 0x77;
			}
			expect_agreement();
			for (unsigned int i = n; i < SAKER_BATCH; i++)
				assert_int_equal(batch.status[i], 0x77);
		}
}

static void
takes_null_for_nothing(void **state)
{
	(void)state;
	need_driver();
	begin_batch(SAKER_AES_128_GCM, GROUP + 3);
	for (unsigned int i = 0; i < batch.n; i++) {
		fill_slot(i, i % 3 == 0 ? 0 : 40 * i);
		if (i % 3 == 0)
			batch.src[i] = batch.dst[i] = NULL;
		if (i % 2 == 0)
			batch.aad[i] = NULL;
		if (i % 2 == 0)
			batch.aad_len[i] = 0;
	}
	assert_int_equal(driver->seal(ctx, &batch), batch.n);
	icv[0][0] ^= 1;
	icv[1][0] ^= 1;
	assert_int_equal(driver->open(ctx, &batch), batch.n - 2);
	assert_int_equal(batch.status[0], SAKER_JOB_BAD_ICV);
	assert_int_equal(batch.status[1], SAKER_JOB_BAD_ICV);
}

static void
sets_the_counter_of_the_derivation_itself(void **state)
{
	struct saker_data_key keys[2][SAKER_BATCH];

	(void)state;
	need_driver();
	for (int turn = 0; turn < 2; turn++) {
		begin_batch(SAKER_AES_256_GCM, GROUP);
		for (unsigned int i = 0; i < GROUP; i++) {
			fill_slot(i, 0);
			batch.kdf[0][i][0] = turn == 0 ? 0 : (uint8_t)(0xff - i);
		}
		assert_int_equal(driver->derive(ctx, &batch, keys[turn]), 0);
	}
	assert_memory_equal(keys[0], keys[1], GROUP * sizeof(keys[0][0]));
	assert_memory_not_equal(&keys[0][0], &keys[0][1], sizeof(keys[0][0]));
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(expands_a_master_as_published),
		cmocka_unit_test(agrees_on_every_length_of_short_and_long_texts),
		cmocka_unit_test(agrees_on_neighbours_of_any_length),
		cmocka_unit_test(agrees_in_small_batches),
		cmocka_unit_test(agrees_on_aad_of_any_length),
		cmocka_unit_test(agrees_with_keys_given_to_any_slots),
		cmocka_unit_test(wipes_what_is_not_genuine_and_nothing_else),
		cmocka_unit_test(looks_at_no_slot_beyond_the_last),
		cmocka_unit_test(takes_null_for_nothing),
		cmocka_unit_test(sets_the_counter_of_the_derivation_itself),
	};

	if (argc != 3 || saker_cpu_limit(argv[2]) != 0)
		return 2;
	driver_name = argv[1];
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
