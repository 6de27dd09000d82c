/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "saker_ip.h"
#include "saker_ttl.h"

static void
fill_ip4(uint8_t ip[SAKER_IP4_HEADER], uint8_t ttl, uint16_t salt)
{
	memset(ip, 0x11, SAKER_IP4_HEADER);
	ip[0] = 0x45;
	ip[8] = ttl;
	saker_store_be16(ip + 4, salt);
	saker_ip4_set_checksum(ip, SAKER_IP4_HEADER);
}

static void
decrements_every_ttl_with_a_right_checksum(void **state)
{
	(void)state;
	for (unsigned int ttl = 2; ttl < 256; ttl++)
		for (unsigned int salt = 0; salt < 65536; salt += 7) {
			uint8_t ip[SAKER_IP4_HEADER], want[SAKER_IP4_HEADER];

			fill_ip4(ip, (uint8_t)ttl, (uint16_t)salt);
			fill_ip4(want, (uint8_t)(ttl - 1), (uint16_t)salt);
			assert_int_equal(saker_ttl_decrement(ip), SAKER_OK);
			assert_true(saker_ip4_checksum_ok(ip, SAKER_IP4_HEADER));
			assert_memory_equal(ip, want, sizeof(ip));
		}
}

static void
decrements_every_hop_limit(void **state)
{
	(void)state;
	for (unsigned int hops = 2; hops < 256; hops++) {
		uint8_t ip[SAKER_IP6_HEADER], want[SAKER_IP6_HEADER];

		memset(ip, 0x22, sizeof(ip));
		ip[0] = 0x60;
		ip[7] = (uint8_t)hops;
		memcpy(want, ip, sizeof(ip));
		want[7]--;
		assert_int_equal(saker_ttl_decrement(ip), SAKER_OK);
		assert_memory_equal(ip, want, sizeof(ip));
	}
}

static void
leaves_a_packet_that_expires_unchanged(void **state)
{
	(void)state;
	for (uint8_t ttl = 0; ttl < 2; ttl++) {
		uint8_t four[SAKER_IP4_HEADER], six[SAKER_IP6_HEADER] = { 0x60 }, was[40];

		fill_ip4(four, ttl, 1);
		memcpy(was, four, sizeof(four));
		assert_int_equal(saker_ttl_decrement(four), SAKER_DROP_TTL);
		assert_memory_equal(four, was, sizeof(four));
		six[7] = ttl;
		memcpy(was, six, sizeof(six));
		assert_int_equal(saker_ttl_decrement(six), SAKER_DROP_TTL);
		assert_memory_equal(six, was, sizeof(six));
	}
}

static void
updates_a_checksum_as_if_it_were_computed_anew(void **state)
{
	(void)state;
	for (unsigned int old = 0; old < 65536; old += 13)
		for (unsigned int new = 0; new < 65536; new += 1009) {
			uint8_t word[4] = { 0xab, 0xcd };
			uint16_t before;

			saker_store_be16(word + 2, (uint16_t)old);
			before = (uint16_t)~saker_ip_sum(word, sizeof(word), 0);
			saker_store_be16(word + 2, (uint16_t) new);
			assert_int_equal(
				saker_checksum_update(before, (uint16_t)old, (uint16_t) new),
				(uint16_t)~saker_ip_sum(word, sizeof(word), 0));
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decrements_every_ttl_with_a_right_checksum),
		cmocka_unit_test(decrements_every_hop_limit),
		cmocka_unit_test(leaves_a_packet_that_expires_unchanged),
		cmocka_unit_test(updates_a_checksum_as_if_it_were_computed_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
