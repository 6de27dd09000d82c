/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/* What the flow half of a connection id may hang on: it decides which packets share a data key. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "saker_flow.h"

static const uint64_t secret[2] = { 0x0123456789abcdef, 0xfedcba9876543210 };

/* A UDP packet without payload. */
struct packet {
	uint8_t octets[SAKER_IP6_HEADER + 8];
	struct saker_ip_view v;
};

static struct packet
packet_of(uint8_t family)
{
	struct packet p = { .v = { .family = family, .proto = SAKER_PROTO_UDP, .has_l4 = true } };
	bool four = family == 4;
	uint16_t header = four ? SAKER_IP4_HEADER : SAKER_IP6_HEADER;

	for (unsigned int i = 0; i < sizeof(p.octets); i++)
		p.octets[i] = (uint8_t)(i * 37 + 5);
	p.v.l4_at = header;
	p.v.total = header + 8;
	return p;
}

static uint32_t
source_hash(const struct packet *p, unsigned int len4, unsigned int len6)
{
	struct saker_ip_mask mask = saker_ip_mask_of(len4, len6);

	return saker_source_hash(p->octets, &p->v, &mask, secret);
}

/* Does the hash change with this bit of the packet? */
static bool
hangs_on(uint8_t family, unsigned int bit, unsigned int len4, unsigned int len6)
{
	struct packet p = packet_of(family);
	uint32_t before = source_hash(&p, len4, len6);

	p.octets[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
	return source_hash(&p, len4, len6) != before;
}

static void
counts_the_bits_of_a_prefix_and_no_others(void **state)
{
	const struct {
		uint8_t family;
		unsigned int at, bits, total;
	} cases[] = { { 4, 12 * 8, 32, 28 * 8 }, { 6, 8 * 8, 128, 48 * 8 } };

	(void)state;
	for (unsigned int i = 0; i < 2; i++)
		for (unsigned int len = 0; len <= cases[i].bits; len++)
			for (unsigned int bit = 0; bit < cases[i].total; bit++) {
				bool in = bit >= cases[i].at && bit < cases[i].at + len;
				unsigned int l4 = cases[i].family == 4 ? len : 7;
				unsigned int l6 = cases[i].family == 6 ? len : 7;

				assert_int_equal(hangs_on(cases[i].family, bit, l4, l6), in);
			}
}

static void
a_flow_hangs_on_addresses_protocol_and_ports(void **state)
{
	(void)state;
	for (unsigned int family = 4; family <= 6; family += 2) {
		const struct packet p = packet_of((uint8_t)family);
		uint32_t before = saker_flow_hash(p.octets, &p.v, secret);
		unsigned int first = family == 4 ? 12 : 8, last = p.v.l4_at + 4;

		for (unsigned int at = 0; at < p.v.total; at++) {
			struct packet q = p;

			q.octets[at] ^= 1;
			assert_int_equal(saker_flow_hash(q.octets, &q.v, secret) != before,
				at >= first && at < last);
		}
	}
}

/* A hash that anybody can compute would let a sender choose with whom he shares a key. */
static void
hashes_hang_on_the_secret(void **state)
{
	const uint64_t other[2] = { secret[0] ^ 1, secret[1] };
	struct saker_ip_mask mask = saker_ip_mask_of(24, 64);

	(void)state;
	for (unsigned int family = 4; family <= 6; family += 2) {
		struct packet p = packet_of((uint8_t)family);

		assert_int_not_equal(saker_source_hash(p.octets, &p.v, &mask, secret),
			saker_source_hash(p.octets, &p.v, &mask, other));
		assert_int_not_equal(saker_flow_hash(p.octets, &p.v, secret),
			saker_flow_hash(p.octets, &p.v, other));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_the_bits_of_a_prefix_and_no_others),
		cmocka_unit_test(a_flow_hangs_on_addresses_protocol_and_ports),
		cmocka_unit_test(hashes_hang_on_the_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
