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

#include "statline.h"

static struct saker_worker workers[2];
static struct saker_gateway gateway;
static struct saker_statline line;
static char text[SAKER_STATLINE_MAX];

static int
reset(void **state)
{
	(void)state;
	memset(workers, 0, sizeof(workers));
	gateway.n_workers = 2;
	for (unsigned int i = 0; i < 2; i++) {
		gateway.workers[i] = &workers[i];
		workers[i].lcore = i + 1;
	}
	saker_statline_begin(&line, &gateway);
	/* As if it had begun ten seconds ago. */
	line.tsc -= 10 * rte_get_tsc_hz();
	return 0;
}

static void
tells_rates_of_the_period_and_the_busiest_lcore(void **state)
{
	struct saker_way_count *out = &workers[0].count[SAKER_OUTBOUND];
	struct saker_way_count *in = &workers[1].count[SAKER_INBOUND];

	(void)state;
	out->rx_packets = 1000000;
	out->tx_packets = 900000;
	out->tx_octets = 1250000000;
	out->drop[SAKER_DROP_NO_POLICY] = 60000;
	out->drop[SAKER_DROP_MTU] = 40000;
	in->rx_packets = 50;
	in->tx_packets = 40;
	in->drop[SAKER_DROP_REPLAY] = 10;
	workers[0].load.busy_cycles = rte_get_tsc_hz();
	workers[1].load.busy_cycles = 5 * rte_get_tsc_hz();
	saker_statline_take(&line, &gateway, text, sizeof(text));
	/* The test itself takes some of the period. */
	assert_non_null(strstr(text, "outbound "));
	assert_non_null(strstr(text, " Gbit/s 10000 drops/s | inbound 5 in/s 4 out/s"));
	assert_non_null(strstr(text, " 1.000 Gbit/s"));
	assert_non_null(strstr(text, " 1 drops/s | busiest lcore 2 50 %"));
}

static void
begins_anew_with_every_line(void **state)
{
	(void)state;
	workers[0].count[SAKER_OUTBOUND].rx_packets = 1000000;
	saker_statline_take(&line, &gateway, text, sizeof(text));
	line.tsc -= 10 * rte_get_tsc_hz();
	saker_statline_take(&line, &gateway, text, sizeof(text));
	assert_string_equal(text,
		"outbound 0 in/s 0 out/s 0.000 Gbit/s 0 drops/s | "
		"inbound 0 in/s 0 out/s 0.000 Gbit/s 0 drops/s | busiest lcore 1 0 %");
}

static void
survives_counters_that_were_cleared(void **state)
{
	(void)state;
	workers[0].count[SAKER_OUTBOUND].drop[SAKER_DROP_MTU] = 1000;
	saker_statline_begin(&line, &gateway);
	line.tsc -= 10 * rte_get_tsc_hz();
	workers[0].count[SAKER_OUTBOUND].drop[SAKER_DROP_MTU] = 100;
	saker_statline_take(&line, &gateway, text, sizeof(text));
	assert_non_null(strstr(text, " 10 drops/s | inbound"));
}

static void
cuts_what_does_not_fit(void **state)
{
	(void)state;
	for (size_t size = 1; size < 160; size++) {
		memset(text, 'x', sizeof(text));
		saker_statline_take(&line, &gateway, text, size);
		assert_true(memchr(text, '\0', size) != NULL);
		assert_int_equal(text[size], 'x');
	}
}

int
main(void)
{
	static const char *eal[] = { "test", "--no-huge", "--no-pci", "-m", "64", "--no-shconf",
		"--no-telemetry", "--lcores", "0", "--log-level", "error" };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(tells_rates_of_the_period_and_the_busiest_lcore, reset),
		cmocka_unit_test_setup(begins_anew_with_every_line, reset),
		cmocka_unit_test_setup(survives_counters_that_were_cleared, reset),
		cmocka_unit_test_setup(cuts_what_does_not_fit, reset),
	};

	if (rte_eal_init(RTE_DIM(eal), (char **)(uintptr_t)eal) < 0)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
