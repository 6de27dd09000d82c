/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/*
 * What one crypto driver seals, every driver opens: all pairs of drivers, over packets of every
 * size and alignment, in buffers that end (or begin) at a page that nobody may touch.
 *
 * The run depends on nothing but its seed; SAKER_TEST_SEED in the environment sets another. An
 * argument is the most that drivers may use of the processor: saker_cpu.h.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "saker_cpu.h"
#include "saker_crypto.h"

#define DEFAULT_SEED 20260101ULL
#define MAX_DRIVERS  8
#define MASTERS      5
#define ICV_LEN      16
#define MAX_LEN      65535
#define MAX_AAD      1024
#define ALIGNMENTS   64
#define MARGIN       64 /* octets beside a buffer that are watched */
#define CANARY       0xc5

/* Writable pages between two that may not be touched. */
struct region {
	uint8_t *base;
	size_t size;
};

/* One driver. Masters and expanded keys are its own; all drivers hold the same keys. */
struct side {
	const struct saker_crypto_ops *ops;
	void *ctx;
	struct saker_master masters[MASTERS];
	struct saker_expanded_key expanded[SAKER_BATCH];
	uint8_t sealed[SAKER_BATCH][MAX_LEN];
	uint8_t icv[SAKER_BATCH][ICV_LEN];
};

/* One packet of the batch under test. */
struct packet {
	uint32_t len;
	uint16_t aad_len;
	uint8_t align;
	bool at_end; /* ends where its region does; else starts at `align` */
	bool in_place;
	bool stored; /* has its expanded key */
	bool damaged;
	uint8_t master;
	uint8_t nonce[12];
	uint8_t kdf[SAKER_KDF_MAX_BLOCKS][SAKER_KDF_BLOCK];
	uint8_t plain[MAX_LEN], aad[MAX_AAD];
};

static struct side sides[MAX_DRIVERS];
static unsigned int n_sides;
static struct packet packets[SAKER_BATCH];
static struct saker_batch batch;
static struct {
	struct region src[SAKER_BATCH], dst[SAKER_BATCH], aad[SAKER_BATCH], icv[SAKER_BATCH];
} regions;
static uint64_t seed, random_state;

/* splitmix64 */
static uint64_t
random_word(void)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static unsigned int
random_below(unsigned int n)
{
	return (unsigned int)(random_word() % n);
}

static void
random_octets(uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i += sizeof(uint64_t)) {
		uint64_t word = random_word();

		memcpy(p + i, &word, n - i < sizeof(word) ? n - i : sizeof(word));
	}
}

static void
make_region(struct region *r, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *p;

	r->size = (size + page - 1) / page * page;
	p = mmap(NULL, r->size + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(p != MAP_FAILED);
	r->base = p + page;
	assert_int_equal(mprotect(r->base, r->size, PROT_READ | PROT_WRITE), 0);
}

/* The watched octets before and behind [at, at + n): as many as the region has, at most MARGIN. */
static void
margins(const struct region *r, const uint8_t *at, size_t n, size_t *before, size_t *behind)
{
	*before = (size_t)(at - r->base);
	*behind = r->size - *before - n;
	*before = *before < MARGIN ? *before : MARGIN;
	*behind = *behind < MARGIN ? *behind : MARGIN;
}

/* Room for a packet's part of n octets. */
static uint8_t *
place(const struct region *r, const struct packet *p, size_t n)
{
	uint8_t *at = p->at_end ? r->base + r->size - n : r->base + p->align;
	size_t before, behind;

	margins(r, at, n, &before, &behind);
	memset(at - before, CANARY, before);
	memset(at + n, CANARY, behind);
	return at;
}

static void
expect_margins_untouched(const struct region *r, const uint8_t *at, size_t n)
{
	uint8_t canary[MARGIN];
	size_t before, behind;

	memset(canary, CANARY, sizeof(canary));
	margins(r, at, n, &before, &behind);
	assert_memory_equal(at - before, canary, before);
	assert_memory_equal(at + n, canary, behind);
}

static int
set_up(void **state)
{
	const char *text = getenv("SAKER_TEST_SEED");
	uint8_t key[MASTERS][32];

	(void)state;
	seed = text == NULL ? DEFAULT_SEED : strtoull(text, NULL, 0);
	print_message("seed %llu\n", (unsigned long long)seed);
	random_state = seed;
	random_octets(key[0], sizeof(key));
	for (unsigned int i = 0; i < SAKER_BATCH; i++) {
		make_region(&regions.src[i], MAX_LEN + ALIGNMENTS);
		make_region(&regions.dst[i], MAX_LEN + ALIGNMENTS);
		make_region(&regions.aad[i], MAX_AAD + ALIGNMENTS);
		make_region(&regions.icv[i], ICV_LEN + ALIGNMENTS);
	}
	for (unsigned int d = 0; saker_crypto_drivers[d] != NULL; d++) {
		struct side *s = &sides[n_sides];

		s->ops = saker_crypto_drivers[d];
		if (s->ops->probe() <= 0)
			continue;
		print_message("driver %s\n", s->ops->name);
		s->ctx = s->ops->lcore_init(0);
		assert_non_null(s->ctx);
		for (unsigned int m = 0; m < MASTERS; m++)
			assert_int_equal(s->ops->set_master(s->ctx, key[m], &s->masters[m]), 0);
		n_sides++;
	}
	return n_sides > 0 ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	for (unsigned int s = 0; s < n_sides; s++)
		sides[s].ops->lcore_fini(sides[s].ctx);
	return 0;
}

/* Everything of a packet that its caller does not choose. */
static void
random_packet(struct packet *p, const struct packet *neighbour)
{
	bool same_group = neighbour != NULL && random_below(4) > 0;

	p->aad_len = (uint16_t)(8 + random_below(516));
	if (random_below(64) == 0)
		p->aad_len = random_below(2) == 0 ? 0 : MAX_AAD;
	p->in_place = random_below(2) == 0;
	p->stored = random_below(5) == 0;
	p->master = same_group ? neighbour->master : (uint8_t)random_below(MASTERS);
	random_octets(p->nonce, sizeof(p->nonce));
	random_octets(p->kdf[0], sizeof(p->kdf));
	random_octets(p->plain, p->len);
	random_octets(p->aad, p->aad_len);
}

/* What the driver needs to know of a slot but for its text. */
static void
fill_slot(struct side *s, unsigned int i)
{
	const struct packet *p = &packets[i];
	uint8_t *aad = place(&regions.aad[i], p, p->aad_len);

	memcpy(aad, p->aad, p->aad_len);
	memcpy(batch.nonce[i], p->nonce, sizeof(p->nonce));
	for (unsigned int j = 0; j < SAKER_KDF_MAX_BLOCKS; j++)
		memcpy(batch.kdf[j][i], p->kdf[j], SAKER_KDF_BLOCK);
	batch.kdf[0][i][0] = 0;
	batch.master[i] = &s->masters[p->master];
	batch.expanded[i] = p->stored ? &s->expanded[i] : NULL;
	batch.aad[i] = aad;
	batch.aad_len[i] = p->aad_len;
	batch.len[i] = p->len;
	batch.icv[i] = place(&regions.icv[i], p, ICV_LEN);
	batch.status[i] = 0xff;
}

/* The text that goes in, and room for the text that comes out. */
static void
fill_text(unsigned int i, const uint8_t *text)
{
	const struct packet *p = &packets[i];
	uint8_t *src = place(&regions.src[i], p, p->len);

	memcpy(src, text, p->len);
	batch.src[i] = src;
	batch.dst[i] = src;
	if (!p->in_place) {
		batch.dst[i] = place(&regions.dst[i], p, p->len);
		memset(batch.dst[i], 0xee, p->len);
	}
}

/* Nothing but dst was written. */
static void
expect_rest_untouched(unsigned int i, const uint8_t *text)
{
	const struct packet *p = &packets[i];

	expect_margins_untouched(&regions.src[i], batch.src[i], p->len);
	expect_margins_untouched(&regions.aad[i], batch.aad[i], p->aad_len);
	expect_margins_untouched(&regions.icv[i], batch.icv[i], ICV_LEN);
	if (p->in_place)
		return;
	expect_margins_untouched(&regions.dst[i], batch.dst[i], p->len);
	assert_memory_equal(batch.src[i], text, p->len);
}

static void
expand_stored_keys(struct side *s)
{
	struct saker_data_key keys[SAKER_BATCH];

	for (unsigned int i = 0; i < batch.n; i++)
		fill_slot(s, i);
	assert_int_equal(s->ops->derive(s->ctx, &batch, keys), 0);
	for (unsigned int i = 0; i < batch.n; i++)
		if (packets[i].stored)
			assert_int_equal(s->ops->expand(s->ctx, (enum saker_suite)batch.suite,
						 &keys[i], &s->expanded[i]),
				0);
}

/* Seal the batch with one driver, and compare it with what the first has sealed. */
static void
seal_with(struct side *s)
{
	for (unsigned int i = 0; i < batch.n; i++) {
		fill_slot(s, i);
		fill_text(i, packets[i].plain);
	}
	assert_int_equal(s->ops->seal(s->ctx, &batch), batch.n);
	for (unsigned int i = 0; i < batch.n; i++) {
		assert_int_equal(batch.status[i], SAKER_JOB_OK);
		expect_rest_untouched(i, packets[i].plain);
		memcpy(s->sealed[i], batch.dst[i], packets[i].len);
		memcpy(s->icv[i], batch.icv[i], ICV_LEN);
		assert_memory_equal(s->sealed[i], sides[0].sealed[i], packets[i].len);
		assert_memory_equal(s->icv[i], sides[0].icv[i], ICV_LEN);
	}
}

static void
expect_opened(unsigned int i, const uint8_t *sealed)
{
	assert_int_equal(batch.status[i], SAKER_JOB_OK);
	assert_memory_equal(batch.dst[i], packets[i].plain, packets[i].len);
	expect_rest_untouched(i, sealed);
}

/* Open with one driver what another has sealed. */
static void
open_with(struct side *s, const struct side *from)
{
	for (unsigned int i = 0; i < batch.n; i++) {
		fill_slot(s, i);
		fill_text(i, from->sealed[i]);
		memcpy(batch.icv[i], from->icv[i], ICV_LEN);
	}
	assert_int_equal(s->ops->open(s->ctx, &batch), batch.n);
	for (unsigned int i = 0; i < batch.n; i++)
		expect_opened(i, from->sealed[i]);
}

/* One flipped bit in the ICV, the AAD or the text of a slot that is filled. */
static void
damage(unsigned int i, uint8_t *sealed)
{
	const struct packet *p = &packets[i];
	uint8_t *aad = regions.aad[i].base + (batch.aad[i] - regions.aad[i].base);
	uint8_t bit = (uint8_t)(1u << random_below(8));

	switch (random_below(3)) {
	case 0:
		if (p->len > 0) {
			sealed[random_below(p->len)] ^= bit;
			return;
		}
		break;
	case 1:
		if (p->aad_len > 0) {
			aad[random_below(p->aad_len)] ^= bit;
			return;
		}
		break;
	default:
		break;
	}
	batch.icv[i][random_below(ICV_LEN)] ^= bit;
}

/* As open_with(), with about half of the packets damaged. Undamaged neighbours must not suffer. */
static void
refuse_with(struct side *s, const struct side *from)
{
	static const uint8_t wiped[MAX_LEN];
	static uint8_t sealed[SAKER_BATCH][MAX_LEN];
	unsigned int good = 0;

	for (unsigned int i = 0; i < batch.n; i++) {
		fill_slot(s, i);
		memcpy(sealed[i], from->sealed[i], packets[i].len);
		memcpy(batch.icv[i], from->icv[i], ICV_LEN);
		packets[i].damaged = i == 0 || random_below(2) == 0;
		good += !packets[i].damaged;
		if (packets[i].damaged)
			damage(i, sealed[i]);
		fill_text(i, sealed[i]);
	}
	assert_int_equal(s->ops->open(s->ctx, &batch), good);
	for (unsigned int i = 0; i < batch.n; i++) {
		if (!packets[i].damaged) {
			expect_opened(i, sealed[i]);
			continue;
		}
		assert_int_equal(batch.status[i], SAKER_JOB_BAD_ICV);
		assert_memory_equal(batch.dst[i], wiped, packets[i].len);
		expect_rest_untouched(i, sealed[i]);
	}
}

/* All pairs of drivers over the n packets whose length and place are set. */
static void
run_batch(unsigned int n)
{
	memset(&batch, 0, sizeof(batch));
	batch.n = (uint16_t)n;
	batch.suite = random_below(2) == 0 ? SAKER_AES_128_GCM : SAKER_AES_256_GCM;
	batch.kdf_blocks = (uint8_t)(1 + random_below(SAKER_KDF_MAX_BLOCKS));
	for (unsigned int i = 0; i < n; i++)
		random_packet(&packets[i], i == 0 ? NULL : &packets[i - 1]);
	for (unsigned int a = 0; a < n_sides; a++) {
		expand_stored_keys(&sides[a]);
		seal_with(&sides[a]);
	}
	for (unsigned int a = 0; a < n_sides; a++)
		for (unsigned int b = 0; b < n_sides; b++) {
			open_with(&sides[b], &sides[a]);
			refuse_with(&sides[b], &sides[a]);
		}
}

/* Collects packets, and runs them in batches of a random size. */
static struct {
	unsigned int n, wanted;
	unsigned long total;
} collected;

static void
run_collected(void)
{
	if (collected.n > 0)
		run_batch(collected.n);
	collected.total += collected.n;
	collected.n = 0;
	collected.wanted = 1 + random_below(SAKER_BATCH);
}

static void
collect(uint32_t len, unsigned int align, bool at_end)
{
	struct packet *p = &packets[collected.n++];

	p->len = len;
	p->align = (uint8_t)(align % ALIGNMENTS);
	p->at_end = at_end;
	if (collected.n >= collected.wanted)
		run_collected();
}

static void
agrees_on_small_packets_of_every_size_and_alignment(void **state)
{
	(void)state;
	collected.total = 0;
	for (unsigned int round = 0; round < ALIGNMENTS; round++)
		for (uint32_t len = 0; len <= 300; len++)
			collect(len, len + round, false);
	run_collected();
	assert_int_equal(collected.total, 301 * ALIGNMENTS);
}

static void
agrees_on_small_packets_at_the_end_of_memory(void **state)
{
	(void)state;
	for (unsigned int round = 0; round < 8; round++)
		for (uint32_t len = 0; len <= 300; len++)
			collect(len, 0, true);
	run_collected();
}

static void
agrees_on_large_packets(void **state)
{
	(void)state;
	for (uint32_t len = 301; len <= 9000; len += 53)
		for (unsigned int i = 0; i < 8; i++)
			collect(len, len + 8 * i, i == 0);
	for (unsigned int i = 0; i < 512; i++)
		collect(random_below(9001), i, i % 4 == 0);
	run_collected();
}

static void
agrees_on_the_largest_packets(void **state)
{
	static const uint32_t sizes[] = { 9000, 16383, 16384, 32768, 65520, 65534, MAX_LEN };

	(void)state;
	for (unsigned int i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (unsigned int align = 0; align < ALIGNMENTS; align += 21)
			collect(sizes[i], align, align == 0);
	run_collected();
}

static void
agrees_on_batches_of_every_size(void **state)
{
	(void)state;
	for (unsigned int n = 1; n <= SAKER_BATCH; n++) {
		collected.wanted = n;
		for (unsigned int i = 0; i < n; i++)
			collect(random_below(1500), random_below(ALIGNMENTS), random_below(2) == 0);
	}
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_on_small_packets_of_every_size_and_alignment),
		cmocka_unit_test(agrees_on_small_packets_at_the_end_of_memory),
		cmocka_unit_test(agrees_on_large_packets),
		cmocka_unit_test(agrees_on_the_largest_packets),
		cmocka_unit_test(agrees_on_batches_of_every_size),
	};

	if (argc > 1 && saker_cpu_limit(argv[1]) != 0)
		return 2;
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
