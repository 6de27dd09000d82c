/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/*
 * Crypto driver over DPDK's symmetric crypto devices: look-aside, for hardware with an engine of
 * its own. A batch is handed to the device as a whole, and waited for.
 *
 * - Texts are copied into buffers of this driver and back. The caller's memory need not be such
 *   that a device can reach it, and what a device makes of a damaged packet never gets there.
 * - A device keys itself by sessions, so each packet has one that lives for one call. Their
 *   price is the device's, and is why this driver is never chosen unless it is named.
 * - Keys are derived by the best of the other drivers: a CMAC is a chain of single blocks, and
 *   sending each to a device and waiting for it would cost more than to compute it.
 * - Whether an ICV is right the device says, and whether it compares in constant time is its
 *   affair: the ICV that it computed is not told.
 * - A device that keeps a job to itself for more than PATIENCE_S gets no further ones until it has
 *   given it back; till then all are SAKER_JOB_ERROR.
 * - A job with a text of more than MAX_TEXT octets, or with more AAD than the device can take or
 *   than MAX_AAD, gets SAKER_JOB_ERROR. All devices in use take 64 octets of AAD.
 */

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include <rte_crypto.h>
#include <rte_cryptodev.h>
#include <rte_cycles.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_pause.h>

#include "cryptodev_queue.h"
#include "saker_crypto.h"

#define IV_LEN   SAKER_CRYPTODEV_IV
#define ICV_LEN  SAKER_CRYPTODEV_ICV
#define MAX_TEXT 10240 /* a packet of the largest MTU with all its headers */
#define MAX_AAD  528   /* the longest header with the longest clear payload, in whole blocks */

/* What lies behind an operation. */
#define IV_OFFSET  (sizeof(struct rte_crypto_op) + sizeof(struct rte_crypto_sym_op))
#define IV_ROOM    16
#define AAD_OFFSET (IV_OFFSET + IV_ROOM)

#define MAX_REFUSALS 1000 /* polls after which an idle device won't take a job any more */
#define PATIENCE_S   1    /* an answer is not waited for any longer */

_Static_assert(
	sizeof(struct saker_data_key) <= SAKER_EXPANDED_SIZE, "an expanded key needs more room");

/* Of one lcore. Nothing in keys outlives a call. */
struct context {
	struct saker_cryptodev_queue *queue;
	void *kdf_ctx;
	unsigned int missing; /* jobs that did not come back: all below is still the device's */
	struct rte_mempool *session_pool, *op_pool, *buffer_pool;
	struct rte_crypto_op *ops[SAKER_BATCH]; /* of slots */
	struct rte_mbuf *buffers[SAKER_BATCH];
	struct rte_crypto_op *sent[SAKER_BATCH], *back[SAKER_BATCH];
	const struct saker_data_key *key[SAKER_BATCH]; /* of slots */
	struct saker_batch fresh;                      /* the slots whose keys are derived */
	struct saker_data_key keys[SAKER_BATCH];       /* theirs */
};

/* Chosen once, as masters are for one driver only. */
static const struct saker_crypto_ops *kdf;
static pthread_once_t kdf_chosen = PTHREAD_ONCE_INIT;

static int
cdev_probe(void)
{
	return saker_cryptodev_present() ? 1 : -ENOTSUP;
}

static void
choose_kdf(void)
{
	for (const struct saker_crypto_ops *const *d = saker_crypto_drivers; *d != NULL; d++)
		if (*d != &saker_cryptodev_ops && saker_crypto_check(*d) == SAKER_CRYPTO_READY &&
			(kdf == NULL || (*d)->probe() > kdf->probe()))
			kdf = *d;
}

static const char *
pool_name(char *name, size_t size, const struct context *c, const char *what)
{
	snprintf(name, size, "saker-%s-%u-%u", what, c->queue->dev, c->queue->id);
	return name;
}

static bool
make_pools(struct context *c, int socket)
{
	unsigned int session = rte_cryptodev_sym_get_private_session_size(c->queue->dev);
	uint16_t room = RTE_PKTMBUF_HEADROOM + MAX_TEXT + ICV_LEN + SAKER_CRYPTODEV_TAILROOM;
	char name[RTE_MEMPOOL_NAMESIZE];

	c->session_pool = rte_cryptodev_sym_session_pool_create(
		pool_name(name, sizeof(name), c, "key"), SAKER_BATCH, session, 0, 0, socket);
	c->op_pool = rte_crypto_op_pool_create(pool_name(name, sizeof(name), c, "op"),
		RTE_CRYPTO_OP_TYPE_SYMMETRIC, SAKER_BATCH, 0, IV_ROOM + MAX_AAD, socket);
	c->buffer_pool = rte_pktmbuf_pool_create(
		pool_name(name, sizeof(name), c, "text"), SAKER_BATCH, 0, 0, room, socket);
	return c->session_pool != NULL && c->op_pool != NULL && c->buffer_pool != NULL &&
	       rte_crypto_op_bulk_alloc(c->op_pool, RTE_CRYPTO_OP_TYPE_SYMMETRIC, c->ops,
		       SAKER_BATCH) == SAKER_BATCH &&
	       rte_pktmbuf_alloc_bulk(c->buffer_pool, c->buffers, SAKER_BATCH) == 0;
}

static void
free_pools(struct context *c)
{
	if (c->buffers[0] != NULL)
		rte_pktmbuf_free_bulk(c->buffers, SAKER_BATCH);
	if (c->ops[0] != NULL)
		rte_mempool_put_bulk(c->op_pool, (void **)c->ops, SAKER_BATCH);
	rte_mempool_free(c->buffer_pool);
	rte_mempool_free(c->op_pool);
	rte_mempool_free(c->session_pool);
}

static uint8_t *
iv_of(struct rte_crypto_op *op)
{
	return rte_crypto_op_ctod_offset(op, uint8_t *, IV_OFFSET);
}

static uint8_t *
text_of(const struct context *c, unsigned int i)
{
	return rte_pktmbuf_mtod(c->buffers[i], uint8_t *);
}

/* End all sessions, which wipes their keys, and wipe what the device has worked on. */
static void
forget(struct context *c)
{
	for (unsigned int i = 0; i < SAKER_BATCH; i++) {
		struct rte_crypto_op *op = c->ops[i];

		if (op->sym->session == NULL)
			continue;
		rte_cryptodev_sym_session_free(c->queue->dev, op->sym->session);
		op->sym->session = NULL;
		saker_wipe(iv_of(op), IV_LEN);
		saker_wipe(text_of(c, i), c->buffers[i]->data_len);
	}
}

/* Collect jobs that are late. @return false: some are still missing */
static bool
all_are_back(struct context *c)
{
	if (c->missing == 0)
		return true;
	c->missing -= rte_cryptodev_dequeue_burst(
		c->queue->dev, c->queue->id, c->back, (uint16_t)c->missing);
	if (c->missing == 0)
		forget(c);
	return c->missing == 0;
}

/* A queue pair that owes us a job is lost, and so is what the job uses. */
static void
cdev_lcore_fini(void *ctx)
{
	struct context *c = ctx;

	if (c == NULL)
		return;
	if (c->kdf_ctx != NULL)
		kdf->lcore_fini(c->kdf_ctx);
	if (c->queue != NULL && all_are_back(c)) {
		free_pools(c);
		saker_cryptodev_give_back(c->queue);
	}
	saker_secret_free(c, sizeof(*c));
}

static void *
cdev_lcore_init(int socket)
{
	struct context *c = saker_secret_alloc(sizeof(*c));

	pthread_once(&kdf_chosen, choose_kdf);
	if (c == NULL || kdf == NULL) {
		saker_secret_free(c, sizeof(*c));
		return NULL;
	}
	c->queue = saker_cryptodev_take(socket);
	c->kdf_ctx = kdf->lcore_init(socket);
	if (c->queue != NULL && c->kdf_ctx != NULL && make_pools(c, socket))
		return c;
	cdev_lcore_fini(c);
	return NULL;
}

static int
cdev_set_master(void *ctx, const uint8_t *key, struct saker_master *m)
{
	struct context *c = ctx;

	return kdf->set_master(c->kdf_ctx, key, m);
}

static int
cdev_expand(void *ctx, enum saker_suite suite, const struct saker_data_key *key,
	struct saker_expanded_key *e)
{
	(void)ctx;
	(void)suite;
	memcpy(e->octets, key, sizeof(*key));
	return 0;
}

static int
cdev_derive(void *ctx, struct saker_batch *b, struct saker_data_key *keys)
{
	struct context *c = ctx;

	return kdf->derive(c->kdf_ctx, b, keys);
}

/* Point at every slot's key, given or derived. */
static bool
ready_keys(struct context *c, const struct saker_batch *b)
{
	struct saker_batch *fresh = &c->fresh;

	fresh->n = 0;
	fresh->suite = b->suite;
	fresh->kdf_blocks = b->kdf_blocks;
	fresh->kdf_shape = b->kdf_shape;
	for (unsigned int i = 0; i < b->n; i++) {
		unsigned int at = fresh->n;

		if (b->expanded[i] != NULL) {
			c->key[i] = (const void *)b->expanded[i]->octets;
			continue;
		}
		c->key[i] = &c->keys[at];
		fresh->master[at] = b->master[i];
		for (unsigned int j = 0; j < b->kdf_blocks; j++)
			memcpy(fresh->kdf[j][at], b->kdf[j][i], SAKER_KDF_BLOCK);
		fresh->n++;
	}
	return fresh->n == 0 || kdf->derive(c->kdf_ctx, fresh, c->keys) == 0;
}

static bool
fits(const struct context *c, const struct saker_batch *b, unsigned int i)
{
	return b->len[i] <= MAX_TEXT && b->aad_len[i] <= MAX_AAD &&
	       rte_cryptodev_sym_capability_check_aead(c->queue->gcm,
		       saker_suite_key_len((enum saker_suite)b->suite), ICV_LEN, b->aad_len[i],
		       IV_LEN) == 0;
}

static void *
make_session(const struct context *c, const struct saker_batch *b, unsigned int i,
	enum rte_crypto_aead_operation way)
{
	struct rte_crypto_sym_xform xform = {
		.type = RTE_CRYPTO_SYM_XFORM_AEAD,
		.aead = {
			.op = way,
			.algo = RTE_CRYPTO_AEAD_AES_GCM,
			.key = { .data = c->key[i]->key,
				.length = saker_suite_key_len((enum saker_suite)b->suite) },
			.iv = { .offset = IV_OFFSET, .length = IV_LEN },
			.digest_length = ICV_LEN,
			.aad_length = b->aad_len[i],
		},
	};

	return rte_cryptodev_sym_session_create(c->queue->dev, &xform, c->session_pool);
}

/* Slots may have no text, and then need no pointer to it. */
static void
copy(uint8_t *to, const uint8_t *from, size_t n)
{
	if (n > 0)
		memcpy(to, from, n);
}

/* Where the slot's text, ICV and AAD lie, for the device to find. */
static void
describe(const struct context *c, const struct saker_batch *b, unsigned int i)
{
	struct rte_crypto_sym_op *sym = c->ops[i]->sym;
	struct rte_mbuf *m = c->buffers[i];

	m->data_len = (uint16_t)(b->len[i] + ICV_LEN);
	m->pkt_len = m->data_len;
	sym->m_src = m;
	sym->m_dst = NULL;
	sym->aead.data.offset = 0;
	sym->aead.data.length = b->len[i];
	sym->aead.digest.data = text_of(c, i) + b->len[i];
	sym->aead.digest.phys_addr = rte_pktmbuf_iova_offset(m, b->len[i]);
	sym->aead.aad.data = rte_crypto_op_ctod_offset(c->ops[i], uint8_t *, AAD_OFFSET);
	sym->aead.aad.phys_addr = rte_crypto_op_ctophys_offset(c->ops[i], AAD_OFFSET);
}

/* Give slot i its operation. @return false: its status is an error */
static bool
prepare(const struct context *c, const struct saker_batch *b, unsigned int i,
	enum rte_crypto_aead_operation way)
{
	struct rte_crypto_op *op = c->ops[i];
	void *session = fits(c, b, i) ? make_session(c, b, i, way) : NULL;

	op->status = RTE_CRYPTO_OP_STATUS_ERROR;
	rte_crypto_op_attach_sym_session(op, session);
	if (session == NULL)
		return false;
	rte_pktmbuf_reset(c->buffers[i]);
	describe(c, b, i);
	for (unsigned int k = 0; k < IV_LEN; k++)
		iv_of(op)[k] = b->nonce[i][k] ^ c->key[i]->mask[k];
	copy(op->sym->aead.aad.data, b->aad[i], b->aad_len[i]);
	copy(text_of(c, i), b->src[i], b->len[i]);
	if (way == RTE_CRYPTO_AEAD_OP_DECRYPT)
		memcpy(op->sym->aead.digest.data, b->icv[i], ICV_LEN);
	op->status = RTE_CRYPTO_OP_STATUS_NOT_PROCESSED;
	return true;
}

/* Hand n operations to the device until all are back. @return how many never came */
static unsigned int
exchange(struct context *c, unsigned int n)
{
	const uint64_t patience = PATIENCE_S * rte_get_tsc_hz();
	unsigned int sent = 0, back = 0, refusals = 0;
	uint64_t since = rte_get_tsc_cycles();

	while (back < n) {
		uint16_t in = rte_cryptodev_enqueue_burst(
			c->queue->dev, c->queue->id, c->sent + sent, (uint16_t)(n - sent));
		uint16_t out = rte_cryptodev_dequeue_burst(
			c->queue->dev, c->queue->id, c->back, SAKER_BATCH);

		sent += in;
		back += out;
		if (in + out > 0) {
			since = rte_get_tsc_cycles();
			refusals = 0;
		} else if (sent > back) {
			if (rte_get_tsc_cycles() - since > patience)
				return sent - back;
			rte_pause();
		} else if (++refusals > MAX_REFUSALS) {
			c->sent[sent++]->status = RTE_CRYPTO_OP_STATUS_ERROR;
			back++;
		}
	}
	return 0;
}

/* Only what was found good gets out. */
static enum saker_job_status
conclude(const struct context *c, struct saker_batch *b, unsigned int i,
	enum rte_crypto_aead_operation way)
{
	bool bad = c->ops[i]->status == RTE_CRYPTO_OP_STATUS_AUTH_FAILED;

	if (c->missing > 0 || c->ops[i]->status != RTE_CRYPTO_OP_STATUS_SUCCESS) {
		saker_wipe(b->dst[i], b->len[i]);
		return c->missing == 0 && bad ? SAKER_JOB_BAD_ICV : SAKER_JOB_ERROR;
	}
	copy(b->dst[i], text_of(c, i), b->len[i]);
	if (way == RTE_CRYPTO_AEAD_OP_ENCRYPT)
		memcpy(b->icv[i], c->ops[i]->sym->aead.digest.data, ICV_LEN);
	return SAKER_JOB_OK;
}

static unsigned int
run(struct context *c, struct saker_batch *b, enum rte_crypto_aead_operation way)
{
	unsigned int n = 0, good = 0;

	memset(b->status, SAKER_JOB_ERROR, b->n);
	if (!all_are_back(c))
		return 0;
	if (ready_keys(c, b)) {
		for (unsigned int i = 0; i < b->n; i++)
			if (prepare(c, b, i, way))
				c->sent[n++] = c->ops[i];
		c->missing = exchange(c, n);
		for (unsigned int i = 0; i < b->n; i++) {
			b->status[i] = (uint8_t)conclude(c, b, i, way);
			good += b->status[i] == SAKER_JOB_OK;
		}
		if (c->missing == 0)
			forget(c);
	}
	saker_wipe(c->keys, sizeof(c->keys));
	return good;
}

static unsigned int
cdev_seal(void *ctx, struct saker_batch *b)
{
	return run(ctx, b, RTE_CRYPTO_AEAD_OP_ENCRYPT);
}

static unsigned int
cdev_open(void *ctx, struct saker_batch *b)
{
	return run(ctx, b, RTE_CRYPTO_AEAD_OP_DECRYPT);
}

const struct saker_crypto_ops saker_cryptodev_ops = {
	.name = "cryptodev",
	.help = "a crypto device of DPDK with AES-GCM, as of EAL --vdev=crypto_aesni_gcm0",
	.probe = cdev_probe,
	.lcore_init = cdev_lcore_init,
	.lcore_fini = cdev_lcore_fini,
	.set_master = cdev_set_master,
	.expand = cdev_expand,
	.derive = cdev_derive,
	.seal = cdev_seal,
	.open = cdev_open,
};
