/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/*
 * The work of the driver, built once for each set of instructions (AESNI_CODE names the result).
 *
 * A group goes through the same steps for all of its lanes: derive keys, expand them, powers of H,
 * key stream of the text and the sequence of blocks to hash, GHASH of the sequences side by side,
 * tags. Only long texts are worked on one by one.
 */

#include "aesni_keys.h"
#include "aesni_text.h"

/* Octets of stack to wipe. The build warns of functions that may use more. */
#define STACK 768

_Static_assert(sizeof(struct aesni_key) <= SAKER_EXPANDED_SIZE, "an expanded key needs more room");

/* Octets that depend on keys: zero them, even if nobody reads them again. */
ALWAYS_INLINE void
wipe(void *from, const void *to)
{
	block *p = from;

#ifdef __AVX__
	for (; p + 1 < (const block *)to; p += 2) {
		_mm256_storeu_si256((void *)p, _mm256_setzero_si256());
		__asm__ volatile("" : : "r"(p) : "memory");
	}
#endif
	for (; p < (const block *)to; p++) {
		*p = _mm_setzero_si128();
		__asm__ volatile("" : : "r"(p) : "memory");
	}
}

/* Vectors that do not fit the registers go to the stack. */
static NOINLINE void
wipe_stack(void)
{
	block below[STACK / BLOCK];

	wipe(below, below + STACK / BLOCK);
}

/* Zero the vector registers: the next function that saves some must not save keys. */
ALWAYS_INLINE void
wipe_registers(void)
{
#ifdef __AVX__
	__asm__ volatile("vzeroall" : : : "memory");
#else
	__asm__ volatile("pxor %%xmm0, %%xmm0\n\tpxor %%xmm1, %%xmm1\n\t"
			 "pxor %%xmm2, %%xmm2\n\tpxor %%xmm3, %%xmm3\n\t"
			 "pxor %%xmm4, %%xmm4\n\tpxor %%xmm5, %%xmm5\n\t"
			 "pxor %%xmm6, %%xmm6\n\tpxor %%xmm7, %%xmm7\n\t"
			 "pxor %%xmm8, %%xmm8\n\tpxor %%xmm9, %%xmm9\n\t"
			 "pxor %%xmm10, %%xmm10\n\tpxor %%xmm11, %%xmm11\n\t"
			 "pxor %%xmm12, %%xmm12\n\tpxor %%xmm13, %%xmm13\n\t"
			 "pxor %%xmm14, %%xmm14\n\tpxor %%xmm15, %%xmm15"
			 :
			 :
			 : "memory");
#endif
}

/* What a call of n slots has left behind: with all powers of H, or with the last ones only. */
static void
forget(struct aesni_group *g, unsigned int n, bool all_powers)
{
	unsigned int lanes = n < LANES ? n : LANES;

	for (unsigned int i = 0; i < lanes; i++) {
		struct aesni_key *k = &g->fresh[i];

		wipe(all_powers ? &k->powers[0] : &k->powers[CHUNK / 2 - 1], k + 1);
		wipe(g->sequence[i].blocks, g->sequence[i].blocks + 2);
	}
	wipe(g->start, g->start + lanes);
	wipe(g->pad, g->pad + lanes);
	wipe(g->last, g->last + lanes);
	wipe(g->state, g->state + lanes);
	wipe_stack();
	wipe_registers();
}

static bool
is_long(uint32_t len)
{
	return len >= (SHORT_BLOCKS + 1) * BLOCK;
}

/*
 * Whether a fresh key of this slot gets all powers of H. Where few slots are side by side, GHASH
 * waits for itself, and fewer reductions are worth more multiplications.
 */
static bool
wants_all_powers(const struct saker_batch *b, unsigned int slot)
{
	return is_long(b->len[slot]) || (b->n < FEW_SLOTS && b->len[slot] >= FEW_BLOCKS * BLOCK);
}

/* The code that differs by suite. */
struct suite_code {
	void (*derive)(const struct saker_batch *b, const struct quad *q);
	void (*expand)(struct aesni_key *const key[QUAD], block zero[QUAD]);
	void (*encrypt)(struct aesni_group *g, unsigned int lane, const block last[QUAD], int two);
	void (*seal)(struct aesni_group *g, unsigned int lane);
	void (*open)(struct aesni_group *g, unsigned int lane);
};

/* Four of the lanes in `lanes` from number `at` on, or fewer. */
static void
take_quad(struct quad *q, struct aesni_group *g, const uint8_t *lanes, unsigned int n)
{
	q->n = n < QUAD ? n : QUAD;
	for (unsigned int i = 0; i < QUAD; i++) {
		bool live = i < q->n;

		q->slot[i] = g->first + lanes[live ? i : 0];
		q->key[i] = live ? &g->fresh[lanes[i]] : &g->idle;
	}
}

/* Derive, expand, H. */
static void
make_quad(
	struct aesni_group *g, const struct suite_code *code, const uint8_t *lanes, unsigned int n)
{
	struct quad q;
	block zero[QUAD];

	take_quad(&q, g, lanes, n);
	code->derive(g->batch, &q);
	code->expand(q.key, zero);
	for (unsigned int i = 0; i < q.n; i++) {
		gf_first_powers(q.key[i], zero[i]);
		if (wants_all_powers(g->batch, q.slot[i]))
			gf_more_powers(q.key[i]);
	}
}

/* A key for every lane. */
static void
make_keys(struct aesni_group *g, const struct suite_code *code)
{
	const struct saker_batch *b = g->batch;
	uint8_t lanes[LANES];
	unsigned int n = 0;

	for (unsigned int i = 0; i < g->n; i++) {
		const struct saker_expanded_key *given = b->expanded[g->first + i];

		g->key[i] = given == NULL ? &g->fresh[i] : (const void *)given->octets;
		if (given == NULL)
			lanes[n++] = (uint8_t)i;
	}
	for (unsigned int i = g->n; i < LANES; i++)
		g->key[i] = &g->idle;
	for (unsigned int at = 0; at < n; at += QUAD)
		make_quad(g, code, lanes + at, n - at);
}

/* Counter blocks, and the blocks besides the text that each packet encrypts. */
static void
make_pads(struct aesni_group *g, const struct suite_code *code)
{
	const struct saker_batch *b = g->batch;
	const block nonce_only = words(0xffffffff, 0xffffffff, 0xffffffff, 0);
	block last[LANES];
	uint32_t octets = 0;

	for (unsigned int i = 0; i < LANES; i++) {
		const struct aesni_key *k = g->key[i];
		uint32_t len = i < g->n ? b->len[g->first + i] : 0;
		block nonce = i < g->n ? load(b->nonce[g->first + i]) : _mm_setzero_si128();

		nonce = _mm_and_si128(xor2(nonce, k->mask), nonce_only);
		g->start[i] = xor2(nonce, k->round_keys[0]);
		last[i] = counter_word(FIRST_COUNTER + len / BLOCK);
		octets |= len;
	}
	for (unsigned int i = 0; i < g->n; i += QUAD)
		code->encrypt(g, i, last + i, octets % BLOCK != 0);
}

/* A text's last octets, if they do not fill a block. @return what is to be hashed of them */
ALWAYS_INLINE block
crypt_last(const struct aesni_group *g, unsigned int lane, enum direction d)
{
	static const uint8_t bounds[2 * BLOCK] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	const struct saker_batch *b = g->batch;
	const uint32_t len = b->len[g->first + lane], n = len % BLOCK;
	block in = load_part(b->src[g->first + lane] + (len - n), n), out;

	out = _mm_and_si128(xor2(in, g->last[lane]), load(bounds + BLOCK - n));
	memcpy(b->dst[g->first + lane] + (len - n), &out, n);
	return reverse(d == SEAL ? out : in);
}

/* AAD that is longer than ours is hashed in advance, but for its end. */
ALWAYS_INLINE void
begin_text(struct text *t, const struct aesni_group *g, unsigned int lane)
{
	const struct saker_batch *b = g->batch;
	const unsigned int slot = g->first + lane;

	t->in = b->src[slot];
	t->out = b->dst[slot];
	t->aad = b->aad[slot];
	t->aad_len = b->aad_len[slot];
	t->key = g->key[lane];
	t->start = g->start[lane];
	t->counter = FIRST_COUNTER;
	t->state = _mm_setzero_si128();
	if (t->aad_len > AAD_BLOCKS * BLOCK)
		hash_long_aad(t);
}

/* The first blocks of a long text and its AAD; then its chunks. @return blocks that are left */
ALWAYS_INLINE uint32_t
crypt_long(struct text *t, struct sequence *s, uint32_t blocks, struct mode mode)
{
	block *begin = sequence_begin(s, aad_blocks(t) + HEAD_BLOCKS);

	crypt_few(t, add_aad(begin, t), HEAD_BLOCKS, mode);
	sequence_follow(begin, &t->state);
	t->state = hash_sequence(s, t->key);
	crypt_chunks(t, (blocks - HEAD_BLOCKS) / CHUNK, mode);
	t->aad_len = 0;
	return (blocks - HEAD_BLOCKS) % CHUNK;
}

/* Encrypt or decrypt a text; what is left to be hashed of it stands in the lane's sequence. */
ALWAYS_INLINE void
crypt_lane(struct aesni_group *g, unsigned int lane, struct mode mode)
{
	const unsigned int slot = g->first + lane;
	const uint32_t len = g->batch->len[slot], part = len % BLOCK;
	struct sequence *s = &g->sequence[lane];
	uint32_t n = len / BLOCK;
	struct text t;
	block *x, *begin;

	begin_text(&t, g, lane);
	if (is_long(len))
		n = crypt_long(&t, s, n, mode);
	begin = sequence_begin(s, aad_blocks(&t) + n + (part != 0) + 1);
	x = add_aad(begin, &t);
	for (; n > CHUNK; n -= CHUNK)
		x = crypt_up_to_chunk(&t, x, CHUNK, mode);
	x = crypt_up_to_chunk(&t, x, n, mode);
	if (part != 0)
		*x++ = crypt_last(g, lane, mode.direction);
	*x = lengths(g->batch->aad_len[slot], len);
	sequence_follow(begin, &t.state);
	g->state[lane] = t.state;
}

#define SUITE_CODE(name, outputs_, rounds_)                                                        \
	static void derive_##name(const struct saker_batch *b, const struct quad *q)               \
	{                                                                                          \
		derive_quad(b, q, outputs_);                                                       \
	}                                                                                          \
	static void expand_##name(struct aesni_key *const key[QUAD], block zero[QUAD])             \
	{                                                                                          \
		expand_quad(key, zero, rounds_);                                                   \
	}                                                                                          \
	static void encrypt_##name(                                                                \
		struct aesni_group *g, unsigned int lane, const block last[QUAD], int two)         \
	{                                                                                          \
		if (two)                                                                           \
			encrypt_quad(g, lane, last, 1, rounds_);                                   \
		else                                                                               \
			encrypt_quad(g, lane, last, 0, rounds_);                                   \
	}                                                                                          \
	static void seal_##name(struct aesni_group *g, unsigned int lane)                          \
	{                                                                                          \
		crypt_lane(g, lane, (struct mode){ SEAL, rounds_ });                               \
	}                                                                                          \
	static void open_##name(struct aesni_group *g, unsigned int lane)                          \
	{                                                                                          \
		crypt_lane(g, lane, (struct mode){ OPEN, rounds_ });                               \
	}                                                                                          \
	static const struct suite_code name = {                                                    \
		.derive = derive_##name,                                                           \
		.expand = expand_##name,                                                           \
		.encrypt = encrypt_##name,                                                         \
		.seal = seal_##name,                                                               \
		.open = open_##name,                                                               \
	}

SUITE_CODE(aes_128, 2, ROUNDS_128);
SUITE_CODE(aes_256, 3, ROUNDS_256);

static const struct suite_code *
suite_code(unsigned int suite)
{
	return suite == SAKER_AES_128_GCM ? &aes_128 : &aes_256;
}

/* Lanes with all powers of H. @return the longest sequence of the others */
static unsigned int
hash_sequences(struct aesni_group *g)
{
	unsigned int longest = 0;

	for (unsigned int i = 0; i < g->n; i++) {
		struct sequence *s = &g->sequence[i];

		if (g->key[i] != &g->fresh[i] || wants_all_powers(g->batch, g->first + i)) {
			g->state[i] = hash_sequence(s, g->key[i]);
			s->n = 0;
		} else if (s->n > longest) {
			longest = s->n;
		}
	}
	return longest;
}

/* GHASH of what the lanes have left. Pair by pair for all lanes, or each would wait for itself. */
static void
hash_lanes(struct aesni_group *g)
{
	const unsigned int longest = hash_sequences(g);

	for (unsigned int at = 0; at < longest; at += 2)
		for (unsigned int i = 0; i < g->n; i++)
			if (at < g->sequence[i].n)
				g->state[i] = hash_pair(
					g->state[i], g->key[i], &g->sequence[i].blocks[at]);
}

/* Everything but what becomes of the tags. */
static void
run_group(struct aesni_group *g, const struct suite_code *code, enum direction d)
{
	make_keys(g, code);
	make_pads(g, code);
	for (unsigned int i = 0; i < g->n; i++)
		(d == SEAL ? code->seal : code->open)(g, i);
	hash_lanes(g);
	for (unsigned int i = 0; i < g->n; i++)
		g->state[i] = xor2(reverse(g->state[i]), g->pad[i]);
}

/* Turn to the next group of a batch. @return false: there is none */
static bool
next_group(struct aesni_group *g, struct saker_batch *b, unsigned int first)
{
	unsigned int n = b->n - first;

	g->batch = b;
	g->first = first;
	g->n = n < LANES ? n : LANES;
	return first < b->n;
}

static bool
wants_any_powers(const struct saker_batch *b)
{
	bool found = false;

	for (unsigned int i = 0; i < b->n; i++)
		found |= wants_all_powers(b, i);
	return found;
}

static unsigned int
seal(struct aesni_group *g, struct saker_batch *b)
{
	for (unsigned int first = 0; next_group(g, b, first); first += LANES) {
		run_group(g, suite_code(b->suite), SEAL);
		for (unsigned int i = 0; i < g->n; i++) {
			store(b->icv[first + i], g->state[i]);
			b->status[first + i] = SAKER_JOB_OK;
		}
	}
	forget(g, b->n, wants_any_powers(b));
	return b->n;
}

/* @return 1 if the packet is genuine; else nothing is left of it, and 0 */
static unsigned int
judge(struct saker_batch *b, unsigned int slot, block tag)
{
	block same = _mm_cmpeq_epi8(tag, load(b->icv[slot]));

	if (_mm_movemask_epi8(same) == 0xffff) {
		b->status[slot] = SAKER_JOB_OK;
		return 1;
	}
	if (b->len[slot] > 0)
		saker_wipe(b->dst[slot], b->len[slot]);
	b->status[slot] = SAKER_JOB_BAD_ICV;
	return 0;
}

static unsigned int
open(struct aesni_group *g, struct saker_batch *b)
{
	unsigned int good = 0;

	for (unsigned int first = 0; next_group(g, b, first); first += LANES) {
		run_group(g, suite_code(b->suite), OPEN);
		for (unsigned int i = 0; i < g->n; i++)
			good += judge(b, first + i, g->state[i]);
	}
	forget(g, b->n, wants_any_powers(b));
	return good;
}

static void
derive(struct aesni_group *g, struct saker_batch *b, struct saker_data_key *keys)
{
	static const uint8_t lanes[QUAD] = { 0, 1, 2, 3 };
	struct quad q;

	memset(keys, 0, b->n * sizeof(*keys));
	for (g->first = 0; g->first < b->n; g->first += QUAD) {
		take_quad(&q, g, lanes, b->n - g->first);
		suite_code(b->suite)->derive(b, &q);
		for (unsigned int i = 0; i < q.n; i++) {
			struct saker_data_key *k = &keys[q.slot[i]];

			store(k->key, q.key[i]->round_keys[0]);
			if (b->suite == SAKER_AES_256_GCM)
				store(k->key + BLOCK, q.key[i]->round_keys[1]);
			memcpy(k->mask, &q.key[i]->mask, SAKER_MASK_LEN);
		}
	}
	forget(g, QUAD, false);
}

/* A single key. @return E(0) */
static block
expand_one(struct aesni_group *g, const struct suite_code *code, struct aesni_key *k)
{
	struct aesni_key *const quad[QUAD] = { k, &g->idle, &g->idle, &g->idle };
	block zero[QUAD];

	code->expand(quad, zero);
	return zero[0];
}

static void
expand(struct aesni_group *g, enum saker_suite suite, const struct saker_data_key *key,
	struct aesni_key *out)
{
	out->round_keys[0] = load(key->key);
	out->round_keys[1] = load(key->key + BLOCK);
	out->mask = _mm_setzero_si128();
	memcpy(&out->mask, key->mask, SAKER_MASK_LEN);
	gf_first_powers(out, expand_one(g, suite_code(suite), out));
	gf_more_powers(out);
	forget(g, 0, false);
}

/* A master is expanded as if it were a data key; the subkeys come from E(0). */
static void
set_master(struct aesni_group *g, const uint8_t *key, struct saker_master *m)
{
	struct aesni_key *k = &g->fresh[0];
	uint8_t zero[BLOCK];

	k->round_keys[0] = load(key);
	k->round_keys[1] = load(key + BLOCK);
	store(zero, expand_one(g, &aes_256, k));
	memcpy(m->round_keys, k->round_keys, sizeof(m->round_keys));
	saker_cmac_subkeys(zero, m->k1, m->k2);
	saker_wipe(zero, sizeof(zero));
	forget(g, 1, false);
}

const struct aesni_code AESNI_CODE = {
	.set_master = set_master,
	.expand = expand,
	.derive = derive,
	.seal = seal,
	.open = open,
};
