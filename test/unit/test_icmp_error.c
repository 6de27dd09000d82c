/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "net_pool.h"
#include "saker_icmp_error.h"

static const struct saker_ip own4 = { .family = 4, .octets = { 10, 1, 0, 1 } };
static const struct saker_ip own6 = { .family = 6, .octets = { 0xfd, 0, 0, 1, [15] = 1 } };

static bool
turn(struct rte_mbuf *m, enum saker_icmp_kind kind, uint16_t mtu)
{
	struct saker_ip_view v;
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);

	assert_int_equal(saker_ip_read(p, m->data_len, &v), SAKER_OK);
	return saker_icmp_error(m, &v, kind, mtu, v.family == 4 ? &own4 : &own6);
}

static void
check_error4(struct rte_mbuf *m, const uint8_t *was, uint16_t size)
{
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
	uint16_t quote = RTE_MIN(size, SAKER_ICMP4_ERROR_MAX - 28);
	struct saker_ip_view v;

	assert_int_equal(saker_ip_read(p, m->data_len, &v), SAKER_OK);
	assert_int_equal(v.total, 28 + quote);
	assert_int_equal(m->data_len, v.total);
	assert_int_equal(m->pkt_len, v.total);
	assert_int_equal(v.proto, SAKER_PROTO_ICMP);
	assert_int_equal(v.tos, 0xc0);
	assert_true(saker_ip4_checksum_ok(p, 20));
	assert_memory_equal(p + 12, own4.octets, 4);
	assert_memory_equal(p + 16, was + 12, 4);
	assert_int_equal(saker_ip_sum(p + 20, v.total - 20, 0), 0xffff);
	assert_memory_equal(p + 28, was, quote);
}

static void
check_error6(struct rte_mbuf *m, const uint8_t *was, uint16_t size)
{
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
	uint16_t quote = RTE_MIN(size, SAKER_ICMP6_ERROR_MAX - 48), sum;
	struct saker_ip_view v;

	assert_int_equal(saker_ip_read(p, m->data_len, &v), SAKER_OK);
	assert_int_equal(v.total, 48 + quote);
	assert_int_equal(m->pkt_len, v.total);
	assert_int_equal(v.proto, SAKER_PROTO_ICMP6);
	assert_memory_equal(p + 8, own6.octets, 16);
	assert_memory_equal(p + 24, was + 8, 16);
	sum = saker_ip_sum(p + 8, 32, (uint16_t)(v.total - 40 + SAKER_PROTO_ICMP6));
	assert_int_equal(saker_ip_sum(p + 40, v.total - 40, sum), 0xffff);
	assert_memory_equal(p + 48, was, quote);
}

static void
quotes_packets_of_every_size(void **state)
{
	static uint8_t was[9100];

	(void)state;
	for (uint8_t family = 4; family <= 6; family += 2)
		for (uint16_t size = family == 4 ? 20 : 40; size <= 9000; size++) {
			struct rte_mbuf *m = net_pool_packet(big_pool, family, size);

			memcpy(was, rte_pktmbuf_mtod(m, void *), size);
			assert_true(turn(m, SAKER_ICMP_TOO_BIG, 1428));
			if (family == 4)
				check_error4(m, was, size);
			else
				check_error6(m, was, size);
			rte_pktmbuf_free(m);
		}
}

static void
writes_type_code_and_mtu(void **state)
{
	static const struct {
		uint8_t family, kind, want[8];
	} cases[] = {
		{ 4, SAKER_ICMP_TOO_BIG, { 3, 4, 0, 0, 0, 0, 0x05, 0x94 } },
		{ 4, SAKER_ICMP_TIME_EXCEEDED, { 11, 0, 0, 0, 0, 0, 0, 0 } },
		{ 6, SAKER_ICMP_TOO_BIG, { 2, 0, 0, 0, 0, 0, 0x05, 0x94 } },
		{ 6, SAKER_ICMP_TIME_EXCEEDED, { 3, 0, 0, 0, 0, 0, 0, 0 } },
	};

	(void)state;
	for (size_t i = 0; i < RTE_DIM(cases); i++) {
		struct rte_mbuf *m = net_pool_packet(small_pool, cases[i].family, 100);
		uint8_t *icmp;

		assert_true(turn(m, cases[i].kind, 1428));
		icmp = rte_pktmbuf_mtod_offset(m, uint8_t *, cases[i].family == 4 ? 20 : 40);
		memset(icmp + 2, 0, 2);
		assert_memory_equal(icmp, cases[i].want, 8);
		rte_pktmbuf_free(m);
	}
}

/* A packet with some octets changed. */
static bool
answers(uint8_t family, unsigned int at, const char *octets, unsigned int n)
{
	struct rte_mbuf *m = net_pool_packet(small_pool, family, 100);
	uint8_t *p = rte_pktmbuf_mtod(m, uint8_t *), was[100];
	bool yes;

	memcpy(p + at, octets, n);
	memcpy(was, p, sizeof(was));
	yes = turn(m, SAKER_ICMP_TOO_BIG, 1000);
	if (!yes)
		assert_memory_equal(rte_pktmbuf_mtod(m, uint8_t *), was, sizeof(was));
	rte_pktmbuf_free(m);
	return yes;
}

static void
never_answers_addresses_that_are_no_host(void **state)
{
	static const char *const four[] = { "\0\0\0", "\x7f\0\0\1", "\xe0\0\0\1", "\xef\1\2\3",
		"\xf0\0\0\1", "\xff\xff\xff\xff" };
	static const char none[16], loop[16] = { [15] = 1 };

	(void)state;
	for (size_t i = 0; i < RTE_DIM(four); i++) {
		assert_false(answers(4, 12, four[i], 4));
		assert_false(answers(4, 16, four[i], 4));
	}
	assert_true(answers(4, 12, "\xdf\xff\xff\xfe", 4));
	for (unsigned int at = 8; at <= 24; at += 16) {
		assert_false(answers(6, at, none, 16));
		assert_false(answers(6, at, loop, 16));
		assert_false(answers(6, at, "\xff\2", 2));
		assert_true(answers(6, at, "\xfe\x80", 2));
	}
}

static void
never_answers_an_icmp_error(void **state)
{
	(void)state;
	for (unsigned int type = 0; type < 256; type++) {
		bool query4 = type == 0 || type == 8 || type == 9 || type == 10 ||
			      (type >= 13 && type <= 18);
		char octets[12] = "\x40\1\0\0\x0a\1\0\5\x0a\2\0\x09";
		struct rte_mbuf *m = net_pool_packet(small_pool, 4, 60);
		uint8_t *p = rte_pktmbuf_mtod(m, uint8_t *);

		memcpy(p + 8, octets, 12);
		p[20] = (uint8_t)type;
		assert_int_equal(turn(m, SAKER_ICMP_TOO_BIG, 1000), query4);
		rte_pktmbuf_free(m);
		m = net_pool_packet(small_pool, 6, 80);
		p = rte_pktmbuf_mtod(m, uint8_t *);
		p[6] = SAKER_PROTO_ICMP6;
		p[40] = (uint8_t)type;
		assert_int_equal(turn(m, SAKER_ICMP_TOO_BIG, 1000), type >= 128 && type != 137);
		rte_pktmbuf_free(m);
	}
}

static void
never_answers_icmp_without_a_type(void **state)
{
	struct rte_mbuf *m = net_pool_packet(small_pool, 4, 20);

	(void)state;
	rte_pktmbuf_mtod(m, uint8_t *)[9] = SAKER_PROTO_ICMP;
	assert_false(turn(m, SAKER_ICMP_TOO_BIG, 1000));
	rte_pktmbuf_free(m);
}

static bool
answers6_fragment(uint16_t at, uint16_t more)
{
	struct rte_mbuf *m = net_pool_packet(small_pool, 6, 100);
	uint8_t *p = rte_pktmbuf_mtod(m, uint8_t *);
	bool yes;

	p[6] = 44;
	memcpy(p + 40, "\x11\0", 2);
	saker_store_be16(p + 42, (uint16_t)(at * 8 | more));
	yes = turn(m, SAKER_ICMP_TOO_BIG, 1000);
	rte_pktmbuf_free(m);
	return yes;
}

static void
answers_first_fragments_alone(void **state)
{
	(void)state;
	assert_true(answers(4, 6, "\x20\0", 2));
	assert_false(answers(4, 6, "\x20\1", 2));
	assert_false(answers(4, 6, "\0\1", 2));
	assert_true(answers6_fragment(0, 1));
	assert_false(answers6_fragment(1, 1));
	assert_false(answers6_fragment(1, 0));
}

static void
needs_an_own_address_of_the_family(void **state)
{
	struct rte_mbuf *m = net_pool_packet(small_pool, 4, 100);
	static const struct saker_ip none;
	struct saker_ip_view v;

	(void)state;
	assert_int_equal(saker_ip_read(rte_pktmbuf_mtod(m, uint8_t *), 100, &v), SAKER_OK);
	assert_false(saker_icmp_error(m, &v, SAKER_ICMP_TOO_BIG, 1000, &none));
	assert_false(saker_icmp_error(m, &v, SAKER_ICMP_TOO_BIG, 1000, &own6));
	assert_int_equal(m->data_len, 100);
	rte_pktmbuf_free(m);
}

static void
moves_the_quote_where_headroom_lacks(void **state)
{
	(void)state;
	for (uint16_t head = 0; head < 70; head++) {
		struct rte_mbuf *m = net_pool_packet(small_pool, 6, 1400);
		uint8_t was[1400], *start = (uint8_t *)m->buf_addr + head;

		memcpy(was, rte_pktmbuf_mtod(m, void *), sizeof(was));
		memmove(start, rte_pktmbuf_mtod(m, void *), sizeof(was));
		m->data_off = head;
		assert_true(turn(m, SAKER_ICMP_TOO_BIG, 1300));
		assert_true(rte_pktmbuf_headroom(m) >= 14);
		check_error6(m, was, sizeof(was));
		rte_pktmbuf_free(m);
	}
}

static void
bounds_the_rate(void **state)
{
	struct saker_icmp_bucket b = { 0 };
	unsigned int n = 0;

	(void)state;
	for (unsigned int i = 0; i < 10000; i++)
		n += saker_icmp_allowed(&b, 1000);
	assert_int_equal(n, SAKER_ICMP_BURST);
	for (n = 0; saker_icmp_allowed(&b, 1010); n++)
		;
	assert_int_equal(n, 10 * SAKER_ICMP_PER_SECOND / 1000);
	for (n = 0; saker_icmp_allowed(&b, 900); n++)
		;
	assert_int_equal(n, 0);
	for (n = 0; saker_icmp_allowed(&b, UINT64_MAX); n++)
		;
	assert_int_equal(n, SAKER_ICMP_BURST);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quotes_packets_of_every_size),
		cmocka_unit_test(writes_type_code_and_mtu),
		cmocka_unit_test(never_answers_addresses_that_are_no_host),
		cmocka_unit_test(never_answers_an_icmp_error),
		cmocka_unit_test(never_answers_icmp_without_a_type),
		cmocka_unit_test(answers_first_fragments_alone),
		cmocka_unit_test(needs_an_own_address_of_the_family),
		cmocka_unit_test(moves_the_quote_where_headroom_lacks),
		cmocka_unit_test(bounds_the_rate),
	};
	int ret = net_pool_init();

	return ret != 0 ? ret : cmocka_run_group_tests(tests, NULL, NULL);
}
