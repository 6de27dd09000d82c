/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "saker_eesp.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct saker_form v0 = {
	.spi = 0xaabbccdd, .key_idx = 0x40, .source = { 0x11, 0x22, 0x33, 0x44 }
};

static void
authenticates_in_place_when_nothing_is_skipped(void **state)
{
	static const struct saker_parts parts = {
		.payload_at = 32, .cipher_at = 40, .clear_len = 8, .skip_at = 40, .cipher_len = 52
	};
	uint8_t octets[108] = { 0 }, scratch[SAKER_AAD_MAX];
	uint16_t len;

	(void)state;
	assert_ptr_equal(saker_eesp_aad(octets, &parts, scratch, &len), octets);
	assert_int_equal(len, 40);
}

static void
leaves_exactly_the_skipped_octets_out_of_the_aad(void **state)
{
	static const struct saker_parts parts = { .payload_at = 32,
		.cipher_at = 64,
		.clear_len = 32,
		.skip_at = 52,
		.skip_len = 8,
		.cipher_len = 28 };
	uint8_t octets[108], scratch[SAKER_AAD_MAX];
	uint16_t len;

	(void)state;
	for (unsigned int i = 0; i < sizeof(octets); i++)
		octets[i] = (uint8_t)i;
	assert_ptr_equal(saker_eesp_aad(octets, &parts, scratch, &len), scratch);
	assert_int_equal(len, 64 - 8);
	assert_memory_equal(scratch, octets, 52);
	assert_memory_equal(scratch + 52, octets + 60, 4);
}

static void
expect_template(const struct saker_form *form, const char *hex)
{
	char got[2 * SAKER_EESP_MAX_HEADER + 1];
	struct saker_tmpl t;

	assert_int_equal(saker_eesp_template(form, &t), 0);
	assert_string_equal(saker_hex_encode(t.octets, t.len, got), hex);
}

static void
lays_out_the_header_of_every_variant(void **state)
{
	static const char *const want[SAKER_V_COUNT] = {
		"80080000aabbccdd"
		"e006004011223344"
		"0000000000000000",
		"800c0000aabbccdd"
		"e00a10401122334400000000"
		"0000000000000000",
		"800c0000aabbccdd"
		"e00a20401122334400000000"
		"0000000000000000",
		"80040000aabbccdd"
		"e0023040"
		"0000000000000000",
		"80040000aabbccdd"
		"e0024040"
		"0000000000000000",
	};
	struct saker_form form = v0;

	(void)state;
	for (form.variant = 0; form.variant < SAKER_V_COUNT; form.variant++)
		expect_template(&form, want[form.variant]);
}

static void
pads_the_header_to_8_octets_under_ipv6(void **state)
{
	struct saker_form form = v0;

	(void)state;
	form.outer_v6 = true;
	expect_template(&form, "80080000aabbccdd"
			       "e006004011223344"
			       "0000000000000000");
	form.transport = true;
	expect_template(&form, "800c0000aabbccdd"
			       "e006004011223344"
			       "01020000"
			       "0000000000000000"
			       "00000000");
	form.crypt_offset = true;
	expect_template(&form, "800c0000aabbccdd"
			       "e006004011223344"
			       "02021c00"
			       "0000000000000000"
			       "00000000");
	form.outer_v6 = false;
	form.crypt_offset = false;
	expect_template(&form, "80080000aabbccdd"
			       "e006004011223344"
			       "0000000000000000"
			       "00000000");
}

static void
lays_options_out_in_their_order(void **state)
{
	struct saker_form form = v0;

	(void)state;
	form.key_idx = 0x6c; /* 1, 2, 3 */
	form.crypt_offset = true;
	form.outer_v6 = true;
	for (unsigned int level = 0; level < SAKER_LEVELS; level++) {
		form.mk[level].id_len = 16;
		form.mk[level].index = (uint8_t)(0xf1 + level);
		memset(form.mk[level].id, 0xa0 + level, 16);
	}
	expect_template(&form, "804c0000aabbccdd"
			       "e006006c11223344"
			       "e112f100a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0"
			       "e212f200a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1"
			       "e312f300a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2"
			       "02025c00"
			       "01020000"
			       "0000000000000000"
			       "00000000");
}

static void
lays_out_the_longest_header(void **state)
{
	struct saker_form form = {
		.variant = SAKER_V_SOURCE_ID_64, .crypt_offset = true, .outer_v6 = true
	};
	struct saker_tmpl t;

	(void)state;
	for (unsigned int level = 0; level < SAKER_LEVELS; level++)
		form.mk[level].id_len = SAKER_ROOT_ID_MAX;
	assert_int_equal(saker_eesp_template(&form, &t), 0);
	assert_int_equal(t.octets[1], 12 + 3 * 36 + 4);
	assert_int_equal(t.len, 8 + 124 + 8 + 4);
	form.crypt_offset = false;
	assert_int_equal(saker_eesp_template(&form, &t), 0);
	assert_int_equal(t.len, 8 + 120 + 8);
}

static void
refuses_forms_that_a_receiver_would_drop(void **state)
{
	struct saker_tmpl t;

	(void)state;
	for (unsigned int v = SAKER_V_COUNT; v < 256; v++) {
		struct saker_form form = { .variant = (uint8_t)v };

		assert_int_equal(saker_eesp_template(&form, &t), -EINVAL);
	}
	for (uint8_t idx = 1; idx < 4; idx++) {
		struct saker_form form = { .key_idx = 0x40 | idx };

		assert_int_equal(saker_eesp_template(&form, &t), -EINVAL);
	}
	for (unsigned int len = 0; len < 256; len++) {
		struct saker_form form = { .mk[SAKER_TASK] = { .id_len = (uint8_t)len } };
		bool valid = len == 0 || (len >= 16 && len <= 32 && len % 4 == 0);

		assert_int_equal(saker_eesp_template(&form, &t), valid ? 0 : -EINVAL);
	}
	for (unsigned int index = 0; index < 256; index++) {
		struct saker_form form = { .key_idx = 0x20,
			.mk[SAKER_USER] = { .id_len = 16, .index = (uint8_t)index } };

		assert_int_equal(saker_eesp_template(&form, &t), index % 4 == 2 ? 0 : -EINVAL);
	}
}

static void
finishes_a_header_and_writes_nothing_behind_it(void **state)
{
	static const struct saker_fields fields = {
		.sn = 0xfedcba9876543210,
		.source = 0xf1f2f3f4f5f6f7f8,
		.session = 0xabcd,
		.clear_len = 8,
		.ioffset = 2,
		.key_idx = 0x40,
		.next_header = 17,
		.pad_len = 3,
	};
	static const struct {
		uint8_t variant;
		bool transport, crypt_offset;
		const char *want;
	} cases[] = {
		{ 0, false, false,
			"8008abcdaabbccdd"
			"e0060240f5f6f7f8"
			"fedcba9876543210" },
		{ 1, true, false,
			"800cabcdaabbccdd"
			"e00a1240f1f2f3f4f5f6f7f8"
			"fedcba9876543210"
			"00001103" },
		{ 3, false, true,
			"8008abcdaabbccdd"
			"e0023240"
			"02021830"
			"fedcba9876543210"
			"00001103" },
	};
	struct saker_form form = v0;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char got[2 * SAKER_EESP_MAX_HEADER + 1];
		struct saker_tmpl t;
		uint8_t at[64];

		form.variant = cases[i].variant;
		form.transport = cases[i].transport;
		form.crypt_offset = cases[i].crypt_offset;
		assert_int_equal(saker_eesp_template(&form, &t), 0);
		memset(at, 0xa5, sizeof(at));
		saker_eesp_write(&t, at, &fields);
		assert_string_equal(saker_hex_encode(at, t.len, got), cases[i].want);
		assert_int_equal(at[t.len], 0xa5);
	}
}

static void
plans_padding_of_0_to_3_octets(void **state)
{
	static const uint8_t want[] = { 0, 3, 2, 1 };

	(void)state;
	for (unsigned int mode = 0; mode < 4; mode++) {
		struct saker_form form = v0;
		struct saker_fields fields = { .sn = 1 };
		struct saker_tmpl t;

		form.transport = (mode & 1) != 0;
		form.crypt_offset = (mode & 2) != 0;
		fields.clear_len = form.crypt_offset ? 20 : 0;
		assert_int_equal(saker_eesp_template(&form, &t), 0);
		for (uint16_t len = 20; len < 64; len++) {
			uint16_t info = mode == 1 ? SAKER_EESP_PAYLOAD_INFO : 0;
			struct saker_parts parts;
			uint8_t pad;

			saker_eesp_plan(&t, &fields, len, 0, &parts, &pad);
			assert_int_equal(pad, want[len % 4]);
			assert_int_equal(parts.cipher_len, info + len - fields.clear_len + pad);
			assert_int_equal(parts.payload_at, t.len);
			assert_int_equal(parts.cipher_at, t.len - info + fields.clear_len);
		}
	}
}

static void
splits_what_it_plans_and_writes(void **state)
{
	static const struct saker_terms limits = { .max_ioffset = 2, .max_clear = 28 };
	struct saker_fields fields = { .sn = 1, .clear_len = 28, .ioffset = 2 };
	struct saker_parts planned, found;
	struct saker_form form = v0;
	struct saker_tmpl t;
	struct saker_hdr h;
	uint8_t packet[128] = { 0 }, pad;
	uint32_t len;

	(void)state;
	form.crypt_offset = true;
	assert_int_equal(saker_eesp_template(&form, &t), 0);
	saker_eesp_plan(&t, &fields, 61, 20, &planned, &pad);
	saker_eesp_write(&t, packet, &fields);
	packet[planned.payload_at] = 0x45;
	len = planned.cipher_at + planned.cipher_len + SAKER_ICV;
	assert_int_equal(saker_eesp_read(packet, len, &h), SAKER_OK);
	assert_int_equal(saker_eesp_split(packet, len, &h, &limits, &found), SAKER_OK);
	assert_memory_equal(&found, &planned, sizeof(found));
	assert_int_equal(found.skip_at, t.len + 20);
	assert_int_equal(found.skip_len, 8);
}

static void
composes_the_nonce_of_session_role_variant_and_sn(void **state)
{
	static const uint8_t want[12] = { 0xab, 0xcd, 2, 1, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54,
		0x32, 0x10 };
	uint8_t got[12];

	(void)state;
	saker_nonce(0xabcd, 2, SAKER_V_SOURCE_ID_64, 0xfedcba9876543210, got);
	assert_memory_equal(got, want, sizeof(want));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(authenticates_in_place_when_nothing_is_skipped),
		cmocka_unit_test(leaves_exactly_the_skipped_octets_out_of_the_aad),
		cmocka_unit_test(lays_out_the_header_of_every_variant),
		cmocka_unit_test(pads_the_header_to_8_octets_under_ipv6),
		cmocka_unit_test(lays_options_out_in_their_order),
		cmocka_unit_test(lays_out_the_longest_header),
		cmocka_unit_test(refuses_forms_that_a_receiver_would_drop),
		cmocka_unit_test(finishes_a_header_and_writes_nothing_behind_it),
		cmocka_unit_test(plans_padding_of_0_to_3_octets),
		cmocka_unit_test(splits_what_it_plans_and_writes),
		cmocka_unit_test(composes_the_nonce_of_session_role_variant_and_sn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
