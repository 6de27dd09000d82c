/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/**
 * @file
 * Headers of formats E and S against the known answers: what is built, what is read, and that no
 * damage to a header goes unnoticed.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kat_vectors.h"
#include "saker_eesp.h"
#include "saker_outer.h"

#define CASES     KAT_COUNT(kat_cases)
#define CASES_END (kat_cases + CASES)

/* What the functions under test make of one case. */
struct built {
	struct saker_tmpl tmpl;
	struct saker_fields fields;
	struct saker_parts parts;
	uint8_t pad;
};

static const struct saker_format *
format_of(const struct kat_case *c)
{
	return saker_format_find((uint8_t)c->format);
}

static void
expect_octets(const struct kat_case *c, const void *got, struct kat_octets want, size_t n)
{
	if (n > want.n || memcmp(got, want.p, n) != 0)
		print_error("in %s:\n", c->name);
	assert_true(n <= want.n);
	assert_memory_equal(got, want.p, n);
}

static void
expect_equal(const struct kat_case *c, uint64_t got, uint64_t want)
{
	if (got != want)
		print_error("in %s:\n", c->name);
	assert_int_equal(got, want);
}

static uint64_t
sn_of(const struct kat_case *c)
{
	return (uint64_t)c->epoch << 48 | c->counter;
}

static uint64_t
source_of(const struct kat_case *c)
{
	uint64_t source = 0;

	for (size_t i = 0; i < c->source_id.n; i++)
		source = source << 8 | c->source_id.p[i];
	return source;
}

static struct saker_form
form_of(const struct kat_case *c)
{
	struct saker_form form = {
		.spi = c->spi,
		.variant = c->variant,
		.transport = c->transport,
		.crypt_offset = c->crypt_offset,
		.outer_v6 = c->outer_src.n == 16,
	};

	for (unsigned int level = 0; level < SAKER_LEVELS; level++) {
		const struct kat_root *root = &c->root[level];
		struct saker_mk_option *mk = &form.mk[level];

		form.key_idx |= (root->index & 3) << (6 - 2 * level);
		if (!c->mk_option[level])
			continue;
		*mk = (struct saker_mk_option){ .id_len = root->id.n,
			.index = (uint8_t)root->index };
		memcpy(mk->id, root->id.p, root->id.n);
	}
	return form;
}

static uint16_t
transport_header_at(const struct kat_case *c)
{
	if (c->transport)
		return 0;
	return c->payload.p[0] >> 4 == 6 ? 40 : (c->payload.p[0] & 15) * 4;
}

static struct saker_terms
limits_of(const struct kat_case *c)
{
	return (struct saker_terms){
		.transport = c->transport,
		.max_ioffset = c->ioffset,
		.max_clear = c->clear_octets,
	};
}

static struct built
build(const struct kat_case *c)
{
	struct saker_form form = form_of(c);
	struct built b = { 0 };

	assert_int_equal(format_of(c)->template(&form, &b.tmpl), 0);
	b.fields = (struct saker_fields){
		.sn = sn_of(c),
		.source = source_of(c),
		.session = c->session,
		.clear_len = c->clear_octets,
		.ioffset = c->ioffset,
		.key_idx = form.key_idx,
		.next_header = c->next_header < 0 ? 0 : (uint8_t)c->next_header,
	};
	format_of(c)->plan(&b.tmpl, &b.fields, (uint16_t)c->payload.n, transport_header_at(c),
		&b.parts, &b.pad);
	b.fields.pad_len = b.pad;
	return b;
}

static void
writes_every_octet_up_to_the_end_of_the_clear_part(void **state)
{
	(void)state;
	for (const struct kat_case *c = kat_cases; c < CASES_END; c++) {
		struct built b = build(c);
		uint8_t *packet = malloc(c->protected.n);

		format_of(c)->write(&b.tmpl, packet, &b.fields);
		memcpy(packet + b.parts.payload_at, c->payload.p, b.parts.clear_len);
		expect_octets(c, packet, c->protected, b.parts.cipher_at);
		free(packet);
	}
}

static void
hides_payload_info_behind_the_sn_when_it_is_encrypted(void **state)
{
	unsigned int seen = 0;

	(void)state;
	for (const struct kat_case *c = kat_cases; c < CASES_END; c++) {
		struct built b = build(c);
		uint8_t header[SAKER_EESP_MAX_HEADER];

		if (!b.tmpl.payload_info || c->crypt_offset)
			continue;
		format_of(c)->write(&b.tmpl, header, &b.fields);
		expect_equal(c, b.parts.payload_at, b.parts.cipher_at + SAKER_EESP_PAYLOAD_INFO);
		expect_equal(c, saker_load_be32(header + b.parts.cipher_at),
			(uint32_t)c->next_header << 8 | b.pad);
		seen++;
	}
	assert_true(seen > 0);
}

static void
plans_the_length_of_every_packet(void **state)
{
	(void)state;
	for (const struct kat_case *c = kat_cases; c < CASES_END; c++) {
		struct built b = build(c);

		expect_equal(c, b.parts.cipher_at + b.parts.cipher_len + SAKER_ICV, c->protected.n);
		expect_equal(c, b.parts.cipher_len % 4, 0);
		assert_true(b.pad < 4);
	}
}

static void
gathers_the_aad_of_every_packet(void **state)
{
	(void)state;
	for (const struct kat_case *c = kat_cases; c < CASES_END; c++) {
		struct built b = build(c);
		const struct saker_sealed s = { .head = c->protected.p, .parts = &b.parts };
		uint8_t scratch[SAKER_AAD_MAX];
		const uint8_t *aad;
		uint16_t len;

		aad = format_of(c)->aad(&s, scratch, &len);
		expect_equal(c, len, c->aad.n);
		expect_octets(c, aad, c->aad, len);
		expect_equal(c, aad == c->protected.p, c->ioffset == 0);
	}
}

static void
makes_the_nonce_of_every_packet(void **state)
{
	(void)state;
	for (const struct kat_case *c = kat_cases; c < CASES_END; c++) {
		const struct saker_sealed s = { .session = c->session,
			.role = c->role,
			.variant = c->variant,
			.sn = sn_of(c) };
		uint8_t nonce[12];

		format_of(c)->nonce(&s, nonce);
		for (unsigned int i = 0; i < sizeof(nonce); i++)
			nonce[i] ^= c->mask.p[i];
		expect_octets(c, nonce, c->nonce, sizeof(nonce));
	}
}

static struct saker_ip
ip_of(struct kat_octets octets)
{
	struct saker_ip ip = { .family = octets.n == 4 ? 4 : 6 };

	memcpy(ip.octets, octets.p, octets.n);
	return ip;
}

static void
writes_the_outer_headers_of_every_packet(void **state)
{
	(void)state;
	for (const struct kat_case *c = kat_cases; c < CASES_END; c++) {
		struct saker_ip src = ip_of(c->outer_src), dst = ip_of(c->outer_dst);
		uint8_t headers[SAKER_OUTER_MAX];
		struct saker_outer outer;

		saker_outer_init(
			&outer, &src, &dst, c->proto, c->udp ? c->udp_dport : 0, SAKER_DF_SET);
		saker_outer_write(
			&outer, headers, (uint16_t)c->protected.n, 0, false, 7, c->udp_sport);
		expect_equal(c, outer.len + c->protected.n, c->outer_packet.n);
		expect_octets(c, headers, c->outer_packet, outer.len);
	}
}

static void
expect_mk_options(const struct kat_case *c, const struct saker_hdr *h)
{
	for (unsigned int level = 0; level < SAKER_LEVELS; level++) {
		const struct kat_root *root = &c->root[level];
		const uint8_t *data = c->protected.p + h->mk_at[level];

		expect_equal(c, h->mk_at[level] != 0, c->mk_option[level]);
		if (!c->mk_option[level])
			continue;
		expect_equal(c, data[0], root->index & 255);
		expect_equal(c, h->mk_id_len[level], root->id.n);
		expect_octets(c, data + 2, root->id, root->id.n);
	}
}

static void
reads_back_the_fields_of_every_header(void **state)
{
	(void)state;
	for (const struct kat_case *c = kat_cases; c < CASES_END; c++) {
		struct saker_form form = form_of(c);
		struct saker_hdr h;

		expect_equal(c, format_of(c)->read(c->protected.p, c->protected.n, &h), SAKER_OK);
		expect_equal(c, h.source, source_of(c));
		expect_equal(c, h.sn, sn_of(c));
		expect_equal(c, h.spi, c->format == 'E' ? c->spi : 0);
		expect_equal(c, h.session, c->session);
		expect_equal(c, h.variant, c->variant);
		expect_equal(c, h.ioffset, c->ioffset);
		expect_equal(c, h.key_idx, form.key_idx);
		expect_equal(c, h.crypt_offset != 0, c->crypt_offset);
		expect_mk_options(c, &h);
	}
}

static void
splits_every_packet_as_it_was_planned(void **state)
{
	(void)state;
	for (const struct kat_case *c = kat_cases; c < CASES_END; c++) {
		struct saker_terms limits = limits_of(c);
		struct built b = build(c);
		struct saker_parts parts;
		struct saker_hdr h;

		assert_int_equal(format_of(c)->read(c->protected.p, c->protected.n, &h), SAKER_OK);
		expect_equal(c,
			format_of(c)->split(c->protected.p, c->protected.n, &h, &limits, &parts),
			SAKER_OK);
		if (memcmp(&parts, &b.parts, sizeof(parts)) != 0)
			print_error("in %s:\n", c->name);
		assert_memory_equal(&parts, &b.parts, sizeof(parts));
	}
}

/* Read and split a copy that ends where its memory ends, so that a sanitizer sees every step
 * beyond. */
static enum saker_drop
receive(const struct kat_case *c, size_t len, size_t flipped_bit, struct saker_hdr *h,
	struct saker_parts *parts)
{
	struct saker_terms limits = limits_of(c);
	uint8_t *copy = malloc(len != 0 ? len : 1);
	enum saker_drop drop;

	memcpy(copy, c->protected.p, len);
	if (flipped_bit / 8 < len)
		copy[flipped_bit / 8] ^= 0x80 >> flipped_bit % 8;
	drop = format_of(c)->read(copy, len, h);
	if (drop == SAKER_OK)
		drop = format_of(c)->split(copy, len, h, &limits, parts);
	free(copy);
	return drop;
}

static void
never_takes_a_truncated_packet_for_the_whole_one(void **state)
{
	(void)state;
	for (const struct kat_case *c = kat_cases; c < CASES_END; c++) {
		struct saker_parts parts = { 0 }, whole = build(c).parts;
		struct saker_hdr h;

		for (size_t len = 0; len < c->protected.n; len++) {
			enum saker_drop drop = receive(c, len, SIZE_MAX, &h, &parts);

			assert_true(drop < SAKER_DROP_COUNT);
			assert_true(drop != SAKER_OK || parts.cipher_len < whole.cipher_len);
		}
	}
}

static bool
same_fields(const struct saker_hdr *a, const struct saker_hdr *b)
{
	return a->source == b->source && a->sn == b->sn && a->spi == b->spi &&
	       a->session == b->session && a->len == b->len && a->variant == b->variant &&
	       a->ioffset == b->ioffset && a->key_idx == b->key_idx &&
	       a->crypt_offset == b->crypt_offset && a->payload_offset == b->payload_offset &&
	       memcmp(a->mk_at, b->mk_at, sizeof(a->mk_at)) == 0 &&
	       memcmp(a->mk_id_len, b->mk_id_len, sizeof(a->mk_id_len)) == 0;
}

static bool
is_mk_data(const struct saker_hdr *h, size_t at)
{
	for (unsigned int level = 0; level < SAKER_LEVELS; level++)
		if (h->mk_at[level] != 0 && at >= h->mk_at[level] &&
			at < h->mk_at[level] + 2u + h->mk_id_len[level])
			return true;
	return false;
}

/* What only the ICV guards at this point: a Master Key option's data, which the group's rules
 * judge later, the bits of the Crypt Offset option that are ignored on receipt, and padding that
 * is cut up in another way. */
static bool
is_outside_the_fields(const struct kat_case *c, const struct saker_hdr *h, size_t bit)
{
	static const uint8_t padding[] = { SAKER_EESP_OPT_PADN, 2, 0, 0 };
	struct saker_tmpl t = build(c).tmpl;
	size_t at = bit / 8, pad_at = t.sn_at - sizeof(padding);

	if (is_mk_data(h, at))
		return true;
	if (c->format == 'S')
		return false;
	if (c->crypt_offset && at == t.crypt_at + 1u && bit % 8 >= 4)
		return true;
	return memcmp(t.octets + pad_at, padding, sizeof(padding)) == 0 && at >= pad_at &&
	       at < t.sn_at;
}

static void
notices_every_flipped_bit_of_every_header(void **state)
{
	(void)state;
	for (const struct kat_case *c = kat_cases; c < CASES_END; c++) {
		struct saker_hdr original, h;
		struct saker_parts parts;

		assert_int_equal(receive(c, c->protected.n, SIZE_MAX, &original, &parts), SAKER_OK);
		for (size_t bit = 0; bit < original.len * 8u; bit++) {
			enum saker_drop drop = receive(c, c->protected.n, bit, &h, &parts);

			assert_true(drop < SAKER_DROP_COUNT);
			if (drop == SAKER_OK)
				expect_equal(c, same_fields(&h, &original),
					is_outside_the_fields(c, &original, bit));
		}
	}
}

static void
has_a_known_answer_for_every_format_variant_and_mode(void **state)
{
	bool seen[2][SAKER_V_COUNT][2] = { 0 };

	(void)state;
	assert_int_equal(CASES, 96);
	for (const struct kat_case *c = kat_cases; c < CASES_END; c++)
		seen[c->format == 'S'][c->variant][c->transport] = true;
	for (unsigned int v = 0; v < SAKER_V_COUNT; v++)
		for (unsigned int s = 0; s < 2; s++)
			assert_true(seen[s][v][0] && seen[s][v][1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_a_known_answer_for_every_format_variant_and_mode),
		cmocka_unit_test(writes_every_octet_up_to_the_end_of_the_clear_part),
		cmocka_unit_test(hides_payload_info_behind_the_sn_when_it_is_encrypted),
		cmocka_unit_test(plans_the_length_of_every_packet),
		cmocka_unit_test(gathers_the_aad_of_every_packet),
		cmocka_unit_test(makes_the_nonce_of_every_packet),
		cmocka_unit_test(writes_the_outer_headers_of_every_packet),
		cmocka_unit_test(reads_back_the_fields_of_every_header),
		cmocka_unit_test(splits_every_packet_as_it_was_planned),
		cmocka_unit_test(never_takes_a_truncated_packet_for_the_whole_one),
		cmocka_unit_test(notices_every_flipped_bit_of_every_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
