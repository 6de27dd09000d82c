/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/*
 * Crypto driver over the Intel Multi-Buffer Crypto for IPsec library, 1.3 or later.
 *
 * The library has CMAC jobs, but a message of whole blocks is better served by hand: CMAC is then
 * X = E(X ^ block), block after block, with K1 xored into the last one. So the first blocks
 * of all slots and all counters make one plane, encrypted by one ECB job; then the second, then
 * the third. A plane costs a few cycles a block, a CMAC job about a hundred.
 */

#include "saker_ipsec_mb.h"

#include <errno.h>

#include "saker_cpu.h"
#include "saker_crypto.h"

#define MAX_OUTPUTS 3 /* CMACs of a data key: 32 octets of key, 12 of mask */
#define SUITES      2
#define KEY_LEN     32
#define IV_LEN      12
#define TAG_LEN     16

/* One AES block. */
typedef uint8_t block __attribute__((vector_size(SAKER_KDF_BLOCK)));

/* What a struct saker_expanded_key holds. */
struct expanded {
	struct gcm_key_data gcm;
	uint8_t mask[SAKER_MASK_LEN];
};

_Static_assert(sizeof(struct expanded) <= SAKER_EXPANDED_SIZE, "an expanded key needs more room");
_Static_assert(_Alignof(struct expanded) <= _Alignof(struct saker_expanded_key),
	"an expanded key must be aligned as the library wants it");

/* The library's calls for one suite. */
struct suite_calls {
	aes_gcm_pre_t pre;
	aes_gcm_enc_dec_t enc;
	aes_gcm_enc_dec_t dec;
};

/* Of one lcore. Nothing in planes and what follows outlives a call. */
struct context {
	IMB_MGR *mgr;
	struct suite_calls calls[SUITES];
	block planes[MAX_OUTPUTS * SAKER_BATCH] __attribute__((aligned(64)));
	struct saker_data_key keys[SAKER_BATCH];
	struct gcm_key_data fresh __attribute__((aligned(64)));
	struct gcm_context_data gcm __attribute__((aligned(64)));
	uint8_t iv[IV_LEN];
	uint8_t tag[TAG_LEN];
	uint8_t decryption_schedule[15][16] __attribute__((aligned(16)));
};

/* Neighbours that share a group key. */
struct run {
	const struct saker_batch *batch;
	const uint8_t *slot;
	unsigned int n;
	unsigned int outputs;
};

static void
init_mgr(IMB_MGR *mgr)
{
	if (saker_cpu_may_use(SAKER_CPU_AVX512))
		init_mb_mgr_auto(mgr, NULL);
	else if (saker_cpu_may_use(SAKER_CPU_AVX2))
		init_mb_mgr_avx2(mgr);
	else
		init_mb_mgr_sse(mgr);
}

IMB_MGR *
saker_ipsec_mb_open(void)
{
	IMB_MGR *mgr = alloc_mb_mgr(0);

	if (mgr == NULL)
		return NULL;
	init_mgr(mgr);
	if (mgr->used_arch == IMB_ARCH_NONE || imb_get_errno(mgr) != 0) {
		free_mb_mgr(mgr);
		return NULL;
	}
	return mgr;
}

static int
mb_probe(void)
{
	static const struct {
		enum saker_cpu cpu;
		uint64_t features;
		int priority;
	} tiers[] = {
		{ SAKER_CPU_AVX512,
			IMB_FEATURE_AVX512_SKX | IMB_FEATURE_VAES | IMB_FEATURE_VPCLMULQDQ, 100 },
		{ SAKER_CPU_AVX2, IMB_FEATURE_AVX2 | IMB_FEATURE_AESNI | IMB_FEATURE_PCLMULQDQ,
			80 },
		{ SAKER_CPU_SSE, IMB_FEATURE_AESNI | IMB_FEATURE_PCLMULQDQ, 60 },
	};
	IMB_MGR *mgr = saker_ipsec_mb_open();
	uint64_t features = mgr == NULL ? 0 : mgr->features;

	if (mgr != NULL)
		free_mb_mgr(mgr);
	for (size_t i = 0; i < sizeof(tiers) / sizeof(tiers[0]); i++)
		if (saker_cpu_may_use(tiers[i].cpu) &&
			(features & tiers[i].features) == tiers[i].features)
			return tiers[i].priority;
	return -ENOTSUP;
}

static void *
mb_lcore_init(int socket)
{
	struct context *c = saker_secret_alloc(sizeof(*c));

	(void)socket;
	if (c == NULL)
		return NULL;
	c->mgr = saker_ipsec_mb_open();
	if (c->mgr == NULL) {
		saker_secret_free(c, sizeof(*c));
		return NULL;
	}
	c->calls[SAKER_AES_128_GCM - 1] = (struct suite_calls){
		.pre = c->mgr->gcm128_pre,
		.enc = c->mgr->gcm128_enc,
		.dec = c->mgr->gcm128_dec,
	};
	c->calls[SAKER_AES_256_GCM - 1] = (struct suite_calls){
		.pre = c->mgr->gcm256_pre,
		.enc = c->mgr->gcm256_enc,
		.dec = c->mgr->gcm256_dec,
	};
	return c;
}

static void
mb_lcore_fini(void *ctx)
{
	struct context *c = ctx;

	if (c == NULL)
		return;
	free_mb_mgr(c->mgr);
	saker_secret_free(c, sizeof(*c));
}

static int
mb_expand(void *ctx, enum saker_suite suite, const struct saker_data_key *key,
	struct saker_expanded_key *e)
{
	const struct context *c = ctx;
	struct expanded *own = (void *)e->octets;

	c->calls[suite - 1].pre(key->key, &own->gcm);
	memcpy(own->mask, key->mask, sizeof(own->mask));
	return 0;
}

static inline block
load_block(const uint8_t *p)
{
	block v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* First blocks, with the counter. */
static void
fill_planes(block *x, const struct run *r, block pad)
{
	const block no_counter = ~(block){ 0xff, 0, 0, 0xff };
	unsigned int counter_at = saker_kdf_counter_bit(r->batch->kdf_shape) / 8;

	for (unsigned int o = 0; o < r->outputs; o++) {
		block counter = { 0 };

		counter[counter_at] = (uint8_t)(o + 1);
		for (unsigned int i = 0; i < r->n; i++) {
			block first = load_block(r->batch->kdf[0][r->slot[i]]);

			*x++ = (first & no_counter) ^ counter ^ pad;
		}
	}
}

/* Further blocks, chained to what the planes hold. */
static void
chain_planes(block *x, const struct run *r, unsigned int j, block pad)
{
	for (unsigned int o = 0; o < r->outputs; o++)
		for (unsigned int i = 0; i < r->n; i++)
			*x++ ^= load_block(r->batch->kdf[j][r->slot[i]]) ^ pad;
}

static bool
encrypt_planes(struct context *c, const struct saker_master *m, unsigned int blocks)
{
	IMB_JOB *job = IMB_GET_NEXT_JOB(c->mgr);

	job->cipher_mode = IMB_CIPHER_ECB;
	job->hash_alg = IMB_AUTH_NULL;
	job->cipher_direction = IMB_DIR_ENCRYPT;
	job->chain_order = IMB_ORDER_CIPHER_HASH;
	job->key_len_in_bytes = KEY_LEN;
	job->enc_keys = m->round_keys;
	job->dec_keys = m->round_keys;
	job->src = (const uint8_t *)c->planes;
	job->dst = (uint8_t *)c->planes;
	job->cipher_start_src_offset_in_bytes = 0;
	job->msg_len_to_cipher_in_bytes = (uint64_t)blocks * SAKER_KDF_BLOCK;
	job->iv = NULL;
	job->iv_len_in_bytes = 0;
	job = IMB_SUBMIT_JOB_NOCHECK(c->mgr);
	if (job == NULL)
		job = IMB_FLUSH_JOB(c->mgr);
	return job != NULL && job->status == IMB_STATUS_COMPLETED;
}

/* The library's own call for the subkeys branches on bits of them. */
static int
mb_set_master(void *ctx, const uint8_t *key, struct saker_master *m)
{
	struct context *c = ctx;
	bool good;

	IMB_AES_KEYEXP_256(c->mgr, key, m->round_keys, c->decryption_schedule);
	c->planes[0] = (block){ 0 };
	/* The library tells nobody when it does nothing. */
	good = saker_ct_equal(m->round_keys, key, KEY_LEN) && encrypt_planes(c, m, 1);
	if (good)
		saker_cmac_subkeys((const uint8_t *)c->planes, m->k1, m->k2);
	else
		saker_wipe(m, sizeof(*m));
	saker_wipe(c->decryption_schedule, sizeof(c->decryption_schedule));
	saker_wipe(c->planes, sizeof(c->planes[0]));
	return good ? 0 : -EIO;
}

static void
store_keys(const block *x, const struct run *r, struct saker_data_key *keys)
{
	unsigned int last = r->outputs - 1;

	for (unsigned int i = 0; i < r->n; i++) {
		struct saker_data_key *k = &keys[r->slot[i]];

		memset(k->key + SAKER_KDF_BLOCK, 0, SAKER_KDF_BLOCK);
		for (unsigned int o = 0; o < last; o++)
			memcpy(k->key + o * SAKER_KDF_BLOCK, &x[o * r->n + i], SAKER_KDF_BLOCK);
		memset(k->mask, 0, SAKER_MASK_LEN);
		if (r->batch->kdf_shape == SAKER_KDF_MASKED)
			memcpy(k->mask, &x[last * r->n + i], SAKER_MASK_LEN);
	}
}

static bool
derive_run(struct context *c, const struct run *r, struct saker_data_key *keys)
{
	const struct saker_master *m = r->batch->master[r->slot[0]];
	unsigned int last = r->batch->kdf_blocks - 1u;

	for (unsigned int j = 0; j <= last; j++) {
		const block pad = j == last ? load_block(m->k1) : (block){ 0 };

		if (j == 0)
			fill_planes(c->planes, r, pad);
		else
			chain_planes(c->planes, r, j, pad);
		if (!encrypt_planes(c, m, r->n * r->outputs))
			return false;
	}
	store_keys(c->planes, r, keys);
	return true;
}

/* The data keys of the n slots named, each at its slot's place. */
static bool
derive_slots(struct context *c, const struct saker_batch *b, const uint8_t *slot, unsigned int n,
	struct saker_data_key *keys)
{
	struct run r = { .batch = b, .outputs = b->suite == SAKER_AES_128_GCM ? 2 : 3 };
	bool good = true;

	for (unsigned int at = 0; at < n && good; at += r.n) {
		r.slot = slot + at;
		r.n = 1;
		while (at + r.n < n && b->master[r.slot[r.n]] == b->master[r.slot[0]])
			r.n++;
		good = derive_run(c, &r, keys);
	}
	saker_wipe(c->planes, (size_t)n * r.outputs * SAKER_KDF_BLOCK);
	return good;
}

static int
mb_derive(void *ctx, struct saker_batch *b, struct saker_data_key *keys)
{
	uint8_t slot[SAKER_BATCH];

	for (unsigned int i = 0; i < b->n; i++)
		slot[i] = (uint8_t)i;
	if (derive_slots(ctx, b, slot, b->n, keys))
		return 0;
	saker_wipe(keys, b->n * sizeof(*keys));
	return -EIO;
}

/* Keys for the slots that were given none. */
static bool
derive_missing(struct context *c, const struct saker_batch *b)
{
	uint8_t slot[SAKER_BATCH];
	unsigned int n = 0;

	for (unsigned int i = 0; i < b->n; i++)
		if (b->expanded[i] == NULL)
			slot[n++] = (uint8_t)i;
	return derive_slots(c, b, slot, n, c->keys);
}

/* In two words, as the library will read it: stores of octets would hold that up. */
static inline void
masked_nonce(const uint8_t *nonce, const uint8_t *mask, uint8_t *iv)
{
	uint64_t a, x;
	uint32_t b, y;

	memcpy(&a, nonce, sizeof(a));
	memcpy(&b, nonce + sizeof(a), sizeof(b));
	memcpy(&x, mask, sizeof(x));
	memcpy(&y, mask + sizeof(x), sizeof(y));
	a ^= x;
	b ^= y;
	memcpy(iv, &a, sizeof(a));
	memcpy(iv + sizeof(a), &b, sizeof(b));
}

/* The key of slot i; fills c->iv as well. */
static inline const struct gcm_key_data *
ready_key(struct context *c, const struct saker_batch *b, unsigned int i)
{
	if (b->expanded[i] != NULL) {
		const struct expanded *given = (const void *)b->expanded[i]->octets;

		masked_nonce(b->nonce[i], given->mask, c->iv);
		return &given->gcm;
	}
	masked_nonce(b->nonce[i], c->keys[i].mask, c->iv);
	c->calls[b->suite - 1].pre(c->keys[i].key, &c->fresh);
	return &c->fresh;
}

static inline void
seal_slot(struct context *c, struct saker_batch *b, unsigned int i)
{
	const struct gcm_key_data *key = ready_key(c, b, i);

	c->calls[b->suite - 1].enc(key, &c->gcm, b->dst[i], b->src[i], b->len[i], c->iv, b->aad[i],
		b->aad_len[i], b->icv[i], TAG_LEN);
	b->status[i] = SAKER_JOB_OK;
}

static inline void
open_slot(struct context *c, struct saker_batch *b, unsigned int i)
{
	const struct gcm_key_data *key = ready_key(c, b, i);

	c->calls[b->suite - 1].dec(key, &c->gcm, b->dst[i], b->src[i], b->len[i], c->iv, b->aad[i],
		b->aad_len[i], c->tag, TAG_LEN);
	b->status[i] = SAKER_JOB_OK;
	if (!saker_ct_equal(c->tag, b->icv[i], TAG_LEN)) {
		saker_wipe(b->dst[i], b->len[i]);
		b->status[i] = SAKER_JOB_BAD_ICV;
	}
}

/* End of a call. @return slots that went well */
static unsigned int
finish(struct context *c, const struct saker_batch *b)
{
	unsigned int good = 0;

	saker_wipe(c->keys, b->n * sizeof(c->keys[0]));
	saker_wipe(&c->fresh, sizeof(c->fresh));
	saker_wipe(&c->gcm, sizeof(c->gcm));
	saker_wipe(c->iv, sizeof(c->iv));
	saker_wipe(c->tag, sizeof(c->tag));
	for (unsigned int i = 0; i < b->n; i++)
		good += b->status[i] == SAKER_JOB_OK;
	return good;
}

static unsigned int
mb_seal(void *ctx, struct saker_batch *b)
{
	struct context *c = ctx;

	memset(b->status, SAKER_JOB_ERROR, b->n);
	if (derive_missing(c, b))
		for (unsigned int i = 0; i < b->n; i++)
			seal_slot(c, b, i);
	return finish(c, b);
}

static unsigned int
mb_open(void *ctx, struct saker_batch *b)
{
	struct context *c = ctx;

	memset(b->status, SAKER_JOB_ERROR, b->n);
	if (derive_missing(c, b))
		for (unsigned int i = 0; i < b->n; i++)
			open_slot(c, b, i);
	return finish(c, b);
}

const struct saker_crypto_ops saker_ipsec_mb_ops = {
	.name = "ipsec_mb",
	.help = "AES-NI and PCLMULQDQ; fastest with AVX512 and VAES",
	.probe = mb_probe,
	.lcore_init = mb_lcore_init,
	.lcore_fini = mb_lcore_fini,
	.set_master = mb_set_master,
	.expand = mb_expand,
	.derive = mb_derive,
	.seal = mb_seal,
	.open = mb_open,
};
