/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef CRYPTODEV_SIDES_H
#define CRYPTODEV_SIDES_H

/*
 * The crypto driver over DPDK's crypto devices beside the reference: random batches for both, and
 * what is expected of them. For one test program, which includes it behind cmocka.h.
 */

#include "saker_crypto.h"

#define DEFAULT_SEED 20260201ULL
#define MASTERS      3
#define ICV_LEN      16
#define MAX_LEN      2000
#define MIN_AAD      8
#define MAX_AAD      64
#define AAD_LIMIT    528   /* of the driver, with a device that takes more */
#define TEXT_LIMIT   10240 /* likewise */
#define CANARY       0xc5

/* One driver. Masters and expanded keys are its own; both sides hold the same keys. */
struct side {
	const struct saker_crypto_ops *ops;
	void *ctx;
	struct saker_master masters[MASTERS];
	struct saker_expanded_key expanded[SAKER_BATCH];
	struct saker_batch batch;
	uint8_t aad[SAKER_BATCH][AAD_LIMIT + 1];
	uint8_t text[SAKER_BATCH][TEXT_LIMIT + 1];
	uint8_t icv[SAKER_BATCH][ICV_LEN];
};

static struct side dev = { .ops = &saker_cryptodev_ops };
static struct side reference = { .ops = &saker_openssl_ops };

static uint8_t plain[SAKER_BATCH][TEXT_LIMIT + 1], out[SAKER_BATCH][TEXT_LIMIT + 1];
static uint64_t random_state = DEFAULT_SEED;

/* splitmix64 */
static uint64_t
random_word(void)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static unsigned int
random_below(unsigned int n)
{
	return (unsigned int)(random_word() % n);
}

static void
random_octets(uint8_t *p, size_t n)
{
	while (n-- > 0)
		*p++ = (uint8_t)random_word();
}

/* One random packet, the same on both sides. */
static void
fill_slot(unsigned int i)
{
	struct side *const sides[] = { &dev, &reference };
	uint16_t aad_len = (uint16_t)(MIN_AAD + 4 * random_below((MAX_AAD - MIN_AAD) / 4 + 1));
	uint32_t len = random_below(8) == 0 ? random_below(20) : random_below(MAX_LEN + 1);
	bool stored = random_below(4) == 0;
	unsigned int master = random_below(MASTERS);

	random_octets(plain[i], sizeof(plain[i]));
	random_octets(dev.aad[i], AAD_LIMIT);
	random_octets(dev.batch.nonce[i], 12);
	for (unsigned int j = 0; j < SAKER_KDF_MAX_BLOCKS; j++)
		random_octets(dev.batch.kdf[j][i], SAKER_KDF_BLOCK);
	for (unsigned int s = 0; s < 2; s++) {
		struct saker_batch *b = &sides[s]->batch;

		memcpy(b->nonce[i], dev.batch.nonce[i], 12);
		memcpy(sides[s]->aad[i], dev.aad[i], AAD_LIMIT);
		memcpy(sides[s]->text[i], plain[i], sizeof(plain[i]));
		for (unsigned int j = 0; j < SAKER_KDF_MAX_BLOCKS; j++)
			memcpy(b->kdf[j][i], dev.batch.kdf[j][i], SAKER_KDF_BLOCK);
		b->master[i] = stored ? NULL : &sides[s]->masters[master];
		b->expanded[i] = stored ? &sides[s]->expanded[i] : NULL;
		b->aad[i] = sides[s]->aad[i];
		b->aad_len[i] = aad_len;
		b->len[i] = len;
		b->src[i] = b->dst[i] = sides[s]->text[i];
		b->icv[i] = sides[s]->icv[i];
	}
}

static void
store_keys(enum saker_suite suite)
{
	for (unsigned int i = 0; i < SAKER_BATCH; i++) {
		struct saker_data_key key = { .key = { 0 } };

		random_octets(key.key, saker_suite_key_len(suite));
		random_octets(key.mask, sizeof(key.mask));
		assert_int_equal(dev.ops->expand(dev.ctx, suite, &key, &dev.expanded[i]), 0);
		assert_int_equal(
			reference.ops->expand(reference.ctx, suite, &key, &reference.expanded[i]),
			0);
	}
}

/* A random batch on both sides. */
static void
fill(enum saker_suite suite, uint16_t n)
{
	uint8_t blocks = (uint8_t)(1 + random_below(SAKER_KDF_MAX_BLOCKS));

	store_keys(suite);
	dev.batch.suite = reference.batch.suite = (uint8_t)suite;
	dev.batch.n = reference.batch.n = n;
	dev.batch.kdf_blocks = reference.batch.kdf_blocks = blocks;
	for (unsigned int i = 0; i < n; i++)
		fill_slot(i);
}

/* Let the device work out of place, into a buffer that tells what was written. */
static void
write_elsewhere(void)
{
	memset(out, CANARY, sizeof(out));
	for (unsigned int i = 0; i < dev.batch.n; i++)
		dev.batch.dst[i] = out[i];
}

static void
expect_equally_sealed(unsigned int i)
{
	assert_int_equal(dev.batch.status[i], SAKER_JOB_OK);
	assert_memory_equal(dev.batch.dst[i], reference.text[i], dev.batch.len[i]);
	assert_memory_equal(dev.icv[i], reference.icv[i], ICV_LEN);
}

static void
expect_opened(unsigned int i)
{
	assert_int_equal(dev.batch.status[i], SAKER_JOB_OK);
	assert_memory_equal(dev.batch.dst[i], plain[i], dev.batch.len[i]);
}

static void
expect_wiped(unsigned int i, enum saker_job_status status)
{
	static const uint8_t zeros[TEXT_LIMIT + 1];

	assert_int_equal(dev.batch.status[i], status);
	assert_memory_equal(dev.batch.dst[i], zeros, dev.batch.len[i]);
}

/* A random batch, sealed by the reference, for the device to open. */
static void
fill_sealed(enum saker_suite suite, uint16_t n)
{
	fill(suite, n);
	assert_int_equal(reference.ops->seal(reference.ctx, &reference.batch), n);
	for (unsigned int i = 0; i < n; i++) {
		memcpy(dev.text[i], reference.text[i], dev.batch.len[i]);
		memcpy(dev.icv[i], reference.icv[i], ICV_LEN);
	}
}

static void
open_side(struct side *s)
{
	uint8_t key[32];

	s->ctx = s->ops->lcore_init(0);
	assert_non_null(s->ctx);
	for (unsigned int m = 0; m < MASTERS; m++) {
		memset(key, 0x11 * (int)(m + 1), sizeof(key));
		assert_int_equal(s->ops->set_master(s->ctx, key, &s->masters[m]), 0);
	}
}

static int
open_sides(void **state)
{
	(void)state;
	open_side(&dev);
	open_side(&reference);
	return 0;
}

static int
close_sides(void **state)
{
	(void)state;
	dev.ops->lcore_fini(dev.ctx);
	reference.ops->lcore_fini(reference.ctx);
	return 0;
}

#endif
