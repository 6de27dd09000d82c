/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "bare.h"

#ifdef SAKER_HAVE_IPSEC_MB

#include <stdlib.h>
#include <string.h>

#include "saker_ipsec_mb.h"

#define LINE    64
#define BLOCK   16
#define TAG_LEN 16

struct saker_bare {
	IMB_MGR *mgr;
	aes_gcm_pre_t pre;
	aes_gcm_enc_dec_t enc, dec;
	unsigned int key_lines; /* cache lines that the round keys take */
	unsigned int powers;    /* octets of powers of H; 0: their order is not known */
	struct gcm_context_data gcm __attribute__((aligned(LINE)));
	uint8_t tag[TAG_LEN] __attribute__((aligned(LINE)));
};

_Static_assert(sizeof(struct gcm_key_data) <= SAKER_BARE_KEY, "a table's entry holds a schedule");

struct saker_bare *
saker_bare_open(enum saker_suite suite)
{
	struct saker_bare *b = aligned_alloc(LINE, sizeof(*b));
	const bool big = suite == SAKER_AES_256_GCM;

	if (b == NULL)
		return NULL;
	memset(b, 0, sizeof(*b));
	b->mgr = saker_ipsec_mb_open();
	if (b->mgr == NULL) {
		free(b);
		return NULL;
	}
	b->pre = big ? b->mgr->gcm256_pre : b->mgr->gcm128_pre;
	b->enc = big ? b->mgr->gcm256_enc : b->mgr->gcm128_enc;
	b->dec = big ? b->mgr->gcm256_dec : b->mgr->gcm128_dec;
	b->key_lines = big ? 4 : 3;
	if (b->mgr->used_arch == IMB_ARCH_AVX512 && (b->mgr->features & IMB_FEATURE_VAES))
		b->powers = 48 * BLOCK;
	return b;
}

void
saker_bare_close(struct saker_bare *b)
{
	if (b == NULL)
		return;
	free_mb_mgr(b->mgr);
	free(b);
}

void
saker_bare_expand(const struct saker_bare *b, const uint8_t *key, void *at)
{
	b->pre(key, at);
}

void
saker_bare_seal(struct saker_bare *b, struct saker_batch *batch, const void *const *key)
{
	for (unsigned int i = 0; i < batch->n; i++)
		b->enc(key[i], &b->gcm, batch->dst[i], batch->src[i], batch->len[i],
			batch->nonce[i], batch->aad[i], batch->aad_len[i], batch->icv[i], TAG_LEN);
}

bool
saker_bare_open_all(struct saker_bare *b, struct saker_batch *batch, const void *const *key)
{
	bool good = true;

	for (unsigned int i = 0; i < batch->n; i++) {
		b->dec(key[i], &b->gcm, batch->dst[i], batch->src[i], batch->len[i],
			batch->nonce[i], batch->aad[i], batch->aad_len[i], b->tag, TAG_LEN);
		good &= saker_ct_equal(b->tag, batch->icv[i], TAG_LEN);
	}
	return good;
}

/* With VAES the powers of H lie behind the round keys, H itself last; a packet takes as many as
 * it has blocks.
 */
void
saker_bare_prefetch(const struct saker_bare *b, const void *key, uint32_t len)
{
	const char *p = key, *last = p + BLOCK * 15 + b->powers - 1;
	unsigned int need = (len + BLOCK - 1) / BLOCK * BLOCK + 3 * BLOCK;

	if (b->powers == 0) {
		for (unsigned int i = 0; i < sizeof(struct gcm_key_data); i += LINE)
			__builtin_prefetch(p + i);
		return;
	}
	need = need < b->powers ? need : b->powers;
	for (unsigned int i = 0; i < b->key_lines; i++)
		__builtin_prefetch(p + i * LINE);
	for (unsigned int i = 0; i < need; i += LINE)
		__builtin_prefetch(last - i);
	__builtin_prefetch(last - need + 1);
}

#else

struct saker_bare *
saker_bare_open(enum saker_suite suite)
{
	(void)suite;
	return NULL;
}

void
saker_bare_close(struct saker_bare *b)
{
	(void)b;
}

void
saker_bare_expand(const struct saker_bare *b, const uint8_t *key, void *at)
{
	(void)b, (void)key, (void)at;
}

void
saker_bare_seal(struct saker_bare *b, struct saker_batch *batch, const void *const *key)
{
	(void)b, (void)batch, (void)key;
}

bool
saker_bare_open_all(struct saker_bare *b, struct saker_batch *batch, const void *const *key)
{
	(void)b, (void)batch, (void)key;
	return false;
}

void
saker_bare_prefetch(const struct saker_bare *b, const void *key, uint32_t len)
{
	(void)b, (void)key, (void)len;
}

#endif
