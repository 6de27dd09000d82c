/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>
#include <rte_eal.h>

#include "saker_handover.h"

#define ROOM 7 /* packets in the owner's inbox */

static struct rte_mempool *pool;
static struct saker_cfg_group cfg = { .spi = 0x1001 };
static struct saker_group group = { .cfg = &cfg };
static struct saker_steer steer;
static struct saker_worker worker[2];
static struct saker_worker *const workers[] = { &worker[0], &worker[1] };
static uint64_t counter[SAKER_DROP_COUNT];

static int
reset(void **state)
{
	(void)state;
	memset(worker, 0, sizeof(worker));
	memset(counter, 0, sizeof(counter));
	steer = (struct saker_steer){ .n_workers = 2, .mask = 1 };
	for (unsigned int i = 0; i < 2; i++) {
		char name[16];

		snprintf(name, sizeof(name), "inbox-%u", i);
		worker[i].index = i;
		worker[i].n_workers = 2;
		worker[i].workers = workers;
		worker[i].steer = &steer;
		worker[i].inbox = rte_ring_create(name, ROOM + 1, SOCKET_ID_ANY, 0);
		assert_non_null(worker[i].inbox);
		snprintf(name, sizeof(name), "seal-%u", i);
		worker[i].seal_inbox = rte_ring_create(name, ROOM + 1, SOCKET_ID_ANY, 0);
		assert_non_null(worker[i].seal_inbox);
	}
	return 0;
}

static int
tear_down(void **state)
{
	struct rte_mbuf *m;

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		while (rte_ring_dequeue(worker[i].inbox, (void **)&m) == 0)
			rte_pktmbuf_free(m);
		for (uint16_t k = 0; k < worker[i].n_waiting; k++)
			rte_pktmbuf_free(worker[i].waiting[k]);
		while (rte_ring_dequeue(worker[i].seal_inbox, (void **)&m) == 0)
			rte_pktmbuf_free(m);
		rte_ring_free(worker[i].inbox);
		rte_ring_free(worker[i].seal_inbox);
	}
	return rte_mempool_in_use_count(pool) == 0 ? 0 : -1;
}

/* A burst for worker 0: packets of these sessions, numbered from `first`. */
static void
receive(uint16_t n, uint32_t first, uint16_t (*session)(uint32_t number))
{
	struct saker_burst *b = &worker[0].burst;

	memset(b, 0, sizeof(*b));
	b->n = n;
	for (uint16_t i = 0; i < n; i++) {
		b->m[i] = rte_pktmbuf_alloc(pool);
		assert_non_null(b->m[i]);
		b->m[i]->dynfield1[8] = first + i;
		b->group[i] = &group;
		b->key[i].session = session(first + i);
	}
	saker_stage_own(&worker[0], b);
	saker_burst_settle(b, counter);
}

static uint16_t
others(uint32_t number)
{
	(void)number;
	return 1;
}

static uint16_t
both(uint32_t number)
{
	return number % 2;
}

/* What is in worker 1's inbox: the numbers from `first` on, in steps. */
static unsigned int
take(uint32_t first, uint32_t step)
{
	struct rte_mbuf *m;
	unsigned int n = 0;

	for (; rte_ring_dequeue(worker[1].inbox, (void **)&m) == 0; n++) {
		assert_int_equal(m->dynfield1[8], first + n * step);
		rte_pktmbuf_free(m);
	}
	return n;
}

static void
keeps_its_own_and_hands_over_the_rest_in_order(void **state)
{
	struct saker_burst *b = &worker[0].burst;

	(void)state;
	receive(10, 0, both);
	assert_int_equal(b->n, 5);
	for (uint16_t i = 0; i < b->n; i++) {
		assert_int_equal(b->m[i]->dynfield1[8], 2 * i);
		rte_pktmbuf_free(b->m[i]);
	}
	assert_int_equal(worker[0].count[SAKER_INBOUND].handed_over, 5);
	assert_int_equal(take(1, 2), 5);
}

static void
a_full_inbox_makes_packets_wait_in_order_and_loses_none(void **state)
{
	unsigned int taken = 0;

	(void)state;
	receive(40, 0, others);
	assert_int_equal(worker[0].burst.n, 0);
	assert_int_equal(worker[0].n_waiting, 40 - ROOM);
	assert_false(saker_handover_retry(&worker[0]));
	assert_int_equal(worker[0].n_waiting, 40 - ROOM);
	while (worker[0].n_waiting > 0) {
		taken += take(taken, 1);
		saker_handover_retry(&worker[0]);
	}
	taken += take(taken, 1);
	assert_int_equal(taken, 40);
	for (unsigned int i = 0; i < SAKER_DROP_COUNT; i++)
		assert_int_equal(counter[i], 0);
}

static void
nothing_overtakes_what_waits(void **state)
{
	unsigned int taken;

	(void)state;
	receive(ROOM + 1, 0, others);
	assert_int_equal(worker[0].n_waiting, 1);
	taken = take(0, 1);
	/* There is room now, but number ROOM still waits. */
	receive(2, ROOM + 1, others);
	assert_int_equal(worker[0].n_waiting, 3);
	assert_true(saker_handover_retry(&worker[0]));
	assert_int_equal(take(taken, 1), 3);
}

/* A clear burst for a worker, in a group with so many SAs for workers. */
static void
classify(unsigned int index, uint16_t n, uint32_t first, uint8_t child_sas)
{
	struct saker_burst *b = &worker[index].burst;

	cfg.sessions = 1u + child_sas;
	group.by_resource = true;
	memset(b, 0, sizeof(*b));
	b->n = n;
	for (uint16_t i = 0; i < n; i++) {
		b->m[i] = rte_pktmbuf_alloc(pool);
		assert_non_null(b->m[i]);
		b->m[i]->dynfield1[8] = first + i;
		b->group[i] = &group;
	}
}

static void
hand_to_sealers(unsigned int index)
{
	saker_hand_to_sealers(&worker[index], &worker[index].burst);
	saker_burst_settle(&worker[index].burst, counter);
}

static void
keep_burst(unsigned int index, uint16_t n)
{
	assert_int_equal(worker[index].burst.n, n);
	for (uint16_t i = 0; i < n; i++)
		rte_pktmbuf_free(worker[index].burst.m[i]);
}

static void
who_has_no_sa_hands_clear_packets_to_the_owner_of_the_fallback_sa(void **state)
{
	struct rte_mbuf *m = NULL;

	(void)state;
	classify(1, 5, 0, 0);
	hand_to_sealers(1);
	keep_burst(1, 0);
	assert_int_equal(rte_ring_count(worker[0].seal_inbox), 5);
	assert_int_equal(rte_ring_count(worker[0].inbox), 0);
	for (uint32_t i = 0; i < 5; i++) {
		assert_int_equal(rte_ring_dequeue(worker[0].seal_inbox, (void **)&m), 0);
		assert_int_equal(m->dynfield1[8], i);
		rte_pktmbuf_free(m);
	}
	assert_int_equal(worker[1].count[SAKER_OUTBOUND].handed_over, 5);
}

static void
who_has_an_sa_keeps_its_packets(void **state)
{
	(void)state;
	classify(0, 5, 0, 0); /* it owns the fallback SA */
	hand_to_sealers(0);
	keep_burst(0, 5);
	classify(1, 5, 0, 2); /* it has one of its own */
	hand_to_sealers(1);
	keep_burst(1, 5);
	classify(1, 5, 0, 1); /* the first without one owns the fallback SA */
	hand_to_sealers(1);
	keep_burst(1, 5);
}

static void
what_was_handed_over_once_stays(void **state)
{
	(void)state;
	classify(1, 5, 0, 0);
	worker[1].burst.handed_over = true;
	hand_to_sealers(1);
	keep_burst(1, 5);
}

static void
clear_packets_that_wait_go_to_the_right_inbox(void **state)
{
	(void)state;
	classify(1, ROOM + 3, 0, 0);
	hand_to_sealers(1);
	keep_burst(1, 0);
	assert_int_equal(worker[1].n_waiting, 3);
	assert_false(saker_handover_retry(&worker[1]));
	assert_int_equal(rte_ring_count(worker[0].inbox), 0);
	while (worker[1].n_waiting > 0) {
		struct rte_mbuf *m = NULL;

		assert_int_equal(rte_ring_dequeue(worker[0].seal_inbox, (void **)&m), 0);
		rte_pktmbuf_free(m);
		saker_handover_retry(&worker[1]);
	}
	assert_int_equal(rte_ring_count(worker[0].seal_inbox), ROOM);
}

static void
our_own_packets_are_lost_with_a_reason_when_too_many_wait(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		classify(1, 30, 0, 0);
		worker[1].burst.handed_over = worker[1].burst.ours = true;
		hand_to_sealers(1);
		keep_burst(1, 0);
	}
	assert_int_equal(worker[1].n_waiting, SAKER_BURST);
	assert_int_equal(counter[SAKER_DROP_HANDOVER_FULL], 90 - ROOM - SAKER_BURST);
}

static void
a_single_worker_owns_everything(void **state)
{
	(void)state;
	worker[0].n_workers = 1;
	receive(3, 0, others);
	assert_int_equal(worker[0].burst.n, 3);
	for (uint16_t i = 0; i < 3; i++)
		rte_pktmbuf_free(worker[0].burst.m[i]);
}

int
main(void)
{
	static const char *eal[] = { "test", "--no-huge", "--no-pci", "-m", "128", "--no-shconf",
		"--no-telemetry", "--lcores", "0", "--log-level", "error" };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			keeps_its_own_and_hands_over_the_rest_in_order, reset, tear_down),
		cmocka_unit_test_setup_teardown(
			a_full_inbox_makes_packets_wait_in_order_and_loses_none, reset, tear_down),
		cmocka_unit_test_setup_teardown(nothing_overtakes_what_waits, reset, tear_down),
		cmocka_unit_test_setup_teardown(
			who_has_no_sa_hands_clear_packets_to_the_owner_of_the_fallback_sa, reset,
			tear_down),
		cmocka_unit_test_setup_teardown(who_has_an_sa_keeps_its_packets, reset, tear_down),
		cmocka_unit_test_setup_teardown(what_was_handed_over_once_stays, reset, tear_down),
		cmocka_unit_test_setup_teardown(
			clear_packets_that_wait_go_to_the_right_inbox, reset, tear_down),
		cmocka_unit_test_setup_teardown(
			our_own_packets_are_lost_with_a_reason_when_too_many_wait, reset,
			tear_down),
		cmocka_unit_test_setup_teardown(a_single_worker_owns_everything, reset, tear_down),
	};

	if (rte_eal_init(RTE_DIM(eal), (char **)(uintptr_t)eal) < 0)
		return 77;
	pool = rte_pktmbuf_pool_create("test", 255, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	return pool == NULL ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
