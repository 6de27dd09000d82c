/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "saker_outer.h"

#define CANARY 0xa5

static struct saker_ip
ip(const char *text)
{
	struct saker_ip out;

	assert_int_equal(saker_ip_from_text(text, &out), 0);
	return out;
}

static struct saker_outer
outer4(uint16_t udp_port, enum saker_df df)
{
	struct saker_ip src = ip("192.0.2.1"), dst = ip("198.51.100.2");
	struct saker_outer o;

	saker_outer_init(&o, &src, &dst, 49, udp_port, df);
	return o;
}

static struct saker_outer
outer6(uint16_t udp_port)
{
	struct saker_ip src = ip("2001:db8::1"), dst = ip("2001:db8::2");
	struct saker_outer o;

	saker_outer_init(&o, &src, &dst, 49, udp_port, SAKER_DF_SET);
	return o;
}

/* Compare headers with text; the octet behind them must be untouched. */
static void
expect_headers(const uint8_t *at, uint8_t len, const char *hex)
{
	char got[2 * SAKER_OUTER_MAX + 1];

	assert_string_equal(saker_hex_encode(at, len, got), hex);
	assert_int_equal(at[len], CANARY);
}

static void
writes_an_ipv4_header(void **state)
{
	struct saker_outer o = outer4(0, SAKER_DF_SET);
	uint8_t at[SAKER_OUTER_MAX + 1];

	(void)state;
	memset(at, CANARY, sizeof(at));
	saker_outer_write(&o, at, 100, 0xb9, false, 0x1234, 0);
	assert_true(saker_ip4_checksum_ok(at, 20));
	expect_headers(at, o.len, "45b900780000400040314d65c0000201c6336402");
}

static void
writes_ipv4_and_udp_headers(void **state)
{
	struct saker_outer o = outer4(4500, SAKER_DF_SET);
	uint8_t at[SAKER_OUTER_MAX + 1];

	(void)state;
	memset(at, CANARY, sizeof(at));
	saker_outer_write(&o, at, 100, 0, false, 0, 0xc001);
	assert_true(saker_ip4_checksum_ok(at, 20));
	expect_headers(at, o.len,
		"450000800000400040114e36c0000201c6336402"
		"c0011194006c0000");
}

static void
writes_an_ipv6_header(void **state)
{
	struct saker_outer o = outer6(0);
	uint8_t at[SAKER_OUTER_MAX + 1];

	(void)state;
	memset(at, CANARY, sizeof(at));
	saker_outer_write(&o, at, 0x0123, 0xb9, true, 7, 0);
	expect_headers(at, o.len,
		"6b90000001233140"
		"20010db8000000000000000000000001"
		"20010db8000000000000000000000002");
}

static void
writes_ipv6_and_udp_headers_with_checksum_zero(void **state)
{
	struct saker_outer o = outer6(4500);
	uint8_t at[SAKER_OUTER_MAX + 1];

	(void)state;
	memset(at, CANARY, sizeof(at));
	saker_outer_write(&o, at, 92, 0, true, 7, 0xfffe);
	expect_headers(at, o.len,
		"6000000000641140"
		"20010db8000000000000000000000001"
		"20010db8000000000000000000000002"
		"fffe119400640000");
}

static void
writes_an_entropy_header_behind_either_family(void **state)
{
	struct saker_outer four, six = outer6(0);
	struct saker_ip a, b;
	uint8_t at[SAKER_OUTER_MAX + 1];

	(void)state;
	assert_int_equal(saker_ip_from_text("192.0.2.1", &a), 0);
	assert_int_equal(saker_ip_from_text("192.0.2.2", &b), 0);
	saker_outer_init(&four, &a, &b, 253, 0, SAKER_DF_SET);
	saker_outer_add_entropy(&four, 4);
	saker_outer_add_entropy(&six, 4);
	memset(at, CANARY, sizeof(at));
	saker_outer_write(&four, at, 92, 0, true, 7, 0xfffe);
	assert_true(saker_ip4_checksum_ok(at, 20));
	saker_store_be16(at + 10, 0);
	expect_headers(at, four.len, "450000740000400040fd0000c0000201c0000202fffe0000");
	memset(at, CANARY, sizeof(at));
	saker_outer_write(&six, at, 92, 0, true, 7, 0xc001);
	assert_int_equal(saker_load_be16(at + 4), 96);
	assert_int_equal(saker_load_be32(at + 40), 0xc0010000);
	assert_int_equal(at[44], CANARY);
}

static void
chooses_dont_fragment_by_policy(void **state)
{
	static const struct {
		enum saker_df policy;
		bool inner;
		uint32_t want; /* identification, flags and offset */
	} cases[] = {
		{ SAKER_DF_SET, false, 0x00004000 },
		{ SAKER_DF_SET, true, 0x00004000 },
		{ SAKER_DF_COPY, false, 0xbeef0000 },
		{ SAKER_DF_COPY, true, 0x00004000 },
		{ SAKER_DF_CLEAR, false, 0xbeef0000 },
		{ SAKER_DF_CLEAR, true, 0xbeef0000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct saker_outer o = outer4(0, cases[i].policy);
		uint8_t at[SAKER_OUTER_MAX];

		saker_outer_write(&o, at, 100, 0, cases[i].inner, 0xbeef, 0);
		assert_int_equal(saker_load_be32(at + 4), cases[i].want);
		assert_true(saker_ip4_checksum_ok(at, 20));
	}
}

static void
keeps_the_ipv4_checksum_right_for_all_values(void **state)
{
	struct saker_outer o = outer4(4500, SAKER_DF_CLEAR);
	uint8_t at[SAKER_OUTER_MAX];

	(void)state;
	/* every id, so that the sum meets every carry; lengths up to the longest packet */
	for (unsigned int i = 0; i < 4 * 0x10000; i++) {
		uint16_t len = (uint16_t)(i / 0x10000 * 21835);

		saker_outer_write(&o, at, len, (uint8_t)(i >> 4), false, (uint16_t)i, 0);
		assert_true(saker_ip4_checksum_ok(at, 20));
		assert_int_equal(saker_load_be16(at + 2), 28 + len);
	}
	at[1] ^= 1;
	assert_false(saker_ip4_checksum_ok(at, 20));
}

static void
writes_headers_that_read_back(void **state)
{
	struct saker_outer outer[] = { outer4(0, SAKER_DF_SET), outer4(4500, SAKER_DF_SET),
		outer6(0), outer6(4500) };

	(void)state;
	for (size_t i = 0; i < sizeof(outer) / sizeof(outer[0]); i++) {
		const struct saker_outer *o = &outer[i];
		uint8_t packet[SAKER_OUTER_MAX + 30] = { 0 };
		struct saker_ip_view v;

		saker_outer_write(o, packet, 30, 0x2e, true, 0, 1);
		assert_int_equal(saker_ip_read(packet, o->len + 30, &v), SAKER_OK);
		assert_int_equal(v.family, o->family);
		assert_int_equal(v.tos, 0x2e);
		assert_int_equal(v.proto, o->udp ? SAKER_PROTO_UDP : 49);
		assert_int_equal(v.total, o->len + 30);
		assert_int_equal(v.l4_at, o->len - (o->udp ? SAKER_UDP_HEADER : 0));
		assert_false(v.fragment);
		if (o->udp)
			assert_true(saker_udp_checksum_ok(packet, &v));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_an_ipv4_header),
		cmocka_unit_test(writes_ipv4_and_udp_headers),
		cmocka_unit_test(writes_an_ipv6_header),
		cmocka_unit_test(writes_ipv6_and_udp_headers_with_checksum_zero),
		cmocka_unit_test(writes_an_entropy_header_behind_either_family),
		cmocka_unit_test(chooses_dont_fragment_by_policy),
		cmocka_unit_test(keeps_the_ipv4_checksum_right_for_all_values),
		cmocka_unit_test(writes_headers_that_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
