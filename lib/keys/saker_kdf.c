/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_kdf.h"

#include <errno.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "saker_eesp.h"

#define KEY_LEN     32
#define MAX_CONTEXT 1024
#define MAX_BITS    (255 * SAKER_KDF_BLOCK * 8)

unsigned int
saker_kdf_blocks(uint8_t variant, uint8_t family)
{
	static const uint8_t blocks[SAKER_V_COUNT][2] = {
		[SAKER_V_SOURCE_ID] = { 1, 1 },
		[SAKER_V_SOURCE_ID_64] = { 1, 1 },
		[SAKER_V_CONNECTION_ID] = { 1, 1 },
		[SAKER_V_SOURCE_IP] = { 1, 2 },
		[SAKER_V_IP_PAIR] = { 2, 3 },
	};

	return variant < SAKER_V_COUNT ? blocks[variant][family == 6] : 0;
}

/* epoch(2) rekey(4). Returns what comes next. */
static inline uint8_t *
put_epoch(uint8_t *p, const struct saker_kdf_context *c)
{
	saker_store_be16(p, c->epoch);
	saker_store_be32(p + 2, c->rekey);
	return p + 6;
}

static inline void
put_source_ip(uint8_t *p, const struct saker_kdf_context *c)
{
	if (c->family == 6) {
		saker_store_be32(p, 0);
		memcpy(put_epoch(p + 4, c), c->src, 16);
	} else {
		memcpy(put_epoch(p, c), c->src, 4);
	}
}

static inline void
put_ip_pair(uint8_t *p, const struct saker_kdf_context *c)
{
	p = put_epoch(p, c);
	if (c->family == 6) {
		memcpy(p, c->src, 16);
		memcpy(p + 16, c->dst, 16);
		memset(p + 32, 0, 4);
	} else {
		memcpy(p, c->src, 4);
		memcpy(p + 4, c->dst, 4);
		memset(p + 8, 0, 12);
	}
}

unsigned int
saker_kdf_input(const struct saker_kdf_context *c, enum saker_suite suite, uint8_t *out)
{
	unsigned int blocks = saker_kdf_blocks(c->variant, c->family);
	uint8_t *context = out + 4;

	if (c->format == 'P') {
		const struct saker_kdf_form form = saker_kdf_form_psp(c->variant, suite);

		saker_kdf_block(&form, 0, c->source, out);
		return 1;
	}
	if (blocks == 0)
		return 0;
	saker_store_be32(out, saker_kdf_label(c->format, c->variant, c->server));
	switch (c->variant) {
	case SAKER_V_SOURCE_ID:
		saker_store_be32(put_epoch(context, c), (uint32_t)c->source);
		break;
	case SAKER_V_SOURCE_IP:
		put_source_ip(context, c);
		break;
	case SAKER_V_IP_PAIR:
		put_ip_pair(context, c);
		break;
	default: /* 64-bit ids leave no room for a rekey word */
		saker_store_be16(context, c->epoch);
		saker_store_be64(context + 2, c->source);
	}
	saker_store_be16(out + blocks * SAKER_KDF_BLOCK - 2, saker_suite_bits(suite));
	return blocks;
}

/* The message of C(i) but for what stands in `head`: i and the label, or a longer i. */
struct message {
	uint8_t head[4];
	uint8_t counter_at; /* in head */
	const uint8_t *context;
	size_t context_len;
	uint8_t bits[2];
};

/* One C(i), whole. */
static bool
cmac(EVP_MAC_CTX *ctx, const uint8_t *key, const struct message *m, uint8_t *out)
{
	char cipher[] = "AES-256-CBC";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher, 0),
		OSSL_PARAM_construct_end(),
	};
	size_t len;

	/* The key is set each time: OpenSSL 3.0 does not restart a CMAC without one. */
	return EVP_MAC_init(ctx, key, KEY_LEN, params) == 1 &&
	       EVP_MAC_update(ctx, m->head, sizeof(m->head)) == 1 &&
	       EVP_MAC_update(ctx, m->context, m->context_len) == 1 &&
	       EVP_MAC_update(ctx, m->bits, sizeof(m->bits)) == 1 &&
	       EVP_MAC_final(ctx, out, &len, SAKER_KDF_BLOCK) == 1 && len == SAKER_KDF_BLOCK;
}

static bool
all_blocks(EVP_MAC_CTX *ctx, const uint8_t *key, struct message *m, uint8_t *out, size_t n)
{
	uint8_t block[SAKER_KDF_BLOCK];
	bool good = true;

	for (size_t at = 0; at < n && good; at += sizeof(block)) {
		size_t rest = n - at;

		m->head[m->counter_at]++;
		good = cmac(ctx, key, m, block);
		memcpy(out + at, block, rest < sizeof(block) ? rest : sizeof(block));
	}
	saker_wipe(block, sizeof(block));
	return good;
}

static int
derive(const uint8_t key[32], struct message *m, uint16_t bits, uint8_t *out)
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "CMAC", NULL);
	EVP_MAC_CTX *ctx = mac == NULL ? NULL : EVP_MAC_CTX_new(mac);
	bool good;

	saker_store_be16(m->bits, bits);
	good = ctx != NULL && all_blocks(ctx, key, m, out, bits / 8);
	if (!good)
		saker_wipe(out, bits / 8);
	EVP_MAC_CTX_free(ctx);
	EVP_MAC_free(mac);
	return good ? 0 : -EIO;
}

int
saker_kdf_psp(const uint8_t key[32], uint8_t version, uint32_t spi, uint16_t bits, uint8_t *out)
{
	uint8_t context[10] = { 'P', 'v', (uint8_t)('0' | version) };
	struct message m = { .counter_at = 3, .context = context, .context_len = sizeof(context) };

	saker_store_be32(context + 4, spi); /* and the upper half of L, which is zero */
	return derive(key, &m, bits, out);
}

/* Not OpenSSL's own KBKDF: its L is 32 bits wide, ours is 16. */
int
saker_kdf(const uint8_t key[32], const char label[2], const uint8_t *context, size_t context_len,
	uint16_t bits, uint8_t *out)
{
	struct message m = { .head = { 0, (uint8_t)label[0], (uint8_t)label[1], 0 },
		.context = context,
		.context_len = context_len };

	if (bits == 0 || bits % 8 != 0 || bits > MAX_BITS || context_len > MAX_CONTEXT)
		return -EINVAL;
	return derive(key, &m, bits, out);
}

/* Multiply by x in GF(2^128). */
static void
double_block(const uint8_t *in, uint8_t *out)
{
	uint64_t hi = saker_load_be64(in), lo = saker_load_be64(in + 8);
	uint64_t carry = hi >> 63;

	saker_store_be64(out, hi << 1 | lo >> 63);
	saker_store_be64(out + 8, lo << 1 ^ (0x87 & (0 - carry)));
}

void
saker_cmac_subkeys(const uint8_t *zero, uint8_t *k1, uint8_t *k2)
{
	double_block(zero, k1);
	double_block(k1, k2);
}
