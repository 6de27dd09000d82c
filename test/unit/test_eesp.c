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

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define CONTEXT_V0                                                                                 \
	"e0060040"                                                                                 \
	"11223344" /* V 0, IOffset 0, KeyIdx 01 00 00 00 */
#define ID16    "000102030405060708090a0b0c0d0e0f"
#define MK_ZONE "e1120500" ID16 /* index 5, which is 1 modulo 4 */
#define MK_USER "e2120400" ID16
#define CRYPT   "02024430" /* payload offset 17, crypt offset 3 */

/* Room for the longest options and whatever follows. */
struct packet {
	uint8_t octets[512];
	uint32_t len;
};

/* base || options || SN || body zero octets || ICV */
static struct packet
packet(const char *options, uint64_t sn, uint32_t body)
{
	struct packet p = { .octets = { 0x80, 0, 0x12, 0x34, 0xaa, 0xbb, 0xcc, 0xdd } };
	int n = *options == '\0' ? 0 : saker_hex_decode(options, p.octets + 8, 255);

	assert_true(n >= 0);
	p.octets[1] = (uint8_t)n;
	saker_store_be64(p.octets + 8 + n, sn);
	p.len = SAKER_EESP_BASE + n + SAKER_EESP_SN + body + SAKER_ICV;
	return p;
}

/* Read a copy that ends where its memory ends. */
static enum saker_drop
read_exact(const uint8_t *octets, uint32_t len, struct saker_hdr *h)
{
	uint8_t *copy = malloc(len != 0 ? len : 1);
	enum saker_drop drop;

	memcpy(copy, octets, len);
	drop = saker_eesp_read(copy, len, h);
	free(copy);
	return drop;
}

static enum saker_drop
read_options(const char *options, struct saker_hdr *h)
{
	struct packet p = packet(options, 1, 0);

	return read_exact(p.octets, p.len, h);
}

/* reading */

static void
reads_the_common_header(void **state)
{
	struct packet p = packet("e0067fe4"
				 "81223344",
		0xfedcba9876543210, 32);
	struct saker_hdr h;

	(void)state;
	p.octets[8 + 2] = 0x07;
	assert_int_equal(read_exact(p.octets, p.len, &h), SAKER_OK);
	assert_true(h.source == 0x81223344);
	assert_true(h.sn == 0xfedcba9876543210);
	assert_int_equal(h.spi, 0xaabbccdd);
	assert_int_equal(h.session, 0x1234);
	assert_int_equal(h.len, 8 + 8 + 8);
	assert_int_equal(h.variant, SAKER_V_SOURCE_ID);
	assert_int_equal(h.ioffset, 7);
	assert_int_equal(h.key_idx, 0xe4);
	assert_int_equal(h.crypt_offset, 0);
	for (unsigned int level = 0; level < SAKER_LEVELS; level++)
		assert_int_equal(h.mk_at[level], 0);
}

static void
reads_the_source_id_of_every_variant(void **state)
{
	static const struct {
		const char *options;
		uint64_t source;
	} cases[SAKER_V_COUNT] = {
		[SAKER_V_SOURCE_ID] = { "e0060000"
					"f1223344",
			0xf1223344 },
		[SAKER_V_SOURCE_ID_64] = { "e00a1000"
					   "f122334455667788",
			0xf122334455667788 },
		[SAKER_V_CONNECTION_ID] = { "e00a2000"
					    "0122334455667788",
			0x0122334455667788 },
		[SAKER_V_SOURCE_IP] = { "e0023000", 0 },
		[SAKER_V_IP_PAIR] = { "e0024000", 0 },
	};
	struct saker_hdr h;

	(void)state;
	for (uint8_t v = 0; v < SAKER_V_COUNT; v++) {
		assert_int_equal(read_options(cases[v].options, &h), SAKER_OK);
		assert_int_equal(h.variant, v);
		assert_true(h.source == cases[v].source);
	}
}

static void
reads_options_in_any_order_and_padding_anywhere(void **state)
{
	/* Offsets of the zone and user option's data differ; nothing else does. */
	static const struct {
		const char *options;
		uint16_t zone_at, user_at;
	} cases[] = {
		{ CONTEXT_V0 MK_ZONE MK_USER CRYPT, 18, 38 },
		{ MK_USER CRYPT MK_ZONE CONTEXT_V0, 34, 10 },
		{ CRYPT MK_ZONE CONTEXT_V0 MK_USER, 14, 42 },
		{ "00" CRYPT "000000" MK_ZONE "0100" CONTEXT_V0 "0103000000" MK_USER "00", 18, 53 },
	};
	struct saker_hdr h;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(read_options(cases[i].options, &h), SAKER_OK);
		assert_int_equal(h.mk_at[SAKER_ZONE], cases[i].zone_at);
		assert_int_equal(h.mk_at[SAKER_USER], cases[i].user_at);
		assert_int_equal(h.mk_at[SAKER_TASK], 0);
		assert_int_equal(h.mk_id_len[SAKER_ZONE], 16);
		assert_int_equal(h.payload_offset, 17);
		assert_int_equal(h.crypt_offset, 3);
		assert_int_equal(h.key_idx, 0x40);
		assert_true(h.source == 0x11223344);
		assert_true(h.sn == 1);
	}
}

static void
reads_the_same_with_and_without_a_trailing_padn(void **state)
{
	static const char *const pads[] = { "01020000", "00000000", "010000", "0001020000" };
	struct saker_hdr plain, padded;
	char options[64];

	(void)state;
	assert_int_equal(read_options(CONTEXT_V0, &plain), SAKER_OK);
	for (size_t i = 0; i < COUNT(pads); i++) {
		strcpy(options, CONTEXT_V0);
		strcat(options, pads[i]);
		assert_int_equal(read_options(options, &padded), SAKER_OK);
		assert_int_equal(padded.len, plain.len + strlen(pads[i]) / 2);
		assert_true(padded.source == plain.source && padded.sn == plain.sn);
		assert_int_equal(padded.spi, plain.spi);
		assert_int_equal(padded.session, plain.session);
		assert_int_equal(padded.variant, plain.variant);
		assert_int_equal(padded.key_idx, plain.key_idx);
	}
}

static void
takes_root_key_ids_of_16_to_32_octets(void **state)
{
	struct saker_hdr h;

	(void)state;
	for (unsigned int id_len = 0; id_len <= 40; id_len++) {
		struct packet p = packet("e0023000", 1, 64);
		bool valid = id_len >= 16 && id_len <= 32 && id_len % 4 == 0;

		/* an option of the task level, its id all ones */
		p.octets[1] += 4 + id_len;
		p.octets[12] = SAKER_EESP_OPT_MK_TASK;
		p.octets[13] = (uint8_t)(2 + id_len);
		p.octets[14] = p.octets[15] = 0;
		memset(p.octets + 16, 0xff, id_len);
		saker_store_be64(p.octets + 16 + id_len, 1);
		assert_int_equal(
			read_exact(p.octets, p.len, &h), valid ? SAKER_OK : SAKER_DROP_OPT_BAD);
		if (valid)
			assert_int_equal(h.mk_id_len[SAKER_TASK], id_len);
	}
}

static void
ignores_the_reserved_bits_of_the_crypt_offset_option(void **state)
{
	struct saker_hdr h;

	(void)state;
	assert_int_equal(read_options(CONTEXT_V0 "0202443f", &h), SAKER_OK);
	assert_int_equal(h.payload_offset, 17);
	assert_int_equal(h.crypt_offset, 3);
}

static void
names_the_fault_of_bad_options(void **state)
{
	static const struct {
		const char *options;
		enum saker_drop want;
	} cases[] = {
		{ "", SAKER_DROP_NO_CONTEXT },
		{ "01020000", SAKER_DROP_NO_CONTEXT },
		{ CRYPT, SAKER_DROP_NO_CONTEXT },
		/* truncated */
		{ CONTEXT_V0 "01", SAKER_DROP_OPT_LENGTH },
		{ CONTEXT_V0 "0101", SAKER_DROP_OPT_LENGTH },
		{ CONTEXT_V0 "01030000", SAKER_DROP_OPT_LENGTH },
		{ "e00600401122", SAKER_DROP_OPT_LENGTH },
		{ "e0ff0000", SAKER_DROP_OPT_LENGTH },
		{ CONTEXT_V0 "e1220500" ID16, SAKER_DROP_OPT_LENGTH },
		/* unknown */
		{ CONTEXT_V0 "0300", SAKER_DROP_OPT_UNKNOWN },
		{ CONTEXT_V0 "dfff", SAKER_DROP_OPT_LENGTH },
		{ CONTEXT_V0 "df00", SAKER_DROP_OPT_UNKNOWN },
		{ CONTEXT_V0 "e400", SAKER_DROP_OPT_UNKNOWN },
		{ CONTEXT_V0 "ff00", SAKER_DROP_OPT_UNKNOWN },
		/* repeated */
		{ CONTEXT_V0 CONTEXT_V0, SAKER_DROP_OPT_REPEATED },
		{ CONTEXT_V0 "e0023000", SAKER_DROP_OPT_REPEATED },
		{ CONTEXT_V0 CRYPT CRYPT, SAKER_DROP_OPT_REPEATED },
		{ CONTEXT_V0 MK_ZONE MK_ZONE, SAKER_DROP_OPT_REPEATED },
		{ CONTEXT_V0 MK_USER MK_ZONE MK_USER, SAKER_DROP_OPT_REPEATED },
		/* wrong length or contents */
		{ CONTEXT_V0 "0101ff", SAKER_DROP_OPT_BAD },
		{ CONTEXT_V0 "010400000001", SAKER_DROP_OPT_BAD },
		{ CONTEXT_V0 "0200", SAKER_DROP_OPT_BAD },
		{ CONTEXT_V0 "020144", SAKER_DROP_OPT_BAD },
		{ CONTEXT_V0 "0203443000", SAKER_DROP_OPT_BAD },
		{ "e000", SAKER_DROP_OPT_BAD },
		{ "e00100", SAKER_DROP_OPT_BAD },
		{ "e0020000", SAKER_DROP_OPT_BAD },
		{ "e00500001122334400", SAKER_DROP_OPT_BAD },
		{ "e00a00001122334455667788", SAKER_DROP_OPT_BAD },
		{ "e006100011223344", SAKER_DROP_OPT_BAD },
		{ "e006200011223344", SAKER_DROP_OPT_BAD },
		{ "e006300011223344", SAKER_DROP_OPT_BAD },
		{ "e006400011223344", SAKER_DROP_OPT_BAD },
		{ CONTEXT_V0 "e100", SAKER_DROP_OPT_BAD },
		{ CONTEXT_V0 "e1120501" ID16, SAKER_DROP_OPT_BAD },
		{ CONTEXT_V0 "e1130500" ID16 "00", SAKER_DROP_OPT_BAD },
		/* values */
		{ CONTEXT_V0 "02024400", SAKER_DROP_CLEAR_RANGE },
		{ CONTEXT_V0 "0202440f", SAKER_DROP_CLEAR_RANGE },
		{ "e006004111223344", SAKER_DROP_RESERVED_BITS },
		{ "e006004211223344", SAKER_DROP_RESERVED_BITS },
		{ CONTEXT_V0 "e1120400" ID16, SAKER_DROP_MK_NOT_ALLOWED },
		{ "e1120700" ID16 CONTEXT_V0, SAKER_DROP_MK_NOT_ALLOWED },
		{ CONTEXT_V0 MK_ZONE "e2120500" ID16, SAKER_DROP_MK_NOT_ALLOWED },
	};
	struct saker_hdr h;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (read_options(cases[i].options, &h) != cases[i].want)
			print_error("options %s:\n", cases[i].options);
		assert_int_equal(read_options(cases[i].options, &h), cases[i].want);
	}
}

static void
drops_reserved_variants(void **state)
{
	struct packet p = packet(CONTEXT_V0, 1, 0);
	struct saker_hdr h;

	(void)state;
	for (unsigned int v = SAKER_V_COUNT; v < 16; v++) {
		p.octets[10] = (uint8_t)(v << 4);
		assert_int_equal(read_exact(p.octets, p.len, &h), SAKER_DROP_VARIANT);
	}
}

static void
drops_every_first_octet_but_one(void **state)
{
	struct packet p = packet(CONTEXT_V0, 1, 0);
	struct saker_hdr h;

	(void)state;
	for (unsigned int first = 0; first < 256; first++) {
		enum saker_drop want = SAKER_DROP_BAD_VERSION;

		if (first == 0x80)
			want = SAKER_OK;
		else if (first >> 3 == 0x10)
			want = SAKER_DROP_RESERVED_BITS;
		p.octets[0] = (uint8_t)first;
		assert_int_equal(read_exact(p.octets, p.len, &h), want);
	}
}

static void
drops_packets_too_short_for_their_header(void **state)
{
	struct packet p = packet(CONTEXT_V0, 1, 0);
	struct saker_hdr h;

	(void)state;
	for (uint32_t len = 0; len < 32; len++)
		assert_int_equal(read_exact(p.octets, len, &h), SAKER_DROP_RUNT);
	for (uint32_t len = 32; len < p.len; len++)
		assert_int_equal(read_exact(p.octets, len, &h), SAKER_DROP_OPT_LENGTH);
	assert_int_equal(read_exact(p.octets, p.len, &h), SAKER_OK);
}

static void
tells_of_sn_zero_after_every_other_fault(void **state)
{
	struct packet p = packet(CONTEXT_V0 MK_ZONE, 0, 0);
	struct saker_hdr h;

	(void)state;
	assert_int_equal(read_exact(p.octets, p.len, &h), SAKER_DROP_SN_ZERO);
	p.octets[18] = 4;
	assert_int_equal(read_exact(p.octets, p.len, &h), SAKER_DROP_MK_NOT_ALLOWED);
}

static void
reads_no_octet_behind_any_packet(void **state)
{
	/* octets that options are made of, so that many rounds get past the first one */
	static const uint8_t alphabet[] = { 0, 1, 2, 3, 4, 6, 10, 0x12, 0x30, 0x40, 0xe0, 0xe1 };
	static const struct saker_terms limits = { .max_ioffset = 15, .max_clear = 248 };
	struct saker_parts parts;
	struct saker_hdr h;
	uint32_t random = 1;
	unsigned int good = 0;

	(void)state;
	for (unsigned int round = 0; round < 200000; round++) {
		struct packet p = packet("", 1, 0);

		p.len = 32 + round % 48;
		for (uint32_t i = 8; i < p.len; i++) {
			random = random * 1664525 + 1013904223;
			p.octets[i] = alphabet[(random >> 16) % COUNT(alphabet)];
		}
		p.octets[1] = (uint8_t)(random >> 24) % 48;
		p.octets[8] = SAKER_EESP_OPT_CONTEXT;
		p.octets[9] = 2;
		if (read_exact(p.octets, p.len, &h) != SAKER_OK)
			continue;
		good++;
		if (saker_eesp_split(p.octets, p.len, &h, &limits, &parts) == SAKER_OK)
			assert_true(parts.cipher_at + parts.cipher_len + 16u == p.len);
	}
	assert_true(good > 100);
}

/* splitting */

static const struct saker_terms tunnel = { .max_ioffset = 5, .max_clear = 64 };
static const struct saker_terms transport = {
	.transport = true, .max_ioffset = 5, .max_clear = 64
};

/* A packet with a Crypt Offset option; its header ends at 8 + 12 + 8 = 28. */
static struct packet
clear_packet(unsigned int crypt_offset, unsigned int ioffset, uint8_t first, uint32_t body)
{
	struct packet p = packet(CONTEXT_V0 "02020000", 1, body);

	p.octets[10] = (uint8_t)ioffset;
	saker_store_be16(p.octets + 18, (uint16_t)(7 << 10 | crypt_offset << 4));
	p.octets[32] = first;
	return p;
}

static enum saker_drop
split(const struct packet *p, const struct saker_terms *limits, struct saker_parts *parts)
{
	struct saker_hdr h;

	assert_int_equal(saker_eesp_read(p->octets, p->len, &h), SAKER_OK);
	return saker_eesp_split(p->octets, p->len, &h, limits, parts);
}

static void
finds_no_payload_info_in_tunnel_mode(void **state)
{
	struct packet p = packet(CONTEXT_V0, 1, 60);
	struct saker_parts parts;

	(void)state;
	assert_int_equal(split(&p, &tunnel, &parts), SAKER_OK);
	assert_int_equal(parts.payload_at, 24);
	assert_int_equal(parts.cipher_at, 24);
	assert_int_equal(parts.clear_len, 0);
	assert_int_equal(parts.skip_len, 0);
	assert_int_equal(parts.cipher_len, 60);
}

static void
finds_encrypted_payload_info_in_transport_mode(void **state)
{
	struct packet p = packet(CONTEXT_V0, 1, 60);
	struct saker_parts parts;

	(void)state;
	assert_int_equal(split(&p, &transport, &parts), SAKER_OK);
	assert_int_equal(parts.payload_at, 28);
	assert_int_equal(parts.cipher_at, 24);
	assert_int_equal(parts.cipher_len, 60);
}

static void
finds_clear_payload_info_and_payload(void **state)
{
	struct packet p = clear_packet(3, 0, 0x45, 60);
	struct saker_parts parts;

	(void)state;
	assert_int_equal(split(&p, &tunnel, &parts), SAKER_OK);
	assert_int_equal(parts.payload_at, 32);
	assert_int_equal(parts.clear_len, 8);
	assert_int_equal(parts.cipher_at, 40);
	assert_int_equal(parts.cipher_len, 48);
	p = clear_packet(1, 0, 0x45, 60);
	assert_int_equal(split(&p, &transport, &parts), SAKER_OK);
	assert_int_equal(parts.payload_at, 32);
	assert_int_equal(parts.clear_len, 0);
	assert_int_equal(parts.cipher_at, 32);
	assert_int_equal(parts.cipher_len, 56);
}

static void
drops_packets_with_nothing_to_decrypt(void **state)
{
	struct packet p = packet(CONTEXT_V0, 1, 0);
	struct saker_parts parts;

	(void)state;
	assert_int_equal(split(&p, &tunnel, &parts), SAKER_DROP_RUNT);
	assert_int_equal(split(&p, &transport, &parts), SAKER_DROP_RUNT);
	p = packet(CONTEXT_V0, 1, 3);
	assert_int_equal(split(&p, &transport, &parts), SAKER_DROP_RUNT);
}

static void
drops_encrypted_parts_that_are_not_aligned(void **state)
{
	struct saker_parts parts;

	(void)state;
	for (uint32_t body = 40; body < 48; body++) {
		struct packet hidden = packet(CONTEXT_V0, 1, body);
		struct packet clear = clear_packet(3, 0, 0x45, body);
		enum saker_drop want = body % 4 == 0 ? SAKER_OK : SAKER_DROP_ALIGNMENT;

		assert_int_equal(split(&hidden, &tunnel, &parts), want);
		assert_int_equal(split(&clear, &tunnel, &parts), want);
	}
}

static void
drops_payload_offsets_beside_payload_info(void **state)
{
	struct saker_parts parts;

	(void)state;
	for (uint16_t offset = 0; offset < 64; offset++) {
		struct packet p = clear_packet(3, 0, 0x45, 60);
		enum saker_drop want = offset == 7 ? SAKER_OK : SAKER_DROP_PAYLOAD_OFFSET;

		saker_store_be16(p.octets + 18, (uint16_t)(offset << 10 | 3 << 4));
		assert_int_equal(split(&p, &tunnel, &parts), want);
	}
}

static void
drops_clear_parts_beyond_the_payload_or_the_limit(void **state)
{
	struct saker_terms limits = tunnel;
	struct saker_parts parts;
	struct packet p;

	(void)state;
	p = clear_packet(15, 0, 0x45, 60);
	assert_int_equal(split(&p, &tunnel, &parts), SAKER_OK);
	assert_int_equal(parts.cipher_len, 0);
	p = clear_packet(16, 0, 0x45, 60);
	assert_int_equal(split(&p, &tunnel, &parts), SAKER_DROP_CLEAR_RANGE);
	p = clear_packet(63, 0, 0x45, 0);
	assert_int_equal(split(&p, &tunnel, &parts), SAKER_DROP_CLEAR_RANGE);
	p = clear_packet(3, 0, 0x45, 60);
	limits.max_clear = 8;
	assert_int_equal(split(&p, &limits, &parts), SAKER_OK);
	limits.max_clear = 7;
	assert_int_equal(split(&p, &limits, &parts), SAKER_DROP_CLEAR_RANGE);
	p = clear_packet(1, 0, 0x45, 60);
	limits.max_clear = 0;
	assert_int_equal(split(&p, &limits, &parts), SAKER_OK);
}

static void
skips_from_the_transport_header_on(void **state)
{
	static const struct {
		const struct saker_terms *limits;
		unsigned int crypt_offset, ioffset;
		uint8_t first; /* octet of the payload */
		enum saker_drop want;
		uint16_t skip_at, skip_len;
	} cases[] = {
		{ &transport, 3, 1, 0x45, SAKER_OK, 32, 4 },
		{ &transport, 3, 2, 0x45, SAKER_OK, 32, 8 },
		{ &transport, 3, 3, 0x45, SAKER_DROP_IOFFSET_RANGE, 0, 0 },
		{ &transport, 1, 1, 0x45, SAKER_DROP_IOFFSET_RANGE, 0, 0 },
		{ &transport, 8, 5, 0x00, SAKER_OK, 32, 20 },
		{ &transport, 8, 6, 0x00, SAKER_DROP_IOFFSET_RANGE, 0, 0 }, /* max_ioffset */
		{ &tunnel, 8, 2, 0x45, SAKER_OK, 52, 8 },
		{ &tunnel, 8, 3, 0x45, SAKER_DROP_IOFFSET_RANGE, 0, 0 },
		{ &tunnel, 8, 1, 0x46, SAKER_OK, 56, 4 },
		{ &tunnel, 8, 1, 0x47, SAKER_DROP_IOFFSET_RANGE, 0, 0 },
		{ &tunnel, 8, 1, 0x44, SAKER_DROP_IOFFSET_RANGE, 0, 0 }, /* IHL 16 */
		{ &tunnel, 8, 1, 0x55, SAKER_DROP_IOFFSET_RANGE, 0, 0 }, /* no IP */
		{ &tunnel, 8, 1, 0x00, SAKER_DROP_IOFFSET_RANGE, 0, 0 },
		{ &tunnel, 13, 2, 0x60, SAKER_OK, 72, 8 },
		{ &tunnel, 12, 2, 0x6f, SAKER_DROP_IOFFSET_RANGE, 0, 0 },
		{ &tunnel, 1, 1, 0x45, SAKER_DROP_IOFFSET_RANGE, 0, 0 },
	};
	struct saker_parts parts;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct packet p = clear_packet(
			cases[i].crypt_offset, cases[i].ioffset, cases[i].first, 100);
		enum saker_drop drop = split(&p, cases[i].limits, &parts);

		if (drop != cases[i].want)
			print_error("case %zu:\n", i);
		assert_int_equal(drop, cases[i].want);
		if (drop != SAKER_OK)
			continue;
		assert_int_equal(parts.skip_at, cases[i].skip_at);
		assert_int_equal(parts.skip_len, cases[i].skip_len);
	}
}

static void
drops_an_ioffset_without_a_clear_part(void **state)
{
	struct packet p = packet(CONTEXT_V0, 1, 60);
	struct saker_parts parts;

	(void)state;
	p.octets[10] = 1;
	assert_int_equal(split(&p, &transport, &parts), SAKER_DROP_IOFFSET_RANGE);
	assert_int_equal(split(&p, &tunnel, &parts), SAKER_DROP_IOFFSET_RANGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_the_common_header),
		cmocka_unit_test(reads_the_source_id_of_every_variant),
		cmocka_unit_test(reads_options_in_any_order_and_padding_anywhere),
		cmocka_unit_test(reads_the_same_with_and_without_a_trailing_padn),
		cmocka_unit_test(takes_root_key_ids_of_16_to_32_octets),
		cmocka_unit_test(ignores_the_reserved_bits_of_the_crypt_offset_option),
		cmocka_unit_test(names_the_fault_of_bad_options),
		cmocka_unit_test(drops_reserved_variants),
		cmocka_unit_test(drops_every_first_octet_but_one),
		cmocka_unit_test(drops_packets_too_short_for_their_header),
		cmocka_unit_test(tells_of_sn_zero_after_every_other_fault),
		cmocka_unit_test(reads_no_octet_behind_any_packet),
		cmocka_unit_test(finds_no_payload_info_in_tunnel_mode),
		cmocka_unit_test(finds_encrypted_payload_info_in_transport_mode),
		cmocka_unit_test(finds_clear_payload_info_and_payload),
		cmocka_unit_test(drops_packets_with_nothing_to_decrypt),
		cmocka_unit_test(drops_encrypted_parts_that_are_not_aligned),
		cmocka_unit_test(drops_payload_offsets_beside_payload_info),
		cmocka_unit_test(drops_clear_parts_beyond_the_payload_or_the_limit),
		cmocka_unit_test(skips_from_the_transport_header_on),
		cmocka_unit_test(drops_an_ioffset_without_a_clear_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
