/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/* Short ways for what nearly all packets are: each must say what its long way says, or stand aside.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "saker_front.h"
#include "saker_job.h"

#define ROUNDS 200000
#define ROOM   512

static uint64_t state = 0x5a6b20261121;

static uint32_t
rnd(uint32_t below)
{
	state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)(state >> 33) % below;
}

static void
random_octets(uint8_t *p, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		p[i] = (uint8_t)rnd(256);
}

static void
short_ip_reading_agrees_with_the_long_one(void **unused)
{
	unsigned int plain = 0;

	(void)unused;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		uint8_t p[64];
		uint32_t len = rnd(65), total;
		struct saker_ip_view a, b;

		random_octets(p, sizeof(p));
		p[0] = rnd(8) ? 0x45 : p[0];
		p[2] = 0;
		p[3] = (uint8_t)rnd(70);
		p[6] = rnd(4) ? p[6] & 0xc0 : p[6];
		p[7] = rnd(4) ? 0 : p[7];
		total = saker_ip4_plain_total(p);
		if (total == 0 || total > len)
			continue;
		saker_ip4_view_plain(&a, p, total);
		plain++;
		assert_int_equal(saker_ip_read(p, len, &b), SAKER_OK);
		assert_int_equal(a.family, b.family);
		assert_int_equal(a.tos, b.tos);
		assert_int_equal(a.proto, b.proto);
		assert_int_equal(a.fragment, b.fragment);
		assert_int_equal(a.has_l4, b.has_l4);
		assert_int_equal(a.proto_at, b.proto_at);
		assert_int_equal(a.l4_at, b.l4_at);
		assert_int_equal(a.total, b.total);
	}
	assert_in_range(plain, ROUNDS / 20, ROUNDS - 1);
}

static void
checksums_by_words_agree_with_the_long_way(void **unused)
{
	unsigned int good = 0;

	(void)unused;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		uint8_t p[SAKER_IP4_HEADER];
		bool right;

		random_octets(p, sizeof(p));
		if (rnd(2))
			memset(p, 0xff, rnd(sizeof(p)));
		p[0] = 0x45;
		if (rnd(2))
			saker_ip4_set_checksum(p, sizeof(p));
		if (rnd(4) == 0)
			p[1 + rnd(19)] ^= (uint8_t)(1 << rnd(8));
		right = saker_ip_sum(p, sizeof(p), 0) == 0xffff;
		assert_int_equal(saker_ip4_checksum_ok(p, sizeof(p)), right);
		assert_int_equal(saker_ip4_sum_ok(p), right);
		good += right;
	}
	assert_in_range(good, ROUNDS / 10, ROUNDS - ROUNDS / 10);
}

static struct saker_form
random_form(void)
{
	struct saker_form form = { .spi = rnd(1u << 31) + 1,
		.variant = (uint8_t)rnd(SAKER_V_COUNT),
		.key_idx = (uint8_t)(rnd(64) << 2),
		.transport = rnd(4) == 0,
		.crypt_offset = rnd(4) == 0,
		.outer_v6 = rnd(2) };

	random_octets(form.source, sizeof(form.source));
	if (rnd(4) == 0) {
		form.mk[SAKER_ZONE].id_len = 16;
		form.mk[SAKER_ZONE].index = form.key_idx >> 6;
	}
	return form;
}

static struct saker_fields
random_fields(const struct saker_form *form)
{
	struct saker_fields f = { .session = (uint16_t)rnd(65536),
		.key_idx = form->key_idx,
		.sn = (uint64_t)rnd(1u << 31) << 32 | rnd(1u << 31),
		.clear_len = form->crypt_offset ? (uint16_t)(rnd(4) * 4) : 0 };

	f.source = (uint64_t)rnd(1u << 31) << 33 ^ rnd(1u << 31);
	if (form->variant == SAKER_V_SOURCE_ID)
		f.source &= UINT32_MAX;
	return f;
}

static void
short_header_reading_agrees_with_the_long_one(void **unused)
{
	unsigned int plain = 0;

	(void)unused;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		const struct saker_form form = random_form();
		const struct saker_fields f = random_fields(&form);
		struct saker_tmpl t;
		struct saker_hdr a, b;
		uint8_t p[ROOM];
		uint32_t len;

		assert_int_equal(saker_eesp_template(&form, &t), 0);
		random_octets(p, sizeof(p));
		saker_eesp_write(&t, p, &f);
		for (unsigned int k = rnd(3); k > 0; k--)
			p[rnd(t.len)] ^= (uint8_t)(1 << rnd(8));
		len = rnd(3) ? t.len + SAKER_ICV + rnd(40) : rnd(80);
		if (!saker_eesp_read_plain(p, len, &a))
			continue;
		plain++;
		memset(&b, 0, sizeof(b));
		assert_int_equal(saker_eesp_read(p, len, &b), SAKER_OK);
		assert_int_equal(a.source, b.source);
		assert_int_equal(a.sn, b.sn);
		assert_int_equal(a.spi, b.spi);
		assert_int_equal(a.session, b.session);
		assert_int_equal(a.len, b.len);
		assert_int_equal(a.variant, b.variant);
		assert_int_equal(a.ioffset, b.ioffset);
		assert_int_equal(a.key_idx, b.key_idx);
		assert_int_equal(a.crypt_offset, b.crypt_offset);
		assert_memory_equal(a.mk_at, b.mk_at, sizeof(a.mk_at));
	}
	assert_in_range(plain, ROUNDS / 20, ROUNDS - ROUNDS / 20);
}

static void
short_split_agrees_with_the_long_one(void **unused)
{
	unsigned int plain = 0;

	(void)unused;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		const struct saker_hdr h = { .len = (uint16_t)(16 + 4 * rnd(10)),
			.crypt_offset = rnd(4) ? 0 : (uint8_t)rnd(4),
			.ioffset = rnd(4) ? 0 : (uint8_t)rnd(4) };
		const struct saker_terms limits = { .transport = rnd(2) };
		struct saker_parts a, b;
		uint32_t len = h.len + rnd(60);
		uint8_t p[ROOM] = { 0 };

		if (!saker_eesp_split_plain(len, &h, limits.transport, &a))
			continue;
		plain++;
		assert_int_equal(saker_eesp_split(p, len, &h, &limits, &b), SAKER_OK);
		assert_memory_equal(&a, &b, sizeof(a));
	}
	assert_in_range(plain, ROUNDS / 20, ROUNDS - ROUNDS / 20);
}

static struct saker_ip
random_ip(uint8_t family)
{
	struct saker_ip ip = { .family = family };

	random_octets(ip.octets, family == 4 ? 4 : 16);
	return ip;
}

/* Outer headers and EESP header in two steps, as packets are written that are not plain. */
static void
write_parts(const struct saker_outer *o, const struct saker_tmpl *t, uint8_t *at,
	const struct saker_front_outer *v, const struct saker_fields *f)
{
	bool df = (v->flags & SAKER_IP4_DF) != 0;

	saker_outer_write(o, at, t->len + v->behind, v->tos, df, v->id, v->udp_src);
	saker_eesp_write(t, at + o->len, f);
}

static void
headers_at_once_equal_headers_in_parts(void **unused)
{
	unsigned int plain = 0;

	(void)unused;
	for (unsigned int i = 0; i < ROUNDS / 10; i++) {
		uint8_t family = rnd(2) ? 4 : 6, a[ROOM], b[ROOM], *payload = b + SAKER_FRONT_ROOM;
		struct saker_form form = random_form();
		struct saker_fields f;
		const struct saker_ip src = random_ip(family), dst = random_ip(family);
		struct saker_front_outer v = { .behind = (uint16_t)rnd(9000),
			.id = (uint16_t)rnd(65536),
			.udp_src = (uint16_t)rnd(65536),
			.flags = (uint16_t)(rnd(2) ? 0xffff : ~SAKER_IP4_DF),
			.tos = (uint8_t)rnd(256) };
		struct saker_front_eesp e;
		struct saker_outer outer;
		struct saker_tmpl t;
		struct saker_front front;
		unsigned int len;

		form.outer_v6 = family == 6;
		f = random_fields(&form);
		f.clear_len = 0;
		e = (struct saker_front_eesp){ .sn = __builtin_bswap64(f.sn),
			.source = saker_eesp_source_len[form.variant] == 0
					  ? 0
					  : __builtin_bswap64(f.source),
			.session = __builtin_bswap16(f.session) };
		saker_outer_init(&outer, &src, &dst, 49, rnd(2) ? 4500 : 0, rnd(3));
		assert_int_equal(saker_eesp_template(&form, &t), 0);
		if (!saker_front_init(&front, &outer, &t)) {
			assert_true(form.transport || form.crypt_offset || form.mk[0].id_len != 0);
			continue;
		}
		plain++;
		len = outer.len + t.len;
		write_parts(&outer, &t, a, &v, &f);
		saker_front_copy(&front, payload);
		saker_front_finish_outer(&front, payload, &v);
		saker_front_finish_eesp(&front, payload, &e);
		if (rnd(2)) /* the template has the same one */
			saker_front_set_key_idx(&front, payload, form.key_idx);
		assert_int_equal(front.len, len);
		assert_memory_equal(a, payload - len, len);
	}
	assert_in_range(plain, ROUNDS / 100, ROUNDS);
}

static void
one_block_of_kdf_input_equals_the_general_form(void **unused)
{
	(void)unused;
	for (unsigned int i = 0; i < ROUNDS / 10; i++) {
		uint8_t variant = (uint8_t)rnd(4), suite = (uint8_t)(1 + rnd(2));
		uint8_t src[4], a[SAKER_KDF_MAX_BLOCKS * SAKER_KDF_BLOCK], b[SAKER_KDF_BLOCK];
		uint64_t sn = (uint64_t)rnd(1u << 31) << 33 ^ rnd(1u << 31);
		uint64_t source = (uint64_t)rnd(1u << 31) << 33 ^ rnd(1u << 31);
		int shift = variant == 1 || variant == 2 ? -1 : (int)rnd(49) - 1;
		const struct saker_kdf_form form = saker_kdf_form('E', variant, suite, shift);
		struct saker_kdf_context c = { .format = 'E',
			.variant = variant,
			.family = 4,
			.epoch = (uint16_t)(sn >> 48),
			.rekey = saker_rekey_word(sn, shift),
			.source = source,
			.src = src };

		random_octets(src, sizeof(src));
		if (variant == 3)
			source = saker_load_be32(src);
		assert_int_equal(saker_kdf_input(&c, suite, a), 1);
		saker_kdf_block(&form, sn, source, b);
		assert_memory_equal(a, b, sizeof(b));
	}
}

static void
jobs_by_form_equal_jobs_in_parts(void **unused)
{
	static struct saker_batch batch;

	(void)unused;
	for (unsigned int i = 0; i < ROUNDS / 10; i++) {
		uint8_t variant = (uint8_t)rnd(3), suite = (uint8_t)(1 + rnd(2));
		uint8_t role = (uint8_t)rnd(3), kdf[SAKER_KDF_BLOCK], nonce[12], packet[ROOM];
		uint64_t sn = (uint64_t)rnd(1u << 31) << 33 ^ rnd(1u << 31);
		uint64_t source = (uint64_t)rnd(1u << 31) << 33 ^ rnd(1u << 31);
		uint16_t session = (uint16_t)rnd(65536);
		const struct saker_master master = { .k1 = { 1 } };
		const struct saker_kdf_form of = saker_kdf_form(
			'E', variant, suite, (int)rnd(49) - 1);
		const struct saker_job_form form = saker_job_form(&of, role, variant, 7);
		struct saker_job job = { .sn = __builtin_bswap64(sn),
			.number = sn,
			.session = __builtin_bswap16(session),
			.master = &master,
			.aad = packet,
			.aad_len = (uint16_t)(24 + rnd(8)),
			.len = rnd(200) };
		unsigned int at = rnd(SAKER_BATCH);

		if (variant == 0)
			source &= UINT32_MAX;
		job.source = __builtin_bswap64(source);
		memset(&batch, 0xa5, sizeof(batch));
		saker_job_fill(&batch, at, &form, &job);
		saker_kdf_block(&of, sn, source, kdf);
		saker_nonce(session, role, variant, sn, nonce);
		assert_int_equal(form.kind, 7);
		assert_memory_equal(batch.kdf[0][at], kdf, sizeof(kdf));
		assert_memory_equal(batch.nonce[at], nonce, sizeof(nonce));
		assert_ptr_equal(batch.master[at], &master);
		assert_ptr_equal(batch.aad[at], packet);
		assert_int_equal(batch.aad_len[at], job.aad_len);
		assert_ptr_equal(batch.src[at], packet + job.aad_len);
		assert_ptr_equal(batch.dst[at], packet + job.aad_len);
		assert_int_equal(batch.len[at], job.len);
		assert_ptr_equal(batch.icv[at], packet + job.aad_len + job.len);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(short_ip_reading_agrees_with_the_long_one),
		cmocka_unit_test(checksums_by_words_agree_with_the_long_way),
		cmocka_unit_test(short_header_reading_agrees_with_the_long_one),
		cmocka_unit_test(short_split_agrees_with_the_long_one),
		cmocka_unit_test(headers_at_once_equal_headers_in_parts),
		cmocka_unit_test(one_block_of_kdf_input_equals_the_general_form),
		cmocka_unit_test(jobs_by_form_equal_jobs_in_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
