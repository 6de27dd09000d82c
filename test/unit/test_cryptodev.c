/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/*
 * The crypto driver over DPDK's crypto devices, with the software device that is named on the
 * command line, such as crypto_aesni_gcm0. Where DPDK has no driver for it, all is skipped.
 *
 * Callbacks on the queue pair play the awkward devices: one that takes little at a time, one that
 * won't take a job, one that answers late or never.
 *
 * The run depends on nothing but its seed; SAKER_TEST_SEED in the environment sets another.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cryptodev.h>
#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_lcore.h>
#include <rte_mempool.h>

#include <cmocka.h>

#include "cryptodev_sides.h"

#define SKIPPED 77
#define ROUNDS  40
#define ODD_LEN 777 /* a text that the picky device won't take */

static const char *vdev;
static uint8_t dev_id;

static void
is_unsupported_before_eal_runs(void **state)
{
	(void)state;
	assert_int_equal(dev.ops->probe(), -ENOTSUP);
	assert_int_equal(saker_crypto_check(dev.ops), SAKER_CRYPTO_UNSUPPORTED);
}

static void
start_eal(void)
{
	char *args[] = { (char[]){ "test" }, (char[]){ "--no-huge" }, (char[]){ "--no-pci" },
		(char[]){ "-m" }, (char[]){ "256" }, (char[]){ "--no-shconf" },
		(char[]){ "--no-telemetry" }, (char[]){ "--lcores" }, (char[]){ "0" }, NULL };

	assert_int_equal(rte_eal_init(9, args), 8);
}

static void
is_unsupported_without_a_device_that_has_aes_gcm(void **state)
{
	(void)state;
	start_eal();
	assert_int_equal(dev.ops->probe(), -ENOTSUP);
	if (rte_eal_hotplug_add("vdev", "crypto_null0", "") == 0)
		assert_int_equal(rte_cryptodev_count(), 1);
	assert_int_equal(dev.ops->probe(), -ENOTSUP);
	assert_int_equal(saker_crypto_check(dev.ops), SAKER_CRYPTO_UNSUPPORTED);
}

static void
is_found_with_a_device_and_least_wanted(void **state)
{
	(void)state;
	if (rte_eal_hotplug_add("vdev", vdev, "") != 0) {
		fprintf(stderr, "%s: this DPDK has no driver for it; skipped\n", vdev);
		exit(SKIPPED);
	}
	dev_id = (uint8_t)rte_cryptodev_get_dev_id(vdev);
	assert_true(dev.ops->probe() > 0);
	assert_true(dev.ops->probe() < reference.ops->probe());
}

static void
passes_the_known_answers(void **state)
{
	(void)state;
	assert_int_equal(saker_crypto_check(dev.ops), SAKER_CRYPTO_READY);
}

static void
seals_as_openssl_does(void **state)
{
	(void)state;
	for (unsigned int round = 0; round < ROUNDS; round++) {
		uint16_t n = (uint16_t)(round % 4 == 0 ? SAKER_BATCH
						       : 1 + random_below(SAKER_BATCH));

		fill(round % 2 == 0 ? SAKER_AES_128_GCM : SAKER_AES_256_GCM, n);
		if (round % 3 == 0)
			write_elsewhere();
		assert_int_equal(dev.ops->seal(dev.ctx, &dev.batch), n);
		assert_int_equal(reference.ops->seal(reference.ctx, &reference.batch), n);
		for (unsigned int i = 0; i < n; i++) {
			expect_equally_sealed(i);
			if (round % 3 == 0)
				assert_int_equal(out[i][dev.batch.len[i]], CANARY);
		}
	}
}

static void
opens_what_openssl_sealed(void **state)
{
	(void)state;
	for (unsigned int round = 0; round < ROUNDS; round++) {
		uint16_t n = (uint16_t)(1 + random_below(SAKER_BATCH));

		fill_sealed(round % 2 == 0 ? SAKER_AES_128_GCM : SAKER_AES_256_GCM, n);
		if (round % 3 == 0)
			write_elsewhere();
		assert_int_equal(dev.ops->open(dev.ctx, &dev.batch), n);
		for (unsigned int i = 0; i < n; i++)
			expect_opened(i);
	}
}

/* Damage slot i in one of four places; there is always an ICV and AAD. */
static void
damage(unsigned int i)
{
	unsigned int where = random_below(dev.batch.len[i] == 0 ? 3 : 4);

	if (where == 0)
		dev.icv[i][random_below(ICV_LEN)] ^= (uint8_t)(1 << random_below(8));
	else if (where == 1)
		dev.aad[i][random_below(dev.batch.aad_len[i])] ^= 1;
	else if (where == 2)
		dev.batch.nonce[i][random_below(12)] ^= 0x80;
	else
		dev.text[i][random_below(dev.batch.len[i])] ^= 4;
}

static void
refuses_what_was_damaged_and_leaves_no_plaintext(void **state)
{
	bool damaged[SAKER_BATCH];

	(void)state;
	for (unsigned int round = 0; round < ROUNDS; round++) {
		unsigned int bad = 0;

		fill_sealed(round % 2 == 0 ? SAKER_AES_128_GCM : SAKER_AES_256_GCM, SAKER_BATCH);
		if (round % 3 == 0)
			write_elsewhere();
		for (unsigned int i = 0; i < SAKER_BATCH; i++) {
			damaged[i] = random_below(3) == 0;
			bad += damaged[i];
			if (damaged[i])
				damage(i);
		}
		assert_int_equal(dev.ops->open(dev.ctx, &dev.batch), SAKER_BATCH - bad);
		for (unsigned int i = 0; i < SAKER_BATCH; i++)
			if (damaged[i])
				expect_wiped(i, SAKER_JOB_BAD_ICV);
			else
				expect_opened(i);
	}
}

static void
takes_the_longest_text_and_aad_and_refuses_longer_ones(void **state)
{
	(void)state;
	fill(SAKER_AES_256_GCM, 5);
	for (unsigned int i = 0; i < 4; i += 2) {
		dev.batch.aad_len[i] = reference.batch.aad_len[i] = AAD_LIMIT;
		dev.batch.len[i] = reference.batch.len[i] = TEXT_LIMIT;
	}
	dev.batch.aad_len[1] = AAD_LIMIT + 1;
	dev.batch.len[3] = TEXT_LIMIT + 1;
	assert_int_equal(dev.ops->seal(dev.ctx, &dev.batch), 3);
	assert_int_equal(reference.ops->seal(reference.ctx, &reference.batch), 5);
	for (unsigned int i = 0; i < 5; i += 2)
		expect_equally_sealed(i);
	expect_wiped(1, SAKER_JOB_ERROR);
	expect_wiped(3, SAKER_JOB_ERROR);
}

/* Octets that must not be found, and how often they were. */
struct search {
	const uint8_t *needle;
	size_t len;
	unsigned int found;
};

static void
search_object(struct rte_mempool *mp, void *arg, void *obj, unsigned int index)
{
	struct search *s = arg;

	(void)index;
	s->found += memmem(obj, mp->elt_size, s->needle, s->len) != NULL;
}

static void
search_pool(struct rte_mempool *mp, void *arg)
{
	rte_mempool_obj_iter(mp, search_object, arg);
}

/* In how many objects of all pools these octets stand. */
static unsigned int
search_pools(const uint8_t *needle, size_t len)
{
	struct search s = { .needle = needle, .len = len };

	rte_mempool_walk(search_pool, &s);
	return s.found;
}

static void
finds_octets_that_stand_in_a_pool(void **state)
{
	const uint8_t needle[12] = "looked for";
	struct rte_mempool *mp = rte_mempool_create(
		"test", 4, 256, 0, 0, NULL, NULL, NULL, NULL, SOCKET_ID_ANY, 0);
	void *obj;

	(void)state;
	assert_non_null(mp);
	assert_int_equal(search_pools(needle, sizeof(needle)), 0);
	assert_int_equal(rte_mempool_get(mp, &obj), 0);
	memcpy((uint8_t *)obj + 100, needle, sizeof(needle));
	assert_int_equal(search_pools(needle, sizeof(needle)), 1);
	rte_mempool_put(mp, obj);
	rte_mempool_free(mp);
}

static void
expect_nothing_left(const struct saker_data_key *key, unsigned int i)
{
	uint8_t iv[12];

	for (unsigned int k = 0; k < sizeof(iv); k++)
		iv[k] = dev.batch.nonce[i][k] ^ key->mask[k];
	assert_int_equal(search_pools(key->key, 16), 0);
	assert_int_equal(search_pools(iv, sizeof(iv)), 0);
	assert_int_equal(search_pools(key->mask, sizeof(key->mask)), 0);
	assert_int_equal(search_pools(plain[i], 64), 0);
}

static void
leaves_no_key_and_no_text_in_its_pools(void **state)
{
	struct saker_data_key keys[SAKER_BATCH];

	(void)state;
	for (unsigned int round = 0; round < 4; round++) {
		fill_sealed(round % 2 == 0 ? SAKER_AES_128_GCM : SAKER_AES_256_GCM, SAKER_BATCH);
		for (unsigned int i = 0; i < SAKER_BATCH; i++) {
			dev.batch.master[i] = &dev.masters[0];
			reference.batch.master[i] = &reference.masters[0];
		}
		assert_int_equal(reference.ops->derive(reference.ctx, &reference.batch, keys), 0);
		if (round / 2 == 0) {
			memset(dev.batch.expanded, 0, sizeof(dev.batch.expanded));
			assert_int_equal(dev.ops->seal(dev.ctx, &dev.batch), SAKER_BATCH);
		} else {
			assert_true(dev.ops->open(dev.ctx, &dev.batch) > 0);
		}
		for (unsigned int i = 0; i < SAKER_BATCH; i++)
			expect_nothing_left(&keys[i], i);
	}
}

static void
derives_as_openssl_does(void **state)
{
	struct saker_data_key want[SAKER_BATCH], got[SAKER_BATCH];

	(void)state;
	fill(SAKER_AES_256_GCM, SAKER_BATCH);
	for (unsigned int i = 0; i < SAKER_BATCH; i++) {
		dev.batch.master[i] = &dev.masters[i % MASTERS];
		reference.batch.master[i] = &reference.masters[i % MASTERS];
	}
	assert_int_equal(dev.ops->derive(dev.ctx, &dev.batch, got), 0);
	assert_int_equal(reference.ops->derive(reference.ctx, &reference.batch, want), 0);
	assert_memory_equal(got, want, sizeof(want));
}

static void
has_a_queue_pair_for_each_context_and_none_to_share(void **state)
{
	void *ctx[64] = { NULL };
	unsigned int n = 0;

	(void)state;
	while (n < 64 && (ctx[n] = dev.ops->lcore_init(0)) != NULL)
		n++;
	/* One is open already. */
	assert_int_equal(n, rte_lcore_count());
	dev.ops->lcore_fini(ctx[0]);
	ctx[0] = dev.ops->lcore_init(0);
	assert_non_null(ctx[0]);
	for (unsigned int i = 0; i < n; i++)
		dev.ops->lcore_fini(ctx[i]);
}

static uint16_t
take_few(uint16_t device, uint16_t queue, struct rte_crypto_op **ops, uint16_t n, void *arg)
{
	(void)device;
	(void)queue;
	(void)ops;
	(void)arg;
	return n < 5 ? n : 5;
}

static uint16_t
take_no_odd_text(uint16_t device, uint16_t queue, struct rte_crypto_op **ops, uint16_t n, void *arg)
{
	(void)device;
	(void)queue;
	(void)arg;
	for (uint16_t i = 0; i < n; i++)
		if (ops[i]->sym->aead.data.length == ODD_LEN)
			return i;
	return n;
}

/* Jobs that the slow device has done and does not give back. */
static struct {
	bool slow;
	uint16_t n;
	struct rte_crypto_op *ops[SAKER_BATCH];
} held;

static uint16_t
give_back_late(uint16_t device, uint16_t queue, struct rte_crypto_op **ops, uint16_t n, void *arg)
{
	uint16_t late = held.n;

	(void)device;
	(void)queue;
	(void)arg;
	if (held.slow) {
		memcpy(&held.ops[held.n], ops, n * sizeof(*ops));
		held.n += n;
		return 0;
	}
	memcpy(ops + n, held.ops, late * sizeof(*ops));
	held.n = 0;
	return n + late;
}

static struct rte_cryptodev_cb *
add_callback(rte_cryptodev_callback_fn enqueue)
{
	struct rte_cryptodev_cb *cb = rte_cryptodev_add_enq_callback(dev_id, 0, enqueue, NULL);

	assert_non_null(cb);
	return cb;
}

static void
works_with_a_device_that_takes_few_jobs_at_a_time(void **state)
{
	struct rte_cryptodev_cb *cb = add_callback(take_few);

	(void)state;
	fill_sealed(SAKER_AES_128_GCM, SAKER_BATCH);
	assert_int_equal(dev.ops->open(dev.ctx, &dev.batch), SAKER_BATCH);
	for (unsigned int i = 0; i < SAKER_BATCH; i++)
		expect_opened(i);
	assert_int_equal(rte_cryptodev_remove_enq_callback(dev_id, 0, cb), 0);
}

static void
goes_on_behind_a_job_that_the_device_refuses(void **state)
{
	struct rte_cryptodev_cb *cb = add_callback(take_no_odd_text);
	unsigned int odd = 0;

	(void)state;
	fill(SAKER_AES_128_GCM, SAKER_BATCH);
	for (unsigned int i = 0; i < SAKER_BATCH; i++) {
		bool is_odd = i == 0 || i == 30 || i == 31 || i == SAKER_BATCH - 1;

		dev.batch.len[i] = reference.batch.len[i] = is_odd ? ODD_LEN : 100 + i;
		odd += is_odd;
	}
	assert_int_equal(dev.ops->seal(dev.ctx, &dev.batch), SAKER_BATCH - odd);
	assert_int_equal(reference.ops->seal(reference.ctx, &reference.batch), SAKER_BATCH);
	for (unsigned int i = 0; i < SAKER_BATCH; i++)
		if (dev.batch.len[i] == ODD_LEN)
			expect_wiped(i, SAKER_JOB_ERROR);
		else
			expect_equally_sealed(i);
	assert_int_equal(rte_cryptodev_remove_enq_callback(dev_id, 0, cb), 0);
}

static void
expect_no_answer(void *ctx, uint16_t n)
{
	fill_sealed(SAKER_AES_128_GCM, n);
	assert_int_equal(dev.ops->open(ctx, &dev.batch), 0);
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(dev.batch.status[i], SAKER_JOB_ERROR);
}

static void
waits_for_a_late_device_before_it_goes_on(void **state)
{
	struct rte_cryptodev_cb *cb = rte_cryptodev_add_deq_callback(
		dev_id, 0, give_back_late, NULL);

	(void)state;
	assert_non_null(cb);
	held.slow = true;
	expect_no_answer(dev.ctx, 7);
	for (unsigned int i = 0; i < 7; i++)
		expect_wiped(i, SAKER_JOB_ERROR);
	assert_int_equal(held.n, 7);
	expect_no_answer(dev.ctx, 9);
	assert_int_equal(held.n, 7);
	held.slow = false;
	fill_sealed(SAKER_AES_128_GCM, 5);
	assert_int_equal(dev.ops->open(dev.ctx, &dev.batch), 5);
	for (unsigned int i = 0; i < 5; i++)
		expect_opened(i);
	assert_int_equal(rte_cryptodev_remove_deq_callback(dev_id, 0, cb), 0);
}

/* The last test: a queue pair is lost. Not with OpenSSL's device, whose sessions would be leaks. */
static void
gives_a_queue_pair_to_nobody_that_still_owes_a_job(void **state)
{
	struct rte_cryptodev_cb *cb;
	void *second;

	(void)state;
	if (strncmp(vdev, "crypto_openssl", strlen("crypto_openssl")) == 0)
		skip();
	cb = rte_cryptodev_add_deq_callback(dev_id, 1, give_back_late, NULL);
	assert_non_null(cb);
	second = dev.ops->lcore_init(0);
	assert_non_null(second);
	held.slow = true;
	expect_no_answer(second, 3);
	dev.ops->lcore_fini(second);
	assert_null(dev.ops->lcore_init(0));
	assert_int_equal(rte_cryptodev_remove_deq_callback(dev_id, 1, cb), 0);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest alone[] = {
		cmocka_unit_test(is_unsupported_before_eal_runs),
		cmocka_unit_test(is_unsupported_without_a_device_that_has_aes_gcm),
		cmocka_unit_test(is_found_with_a_device_and_least_wanted),
		cmocka_unit_test(passes_the_known_answers),
	};
	const struct CMUnitTest compared[] = {
		cmocka_unit_test(derives_as_openssl_does),
		cmocka_unit_test(seals_as_openssl_does),
		cmocka_unit_test(opens_what_openssl_sealed),
		cmocka_unit_test(refuses_what_was_damaged_and_leaves_no_plaintext),
		cmocka_unit_test(takes_the_longest_text_and_aad_and_refuses_longer_ones),
		cmocka_unit_test(finds_octets_that_stand_in_a_pool),
		cmocka_unit_test(leaves_no_key_and_no_text_in_its_pools),
		cmocka_unit_test(has_a_queue_pair_for_each_context_and_none_to_share),
		cmocka_unit_test(works_with_a_device_that_takes_few_jobs_at_a_time),
		cmocka_unit_test(goes_on_behind_a_job_that_the_device_refuses),
		cmocka_unit_test(waits_for_a_late_device_before_it_goes_on),
		cmocka_unit_test(gives_a_queue_pair_to_nobody_that_still_owes_a_job),
	};
	const char *seed = getenv("SAKER_TEST_SEED");
	int failed;

	vdev = argc > 1 ? argv[1] : "crypto_aesni_gcm0";
	if (seed != NULL)
		random_state = strtoull(seed, NULL, 0);
	failed = cmocka_run_group_tests(alone, NULL, NULL);
	if (failed == 0)
		failed = cmocka_run_group_tests(compared, open_sides, close_sides);
	rte_eal_cleanup();
	return failed;
}
