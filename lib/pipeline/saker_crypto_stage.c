/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_crypto_stage.h"

#define UNIT         64 /* octets that drivers handle at a time */
#define SIZE_CLASSES 5  /* up to one, two, three, four units, and longer */
#define KINDS        (2 * 2 * 2 * SAKER_KDF_MAX_BLOCKS) /* shape, suite, cached, KDF blocks */

/* 1 behind an outer IPv6 header, else 0. */
static unsigned int
is_six(const struct saker_burst *b, unsigned int i)
{
	return b->ip[i][0] >> 4 == 6;
}

static unsigned int
size_class(const struct saker_burst *b, unsigned int i)
{
	unsigned int units = (b->parts[i].cipher_len + UNIT - 1u) / UNIT;

	units = RTE_MAX(units, 1u);
	return RTE_MIN(units, (unsigned int)SIZE_CLASSES) - 1;
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

/* Kind and size of each packet. @return true if all are alike, as mostly they are */
static inline bool
find_classes(const struct saker_burst *b, uint8_t *class)
{
	uint8_t first = 0, other = 0;

	SAKER_FOREACH_SLOT (b, i) {
		class[i] = (uint8_t)(b->group[i]->kind[is_six(b, i)] * SIZE_CLASSES +
				     size_class(b, i));
		if (i == 0)
			first = class[0];
		other |= class[i] ^ first;
	}
	return other == 0;
}

/* Address pairs, and addresses of IPv6. */
static void
fill_kdf_blocks(
	struct saker_batch *batch, unsigned int at, const struct saker_burst *b, unsigned int i)
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
		memcpy(batch->kdf[j][at], input + j * SAKER_KDF_BLOCK, SAKER_KDF_BLOCK);
}

static inline void
fill_kdf(struct saker_batch *batch, unsigned int at, const struct saker_burst *b, unsigned int i)
{
	const struct saker_group *g = b->group[i];
	uint64_t source = b->source[i];

	if (unlikely(batch->kdf_blocks > 1)) {
		fill_kdf_blocks(batch, at, b, i);
		return;
	}
	if (g->by_address)
		source = saker_load_be32(b->ip[i] + 12);
	saker_kdf_block(&g->kdf, b->sn[i], source, batch->kdf[0][at]);
}

/* AAD and nonce of formats other than E. */
static void
fill_of_format(
	struct saker_worker *w, unsigned int at, struct saker_burst *b, unsigned int i, bool sends)
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

	g->format->nonce(&s, w->batch.nonce[at]);
	w->batch.aad[at] = g->format->aad(&s, w->aad[at], &w->batch.aad_len[at]);
}

static __rte_always_inline void
fill_head(
	struct saker_worker *w, unsigned int at, struct saker_burst *b, unsigned int i, bool sends)
{
	const struct saker_group *g = b->group[i];
	struct saker_batch *batch = &w->batch;

	if (unlikely(!g->eesp)) {
		fill_of_format(w, at, b, i, sends);
		return;
	}
	saker_nonce(b->session[i], sends ? g->send_role : g->receive_role, g->variant, b->sn[i],
		batch->nonce[at]);
	batch->aad[at] = saker_eesp_aad(b->head[i], &b->parts[i], w->aad[at], &batch->aad_len[at]);
}

/* @return 1 if a key was handed out for this packet, else 0 */
static __rte_always_inline unsigned int
fill_slot(
	struct saker_worker *w, unsigned int at, struct saker_burst *b, unsigned int i, bool sends)
{
	struct saker_batch *batch = &w->batch;
	const struct saker_parts *parts = &b->parts[i];
	uint8_t *text = b->head[i] + parts->cipher_at;

	batch->master[at] = b->master[i];
	batch->expanded[at] = b->expanded[i];
	if (likely(b->expanded[i] == NULL))
		fill_kdf(batch, at, b, i);
	fill_head(w, at, b, i, sends);
	batch->src[at] = text;
	batch->dst[at] = text;
	batch->len[at] = parts->cipher_len;
	batch->icv[at] = text + parts->cipher_len;
	return b->expanded[i] != NULL;
}

static void
count_keys(struct saker_worker *w, struct saker_way_count *count, bool cached, unsigned int given)
{
	struct saker_batch *batch = &w->batch;
	unsigned int derived = batch->n - given;

	if (cached) {
		derived = saker_key_cache_fill(w->cache, batch);
		for (unsigned int i = 0; i < batch->n; i++)
			derived += batch->expanded[i] == NULL;
		count->keys_cached += batch->n - given - derived;
	}
	count->keys_derived += derived;
}

static void
drop_failures(struct saker_worker *w, struct saker_burst *b, const uint8_t *slot)
{
	for (unsigned int i = 0; i < w->batch.n; i++)
		if (w->batch.status[i] != SAKER_JOB_OK)
			saker_burst_drop(b, slot == NULL ? i : slot[i],
				w->batch.status[i] == SAKER_JOB_BAD_ICV ? SAKER_DROP_BAD_ICV
									: SAKER_DROP_CRYPTO_ERROR);
}

/* Slots of one kind make one call. slot: which, or NULL for the first n */
static __rte_always_inline void
run_kind(struct saker_worker *w, struct saker_burst *b, bool sends, const uint8_t *slot,
	unsigned int n)
{
	struct saker_batch *batch = &w->batch;
	unsigned int first = slot == NULL ? 0 : slot[0], given = 0;
	const struct saker_group *g = b->group[first];
	unsigned int kind = g->kind[is_six(b, first)];

	batch->suite = g->suite;
	batch->kdf_shape = g->kdf.shape;
	batch->kdf_blocks = (uint8_t)(kind % SAKER_KDF_MAX_BLOCKS + 1);
	batch->n = (uint16_t)n;
	for (unsigned int i = 0; i < n; i++)
		given += fill_slot(w, i, b, slot == NULL ? i : slot[i], sends);
	count_keys(w, &w->count[sends ? SAKER_OUTBOUND : SAKER_INBOUND],
		kind / SAKER_KDF_MAX_BLOCKS % 2, given);
	if (unlikely((sends ? w->crypto->seal : w->crypto->open)(w->crypto_ctx, batch) != n))
		drop_failures(w, b, slot);
}

/* Different kinds: in order of kind, then size, a call for each kind. */
static void
run_sorted(struct saker_worker *w, struct saker_burst *b, bool sends, const uint8_t *class)
{
	uint8_t slot[SAKER_BURST];
	unsigned int at = 0, end;

	sort_classes(class, b->n, slot);
	for (; at < b->n; at = end) {
		unsigned int kind = class[slot[at]] / SIZE_CLASSES;

		for (end = at + 1; end < b->n && class[slot[end]] / SIZE_CLASSES == kind; end++)
			;
		run_kind(w, b, sends, slot + at, end - at);
	}
}

static __rte_always_inline void
run_all(struct saker_worker *w, struct saker_burst *b, bool sends)
{
	uint8_t class[SAKER_BURST];

	if (likely(find_classes(b, class)))
		run_kind(w, b, sends, NULL, b->n);
	else
		run_sorted(w, b, sends, class);
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
