/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "saker_keys.h"

#define INPUT (SAKER_KDF_MAX_BLOCKS * SAKER_KDF_BLOCK)

static const uint8_t v4_src[4] = { 0xc0, 0, 2, 1 }, v4_dst[4] = { 0xc0, 0, 2, 2 };
static const uint8_t v6_src[16] = { 0x20, 1, 0xd, 0xb8, [15] = 1 };
static const uint8_t v6_dst[16] = { 0x20, 1, 0xd, 0xb8, [15] = 2 };

/* A context in which every field differs from the others. */
static struct saker_kdf_context
context(uint8_t variant, uint8_t family)
{
	return (struct saker_kdf_context){ .format = 'E',
		.variant = variant,
		.family = family,
		.epoch = 0x1122,
		.rekey = 0x33445566,
		.source = 0xa1a2a3a4b1b2b3b4,
		.src = family == 6 ? v6_src : v4_src,
		.dst = family == 6 ? v6_dst : v4_dst };
}

static void
lays_out_the_input_octet_by_octet(void **state)
{
	static const struct {
		uint8_t variant, family;
		enum saker_suite suite;
		unsigned int blocks;
		const char *hex;
	} rows[] = {
		{ 0, 4, SAKER_AES_256_GCM, 1, "0045300011223344 5566b1b2b3b40160" },
		{ 0, 6, SAKER_AES_128_GCM, 1, "0045300011223344 5566b1b2b3b400e0" },
		{ 1, 4, SAKER_AES_256_GCM, 1, "004531001122a1a2 a3a4b1b2b3b40160" },
		{ 2, 6, SAKER_AES_128_GCM, 1, "004532001122a1a2 a3a4b1b2b3b400e0" },
		{ 3, 4, SAKER_AES_256_GCM, 1, "0045330011223344 5566c00002010160" },
		{ 3, 6, SAKER_AES_256_GCM, 2,
			"0045330000000000 1122334455662001 0db8000000000000 0000000000010160" },
		{ 4, 4, SAKER_AES_256_GCM, 2,
			"0045340011223344 5566c0000201c000 0202000000000000 0000000000000160" },
		{ 4, 6, SAKER_AES_128_GCM, 3,
			"0045340011223344 556620010db80000 0000000000000000 000120010db80000"
			"0000000000000000 00020000000000e0" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct saker_kdf_context c = context(rows[i].variant, rows[i].family);
		uint8_t out[INPUT];
		char want[2 * INPUT + 1], got[2 * INPUT + 1];
		size_t n = 0;

		for (const char *p = rows[i].hex; *p != '\0'; p++)
			if (*p != ' ')
				want[n++] = *p;
		want[n] = '\0';
		memset(out, 0xee, sizeof(out));
		assert_int_equal(saker_kdf_input(&c, rows[i].suite, out), rows[i].blocks);
		assert_int_equal(saker_kdf_blocks(rows[i].variant, rows[i].family), rows[i].blocks);
		saker_hex_encode(out, rows[i].blocks * SAKER_KDF_BLOCK, got);
		assert_string_equal(got, want);
		for (size_t k = rows[i].blocks * SAKER_KDF_BLOCK; k < sizeof(out); k++)
			assert_int_equal(out[k], 0xee);
	}
}

static void
refuses_a_variant_that_is_not_known(void **state)
{
	struct saker_kdf_context c = context(SAKER_V_COUNT, 4);
	static const uint8_t gk[SAKER_ROOT_LEN] = { 1 };
	uint8_t out[INPUT] = { 0 };
	struct saker_data_key key;

	(void)state;
	assert_int_equal(saker_kdf_blocks(SAKER_V_COUNT, 4), 0);
	assert_int_equal(saker_kdf_blocks(255, 6), 0);
	assert_int_equal(saker_kdf_input(&c, SAKER_AES_256_GCM, out), 0);
	assert_int_equal(out[1], 0);
	assert_int_equal(saker_data_key_derive(gk, &c, SAKER_AES_256_GCM, &key), -EINVAL);
}

static void
takes_the_rekey_word_from_the_counter_alone(void **state)
{
	(void)state;
	assert_int_equal(saker_rekey_word(0xffff123456789abcULL, -1), 0);
	assert_int_equal(saker_rekey_word(0xffff123456789abcULL, 0), 0x56789abc);
	assert_int_equal(saker_rekey_word(0xffff123456789abcULL, 24), 0x123456);
	assert_int_equal(saker_rekey_word(0xffff823456789abcULL, 47), 1);
}

/* AES-256-CMAC of the message 01 4356 00 0020 under the key 00 01 .. 1f. */
static void
computes_what_another_implementation_computes(void **state)
{
	uint8_t key[32], check[SAKER_CHECK_LEN];
	char text[SAKER_CHECK_TEXT];

	(void)state;
	for (uint8_t i = 0; i < 32; i++)
		key[i] = i;
	assert_int_equal(saker_key_check(key, check), 0);
	assert_string_equal(saker_key_check_text(key, text), "e24bab12");
	assert_int_equal(saker_load_be32(check), 0xe24bab12);
	key[31] ^= 1;
	assert_string_not_equal(saker_key_check_text(key, text), "e24bab12");
}

static void
derives_any_length_up_to_its_limit(void **state)
{
	static const uint8_t key[32] = { 7 };
	static uint8_t out[255 * 16 + 1];
	uint8_t whole[32];

	(void)state;
	out[sizeof(out) - 1] = 0xee;
	assert_int_equal(saker_kdf(key, "XX", NULL, 0, 255 * 128, out), 0);
	assert_int_equal(out[sizeof(out) - 1], 0xee);
	memset(out, 0xee, sizeof(out));
	assert_int_equal(saker_kdf(key, "XX", NULL, 0, 136, out), 0);
	assert_int_equal(out[17], 0xee);
	assert_int_equal(saker_kdf(key, "XX", NULL, 0, 256, whole), 0);
	assert_memory_not_equal(out, whole, 16); /* L is part of the input */
	assert_memory_not_equal(whole, whole + 16, 16);
}

static void
refuses_lengths_that_it_can_not_derive(void **state)
{
	static const uint8_t key[32] = { 7 }, long_context[1025];
	uint8_t out[16];

	(void)state;
	assert_int_equal(saker_kdf(key, "XX", NULL, 0, 0, out), -EINVAL);
	assert_int_equal(saker_kdf(key, "XX", NULL, 0, 12, out), -EINVAL);
	assert_int_equal(saker_kdf(key, "XX", NULL, 0, 255 * 128 + 8, out), -EINVAL);
	assert_int_equal(saker_kdf(key, "XX", long_context, 1025, 128, out), -EINVAL);
	assert_int_equal(saker_kdf(key, "XX", long_context, 1024, 128, out), 0);
}

/* Three unequal values whose exclusive-or is not zero. */
static const uint8_t root_a[SAKER_ROOT_LEN] = { 1 }, root_b[SAKER_ROOT_LEN] = { 2 },
		     root_c[SAKER_ROOT_LEN] = { 4 }, zero[SAKER_ROOT_LEN];

static int
combine(enum saker_combine how, const uint8_t *zone, const uint8_t *user, const uint8_t *task,
	uint8_t *mk)
{
	const uint8_t *const value[SAKER_LEVELS] = { zone, user, task };

	memset(mk, 0xee, SAKER_ROOT_LEN);
	return saker_master_key(how, value, mk);
}

static void
xors_the_levels_that_are_used(void **state)
{
	uint8_t mk[SAKER_ROOT_LEN];

	(void)state;
	assert_int_equal(combine(SAKER_XOR, root_a, root_b, root_c, mk), 0);
	assert_int_equal(mk[0], 7);
	assert_int_equal(combine(SAKER_XOR, NULL, NULL, root_c, mk), 0);
	assert_memory_equal(mk, root_c, sizeof(mk));
}

static void
hkdf_tells_one_level_from_another(void **state)
{
	uint8_t zone[SAKER_ROOT_LEN], user[SAKER_ROOT_LEN], both[SAKER_ROOT_LEN];

	(void)state;
	assert_int_equal(combine(SAKER_HKDF, root_a, NULL, NULL, zone), 0);
	assert_int_equal(combine(SAKER_HKDF, NULL, root_a, NULL, user), 0);
	assert_memory_not_equal(zone, user, sizeof(zone));
	assert_int_equal(combine(SAKER_HKDF, root_a, root_b, NULL, zone), 0);
	assert_int_equal(combine(SAKER_HKDF, root_b, root_a, NULL, both), 0);
	assert_memory_not_equal(zone, both, sizeof(zone));
}

static void
refuses_equal_values_and_wipes_the_result(void **state)
{
	uint8_t mk[SAKER_ROOT_LEN], copy[SAKER_ROOT_LEN];

	(void)state;
	memcpy(copy, root_a, sizeof(copy));
	for (int how = SAKER_HKDF; how <= SAKER_XOR; how++) {
		assert_int_equal(
			combine((enum saker_combine)how, root_a, root_b, copy, mk), -EEXIST);
		assert_memory_equal(mk, zero, sizeof(mk));
		assert_int_equal(combine((enum saker_combine)how, NULL, root_a, copy, mk), -EEXIST);
		assert_memory_equal(mk, zero, sizeof(mk));
	}
	copy[SAKER_ROOT_LEN - 1] ^= 1;
	assert_int_equal(combine(SAKER_HKDF, root_a, root_b, copy, mk), 0);
	assert_memory_not_equal(mk, zero, sizeof(mk));
}

static void
refuses_a_zero_master_key(void **state)
{
	uint8_t mk[SAKER_ROOT_LEN], sum[SAKER_ROOT_LEN] = { 3 };

	(void)state;
	assert_int_equal(combine(SAKER_XOR, root_a, root_b, sum, mk), -EDOM);
	assert_memory_equal(mk, zero, sizeof(mk));
	assert_int_equal(combine(SAKER_HKDF, root_a, root_b, sum, mk), 0);
}

static void
refuses_a_group_without_a_level(void **state)
{
	uint8_t mk[SAKER_ROOT_LEN];

	(void)state;
	assert_int_equal(combine(SAKER_HKDF, NULL, NULL, NULL, mk), -EINVAL);
	assert_memory_equal(mk, zero, sizeof(mk));
	assert_int_equal(combine(SAKER_XOR, NULL, NULL, NULL, mk), -EINVAL);
}

static void
gives_groups_that_differ_in_one_thing_different_keys(void **state)
{
	uint8_t gk[5][SAKER_ROOT_LEN];

	(void)state;
	assert_int_equal(saker_group_key(root_a, 'E', SAKER_AES_256_GCM, 7, gk[0]), 0);
	assert_int_equal(saker_group_key(root_a, 'S', SAKER_AES_256_GCM, 7, gk[1]), 0);
	assert_int_equal(saker_group_key(root_a, 'E', SAKER_AES_128_GCM, 7, gk[2]), 0);
	assert_int_equal(saker_group_key(root_a, 'E', SAKER_AES_256_GCM, 8, gk[3]), 0);
	assert_int_equal(saker_group_key(root_b, 'E', SAKER_AES_256_GCM, 7, gk[4]), 0);
	for (int i = 0; i < 5; i++)
		for (int k = i + 1; k < 5; k++)
			assert_memory_not_equal(gk[i], gk[k], SAKER_ROOT_LEN);
}

static void
leaves_no_more_key_than_the_suite_has(void **state)
{
	const struct saker_kdf_context c = context(SAKER_V_SOURCE_ID, 4);
	struct saker_data_key key;

	(void)state;
	memset(&key, 0xee, sizeof(key));
	assert_int_equal(saker_data_key_derive(root_a, &c, SAKER_AES_128_GCM, &key), 0);
	assert_memory_equal(key.key + 16, zero, 16);
	assert_memory_not_equal(key.key, zero, 16);
	assert_memory_not_equal(key.mask, zero, SAKER_MASK_LEN);
}

static void
makes_the_subkeys_of_cmac_as_published(void **state)
{
	/* SP 800-38B, appendix D.1 and D.3: E(0), K1, K2 */
	static const char *const vectors[][3] = {
		{ "7df76b0c1ab899b33e42f047b91b546f", "fbeed618357133667c85e08f7236a8de",
			"f7ddac306ae266ccf90bc11ee46d513b" },
		{ "e568f68194cf76d6174d4cc04310a854", "cad1ed03299eedac2e9a99808621502f",
			"95a3da06533ddb585d3533010c42a0d9" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		uint8_t want[3][16], k1[16], k2[16];

		for (unsigned int k = 0; k < 3; k++)
			assert_int_equal(saker_hex_decode(vectors[i][k], want[k], 16), 16);
		saker_cmac_subkeys(want[0], k1, k2);
		assert_memory_equal(k1, want[1], 16);
		assert_memory_equal(k2, want[2], 16);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(makes_the_subkeys_of_cmac_as_published),
		cmocka_unit_test(lays_out_the_input_octet_by_octet),
		cmocka_unit_test(refuses_a_variant_that_is_not_known),
		cmocka_unit_test(takes_the_rekey_word_from_the_counter_alone),
		cmocka_unit_test(computes_what_another_implementation_computes),
		cmocka_unit_test(derives_any_length_up_to_its_limit),
		cmocka_unit_test(refuses_lengths_that_it_can_not_derive),
		cmocka_unit_test(xors_the_levels_that_are_used),
		cmocka_unit_test(hkdf_tells_one_level_from_another),
		cmocka_unit_test(refuses_equal_values_and_wipes_the_result),
		cmocka_unit_test(refuses_a_zero_master_key),
		cmocka_unit_test(refuses_a_group_without_a_level),
		cmocka_unit_test(gives_groups_that_differ_in_one_thing_different_keys),
		cmocka_unit_test(leaves_no_more_key_than_the_suite_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
