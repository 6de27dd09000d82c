/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "saker_own.h"
#include "saker_own_watch.h"

#define EPOCH UINT64_C(0x1ffff) /* the next one wraps on the wire */
#define FIRST 16                /* session of the first worker */

static struct saker_cfg_group cfg;
static struct saker_group group;
static struct saker_sender senders[4];
static struct saker_snapshot snapshot;
static struct saker_sn_line lines[2][4];
static struct saker_group_count counts, *count_at = &counts;
static struct saker_sn_line *line_at[2][4];
static struct saker_holding holding[2];
static struct saker_edition edition = { .snapshot = NULL, .holding = holding };
static struct saker_worker workers[2], *all[2] = { &workers[0], &workers[1] };

static void
add_sender(uint8_t variant, const char *hex, uint8_t len)
{
	struct saker_sender *s = &senders[snapshot.n_senders++];

	group.variant = variant;
	*s = (struct saker_sender){ .group = &group, .source_len = len };
	memcpy(s->source, hex, len);
	saker_own_prepare(&snapshot);
}

static int
reset(void **state)
{
	const struct saker_sn_params params = { .mode = SAKER_SN_COUNTER, .epoch = EPOCH };

	(void)state;
	memset(&counts, 0, sizeof(counts));
	cfg = (struct saker_cfg_group){
		.name = "g", .role = SAKER_ROLE_PEER, .session_first = FIRST
	};
	group = (struct saker_group){ .cfg = &cfg };
	snapshot = (struct saker_snapshot){ .groups = &group, .senders = senders, .n_groups = 1 };
	for (unsigned int i = 0; i < 2; i++) {
		memset(&workers[i], 0, sizeof(workers[i]));
		workers[i].s = &snapshot;
		workers[i].workers = all;
		workers[i].n_workers = 2;
		workers[i].taken = &edition;
		workers[i].lines = holding[i].lines = line_at[i];
		workers[i].group_count = &count_at;
		for (unsigned int k = 0; k < 4; k++) {
			line_at[i][k] = &lines[i][k];
			saker_sn_line_init(
				&lines[i][k], &params, saker_sn_make(EPOCH, 1000), EPOCH, 0);
		}
	}
	return 0;
}

/* Look at one packet that verified. */
static void
see(const uint8_t source[16], uint16_t session, uint64_t sn)
{
	static struct saker_burst b;

	memset(&b, 0, sizeof(b));
	b.n = 1;
	b.group[0] = &group;
	b.session[0] = session;
	b.sn[0] = sn;
	memcpy(b.key[0].source, source, 16);
	saker_own_watch(&workers[0], &b);
}

static const uint8_t id32[16] = { 0, 0, 0, 0, 10, 0, 0, 1 };

static uint64_t
wire(uint64_t epoch, uint64_t counter)
{
	return epoch << SAKER_COUNTER_BITS | counter;
}

static void
draws_the_line_at_the_last_sn_that_was_used(void **state)
{
	(void)state;
	add_sender(SAKER_V_SOURCE_ID, "\x0a\0\0\x01", 4);
	see(id32, FIRST, wire(EPOCH, 1000));
	assert_int_equal(counts.own_source, 1);
	assert_int_equal(counts.twin, 0);
	see(id32, FIRST, wire(EPOCH, 1001));
	assert_int_equal(counts.twin, 1);
	see(id32, FIRST + 1, wire(EPOCH, 1000));
	assert_int_equal(counts.twin, 1);
	see(id32, FIRST, wire(EPOCH + 1, 1)); /* epoch 0 on the wire */
	assert_int_equal(counts.twin, 2);
	see(id32, FIRST, wire(EPOCH - 1, 1 << 20));
	assert_int_equal(counts.twin, 2);
	assert_int_equal(counts.own_source, 5);
}

static void
takes_a_session_of_no_worker_for_a_twins(void **state)
{
	(void)state;
	add_sender(SAKER_V_SOURCE_ID, "\x0a\0\0\x01", 4);
	see(id32, FIRST + 2, wire(EPOCH, 1));
	see(id32, FIRST - 1, wire(EPOCH, 1));
	assert_int_equal(counts.twin, 2);
}

static void
knows_the_sessions_of_each_class(void **state)
{
	(void)state;
	cfg.qos.n = 1;
	add_sender(SAKER_V_SOURCE_ID, "\x0a\0\0\x01", 4);
	saker_sn_line_presume(&lines[1][1], saker_sn_make(EPOCH, 2000));
	see(id32, FIRST + 2, wire(EPOCH, 1000)); /* class 1, worker 0 */
	see(id32, FIRST + 3, wire(EPOCH, 2000)); /* class 1, worker 1 */
	assert_int_equal(counts.own_source, 2);
	assert_int_equal(counts.twin, 0);
	see(id32, FIRST + 2, wire(EPOCH, 2000));
	assert_int_equal(counts.twin, 1);
	see(id32, FIRST + 4, wire(EPOCH, 1));
	assert_int_equal(counts.twin, 2);
}

static void
tells_sources_apart_by_all_their_octets(void **state)
{
	uint8_t other[16] = { 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2 };

	(void)state;
	add_sender(SAKER_V_SOURCE_IP, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16);
	see(other, FIRST, 1);
	assert_int_equal(counts.own_source, 0);
	other[15] = 1;
	see(other, FIRST, 1);
	assert_int_equal(counts.own_source, 1);
}

static void
knows_more_sources_than_it_compares_at_once(void **state)
{
	uint8_t address[16] = { 192, 0, 2, 0 };

	(void)state;
	add_sender(SAKER_V_SOURCE_IP, "\xc0\0\x02\x01", 4);
	add_sender(SAKER_V_SOURCE_IP, "\xc0\0\x02\x02", 4);
	add_sender(SAKER_V_SOURCE_IP, "\xc0\0\x02\x03", 4);
	for (address[3] = 0; address[3] < 8; address[3]++)
		see(address, FIRST, 1);
	assert_int_equal(counts.own_source, 3);
}

static void
finds_nothing_of_its_own_without_senders_or_between_client_and_server(void **state)
{
	uint8_t none[16];

	(void)state;
	memset(none, 0xff, sizeof(none));
	saker_own_prepare(&snapshot);
	see(none, FIRST, 1);
	cfg.role = SAKER_ROLE_SERVER;
	add_sender(SAKER_V_SOURCE_ID, "\x0a\0\0\x01", 4);
	see(id32, FIRST, 1);
	assert_int_equal(counts.own_source, 0);
}

/* A packet of a source that follows the first one of ours. */
static void
see_number(uint64_t number, uint64_t sn)
{
	uint8_t source[16] = { 0 };

	saker_store_be64(source, number);
	see(source, 0, sn);
}

static void
knows_the_source_of_each_worker_where_there_are_no_sessions(void **state)
{
	static const struct {
		const struct saker_format *format;
		uint8_t variant;
		const char *source;
		uint8_t len;
		uint64_t first, step;
	} cases[] = {
		{ &saker_format_seh, SAKER_V_SOURCE_ID, "\x0a\0\0\x01", 4, 0x0a000001, 1 },
		{ &saker_format_seh, SAKER_V_SOURCE_ID_64, "\0\0\0\x01\x0a\0\0\x01", 8,
			UINT64_C(0x10a000001), 1 },
		{ &saker_format_seh, SAKER_V_CONNECTION_ID, "\x0a\0\0\x01", 4,
			UINT64_C(0x0a00000100000000), UINT64_C(1) << 32 },
		{ &saker_format_psp, SAKER_V_SOURCE_ID, "\0\0\x10\x01", 4, 0x1001, 1 },
		{ &saker_format_psp, SAKER_V_SOURCE_ID, "\0\0\x10\x01", 4, 0x80001001, 1 },
	};

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)reset(state);
		group.format = cases[i].format;
		group.names_workers = true;
		add_sender(cases[i].variant, cases[i].source, cases[i].len);
		see_number(cases[i].first, wire(EPOCH, 1000));
		see_number(cases[i].first + cases[i].step, wire(EPOCH, 1000));
		assert_int_equal(counts.own_source, 2);
		assert_int_equal(counts.twin, 0);
		see_number(cases[i].first + cases[i].step, wire(EPOCH, 1001));
		assert_int_equal(counts.twin, 1);
		see_number(cases[i].first - cases[i].step, wire(EPOCH, 1));
		see_number(cases[i].first + 2 * cases[i].step, wire(EPOCH, 1));
		assert_int_equal(counts.own_source, 3);
	}
}

static void
counts_a_workers_source_from_the_senders_on(void **state)
{
	static const char *const ids[][2] = { { "\x0a\0\0\x01", "\x0a\0\0\x03" },
		{ "\x0a\0\xff\xfe", "\x0a\x01\0\0" } };
	uint8_t source[16];

	(void)state;
	for (unsigned int i = 0; i < 2; i++)
		add_sender(SAKER_V_SOURCE_ID, ids[i][0], 4);
	saker_own_source(&senders[1], 2, source);
	assert_memory_equal(source, ids[1][0], 4); /* sessions tell workers apart */
	group.names_workers = true;
	for (unsigned int i = 0; i < 2; i++) {
		saker_own_source(&senders[i], 2, source);
		assert_memory_equal(source, ids[i][1], 4);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(draws_the_line_at_the_last_sn_that_was_used, reset),
		cmocka_unit_test_setup(takes_a_session_of_no_worker_for_a_twins, reset),
		cmocka_unit_test_setup(knows_the_sessions_of_each_class, reset),
		cmocka_unit_test_setup(
			knows_the_source_of_each_worker_where_there_are_no_sessions, reset),
		cmocka_unit_test_setup(tells_sources_apart_by_all_their_octets, reset),
		cmocka_unit_test_setup(knows_more_sources_than_it_compares_at_once, reset),
		cmocka_unit_test_setup(counts_a_workers_source_from_the_senders_on, reset),
		cmocka_unit_test_setup(
			finds_nothing_of_its_own_without_senders_or_between_client_and_server,
			reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
