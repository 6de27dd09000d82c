/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/*
 * PSP: every known packet laid out by the format, derived, sealed and opened by every crypto
 * driver. Versions 2 and 3 (GMAC) stand in a file of their own: nobody else has confirmed them.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "saker_crypto.h"
#include "saker_psp.h"

#include "kat_vectors.h"

#define MAX_TEXT 2048
#define CASES    40 /* of psp.json */
#define GMACS    20 /* of psp-gmac.json */

static const struct saker_format *const format = &saker_format_psp;

/* One driver, and one packet in slot 0 of a batch. */
static struct {
	const struct saker_crypto_ops *ops;
	void *ctx;
	struct saker_batch batch;
	struct saker_master master;
	struct saker_parts parts;
	uint8_t packet[MAX_TEXT], aad[SAKER_AAD_MAX];
} job;

static uint8_t
suite_of(const struct kat_psp *c)
{
	return c->version % 2 == 0 ? SAKER_AES_128_GCM : SAKER_AES_256_GCM;
}

static struct saker_terms
terms_of(const struct kat_psp *c)
{
	return (struct saker_terms){
		.transport = c->transport,
		.max_clear = SAKER_CLEAR_MAX,
		.version = c->version,
		.cookie = c->vc.p != NULL,
		.cookie_value = c->vc.p != NULL ? saker_load_be64(c->vc.p) : 0,
	};
}

/* The header as saker sends it, and the payload behind. */
static void
lay_out(const struct kat_psp *c)
{
	struct saker_terms terms = terms_of(c);
	struct saker_form form = {
		.transport = c->transport, .crypt_offset = true, .terms = &terms
	};
	struct saker_fields f = { .sn = c->iv,
		.spi = c->spi,
		.next_header = c->next_header,
		.clear_len = (uint16_t)(c->crypt_offset * 4) };
	struct saker_tmpl t;
	uint8_t pad = 1;

	assert_int_equal(format->template(&form, &t), 0);
	format->plan(&t, &f, (uint16_t)c->payload.n, 0, &job.parts, &pad);
	assert_int_equal(pad, 0);
	assert_int_equal(t.len + c->payload.n + SAKER_ICV, c->psp.n);
	memset(job.packet, 0, sizeof(job.packet));
	format->write(&t, job.packet, &f);
	memcpy(job.packet + job.parts.payload_at, c->payload.p, c->payload.n);
}

/* The published packet, as a receiver reads it. */
static void
take_in(const struct kat_psp *c)
{
	struct saker_terms terms = terms_of(c);
	struct saker_hdr h;

	memcpy(job.packet, c->psp.p, c->psp.n);
	assert_int_equal(format->read(job.packet, (uint32_t)c->psp.n, &h), SAKER_OK);
	assert_int_equal(format->bind(job.packet, (uint32_t)c->psp.n, &terms, &h), SAKER_OK);
	assert_int_equal(
		format->split(job.packet, (uint32_t)c->psp.n, &h, &terms, &job.parts), SAKER_OK);
	assert_int_equal(h.spi, c->spi);
	assert_int_equal(h.sn, c->iv);
	assert_int_equal(h.next_header, c->next_header);
	assert_int_equal(h.key_idx >> 7, c->spi >> 31);
}

/* Slot 0 from what lies in job.packet. */
static void
fill(const struct kat_psp *c)
{
	struct saker_kdf_context context = {
		.format = 'P', .variant = c->version, .source = c->spi
	};
	struct saker_sealed s = { .head = job.packet, .parts = &job.parts, .sn = c->iv };
	struct saker_batch *b = &job.batch;
	uint8_t input[SAKER_KDF_MAX_BLOCKS * SAKER_KDF_BLOCK];

	memset(b, 0, sizeof(*b));
	b->n = 1;
	b->suite = suite_of(c);
	b->kdf_shape = SAKER_KDF_PSP;
	b->kdf_blocks = (uint8_t)saker_kdf_input(&context, b->suite, input);
	assert_int_equal(b->kdf_blocks, 1);
	memcpy(b->kdf[0][0], input, SAKER_KDF_BLOCK);
	b->master[0] = &job.master;
	format->nonce(&s, b->nonce[0]);
	b->aad[0] = format->aad(&s, job.aad, &b->aad_len[0]);
	b->src[0] = b->dst[0] = job.packet + job.parts.cipher_at;
	b->len[0] = job.parts.cipher_len;
	b->icv[0] = b->dst[0] + b->len[0];
}

static void
derives_key(const struct kat_psp *c)
{
	static const uint8_t no_mask[SAKER_MASK_LEN];
	struct saker_data_key key;
	uint8_t control[SAKER_KEY_MAX];

	lay_out(c);
	fill(c);
	assert_int_equal(c->derived_key.n, saker_suite_key_len(suite_of(c)));
	assert_int_equal(job.ops->derive(job.ctx, &job.batch, &key), 0);
	assert_memory_equal(key.key, c->derived_key.p, c->derived_key.n);
	assert_memory_equal(key.mask, no_mask, sizeof(no_mask));
	assert_int_equal(saker_kdf_psp(c->master_key.p, c->version, c->spi,
				 (uint16_t)(8 * c->derived_key.n), control),
		0);
	assert_memory_equal(control, c->derived_key.p, c->derived_key.n);
}

static void
expect_sealed(const struct kat_psp *c)
{
	assert_int_equal(job.ops->seal(job.ctx, &job.batch), 1);
	assert_int_equal(job.batch.status[0], SAKER_JOB_OK);
	assert_memory_equal(job.packet, c->psp.p, c->psp.n);
}

static void
expect_opened(const struct kat_psp *c)
{
	assert_int_equal(job.ops->open(job.ctx, &job.batch), 1);
	assert_int_equal(job.batch.status[0], SAKER_JOB_OK);
	assert_memory_equal(job.packet + job.parts.payload_at, c->payload.p, c->payload.n);
}

static void
seals_and_opens(const struct kat_psp *c)
{
	lay_out(c);
	fill(c);
	expect_sealed(c);
	take_in(c);
	fill(c);
	expect_opened(c);
}

static void
seals_and_opens_with_a_key_that_was_handed_out(const struct kat_psp *c)
{
	static struct saker_expanded_key expanded;
	struct saker_data_key key = { .key = { 0 } };

	memcpy(key.key, c->derived_key.p, c->derived_key.n);
	assert_int_equal(job.ops->expand(job.ctx, suite_of(c), &key, &expanded), 0);
	lay_out(c);
	fill(c);
	job.batch.expanded[0] = &expanded;
	job.batch.master[0] = NULL;
	expect_sealed(c);
	take_in(c);
	fill(c);
	job.batch.expanded[0] = &expanded;
	job.batch.master[0] = NULL;
	expect_opened(c);
}

/* Every octet of header, body and ICV in turn; those that change how it is read are for others. */
static void
refuses_when_damaged(const struct kat_psp *c)
{
	for (size_t at = 0; at < c->psp.n; at += at < 64 || at + 20 > c->psp.n ? 1 : 37) {
		take_in(c);
		fill(c);
		job.packet[at] ^= 0x04;
		format->nonce(&(struct saker_sealed){ .head = job.packet }, job.batch.nonce[0]);
		assert_int_equal(job.ops->open(job.ctx, &job.batch), 0);
		assert_int_equal(job.batch.status[0], SAKER_JOB_BAD_ICV);
	}
	take_in(c);
	fill(c);
	job.batch.kdf[0][0][6] ^= 1; /* the version in the label */
	assert_int_equal(job.ops->open(job.ctx, &job.batch), 0);
}

/* All cases with all drivers that are ready. */
static void
for_all(const struct kat_psp *cases, size_t n, void (*check)(const struct kat_psp *))
{
	unsigned int ready = 0;

	for (size_t d = 0; saker_crypto_drivers[d] != NULL; d++) {
		job.ops = saker_crypto_drivers[d];
		if (saker_crypto_check(job.ops) == SAKER_CRYPTO_UNSUPPORTED)
			continue;
		job.ctx = job.ops->lcore_init(0);
		assert_non_null(job.ctx);
		for (size_t i = 0; i < n; i++) {
			assert_int_equal(
				job.ops->set_master(job.ctx, cases[i].master_key.p, &job.master),
				0);
			check(&cases[i]);
		}
		job.ops->lcore_fini(job.ctx);
		ready++;
	}
	assert_true(ready > 0);
}

static void
for_every_packet(void (*check)(const struct kat_psp *))
{
	for_all(kat_psps, KAT_COUNT(kat_psps), check);
	for_all(kat_gmacs, KAT_COUNT(kat_gmacs), check);
}

static void
knows_every_version_phase_and_cookie(void **state)
{
	unsigned int seen[SAKER_PSP_VERSIONS][2][2] = { 0 };

	(void)state;
	assert_int_equal(KAT_COUNT(kat_psps), CASES);
	assert_int_equal(KAT_COUNT(kat_gmacs), GMACS);
	for (size_t i = 0; i < CASES; i++)
		seen[kat_psps[i].version][kat_psps[i].spi >> 31][kat_psps[i].vc.p != NULL]++;
	for (size_t i = 0; i < GMACS; i++)
		seen[kat_gmacs[i].version][kat_gmacs[i].spi >> 31][kat_gmacs[i].vc.p != NULL]++;
	for (unsigned int v = 0; v < SAKER_PSP_VERSIONS; v++)
		for (unsigned int k = 0; k < 4; k++)
			assert_true(seen[v][k / 2][k % 2] > 0);
}

static void
derives_every_known_key(void **state)
{
	(void)state;
	for_every_packet(derives_key);
}

static void
seals_and_opens_every_known_packet(void **state)
{
	(void)state;
	for_every_packet(seals_and_opens);
}

static void
seals_and_opens_every_known_packet_with_its_key(void **state)
{
	(void)state;
	for_every_packet(seals_and_opens_with_a_key_that_was_handed_out);
}

static void
refuses_every_known_packet_once_it_is_damaged(void **state)
{
	(void)state;
	for_every_packet(refuses_when_damaged);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_every_version_phase_and_cookie),
		cmocka_unit_test(derives_every_known_key),
		cmocka_unit_test(seals_and_opens_every_known_packet),
		cmocka_unit_test(seals_and_opens_every_known_packet_with_its_key),
		cmocka_unit_test(refuses_every_known_packet_once_it_is_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
