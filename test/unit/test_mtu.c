/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "saker_eesp.h"
#include "saker_mtu.h"

/* Octets on the wire, as the plan for a packet says. */
static uint32_t
planned(const struct saker_tmpl *t, uint16_t beside, uint16_t total, uint16_t headers,
	uint16_t clear)
{
	struct saker_fields f = { .sn = 1 };
	struct saker_parts parts;
	uint16_t payload = total - headers;
	uint8_t pad;

	f.clear_len = clear < (payload & ~3) ? clear : payload & ~3;
	saker_eesp_plan(t, &f, payload, 0, &parts, &pad);
	return (uint32_t)beside + headers + parts.cipher_at + parts.cipher_len + SAKER_ICV;
}

static void
check_form(const struct saker_form *form, uint16_t beside, uint16_t headers, uint16_t clear)
{
	struct saker_tmpl t;
	uint16_t front;

	assert_int_equal(saker_eesp_template(form, &t), 0);
	front = beside + t.len;
	for (uint16_t len = headers; len < 9700; len++)
		assert_int_equal(saker_mtu_protected(&saker_format_eesp, len, front),
			planned(&t, beside, len, headers, clear));
	for (uint16_t mtu = 576; mtu <= 9600; mtu++) {
		uint16_t most = saker_mtu_tunnel(&saker_format_eesp, mtu, front);

		assert_true(planned(&t, beside, most, headers, clear) <= mtu);
		assert_true(planned(&t, beside, most + 1, headers, clear) > mtu);
	}
}

/* Variant, mode, clear part, outer family, Master Key options. */
static struct saker_form
form_of(unsigned int bits)
{
	struct saker_form form = { .variant = bits % 5 };

	bits /= 5;
	form.transport = bits & 1;
	form.crypt_offset = bits & 2;
	form.outer_v6 = bits & 4;
	for (unsigned int level = 0; level < SAKER_LEVELS; level++)
		form.mk[level].id_len = bits & 8 ? 16 + 4 * level : 0;
	return form;
}

static void
is_the_exact_inverse_of_the_plan_for_all_forms(void **state)
{
	(void)state;
	for (unsigned int bits = 0; bits < 5 * 16; bits++) {
		struct saker_form form = form_of(bits);
		uint16_t clear = form.crypt_offset ? 48 : 0, ip = form.outer_v6 ? 40 : 20;

		for (uint16_t udp = 0; udp <= SAKER_UDP_HEADER; udp += SAKER_UDP_HEADER) {
			if (form.transport)
				check_form(&form, udp, ip, clear);
			else
				check_form(&form, ip + udp, 0, clear);
		}
	}
}

static void
is_zero_where_nothing_fits(void **state)
{
	(void)state;
	assert_int_equal(saker_mtu_tunnel(&saker_format_eesp, 576, 561), 0);
	assert_int_equal(saker_mtu_tunnel(&saker_format_eesp, 576, 560), 0);
	assert_int_equal(saker_mtu_tunnel(&saker_format_eesp, 576, 556), 4);
	assert_int_equal(saker_mtu_tunnel(&saker_format_eesp, 0, 60), 0);
}

static void
tells_no_mtu_that_a_link_may_not_have(void **state)
{
	(void)state;
	assert_int_equal(saker_mtu_told(4, 1428), 1428);
	assert_int_equal(saker_mtu_told(4, 0), 68);
	assert_int_equal(saker_mtu_told(6, 1428), 1428);
	assert_int_equal(saker_mtu_told(6, 1212), 1280);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_the_exact_inverse_of_the_plan_for_all_forms),
		cmocka_unit_test(is_zero_where_nothing_fits),
		cmocka_unit_test(tells_no_mtu_that_a_link_may_not_have),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
