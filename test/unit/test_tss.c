/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "saker_ip.h"
#include "saker_tss.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SDI          0xabcdefu
#define TSC          UINT64_C(0x1dc074e500000023)
#define SSI_WORD     0x0a000001u

static const struct saker_terms peer,
	server = { .end = SAKER_END_SERVER }, client = { .end = SAKER_END_CLIENT },
	some_clear = { .max_clear = 48 }, transport = { .transport = true };

/* A packet as far as it is not encrypted. */
struct packet {
	uint8_t octets[128];
	uint32_t len;
};

static struct packet
packet(bool ssi, uint64_t tsc, uint16_t body)
{
	struct packet p = { .len = (ssi ? 16u : 12u) + body + SAKER_ICV };

	saker_store_be32(p.octets, (ssi ? 0x0d000000u : 0x09000000u) | SDI);
	saker_store_be32(p.octets + 4, SSI_WORD);
	saker_store_be64(p.octets + (ssi ? 8 : 4), tsc);
	return p;
}

/* Read a copy that ends where its memory ends. */
static enum saker_drop
take(const struct packet *p, const struct saker_terms *terms, struct saker_hdr *h,
	struct saker_parts *parts)
{
	uint8_t *copy = malloc(p->len != 0 ? p->len : 1);
	enum saker_drop why;

	memcpy(copy, p->octets, p->len);
	why = saker_tss_read(copy, p->len, h);
	if (why == SAKER_OK)
		why = saker_tss_bind(copy, p->len, terms, h);
	if (why == SAKER_OK)
		why = saker_tss_split(copy, p->len, h, terms, parts);
	free(copy);
	return why;
}

static void
reads_headers_with_and_without_ssi(void **state)
{
	(void)state;
	for (unsigned int ssi = 0; ssi < 2; ssi++) {
		struct packet p = packet(ssi != 0, TSC, 40);
		struct saker_parts parts;
		struct saker_hdr h;

		assert_int_equal(take(&p, &peer, &h, &parts), SAKER_OK);
		assert_int_equal(h.spi, SDI);
		assert_int_equal(h.sn, TSC);
		assert_int_equal(h.session, 1);
		assert_int_equal(h.key_idx, 0x80);
		assert_int_equal(h.len, ssi != 0 ? 16 : 12);
		assert_int_equal(h.source, ssi != 0 ? SSI_WORD : 0);
		assert_int_equal(h.variant, ssi != 0 ? SAKER_V_SOURCE_ID : SAKER_V_SOURCE_IP);
		assert_int_equal(parts.payload_at, h.len);
		assert_int_equal(parts.cipher_at, h.len);
		assert_int_equal(parts.cipher_len, 40);
		p.octets[0] &= 0xfe;
		assert_int_equal(take(&p, &peer, &h, &parts), SAKER_OK);
		assert_int_equal(h.session, 0);
		assert_int_equal(h.key_idx, 0);
	}
}

static void
refuses_every_truncation(void **state)
{
	(void)state;
	for (unsigned int ssi = 0; ssi < 2; ssi++) {
		struct packet p = packet(ssi != 0, TSC, 0);
		uint32_t whole = p.len;
		struct saker_parts parts;
		struct saker_hdr h;

		for (p.len = 0; p.len < whole; p.len++)
			assert_int_equal(take(&p, &peer, &h, &parts), SAKER_DROP_RUNT);
		assert_int_equal(take(&p, &peer, &h, &parts), SAKER_OK);
		assert_int_equal(parts.cipher_len, 0);
	}
}

static void
refuses_other_types_and_the_reserved_bit(void **state)
{
	struct saker_parts parts;
	struct saker_hdr h;

	(void)state;
	for (unsigned int first = 0; first < 256; first++) {
		struct packet p = packet(true, TSC, 40);
		enum saker_drop want = SAKER_OK;

		p.octets[0] = (uint8_t)first;
		if (first >> 3 != 1)
			want = SAKER_DROP_BAD_VERSION;
		else if ((first & 2) != 0)
			want = SAKER_DROP_RESERVED_BITS;
		assert_int_equal(take(&p, &peer, &h, &parts), want);
	}
}

static void
gives_each_end_of_server_mode_a_half_of_the_counters(void **state)
{
	struct packet low = packet(true, TSC & ~SAKER_TSS_DIRECTION_BIT, 40);
	struct packet high = packet(true, TSC | SAKER_TSS_DIRECTION_BIT, 40);
	struct saker_parts parts;
	struct saker_hdr h;

	(void)state;
	assert_int_equal(take(&low, &server, &h, &parts), SAKER_OK);
	assert_int_equal(take(&high, &server, &h, &parts), SAKER_DROP_DIRECTION);
	assert_int_equal(take(&low, &client, &h, &parts), SAKER_DROP_DIRECTION);
	assert_int_equal(take(&high, &client, &h, &parts), SAKER_OK);
	/* what freshness and windows see */
	assert_int_equal(h.sn, TSC & ~SAKER_TSS_DIRECTION_BIT);
}

static void
finds_what_is_in_clear_by_the_terms(void **state)
{
	static const uint16_t body[] = { 0, 3, 4, 7, 47, 48, 60 };
	static const uint16_t clear[] = { 0, 0, 4, 4, 44, 48, 48 };

	(void)state;
	for (size_t i = 0; i < COUNT(body); i++) {
		struct packet p = packet(false, TSC, body[i]);
		struct saker_parts parts;
		struct saker_hdr h;

		assert_int_equal(take(&p, &some_clear, &h, &parts), SAKER_OK);
		assert_int_equal(parts.clear_len, clear[i]);
		assert_int_equal(parts.cipher_at, 12 + clear[i]);
		assert_int_equal(parts.cipher_len, body[i] - clear[i]);
	}
}

static void
opens_uet_packets_alone_in_transport_mode(void **state)
{
	(void)state;
	for (unsigned int type = 0; type < 32; type++) {
		struct packet p = packet(true, TSC, 40);
		struct saker_parts parts;
		struct saker_opened o;
		struct saker_hdr h;
		bool uet = type >= 2 && type <= 14;

		assert_int_equal(take(&p, &transport, &h, &parts), SAKER_OK);
		p.octets[16] = (uint8_t)(type << 3);
		assert_int_equal(saker_tss_opened(p.octets, &h, &parts, &transport, &o),
			uet ? SAKER_OK : SAKER_DROP_INNER_FORM);
		assert_int_equal(saker_tss_opened(p.octets, &h, &parts, &peer, &o), SAKER_OK);
		assert_ptr_equal(o.payload, p.octets + 16);
		assert_int_equal(o.len, 40);
	}
}

static void
takes_apart_what_it_builds(void **state)
{
	static const struct saker_terms *const terms[] = { &peer, &client, &server, &some_clear };

	(void)state;
	for (size_t i = 0; i < 2 * COUNT(terms); i++) {
		const struct saker_terms *other = terms[i / 2] == &server   ? &client
						  : terms[i / 2] == &client ? &server
									    : terms[i / 2];
		const struct saker_form form = { .spi = SDI,
			.variant = i % 2 == 0 ? SAKER_V_SOURCE_ID : SAKER_V_SOURCE_IP,
			.terms = terms[i / 2] };
		struct saker_fields f = { .sn = TSC & ~SAKER_TSS_DIRECTION_BIT,
			.source = SSI_WORD,
			.key_idx = 0x80,
			.clear_len = terms[i / 2]->max_clear == 0 ? 0 : 48 };
		struct saker_parts planned, found;
		struct packet p = { .len = 0 };
		struct saker_tmpl t;
		struct saker_hdr h;

		assert_int_equal(saker_tss_template(&form, &t), 0);
		saker_tss_plan(&t, &f, 61, 0, &planned, &f.pad_len);
		assert_int_equal(f.pad_len, 0);
		memset(p.octets, 0xee, sizeof(p.octets));
		saker_tss_write(&t, p.octets, &f);
		assert_int_equal(p.octets[t.len], 0xee);
		p.len = planned.cipher_at + planned.cipher_len + SAKER_ICV;
		assert_int_equal(take(&p, other, &h, &found), SAKER_OK);
		assert_memory_equal(&found, &planned, sizeof(found));
		assert_int_equal(h.sn, f.sn);
		assert_int_equal(h.spi, SDI);
		assert_int_equal(h.key_idx, 0x80);
		assert_int_equal(h.source, i % 2 == 0 ? SSI_WORD : 0);
	}
}

static void
refuses_to_lay_out_what_has_no_place(void **state)
{
	struct saker_form form = { .spi = SAKER_TSS_SDI_MAX + 1, .terms = &peer };
	struct saker_tmpl t;

	(void)state;
	assert_int_equal(saker_tss_template(&form, &t), -EINVAL);
	form.spi = 1;
	for (uint8_t v = 0; v < SAKER_V_COUNT; v++) {
		bool good = v == SAKER_V_SOURCE_ID || v == SAKER_V_SOURCE_IP;

		form.variant = v;
		assert_int_equal(saker_tss_template(&form, &t), good ? 0 : -EINVAL);
	}
}

/* IP header, what stands between, TSS header, four octets in clear. Octets of each part differ. */
struct whole {
	uint8_t octets[128];
	uint8_t *head;
};

static void
make_whole(struct whole *w, bool six, unsigned int options, unsigned int between, bool ssi)
{
	struct packet p = packet(ssi, TSC, 4);
	uint16_t ip = six ? SAKER_IP6_HEADER : SAKER_IP4_HEADER;

	for (unsigned int i = 0; i < sizeof(w->octets); i++)
		w->octets[i] = (uint8_t)i;
	w->octets[0] = six ? 0x60 : 0x45;
	w->head = w->octets + ip + options + between;
	memcpy(w->head, p.octets, p.len);
	memset(w->head + (ssi ? 16 : 12), 0xcc, 4);
}

#define ADDRESSES4 "0c0d0e0f10111213"
#define ADDRESSES6 "08090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324252627"
#define WITH_SSI   "0dabcdef0a0000011dc074e500000023"
#define WITHOUT    "09abcdef1dc074e500000023"

static void
authenticates_addresses_and_what_stands_before_the_payload(void **state)
{
	static const struct {
		bool six, ssi, in_udp, udp_in_aad;
		uint8_t options, clear;
		const char *want;
	} cases[] = {
		{ false, true, false, false, 0, 0, ADDRESSES4 "14151617" WITH_SSI },
		{ false, false, false, false, 0, 4, ADDRESSES4 "14151617" WITHOUT "cccccccc" },
		{ true, true, false, false, 0, 0, ADDRESSES6 "28292a2b" WITH_SSI },
		{ true, false, false, false, 0, 4, ADDRESSES6 "28292a2b" WITHOUT "cccccccc" },
		{ false, true, true, true, 0, 0, ADDRESSES4 "1415161718191a1b" WITH_SSI },
		{ false, true, true, false, 0, 4, ADDRESSES4 WITH_SSI "cccccccc" },
		{ true, false, true, true, 0, 0, ADDRESSES6 "28292a2b2c2d2e2f" WITHOUT },
		{ true, false, true, false, 0, 0, ADDRESSES6 WITHOUT },
		/* behind options or extension headers */
		{ false, true, false, false, 4, 0, ADDRESSES4 "18191a1b" WITH_SSI },
		{ true, true, true, true, 8, 0, ADDRESSES6 "3031323334353637" WITH_SSI },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct saker_terms terms = { .in_udp = cases[i].in_udp,
			.udp_in_aad = cases[i].udp_in_aad };
		const struct saker_parts parts = { .cipher_at = (cases[i].ssi ? 16 : 12) +
								cases[i].clear };
		uint8_t scratch[SAKER_AAD_MAX];
		char got[2 * SAKER_AAD_MAX + 1];
		struct saker_sealed s;
		struct whole w;
		uint16_t len;
		const uint8_t *aad;

		make_whole(
			&w, cases[i].six, cases[i].options, cases[i].in_udp ? 8 : 4, cases[i].ssi);
		s = (struct saker_sealed){
			.ip = w.octets, .head = w.head, .parts = &parts, .terms = &terms
		};
		aad = saker_tss_aad(&s, scratch, &len);
		assert_string_equal(saker_hex_encode(aad, len, got), cases[i].want);
		if (cases[i].options == 0 && (!cases[i].in_udp || cases[i].udp_in_aad))
			assert_ptr_not_equal(aad, scratch);
	}
}

static void
makes_the_nonce_of_source_and_tsc(void **state)
{
	static const struct {
		bool six, ssi;
		const char *want;
	} cases[] = {
		{ false, true, "0a0000011dc074e500000023" },
		{ true, true, "0a0000011dc074e500000023" },
		{ false, false, "0c0d0e0f1dc074e500000023" },
		{ true, false, "00abcdef1dc074e500000023" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct saker_sealed s = { .terms = &peer };
		struct whole w;
		uint8_t nonce[12];
		char got[25];

		make_whole(&w, cases[i].six, 0, 4, cases[i].ssi);
		s.ip = w.octets;
		s.head = w.head;
		saker_tss_nonce(&s, nonce);
		assert_string_equal(saker_hex_encode(nonce, 12, got), cases[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_headers_with_and_without_ssi),
		cmocka_unit_test(refuses_every_truncation),
		cmocka_unit_test(refuses_other_types_and_the_reserved_bit),
		cmocka_unit_test(gives_each_end_of_server_mode_a_half_of_the_counters),
		cmocka_unit_test(finds_what_is_in_clear_by_the_terms),
		cmocka_unit_test(opens_uet_packets_alone_in_transport_mode),
		cmocka_unit_test(takes_apart_what_it_builds),
		cmocka_unit_test(refuses_to_lay_out_what_has_no_place),
		cmocka_unit_test(authenticates_addresses_and_what_stands_before_the_payload),
		cmocka_unit_test(makes_the_nonce_of_source_and_tsc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
