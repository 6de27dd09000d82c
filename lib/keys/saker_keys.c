/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_keys.h"

#include <errno.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

static bool
hkdf_sha256(uint8_t *ikm, size_t ikm_len, uint8_t out[SAKER_ROOT_LEN])
{
	char digest[] = "SHA256", salt[] = "saker master key v1";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, salt, sizeof(salt) - 1),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, ikm, ikm_len),
		OSSL_PARAM_construct_end(),
	};
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = kdf == NULL ? NULL : EVP_KDF_CTX_new(kdf);
	bool good = ctx != NULL && EVP_KDF_derive(ctx, out, SAKER_ROOT_LEN, params) == 1;

	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return good;
}

static int
combine_hkdf(const uint8_t *const value[SAKER_LEVELS], uint8_t mk[SAKER_ROOT_LEN])
{
	uint8_t ikm[SAKER_LEVELS * (2 + SAKER_ROOT_LEN)];
	size_t n = 0;
	bool good;

	for (int level = 0; level < SAKER_LEVELS; level++) {
		if (value[level] == NULL)
			continue;
		ikm[n++] = (uint8_t)(level + 1);
		ikm[n++] = SAKER_ROOT_LEN;
		memcpy(ikm + n, value[level], SAKER_ROOT_LEN);
		n += SAKER_ROOT_LEN;
	}
	good = hkdf_sha256(ikm, n, mk);
	saker_wipe(ikm, sizeof(ikm));
	return good ? 0 : -EIO;
}

static int
combine_xor(const uint8_t *const value[SAKER_LEVELS], uint8_t mk[SAKER_ROOT_LEN])
{
	for (int level = 0; level < SAKER_LEVELS; level++)
		for (int i = 0; value[level] != NULL && i < SAKER_ROOT_LEN; i++)
			mk[i] ^= value[level][i];
	return 0;
}

/* 0, or what is wrong with the choice of values. */
static int
check_values(const uint8_t *const value[SAKER_LEVELS])
{
	bool used = false;

	for (int a = 0; a < SAKER_LEVELS; a++) {
		used |= value[a] != NULL;
		for (int b = a + 1; b < SAKER_LEVELS; b++)
			if (value[a] != NULL && value[b] != NULL &&
				saker_ct_equal(value[a], value[b], SAKER_ROOT_LEN))
				return -EEXIST;
	}
	return used ? 0 : -EINVAL;
}

int
saker_master_key(enum saker_combine combine, const uint8_t *const value[SAKER_LEVELS],
	uint8_t mk[SAKER_ROOT_LEN])
{
	static const uint8_t zero[SAKER_ROOT_LEN];
	int rc = check_values(value);

	memset(mk, 0, SAKER_ROOT_LEN);
	if (rc == 0)
		rc = combine == SAKER_XOR ? combine_xor(value, mk) : combine_hkdf(value, mk);
	if (rc == 0 && saker_ct_equal(mk, zero, sizeof(zero)))
		rc = -EDOM;
	if (rc != 0)
		saker_wipe(mk, SAKER_ROOT_LEN);
	return rc;
}

int
saker_group_key(const uint8_t mk[SAKER_ROOT_LEN], uint8_t format, enum saker_suite suite,
	uint32_t spi, uint8_t gk[SAKER_ROOT_LEN])
{
	uint8_t context[10] = { format, (uint8_t)suite };

	saker_store_be32(context + 6, spi);
	return saker_kdf(mk, "GK", context, sizeof(context), SAKER_ROOT_LEN * 8, gk);
}

int
saker_key_check(const uint8_t key[SAKER_ROOT_LEN], uint8_t check[SAKER_CHECK_LEN])
{
	return saker_kdf(key, "CV", NULL, 0, SAKER_CHECK_LEN * 8, check);
}

char *
saker_key_check_text(const uint8_t key[SAKER_ROOT_LEN], char out[SAKER_CHECK_TEXT])
{
	uint8_t check[SAKER_CHECK_LEN];

	if (saker_key_check(key, check) != 0)
		return memcpy(out, "????????", SAKER_CHECK_TEXT);
	return saker_hex_encode(check, sizeof(check), out);
}

int
saker_data_key_derive(const uint8_t gk[SAKER_ROOT_LEN], const struct saker_kdf_context *c,
	enum saker_suite suite, struct saker_data_key *out)
{
	uint8_t input[SAKER_KDF_MAX_BLOCKS * SAKER_KDF_BLOCK];
	uint8_t okm[SAKER_KEY_MAX + SAKER_MASK_LEN];
	uint8_t key_len = saker_suite_key_len(suite);
	unsigned int blocks = saker_kdf_input(c, suite, input);
	int rc = -EINVAL;

	memset(out, 0, sizeof(*out));
	if (c->format == 'P')
		return saker_kdf_psp(
			gk, c->variant, (uint32_t)c->source, (uint16_t)(key_len * 8), out->key);
	/* The input is laid out whole; saker_kdf() wants label and context alone. */
	if (blocks != 0)
		rc = saker_kdf(gk, (const char *)input + 1, input + 4,
			blocks * SAKER_KDF_BLOCK - SAKER_KDF_OVERHEAD, saker_suite_bits(suite),
			okm);
	if (rc == 0) {
		memcpy(out->key, okm, key_len);
		memcpy(out->mask, okm + key_len, SAKER_MASK_LEN);
	}
	saker_wipe(okm, sizeof(okm));
	return rc;
}

/* A label in front, so that the hash is of nothing else. */
static bool
hash_keymat(const uint8_t *keymat, uint8_t len, uint8_t out[SAKER_ROOT_LEN])
{
	static const char label[] = "saker KEYMAT of an SA";
	uint8_t input[sizeof(label) + SAKER_KEYMAT_MAX];
	unsigned int n = 0;
	bool good;

	memcpy(input, label, sizeof(label));
	memcpy(input + sizeof(label), keymat, len);
	good = EVP_Digest(input, sizeof(label) + len, out, &n, EVP_sha256(), NULL) == 1 &&
	       n == SAKER_ROOT_LEN;
	saker_wipe(input, sizeof(input));
	return good;
}

int
saker_keymat(
	struct saker_root_values *k, unsigned int generation, const uint8_t *keymat, uint8_t len)
{
	k->live[generation] = hash_keymat(keymat, len, k->value[generation]);
	if (!k->live[generation])
		return -EIO;
	k->keymat_len[generation] = len;
	memcpy(k->keymat[generation], keymat, len);
	return 0;
}

bool
saker_has_keymat(const struct saker_root_values *k)
{
	for (unsigned int g = 0; g < SAKER_LIVE_GENERATIONS; g++)
		if (k->live[g] && k->keymat_len[g] != 0)
			return true;
	return false;
}
