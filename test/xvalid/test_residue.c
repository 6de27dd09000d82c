/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/*
 * After a call of a crypto driver no data key is left anywhere in the process: in no context, on
 * no stack, in no memory that was freed. All writable memory is searched for the keys that
 * the call has derived. They are kept here in disguise, so that the search does not find itself.
 */

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "saker_cpu.h"
#include "saker_crypto.h"
#ifdef SAKER_HAVE_VAES
#include "vaes_code.h"
#endif

#if defined(__SANITIZE_ADDRESS__)
#define INSTRUMENTED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define INSTRUMENTED 1
#endif
#endif
#ifndef INSTRUMENTED
#define INSTRUMENTED 0
#endif

#define TEXT_LEN 700 /* most */
#define AAD_LEN  40  /* most */
#define ICV_LEN  16
#define NEEDLE   12   /* octets that are searched for */
#define FRAME    256  /* octets of stack that are our own */
#define DEPTH    8192 /* and that a driver may use */
#define NEEDLES  (3 * SAKER_BATCH)

/* Volatile, or the compiler might take the disguise off the needles before it compares. */
static volatile uint64_t disguise = 0x5a3c99e7b1d2f086ULL;

/* Both halves of every key, and every mask; in disguise. */
static struct needle {
	uint64_t head;
	uint32_t tail;
} needles[NEEDLES];
static unsigned int n_needles;
static bool worth_a_look[1 << 16]; /* by the low bits of `head` */

/* Drivers take ways of their own for small batches, long texts, and AAD of two rows. */
static const struct shape {
	uint16_t n;
	uint16_t aad_len;
	uint32_t len;
} shapes[] = { { SAKER_BATCH, 24, 300 }, { SAKER_BATCH, AAD_LEN, 300 },
	{ SAKER_BATCH, AAD_LEN, TEXT_LEN }, { 3, AAD_LEN, 300 }, { 1, 24, TEXT_LEN } };

static struct saker_batch batch;
static struct saker_master master;
static struct saker_data_key keys[SAKER_BATCH];
static struct saker_expanded_key expanded;
static uint8_t text[SAKER_BATCH][TEXT_LEN], icv[SAKER_BATCH][ICV_LEN], aad[AAD_LEN];

/* The caller's octets stand at p; nothing of them but the disguised needle is kept. */
static void
add_needle(const uint8_t *p)
{
	struct needle *n = &needles[n_needles++];

	memcpy(&n->head, p, sizeof(n->head));
	memcpy(&n->tail, p + sizeof(n->head), sizeof(n->tail));
	n->head ^= disguise;
	n->tail ^= (uint32_t)disguise;
	worth_a_look[n->head & 0xffff] = true;
}

static unsigned int
hits_at(const uint8_t *p, uint64_t head)
{
	uint32_t tail;
	unsigned int hits = 0;

	memcpy(&tail, p + sizeof(head), sizeof(tail));
	tail ^= (uint32_t)disguise;
	for (unsigned int i = 0; i < n_needles; i++)
		hits += needles[i].head == head && needles[i].tail == tail;
	return hits;
}

static unsigned int
hits_between(const uint8_t *from, const uint8_t *to)
{
	uint64_t cover = disguise, head;
	unsigned int hits = 0;

	for (const uint8_t *p = from; to - p >= NEEDLE; p++) {
		memcpy(&head, p, sizeof(head));
		head ^= cover;
		if (worth_a_look[head & 0xffff])
			hits += hits_at(p, head);
	}
	return hits;
}

/* Needles in all memory that this process can write to. */
static unsigned int
search_memory(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512], mode[5];
	uintptr_t from, to;
	unsigned int hits = 0, mappings = 0;

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps) != NULL) {
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &from, &to, mode) != 3 ||
			mode[0] != 'r' || mode[1] != 'w')
			continue;
		hits += hits_between((const uint8_t *)from, (const uint8_t *)to);
		mappings++;
	}
	fclose(maps);
	assert_in_range(mappings, 4, 10000); /* data, heap, stack, a context */
	return hits;
}

static void
fill_batch(enum saker_suite suite, uint8_t blocks, struct shape shape, bool shared)
{
	memset(&batch, 0, sizeof(batch));
	batch.n = shape.n;
	batch.suite = (uint8_t)suite;
	batch.kdf_blocks = blocks;
	for (unsigned int i = 0; i < batch.n; i++) {
		batch.kdf[0][i][4] = shared ? 0xff : (uint8_t)i;
		batch.kdf[0][i][5] = blocks;
		batch.nonce[i][11] = (uint8_t)(i + 1);
		batch.master[i] = &master;
		batch.src[i] = batch.dst[i] = text[i];
		batch.icv[i] = icv[i];
		batch.len[i] = shape.len;
		batch.aad[i] = aad;
		batch.aad_len[i] = shape.aad_len;
	}
}

/* Learn which keys to search for. */
static void
make_needles(const struct saker_crypto_ops *ops, void *ctx)
{
	n_needles = 0;
	memset(worth_a_look, 0, sizeof(worth_a_look));
	assert_int_equal(ops->derive(ctx, &batch, keys), 0);
	for (unsigned int i = 0; i < batch.n; i++) {
		add_needle(keys[i].key);
		add_needle(keys[i].mask);
		if (batch.suite == SAKER_AES_256_GCM)
			add_needle(keys[i].key + 16);
	}
}

/* The calls in the order that leaves the next one something to do. */
static void
run_and_search(const struct saker_crypto_ops *ops, void *ctx)
{
	make_needles(ops, ctx);
	assert_true(search_memory() >= n_needles); /* still in `keys`: the search does find */
	assert_int_equal(ops->expand(ctx, (enum saker_suite)batch.suite, &keys[0], &expanded), 0);
	saker_wipe(&expanded, sizeof(expanded));
	saker_wipe(keys, sizeof(keys));
	assert_int_equal(search_memory(), 0);

	assert_int_equal(ops->seal(ctx, &batch), batch.n);
	assert_int_equal(search_memory(), 0);
	assert_int_equal(ops->open(ctx, &batch), batch.n);
	assert_int_equal(search_memory(), 0);
	icv[batch.n - 1][0] ^= 1;
	assert_in_range(ops->open(ctx, &batch), 0, batch.n - 1u);
	assert_int_equal(search_memory(), 0);
}

static void
leaves_no_data_key_in_memory(void **state)
{
	static const uint8_t key[32] = { 0x73, 0x61, 0x6b };

	(void)state;
	if (INSTRUMENTED)
		skip();
	for (unsigned int d = 0; saker_crypto_drivers[d] != NULL; d++) {
		const struct saker_crypto_ops *ops = saker_crypto_drivers[d];
		void *ctx;

		if (ops->probe() <= 0)
			continue;
		print_message("driver %s\n", ops->name);
		ctx = ops->lcore_init(0);
		assert_non_null(ctx);
		assert_int_equal(ops->set_master(ctx, key, &master), 0);
		for (uint8_t blocks = 1; blocks <= SAKER_KDF_MAX_BLOCKS; blocks++)
			for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++)
				for (int shared = 0; shared < 2; shared++) {
					fill_batch(SAKER_AES_128_GCM, blocks, shapes[s], shared);
					run_and_search(ops, ctx);
					fill_batch(SAKER_AES_256_GCM, blocks, shapes[s], shared);
					run_and_search(ops, ctx);
				}
		ops->lcore_fini(ctx);
		assert_int_equal(search_memory(), 0);
	}
}

#ifdef SAKER_HAVE_VAES
/* What a call has left. */
struct left {
	uint8_t context[1 << 15];
	uint8_t stack[DEPTH];
};

/* Nothing is called in these two that would write there, too. */
static __attribute__((noinline)) void
clear_stack(void)
{
	volatile uint8_t *top = __builtin_frame_address(0);

	for (size_t i = FRAME; i < DEPTH; i++)
		top[-(ptrdiff_t)i] = 0;
}

static __attribute__((noinline)) void
keep_stack(uint8_t *out)
{
	const volatile uint8_t *top = __builtin_frame_address(0);

	for (size_t i = FRAME; i < DEPTH; i++)
		out[i] = top[-(ptrdiff_t)i];
}

struct call {
	const struct saker_crypto_ops *ops;
	void *ctx;
	enum saker_suite suite;
	struct shape shape;
	bool shared;
};

/* Seal under one of two keys. Not inlined: each time the stack must begin at the same place. */
static __attribute__((noinline)) void
seal_and_keep(const struct call *c, uint8_t first_octet, struct left *left)
{
	const uint8_t key[32] = { first_octet };
	unsigned int good;

	assert_int_equal(c->ops->set_master(c->ctx, key, &master), 0);
	fill_batch(c->suite, 1, c->shape, c->shared);
	if (!INSTRUMENTED)
		clear_stack();
	good = c->ops->seal(c->ctx, &batch);
	if (!INSTRUMENTED)
		keep_stack(left->stack);
	assert_int_equal(good, batch.n);
	memcpy(left->context, c->ctx, saker_vaes_large.size);
}

/* Pointers may differ, whatever a register held; not so many octets in a row. */
static void
assert_no_text_differs(const uint8_t *a, const uint8_t *b, size_t size)
{
	size_t run = 0;

	for (size_t i = 0; i < size; i++) {
		run = a[i] == b[i] ? 0 : run + 1;
		assert_in_range(run, 0, NEEDLE - 1);
	}
}

static void
compare_keys(struct call c, enum saker_suite suite)
{
	static struct left left, other;

	c.suite = suite;
	seal_and_keep(&c, 1, &left);
	seal_and_keep(&c, 2, &other);
	assert_memory_equal(left.context, other.context, saker_vaes_large.size);
	assert_no_text_differs(left.stack, other.stack, sizeof(left.stack));
}

/* No power of the key of GHASH either, which no search would know; in the context and on the stack.
 */
static void
leaves_the_same_whatever_the_key(void **state)
{
	const struct saker_crypto_ops *ops = saker_crypto_find("vaes");
	void *ctx;

	(void)state;
	assert_non_null(ops);
	assert_in_range(saker_vaes_large.size, 1, sizeof(((struct left *)0)->context));
	if (ops->probe() <= 0)
		skip();
	ctx = ops->lcore_init(0);
	assert_non_null(ctx);
	for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++)
		for (int shared = 0; shared < 2; shared++) {
			const struct call call = {
				.ops = ops, .ctx = ctx, .shape = shapes[s], .shared = shared
			};

			compare_keys(call, SAKER_AES_128_GCM);
			compare_keys(call, SAKER_AES_256_GCM);
		}
	ops->lcore_fini(ctx);
}
#endif

static void
finds_a_key_that_was_left(void **state)
{
	static uint8_t left[64] = {
		[9] = 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc
	};

	(void)state;
	if (INSTRUMENTED)
		skip();
	n_needles = 0;
	add_needle(left + 9);
	assert_true(search_memory() > 0);
	saker_wipe(left, sizeof(left));
	assert_int_equal(search_memory(), 0);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_a_key_that_was_left),
		cmocka_unit_test(leaves_no_data_key_in_memory),
#ifdef SAKER_HAVE_VAES
		cmocka_unit_test(leaves_the_same_whatever_the_key),
#endif
	};

	if (argc > 1 && saker_cpu_limit(argv[1]) != 0)
		return 2;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
