/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/* Keys of Sub SAs, and whole packets of format eesp-subsa by every crypto driver. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "saker_crypto.h"
#include "saker_sskdf.h"
#include "saker_subsa.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define KEYMAT       36 /* AES-256-GCM: key and salt */
#define TUNNEL_INNER "4500002100000000401166c80a0100010a02000104d2162e000d000068656c6c6f"
#define DATAGRAM     "04d2162e000d000068656c6c6f"

/* Root keys are 00 01 02 and so on, as long as the function wants them. */
static const struct {
	enum saker_sskdf sskdf;
	uint16_t session;
	const char *keymat;
} keys[] = {
	{ SAKER_SSKDF_SHA256, 0x0000,
		"472a557f71f01e8d125da03ec21f6b770f62b36f2d7938df3fb55ab3960795166e16532b" },
	{ SAKER_SSKDF_SHA256, 0x0001,
		"bfb9feca177e0964367d975ca7e41bd64f44224af8851afaa04f7a2d92707dfdaeb0b4a1" },
	{ SAKER_SSKDF_SHA256, 0x1234,
		"6d241a8efb1df3c0d7d5c3e3d8f51d78d4f48342dca2479c2483e3d7eb74a33338eeef45" },
	{ SAKER_SSKDF_SHA256, 0xffff,
		"e873970c75d9636202fb7e456ffc3c4a4a002bf36cf364924b15dbd86245f59f7a52d900" },
	{ SAKER_SSKDF_SHA384, 0x0001,
		"bc435472e3a65f445e39ed5960b0f5c1f3a2e83994592b3a52d3cc860f9e6c4258d74111" },
	{ SAKER_SSKDF_SHA512, 0x0001,
		"988a26eeb4c69dfd7829f454d63e66913bc60577a13f33b91e65886236739c0a9134f558" },
};

/* SPI 11223344, session 1, SN 1, under the second of these keys. */
static const struct {
	struct saker_terms terms;
	uint16_t clear_len;
	bool crypt_offset;
	uint8_t next_header;
	const char *payload, *protected;
} packets[] = {
	{ { .iv_in_aad = true }, 0, false, 4, TUNNEL_INNER,
		"80000001112233440000000000000001"
		"0000000000000001"
		"021c11553733bd1d90f7dc73d48339a82368f4f6657d4084c0b5d3effcffdadd819db4cc"
		"29c17c8a5ffaf56412137f89128073fc" },
	{ { .iv_in_aad = false }, 0, false, 4, TUNNEL_INNER,
		"80000001112233440000000000000001"
		"0000000000000001"
		"021c11553733bd1d90f7dc73d48339a82368f4f6657d4084c0b5d3effcffdadd819db4cc"
		"e5544a61ff39ccabc2bc07f7490959b6" },
	{ { .implicit_iv = true, .iv_in_aad = true }, 0, false, 4, TUNNEL_INNER,
		"80000001112233440000000000000001"
		"021c11553733bd1d90f7dc73d48339a82368f4f6657d4084c0b5d3effcffdadd819db4cc"
		"e5544a61ff39ccabc2bc07f7490959b6" },
	{ { .iv_in_aad = true, .transport = true, .max_clear = 8 }, 8, true, 17, DATAGRAM,
		"8004000111223344"
		"02021c30"
		"00000000000000010000000000000001"
		"0000110304d2162e000d0000"
		"2f797d185833bd1d99e8c518e8627594685a6c0e802cbfc6" },
};

static uint8_t root[SAKER_SSKDF_ROOT_MAX];

static int
number_root(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < sizeof(root); i++)
		root[i] = (uint8_t)i;
	return 0;
}

static void
derives_the_keys_of_sub_sas(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(keys); i++) {
		uint8_t got[KEYMAT];
		char text[2 * KEYMAT + 1];

		assert_int_equal(saker_sskdf(keys[i].sskdf, root, keys[i].session, got, KEYMAT), 0);
		assert_string_equal(saker_hex_encode(got, KEYMAT, text), keys[i].keymat);
	}
}

static void
splits_key_material_into_key_and_salt(void **state)
{
	struct saker_data_key key;
	uint8_t keymat[KEYMAT];

	(void)state;
	for (unsigned int suite = SAKER_AES_128_GCM; suite <= SAKER_AES_256_GCM; suite++) {
		size_t n = saker_suite_key_len((enum saker_suite)suite);

		saker_hex_decode(keys[1].keymat, keymat, KEYMAT);
		assert_int_equal(saker_session_data_key(SAKER_SSKDF_SHA256, 'B',
					 (enum saker_suite)suite, root, 1, &key),
			0);
		assert_memory_equal(key.key, keymat, n);
		assert_memory_equal(key.mask, keymat + n, SAKER_SALT_LEN);
		for (unsigned int i = SAKER_SALT_LEN; i < SAKER_MASK_LEN; i++)
			assert_int_equal(key.mask[i], 0);
	}
}

/* One packet in slot 0. */
static struct {
	const struct saker_crypto_ops *ops;
	void *ctx;
	struct saker_batch batch;
	struct saker_expanded_key key;
	uint8_t packet[128], scratch[SAKER_AAD_MAX], want[128], payload[64];
	size_t len, payload_len;
	struct saker_parts parts;
} job;

static void
fill(const struct saker_terms *terms, const struct saker_parts *parts)
{
	const struct saker_sealed s = {
		.head = job.packet, .parts = parts, .terms = terms, .sn = 1, .session = 1
	};
	struct saker_batch *b = &job.batch;

	memset(b, 0, sizeof(*b));
	b->n = 1;
	b->suite = SAKER_AES_256_GCM;
	b->expanded[0] = &job.key;
	saker_format_subsa.nonce(&s, b->nonce[0]);
	b->aad[0] = saker_format_subsa.aad(&s, job.scratch, &b->aad_len[0]);
	b->src[0] = b->dst[0] = job.packet + parts->cipher_at;
	b->len[0] = parts->cipher_len;
	b->icv[0] = job.packet + parts->cipher_at + parts->cipher_len;
}

static void
seal(size_t i)
{
	struct saker_form form = { .transport = packets[i].terms.transport,
		.crypt_offset = packets[i].crypt_offset,
		.terms = &packets[i].terms };
	struct saker_fields f = { .sn = 1,
		.spi = 0x11223344,
		.session = 1,
		.clear_len = packets[i].clear_len,
		.next_header = packets[i].next_header };
	struct saker_tmpl t;

	memset(job.packet, 0, sizeof(job.packet));
	assert_int_equal(saker_format_subsa.template(&form, &t), 0);
	saker_format_subsa.plan(&t, &f, (uint16_t)job.payload_len, 0, &job.parts, &f.pad_len);
	saker_format_subsa.write(&t, job.packet, &f);
	memcpy(job.packet + job.parts.payload_at, job.payload, job.payload_len);
	fill(&packets[i].terms, &job.parts);
	assert_int_equal(job.ops->seal(job.ctx, &job.batch), 1);
	assert_int_equal(job.parts.cipher_at + job.parts.cipher_len + SAKER_ICV, job.len);
	assert_memory_equal(job.packet, job.want, job.len);
}

static void
open(size_t i)
{
	const struct saker_terms *terms = &packets[i].terms;
	struct saker_hdr h;
	struct saker_parts parts;
	struct saker_opened o;

	memcpy(job.packet, job.want, job.len);
	assert_int_equal(saker_format_subsa.read(job.packet, (uint32_t)job.len, &h), SAKER_OK);
	assert_int_equal(
		saker_format_subsa.bind(job.packet, (uint32_t)job.len, terms, &h), SAKER_OK);
	assert_int_equal(h.spi, 0x11223344);
	assert_int_equal(h.session, 1);
	assert_true(h.sn == 1);
	assert_int_equal(saker_format_subsa.split(job.packet, (uint32_t)job.len, &h, terms, &parts),
		SAKER_OK);
	assert_memory_equal(&parts, &job.parts, sizeof(parts));
	fill(terms, &parts);
	assert_int_equal(job.ops->open(job.ctx, &job.batch), 1);
	assert_int_equal(saker_format_subsa.opened(job.packet, &h, &parts, terms, &o), SAKER_OK);
	assert_int_equal(o.len - (o.info ? o.pad : 3), job.payload_len);
	assert_memory_equal(o.payload, job.payload, job.payload_len);
}

static void
refuse_damaged(size_t i)
{
	for (size_t at = 0; at < job.len; at++) {
		bool left_out = !packets[i].terms.iv_in_aad && at >= 16 && at < 24;

		memcpy(job.packet, job.want, job.len);
		fill(&packets[i].terms, &job.parts);
		job.packet[at] ^= 0x40;
		/* An IV that is left out of the AAD counts by the nonce, which is made of it. */
		if (left_out)
			fill(&packets[i].terms, &job.parts);
		assert_int_equal(job.ops->open(job.ctx, &job.batch), 0);
		assert_int_equal(job.batch.status[0], SAKER_JOB_BAD_ICV);
	}
}

static void
for_all(void (*check)(size_t))
{
	unsigned int ready = 0;
	struct saker_data_key key;

	assert_int_equal(
		saker_session_data_key(SAKER_SSKDF_SHA256, 'B', SAKER_AES_256_GCM, root, 1, &key),
		0);
	for (size_t d = 0; saker_crypto_drivers[d] != NULL; d++) {
		job.ops = saker_crypto_drivers[d];
		if (saker_crypto_check(job.ops) == SAKER_CRYPTO_UNSUPPORTED)
			continue;
		job.ctx = job.ops->lcore_init(0);
		assert_int_equal(job.ops->expand(job.ctx, SAKER_AES_256_GCM, &key, &job.key), 0);
		for (size_t i = 0; i < COUNT(packets); i++) {
			job.len = (size_t)saker_hex_decode(
				packets[i].protected, job.want, sizeof(job.want));
			job.payload_len = (size_t)saker_hex_decode(
				packets[i].payload, job.payload, sizeof(job.payload));
			seal(i);
			check(i);
		}
		job.ops->lcore_fini(job.ctx);
		ready++;
	}
	assert_true(ready > 0);
}

static void
seals_and_opens_whole_packets(void **state)
{
	(void)state;
	for_all(open);
}

static void
refuses_them_once_any_octet_is_damaged(void **state)
{
	(void)state;
	for_all(refuse_damaged);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(derives_the_keys_of_sub_sas),
		cmocka_unit_test(splits_key_material_into_key_and_salt),
		cmocka_unit_test(seals_and_opens_whole_packets),
		cmocka_unit_test(refuses_them_once_any_octet_is_damaged),
	};

	return cmocka_run_group_tests(tests, number_root, NULL);
}
