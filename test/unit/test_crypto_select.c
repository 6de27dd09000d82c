/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "saker_cpu.h"
#include "saker_crypto.h"

static const struct saker_crypto_ops *const good = &saker_openssl_ops;

/* Drivers that are wrong in one way each. */

static int
probe_unsupported(void)
{
	return -ENOTSUP;
}

static void *
init_without_memory(int socket)
{
	(void)socket;
	return NULL;
}

static int
derive_with_a_wrong_mask(void *ctx, struct saker_batch *b, struct saker_data_key *keys)
{
	int ret = good->derive(ctx, b, keys);

	keys[b->n - 1].mask[SAKER_MASK_LEN - 1] ^= 1;
	return ret;
}

static int
derive_that_fails(void *ctx, struct saker_batch *b, struct saker_data_key *keys)
{
	(void)good->derive(ctx, b, keys);
	return -EIO;
}

static unsigned int
seal_with_a_wrong_icv(void *ctx, struct saker_batch *b)
{
	unsigned int n = good->seal(ctx, b);

	b->icv[b->n - 1][15] ^= 1;
	return n;
}

static unsigned int
seal_with_a_wrong_text(void *ctx, struct saker_batch *b)
{
	unsigned int n = good->seal(ctx, b);

	b->dst[0][b->len[0] - 1] ^= 0x80;
	return n;
}

static unsigned int
open_with_a_wrong_text(void *ctx, struct saker_batch *b)
{
	unsigned int n = good->open(ctx, b);

	b->dst[0][0] ^= 1;
	return n;
}

/* CTR runs the same way both ways: sealing again opens, and looks at no ICV. */
static unsigned int
open_without_looking(void *ctx, struct saker_batch *b)
{
	uint8_t icv[SAKER_BATCH][16];
	uint8_t *callers[SAKER_BATCH];
	unsigned int n;

	for (unsigned int i = 0; i < b->n; i++) {
		callers[i] = b->icv[i];
		b->icv[i] = icv[i];
	}
	n = good->seal(ctx, b);
	for (unsigned int i = 0; i < b->n; i++)
		b->icv[i] = callers[i];
	return n;
}

static unsigned int
open_that_leaves_plaintext(void *ctx, struct saker_batch *b)
{
	unsigned int n = good->open(ctx, b);

	for (unsigned int i = 0; i < b->n; i++)
		if (b->status[i] == SAKER_JOB_BAD_ICV)
			b->dst[i][b->len[i] - 1] = 0x55;
	return n;
}

static unsigned int
open_without_a_reason(void *ctx, struct saker_batch *b)
{
	unsigned int n = good->open(ctx, b);

	for (unsigned int i = 0; i < b->n; i++)
		if (b->status[i] == SAKER_JOB_BAD_ICV)
			b->status[i] = SAKER_JOB_ERROR;
	return n;
}

static int
expand_another_key(void *ctx, enum saker_suite suite, const struct saker_data_key *key,
	struct saker_expanded_key *e)
{
	struct saker_data_key other = *key;

	other.key[0] ^= 1;
	return good->expand(ctx, suite, &other, e);
}

static void
expect(const struct saker_crypto_ops *ops, enum saker_crypto_state state)
{
	assert_string_equal(
		saker_crypto_state_name(saker_crypto_check(ops)), saker_crypto_state_name(state));
}

static void
passes_the_portable_driver(void **state)
{
	(void)state;
	expect(good, SAKER_CRYPTO_READY);
}

static void
calls_a_driver_unsupported_when_its_probe_says_no(void **state)
{
	struct saker_crypto_ops ops = *good;

	(void)state;
	ops.probe = probe_unsupported;
	expect(&ops, SAKER_CRYPTO_UNSUPPORTED);
}

static void
fails_a_driver_that_derives_wrong_keys_or_none(void **state)
{
	struct saker_crypto_ops ops = *good;

	(void)state;
	ops.derive = derive_with_a_wrong_mask;
	expect(&ops, SAKER_CRYPTO_FAILED_KAT);
	ops.derive = derive_that_fails;
	expect(&ops, SAKER_CRYPTO_FAILED_KAT);
}

static void
fails_a_driver_that_seals_wrongly(void **state)
{
	struct saker_crypto_ops ops = *good;

	(void)state;
	ops.seal = seal_with_a_wrong_icv;
	expect(&ops, SAKER_CRYPTO_FAILED_KAT);
	ops.seal = seal_with_a_wrong_text;
	expect(&ops, SAKER_CRYPTO_FAILED_KAT);
}

static void
fails_a_driver_that_opens_wrongly(void **state)
{
	struct saker_crypto_ops ops = *good;

	(void)state;
	ops.open = open_with_a_wrong_text;
	expect(&ops, SAKER_CRYPTO_FAILED_KAT);
}

static void
fails_a_driver_that_accepts_damaged_packets(void **state)
{
	struct saker_crypto_ops ops = *good;

	(void)state;
	ops.open = open_without_looking;
	expect(&ops, SAKER_CRYPTO_FAILED_KAT);
}

static void
fails_a_driver_that_leaves_plaintext_behind_a_wrong_icv(void **state)
{
	struct saker_crypto_ops ops = *good;

	(void)state;
	ops.open = open_that_leaves_plaintext;
	expect(&ops, SAKER_CRYPTO_FAILED_KAT);
}

static void
fails_a_driver_that_calls_a_wrong_icv_something_else(void **state)
{
	struct saker_crypto_ops ops = *good;

	(void)state;
	ops.open = open_without_a_reason;
	expect(&ops, SAKER_CRYPTO_FAILED_KAT);
}

static void
fails_a_driver_that_expands_another_key(void **state)
{
	struct saker_crypto_ops ops = *good;

	(void)state;
	ops.expand = expand_another_key;
	expect(&ops, SAKER_CRYPTO_FAILED_KAT);
}

static void
fails_a_driver_that_gets_no_memory(void **state)
{
	struct saker_crypto_ops ops = *good;

	(void)state;
	ops.lcore_init = init_without_memory;
	expect(&ops, SAKER_CRYPTO_FAILED_KAT);
}

static void
names_every_state(void **state)
{
	(void)state;
	assert_string_equal(saker_crypto_state_name(SAKER_CRYPTO_READY), "ready");
	assert_string_equal(saker_crypto_state_name(SAKER_CRYPTO_UNSUPPORTED), "unsupported");
	assert_string_equal(saker_crypto_state_name(SAKER_CRYPTO_FAILED_KAT), "failed-kat");
}

static void
finds_every_driver_by_its_name_and_no_other(void **state)
{
	unsigned int n = 0;

	(void)state;
	for (; saker_crypto_drivers[n] != NULL; n++)
		assert_ptr_equal(
			saker_crypto_find(saker_crypto_drivers[n]->name), saker_crypto_drivers[n]);
	assert_true(n > 0);
	assert_null(saker_crypto_find("opensll"));
	assert_null(saker_crypto_find(""));
}

static void
selects_the_named_driver_and_says_why(void **state)
{
	char why[256];

	(void)state;
	assert_ptr_equal(saker_crypto_select("openssl", why, sizeof(why)), good);
	assert_string_equal(why, "openssl: passed its known answers, priority 10 "
				 "(any processor; the portable reference)");
}

static void
selects_the_highest_priority_that_passes_when_left_alone(void **state)
{
	char why[256], named[256];
	const struct saker_crypto_ops *best = saker_crypto_select("auto", why, sizeof(why));

	(void)state;
	assert_non_null(best);
	assert_ptr_equal(saker_crypto_select(NULL, named, sizeof(named)), best);
	assert_string_equal(named, why);
	assert_ptr_equal(saker_crypto_select(best->name, named, sizeof(named)), best);
	assert_string_equal(named, why);
	for (unsigned int i = 0; saker_crypto_drivers[i] != NULL; i++)
		if (saker_crypto_check(saker_crypto_drivers[i]) == SAKER_CRYPTO_READY)
			assert_true(saker_crypto_drivers[i]->probe() <= best->probe());
}

/* Priority of a driver that can run here as on this processor, else 0. */
static int
priority_on(const char *cpu, const char *name)
{
	const struct saker_crypto_ops *ops = saker_crypto_find(name);
	int priority;

	assert_int_equal(saker_cpu_limit(cpu), 0);
	priority = ops == NULL ? 0 : ops->probe();
	assert_int_equal(saker_cpu_limit("avx512"), 0);
	return priority > 0 ? priority : 0;
}

static void
prefers_other_drivers_on_lesser_processors(void **state)
{
	static const char *const lesser[] = { "sse", "avx2", "avx2-vaes" };
	int vaes = priority_on("avx512", "vaes"), aesni = priority_on("avx512", "aesni");

	(void)state;
	if (aesni == 0)
		skip();
	for (size_t i = 0; i < sizeof(lesser) / sizeof(lesser[0]); i++) {
		assert_int_equal(priority_on(lesser[i], "vaes"), 0);
		assert_int_equal(priority_on(lesser[i], "aesni"), aesni);
		assert_true(priority_on(lesser[i], "ipsec_mb") < aesni);
	}
	assert_int_equal(saker_cpu_limit("z80"), -EINVAL);
	if (vaes == 0)
		return;
	/* Should vaes fail, long packets are better off with the library's AVX-512. */
	assert_true(vaes > priority_on("avx512", "ipsec_mb"));
	if (saker_crypto_find("ipsec_mb") != NULL)
		assert_true(priority_on("avx512", "ipsec_mb") > aesni);
}

static void
refuses_an_unknown_name_and_lists_the_known_ones(void **state)
{
	char why[256];

	(void)state;
	assert_null(saker_crypto_select("opensll", why, sizeof(why)));
	assert_memory_equal(why, "opensll: there is no such crypto driver; choose one of auto", 59);
	assert_non_null(strstr(why, ", openssl"));
}

static void
cuts_its_reason_short_when_there_is_little_room(void **state)
{
	char why[9] = "........";

	(void)state;
	assert_ptr_equal(saker_crypto_select("openssl", why, 8), good);
	assert_memory_equal(why, "openssl\0", 9);
	assert_ptr_equal(saker_crypto_select("openssl", NULL, 0), good);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passes_the_portable_driver),
		cmocka_unit_test(calls_a_driver_unsupported_when_its_probe_says_no),
		cmocka_unit_test(fails_a_driver_that_derives_wrong_keys_or_none),
		cmocka_unit_test(fails_a_driver_that_seals_wrongly),
		cmocka_unit_test(fails_a_driver_that_opens_wrongly),
		cmocka_unit_test(fails_a_driver_that_accepts_damaged_packets),
		cmocka_unit_test(fails_a_driver_that_leaves_plaintext_behind_a_wrong_icv),
		cmocka_unit_test(fails_a_driver_that_calls_a_wrong_icv_something_else),
		cmocka_unit_test(fails_a_driver_that_expands_another_key),
		cmocka_unit_test(fails_a_driver_that_gets_no_memory),
		cmocka_unit_test(names_every_state),
		cmocka_unit_test(finds_every_driver_by_its_name_and_no_other),
		cmocka_unit_test(selects_the_named_driver_and_says_why),
		cmocka_unit_test(selects_the_highest_priority_that_passes_when_left_alone),
		cmocka_unit_test(prefers_other_drivers_on_lesser_processors),
		cmocka_unit_test(refuses_an_unknown_name_and_lists_the_known_ones),
		cmocka_unit_test(cuts_its_reason_short_when_there_is_little_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
