/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "saker_session_keys.h"
#include "saker_sskdf.h"

#define SESSIONS 3
#define FIRST    5
#define KEYS     4 /* root keys: two a group */

/* Keys of group 0: 0 to send, 1 to receive; of group 1: 2 and 3. */
static struct {
	struct saker_config config;
	struct saker_cfg_root_key key[KEYS];
	struct saker_cfg_group cfg[2];
	struct saker_root_values values[KEYS];
	struct saker_root_sending sending[KEYS];
	struct saker_root_set roots;
	struct saker_faults faults;
	struct saker_group group;
} at;

/* Not a driver's form: the key itself, so that tests can see it. */
static int
keep(void *ctx, enum saker_suite suite, const struct saker_data_key *key,
	struct saker_expanded_key *e)
{
	(void)ctx;
	(void)suite;
	memcpy(e->octets, key, sizeof(*key));
	return 0;
}

static const struct saker_crypto_ops ops = { .expand = keep };
static const struct saker_group_env env = {
	.config = &at.config, .roots = &at.roots, .ops = &ops, .faults = &at.faults
};

static int
set_up(void **state)
{
	(void)state;
	memset(&at, 0, sizeof(at));
	at.config = (struct saker_config){ .file = (char *)(uintptr_t) "test.cfg",
		.root_keys = at.key,
		.n_root_keys = KEYS,
		.groups = at.cfg,
		.n_groups = 2 };
	at.roots = (struct saker_root_set){ .n = KEYS, .values = at.values, .sending = at.sending };
	for (unsigned int k = 0; k < KEYS; k++) {
		snprintf(at.key[k].name, sizeof(at.key[k].name), "key%u", k);
		at.values[k].index = 10 + k;
		at.sending[k].generation = SAKER_CURRENT;
		for (unsigned int gen = 0; gen < SAKER_LIVE_GENERATIONS; gen++) {
			at.values[k].live[gen] = true;
			memset(at.values[k].value[gen], (int)(16 * k + gen + 1), SAKER_ROOT_LEN);
		}
	}
	for (unsigned int g = 0; g < 2; g++)
		at.cfg[g] = (struct saker_cfg_group){ .format = 'B',
			.suite = SAKER_AES_256_GCM,
			.sskdf = SAKER_SSKDF_SHA256,
			.spi = 0x2000,
			.peer_spi = 0x3000,
			.session_first = FIRST,
			.sessions = SESSIONS,
			.accept_first = FIRST,
			.accept_sessions = SESSIONS + 1,
			.root_keys = { 1, { (uint16_t)(2 * g) } },
			.receive_root_keys = { 1, { (uint16_t)(2 * g + 1) } } };
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	saker_group_free(&at.group);
	saker_faults_free(&at.faults);
	return 0;
}

static void
build(void)
{
	assert_int_equal(saker_group_build(&env, &at.cfg[0], &at.group), 0);
	assert_non_null(at.group.session);
}

static void
expect_key(
	const struct saker_expanded_key *got, unsigned int key, unsigned int gen, uint16_t session)
{
	struct saker_data_key want;

	assert_int_equal(saker_session_data_key(SAKER_SSKDF_SHA256, 'B', SAKER_AES_256_GCM,
				 at.values[key].value[gen], session, &want),
		0);
	assert_non_null(got);
	assert_memory_equal(got->octets, &want, sizeof(want));
}

static void
seals_each_session_under_the_value_that_seals(void **state)
{
	(void)state;
	at.sending[0].generation = SAKER_PRE;
	build();
	for (uint16_t s = FIRST; s < FIRST + SESSIONS; s++) {
		expect_key(saker_session_seal_key(at.group.session, s), 0, SAKER_PRE, s);
		assert_int_equal(saker_session_spi(&at.group, s), 0x3000 + 9 % 4);
	}
	assert_null(saker_session_seal_key(at.group.session, FIRST - 1));
	assert_null(saker_session_seal_key(at.group.session, FIRST + SESSIONS));
}

static void
opens_under_each_live_value_by_the_low_bits_of_the_spi(void **state)
{
	/* old, pre, current, next: indices 9 to 12 */
	static const unsigned int generation[] = { SAKER_NEXT, SAKER_OLD, SAKER_PRE,
		SAKER_CURRENT };
	static const uint32_t index[] = { 12, 9, 10, 11 };

	(void)state;
	build();
	for (uint32_t low = 0; low < 4; low++)
		for (uint16_t s = FIRST; s < FIRST + SESSIONS + 1; s++) {
			const struct saker_hdr h = { .spi = 0x2000 + low, .session = s };
			uint64_t run = 0;

			expect_key(saker_session_open_key(at.group.session, &h, &run), 1,
				generation[low], s);
			assert_int_equal(run, index[low]);
		}
}

static void
opens_nothing_under_values_that_are_not_live(void **state)
{
	const struct saker_hdr h = { .spi = 0x2001, .session = FIRST };
	uint64_t run = 0;

	(void)state;
	at.values[1].live[SAKER_OLD] = false;
	build();
	assert_null(saker_session_open_key(at.group.session, &h, &run));
}

static void
listens_on_an_spi_for_each_index_and_sends_under_the_peers(void **state)
{
	(void)state;
	build();
	assert_int_equal(at.group.n_spis, 4);
	assert_int_equal(at.group.send_spi, 0x3000);
	assert_int_equal(at.group.send_key[SAKER_ZONE], 0);
	assert_int_equal(at.group.n_masters, 0);
}

static void
tells_root_key_values_apart_whatever_the_group_says(void **state)
{
	uint8_t first[8];

	(void)state;
	build();
	memcpy(first, at.group.mk_check, sizeof(first));
	saker_group_free(&at.group);
	memset(&at.group, 0, sizeof(at.group));
	at.cfg[0].spi = 0x7000;
	at.cfg[0].peer_spi = 0x8000;
	at.cfg[0].suite = SAKER_AES_128_GCM;
	build();
	assert_memory_equal(at.group.mk_check, first, sizeof(first));
	saker_group_free(&at.group);
	memset(&at.group, 0, sizeof(at.group));
	at.sending[0].generation = SAKER_NEXT;
	build();
	assert_memory_not_equal(at.group.mk_check, first, sizeof(first));
}

static void
lets_every_value_serve_once(void **state)
{
	(void)state;
	assert_int_equal(saker_session_keys_check(&env), 0);
	assert_int_equal(at.faults.n, 0);
}

static void
refuses_a_value_that_serves_twice(void **state)
{
	/* one key's value in another: the other direction, another group's, any generation */
	static const unsigned int pairs[][4] = { { 0, SAKER_CURRENT, 1, SAKER_CURRENT },
		{ 0, SAKER_NEXT, 1, SAKER_PRE }, { 0, SAKER_CURRENT, 2, SAKER_CURRENT },
		{ 0, SAKER_CURRENT, 3, SAKER_OLD }, { 1, SAKER_PRE, 3, SAKER_NEXT } };

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		const unsigned int *p = pairs[i];

		set_up(state);
		memcpy(at.values[p[2]].value[p[3]], at.values[p[0]].value[p[1]], SAKER_ROOT_LEN);
		assert_int_equal(saker_session_keys_check(&env), -EINVAL);
		assert_int_equal(at.faults.n, 1);
		assert_non_null(strstr(at.faults.text[0], "hold the same value"));
		saker_faults_free(&at.faults);
	}
	set_up(state);
}

static void
refuses_a_root_key_that_two_groups_name(void **state)
{
	(void)state;
	at.cfg[1].receive_root_keys.index[0] = 0;
	assert_int_equal(saker_session_keys_check(&env), -EINVAL);
	assert_non_null(strstr(at.faults.text[0], "key0 and key0"));
}

int
main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH(seals_each_session_under_the_value_that_seals),
		WITH(opens_under_each_live_value_by_the_low_bits_of_the_spi),
		WITH(opens_nothing_under_values_that_are_not_live),
		WITH(listens_on_an_spi_for_each_index_and_sends_under_the_peers),
		WITH(tells_root_key_values_apart_whatever_the_group_says),
		WITH(lets_every_value_serve_once),
		WITH(refuses_a_value_that_serves_twice),
		WITH(refuses_a_root_key_that_two_groups_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
