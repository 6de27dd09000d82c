/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/*
 * The driver's work, built twice: for groups of 16 slots and for groups of four (QUADS is 4 or 1,
 * and VAES_CODE names the result).
 *
 * What is done once a key (derivation, key schedule, H, E(J0)) costs libraries a few hundred
 * cycles, most of which a single key spends waiting. Here 16 slots do it side by side
 * (vaes_group.h, vaes_kdf.h, vaes_keys.h), and so they do their AAD, short texts and tags
 * (vaes_rows.h, vaes_ghash.h, vaes_short.h). If there is a long text among them, texts are worked
 * on slot by slot, with a few powers of H (vaes_long.h).
 *
 * Packets of one source mostly share their key. Where 16 slots do, it is derived and expanded once,
 * and kept for those behind them that share it too.
 */

#include "vaes_code.h"
#include "vaes_suites.h"
#include "vaes_wipe.h"

#define TAG_LEN 16

_Static_assert(SAKER_BATCH % AT_ONCE == 0 && (LANES == AT_ONCE || VAES_SMALL_BATCH <= LANES),
	"what a group reads at once are slots of the batch");

/* No key is known yet, and nothing written that is to be forgotten. */
static void
begin(struct vaes_group *g)
{
	g->shared = false;
	g->scheduled = false;
	g->long_texts = false;
	g->most_powers = 0;
}

/* Nothing that depends on a key outlives a call. */
static void
forget(struct vaes_group *g, const struct suite_code *code)
{
	wipe(g->mask.quad, g->round_keys[0].quad);
	wipe_round_keys(g, code->rounds);
	wipe_powers(g);
	wipe_stack(g->long_texts || g->most_powers > 0);
	wipe_registers();
}

/* The same, where keys were derived and nothing else was done. */
static void
forget_keys(struct vaes_group *g)
{
	wipe(g->mask.quad, g->mask.quad + QUADS);
	wipe(g->round_keys[0].quad, g->round_keys[2].quad);
	wipe_stack(false);
	wipe_registers();
}

/* Slots of the lanes that must derive their keys. */
static __mmask16
deriving_lanes(const struct vaes_group *g)
{
	const uint8_t *p = (const void *)&g->batch->expanded[g->first];
	__mmask8 low = _mm512_testn_epi64_mask(_mm512_loadu_si512(p), _mm512_loadu_si512(p));
	__mmask8 high = _mm512_testn_epi64_mask(
		_mm512_loadu_si512(p + VEC), _mm512_loadu_si512(p + VEC));

	return (__mmask16)(live_lanes(g) & (low | high << 8));
}

/* Do these lanes have this value among 16 of 64 bits? */
static inline bool
same_pointer(__mmask16 lanes, const void *slots, const void *value)
{
	const vec want = _mm512_set1_epi64((long long)(uintptr_t)value);
	const uint8_t *p = slots;
	__mmask8 low = _mm512_cmpneq_epi64_mask(_mm512_loadu_si512(p), want);
	__mmask8 high = _mm512_cmpneq_epi64_mask(_mm512_loadu_si512(p + VEC), want);

	return (lanes & (low | high << 8)) == 0;
}

/* Keys and masks of the lanes in question, each with its own master. */
static void
derive_keys(struct vaes_group *g, const struct suite_code *code, __mmask16 lanes)
{
	const struct saker_master *const *slots = &g->batch->master[g->first];
	const void *any = slots[__builtin_ctz(lanes)];
	const uint8_t *masters[AT_ONCE];

	load_pointers(masters, slots, lanes, any);
	if (!same_pointer(lanes, slots, any))
		code->derive_mixed(g, masters);
	else
		code->derive(g, masters);
}

/* A lane's key is at hand. */
static void
put_key(struct vaes_group *g, unsigned int lane, const struct saker_data_key *key)
{
	memcpy(lane_of(&g->round_keys[0], lane), key->key, BLOCK);
	memcpy(lane_of(&g->round_keys[1], lane), key->key + BLOCK, BLOCK);
	memcpy(lane_of(&g->mask, lane), key->mask, SAKER_MASK_LEN);
}

/* Do the lanes of a quad have the KDF input of a slot? */
static inline bool
same_input(const struct vaes_group *g, unsigned int q, unsigned int slot)
{
	const struct saker_batch *b = g->batch;
	unsigned int alive = g->n - 4 * q;
	__mmask64 octets = alive >= 4 ? ~0ULL : (1ULL << BLOCK * alive) - 1;

	for (unsigned int j = 0; j < b->kdf_blocks; j++) {
		/* Octets 0 and 3 of the first block are not the caller's. */
		__mmask64 own = j == 0 ? octets & 0xfff6fff6fff6fff6ULL : octets;
		vec in = _mm512_loadu_si512(b->kdf[j][g->first + 4 * q]);

		if (_mm512_mask_cmpneq_epi8_mask(own, in, broadcast(b->kdf[j][slot])) != 0)
			return false;
	}
	return true;
}

/* Is the key of all live lanes that of a slot? Nothing secret is looked at. */
static NOINLINE bool
all_have_key_of(const struct vaes_group *g, unsigned int slot)
{
	const struct saker_batch *b = g->batch;

	if (!same_pointer(live_lanes(g), &b->expanded[g->first], b->expanded[slot]))
		return false;
	if (b->expanded[slot] != NULL)
		return true;
	for (unsigned int q = 0; q < live_quads(g); q++)
		if (!same_input(g, q, slot))
			return false;
	return same_pointer(live_lanes(g), &b->master[g->first], b->master[slot]);
}

/* The same. If they differ, the last one mostly tells. */
static inline bool
have_key_of(const struct vaes_group *g, unsigned int slot)
{
	const struct saker_batch *b = g->batch;
	const unsigned int last = g->first + g->n - 1, half = BLOCK / 2;

	if (b->expanded[last] != b->expanded[slot] ||
		(b->expanded[last] == NULL &&
			(b->master[last] != b->master[slot] ||
				memcmp(b->kdf[0][last] + half, b->kdf[0][slot] + half, half) != 0)))
		return false;
	return all_have_key_of(g, slot);
}

/* The key of lane 0 for all lanes. */
static void
make_shared_key(struct vaes_group *g, const struct suite_code *code)
{
	const void *expanded = g->batch->expanded[g->first];
	const uint8_t *masters[AT_ONCE] = { (const void *)g->batch->master[g->first] };

	if (expanded != NULL)
		put_key(g, 0, expanded);
	else
		code->derive_one(g, masters);
	spread(&g->mask, first_lane(g->mask.quad[0]));
	code->expand_one(g);
	g->powers = false;
	g->row_powers = 0;
	g->of = g->first;
}

/* Keys of lanes that have different ones, where some of them are at hand, or some lanes dead. */
static void
make_some_keys(struct vaes_group *g, const struct suite_code *code, __mmask16 derive)
{
	if (derive != 0)
		derive_keys(g, code, derive);
	for (unsigned int l = live_lanes(g) & ~derive; l != 0; l &= l - 1) {
		unsigned int i = (unsigned int)__builtin_ctz(l);

		put_key(g, i, (const void *)g->batch->expanded[g->first + i]->octets);
	}
	make_ivs(g);
	fill_dead(&g->start, g);
	fill_dead(&g->round_keys[0], g);
	fill_dead(&g->round_keys[1], g);
	code->expand(g);
}

static void
make_own_keys(struct vaes_group *g, const struct suite_code *code)
{
	const struct saker_master *const *slots = &g->batch->master[g->first];
	__mmask16 derive = deriving_lanes(g);

	g->scheduled = true;
	if (g->n == LANES && derive == 0)
		code->make_given(g, (const void *)&g->batch->expanded[g->first]);
	else if (g->n < LANES || derive != live_lanes(g))
		make_some_keys(g, code, derive);
	else if (same_pointer(derive, slots, slots[0]))
		code->make(g, (const void *)slots);
	else
		code->make_mixed(g, (const void *)slots);
}

/* Everything of a key that every packet needs. */
static void
make_keys(struct vaes_group *g, const struct suite_code *code)
{
	bool kept = QUADS > 1 && g->shared && have_key_of(g, g->of);

	g->shared = kept || (QUADS > 1 && g->n > 1 && have_key_of(g, g->first));
	if (!g->shared) {
		make_own_keys(g, code);
		return;
	}
	if (!kept)
		make_shared_key(g, code);
	make_ivs(g);
	fill_dead(&g->start, g);
	code->pads(g);
}

/*
 * Not inlined, or the pointers would be taken out of the vectors one by one instead of going
 * through memory.
 */
static NOINLINE void
load_aad(const struct vaes_group *g, struct rows *r)
{
	const struct saker_batch *b = g->batch;
	const uint8_t *const *aad = &b->aad[g->first];
	const unsigned int last = g->first + g->n - 1;
	vec len = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const void *)&b->aad_len[g->first]));

	load_pointers(r->in, aad, live_lanes(g), b->aad[last]);
	_mm512_store_si512(r->len,
		_mm512_mask_mov_epi32(_mm512_set1_epi32(b->aad_len[last]), live_lanes(g), len));
}

static NOINLINE void
load_texts(const struct vaes_group *g, struct rows *r)
{
	const struct saker_batch *b = g->batch;
	const uint8_t *const *src = &b->src[g->first];
	uint8_t *const *dst = &b->dst[g->first];
	const unsigned int last = g->first + g->n - 1;

	load_pointers(r->in, src, live_lanes(g), b->src[last]);
	load_pointers(r->out, dst, live_lanes(g), b->dst[last]);
	_mm512_store_si512(r->len, _mm512_mask_loadu_epi32(_mm512_set1_epi32((int)b->len[last]),
					   live_lanes(g), &b->len[g->first]));
}

static void
begin_hash(struct vaes_group *g, bool long_texts)
{
	struct hash_lanes s;
	struct rows aad;

	load_aad(g, &aad);
	make_hash_keys(g);
	if (long_texts)
		make_powers(g);
	hash_begin(&s);
	hash_rows(&s, g, &aad);
	hash_store(&s, g);
}

static void
finish_hash(struct vaes_group *g, bool long_texts)
{
	struct hash_lanes s;

	hash_load(&s, g);
	if (long_texts)
		hash_rest(&s, g);
	hash_finish(&s, g);
	hash_store(&s, g);
}

static bool
has_long_text(const struct vaes_group *g)
{
	const unsigned int lanes = g->n * SHORT_LANE;
	const vec most = _mm512_set1_epi32((int)(lanes < SHORT_MAX ? lanes : SHORT_MAX));
	vec len = _mm512_maskz_loadu_epi32(live_lanes(g), &g->batch->len[g->first]);

	return _mm512_cmpgt_epu32_mask(len, most) != 0;
}

/* Rows of all live lanes, if all have as many; else 0. */
static inline size_t
same_rows(const struct vaes_group *g, vec len)
{
	vec rows = _mm512_srli_epi32(_mm512_add_epi32(len, _mm512_set1_epi32(BLOCK - 1)), 4);
	uint32_t first = (uint32_t)_mm_cvtsi128_si32(_mm512_castsi512_si128(rows));
	__mmask16 others = _mm512_cmpneq_epi32_mask(rows, _mm512_set1_epi32((int)first));

	return (live_lanes(g) & others) == 0 ? first : 0;
}

/* Can GHASH of a group with short texts be summed? There must be enough lanes for the powers of H
 * to be worth computing.
 */
static bool
may_sum(struct vaes_group *g)
{
	const struct saker_batch *b = g->batch;
	size_t aad, text;

	if (!g->shared || g->n < LANES / 2)
		return false;
	aad = same_rows(
		g, _mm512_cvtepu16_epi32(_mm256_loadu_si256((const void *)&b->aad_len[g->first])));
	text = same_rows(g, _mm512_loadu_si512(&b->len[g->first]));
	g->rows = aad + text + 1;
	return aad > 0 && text > 0 && g->rows <= MAX_ROWS;
}

/* A group whose GHASH is summed. */
static void
run_summed(struct vaes_group *g, const struct suite_code *code, enum direction d)
{
	struct hash_lanes s;
	struct rows rows;

	make_hash_keys(g);
	make_row_powers(g, (unsigned int)g->rows);
	load_aad(g, &rows);
	sum_rows(&s, g, &rows);
	sums_store(&s, g);
	load_texts(g, &rows);
	(d == SEAL ? code->seal_summed : code->open_summed)(g, &rows);
	sums_load(&s, g);
	sum_finish(&s, g);
	hash_store(&s, g);
}

/* Everything but what becomes of the tags. */
static void
run_group(struct vaes_group *g, const struct suite_code *code, enum direction d)
{
	bool long_texts = has_long_text(g);
	struct rows texts;

	g->long_texts |= long_texts;
	make_keys(g, code);
	if (QUADS > 1 && !long_texts && may_sum(g)) {
		run_summed(g, code, d);
		return;
	}
	begin_hash(g, long_texts);
	if (long_texts) {
		(d == SEAL ? code->seal_long : code->open_long)(g);
	} else {
		load_texts(g, &texts);
		(d == SEAL ? code->seal_short : code->open_short)(g, &texts);
	}
	finish_hash(g, long_texts);
}

/* Mostly all slots go well. */
static inline void
set_good(const struct vaes_group *g)
{
	_mm_mask_storeu_epi8(
		&g->batch->status[g->first], live_lanes(g), _mm_set1_epi8(SAKER_JOB_OK));
}

/* @return slots that went well, as open_group() */
static unsigned int
seal_group(struct vaes_group *g, const struct suite_code *code)
{
	struct saker_batch *b = g->batch;

	run_group(g, code, SEAL);
	set_good(g);
	for (unsigned int i = 0; i < g->n; i++)
		memcpy(b->icv[g->first + i], lane_of(&g->state, i), TAG_LEN);
	return g->n;
}

static bool
is_good(struct vaes_group *g, unsigned int lane)
{
	__m128i tag = _mm_load_si128((const void *)lane_of(&g->state, lane));
	__m128i icv = _mm_loadu_si128((const void *)g->batch->icv[g->first + lane]);
	__m128i differ = _mm_xor_si128(tag, icv);

	return _mm_testz_si128(differ, differ) == 1;
}

/* Are there no dead lanes, and the tags of all right? */
static inline bool
all_good(const struct vaes_group *g)
{
	__mmask8 differ = 0;

	if (g->n < LANES)
		return false;
	UNROLL
	for (int q = 0; q < QUADS; q++) {
		const uint8_t *const *icv = (void *)&g->batch->icv[g->first + 4 * (unsigned int)q];

		differ |= _mm512_cmpneq_epi64_mask(g->state.quad[q], gather(icv, 0));
	}
	return differ == 0;
}

static unsigned int
open_group(struct vaes_group *g, const struct suite_code *code)
{
	struct saker_batch *b = g->batch;
	unsigned int good = g->n;

	run_group(g, code, OPEN);
	set_good(g);
	if (all_good(g))
		return g->n;
	for (unsigned int i = 0; i < g->n; i++) {
		if (is_good(g, i))
			continue;
		if (b->len[g->first + i] > 0)
			saker_wipe(b->dst[g->first + i], b->len[g->first + i]);
		b->status[g->first + i] = SAKER_JOB_BAD_ICV;
		good--;
	}
	return good;
}

/* Point the context at the next group. @return false: there is none */
static bool
next_group(struct vaes_group *g, struct saker_batch *b, unsigned int first)
{
	unsigned int n = b->n - first;

	g->batch = b;
	g->first = first;
	g->n = n < LANES ? n : LANES;
	return first < b->n;
}

typedef unsigned int (*group_fn)(struct vaes_group *g, const struct suite_code *code);

static unsigned int
run_batch(struct vaes_group *g, struct saker_batch *b, group_fn run)
{
	const struct suite_code *code = suite_code(b->suite);
	unsigned int good = 0;

	begin(g);
	for (unsigned int first = 0; next_group(g, b, first); first += LANES)
		good += run(g, code);
	forget(g, code);
	return good;
}

static unsigned int
seal(void *ctx, struct saker_batch *b)
{
	return run_batch(ctx, b, seal_group);
}

static unsigned int
open(void *ctx, struct saker_batch *b)
{
	return run_batch(ctx, b, open_group);
}

static void
derive(void *ctx, struct saker_batch *b, struct saker_data_key *keys)
{
	const struct suite_code *code = suite_code(b->suite);
	struct vaes_group *g = ctx;

	memset(keys, 0, b->n * sizeof(*keys));
	for (unsigned int first = 0; next_group(g, b, first); first += LANES) {
		derive_keys(g, code, live_lanes(g));
		for (unsigned int i = 0; i < g->n; i++) {
			struct saker_data_key *k = &keys[first + i];

			memcpy(k->key, lane_of(&g->round_keys[0], i), BLOCK);
			if (b->suite == SAKER_AES_256_GCM)
				memcpy(k->key + BLOCK, lane_of(&g->round_keys[1], i), BLOCK);
			memcpy(k->mask, lane_of(&g->mask, i), SAKER_MASK_LEN);
		}
	}
	forget_keys(g);
}

/* A master is expanded as if it were a data key; the subkeys come from E(0). */
static void
set_master(void *ctx, const uint8_t *key, struct saker_master *m)
{
	struct vaes_group *g = ctx;

	begin(g);
	g->scheduled = true;
	memcpy(lane_of(&g->round_keys[0], 0), key, BLOCK);
	memcpy(lane_of(&g->round_keys[1], 0), key + BLOCK, BLOCK);
	aes_256.expand(g);
	for (unsigned int r = 0; r <= ROUNDS_256; r++)
		memcpy(m->round_keys[r], lane_of(&g->round_keys[r], 0), BLOCK);
	saker_cmac_subkeys(lane_of(&g->zero, 0), m->k1, m->k2);
	forget(g, &aes_256);
}

const struct vaes_code VAES_CODE = {
	.size = sizeof(struct vaes_group),
	.set_master = set_master,
	.derive = derive,
	.seal = seal,
	.open = open,
};
