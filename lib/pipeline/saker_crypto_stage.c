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

/* What packets must share to be neighbours in a driver call: kind, then size. */
static inline uint8_t
class_of(const struct saker_burst *b, unsigned int i)
{
	unsigned int units = (b->parts[i].cipher_len + UNIT - 1u) / UNIT;

	if (unlikely(units >= SIZE_CLASSES))
		units = SIZE_CLASSES - 1;
	return (uint8_t)(b->group[i]->kind[is_six(b, i)] * SIZE_CLASSES + units);
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

/* Groups whose packets may be plain: one KDF block over the source id, no key but a derived one. */
static __rte_always_inline void
fill_plain(
	struct saker_worker *w, unsigned int at, struct saker_burst *b, unsigned int i, bool sends)
{
	struct saker_batch *batch = &w->batch;
	const struct saker_group *g = b->group[i];
	const struct saker_parts *parts = &b->parts[i];
	uint8_t *head = b->head[i], *text = head + parts->cipher_at;
	uint64_t sn = b->sn[i];

	batch->master[at] = b->master[i];
	batch->expanded[at] = NULL;
	saker_kdf_block(&g->kdf, sn, b->source[i], batch->kdf[0][at]);
	saker_nonce(b->session[i], sends ? g->send_role : g->receive_role, g->variant, sn,
		batch->nonce[at]);
	batch->aad[at] = saker_eesp_aad(head, parts, w->aad[at], &batch->aad_len[at]);
	batch->src[at] = text;
	batch->dst[at] = text;
	batch->len[at] = parts->cipher_len;
	batch->icv[at] = text + parts->cipher_len;
}

/* @return 1 if a key was handed out for this packet, else 0 */
static __rte_always_inline unsigned int
fill_slot(
	struct saker_worker *w, unsigned int at, struct saker_burst *b, unsigned int i, bool sends)
{
	struct saker_batch *batch = &w->batch;
	const struct saker_parts *parts = &b->parts[i];
	uint8_t *text = b->head[i] + parts->cipher_at;

	if (likely(b->group[i]->plain.known)) {
		fill_plain(w, at, b, i, sends);
		return 0;
	}
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

/* A call for packets of the kind that the one in this slot is of. */
static __rte_always_inline void
begin_kind(struct saker_worker *w, const struct saker_burst *b, unsigned int first, unsigned int n)
{
	struct saker_batch *batch = &w->batch;
	const struct saker_group *g = b->group[first];
	unsigned int kind = g->kind[is_six(b, first)];

	batch->suite = g->suite;
	batch->kdf_shape = g->kdf.shape;
	batch->kdf_blocks = (uint8_t)(kind % SAKER_KDF_MAX_BLOCKS + 1);
	batch->n = (uint16_t)n;
}

/* slot: of each packet of the call, NULL: all, in order. given: packets with a handed-out key */
static __rte_always_inline void
run_kind(struct saker_worker *w, struct saker_burst *b, bool sends, const uint8_t *slot,
	unsigned int given)
{
	struct saker_batch *batch = &w->batch;
	const struct saker_group *g = b->group[slot == NULL ? 0 : slot[0]];

	count_keys(
		w, &w->count[sends ? SAKER_OUTBOUND : SAKER_INBOUND], g->cfg->key_cache > 0, given);
	if (unlikely((sends ? w->crypto->seal : w->crypto->open)(w->crypto_ctx, batch) != batch->n))
		drop_failures(w, b, slot);
}

/* Different kinds: in order of kind, then size, a call for each kind. */
static __rte_noinline void
run_sorted(struct saker_worker *w, struct saker_burst *b, bool sends)
{
	uint8_t class[SAKER_BURST], slot[SAKER_BURST];
	unsigned int at = 0, end;

	SAKER_FOREACH_SLOT (b, i)
		class[i] = class_of(b, i);
	sort_classes(class, b->n, slot);
	for (; at < b->n; at = end) {
		unsigned int kind = class[slot[at]] / SIZE_CLASSES, given = 0;

		for (end = at + 1; end < b->n && class[slot[end]] / SIZE_CLASSES == kind; end++)
			;
		begin_kind(w, b, slot[at], end - at);
		for (unsigned int i = at; i < end; i++)
			given += fill_slot(w, i - at, b, slot[i], sends);
		run_kind(w, b, sends, slot + at, given);
	}
}

/* Mostly all packets are alike: fill the call for that, and begin anew if one is not. */
static __rte_always_inline void
run_all(struct saker_worker *w, struct saker_burst *b, bool sends)
{
	uint8_t first = class_of(b, 0);
	unsigned int given = 0;

	begin_kind(w, b, 0, b->n);
	SAKER_FOREACH_SLOT (b, i) {
		if (unlikely(class_of(b, i) != first)) {
			run_sorted(w, b, sends);
			return;
		}
		given += fill_slot(w, i, b, i, sends);
	}
	run_kind(w, b, sends, NULL, given);
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
