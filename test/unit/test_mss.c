/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "saker_mss.h"

#define SYN     0x02
#define SYN_ACK 0x12

/* A packet in memory that ends where it does. */
struct packet {
	uint8_t *ip;
	struct saker_ip_view v;
	uint16_t tcp_len;
};

static uint16_t
tcp_sum(const struct packet *p)
{
	uint16_t sum = p->v.family == 4 ? saker_ip_sum(p->ip + 12, 8, 0)
					: saker_ip_sum(p->ip + 8, 32, 0);

	sum = saker_ip_sum((const uint8_t[]){ 0, 6, p->tcp_len >> 8, (uint8_t)p->tcp_len }, 4, sum);
	return saker_ip_sum(p->ip + p->v.l4_at, p->tcp_len, sum);
}

static void
make(struct packet *p, uint8_t family, uint8_t flags, const uint8_t *options, uint8_t n)
{
	uint16_t ip_len = family == 4 ? SAKER_IP4_HEADER : SAKER_IP6_HEADER;
	uint8_t *tcp;

	p->tcp_len = SAKER_TCP_HEADER + n;
	p->ip = calloc(1, ip_len + p->tcp_len);
	memset(p->ip, 0x21, ip_len);
	p->ip[0] = family == 4 ? 0x45 : 0x60;
	if (family == 4) {
		saker_store_be16(p->ip + 2, ip_len + p->tcp_len);
		saker_store_be16(p->ip + 6, 0x4000);
		p->ip[9] = SAKER_PROTO_TCP;
	} else {
		saker_store_be16(p->ip + 4, p->tcp_len);
		p->ip[6] = SAKER_PROTO_TCP;
	}
	tcp = p->ip + ip_len;
	tcp[12] = (uint8_t)((SAKER_TCP_HEADER + n + 3) / 4 << 4);
	tcp[13] = flags;
	memcpy(tcp + SAKER_TCP_HEADER, options, n);
	assert_int_equal(saker_ip_read(p->ip, ip_len + p->tcp_len, &p->v), SAKER_OK);
	saker_store_be16(tcp + 16, (uint16_t)~tcp_sum(p));
}

static void
lowers_the_mss_wherever_it_stands_and_keeps_the_checksum_right(void **state)
{
	(void)state;
	for (uint8_t family = 4; family <= 6; family += 2)
		for (uint8_t before = 0; before < 9; before++)
			for (unsigned int mss = 0; mss < 65536; mss += 251) {
				uint8_t options[16], was[16];
				struct packet p;

				memset(options, 1, sizeof(options));
				memcpy(options + before, (uint8_t[]){ 2, 4, mss >> 8, mss & 255 },
					4);
				memcpy(was, options, sizeof(was));
				make(&p, family, before % 2 ? SYN : SYN_ACK, options, 16);
				assert_true(saker_mss_is_syn(p.ip, &p.v));
				assert_int_equal(saker_mss_clamp(p.ip, &p.v, 1388), mss > 1388);
				if (mss > 1388)
					saker_store_be16(was + before + 2, 1388);
				assert_memory_equal(
					p.ip + p.v.l4_at + SAKER_TCP_HEADER, was, sizeof(was));
				assert_int_equal(tcp_sum(&p), 0xffff);
				free(p.ip);
			}
}

static void
keeps_a_wrong_checksum_wrong(void **state)
{
	struct packet p;

	(void)state;
	make(&p, 4, SYN, (const uint8_t[]){ 2, 4, 0xff, 0xff }, 4);
	p.ip[p.v.l4_at + 16] ^= 1;
	assert_true(saker_mss_clamp(p.ip, &p.v, 1000));
	assert_int_not_equal(tcp_sum(&p), 0xffff);
	free(p.ip);
}

static void
sees_a_syn_in_tcp_alone(void **state)
{
	struct packet p;

	(void)state;
	make(&p, 4, 0x10, (const uint8_t[4]){ 0 }, 4);
	assert_false(saker_mss_is_syn(p.ip, &p.v));
	p.ip[p.v.l4_at + 13] = SYN;
	assert_true(saker_mss_is_syn(p.ip, &p.v));
	p.v.proto = SAKER_PROTO_UDP;
	assert_false(saker_mss_is_syn(p.ip, &p.v));
	p.v.proto = SAKER_PROTO_TCP;
	p.v.has_l4 = false;
	assert_false(saker_mss_is_syn(p.ip, &p.v));
	p.v.has_l4 = true;
	p.v.total = p.v.l4_at + SAKER_TCP_HEADER - 1;
	assert_false(saker_mss_is_syn(p.ip, &p.v));
	free(p.ip);
}

static void
leaves_malformed_options_alone(void **state)
{
	static const struct {
		uint8_t n;
		uint8_t octets[8];
	} cases[] = {
		{ 4, { 2, 3, 0xff, 0xff } },             /* wrong length */
		{ 4, { 2, 0, 0xff, 0xff } },             /* no length */
		{ 4, { 2, 1, 0xff, 0xff } },             /* no length */
		{ 4, { 0, 2, 4, 0xff } },                /* behind the end */
		{ 8, { 0, 2, 4, 0xff, 0xff, 1, 1, 1 } }, /* behind the end */
		{ 4, { 1, 1, 2, 4 } },                   /* cut off */
		{ 4, { 1, 2, 4, 0xff } },                /* cut off */
		{ 4, { 1, 1, 1, 2 } },                   /* cut off */
		{ 8, { 3, 9, 2, 4, 0xff, 0xff, 1, 1 } }, /* before it one that runs past the end */
		{ 8, { 2, 5, 0xff, 0xff, 1, 1, 1, 1 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct packet p;

		make(&p, 6, SYN, cases[i].octets, cases[i].n);
		assert_false(saker_mss_clamp(p.ip, &p.v, 500));
		assert_int_equal(tcp_sum(&p), 0xffff);
		free(p.ip);
	}
}

static void
reads_nothing_behind_the_packet(void **state)
{
	(void)state;
	for (unsigned int offset = 0; offset < 16; offset++)
		for (unsigned int first = 0; first < 256; first++) {
			uint8_t options[4] = { first, first, 0xff, 2 };
			struct packet p;

			make(&p, 4, SYN, options, 4);
			p.ip[p.v.l4_at + 12] = (uint8_t)(offset << 4);
			saker_mss_clamp(p.ip, &p.v, 500);
			free(p.ip);
		}
}

static void
lowers_every_mss_of_a_hostile_list(void **state)
{
	static const uint8_t twice[8] = { 2, 4, 0xff, 0xff, 2, 4, 0x80, 0 };
	static const uint8_t want[8] = { 2, 4, 0x01, 0xf4, 2, 4, 0x01, 0xf4 };
	struct packet p;

	(void)state;
	make(&p, 4, SYN, twice, 8);
	assert_true(saker_mss_clamp(p.ip, &p.v, 500));
	assert_memory_equal(p.ip + p.v.l4_at + SAKER_TCP_HEADER, want, sizeof(want));
	assert_int_equal(tcp_sum(&p), 0xffff);
	free(p.ip);
}

static void
knows_the_mss_of_an_mtu(void **state)
{
	(void)state;
	assert_int_equal(saker_mss_of(4, 1500), 1460);
	assert_int_equal(saker_mss_of(6, 1500), 1440);
	assert_int_equal(saker_mss_of(4, 40), 0);
	assert_int_equal(saker_mss_of(6, 0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lowers_the_mss_wherever_it_stands_and_keeps_the_checksum_right),
		cmocka_unit_test(keeps_a_wrong_checksum_wrong),
		cmocka_unit_test(sees_a_syn_in_tcp_alone),
		cmocka_unit_test(leaves_malformed_options_alone),
		cmocka_unit_test(reads_nothing_behind_the_packet),
		cmocka_unit_test(lowers_every_mss_of_a_hostile_list),
		cmocka_unit_test(knows_the_mss_of_an_mtu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
