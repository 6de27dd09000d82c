/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_sskdf.h"

#include <errno.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

/** A function: name of its hash, octets of KEY_root. */
struct sskdf {
	const char *digest;
	unsigned int root_len;
};

static const struct sskdf functions[] = {
	[SAKER_SSKDF_NONE] = { NULL, 0 },
	[SAKER_SSKDF_SHA256] = { "SHA256", 32 },
	[SAKER_SSKDF_SHA384] = { "SHA384", 48 },
	[SAKER_SSKDF_SHA512] = { "SHA512", 64 },
};

unsigned int
saker_sskdf_root_len(enum saker_sskdf sskdf)
{
	return functions[sskdf].root_len;
}

static bool
hkdf_expand(const struct sskdf *f, const uint8_t *root, uint16_t session, uint8_t *out, size_t len)
{
	/* OpenSSL only reads these, and takes the length of a name as it is added. */
	char *digest = (char *)f->digest, mode[] = "EXPAND_ONLY";
	uint8_t info[2], key[SAKER_SSKDF_ROOT_MAX];
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MODE, mode, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key, f->root_len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, sizeof(info)),
		OSSL_PARAM_construct_end(),
	};
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = kdf == NULL ? NULL : EVP_KDF_CTX_new(kdf);
	bool good;

	saker_store_be16(info, session);
	memcpy(key, root, f->root_len);
	good = ctx != NULL && EVP_KDF_derive(ctx, out, len, params) == 1;
	saker_wipe(key, sizeof(key));
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return good;
}

int
saker_sskdf(enum saker_sskdf sskdf, const uint8_t *root, uint16_t session, uint8_t *out, size_t len)
{
	if (functions[sskdf].digest == NULL)
		return -EINVAL;
	if (hkdf_expand(&functions[sskdf], root, session, out, len))
		return 0;
	saker_wipe(out, len);
	return -EIO;
}

int
saker_sskdf_root(enum saker_sskdf sskdf, const uint8_t value[SAKER_ROOT_LEN], uint8_t *root)
{
	const uint8_t context[1] = { (uint8_t)sskdf };
	unsigned int len = saker_sskdf_root_len(sskdf);

	if (len == 0)
		return -EINVAL;
	if (len > SAKER_ROOT_LEN)
		return saker_kdf(value, "SR", context, sizeof(context), (uint16_t)(len * 8), root);
	memcpy(root, value, len);
	return 0;
}

static int
keymat_sub(enum saker_sskdf sskdf, const uint8_t *value, uint16_t session, uint8_t *out, size_t len)
{
	uint8_t root[SAKER_SSKDF_ROOT_MAX];
	int rc = saker_sskdf_root(sskdf, value, root);

	if (rc == 0)
		rc = saker_sskdf(sskdf, root, session, out, len);
	saker_wipe(root, sizeof(root));
	return rc;
}

void
saker_keymat_data_key(enum saker_suite suite, const uint8_t *keymat, struct saker_data_key *out)
{
	size_t key_len = saker_suite_key_len(suite);

	memset(out, 0, sizeof(*out));
	memcpy(out->key, keymat, key_len);
	memcpy(out->mask, keymat + key_len, SAKER_SALT_LEN);
}

int
saker_session_data_key(enum saker_sskdf sskdf, uint8_t format, enum saker_suite suite,
	const uint8_t value[SAKER_ROOT_LEN], uint16_t session, struct saker_data_key *out)
{
	const uint8_t context[] = { format, (uint8_t)suite, (uint8_t)(session >> 8),
		(uint8_t)session };
	uint8_t keymat[SAKER_KEYMAT_MAX];
	size_t len = saker_suite_key_len(suite) + SAKER_SALT_LEN;
	int rc;

	memset(out, 0, sizeof(*out));
	if (sskdf == SAKER_SSKDF_NONE)
		rc = saker_kdf(value, "SK", context, sizeof(context), (uint16_t)(len * 8), keymat);
	else
		rc = keymat_sub(sskdf, value, session, keymat, len);
	if (rc == 0)
		saker_keymat_data_key(suite, keymat, out);
	saker_wipe(keymat, sizeof(keymat));
	return rc;
}
