/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/* Every intermediate key of the published packets of formats E and S. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "saker_keys.h"

#include "kat_vectors.h"

#define CASES 96 /* of formats E and S in stateless-profile.json */

static int
master_key_of(const struct kat_case *c, uint8_t mk[SAKER_ROOT_LEN])
{
	const uint8_t *value[SAKER_LEVELS];

	for (int level = 0; level < SAKER_LEVELS; level++)
		value[level] = c->root[level].used ? c->root[level].value.p : NULL;
	return saker_master_key((enum saker_combine)c->combine, value, mk);
}

static struct saker_kdf_context
context_of(const struct kat_case *c)
{
	struct saker_kdf_context context = {
		.format = (uint8_t)c->format,
		.variant = c->variant,
		.family = c->outer_src.n == 16 ? 6 : 4,
		.epoch = c->epoch,
		.rekey = saker_rekey_word((uint64_t)c->epoch << 48 | c->counter, c->rekey_shift),
		.src = c->outer_src.p,
		.dst = c->outer_dst.p,
	};

	if (c->source_id.n == 4)
		context.source = saker_load_be32(c->source_id.p);
	if (c->source_id.n == 8)
		context.source = saker_load_be64(c->source_id.p);
	return context;
}

static int
data_key_of(const struct kat_case *c, struct saker_data_key *key)
{
	const struct saker_kdf_context context = context_of(c);
	enum saker_suite suite = (enum saker_suite)c->suite;
	uint8_t mk[SAKER_ROOT_LEN], gk[SAKER_ROOT_LEN];

	assert_int_equal(master_key_of(c, mk), 0);
	assert_int_equal(saker_group_key(mk, (uint8_t)c->format, suite, c->spi, gk), 0);
	return saker_data_key_derive(gk, &context, suite, key);
}

static void
checks_all_published_cases(void **state)
{
	unsigned int variant[SAKER_V_COUNT] = { 0 }, shifted = 0, hkdf = 0;

	(void)state;
	for (size_t i = 0; i < KAT_COUNT(kat_cases); i++) {
		variant[kat_cases[i].variant]++;
		shifted += kat_cases[i].rekey_shift >= 0;
		hkdf += kat_cases[i].combine == SAKER_HKDF;
	}
	assert_int_equal(KAT_COUNT(kat_cases), CASES);
	for (int v = 0; v < SAKER_V_COUNT; v++)
		assert_true(variant[v] > 0);
	assert_in_range(shifted, 1, CASES - 1);
	assert_in_range(hkdf, 1, CASES - 1);
}

static void
combines_root_keys_to_the_master_key(void **state)
{
	uint8_t mk[SAKER_ROOT_LEN];

	(void)state;
	for (size_t i = 0; i < KAT_COUNT(kat_cases); i++) {
		assert_int_equal(kat_cases[i].master_key.n, sizeof(mk));
		assert_int_equal(master_key_of(&kat_cases[i], mk), 0);
		assert_memory_equal(mk, kat_cases[i].master_key.p, sizeof(mk));
	}
}

static void
binds_the_group_key_to_suite_and_spi(void **state)
{
	uint8_t gk[SAKER_ROOT_LEN];

	(void)state;
	for (size_t i = 0; i < KAT_COUNT(kat_cases); i++) {
		const struct kat_case *c = &kat_cases[i];

		assert_int_equal(saker_group_key(c->master_key.p, (uint8_t)c->format,
					 (enum saker_suite)c->suite, c->spi, gk),
			0);
		assert_int_equal(c->group_key.n, sizeof(gk));
		assert_memory_equal(gk, c->group_key.p, sizeof(gk));
	}
}

static void
lays_out_as_many_blocks_as_the_context_needs(void **state)
{
	static const uint8_t blocks[SAKER_V_COUNT][2] = { { 1, 1 }, { 1, 1 }, { 1, 1 }, { 1, 2 },
		{ 2, 3 } };
	uint8_t input[SAKER_KDF_MAX_BLOCKS * SAKER_KDF_BLOCK];

	(void)state;
	for (size_t i = 0; i < KAT_COUNT(kat_cases); i++) {
		const struct kat_case *c = &kat_cases[i];
		const struct saker_kdf_context context = context_of(c);

		assert_int_equal(saker_kdf_input(&context, (enum saker_suite)c->suite, input),
			blocks[c->variant][c->outer_src.n == 16]);
	}
}

static void
derives_data_key_and_mask(void **state)
{
	struct saker_data_key key;

	(void)state;
	for (size_t i = 0; i < KAT_COUNT(kat_cases); i++) {
		const struct kat_case *c = &kat_cases[i];

		assert_int_equal(data_key_of(c, &key), 0);
		assert_int_equal(c->data_key.n, saker_suite_key_len((enum saker_suite)c->suite));
		assert_memory_equal(key.key, c->data_key.p, c->data_key.n);
		assert_int_equal(c->mask.n, SAKER_MASK_LEN);
		assert_memory_equal(key.mask, c->mask.p, SAKER_MASK_LEN);
	}
}

static void
masks_the_nonce_of_each_packet(void **state)
{
	struct saker_data_key key;
	uint8_t nonce[12];

	(void)state;
	for (size_t i = 0; i < KAT_COUNT(kat_cases); i++) {
		const struct kat_case *c = &kat_cases[i];

		assert_int_equal(data_key_of(c, &key), 0);
		saker_nonce(c->session, c->role, c->variant, (uint64_t)c->epoch << 48 | c->counter,
			nonce);
		for (int k = 0; k < 12; k++)
			nonce[k] ^= key.mask[k];
		assert_memory_equal(nonce, c->nonce.p, sizeof(nonce));
	}
}

/* One wrong bit anywhere gives another key: the checks above can fail. */
static void
derives_another_key_from_one_damaged_bit(void **state)
{
	struct saker_data_key key;

	(void)state;
	for (size_t i = 0; i < KAT_COUNT(kat_cases); i++) {
		struct kat_case c = kat_cases[i];

		c.spi ^= 1;
		assert_int_equal(data_key_of(&c, &key), 0);
		assert_memory_not_equal(key.key, c.data_key.p, c.data_key.n);
		c.spi ^= 1;
		c.epoch ^= 0x8000;
		assert_int_equal(data_key_of(&c, &key), 0);
		assert_memory_not_equal(key.key, c.data_key.p, c.data_key.n);
	}
}

static void
counts_the_rekey_word_only_where_there_is_room_for_it(void **state)
{
	struct saker_data_key key, other;

	(void)state;
	for (size_t i = 0; i < KAT_COUNT(kat_cases); i++) {
		struct kat_case c = kat_cases[i];
		bool no_room = c.variant == SAKER_V_SOURCE_ID_64 ||
			       c.variant == SAKER_V_CONNECTION_ID;

		c.rekey_shift = 0;
		assert_int_equal(data_key_of(&c, &key), 0);
		c.counter ^= 1;
		assert_int_equal(data_key_of(&c, &other), 0);
		assert_int_equal(saker_ct_equal(key.key, other.key, sizeof(key.key)), no_room);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checks_all_published_cases),
		cmocka_unit_test(combines_root_keys_to_the_master_key),
		cmocka_unit_test(binds_the_group_key_to_suite_and_spi),
		cmocka_unit_test(lays_out_as_many_blocks_as_the_context_needs),
		cmocka_unit_test(derives_data_key_and_mask),
		cmocka_unit_test(masks_the_nonce_of_each_packet),
		cmocka_unit_test(derives_another_key_from_one_damaged_bit),
		cmocka_unit_test(counts_the_rekey_word_only_where_there_is_room_for_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
