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

#include "saker_subsa.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Every way to carry SN and IV. */
static const struct saker_terms all_terms[] = {
	{ .iv_in_aad = true, .max_clear = 248 },
	{ .iv_in_aad = false, .max_clear = 248 },
	{ .implicit_iv = true, .max_clear = 248 },
	{ .no_sn = true, .iv_in_aad = true, .max_clear = 248 },
};

static const uint16_t more_of[] = { 16, 16, 8, 8 }; /* octets of SN and IV */

struct packet {
	uint8_t octets[512];
	uint32_t len;
};

/* base || options || SN, IV || body zero octets || ICV */
static struct packet
packet(const char *options, const struct saker_terms *terms, uint32_t body)
{
	struct packet p = { .octets = { 0x80, 0, 0x12, 0x34, 0xaa, 0xbb, 0xcc, 0xdc } };
	int n = *options == '\0' ? 0 : saker_hex_decode(options, p.octets + 8, 255);
	uint32_t at = 8 + (uint32_t)n;

	assert_true(n >= 0);
	p.octets[1] = (uint8_t)n;
	if (!terms->no_sn) {
		saker_store_be64(p.octets + at, 0xfedcba9876543210);
		at += 8;
	}
	if (!terms->implicit_iv) {
		saker_store_be64(p.octets + at, 0x0102030405060708);
		at += 8;
	}
	p.len = at + body + SAKER_ICV;
	return p;
}

/* Read a copy that ends where its memory ends, up to the parts. */
static enum saker_drop
take(const uint8_t *octets, uint32_t len, const struct saker_terms *terms, struct saker_hdr *h)
{
	uint8_t *copy = malloc(len != 0 ? len : 1);
	struct saker_parts parts;
	enum saker_drop why;

	memcpy(copy, octets, len);
	why = saker_format_subsa.read(copy, len, h);
	if (why == SAKER_OK)
		why = saker_format_subsa.bind(copy, len, terms, h);
	if (why == SAKER_OK)
		why = saker_format_subsa.split(copy, len, h, terms, &parts);
	free(copy);
	return why;
}

static enum saker_drop
take_options(const char *options, const struct saker_terms *terms)
{
	struct packet p = packet(options, terms, 64);
	struct saker_hdr h;

	return take(p.octets, p.len, terms, &h);
}

/* reading */

static void
reads_sn_and_iv_where_the_terms_put_them(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(all_terms); i++) {
		struct packet p = packet("01020000", &all_terms[i], 32);
		struct saker_hdr h;

		assert_int_equal(take(p.octets, p.len, &all_terms[i], &h), SAKER_OK);
		assert_true(h.sn == (all_terms[i].no_sn ? 0x0102030405060708 : 0xfedcba9876543210));
		assert_int_equal(h.spi, 0xaabbccdc);
		assert_int_equal(h.session, 0x1234);
		assert_int_equal(h.len, 12 + more_of[i]);
		assert_int_equal(h.variant, 0);
		assert_int_equal(h.crypt_offset, 0);
	}
}

static void
names_the_fault_of_bad_options(void **state)
{
	static const struct {
		const char *options;
		enum saker_drop why;
	} cases[] = {
		{ "00", SAKER_OK },
		{ "000000", SAKER_OK },
		{ "0100", SAKER_OK },
		{ "01020001", SAKER_DROP_OPT_BAD },
		{ "01030000", SAKER_DROP_OPT_LENGTH },
		{ "01", SAKER_DROP_OPT_LENGTH },
		{ "02", SAKER_DROP_OPT_LENGTH },
		{ "0204182000000000", SAKER_DROP_OPT_BAD },
		{ "020118", SAKER_DROP_OPT_BAD },
		{ "0202200002022000", SAKER_DROP_CLEAR_RANGE },
		{ "0202201002022010", SAKER_DROP_OPT_REPEATED },
		{ "03020000", SAKER_DROP_OPT_UNKNOWN },
		{ "e0060040"
		  "11223344",
			SAKER_DROP_OPT_UNKNOWN },
		{ "ff00", SAKER_DROP_OPT_UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct packet p = packet(cases[i].options, &all_terms[0], 64);
		struct saker_hdr h;

		/* Alignment of the header is the sender's duty, so it is not looked at. */
		assert_int_equal(saker_subsa_read(p.octets, p.len, &h), cases[i].why);
	}
}

static void
takes_crypt_offsets_that_were_agreed_on(void **state)
{
	static const struct saker_terms none = { .iv_in_aad = true };
	static const struct saker_terms some = { .iv_in_aad = true, .max_clear = 8 };

	(void)state;
	/* header 8 + 4 + 16 is 7 units; CryptOffset 3: payload info and 8 octets */
	assert_int_equal(take_options("02021c30", &some), SAKER_OK);
	assert_int_equal(take_options("02021c3f", &some), SAKER_OK); /* reserved: ignored */
	assert_int_equal(take_options("02021c40", &some), SAKER_DROP_CLEAR_RANGE);
	assert_int_equal(take_options("02021830", &some), SAKER_DROP_PAYLOAD_OFFSET);
	assert_int_equal(take_options("02021c10", &none), SAKER_DROP_CLEAR_RANGE);
	assert_int_equal(take_options("02021d30", &all_terms[0]), SAKER_DROP_CLEAR_RANGE);
}

static void
drops_every_first_octet_but_one(void **state)
{
	struct packet p = packet("", &all_terms[0], 32);
	struct saker_hdr h;

	(void)state;
	for (unsigned int first = 0; first < 256; first++) {
		enum saker_drop want = (first & 0xf8) != 0x80 ? SAKER_DROP_BAD_VERSION
							      : SAKER_DROP_RESERVED_BITS;

		p.octets[0] = (uint8_t)first;
		assert_int_equal(
			saker_subsa_read(p.octets, p.len, &h), first == 0x80 ? SAKER_OK : want);
	}
}

static void
drops_sn_zero_but_no_iv_of_zero(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(all_terms); i++) {
		struct packet p = packet("", &all_terms[i], 32);
		struct saker_hdr h;

		memset(p.octets + 8, 0, 8);
		assert_int_equal(take(p.octets, p.len, &all_terms[i], &h),
			all_terms[i].no_sn ? SAKER_OK : SAKER_DROP_SN_ZERO);
	}
}

static void
names_every_truncation_and_reads_nothing_behind_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(all_terms); i++) {
		struct packet p = packet("01020000", &all_terms[i], 32);
		uint32_t least = 12u + more_of[i] + 4 + SAKER_ICV;
		struct saker_hdr h;

		for (uint32_t len = 0; len <= p.len; len++) {
			enum saker_drop why = take(p.octets, len, &all_terms[i], &h);

			if (len < 8 + SAKER_ICV || (len >= 12 + SAKER_ICV && len < least))
				assert_int_equal(why, SAKER_DROP_RUNT);
			else if (len < 12 + SAKER_ICV)
				assert_int_equal(why, SAKER_DROP_OPT_LENGTH);
			else
				assert_int_equal(why,
					(len - least) % 4 == 0 ? SAKER_OK : SAKER_DROP_ALIGNMENT);
		}
	}
}

/* A flipped bit either is named, or changes what the AAD, the key or the nonce are made of. */
static void
no_flipped_header_bit_goes_unnoticed(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(all_terms); i++) {
		struct packet p = packet("01020000", &all_terms[i], 32);
		const uint16_t end = 12 + more_of[i];

		for (unsigned int bit = 0; bit < 8u * end; bit++) {
			struct packet q = p;
			struct saker_parts parts = { .cipher_at = end };
			struct saker_sealed s = {
				.head = q.octets, .parts = &parts, .terms = &all_terms[i]
			};
			uint8_t scratch[SAKER_AAD_MAX], nonce[12];
			struct saker_hdr h;
			uint16_t len;

			q.octets[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
			if (take(q.octets, q.len, &all_terms[i], &h) != SAKER_OK)
				continue;
			parts.cipher_at = h.len;
			(void)saker_subsa_aad(&s, scratch, &len);
			saker_subsa_nonce(&s, nonce);
			if (bit / 8 >= len)
				assert_memory_equal(nonce + 4, q.octets + h.len - 8, 8);
			assert_true(bit / 8 < len || bit / 8 >= end - 8u);
		}
	}
}

/* building */

static void
lays_out_every_header(void **state)
{
	static const struct saker_fields fields = { .sn = 0xfedcba9876543210,
		.spi = 0xaabbccdd,
		.session = 0xabcd,
		.clear_len = 8,
		.next_header = 17,
		.pad_len = 3 };
	static const struct {
		uint8_t terms;
		bool transport, crypt_offset, outer_v6;
		const char *want;
	} cases[] = {
		{ 0, false, false, false, "8000abcdaabbccddfedcba9876543210fedcba9876543210" },
		{ 2, false, false, false, "8000abcdaabbccddfedcba9876543210" },
		{ 3, false, false, false, "8000abcdaabbccddfedcba9876543210" },
		{ 0, true, false, false,
			"8000abcdaabbccddfedcba9876543210fedcba987654321000001103" },
		{ 0, false, true, false,
			"8004abcdaabbccdd02021c30fedcba9876543210fedcba987654321000001103" },
		{ 2, true, true, false, "8004abcdaabbccdd02021430fedcba987654321000001103" },
		{ 0, false, false, true, "8000abcdaabbccddfedcba9876543210fedcba9876543210" },
		{ 0, true, false, true,
			"8004abcdaabbccdd01020000fedcba9876543210fedcba987654321000001103" },
		{ 0, true, true, true,
			"8004abcdaabbccdd02021c30fedcba9876543210fedcba987654321000001103" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct saker_form form = { .transport = cases[i].transport,
			.crypt_offset = cases[i].crypt_offset,
			.outer_v6 = cases[i].outer_v6,
			.terms = &all_terms[cases[i].terms] };
		char got[2 * SAKER_HEAD_MAX + 1];
		struct saker_tmpl t;
		uint8_t at[64];

		assert_int_equal(saker_subsa_template(&form, &t), 0);
		memset(at, 0xa5, sizeof(at));
		saker_subsa_write(&t, at, &fields);
		assert_string_equal(saker_hex_encode(at, t.len, got), cases[i].want);
		assert_int_equal(at[t.len], 0xa5);
	}
}

static void
refuses_a_header_without_sn_and_iv(void **state)
{
	static const struct saker_terms terms = { .no_sn = true, .implicit_iv = true };
	const struct saker_form form = { .terms = &terms };
	struct saker_tmpl t;

	(void)state;
	assert_int_equal(saker_subsa_template(&form, &t), -EINVAL);
}

static void
takes_apart_what_it_builds(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4 * COUNT(all_terms); i++) {
		struct saker_terms terms = all_terms[i / 4];
		const struct saker_form form = {
			.transport = i % 2, .crypt_offset = i / 2 % 2, .terms = &terms
		};
		struct saker_fields f = { .sn = 7, .clear_len = form.crypt_offset ? 12 : 0 };
		struct saker_parts planned, found;
		struct saker_tmpl t;
		struct saker_hdr h;
		uint8_t at[128] = { 0 };
		uint32_t len;

		terms.transport = form.transport;
		assert_int_equal(saker_subsa_template(&form, &t), 0);
		saker_format_subsa.plan(&t, &f, 33, 0, &planned, &f.pad_len);
		saker_subsa_write(&t, at, &f);
		len = planned.cipher_at + planned.cipher_len + SAKER_ICV;
		assert_int_equal(saker_subsa_read(at, len, &h), SAKER_OK);
		assert_int_equal(saker_subsa_bind(at, len, &terms, &h), SAKER_OK);
		assert_int_equal(saker_format_subsa.split(at, len, &h, &terms, &found), SAKER_OK);
		assert_memory_equal(&found, &planned, sizeof(found));
	}
}

static void
authenticates_the_header_and_what_is_in_clear(void **state)
{
	static const struct {
		uint8_t terms;
		uint16_t clear; /* beside payload info */
		const char *want;
	} cases[] = {
		{ 0, 0, "80001234aabbccdcfedcba98765432100102030405060708" },
		{ 1, 0, "80001234aabbccdcfedcba9876543210" },
		{ 2, 0, "80001234aabbccdcfedcba9876543210" },
		{ 3, 0, "80001234aabbccdc0102030405060708" },
		{ 0, 8, "80001234aabbccdcfedcba98765432100102030405060708c0c1c2c3c4c5c6c7" },
		{ 1, 8, "80001234aabbccdcfedcba9876543210c0c1c2c3c4c5c6c7" },
		{ 2, 8, "80001234aabbccdcfedcba9876543210c0c1c2c3c4c5c6c7" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct saker_terms *terms = &all_terms[cases[i].terms];
		struct packet p = packet("", terms, 32);
		uint16_t end = 8 + more_of[cases[i].terms], len;
		const struct saker_parts parts = { .cipher_at = end + cases[i].clear };
		const struct saker_sealed s = { .head = p.octets, .parts = &parts, .terms = terms };
		uint8_t scratch[SAKER_AAD_MAX];
		char got[2 * SAKER_HEAD_MAX + 1];
		const uint8_t *aad;

		for (unsigned int k = 0; k < 8; k++)
			p.octets[end + k] = (uint8_t)(0xc0 + k);
		aad = saker_subsa_aad(&s, scratch, &len);
		assert_string_equal(saker_hex_encode(aad, len, got), cases[i].want);
	}
}

static void
makes_the_nonce_of_the_iv_that_stands_last(void **state)
{
	static const char *const want[] = { "000000000102030405060708", "000000000102030405060708",
		"00000000fedcba9876543210", "000000000102030405060708" };

	(void)state;
	for (size_t i = 0; i < COUNT(all_terms); i++) {
		struct packet p = packet("01020000", &all_terms[i], 32);
		const struct saker_sealed s = { .head = p.octets, .terms = &all_terms[i] };
		uint8_t nonce[12];
		char got[25];

		saker_subsa_nonce(&s, nonce);
		assert_string_equal(saker_hex_encode(nonce, 12, got), want[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_sn_and_iv_where_the_terms_put_them),
		cmocka_unit_test(names_the_fault_of_bad_options),
		cmocka_unit_test(takes_crypt_offsets_that_were_agreed_on),
		cmocka_unit_test(drops_every_first_octet_but_one),
		cmocka_unit_test(drops_sn_zero_but_no_iv_of_zero),
		cmocka_unit_test(names_every_truncation_and_reads_nothing_behind_it),
		cmocka_unit_test(no_flipped_header_bit_goes_unnoticed),
		cmocka_unit_test(lays_out_every_header),
		cmocka_unit_test(refuses_a_header_without_sn_and_iv),
		cmocka_unit_test(takes_apart_what_it_builds),
		cmocka_unit_test(authenticates_the_header_and_what_is_in_clear),
		cmocka_unit_test(makes_the_nonce_of_the_iv_that_stands_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
