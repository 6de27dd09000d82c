/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/* ARP, neighbour discovery and echo: octets made by another program (Scapy), and hostile ones. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "saker_arp.h"
#include "saker_echo.h"
#include "saker_nd.h"

#define ROOM   512
#define ROUNDS 200000

static const uint8_t mac1[6] = { 2, 0, 0, 0, 0, 1 }, mac2[6] = { 2, 0, 0, 0, 0, 2 };

static const char arp_ask[] = "0001080006040001020000000001c0000209000000000000c0000201";
static const char arp_reply[] = "0001080006040002020000000002c0000201020000000001c0000209";
static const char nd_ask[] =
	"6000000000203aff20010db8000000000000000000000009ff0200000000000000000001ff000001"
	"87001c210000000020010db80000000000000000000000010101020000000001";
static const char nd_advert[] =
	"6000000000203aff20010db800000000000000000000000120010db8000000000000000000000009"
	"88000a6be000000020010db80000000000000000000000010201020000000002";
static const char nd_probe[] =
	"6000000000183aff00000000000000000000000000000000ff0200000000000000000001ff000001"
	"87004ced0000000020010db8000000000000000000000001";
static const char nd_defence[] =
	"6000000000203aff20010db8000000000000000000000001ff020000000000000000000000000001"
	"88007929a000000020010db80000000000000000000000010201020000000002";
static const char ping4[] =
	"4500002300070000030133c9c0000209c0000201080066c70005000661626364656667";
static const char pong4[] =
	"45000023000700004001f6c8c0000201c000020900006ec70005000661626364656667";
static const char ping6[] =
	"60000000000f3a0320010db800000000000000000000000920010db8000000000000000000000001"
	"800093010005000661626364656667";
static const char pong6[] =
	"60000000000f3a4020010db800000000000000000000000120010db8000000000000000000000009"
	"810092010005000661626364656667";

static uint8_t at[ROOM];
static char text[2 * ROOM + 1];

static uint32_t
load(const char *hex)
{
	int n = saker_hex_decode(hex, at, sizeof(at));

	assert_true(n > 0);
	return (uint32_t)n;
}

static struct saker_ip
ip(const char *s)
{
	struct saker_ip out;

	assert_int_equal(saker_ip_from_text(s, &out), 0);
	return out;
}

static void
assert_ip(const struct saker_ip *got, const char *want)
{
	char shown[SAKER_IP_TEXT];

	assert_string_equal(saker_ip_to_text(got, shown), want);
}

static void
reads_ethernet_with_and_without_tags(void **state)
{
	struct saker_ether e;

	(void)state;
	load("0200000000010200000000020800");
	assert_true(saker_ether_read(at, 14, &e));
	assert_int_equal(e.type, 0x0800);
	assert_int_equal(e.at, 14);
	assert_int_equal(e.tags, 0);
	load("02000000000102000000000288a8e0078100600986dd");
	assert_true(saker_ether_read(at, 22, &e));
	assert_int_equal(e.type, 0x86dd);
	assert_int_equal(e.at, 22);
	assert_int_equal(e.vlan, 7);
	assert_int_equal(e.tags, 2);
	for (uint32_t len = 0; len < 22; len++)
		assert_false(saker_ether_read(at, len, &e));
}

static void
refuses_a_third_tag(void **state)
{
	struct saker_ether e;

	(void)state;
	load("020000000001020000000002810000018100000281000003080000000000");
	assert_false(saker_ether_read(at, 30, &e));
}

static void
writes_ethernet_with_and_without_a_tag(void **state)
{
	(void)state;
	assert_int_equal(saker_ether_write(at, mac1, mac2, 0, SAKER_TYPE_ARP), 14);
	assert_string_equal(saker_hex_encode(at, 14, text), "0200000000010200000000020806");
	assert_int_equal(saker_ether_write(at, mac1, mac2, 100, SAKER_TYPE_IP6), 18);
	assert_string_equal(saker_hex_encode(at, 18, text), "0200000000010200000000028100006486dd");
}

static void
maps_groups_to_ethernet_addresses(void **state)
{
	static const struct {
		const char *ip, *mac;
	} cases[] = {
		{ "224.129.2.3", "01005e010203" },
		{ "255.255.255.255", "ffffffffffff" },
		{ "ff02::1:ff12:3456", "3333ff123456" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct saker_ip group = ip(cases[i].ip);

		assert_true(saker_ip_is_group(&group));
		saker_mac_of_group(&group, at);
		assert_string_equal(saker_hex_encode(at, 6, text), cases[i].mac);
	}
}

static void
makes_a_link_local_address_of_a_mac(void **state)
{
	struct saker_ip local;

	(void)state;
	saker_ip6_link_local((const uint8_t[]){ 0x52, 0x54, 0, 0x12, 0x34, 0x56 }, &local);
	assert_ip(&local, "fe80::5054:ff:fe12:3456");
}

static void
answers_an_arp_request(void **state)
{
	struct saker_arp ask, reply;

	(void)state;
	assert_true(saker_arp_read(at, load(arp_ask), &ask));
	assert_int_equal(ask.op, SAKER_ARP_REQUEST);
	assert_ip(&ask.sender, "192.0.2.9");
	assert_ip(&ask.target, "192.0.2.1");
	saker_arp_answer(&ask, mac2, &reply);
	saker_arp_write(&reply, at);
	assert_string_equal(saker_hex_encode(at, SAKER_ARP_LEN, text), arp_reply);
}

static void
refuses_malformed_arp(void **state)
{
	/* offset, octet: hardware, protocol, lengths, operation, group sender MAC and address */
	static const uint8_t bad[][2] = { { 1, 6 }, { 2, 0x86 }, { 4, 8 }, { 5, 16 }, { 7, 3 },
		{ 8, 3 }, { 14, 224 }, { 14, 239 } };
	struct saker_arp a;
	uint32_t len;

	(void)state;
	for (len = 0; len < SAKER_ARP_LEN; len++) {
		load(arp_ask);
		assert_false(saker_arp_read(at, len, &a));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		len = load(arp_ask);
		at[bad[i][0]] = bad[i][1];
		assert_false(saker_arp_read(at, len, &a));
	}
	len = load(arp_ask);
	memset(at + 8, 0, 6);
	assert_false(saker_arp_read(at, len, &a));
}

static void
answers_a_solicitation(void **state)
{
	struct saker_nd ask, answer;
	uint32_t len;

	(void)state;
	len = load(nd_ask);
	assert_true(saker_nd_is(at, len));
	assert_true(saker_nd_read(at, len, &ask));
	assert_int_equal(ask.type, SAKER_ND_SOLICIT);
	assert_true(ask.has_mac);
	assert_memory_equal(ask.mac, mac1, 6);
	assert_ip(&ask.target, "2001:db8::1");
	saker_nd_answer(&ask, mac2, &answer);
	assert_int_equal(saker_nd_write(&answer, at), 72);
	assert_string_equal(saker_hex_encode(at, 72, text), nd_advert);
}

static void
answers_a_probe_to_all_nodes(void **state)
{
	struct saker_nd ask, answer;

	(void)state;
	assert_true(saker_nd_read(at, load(nd_probe), &ask));
	assert_false(ask.has_mac);
	saker_nd_answer(&ask, mac2, &answer);
	saker_nd_write(&answer, at);
	assert_string_equal(saker_hex_encode(at, 72, text), nd_defence);
}

static void
reads_an_advertisement(void **state)
{
	struct saker_nd nd;

	(void)state;
	assert_true(saker_nd_read(at, load(nd_advert), &nd));
	assert_int_equal(nd.type, SAKER_ND_ADVERT);
	assert_int_equal(nd.flags, SAKER_ND_ROUTER | SAKER_ND_SOLICITED | SAKER_ND_OVERRIDE);
	assert_memory_equal(nd.mac, mac2, 6);
}

/* Change octets of a packet, make the checksum right again: only the change is at fault. */
static bool
read_changed(const char *hex, unsigned int offset, uint8_t octet)
{
	uint32_t len = load(hex);
	struct saker_nd nd;

	at[offset] = octet;
	saker_store_be16(at + 42, 0);
	saker_store_be16(at + 42, (uint16_t)~saker_icmp6_sum(at, at + 40, saker_load_be16(at + 4)));
	return saker_nd_read(at, len, &nd);
}

static void
refuses_what_no_neighbour_may_send(void **state)
{
	(void)state;
	assert_true(read_changed(nd_ask, 7, 255));
	assert_false(read_changed(nd_ask, 7, 254));
	assert_false(read_changed(nd_ask, 41, 1));        /* code */
	assert_false(read_changed(nd_ask, 48, 0xff));     /* target is a group */
	assert_false(read_changed(nd_ask, 8, 0xff));      /* source is a group */
	assert_false(read_changed(nd_ask, 65, 0));        /* option without length */
	assert_false(read_changed(nd_ask, 65, 2));        /* option past the packet */
	assert_false(read_changed(nd_ask, 66, 1));        /* MAC of a group */
	assert_false(read_changed(nd_ask, 5, 0x1c));      /* half an option */
	assert_false(read_changed(nd_probe, 39, 2));      /* probe of another's nodes */
	assert_false(read_changed(nd_defence, 44, 0xe0)); /* solicited, yet to a group */
	assert_true(read_changed(nd_defence, 44, 0xa0));
}

static void
refuses_a_wrong_checksum_or_length(void **state)
{
	struct saker_nd nd;
	uint32_t len;

	(void)state;
	for (unsigned int bit = 0; bit < 8 * 32; bit++) {
		len = load(nd_ask);
		at[40 + bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(saker_nd_read(at, len, &nd));
	}
	len = load(nd_ask);
	assert_false(saker_nd_read(at, len - 1, &nd));
	assert_true(saker_nd_read(at, len + 9, &nd)); /* Ethernet padding */
}

static bool
ping(const char *hex)
{
	struct saker_ip_view v;
	uint32_t len = load(hex);

	return saker_ip_read(at, len, &v) == SAKER_OK && saker_echo_answer(at, &v);
}

static void
answers_echo_requests(void **state)
{
	(void)state;
	assert_true(ping(ping4));
	assert_string_equal(saker_hex_encode(at, 35, text), pong4);
	assert_true(ping(ping6));
	assert_string_equal(saker_hex_encode(at, 55, text), pong6);
}

static void
leaves_other_messages_alone(void **state)
{
	struct saker_ip_view v;
	uint32_t len;

	(void)state;
	assert_false(ping(pong4));
	assert_false(ping(pong6));
	for (unsigned int bit = 0; bit < 8 * 15; bit++) {
		len = load(ping4);
		at[20 + bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(saker_ip_read(at, len, &v), SAKER_OK);
		assert_false(saker_echo_answer(at, &v));
		len = load(ping6);
		at[40 + bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(saker_ip_read(at, len, &v), SAKER_OK);
		assert_false(saker_echo_answer(at, &v));
	}
}

static void
answers_no_ping_that_would_reach_many_or_itself(void **state)
{
	static const char *const sources[] = { "00000000", "7f000001", "e0000001", "ffffffff",
		"f0000001", "c0000201" };
	struct saker_ip_view v;

	(void)state;
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		uint32_t len = load(ping4);

		saker_hex_decode(sources[i], at + 12, 4);
		assert_int_equal(saker_ip_read(at, len, &v), SAKER_OK);
		assert_false(saker_echo_answer(at, &v));
	}
}

static void
answers_no_fragment(void **state)
{
	struct saker_ip_view v;
	uint32_t len = load(ping4);

	(void)state;
	at[6] = 0x20; /* more fragments */
	assert_int_equal(saker_ip_read(at, len, &v), SAKER_OK);
	assert_false(saker_echo_answer(at, &v));
}

/* Memory of exactly the length, so that the sanitizers see a step beyond. */
static void
try_octets(const uint8_t *octets, uint32_t len)
{
	uint8_t *p = malloc(len + 1);
	struct saker_ip_view v;
	struct saker_ether e;
	struct saker_arp arp;
	struct saker_nd nd;
	uint8_t *exact;

	assert_non_null(p);
	memcpy(p, octets, len);
	exact = realloc(p, len == 0 ? 1 : len);
	assert_non_null(exact);
	if (saker_ether_read(exact, len, &e))
		assert_true(e.at <= len);
	(void)saker_arp_read(exact, len, &arp);
	if (saker_nd_is(exact, len) && saker_nd_read(exact, len, &nd))
		assert_true(nd.type == SAKER_ND_SOLICIT || nd.type == SAKER_ND_ADVERT);
	if (saker_ip_read(exact, len, &v) == SAKER_OK)
		(void)saker_echo_answer(exact, &v);
	free(exact);
}

static void
survives_random_octets(void **state)
{
	static const char *const seeds[] = { arp_ask, nd_ask, nd_advert, nd_probe, ping4, ping6 };

	(void)state;
	srandom(4861);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		uint32_t len = load(seeds[round % 6]);
		unsigned int changes = (unsigned int)random() % 6;

		while (changes-- > 0)
			at[(uint32_t)random() % len] = (uint8_t)random();
		if (round % 3 == 0)
			len = (uint32_t)random() % (len + 1);
		try_octets(at, len);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_ethernet_with_and_without_tags),
		cmocka_unit_test(refuses_a_third_tag),
		cmocka_unit_test(writes_ethernet_with_and_without_a_tag),
		cmocka_unit_test(maps_groups_to_ethernet_addresses),
		cmocka_unit_test(makes_a_link_local_address_of_a_mac),
		cmocka_unit_test(answers_an_arp_request),
		cmocka_unit_test(refuses_malformed_arp),
		cmocka_unit_test(answers_a_solicitation),
		cmocka_unit_test(answers_a_probe_to_all_nodes),
		cmocka_unit_test(reads_an_advertisement),
		cmocka_unit_test(refuses_what_no_neighbour_may_send),
		cmocka_unit_test(refuses_a_wrong_checksum_or_length),
		cmocka_unit_test(answers_echo_requests),
		cmocka_unit_test(leaves_other_messages_alone),
		cmocka_unit_test(answers_no_ping_that_would_reach_many_or_itself),
		cmocka_unit_test(answers_no_fragment),
		cmocka_unit_test(survives_random_octets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
