/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>

#include "saker_idle.h"

static struct saker_worker worker;

static int
reset(void **state)
{
	(void)state;
	memset(&worker, 0, sizeof(worker));
	return 0;
}

/* Empty rounds after a silence of that many microseconds. */
static void
rounds_after_silence(unsigned int n, uint64_t us)
{
	saker_idle_begin(&worker);
	worker.silent_since = rte_rdtsc() - us * (rte_get_tsc_hz() / US_PER_S);
	for (unsigned int i = 0; i < n; i++)
		saker_idle_round(&worker, 0, rte_rdtsc());
}

static void
naps_longer_the_longer_the_silence_up_to_a_millisecond(void **state)
{
	(void)state;
	assert_int_equal(saker_idle_nap_us(0), 0);
	assert_int_equal(saker_idle_nap_us(150), 0);
	assert_int_equal(saker_idle_nap_us(160), 20);
	assert_int_equal(saker_idle_nap_us(4000), 500);
	assert_int_equal(saker_idle_nap_us(8000), 1000);
	assert_int_equal(saker_idle_nap_us(UINT64_MAX), 1000);
}

static void
never_naps_when_told_to_poll(void **state)
{
	(void)state;
	worker.idle_mode = SAKER_IDLE_POLL;
	rounds_after_silence(1000, 1000000);
	assert_int_equal(worker.load.naps, 0);
	assert_int_equal(worker.load.empty_rounds, 1000);
	assert_int_equal(worker.loops, 1000);
}

static void
naps_every_round_once_it_is_silent(void **state)
{
	(void)state;
	worker.idle_mode = SAKER_IDLE_SLEEP;
	rounds_after_silence(63, 1000000);
	assert_int_equal(worker.load.naps, 0);
	rounds_after_silence(70, 1000000);
	assert_int_equal(worker.load.naps, 7);
}

static void
is_awake_after_a_packet(void **state)
{
	(void)state;
	worker.idle_mode = SAKER_IDLE_SLEEP;
	rounds_after_silence(64, 1000000);
	assert_int_equal(worker.load.naps, 1);
	saker_idle_round(&worker, 3, rte_rdtsc() - 1000);
	assert_int_equal(worker.idle_since, worker.loops);
	assert_int_equal(worker.load.busy_rounds, 1);
	assert_true(worker.load.busy_cycles >= 1000);
	for (unsigned int i = 0; i < 63; i++)
		saker_idle_round(&worker, 0, rte_rdtsc());
	assert_int_equal(worker.load.naps, 1);
}

static void
stays_awake_while_packets_wait_for_a_full_inbox(void **state)
{
	(void)state;
	worker.idle_mode = SAKER_IDLE_SLEEP;
	worker.n_waiting = 1;
	rounds_after_silence(200, 1000000);
	assert_int_equal(worker.load.naps, 0);
	assert_int_equal(worker.load.held_back, 200);
	assert_int_equal(worker.idle_since, worker.loops);
}

int
main(void)
{
	static const char *eal[] = { "test", "--no-huge", "--no-pci", "-m", "64", "--no-shconf",
		"--no-telemetry", "--lcores", "0", "--log-level", "error" };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
			naps_longer_the_longer_the_silence_up_to_a_millisecond, reset),
		cmocka_unit_test_setup(never_naps_when_told_to_poll, reset),
		cmocka_unit_test_setup(naps_every_round_once_it_is_silent, reset),
		cmocka_unit_test_setup(is_awake_after_a_packet, reset),
		cmocka_unit_test_setup(stays_awake_while_packets_wait_for_a_full_inbox, reset),
	};

	if (rte_eal_init(RTE_DIM(eal), (char **)(uintptr_t)eal) < 0)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
