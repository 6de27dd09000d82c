/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>
#include <rte_eal.h>

#include "saker_worker.h"

static struct rte_mempool *pool;
static struct saker_burst burst;
static uint64_t counter[SAKER_DROP_COUNT];

static void
fill(uint16_t n)
{
	memset(&burst, 0, sizeof(burst));
	memset(counter, 0, sizeof(counter));
	burst.n = n;
	for (uint16_t i = 0; i < n; i++) {
		burst.m[i] = rte_pktmbuf_alloc(pool);
		burst.sn[i] = i;
		burst.hdr[i].spi = i;
		burst.entry[i] = i;
		burst.view[i].total = i;
		burst.ready[i] = i % 2 == 0;
		burst.jobs.len[i] = i;
		burst.jobs.kdf[0][i][15] = (uint8_t)i;
	}
}

static void
empty(void)
{
	for (uint16_t i = 0; i < burst.n; i++)
		rte_pktmbuf_free(burst.m[i]);
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
}

static void
keeps_survivors_in_order_with_all_their_fields(void **state)
{
	(void)state;
	fill(64);
	for (uint16_t i = 0; i < 64; i += 3)
		saker_burst_drop(&burst, i, SAKER_DROP_RUNT);
	saker_burst_settle(&burst, counter);
	assert_int_equal(burst.n, 42);
	assert_int_equal(counter[SAKER_DROP_RUNT], 22);
	for (uint16_t i = 0; i < burst.n; i++) {
		uint16_t was = i / 2 * 3 + 1 + i % 2;

		assert_int_equal(burst.sn[i], was);
		assert_int_equal(burst.hdr[i].spi, was);
		assert_int_equal(burst.entry[i], was);
		assert_int_equal(burst.view[i].total, was);
		assert_int_equal(burst.why[i], SAKER_OK);
		assert_int_equal(burst.ready[i], was % 2 == 0);
		assert_int_equal(burst.jobs.len[i], was);
		assert_int_equal(burst.jobs.kdf[0][i][15], was);
	}
	empty();
}

static void
counts_the_first_reason_of_a_loser(void **state)
{
	(void)state;
	fill(4);
	saker_burst_drop(&burst, 2, SAKER_DROP_REPLAY);
	saker_burst_drop(&burst, 2, SAKER_DROP_RUNT);
	saker_burst_settle(&burst, counter);
	assert_int_equal(burst.n, 3);
	assert_int_equal(counter[SAKER_DROP_REPLAY], 1);
	assert_int_equal(counter[SAKER_DROP_RUNT], 0);
	empty();
}

static void
neither_frees_nor_counts_what_moved_on(void **state)
{
	struct rte_mbuf *moved;

	(void)state;
	fill(3);
	moved = burst.m[1];
	saker_burst_drop(&burst, 1, SAKER_MOVED);
	saker_burst_settle(&burst, counter);
	assert_int_equal(burst.n, 2);
	for (unsigned int i = 0; i < SAKER_DROP_COUNT; i++)
		assert_int_equal(counter[i], 0);
	assert_int_equal(rte_mempool_in_use_count(pool), 3);
	rte_pktmbuf_free(moved);
	empty();
}

static void
forgets_verdicts_between_settlings(void **state)
{
	(void)state;
	fill(5);
	saker_burst_drop(&burst, 0, SAKER_DROP_RUNT);
	saker_burst_settle(&burst, counter);
	saker_burst_settle(&burst, counter);
	assert_int_equal(burst.n, 4);
	assert_int_equal(counter[SAKER_DROP_RUNT], 1);
	empty();
}

/* Each timed burst stands for all since the one before it. */
static void
times_the_first_burst_and_one_of_so_many(void **state)
{
	static const uint32_t weights[] = { 1, 0, 0, 0, 4, 0, 0, 0, 4 };
	struct saker_timing t = { 0 };

	(void)state;
	for (unsigned int i = 0; i < 1000; i++) { /* one that was never begun */
		saker_timing_next(&t);
		assert_int_equal(t.weight, 0);
	}
	saker_timing_start(&t, 4);
	for (size_t i = 0; i < RTE_DIM(weights); i++) {
		saker_timing_next(&t);
		assert_int_equal(t.weight, weights[i]);
	}
	saker_timing_start(&t, 1);
	for (unsigned int i = 0; i < 3; i++) {
		saker_timing_next(&t);
		assert_int_equal(t.weight, 1);
	}
}

int
main(void)
{
	static const char *eal[] = { "test", "--no-huge", "--no-pci", "-m", "128", "--no-shconf",
		"--no-telemetry", "--lcores", "0", "--log-level", "error" };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_survivors_in_order_with_all_their_fields),
		cmocka_unit_test(counts_the_first_reason_of_a_loser),
		cmocka_unit_test(neither_frees_nor_counts_what_moved_on),
		cmocka_unit_test(forgets_verdicts_between_settlings),
		cmocka_unit_test(times_the_first_burst_and_one_of_so_many),
	};

	if (rte_eal_init(RTE_DIM(eal), (char **)(uintptr_t)eal) < 0)
		return 77;
	pool = rte_pktmbuf_pool_create("test", 255, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	return pool == NULL ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
