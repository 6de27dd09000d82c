/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "saker_esp.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define WINDOW       64
#define HIGH         (UINT64_C(1) << 32)

static const struct saker_terms terms_32, terms_64 = { .esp_sn = SAKER_ESP_SN_64 },
					  terms_any = { .esp_sn = SAKER_ESP_SN_UNSPECIFIED },
					  terms_implicit = { .implicit_iv = true },
					  terms_transport = { .transport = true };

/* A packet as far as it is not encrypted: SPI, SN, IV, body, ICV. */
struct packet {
	uint8_t octets[128];
	uint32_t len;
};

static struct packet
packet(const struct saker_terms *terms, uint32_t sn, uint16_t body)
{
	struct packet p = { .len = 8 + body + SAKER_ICV };

	saker_store_be32(p.octets, 0x12345678);
	saker_store_be32(p.octets + 4, sn);
	if (!terms->implicit_iv) {
		saker_store_be64(p.octets + 8, 0xf1f2f3f4f5f6f7f8);
		p.len += 8;
	}
	return p;
}

/* All that can be said of a header, of a copy that ends where its memory ends. */
static enum saker_drop
take(const struct packet *p, const struct saker_terms *terms, struct saker_hdr *h,
	struct saker_parts *parts)
{
	uint8_t *copy = malloc(p->len != 0 ? p->len : 1);
	enum saker_drop why;

	memcpy(copy, p->octets, p->len);
	why = saker_esp_read(copy, p->len, h);
	if (why == SAKER_OK)
		why = saker_esp_bind(copy, p->len, terms, h);
	if (why == SAKER_OK)
		why = saker_esp_split(copy, p->len, h, terms, parts);
	free(copy);
	return why;
}

static void
reads_spi_and_sn_and_finds_what_is_encrypted(void **state)
{
	struct packet p = packet(&terms_32, 0x80000001, 12);
	struct saker_parts parts;
	struct saker_hdr h;

	(void)state;
	assert_int_equal(take(&p, &terms_32, &h, &parts), SAKER_OK);
	assert_int_equal(h.spi, 0x12345678);
	assert_int_equal(h.sn, 0x80000001);
	assert_int_equal(h.len, 16);
	assert_int_equal(parts.payload_at, 16);
	assert_int_equal(parts.cipher_at, 16);
	assert_int_equal(parts.cipher_len, 12);
	assert_int_equal(parts.skip_len, 0);
	assert_int_equal(parts.clear_len, 0);
}

static void
an_implicit_iv_takes_no_room(void **state)
{
	struct packet p = packet(&terms_implicit, 1, 12);
	struct saker_parts parts;
	struct saker_hdr h;

	(void)state;
	assert_int_equal(take(&p, &terms_implicit, &h, &parts), SAKER_OK);
	assert_int_equal(h.len, 8);
	assert_int_equal(parts.cipher_at, 8);
	assert_int_equal(parts.cipher_len, 12);
}

static void
refuses_every_truncation(void **state)
{
	const struct saker_terms *terms[] = { &terms_32, &terms_implicit };
	struct saker_parts parts;
	struct saker_hdr h;

	(void)state;
	for (size_t t = 0; t < COUNT(terms); t++) {
		struct packet p = packet(terms[t], 1, 4);
		uint32_t whole = p.len;

		for (p.len = 0; p.len < whole; p.len++)
			assert_int_equal(take(&p, terms[t], &h, &parts), SAKER_DROP_RUNT);
		assert_int_equal(take(&p, terms[t], &h, &parts), SAKER_OK);
	}
}

static void
the_encrypted_part_is_a_multiple_of_four(void **state)
{
	struct saker_parts parts;
	struct saker_hdr h;

	(void)state;
	for (uint16_t body = 4; body < 16; body++) {
		struct packet p = packet(&terms_32, 1, body);

		assert_int_equal(take(&p, &terms_32, &h, &parts),
			body % 4 == 0 ? SAKER_OK : SAKER_DROP_ALIGNMENT);
	}
}

static void
sn_zero_is_refused_where_sns_count_in_32_bits(void **state)
{
	struct packet p = packet(&terms_32, 0, 12);
	struct saker_parts parts;
	struct saker_hdr h;

	(void)state;
	assert_int_equal(take(&p, &terms_32, &h, &parts), SAKER_DROP_SN_ZERO);
	assert_int_equal(take(&p, &terms_64, &h, &parts), SAKER_OK);
	assert_int_equal(take(&p, &terms_any, &h, &parts), SAKER_OK);
}

/* A flipped bit of SPI or SN changes what was read, or the AAD; one of the IV the nonce. */
static void
every_bit_of_the_header_counts(void **state)
{
	const struct packet good = packet(&terms_32, 0x11223344, 12);
	uint8_t scratch[SAKER_AAD_MAX], nonce[12], flipped[12];
	struct saker_sealed s = { .head = good.octets, .terms = &terms_32 };
	uint16_t len;

	(void)state;
	saker_esp_nonce(&s, nonce);
	for (unsigned int bit = 0; bit < 16 * 8; bit++) {
		struct packet p = good;
		const uint8_t *aad;

		p.octets[bit / 8] ^= 1u << bit % 8;
		s.head = p.octets;
		aad = saker_esp_aad(&s, scratch, &len);
		saker_esp_nonce(&s, flipped);
		assert_int_equal(len, 8);
		assert_int_equal(memcmp(aad, good.octets, 8) != 0, bit < 64);
		assert_int_equal(memcmp(flipped, nonce, 12) != 0, bit >= 64);
	}
}

static void
the_aad_has_the_whole_sn_and_never_the_iv(void **state)
{
	static const uint8_t want[] = { 0x12, 0x34, 0x56, 0x78, 0xaa, 0xbb, 0xcc, 0xdd, 1, 2, 3,
		4 };
	const struct packet p = packet(&terms_64, 0x01020304, 12);
	const struct saker_sealed s = {
		.head = p.octets, .terms = &terms_64, .sn = 0xaabbccdd01020304
	};
	uint8_t scratch[SAKER_AAD_MAX];
	uint16_t len;

	(void)state;
	assert_memory_equal(saker_esp_aad(&s, scratch, &len), want, sizeof(want));
	assert_int_equal(len, sizeof(want));
}

static void
the_nonce_is_the_iv_or_the_whole_sn(void **state)
{
	static const uint8_t iv[] = { 0, 0, 0, 0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8 };
	static const uint8_t sn[] = { 0, 0, 0, 0, 0xaa, 0xbb, 0xcc, 0xdd, 1, 2, 3, 4 };
	const struct packet p = packet(&terms_32, 0x01020304, 12);
	struct saker_sealed s = { .head = p.octets, .terms = &terms_32, .sn = 0xaabbccdd01020304 };
	uint8_t out[12];

	(void)state;
	saker_esp_nonce(&s, out);
	assert_memory_equal(out, iv, sizeof(out));
	s.terms = &terms_implicit;
	saker_esp_nonce(&s, out);
	assert_memory_equal(out, sn, sizeof(out));
}

/* What a receiver makes of the low half of an SN. */
static uint64_t
whole(uint64_t newest, uint32_t low)
{
	const struct packet p = packet(&terms_64, low, 12);
	const struct saker_hdr h = { .sn = low, .len = 16 };

	return saker_esp_whole_sn(p.octets, &h, &terms_64, newest, WINDOW);
}

static void
the_high_half_is_what_brings_an_sn_next_to_the_window(void **state)
{
	static const struct {
		uint64_t newest, sn;
	} cases[] = {
		{ 1000, 1000 },                           /* in the window */
		{ 1000, 1000 - WINDOW + 1 },              /* its last */
		{ 1000, 1000 - WINDOW + HIGH },           /* left of it can only be the future */
		{ 1000, 0xffffffff },                     /* the longest jump in one half */
		{ HIGH - 1, HIGH - 1 },                   /* the last of a half */
		{ HIGH - 1, HIGH },                       /* and the first of the next */
		{ HIGH + 10, HIGH + 11 },                 /* a window that lies in two halves */
		{ HIGH + 10, HIGH + 10 - WINDOW + 1 },    /* the part in the half before */
		{ HIGH + 10, HIGH - 1 },                  /* the same */
		{ HIGH + 10, HIGH },                      /* the part in this one */
		{ HIGH + 10, HIGH + 10 - WINDOW + HIGH }, /* the longest jump */
		{ HIGH + WINDOW - 2, HIGH - 1 },          /* the last that reaches back */
		{ HIGH + WINDOW - 1, HIGH },              /* the first that does not */
		{ HIGH + WINDOW - 1, 2 * HIGH - 1 },      /* so this is ahead */
		{ 5 * HIGH + 0x80000000, 5 * HIGH + 0x90000000 },
		{ 5 * HIGH + 0x80000000, 6 * HIGH + 0x70000000 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_true(whole(cases[i].newest, (uint32_t)cases[i].sn) == cases[i].sn);
}

static void
nothing_lies_before_the_first_half(void **state)
{
	(void)state;
	assert_true(whole(10, 0xffffffff) == 0xffffffff);
	assert_true(whole(10, 11) == 11);
	assert_true(whole(10, 0) == 0);
}

static void
the_first_sn_takes_its_high_half_from_an_iv_that_shows_it(void **state)
{
	const struct saker_terms implicit = { .esp_sn = SAKER_ESP_SN_64, .implicit_iv = true };
	struct packet p = packet(&terms_64, 0xf5f6f7f8, 12);
	struct saker_hdr h = { .sn = 0xf5f6f7f8, .len = 16 };

	(void)state;
	assert_true(saker_esp_whole_sn(p.octets, &h, &terms_64, 0, WINDOW) == 0xf1f2f3f4f5f6f7f8);
	assert_true(saker_esp_whole_sn(p.octets, &h, &implicit, 0, WINDOW) == 0xf5f6f7f8);
	h.sn = 7; /* an IV that is no SN */
	assert_true(saker_esp_whole_sn(p.octets, &h, &terms_64, 0, WINDOW) == 7);
}

static void
a_32_bit_sn_is_whole(void **state)
{
	struct packet p = packet(&terms_32, 5, 12);
	struct saker_hdr h = { .sn = 5, .len = 16 };

	(void)state;
	assert_true(saker_esp_whole_sn(p.octets, &h, &terms_32, 7 * HIGH + 100, WINDOW) == 5);
	assert_true(saker_esp_whole_sn(p.octets, &h, &terms_any, 7 * HIGH + 100, WINDOW) == 5);
}

/* trailers */

/* Look at what was decrypted: a body, and what the payload turned out to be. */
static enum saker_drop
open_body(
	const struct saker_terms *terms, const uint8_t *body, uint16_t len, struct saker_opened *o)
{
	struct saker_parts parts = { .payload_at = 16, .cipher_at = 16, .cipher_len = len };
	uint8_t *p = calloc(1, 16 + len);
	struct saker_hdr h = { .len = 16 };
	enum saker_drop why;

	memcpy(p + 16, body, len);
	why = saker_esp_opened(p, &h, &parts, terms, o);
	if (why == SAKER_OK)
		assert_ptr_equal(o->payload, p + 16);
	free(p);
	return why;
}

static void
reads_the_trailer(void **state)
{
	static const uint8_t body[] = { 0x45, 7, 7, 1, 2, 3, 3, 4 };
	struct saker_opened o;

	(void)state;
	assert_int_equal(open_body(&terms_32, body, sizeof(body), &o), SAKER_OK);
	assert_int_equal(o.len, 3);
	assert_int_equal(o.next_header, 4);
	assert_int_equal(o.pad, 0);
}

static void
refuses_padding_that_does_not_count_up(void **state)
{
	static const uint8_t good[] = { 0x45, 7, 7, 1, 2, 3, 3, 4 };
	struct saker_opened o;

	(void)state;
	for (unsigned int i = 3; i < 6; i++)
		for (unsigned int bit = 0; bit < 8; bit++) {
			uint8_t body[sizeof(good)];

			memcpy(body, good, sizeof(body));
			body[i] ^= 1u << bit;
			assert_int_equal(open_body(&terms_32, body, sizeof(body), &o),
				SAKER_DROP_INNER_FORM);
		}
}

static void
takes_the_longest_padding_and_none_that_is_longer_than_the_packet(void **state)
{
	uint8_t body[260] = { 0x45, 0, 0 };
	struct saker_opened o;

	(void)state;
	for (unsigned int i = 0; i < 255; i++)
		body[3 + i] = (uint8_t)(i + 1);
	body[258] = 255;
	body[259] = 4;
	assert_int_equal(open_body(&terms_32, body, sizeof(body), &o), SAKER_OK);
	assert_int_equal(o.len, 3);
	assert_int_equal(
		open_body(&terms_32, body + 4, sizeof(body) - 4, &o), SAKER_DROP_INNER_FORM);
}

static void
the_next_header_is_that_of_the_inner_packet(void **state)
{
	static const struct {
		uint8_t first, next_header;
		enum saker_drop why;
	} cases[] = {
		{ 0x45, 4, SAKER_OK },
		{ 0x60, 41, SAKER_OK },
		{ 0x45, 41, SAKER_DROP_PAYLOAD_INFO },
		{ 0x60, 4, SAKER_DROP_PAYLOAD_INFO },
		{ 0x45, 17, SAKER_DROP_PAYLOAD_INFO },
		{ 0x45, 59, SAKER_DROP_DUMMY },
	};
	struct saker_opened o;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const uint8_t body[] = { cases[i].first, 0, 0, 0, 0, 0, 0, cases[i].next_header };

		assert_int_equal(open_body(&terms_32, body, sizeof(body), &o), cases[i].why);
	}
}

static void
transport_mode_carries_any_protocol_but_dummies(void **state)
{
	uint8_t body[] = { 1, 2, 3, 4, 5, 6, 0, 0 };
	struct saker_opened o;

	(void)state;
	for (unsigned int nh = 0; nh < 256; nh++) {
		body[7] = (uint8_t)nh;
		assert_int_equal(open_body(&terms_transport, body, sizeof(body), &o),
			nh == 59 ? SAKER_DROP_DUMMY : SAKER_OK);
		assert_int_equal(o.next_header, nh);
		assert_int_equal(o.len, 6);
	}
}

static void
an_empty_payload_is_no_inner_packet(void **state)
{
	static const uint8_t body[] = { 1, 2, 2, 4 }, dummy[] = { 1, 2, 2, 59 };
	struct saker_opened o;

	(void)state;
	assert_int_equal(open_body(&terms_32, body, 4, &o), SAKER_DROP_PAYLOAD_INFO);
	assert_int_equal(open_body(&terms_32, dummy, 4, &o), SAKER_DROP_DUMMY);
}

/* building */

static void
builds_what_it_reads(void **state)
{
	const struct saker_terms *all[] = { &terms_transport, &terms_implicit };
	const struct saker_fields fields = {
		.sn = 0xaabbccdd01020304, .spi = 0x12345678, .next_header = 17
	};

	(void)state;
	for (size_t t = 0; t < COUNT(all); t++)
		for (uint16_t len = 0; len < 9; len++) {
			const struct saker_form form = { .terms = all[t] };
			struct saker_fields f = fields;
			struct packet p = { 0 };
			struct saker_parts parts, found;
			struct saker_opened o;
			struct saker_tmpl tmpl;
			struct saker_hdr h;

			assert_int_equal(saker_esp_template(&form, &tmpl), 0);
			saker_esp_plan(&tmpl, &f, len, 0, &parts, &f.pad_len);
			saker_esp_write(&tmpl, p.octets, &f);
			memset(p.octets + parts.payload_at, 0x60, len);
			saker_esp_write_trailer(p.octets + parts.cipher_at + parts.cipher_len, &f);
			p.len = parts.cipher_at + parts.cipher_len + SAKER_ICV;
			assert_int_equal(parts.cipher_len, len + f.pad_len);
			assert_in_range(f.pad_len, 2, 5);
			assert_int_equal(take(&p, all[t], &h, &found), SAKER_OK);
			assert_memory_equal(&found, &parts, sizeof(parts));
			assert_int_equal(h.spi, f.spi);
			assert_int_equal(h.sn, 0x01020304);
			if (!all[t]->implicit_iv)
				assert_true(saker_load_be64(p.octets + 8) == f.sn);
			assert_int_equal(
				saker_esp_opened(p.octets, &h, &parts, &terms_transport, &o),
				SAKER_OK);
			assert_int_equal(o.len, len);
			assert_int_equal(o.next_header, 17);
		}
}

static void
nothing_can_be_left_in_clear(void **state)
{
	const struct saker_form form = { .terms = &terms_32, .crypt_offset = true };
	struct saker_tmpl t;

	(void)state;
	assert_int_not_equal(saker_esp_template(&form, &t), 0);
}

static void
the_table_has_the_format_and_its_numbers(void **state)
{
	const struct saker_format *f = saker_format_find('X');

	(void)state;
	assert_ptr_equal(f, &saker_format_esp);
	assert_int_equal(f->udp_port, 4500);
	assert_int_equal(f->protocol, 50);
	assert_int_equal(0x7f & f->first_mask, f->first_value);
	assert_int_not_equal(0x80 & f->first_mask, f->first_value);
}

/* Without one such a header would go on without a group. */
static void
every_format_has_a_reason_for_headers_of_no_group(void **state)
{
	(void)state;
	for (unsigned int i = 0; saker_formats[i] != NULL; i++)
		assert_int_not_equal(saker_formats[i]->no_group, SAKER_OK);
	assert_int_equal(saker_format_esp.no_group, SAKER_DROP_UNKNOWN_SPI);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_spi_and_sn_and_finds_what_is_encrypted),
		cmocka_unit_test(an_implicit_iv_takes_no_room),
		cmocka_unit_test(refuses_every_truncation),
		cmocka_unit_test(the_encrypted_part_is_a_multiple_of_four),
		cmocka_unit_test(sn_zero_is_refused_where_sns_count_in_32_bits),
		cmocka_unit_test(every_bit_of_the_header_counts),
		cmocka_unit_test(the_aad_has_the_whole_sn_and_never_the_iv),
		cmocka_unit_test(the_nonce_is_the_iv_or_the_whole_sn),
		cmocka_unit_test(the_high_half_is_what_brings_an_sn_next_to_the_window),
		cmocka_unit_test(nothing_lies_before_the_first_half),
		cmocka_unit_test(the_first_sn_takes_its_high_half_from_an_iv_that_shows_it),
		cmocka_unit_test(a_32_bit_sn_is_whole),
		cmocka_unit_test(reads_the_trailer),
		cmocka_unit_test(refuses_padding_that_does_not_count_up),
		cmocka_unit_test(takes_the_longest_padding_and_none_that_is_longer_than_the_packet),
		cmocka_unit_test(the_next_header_is_that_of_the_inner_packet),
		cmocka_unit_test(transport_mode_carries_any_protocol_but_dummies),
		cmocka_unit_test(an_empty_payload_is_no_inner_packet),
		cmocka_unit_test(builds_what_it_reads),
		cmocka_unit_test(nothing_can_be_left_in_clear),
		cmocka_unit_test(the_table_has_the_format_and_its_numbers),
		cmocka_unit_test(every_format_has_a_reason_for_headers_of_no_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
