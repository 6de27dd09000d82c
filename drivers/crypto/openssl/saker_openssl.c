/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/*
 * Crypto driver over OpenSSL 3: the portable reference that the others are compared with. One
 * EVP_MAC per CMAC, one EVP_CIPHER per packet, both keyed afresh each time.
 */

#include <errno.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "saker_crypto.h"

#define MAX_OUTPUTS 3 /* CMACs of a data key: 32 octets of key, 12 of mask */
#define SUITES      2
#define KEY_LEN     32
#define TAG_LEN     16

enum direction { OPEN, SEAL }; /* as EVP_CipherInit_ex2() wants it */

_Static_assert(
	sizeof(struct saker_data_key) <= SAKER_EXPANDED_SIZE, "an expanded key needs more room");

/* Of one lcore. Nothing in keys, cmac and iv outlives a call. */
struct context {
	EVP_MAC_CTX *mac;
	EVP_CIPHER_CTX *gcm[SUITES];
	struct saker_data_key keys[SAKER_BATCH];
	uint8_t cmac[MAX_OUTPUTS][SAKER_KDF_BLOCK];
	uint8_t iv[SAKER_MASK_LEN];
};

static const uint8_t no_key[KEY_LEN];

static int
ossl_probe(void)
{
	return 10;
}

static EVP_MAC_CTX *
new_mac(void)
{
	char cipher[] = "AES-256-CBC";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "CMAC", NULL);
	EVP_MAC_CTX *ctx = mac == NULL ? NULL : EVP_MAC_CTX_new(mac);

	EVP_MAC_free(mac);
	if (ctx != NULL && EVP_MAC_init(ctx, no_key, sizeof(no_key), params) != 1) {
		EVP_MAC_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

static EVP_CIPHER_CTX *
new_cipher(const char *name)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, NULL);
	EVP_CIPHER_CTX *ctx = cipher == NULL ? NULL : EVP_CIPHER_CTX_new();
	bool good = ctx != NULL && EVP_CipherInit_ex2(ctx, cipher, NULL, NULL, SEAL, NULL) == 1;

	EVP_CIPHER_free(cipher);
	if (good)
		return ctx;
	EVP_CIPHER_CTX_free(ctx);
	return NULL;
}

static void
ossl_lcore_fini(void *ctx)
{
	struct context *c = ctx;

	if (c == NULL)
		return;
	EVP_MAC_CTX_free(c->mac);
	for (unsigned int i = 0; i < SUITES; i++)
		EVP_CIPHER_CTX_free(c->gcm[i]);
	saker_secret_free(c, sizeof(*c));
}

static void *
ossl_lcore_init(int socket)
{
	struct context *c = saker_secret_alloc(sizeof(*c));

	(void)socket;
	if (c == NULL)
		return NULL;
	c->mac = new_mac();
	c->gcm[SAKER_AES_128_GCM - 1] = new_cipher("AES-128-GCM");
	c->gcm[SAKER_AES_256_GCM - 1] = new_cipher("AES-256-GCM");
	if (c->mac != NULL && c->gcm[0] != NULL && c->gcm[1] != NULL)
		return c;
	ossl_lcore_fini(c);
	return NULL;
}

/* Multiply by x in GF(2^128): the subkey step of SP 800-38B. */
static void
double_block(const uint8_t *in, uint8_t *out)
{
	uint64_t hi = saker_load_be64(in), lo = saker_load_be64(in + 8);
	uint64_t carry = hi >> 63;

	saker_store_be64(out, hi << 1 | lo >> 63);
	saker_store_be64(out + 8, lo << 1 ^ (0x87 & (0 - carry)));
}

/* E_key(0), from which the subkeys come. */
static bool
encrypt_zero(const uint8_t *key, uint8_t *out)
{
	static const uint8_t zero[SAKER_KDF_BLOCK];
	EVP_CIPHER *ecb = EVP_CIPHER_fetch(NULL, "AES-256-ECB", NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n;
	bool good = ecb != NULL && ctx != NULL &&
		    EVP_EncryptInit_ex2(ctx, ecb, key, NULL, NULL) == 1 &&
		    EVP_EncryptUpdate(ctx, out, &n, zero, sizeof(zero)) == 1;

	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(ecb);
	return good;
}

static int
ossl_set_master(void *ctx, const uint8_t *key, struct saker_master *m)
{
	uint8_t zero[SAKER_KDF_BLOCK];
	bool good = encrypt_zero(key, zero);

	(void)ctx;
	memset(m, 0, sizeof(*m));
	if (good) {
		memcpy(m->round_keys, key, KEY_LEN);
		double_block(zero, m->k1);
		double_block(m->k1, m->k2);
	}
	saker_wipe(zero, sizeof(zero));
	return good ? 0 : -EIO;
}

static int
ossl_expand(void *ctx, enum saker_suite suite, const struct saker_data_key *key,
	struct saker_expanded_key *e)
{
	(void)ctx;
	(void)suite;
	memcpy(e->octets, key, sizeof(*key));
	return 0;
}

/* C(counter) of one slot. */
static bool
one_cmac(EVP_MAC_CTX *mac, const struct saker_batch *b, unsigned int slot, uint8_t counter,
	uint8_t *out)
{
	uint8_t first[SAKER_KDF_BLOCK];
	size_t len;

	memcpy(first, b->kdf[0][slot], sizeof(first));
	first[0] = first[3] = 0;
	first[saker_kdf_counter_bit(b->kdf_shape) / 8] = counter;
	if (EVP_MAC_init(mac, b->master[slot]->round_keys[0], KEY_LEN, NULL) != 1 ||
		EVP_MAC_update(mac, first, sizeof(first)) != 1)
		return false;
	for (unsigned int j = 1; j < b->kdf_blocks; j++)
		if (EVP_MAC_update(mac, b->kdf[j][slot], SAKER_KDF_BLOCK) != 1)
			return false;
	return EVP_MAC_final(mac, out, &len, SAKER_KDF_BLOCK) == 1;
}

static bool
derive_slot(struct context *c, const struct saker_batch *b, unsigned int slot,
	struct saker_data_key *key)
{
	size_t key_len = saker_suite_key_len((enum saker_suite)b->suite);
	unsigned int outputs = (unsigned int)key_len / SAKER_KDF_BLOCK + 1;

	for (unsigned int o = 0; o < outputs; o++)
		if (!one_cmac(c->mac, b, slot, (uint8_t)(o + 1), c->cmac[o]))
			return false;
	memset(key->key, 0, sizeof(key->key));
	memcpy(key->key, c->cmac, key_len);
	memset(key->mask, 0, sizeof(key->mask));
	if (b->kdf_shape == SAKER_KDF_MASKED)
		memcpy(key->mask, c->cmac[outputs - 1], sizeof(key->mask));
	return true;
}

/* OpenSSL's contexts keep their last key, so they are given another, and the MAC's a last block. */
static void
forget(struct context *c)
{
	(void)EVP_MAC_init(c->mac, no_key, sizeof(no_key), NULL);
	for (unsigned int i = 0; i < SUITES; i++)
		(void)EVP_CipherInit_ex2(c->gcm[i], NULL, no_key, no_key, SEAL, NULL);
	saker_wipe(c->keys, sizeof(c->keys));
	saker_wipe(c->cmac, sizeof(c->cmac));
	saker_wipe(c->iv, sizeof(c->iv));
}

static int
ossl_derive(void *ctx, struct saker_batch *b, struct saker_data_key *keys)
{
	struct context *c = ctx;
	bool good = true;

	for (unsigned int i = 0; i < b->n && good; i++)
		good = derive_slot(c, b, i, &keys[i]);
	if (!good)
		saker_wipe(keys, b->n * sizeof(*keys));
	forget(c);
	return good ? 0 : -EIO;
}

/* The key of a slot, given or derived. */
static const struct saker_data_key *
ready_key(struct context *c, const struct saker_batch *b, unsigned int i)
{
	if (b->expanded[i] != NULL)
		return (const void *)b->expanded[i]->octets;
	return derive_slot(c, b, i, &c->keys[i]) ? &c->keys[i] : NULL;
}

/* All of GCM but the tag. */
static bool
run_gcm(struct context *c, const struct saker_batch *b, unsigned int i, enum direction d)
{
	EVP_CIPHER_CTX *gcm = c->gcm[b->suite - 1];
	const struct saker_data_key *key = ready_key(c, b, i);
	int n;

	if (key == NULL)
		return false;
	for (unsigned int k = 0; k < sizeof(c->iv); k++)
		c->iv[k] = b->nonce[i][k] ^ key->mask[k];
	if (EVP_CipherInit_ex2(gcm, NULL, key->key, c->iv, d, NULL) != 1)
		return false;
	if (b->aad_len[i] > 0 &&
		EVP_CipherUpdate(gcm, NULL, &n, b->aad[i], (int)b->aad_len[i]) != 1)
		return false;
	return b->len[i] == 0 ||
	       EVP_CipherUpdate(gcm, b->dst[i], &n, b->src[i], (int)b->len[i]) == 1;
}

static enum saker_job_status
seal_slot(struct context *c, struct saker_batch *b, unsigned int i)
{
	EVP_CIPHER_CTX *gcm = c->gcm[b->suite - 1];
	uint8_t none[TAG_LEN];
	int n;

	if (run_gcm(c, b, i, SEAL) && EVP_CipherFinal_ex(gcm, none, &n) == 1 &&
		EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, b->icv[i]) == 1)
		return SAKER_JOB_OK;
	saker_wipe(b->dst[i], b->len[i]);
	return SAKER_JOB_ERROR;
}

static enum saker_job_status
open_slot(struct context *c, struct saker_batch *b, unsigned int i)
{
	EVP_CIPHER_CTX *gcm = c->gcm[b->suite - 1];
	bool ran = run_gcm(c, b, i, OPEN) &&
		   EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, b->icv[i]) == 1;
	uint8_t none[TAG_LEN];
	int n;

	if (ran && EVP_CipherFinal_ex(gcm, none, &n) == 1)
		return SAKER_JOB_OK;
	saker_wipe(b->dst[i], b->len[i]);
	return ran ? SAKER_JOB_BAD_ICV : SAKER_JOB_ERROR;
}

typedef enum saker_job_status (*slot_fn)(struct context *c, struct saker_batch *b, unsigned int i);

static unsigned int
all_slots(struct context *c, struct saker_batch *b, slot_fn run)
{
	unsigned int good = 0;

	for (unsigned int i = 0; i < b->n; i++) {
		b->status[i] = (uint8_t)run(c, b, i);
		good += b->status[i] == SAKER_JOB_OK;
	}
	if (good < b->n)
		ERR_clear_error();
	forget(c);
	return good;
}

static unsigned int
ossl_seal(void *ctx, struct saker_batch *b)
{
	return all_slots(ctx, b, seal_slot);
}

static unsigned int
ossl_open(void *ctx, struct saker_batch *b)
{
	return all_slots(ctx, b, open_slot);
}

const struct saker_crypto_ops saker_openssl_ops = {
	.name = "openssl",
	.help = "any processor; the portable reference",
	.probe = ossl_probe,
	.lcore_init = ossl_lcore_init,
	.lcore_fini = ossl_lcore_fini,
	.set_master = ossl_set_master,
	.expand = ossl_expand,
	.derive = ossl_derive,
	.seal = ossl_seal,
	.open = ossl_open,
};
