/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "saker_ip.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Read a packet given as text, from memory that ends where the packet does. */
static enum saker_drop
read_text(const char *hex, struct saker_ip_view *v)
{
	uint8_t octets[256], *copy;
	int n = saker_hex_decode(hex, octets, sizeof(octets));
	enum saker_drop drop;

	assert_true(n > 0);
	copy = malloc(n);
	memcpy(copy, octets, n);
	memset(v, 0xee, sizeof(*v));
	drop = saker_ip_read(copy, n, v);
	free(copy);
	return drop;
}

/* "45 tos total | id flags+offset | ttl proto sum | src | dst" */
#define IP4(ihl, total, frag, proto)                                                               \
	"4" ihl "b8" total "0001" frag "40" proto "0000c0a80101c0a80202"

static void
reads_an_ipv4_header(void **state)
{
	struct saker_ip_view v;

	(void)state;
	assert_int_equal(read_text(IP4("5", "0018", "4000", "11") "00010203", &v), SAKER_OK);
	assert_int_equal(v.family, 4);
	assert_int_equal(v.tos, 0xb8);
	assert_int_equal(v.proto, SAKER_PROTO_UDP);
	assert_false(v.fragment);
	assert_true(v.has_l4);
	assert_int_equal(v.proto_at, 9);
	assert_int_equal(v.l4_at, 20);
	assert_int_equal(v.total, 24);
}

static void
skips_ipv4_options_and_ethernet_padding(void **state)
{
	struct saker_ip_view v;

	(void)state;
	assert_int_equal(read_text(IP4("6", "001c", "0000", "06") "01010101"
								  "00010203"
								  "0000",
				 &v),
		SAKER_OK);
	assert_int_equal(v.l4_at, 24);
	assert_int_equal(v.total, 28);
}

static void
tells_ipv4_fragments_apart(void **state)
{
	static const struct {
		const char *packet;
		bool fragment, has_l4;
	} cases[] = {
		{ IP4("5", "0014", "4000", "11"), false, true }, /* don't fragment */
		{ IP4("5", "0014", "8000", "11"), false, true }, /* reserved bit */
		{ IP4("5", "0014", "2000", "11"), true, true },  /* first */
		{ IP4("5", "0014", "2001", "11"), true, false }, /* middle */
		{ IP4("5", "0014", "1000", "11"), true, false }, /* last */
	};
	struct saker_ip_view v;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(read_text(cases[i].packet, &v), SAKER_OK);
		assert_int_equal(v.fragment, cases[i].fragment);
		assert_int_equal(v.has_l4, cases[i].has_l4);
	}
}

/* Payload length, next header, what follows. */
#define IP6(length, next)                                                                          \
	"6ab00000" length next "40"                                                                \
	"20010db8000000000000000000000001"                                                         \
	"20010db8000000000000000000000002"

static void
reads_an_ipv6_header(void **state)
{
	struct saker_ip_view v;

	(void)state;
	assert_int_equal(read_text(IP6("0008", "11") "0001000200080000", &v), SAKER_OK);
	assert_int_equal(v.family, 6);
	assert_int_equal(v.tos, 0xab);
	assert_int_equal(v.proto, SAKER_PROTO_UDP);
	assert_false(v.fragment);
	assert_true(v.has_l4);
	assert_int_equal(v.proto_at, 6);
	assert_int_equal(v.l4_at, 40);
	assert_int_equal(v.total, 48);
}

static void
walks_ipv6_extension_headers(void **state)
{
	struct saker_ip_view v;

	(void)state;
	/* hop-by-hop, routing (16 octets), destination options, then TCP */
	assert_int_equal(read_text(IP6("0024", "00") "2b00010400000000"
						     "3c010000000000000000000000000000"
						     "0600010400000000"
						     "01020304",
				 &v),
		SAKER_OK);
	assert_int_equal(v.proto, SAKER_PROTO_TCP);
	assert_int_equal(v.proto_at, 64);
	assert_int_equal(v.l4_at, 72);
	assert_int_equal(v.total, 76);
}

static void
takes_an_atomic_fragment_for_a_whole_packet(void **state)
{
	struct saker_ip_view v;

	(void)state;
	assert_int_equal(read_text(IP6("000c", "2c") "11000000deadbeef"
						     "01020304",
				 &v),
		SAKER_OK);
	assert_false(v.fragment);
	assert_true(v.has_l4);
	assert_int_equal(v.proto, SAKER_PROTO_UDP);
	assert_int_equal(v.proto_at, 40);
	assert_int_equal(v.l4_at, 48);
}

static void
looks_no_further_than_the_header_of_a_later_fragment(void **state)
{
	struct saker_ip_view v;

	(void)state;
	/* first fragment, destination options behind */
	assert_int_equal(read_text(IP6("0010", "2c") "3c000001deadbeef"
						     "1100010400000000",
				 &v),
		SAKER_OK);
	assert_true(v.fragment);
	assert_true(v.has_l4);
	assert_int_equal(v.proto, SAKER_PROTO_UDP);
	assert_int_equal(v.l4_at, 56);
	/* later fragment: what looks like an option is data */
	assert_int_equal(read_text(IP6("0010", "2c") "3c000008deadbeef"
						     "11ff010400000000",
				 &v),
		SAKER_OK);
	assert_true(v.fragment);
	assert_false(v.has_l4);
	assert_int_equal(v.proto, 60);
	assert_int_equal(v.l4_at, 48);
}

static void
names_what_is_wrong_with_a_header(void **state)
{
	static const struct {
		const char *packet;
		enum saker_drop want;
	} cases[] = {
		{ "00", SAKER_DROP_NOT_IP },
		{ "50", SAKER_DROP_NOT_IP },
		{ "ff", SAKER_DROP_NOT_IP },
		{ "45", SAKER_DROP_RUNT },
		{ "4500001400000000401100000a0000010a0000", SAKER_DROP_RUNT },
		{ IP4("4", "0014", "0000", "11"), SAKER_DROP_IP_HEADER },
		{ IP4("0", "0014", "0000", "11"), SAKER_DROP_IP_HEADER },
		{ IP4("5", "0013", "0000", "11"), SAKER_DROP_IP_LENGTH },
		{ IP4("5", "0015", "0000", "11"), SAKER_DROP_IP_LENGTH },
		{ IP4("6", "0014", "0000", "11"), SAKER_DROP_IP_LENGTH },
		{ IP4("f", "003c", "0000", "11"), SAKER_DROP_IP_LENGTH },
		{ "60", SAKER_DROP_RUNT },
		{ IP6("0001", "11"), SAKER_DROP_IP_LENGTH },
		{ IP6("ffff", "11"), SAKER_DROP_IP_LENGTH },
		{ IP6("0000", "00"), SAKER_DROP_IP_HEADER },
		{ IP6("0007", "00") "11000104000000", SAKER_DROP_IP_HEADER },
		{ IP6("0008", "00") "1101010400000000", SAKER_DROP_IP_HEADER },
		{ IP6("0008", "3c") "11ff010400000000", SAKER_DROP_IP_HEADER },
		{ IP6("0008", "2b") "3c00000000000000", SAKER_DROP_IP_HEADER },
		{ IP6("0004", "2c") "11000000"
				    "00000000",
			SAKER_DROP_IP_HEADER },
	};
	struct saker_ip_view v;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (read_text(cases[i].packet, &v) != cases[i].want)
			print_error("packet %s:\n", cases[i].packet);
		assert_int_equal(read_text(cases[i].packet, &v), cases[i].want);
	}
	assert_int_equal(saker_ip_read((const uint8_t *)"", 0, &v), SAKER_DROP_RUNT);
}

static void
refuses_an_ipv6_packet_longer_than_16_bits_count(void **state)
{
	uint8_t *p = calloc(1, 65575);
	struct saker_ip_view v;

	(void)state;
	p[0] = 0x60;
	p[6] = SAKER_PROTO_UDP;
	saker_store_be16(p + 4, 65495);
	assert_int_equal(saker_ip_read(p, 65575, &v), SAKER_OK);
	assert_int_equal(v.total, 65535);
	saker_store_be16(p + 4, 65496);
	assert_int_equal(saker_ip_read(p, 65575, &v), SAKER_DROP_IP_LENGTH);
	free(p);
}

static void
reads_no_octet_behind_any_packet(void **state)
{
	uint32_t random = 1;

	(void)state;
	for (unsigned int round = 0; round < 20000; round++) {
		size_t n = 40 + round % 64;
		uint8_t *p = calloc(1, n);
		struct saker_ip_view v;

		for (size_t i = 0; i < n; i++) {
			random = random * 1664525 + 1013904223;
			/* small numbers, so that chains of extensions come about */
			p[i] = (random >> 24) % 3;
		}
		p[0] = round % 2 != 0 ? 0x60 : 0x45;
		p[4] = 0;
		p[5] = (uint8_t)(n - 40);
		p[6] = round % 3 != 0 ? 60 : 44;
		if (saker_ip_read(p, n, &v) == SAKER_OK) {
			assert_true(v.l4_at <= v.total && v.total <= n);
			assert_int_equal(p[v.proto_at], v.proto);
		}
		free(p);
	}
}

static void
reads_addresses_of_either_family(void **state)
{
	uint8_t p[40];
	struct saker_ip src, dst, want;

	(void)state;
	assert_int_equal(saker_hex_decode(IP4("5", "0014", "0000", "11"), p, sizeof(p)), 20);
	src = saker_ip_src(p);
	dst = saker_ip_dst(p);
	assert_int_equal(saker_ip_from_text("192.168.1.1", &want), 0);
	assert_true(saker_ip_equal(&src, &want));
	assert_int_equal(saker_ip_from_text("192.168.2.2", &want), 0);
	assert_true(saker_ip_equal(&dst, &want));
	assert_false(saker_ip_equal(&dst, &src));

	assert_int_equal(saker_hex_decode(IP6("0000", "3b"), p, sizeof(p)), 40);
	src = saker_ip_src(p);
	dst = saker_ip_dst(p);
	assert_int_equal(saker_ip_from_text("2001:db8::1", &want), 0);
	assert_true(saker_ip_equal(&src, &want));
	assert_int_equal(saker_ip_from_text("2001:db8::2", &want), 0);
	assert_true(saker_ip_equal(&dst, &want));
}

static void
tells_families_apart_even_if_the_octets_agree(void **state)
{
	struct saker_ip a = { .family = 4 }, b = { .family = 6 };

	(void)state;
	assert_false(saker_ip_equal(&a, &b));
}

static void
knows_which_addresses_a_prefix_holds(void **state)
{
	static const struct {
		const char *prefix, *ip;
		bool holds;
	} cases[] = {
		{ "10.0.0.0/8", "10.255.255.255", true },
		{ "10.0.0.0/8", "11.0.0.0", false },
		{ "10.1.2.128/25", "10.1.2.128", true },
		{ "10.1.2.128/25", "10.1.2.127", false },
		{ "10.1.2.3", "10.1.2.3", true },
		{ "10.1.2.3/32", "10.1.2.2", false },
		{ "0.0.0.0/0", "255.1.2.3", true },
		{ "0.0.0.0/0", "::1", false },
		{ "::/0", "1.2.3.4", false },
		{ "2001:db8::/33", "2001:db8:7fff::1", true },
		{ "2001:db8::/33", "2001:db8:8000::1", false },
		{ "2001:db8::1/128", "2001:db8::1", true },
		{ "2001:db8::1/128", "2001:db8::3", false },
	};
	struct saker_prefix prefix, any = { 0 };
	struct saker_ip ip;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(saker_prefix_from_text(cases[i].prefix, &prefix), 0);
		assert_int_equal(saker_ip_from_text(cases[i].ip, &ip), 0);
		if (saker_prefix_holds(&prefix, &ip) != cases[i].holds)
			print_error("%s in %s:\n", cases[i].ip, cases[i].prefix);
		assert_int_equal(saker_prefix_holds(&prefix, &ip), cases[i].holds);
		assert_true(saker_prefix_holds(&any, &ip));
	}
}

static void
refuses_text_that_is_no_prefix(void **state)
{
	static const struct {
		const char *text;
		int want;
	} cases[] = {
		{ "", -EINVAL },
		{ "/8", -EINVAL },
		{ "any", -EINVAL },
		{ "10.0.0/8", -EINVAL },
		{ "10.0.0.0.0/8", -EINVAL },
		{ "10.0.0.0/", -EINVAL },
		{ "10.0.0.0/33", -EINVAL },
		{ "10.0.0.0/-1", -EINVAL },
		{ "10.0.0.0/+8", -EINVAL },
		{ "10.0.0.0/8 ", -EINVAL },
		{ "10.0.0.0/8/8", -EINVAL },
		{ "10.0.0.0/0008", -EINVAL },
		{ "::/129", -EINVAL },
		{ "::g/64", -EINVAL },
		{ "10.0.0.1/8", -ERANGE },
		{ "10.0.0.1/31", -ERANGE },
		{ "128.0.0.0/0", -ERANGE },
		{ "2001:db8::1/64", -ERANGE },
		{ "2001:db8::1/127", -ERANGE },
		{ "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc/8", -EINVAL },
	};
	struct saker_prefix prefix;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (saker_prefix_from_text(cases[i].text, &prefix) != cases[i].want)
			print_error("\"%s\":\n", cases[i].text);
		assert_int_equal(saker_prefix_from_text(cases[i].text, &prefix), cases[i].want);
	}
}

static void
writes_the_text_that_it_reads(void **state)
{
	static const char *const texts[] = { "10.0.0.0/8", "0.0.0.0/0", "255.255.255.255/32",
		"2001:db8::/32", "::/0", "fe80::1234:5678:9abc:def0/128",
		"1111:2222:3333:4444:5555:6666:7777:8888/128" };
	struct saker_prefix prefix, any = { 0 };
	char out[SAKER_IP_TEXT];
	struct saker_ip ip;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		assert_int_equal(saker_prefix_from_text(texts[i], &prefix), 0);
		assert_string_equal(saker_prefix_to_text(&prefix, out), texts[i]);
	}
	assert_int_equal(saker_ip_from_text("192.0.2.1", &ip), 0);
	assert_string_equal(saker_ip_to_text(&ip, out), "192.0.2.1");
	assert_string_equal(saker_prefix_to_text(&any, out), "any");
	assert_int_equal(saker_ip_from_text("192.0.2.256", &ip), -EINVAL);
	assert_int_equal(ip.family, 0);
	assert_string_equal(saker_ip_to_text(&ip, out), "none");
}

static void
sums_octets_as_rfc_1071_does(void **state)
{
	/* the example of RFC 1071, section 3, one octet off alignment */
	static const uint8_t example[] = { 0xee, 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };
	uint8_t ones[1500];

	(void)state;
	memset(ones, 0xff, sizeof(ones));
	assert_int_equal(saker_ip_sum(example + 1, 8, 0), 0xddf2);
	assert_int_equal(saker_ip_sum(example + 1, 7, 0), 0xdcfb);
	assert_int_equal(saker_ip_sum(example + 1, 6, 0), 0xe6fa);
	assert_int_equal(saker_ip_sum(example + 1, 5, 0), 0xe605);
	assert_int_equal(saker_ip_sum(example + 1, 4, saker_ip_sum(example + 5, 4, 0)), 0xddf2);
	assert_int_equal(saker_ip_sum(ones, sizeof(ones), 0xffff), 0xffff);
	assert_int_equal(saker_ip_sum(ones, 0, 0x1234), 0x1234);
}

static void
finds_every_flipped_bit_of_an_ipv4_header(void **state)
{
	uint8_t p[24];

	(void)state;
	assert_int_equal(
		saker_hex_decode(IP4("6", "0018", "4000", "11") "01020304", p, sizeof(p)), 24);
	assert_false(saker_ip4_checksum_ok(p, 24));
	saker_ip4_set_checksum(p, 24);
	assert_true(saker_ip4_checksum_ok(p, 24));
	for (size_t bit = 0; bit < 8 * sizeof(p); bit++) {
		p[bit / 8] ^= 1 << bit % 8;
		assert_false(saker_ip4_checksum_ok(p, 24));
		p[bit / 8] ^= 1 << bit % 8;
	}
}

/* A datagram over IPv4 and one over IPv6, odd length, right checksums. */
static const char *const datagrams[] = {
	"4500001f00010000401100007f0000017f000001"
	"0035d431000b690c"
	"616263",
	IP6("000b", "11") "0035d431000b0b9a"
			  "616263",
};

static void
checks_udp_checksums_of_either_family(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(datagrams); i++) {
		struct saker_ip_view v;
		uint8_t p[64];
		int n = saker_hex_decode(datagrams[i], p, sizeof(p));

		assert_int_equal(saker_ip_read(p, n, &v), SAKER_OK);
		assert_true(saker_udp_checksum_ok(p, &v));
		for (int bit = 8 * v.l4_at; bit < 8 * n; bit++) {
			p[bit / 8] ^= 1 << bit % 8;
			assert_false(saker_udp_checksum_ok(p, &v));
			p[bit / 8] ^= 1 << bit % 8;
		}
		saker_store_be32(p + v.l4_at + 4, 0x12345678);
		saker_udp_set_length(p, &v);
		assert_true(saker_load_be16(p + v.l4_at + 6) != 0 && saker_udp_checksum_ok(p, &v));
		p[n - 1] ^= 0x20;
		saker_store_be16(p + v.l4_at + 6, 0);
		assert_true(saker_udp_checksum_ok(p, &v));
	}
}

static void
refuses_udp_lengths_that_do_not_fit(void **state)
{
	struct saker_ip_view v;
	uint8_t p[64];
	int n = saker_hex_decode(datagrams[0], p, sizeof(p));

	(void)state;
	assert_int_equal(saker_ip_read(p, n, &v), SAKER_OK);
	saker_store_be16(p + v.l4_at + 6, 0);
	saker_store_be16(p + v.l4_at + 4, 8);
	assert_true(saker_udp_checksum_ok(p, &v));
	saker_store_be16(p + v.l4_at + 4, 7);
	assert_false(saker_udp_checksum_ok(p, &v));
	saker_store_be16(p + v.l4_at + 4, 12);
	assert_false(saker_udp_checksum_ok(p, &v));
	saker_store_be16(p + v.l4_at + 4, 8);
	v.total = v.l4_at + 8;
	assert_true(saker_udp_checksum_ok(p, &v));
	v.total = v.l4_at + 7;
	assert_false(saker_udp_checksum_ok(p, &v));
}

static void
decapsulates_ecn_by_the_table_of_rfc_6040(void **state)
{
	enum { NOT_ECT, ECT1, ECT0, CE, DROP = -1 };
	static const int8_t want[4][4] = {
		/* inner, by outer: NOT_ECT, ECT1, ECT0, CE */
		[NOT_ECT] = { NOT_ECT, NOT_ECT, NOT_ECT, DROP },
		[ECT1] = { ECT1, ECT1, ECT1, CE },
		[ECT0] = { ECT0, ECT1, ECT0, CE },
		[CE] = { CE, CE, CE, CE },
	};

	(void)state;
	for (uint8_t inner = 0; inner < 4; inner++)
		for (uint8_t outer = 0; outer < 4; outer++)
			assert_int_equal(saker_ecn_decap(inner, outer), want[inner][outer]);
}

static void
keeps_the_checksum_right_when_ecn_changes(void **state)
{
	uint8_t p[20], other[20];

	(void)state;
	assert_int_equal(saker_hex_decode(IP4("5", "0014", "0000", "11"), p, sizeof(p)), 20);
	for (unsigned int id = 0; id <= 0xffff; id += 13) {
		p[1] = (uint8_t)id;
		saker_store_be16(p + 4, (uint16_t)id);
		saker_ip4_set_checksum(p, 20);
		for (uint8_t ecn = 0; ecn < 4; ecn++) {
			memcpy(other, p, sizeof(p));
			saker_ip_set_ecn(other, ecn);
			assert_int_equal(other[1], (p[1] & 0xfc) | ecn);
			assert_true(saker_ip4_checksum_ok(other, 20));
		}
	}
}

static void
changes_nothing_of_an_ipv6_header_but_ecn(void **state)
{
	uint8_t p[40], want[40];

	(void)state;
	assert_int_equal(saker_hex_decode(IP6("0000", "3b"), p, sizeof(p)), 40);
	p[1] = 0xbf;
	memcpy(want, p, sizeof(p));
	for (uint8_t ecn = 0; ecn < 4; ecn++) {
		want[1] = (uint8_t)(0x8f | ecn << 4);
		saker_ip_set_ecn(p, ecn);
		assert_memory_equal(p, want, sizeof(p));
	}
}

static void
changes_the_payload_of_a_packet_in_place(void **state)
{
	struct saker_ip_view v;
	uint8_t p[64];

	(void)state;
	assert_int_equal(saker_hex_decode(datagrams[0], p, sizeof(p)), 31);
	saker_ip_set_payload(p, 9, 49, 62);
	assert_int_equal(saker_ip_read(p, 64, &v), SAKER_OK);
	assert_int_equal(v.proto, 49);
	assert_int_equal(v.total, 62);
	assert_true(saker_ip4_checksum_ok(p, 20));

	assert_int_equal(saker_hex_decode(datagrams[1], p, sizeof(p)), 51);
	saker_ip_set_payload(p, 6, 49, 61);
	assert_int_equal(saker_ip_read(p, 64, &v), SAKER_OK);
	assert_int_equal(v.proto, 49);
	assert_int_equal(v.total, 61);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_an_ipv4_header),
		cmocka_unit_test(skips_ipv4_options_and_ethernet_padding),
		cmocka_unit_test(tells_ipv4_fragments_apart),
		cmocka_unit_test(reads_an_ipv6_header),
		cmocka_unit_test(walks_ipv6_extension_headers),
		cmocka_unit_test(takes_an_atomic_fragment_for_a_whole_packet),
		cmocka_unit_test(looks_no_further_than_the_header_of_a_later_fragment),
		cmocka_unit_test(names_what_is_wrong_with_a_header),
		cmocka_unit_test(refuses_an_ipv6_packet_longer_than_16_bits_count),
		cmocka_unit_test(reads_no_octet_behind_any_packet),
		cmocka_unit_test(reads_addresses_of_either_family),
		cmocka_unit_test(tells_families_apart_even_if_the_octets_agree),
		cmocka_unit_test(knows_which_addresses_a_prefix_holds),
		cmocka_unit_test(refuses_text_that_is_no_prefix),
		cmocka_unit_test(writes_the_text_that_it_reads),
		cmocka_unit_test(sums_octets_as_rfc_1071_does),
		cmocka_unit_test(finds_every_flipped_bit_of_an_ipv4_header),
		cmocka_unit_test(checks_udp_checksums_of_either_family),
		cmocka_unit_test(refuses_udp_lengths_that_do_not_fit),
		cmocka_unit_test(decapsulates_ecn_by_the_table_of_rfc_6040),
		cmocka_unit_test(keeps_the_checksum_right_when_ecn_changes),
		cmocka_unit_test(changes_nothing_of_an_ipv6_header_but_ecn),
		cmocka_unit_test(changes_the_payload_of_a_packet_in_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
