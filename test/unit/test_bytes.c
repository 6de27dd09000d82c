/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "saker_bytes.h"

static void
loads_big_endian_from_any_address(void **state)
{
	static const uint8_t octets[] = { 0xff, 0x01, 0x02, 0x03, 0x04, 0x85, 0x06, 0x07, 0x08 };

	(void)state;
	assert_int_equal(saker_load_be16(octets + 1), 0x0102);
	assert_int_equal(saker_load_be32(octets + 1), 0x01020304);
	assert_true(saker_load_be64(octets + 1) == 0x0102030485060708);
}

static void
stores_big_endian_and_nothing_beside(void **state)
{
	static const uint8_t want[] = { 0xee, 1, 2, 0x83, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
		0xee };
	uint8_t got[sizeof(want)];

	(void)state;
	memset(got, 0xee, sizeof(got));
	saker_store_be16(got + 1, 0x0102);
	saker_store_be32(got + 3, 0x83040506);
	saker_store_be64(got + 7, 0x0708090a0b0c0d0e);
	assert_memory_equal(got, want, sizeof(want));
}

static void
finds_one_different_bit_at_every_place(void **state)
{
	uint8_t a[40], b[40];

	(void)state;
	memset(a, 0x5a, sizeof(a));
	memcpy(b, a, sizeof(b));
	assert_true(saker_ct_equal(a, b, sizeof(a)));
	assert_true(saker_ct_equal(a, NULL, 0));
	for (size_t bit = 0; bit < 8 * sizeof(a); bit++) {
		b[bit / 8] ^= 1 << bit % 8;
		assert_false(saker_ct_equal(a, b, sizeof(a)));
		b[bit / 8] ^= 1 << bit % 8;
	}
}

static void
wipes_what_it_is_told_to_and_no_more(void **state)
{
	uint8_t octets[4] = { 1, 2, 3, 4 };

	(void)state;
	saker_wipe(octets + 1, 2);
	assert_memory_equal(octets, ((uint8_t[]){ 1, 0, 0, 4 }), 4);
}

static void
gives_zeroed_aligned_memory_for_secrets(void **state)
{
	static const size_t sizes[] = { 1, 64, 4096, 4097, 100000 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint8_t *p = saker_secret_alloc(sizes[i]);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 64, 0);
		for (size_t at = 0; at < sizes[i]; at++)
			assert_int_equal(p[at], 0);
		memset(p, 0xff, sizes[i]);
		saker_secret_free(p, sizes[i]);
	}
	saker_secret_free(NULL, 1);
}

/* The flags that the kernel keeps of the mapping around an address, empty if unknown. */
static void
mapping_flags(const void *at, char *flags, size_t size)
{
	FILE *smaps = fopen("/proc/self/smaps", "r");
	unsigned long from, to;
	char line[512];
	bool mine = false;

	flags[0] = '\0';
	if (smaps == NULL)
		return;
	while (fgets(line, sizeof(line), smaps) != NULL) {
		if (sscanf(line, "%lx-%lx", &from, &to) == 2)
			mine = from <= (uintptr_t)at && (uintptr_t)at < to;
		else if (mine && strncmp(line, "VmFlags:", 8) == 0)
			snprintf(flags, size, "%.*s", (int)size - 1, line);
	}
	fclose(smaps);
}

static void
keeps_secrets_out_of_core_files(void **state)
{
	uint8_t *p = saker_secret_alloc(100);
	char flags[256];

	(void)state;
	mapping_flags(p, flags, sizeof(flags));
	if (flags[0] == '\0')
		skip();
	assert_non_null(strstr(flags, " dd"));
	saker_secret_free(p, 100);
}

static void
decodes_hexadecimal_text_of_either_case(void **state)
{
	uint8_t out[4];

	(void)state;
	assert_int_equal(saker_hex_decode("00fFa95B", out, sizeof(out)), 4);
	assert_memory_equal(out, ((uint8_t[]){ 0x00, 0xff, 0xa9, 0x5b }), 4);
	assert_int_equal(saker_hex_decode("7f", out, sizeof(out)), 1);
	assert_int_equal(out[0], 0x7f);
}

static void
refuses_text_that_is_not_hexadecimal(void **state)
{
	static const char *const bad[] = { "", "0", "abc", "0g", "g0", "0x12", "12 34", " 12",
		"12\n", "/0", ":0", "@0", "`0" };
	uint8_t out[8];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(saker_hex_decode(bad[i], out, sizeof(out)), -EINVAL);
}

static void
refuses_text_that_does_not_fit(void **state)
{
	uint8_t out[3] = { 0xee, 0xee, 0xee };

	(void)state;
	assert_int_equal(saker_hex_decode("010203", out, 2), -ENOSPC);
	assert_int_equal(out[0], 0xee);
}

static void
leaves_nothing_of_a_key_whose_text_is_damaged(void **state)
{
	uint8_t out[4] = { 0 };

	(void)state;
	assert_int_equal(saker_hex_decode("deadbeeX", out, sizeof(out)), -EINVAL);
	assert_memory_equal(out, ((uint8_t[4]){ 0 }), 4);
}

static void
encodes_what_it_decodes(void **state)
{
	uint8_t all[256], back[256];
	char text[513];

	(void)state;
	for (unsigned int i = 0; i < sizeof(all); i++)
		all[i] = (uint8_t)i;
	assert_ptr_equal(saker_hex_encode(all, sizeof(all), text), text);
	assert_int_equal(strlen(text), 512);
	assert_memory_equal(text + 2 * 0x9a, "9a9b9c", 6);
	assert_int_equal(saker_hex_decode(text, back, sizeof(back)), 256);
	assert_memory_equal(all, back, sizeof(all));
	assert_string_equal(saker_hex_encode(all, 0, text), "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loads_big_endian_from_any_address),
		cmocka_unit_test(stores_big_endian_and_nothing_beside),
		cmocka_unit_test(finds_one_different_bit_at_every_place),
		cmocka_unit_test(wipes_what_it_is_told_to_and_no_more),
		cmocka_unit_test(gives_zeroed_aligned_memory_for_secrets),
		cmocka_unit_test(keeps_secrets_out_of_core_files),
		cmocka_unit_test(decodes_hexadecimal_text_of_either_case),
		cmocka_unit_test(refuses_text_that_is_not_hexadecimal),
		cmocka_unit_test(refuses_text_that_does_not_fit),
		cmocka_unit_test(leaves_nothing_of_a_key_whose_text_is_damaged),
		cmocka_unit_test(encodes_what_it_decodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
