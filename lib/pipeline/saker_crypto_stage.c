/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_crypto_stage.h"

#define UNIT         64 /* octets that drivers handle at a time */
#define SIZE_CLASSES 6  /* nothing, up to one, two, three, four units, and longer */
#define KINDS        (2 * 2 * 2 * SAKER_KDF_MAX_BLOCKS) /* shape, suite, cached, KDF blocks */

/* 1 behind an outer IPv6 header, else 0. */
static unsigned int
is_six(const struct saker_burst *b, unsigned int i)
{
	return b->ip[i][0] >> 4 == 6;
}

/* What neighbours in a driver call had better share: kind, then size. */
static inline uint8_t
class_of(const struct saker_burst *b, unsigned int i)
{
	unsigned int units = (b->jobs.len[i] + UNIT - 1u) / UNIT;

	return (uint8_t)(b->kind[i] * SIZE_CLASSES + RTE_MIN(units, SIZE_CLASSES - 1u));
}

/* Counting sort of slots by class. */
static void
sort_classes(const uint8_t *class, uint16_t n, uint8_t *slot)
{
	uint8_t start[KINDS * SIZE_CLASSES] = { 0 };
	unsigned int sum = 0;

	for (uint16_t i = 0; i < n; i++)
		start[class[i]]++;
	for (unsigned int c = 0; c < KINDS * SIZE_CLASSES; c++) {
		unsigned int count = start[c];

		start[c] = (uint8_t)sum;
		sum += count;
	}
	for (uint16_t i = 0; i < n; i++)
		slot[start[class[i]]++] = (uint8_t)i;
}

/* Address pairs, and addresses of IPv6. */
static void
fill_kdf_blocks(struct saker_burst *b, unsigned int i)
{
	const struct saker_group *g = b->group[i];
	const uint8_t *ip = b->ip[i];
	unsigned int six = is_six(b, i);
	const struct saker_kdf_context c = {
		.format = g->cfg->format,
		.server = g->cfg->role != SAKER_ROLE_PEER,
		.variant = g->variant,
		.family = six ? 6 : 4,
		.epoch = (uint16_t)(b->sn[i] >> SAKER_COUNTER_BITS),
		.rekey = saker_rekey_masked(b->sn[i], g->kdf.rekey_shift, g->kdf.rekey_mask),
		.source = b->source[i],
		.src = ip + (six ? 8 : 12),
		.dst = ip + (six ? 24 : 16),
	};
	uint8_t input[SAKER_KDF_MAX_BLOCKS * SAKER_KDF_BLOCK];

	saker_kdf_input(&c, g->suite, input);
	for (unsigned int j = 0; j < g->kdf_blocks[six]; j++)
		memcpy(b->jobs.kdf[j][i], input + j * SAKER_KDF_BLOCK, SAKER_KDF_BLOCK);
}

static inline void
fill_kdf(struct saker_burst *b, unsigned int i)
{
	const struct saker_group *g = b->group[i];
	uint64_t source = b->source[i];

	if (unlikely(g->kdf_blocks[is_six(b, i)] > 1)) {
		fill_kdf_blocks(b, i);
		return;
	}
	if (g->by_address)
		source = saker_load_be32(b->ip[i] + 12);
	saker_kdf_block(&g->kdf, b->sn[i], source, b->jobs.kdf[0][i]);
}

/* AAD and nonce of formats other than E. */
static void
fill_of_format(struct saker_worker *w, struct saker_burst *b, unsigned int i, bool sends)
{
	const struct saker_group *g = b->group[i];
	const struct saker_sealed s = {
		.ip = b->ip[i],
		.head = b->head[i],
		.parts = &b->parts[i],
		.terms = &g->terms,
		.sn = b->sn[i],
		.source = b->source[i],
		.session = b->session[i],
		.role = sends ? g->send_role : g->receive_role,
		.variant = g->variant,
	};

	g->format->nonce(&s, b->jobs.nonce[i]);
	b->jobs.aad[i] = g->format->aad(&s, w->aad[i], &b->jobs.aad_len[i]);
}

static inline void
fill_head(struct saker_worker *w, struct saker_burst *b, unsigned int i, bool sends)
{
	const struct saker_group *g = b->group[i];
	struct saker_batch *jobs = &b->jobs;

	if (unlikely(!g->eesp)) {
		fill_of_format(w, b, i, sends);
		return;
	}
	saker_nonce(b->session[i], sends ? g->send_role : g->receive_role, g->variant, b->sn[i],
		jobs->nonce[i]);
	jobs->aad[i] = saker_eesp_aad(b->head[i], &b->parts[i], w->aad[i], &jobs->aad_len[i]);
}

static void
fill_job(struct saker_worker *w, struct saker_burst *b, unsigned int i, bool sends)
{
	struct saker_batch *jobs = &b->jobs;
	const struct saker_parts *parts = &b->parts[i];
	uint8_t *text = b->head[i] + parts->cipher_at;

	jobs->master[i] = b->master[i];
	jobs->expanded[i] = b->expanded[i];
	if (likely(b->expanded[i] == NULL))
		fill_kdf(b, i);
	fill_head(w, b, i, sends);
	jobs->src[i] = text;
	jobs->dst[i] = text;
	jobs->len[i] = parts->cipher_len;
	jobs->icv[i] = text + parts->cipher_len;
	b->kind[i] = b->group[i]->kind[is_six(b, i)];
}

/* Keys that were handed out are neither derived nor cached. given: there may be some */
static void
count_keys(struct saker_worker *w, struct saker_batch *batch, bool sends, bool cached, bool given)
{
	struct saker_way_count *count = &w->count[sends ? SAKER_OUTBOUND : SAKER_INBOUND];
	unsigned int ours = batch->n, derived;

	for (unsigned int i = 0; unlikely(given) && i < batch->n; i++)
		ours -= batch->expanded[i] != NULL;
	derived = ours;
	if (unlikely(cached)) {
		derived = saker_key_cache_fill(w->cache, batch);
		for (unsigned int i = 0; i < batch->n; i++)
			derived += batch->expanded[i] == NULL;
		count->keys_cached += ours - derived;
	}
	count->keys_derived += derived;
}

static void
drop_failures(struct saker_burst *b, const struct saker_batch *batch, const uint8_t *slot)
{
	for (unsigned int i = 0; i < batch->n; i++)
		if (batch->status[i] != SAKER_JOB_OK)
			saker_burst_drop(b, slot == NULL ? i : slot[i],
				batch->status[i] == SAKER_JOB_BAD_ICV ? SAKER_DROP_BAD_ICV
								      : SAKER_DROP_CRYPTO_ERROR);
}

/* A call for jobs of one kind. slot: of each of them, NULL: all, in order */
static void
run_kind(struct saker_worker *w, struct saker_batch *batch, unsigned int n, bool sends,
	const uint8_t *slot)
{
	struct saker_burst *b = &w->burst;
	unsigned int first = slot == NULL ? 0 : slot[0];
	const struct saker_group *g = b->group[first];

	batch->suite = g->suite;
	batch->kdf_shape = g->kdf.shape;
	batch->kdf_blocks = (uint8_t)(b->kind[first] % SAKER_KDF_MAX_BLOCKS + 1);
	batch->n = (uint16_t)n;
	count_keys(w, batch, sends, g->cfg->key_cache > 0, b->unready > 0);
	if (unlikely((sends ? w->crypto->seal : w->crypto->open)(w->crypto_ctx, batch) != n))
		drop_failures(b, batch, slot);
}

static inline void
copy_job(struct saker_batch *to, unsigned int at, const struct saker_batch *from, unsigned int i)
{
	for (unsigned int j = 0; j < SAKER_KDF_MAX_BLOCKS; j++)
		memcpy(to->kdf[j][at], from->kdf[j][i], SAKER_KDF_BLOCK);
	memcpy(to->nonce[at], from->nonce[i], sizeof(to->nonce[at]));
	to->master[at] = from->master[i];
	to->expanded[at] = from->expanded[i];
	to->aad[at] = from->aad[i];
	to->aad_len[at] = from->aad_len[i];
	to->src[at] = from->src[i];
	to->dst[at] = from->dst[i];
	to->len[at] = from->len[i];
	to->icv[at] = from->icv[i];
}

/* Different kinds or sizes: in order of kind, then size, a call for each kind. */
static __rte_noinline void
run_sorted(struct saker_worker *w, struct saker_burst *b, bool sends)
{
	uint8_t class[SAKER_BURST], slot[SAKER_BURST];
	unsigned int at = 0, end;

	SAKER_FOREACH_SLOT (b, i)
		class[i] = class_of(b, i);
	sort_classes(class, b->n, slot);
	for (; at < b->n; at = end) {
		for (end = at; end < b->n && b->kind[slot[end]] == b->kind[slot[at]]; end++)
			copy_job(&w->sorted, end - at, &b->jobs, slot[end]);
		run_kind(w, &w->sorted, end - at, sends, slot + at);
	}
}

/* Are all jobs of one kind and length? */
static inline bool
all_alike(const struct saker_burst *b)
{
	uint32_t others = 0;

	SAKER_FOREACH_SLOT (b, i)
		others |= (b->jobs.len[i] ^ b->jobs.len[0]) | (b->kind[i] ^ b->kind[0]);
	return others == 0;
}

static __rte_always_inline void
run_all(struct saker_worker *w, struct saker_burst *b, bool sends)
{
	for (unsigned int i = 0; b->unready > 0 && i < b->n; i++)
		if (!b->ready[i])
			fill_job(w, b, i, sends);
	if (likely(all_alike(b)))
		run_kind(w, &b->jobs, b->n, sends, NULL);
	else
		run_sorted(w, b, sends);
	/* Plain packets' jobs find it so. */
	if (unlikely(b->unready > 0 || w->cache != NULL))
		memset(b->jobs.expanded, 0, b->n * sizeof(b->jobs.expanded[0]));
}

void
saker_stage_seal(struct saker_worker *w, struct saker_burst *b)
{
	run_all(w, b, true);
}

void
saker_stage_open(struct saker_worker *w, struct saker_burst *b)
{
	run_all(w, b, false);
}
