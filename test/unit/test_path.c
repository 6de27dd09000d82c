/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <string.h>

#include "saker_own.h"
#include "saker_path.h"
#include "saker_worker.h"

#define EPOCH   20000
#define NOW_MS  UINT64_C(1700000000000)
#define LAST    UINT64_C(2000000) /* counter of the last SN that was used */
#define SPI     0x1001
#define SESSION 7
#define LONG    1440 /* octets of the packet that did not fit */
#define QUOTE   96   /* of it that come back */
#define ICMP_AT 20
#define QUOTED  (ICMP_AT + 8)
#define HEAD_AT (QUOTED + 28) /* of the security header */
#define SN_AT   (HEAD_AT + 16)

static struct saker_cfg_group cfg = {
	.spi = SPI, .format = 'E', .session_first = SESSION, .udp_port = 4500
};
static struct saker_cfg_policy policy_cfg;
static struct saker_config config = { .gateway = { .path_mtu = true } };
static struct saker_group group;
static struct saker_sender sender;
static struct saker_ends ends;
static struct saker_policy policy;
static struct saker_snapshot snapshot;
static struct saker_sn_line line, *line_at[1] = { &line };
static struct saker_holding holding = { .lines = line_at };
static struct saker_edition edition = { .holding = &holding };
static struct saker_worker worker;
static uint8_t packet[QUOTED + QUOTE];
static struct saker_ip_view view;

static struct saker_ip
ip(const char *text)
{
	struct saker_ip a;

	assert_int_equal(saker_ip_from_text(text, &a), 0);
	return a;
}

static void
write_ip4(uint8_t *p, uint8_t proto, uint16_t total, const char *from, const char *to)
{
	struct saker_ip src = ip(from), dst = ip(to);

	memset(p, 0, SAKER_IP4_HEADER);
	p[0] = 0x45;
	p[8] = 64;
	p[9] = proto;
	saker_store_be16(p + 2, total);
	memcpy(p + 12, src.octets, 4);
	memcpy(p + 16, dst.octets, 4);
	saker_ip4_set_checksum(p, SAKER_IP4_HEADER);
}

/* A report on a packet of ours with this SN. */
static void
report(uint16_t mtu, uint64_t sn)
{
	uint8_t *icmp = packet + ICMP_AT, *udp = packet + QUOTED + 20, *head = packet + HEAD_AT;

	memset(packet, 0, sizeof(packet));
	write_ip4(packet, 1, sizeof(packet), "198.51.100.7", "192.0.2.1");
	write_ip4(packet + QUOTED, 17, LONG, "192.0.2.1", "192.0.2.2");
	saker_store_be16(udp, 50000);
	saker_store_be16(udp + 2, 4500);
	head[0] = 0x80;
	head[1] = 8; /* one option: Stateless Context with a source id */
	saker_store_be16(head + 2, SESSION);
	saker_store_be32(head + 4, SPI);
	head[8] = 224;
	head[9] = 6;
	saker_store_be32(head + 12, 0x0a000001);
	saker_store_be64(packet + SN_AT, sn);
	icmp[0] = 3;
	icmp[1] = 4;
	saker_store_be16(icmp + 6, mtu);
	saker_store_be16(icmp + 2, ~saker_ip_sum(icmp, sizeof(packet) - ICMP_AT, 0) & 0xffff);
	assert_int_equal(saker_ip_read(packet, sizeof(packet), &view), SAKER_OK);
}

static bool
hear(uint16_t mtu, uint64_t counter)
{
	report(mtu, (uint64_t)saker_sn_make(EPOCH, counter));
	assert_true(saker_path_is_report(packet, &view));
	return saker_path_report(&worker, packet, &view) == SAKER_DROP_PATH_MTU;
}

static void
set_up_worker(void)
{
	memset(&worker, 0, sizeof(worker));
	worker.n_workers = 1;
	worker.s = &snapshot;
	worker.taken = &edition;
	worker.now_ms = NOW_MS;
	worker.tx[SAKER_OUTBOUND].mtu = 1500;
	worker.paths = saker_paths_create(&snapshot, NULL, NULL);
	assert_non_null(worker.paths);
}

static int
reset(void **state)
{
	const struct saker_sn_params params = { .mode = SAKER_SN_COUNTER, .epoch = EPOCH };
	const struct saker_spi_entry entry = { .spi = SPI, .group = 0 };

	(void)state;
	group = (struct saker_group){ .cfg = &cfg, .format = &saker_format_eesp };
	sender = (struct saker_sender){
		.group = &group, .source = { 0x0a, 0, 0, 1 }, .source_len = 4
	};
	ends = (struct saker_ends){ ip("192.0.2.1"), ip("192.0.2.2") };
	policy = (struct saker_policy){
		.cfg = &policy_cfg, .group = &group, .mtu = { 1428, 1428 }, .front_len = { 56, 56 }
	};
	snapshot = (struct saker_snapshot){ .config = &config,
		.groups = &group,
		.senders = &sender,
		.policies = &policy,
		.ends = &ends,
		.n_groups = 1,
		.n_senders = 1,
		.n_policies = 1,
		.n_ends = 1,
		.n_listeners = 1 };
	snapshot.listener[0] = (struct saker_listener){
		.format = &saker_format_eesp, .number = 4500, .udp = true, .n_groups = 1
	};
	assert_int_equal(saker_spi_table_init(&snapshot.listener[0].by_spi, &entry, 1), 0);
	saker_sn_line_init(&line, &params, saker_sn_make(EPOCH, LAST), EPOCH, 0);
	set_up_worker();
	return 0;
}

static int
tidy(void **state)
{
	(void)state;
	saker_spi_table_free(&snapshot.listener[0].by_spi);
	free(worker.paths);
	return 0;
}

static uint16_t
learnt(void)
{
	return saker_path_mtu(&worker.paths->path[0], worker.now_ms);
}

static void
learns_of_a_packet_that_a_line_has_sent(void **state)
{
	(void)state;
	assert_false(saker_paths_learnt(worker.paths));
	assert_true(hear(1300, LAST));
	assert_int_equal(learnt(), 1300);
	assert_true(saker_paths_learnt(worker.paths));
}

static void
believes_only_the_newest_sns_of_a_counter(void **state)
{
	(void)state;
	assert_false(hear(1300, LAST + 1));
	assert_false(hear(1300, LAST - SAKER_PATH_RECENT_SN));
	assert_int_equal(learnt(), 0);
	assert_true(hear(1300, LAST - SAKER_PATH_RECENT_SN + 1));
}

static void
forgets_after_ten_minutes(void **state)
{
	(void)state;
	assert_true(hear(1300, LAST));
	worker.now_ms += SAKER_PATH_LIFE_MS - 1;
	assert_int_equal(learnt(), 1300);
	assert_int_equal(saker_path_tunnel_mtu(worker.paths, &policy, 0, worker.now_ms), 1228);
	worker.now_ms++;
	assert_int_equal(learnt(), 0);
	assert_int_equal(saker_path_tunnel_mtu(worker.paths, &policy, 0, worker.now_ms), 1428);
	assert_true(hear(1400, LAST));
	assert_int_equal(learnt(), 1400);
}

static void
keeps_the_lowest_and_renews_it(void **state)
{
	(void)state;
	assert_true(hear(1300, LAST));
	worker.now_ms += SAKER_PATH_LIFE_MS / 2;
	assert_true(hear(1400, LAST));
	assert_int_equal(learnt(), 1300);
	assert_true(hear(1300, LAST));
	worker.now_ms += SAKER_PATH_LIFE_MS - 1;
	assert_int_equal(learnt(), 1300);
}

static void
tells_where_a_packet_goes_how_long_it_may_be(void **state)
{
	uint8_t other[SAKER_IP4_HEADER];

	(void)state;
	assert_true(hear(1300, LAST));
	assert_int_equal(saker_path_to(&worker, packet + QUOTED), 1300);
	write_ip4(other, 17, 100, "192.0.2.1", "192.0.2.3");
	assert_int_equal(saker_path_to(&worker, other), UINT16_MAX);
}

static void
hands_on_what_was_learnt_to_the_same_ends_only(void **state)
{
	struct saker_ends moved[2] = { { ip("192.0.2.1"), ip("192.0.2.9") }, ends };
	struct saker_snapshot next = { .config = &config, .ends = moved, .n_ends = 2 };
	struct saker_paths *paths;

	(void)state;
	assert_true(hear(1300, LAST));
	paths = saker_paths_create(&next, worker.paths, &snapshot);
	assert_non_null(paths);
	assert_int_equal(saker_path_mtu(&paths->path[0], NOW_MS), 0);
	assert_int_equal(saker_path_mtu(&paths->path[1], NOW_MS), 1300);
	free(paths);
}

static void
looks_at_so_many_reports_in_a_second(void **state)
{
	unsigned int believed = 0;

	(void)state;
	for (unsigned int i = 0; i < 10 * SAKER_ICMP_BURST; i++)
		believed += hear(1300, LAST);
	assert_int_equal(believed, SAKER_ICMP_BURST);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, reset, tidy)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(learns_of_a_packet_that_a_line_has_sent),
		TEST(believes_only_the_newest_sns_of_a_counter),
		TEST(forgets_after_ten_minutes),
		TEST(keeps_the_lowest_and_renews_it),
		TEST(tells_where_a_packet_goes_how_long_it_may_be),
		TEST(hands_on_what_was_learnt_to_the_same_ends_only),
		TEST(looks_at_so_many_reports_in_a_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
