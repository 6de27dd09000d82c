/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/* Every published packet of formats E and S, derived, sealed and opened by every crypto driver. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "saker_crypto.h"
#include "saker_eesp.h"

#include "kat_vectors.h"

#define CASES    96 /* of formats E and S in stateless-profile.json */
#define ICV_LEN  16
#define MAX_TEXT 2048
#define BASE_LEN 8u
#define SN_LEN   8
#define PI_LEN   4  /* payload info */
#define UNIT     8u /* of HL, the length of format S's header */

/* One driver, and one packet in slot 0 of a batch. */
static struct {
	const struct saker_crypto_ops *ops;
	void *ctx;
	struct saker_batch batch;
	struct saker_master master;
	uint8_t plain[MAX_TEXT], aad[MAX_TEXT], text[MAX_TEXT], icv[ICV_LEN];
} job;

/* Where the ciphertext of `protected` starts. */
static size_t
cipher_at(const struct kat_case *c)
{
	size_t header = c->format == 'S' ? (c->protected.p[0] % 16 + 1) * UNIT
					 : BASE_LEN + c->protected.p[1] + SN_LEN;
	size_t info = c->next_header >= 0 ? PI_LEN : 0;

	return c->crypt_offset ? header + info + c->clear_octets : header;
}

static size_t
cipher_len(const struct kat_case *c)
{
	return c->protected.n - ICV_LEN - cipher_at(c);
}

/* [payload info] || payload behind its clear part || zeros up to the length of the ciphertext. */
static void
make_plain(const struct kat_case *c)
{
	bool info = c->next_header >= 0 && !c->crypt_offset;
	size_t at = info ? PI_LEN : 0, n = c->payload.n - c->clear_octets;
	size_t pad = cipher_len(c) - at - n;

	assert_in_range(pad, 0, 3);
	assert_int_equal(cipher_len(c) % 4, 0);
	memset(job.plain, 0, sizeof(job.plain));
	if (info) {
		job.plain[2] = (uint8_t)c->next_header;
		job.plain[3] = (uint8_t)pad;
	}
	memcpy(job.plain + at, c->payload.p + c->clear_octets, n);
}

static void
fill_kdf(const struct kat_case *c)
{
	struct saker_kdf_context context = {
		.format = (uint8_t)c->format,
		.variant = c->variant,
		.family = c->outer_src.n == 16 ? 6 : 4,
		.epoch = c->epoch,
		.rekey = saker_rekey_word(c->counter, c->rekey_shift),
		.src = c->outer_src.p,
		.dst = c->outer_dst.p,
	};
	uint8_t input[SAKER_KDF_MAX_BLOCKS * SAKER_KDF_BLOCK];

	if (c->source_id.n == 4)
		context.source = saker_load_be32(c->source_id.p);
	if (c->source_id.n == 8)
		context.source = saker_load_be64(c->source_id.p);
	job.batch.kdf_blocks = (uint8_t)saker_kdf_input(
		&context, (enum saker_suite)c->suite, input);
	assert_in_range(job.batch.kdf_blocks, 1, SAKER_KDF_MAX_BLOCKS);
	for (unsigned int j = 0; j < job.batch.kdf_blocks; j++)
		memcpy(job.batch.kdf[j][0], input + j * SAKER_KDF_BLOCK, SAKER_KDF_BLOCK);
}

/* Slot 0 with plaintext to seal, or with what was published to open; in place. */
static void
fill(const struct kat_case *c, bool sealed)
{
	struct saker_batch *b = &job.batch;
	size_t len = cipher_len(c);

	assert_in_range(c->aad.n, 0, sizeof(job.aad));
	assert_in_range(len, 0, sizeof(job.text));
	memset(b, 0, sizeof(*b));
	b->n = 1;
	b->suite = c->suite;
	b->master[0] = &job.master;
	fill_kdf(c);
	saker_nonce(c->session, c->role, c->variant, (uint64_t)c->epoch << 48 | c->counter,
		b->nonce[0]);
	make_plain(c);
	memcpy(job.aad, c->aad.p, c->aad.n);
	memcpy(job.text, sealed ? c->protected.p + cipher_at(c) : job.plain, len);
	memset(job.icv, 0, ICV_LEN);
	if (sealed)
		memcpy(job.icv, c->protected.p + c->protected.n - ICV_LEN, ICV_LEN);
	b->aad[0] = job.aad;
	b->aad_len[0] = (uint16_t)c->aad.n;
	b->src[0] = b->dst[0] = job.text;
	b->len[0] = (uint32_t)len;
	b->icv[0] = job.icv;
}

static void
derives_data_key_and_mask(const struct kat_case *c)
{
	struct saker_data_key key;

	fill(c, false);
	assert_int_equal(job.ops->derive(job.ctx, &job.batch, &key), 0);
	assert_memory_equal(key.key, c->data_key.p, c->data_key.n);
	assert_memory_equal(key.mask, c->mask.p, SAKER_MASK_LEN);
}

static void
expect_sealed(const struct kat_case *c)
{
	assert_int_equal(job.ops->seal(job.ctx, &job.batch), 1);
	assert_int_equal(job.batch.status[0], SAKER_JOB_OK);
	assert_memory_equal(job.text, c->protected.p + cipher_at(c), cipher_len(c));
	assert_memory_equal(job.icv, c->protected.p + c->protected.n - ICV_LEN, ICV_LEN);
}

static void
expect_opened(const struct kat_case *c)
{
	assert_int_equal(job.ops->open(job.ctx, &job.batch), 1);
	assert_int_equal(job.batch.status[0], SAKER_JOB_OK);
	assert_memory_equal(job.text, job.plain, cipher_len(c));
}

static void
seals_and_opens(const struct kat_case *c)
{
	fill(c, false);
	expect_sealed(c);
	fill(c, true);
	expect_opened(c);
}

static void
seals_and_opens_with_an_expanded_key(const struct kat_case *c)
{
	static struct saker_expanded_key expanded;
	struct saker_data_key key = { .key = { 0 } };

	memcpy(key.key, c->data_key.p, c->data_key.n);
	memcpy(key.mask, c->mask.p, SAKER_MASK_LEN);
	assert_int_equal(job.ops->expand(job.ctx, (enum saker_suite)c->suite, &key, &expanded), 0);
	for (int sealed = 0; sealed < 2; sealed++) {
		fill(c, sealed == 1);
		job.batch.expanded[0] = &expanded;
		job.batch.master[0] = NULL;
		if (sealed)
			expect_opened(c);
		else
			expect_sealed(c);
	}
}

static void
expect_refused(size_t len)
{
	static const uint8_t wiped[MAX_TEXT];

	assert_int_equal(job.ops->open(job.ctx, &job.batch), 0);
	assert_int_equal(job.batch.status[0], SAKER_JOB_BAD_ICV);
	assert_memory_equal(job.text, wiped, len);
}

static void
refuses_a_damaged_packet(const struct kat_case *c)
{
	size_t len = cipher_len(c);

	for (size_t i = 0; i < ICV_LEN; i++) {
		fill(c, true);
		job.icv[i] ^= 0x10;
		expect_refused(len);
	}
	for (size_t i = 0; i < c->aad.n; i += 5) {
		fill(c, true);
		job.aad[i] ^= 0x01;
		expect_refused(len);
	}
	for (size_t i = 0; i < len; i += 31) {
		fill(c, true);
		job.text[i] ^= 0x80;
		expect_refused(len);
	}
}

static void
refuses_a_packet_under_another_nonce_or_key_input(const struct kat_case *c)
{
	fill(c, true);
	job.batch.nonce[0][11] ^= 1;
	expect_refused(cipher_len(c));
	fill(c, true);
	job.batch.kdf[job.batch.kdf_blocks - 1][0][8] ^= 1;
	expect_refused(cipher_len(c));
}

/* All cases with all drivers that are ready. */
static void
for_all(void (*check)(const struct kat_case *))
{
	unsigned int ready = 0;

	for (size_t d = 0; saker_crypto_drivers[d] != NULL; d++) {
		job.ops = saker_crypto_drivers[d];
		if (saker_crypto_check(job.ops) == SAKER_CRYPTO_UNSUPPORTED)
			continue;
		job.ctx = job.ops->lcore_init(0);
		assert_non_null(job.ctx);
		for (size_t i = 0; i < KAT_COUNT(kat_cases); i++) {
			const struct kat_case *c = &kat_cases[i];

			assert_int_equal(
				job.ops->set_master(job.ctx, c->group_key.p, &job.master), 0);
			check(c);
		}
		job.ops->lcore_fini(job.ctx);
		ready++;
	}
	assert_true(ready > 0);
}

static void
checks_all_published_cases(void **state)
{
	unsigned int blocks[SAKER_KDF_MAX_BLOCKS + 1][3] = { { 0 } };

	(void)state;
	assert_int_equal(KAT_COUNT(kat_cases), CASES);
	for (size_t i = 0; i < KAT_COUNT(kat_cases); i++) {
		fill_kdf(&kat_cases[i]);
		blocks[job.batch.kdf_blocks][kat_cases[i].suite]++;
	}
	for (unsigned int n = 1; n <= SAKER_KDF_MAX_BLOCKS; n++)
		assert_true(blocks[n][SAKER_AES_128_GCM] > 0 && blocks[n][SAKER_AES_256_GCM] > 0);
}

static void
derives_every_published_data_key(void **state)
{
	(void)state;
	for_all(derives_data_key_and_mask);
}

static void
seals_and_opens_every_published_packet(void **state)
{
	(void)state;
	for_all(seals_and_opens);
}

static void
seals_and_opens_every_published_packet_with_a_stored_key(void **state)
{
	(void)state;
	for_all(seals_and_opens_with_an_expanded_key);
}

static void
refuses_every_published_packet_once_it_is_damaged(void **state)
{
	(void)state;
	for_all(refuses_a_damaged_packet);
}

static void
refuses_every_published_packet_in_another_place(void **state)
{
	(void)state;
	for_all(refuses_a_packet_under_another_nonce_or_key_input);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checks_all_published_cases),
		cmocka_unit_test(derives_every_published_data_key),
		cmocka_unit_test(seals_and_opens_every_published_packet),
		cmocka_unit_test(seals_and_opens_every_published_packet_with_a_stored_key),
		cmocka_unit_test(refuses_every_published_packet_once_it_is_damaged),
		cmocka_unit_test(refuses_every_published_packet_in_another_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
