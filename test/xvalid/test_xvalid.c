/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/*
 * Every crypto driver gives what driver openssl gives, bit for bit: the keys it derives, the
 * packets it seals and opens, those it refuses. The buffers end (or begin) at pages that nobody may
 * touch. A few sweeps leave nothing out; then come random batches.
 *
 * Environment:
 *   SAKER_TEST_SEED     of the random batches; a failure tells the seed that begins with its batch
 *   SAKER_TEST_JOBS     random packets, each sealed and opened by all drivers; 50000 if neither
 *   SAKER_TEST_SECONDS  nor this is given; with both, what comes first
 *
 * An argument is the most that drivers may use of the processor: saker_cpu.h.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "saker_cpu.h"
#include "saker_crypto.h"
#include "saker_eesp.h"

#include "guarded.h"

#define DEFAULT_SEED 20260101ULL
#define DEFAULT_JOBS 50000
#define NEWS         1000000 /* jobs between two lines about progress */
#define MAX_DRIVERS  8
#define MASTERS      5
#define ICV_LEN      16
#define MAX_LEN      SAKER_TEXT_MAX
#define MAX_AAD      1024 /* more than a format has */
#define POOL         (1 << 17)

/* One driver. Masters and expanded keys are its own; all drivers hold the same keys. */
struct side {
	const struct saker_crypto_ops *ops;
	void *ctx;
	struct saker_master masters[MASTERS];
	struct saker_expanded_key expanded[SAKER_BATCH];
};

enum damage { INTACT, DAMAGED_ICV, DAMAGED_AAD, DAMAGED_TEXT, DAMAGES };

/* One packet of the batch under test. */
struct packet {
	uint32_t len;
	uint16_t aad_len;
	struct place text_place, dst_place, aad_place, icv_place;
	bool in_place;
	bool stored;    /* has its expanded key */
	uint8_t key_of; /* the slot whose key it shares; mostly its own */
	uint8_t damage;
	uint32_t damaged_bit;
	uint8_t master;
	uint8_t nonce[12];
	uint8_t kdf[SAKER_KDF_MAX_BLOCKS][SAKER_KDF_BLOCK];
	const uint8_t *plain, *aad; /* in the pool */
	uint8_t sealed[MAX_LEN];    /* by the reference, as these */
	uint8_t icv[ICV_LEN];
	struct saker_data_key key;
};

/* What the packets of a batch have in common. */
struct likeness {
	bool same_len, same_aad, same_master;
	uint8_t keys;   /* each packet has one, all share one, neighbours share one */
	uint8_t stored; /* none, some, all */
	bool intact;
	uint32_t max_len;
};

static struct side sides[MAX_DRIVERS]; /* the reference first */
static unsigned int n_sides;
static struct packet packets[SAKER_BATCH];
static struct saker_batch batch;
static struct {
	struct region src[SAKER_BATCH], dst[SAKER_BATCH], aad[SAKER_BATCH], icv[SAKER_BATCH];
} regions;
static uint8_t pool[POOL];

/* For the one who has to look into a failure. */
static struct {
	uint64_t seed; /* of a random batch */
	const char *driver, *call;
	unsigned int slot;
	bool is_random;
} now;

static void
add_side(const struct saker_crypto_ops *ops, uint8_t key[MASTERS][32])
{
	struct side *s = &sides[n_sides++];

	print_message("driver %s\n", ops->name);
	s->ops = ops;
	s->ctx = ops->lcore_init(0);
	assert_non_null(s->ctx);
	for (unsigned int m = 0; m < MASTERS; m++)
		assert_int_equal(ops->set_master(s->ctx, key[m], &s->masters[m]), 0);
}

static int
set_up(void **state)
{
	uint8_t key[MASTERS][32];

	(void)state;
	random_octets(key[0], sizeof(key));
	random_octets(pool, sizeof(pool));
	for (unsigned int i = 0; i < SAKER_BATCH; i++) {
		make_region(&regions.src[i], MAX_LEN + ALIGNMENTS);
		make_region(&regions.dst[i], MAX_LEN + ALIGNMENTS);
		make_region(&regions.aad[i], MAX_AAD + ALIGNMENTS);
		make_region(&regions.icv[i], ICV_LEN + ALIGNMENTS);
	}
	add_side(&saker_openssl_ops, key);
	for (unsigned int d = 0; saker_crypto_drivers[d] != NULL; d++)
		if (saker_crypto_drivers[d] != &saker_openssl_ops &&
			saker_crypto_drivers[d]->probe() > 0)
			add_side(saker_crypto_drivers[d], key);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	for (unsigned int s = 0; s < n_sides; s++)
		sides[s].ops->lcore_fini(sides[s].ctx);
	return 0;
}

/* After each test: if it failed, where. */
static int
report_failure(void **state)
{
	const struct packet *p = &packets[now.slot];

	(void)state;
	if (now.driver == NULL)
		return 0;
	print_error("driver %s, %s, slot %u of %u: suite %u, %u KDF blocks, "
		    "%u octets, AAD %u, %s, %s key, damage %u\n",
		now.driver, now.call, now.slot, batch.n, batch.suite, batch.kdf_blocks, p->len,
		p->aad_len, p->in_place ? "in place" : "out of place",
		p->stored ? "expanded" : "derived", p->damage);
	if (now.is_random)
		print_error("to begin with this batch: SAKER_TEST_SEED=%llu SAKER_TEST_JOBS=1\n",
			(unsigned long long)now.seed);
	now.driver = NULL;
	return 0;
}

/* What the driver needs to know of a slot but for its text. */
static void
fill_slot(struct side *s, unsigned int i)
{
	const struct packet *p = &packets[i];
	uint8_t *aad = take_place(&regions.aad[i], p->aad_place, p->aad_len);

	memcpy(aad, p->aad, p->aad_len);
	memcpy(batch.nonce[i], p->nonce, sizeof(p->nonce));
	for (unsigned int j = 0; j < SAKER_KDF_MAX_BLOCKS; j++)
		memcpy(batch.kdf[j][i], p->kdf[j], SAKER_KDF_BLOCK);
	batch.kdf[0][i][0] = 0;
	batch.master[i] = &s->masters[p->master];
	batch.expanded[i] = p->stored ? &s->expanded[p->key_of] : NULL;
	batch.aad[i] = aad;
	batch.aad_len[i] = p->aad_len;
	batch.len[i] = p->len;
	batch.icv[i] = take_place(&regions.icv[i], p->icv_place, ICV_LEN);
	batch.status[i] = 0xff;
}

/* The text that goes in, and room for the text that comes out. */
static uint8_t *
fill_text(unsigned int i, const uint8_t *text)
{
	const struct packet *p = &packets[i];
	uint8_t *src = take_place(&regions.src[i], p->text_place, p->len);

	memcpy(src, text, p->len);
	batch.src[i] = src;
	batch.dst[i] = src;
	if (!p->in_place) {
		batch.dst[i] = take_place(&regions.dst[i], p->dst_place, p->len);
		memset(batch.dst[i], 0xee, p->len);
	}
	return src;
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
	if (p->damage != DAMAGED_TEXT)
		expect_equal(batch.src[i], text, p->len);
}

/* Derive the keys of the batch, and compare them; expand those of slots that want it. */
static void
derive_with(struct side *s)
{
	struct saker_data_key keys[SAKER_BATCH];

	now.call = "derive";
	now.slot = 0;
	for (unsigned int i = 0; i < batch.n; i++)
		fill_slot(s, i);
	assert_int_equal(s->ops->derive(s->ctx, &batch, keys), 0);
	now.call = "expand";
	for (now.slot = 0; now.slot < batch.n; now.slot++) {
		struct packet *p = &packets[now.slot];

		if (s == sides)
			p->key = keys[now.slot];
		expect_equal(keys[now.slot].key, p->key.key, sizeof(p->key.key));
		expect_equal(keys[now.slot].mask, p->key.mask, sizeof(p->key.mask));
		if (p->stored)
			assert_int_equal(s->ops->expand(s->ctx, (enum saker_suite)batch.suite,
						 &keys[now.slot], &s->expanded[now.slot]),
				0);
	}
}

static void
seal_with(struct side *s)
{
	now.call = "seal";
	now.slot = 0;
	for (unsigned int i = 0; i < batch.n; i++) {
		fill_slot(s, i);
		fill_text(i, packets[i].plain);
	}
	assert_int_equal(s->ops->seal(s->ctx, &batch), batch.n);
	for (unsigned int i = 0; i < batch.n; i++) {
		struct packet *p = &packets[i];

		now.slot = i;
		assert_int_equal(batch.status[i], SAKER_JOB_OK);
		expect_rest_untouched(i, p->plain);
		if (s == sides) {
			memcpy(p->sealed, batch.dst[i], p->len);
			memcpy(p->icv, batch.icv[i], ICV_LEN);
			continue;
		}
		expect_equal(batch.dst[i], p->sealed, p->len);
		expect_equal(batch.icv[i], p->icv, ICV_LEN);
	}
}

/* A slot with what the reference has sealed, damaged as the packet wants it. */
static void
fill_sealed(struct side *s, unsigned int i)
{
	const struct packet *p = &packets[i];
	uint8_t *part[DAMAGES];

	fill_slot(s, i);
	memcpy(batch.icv[i], p->icv, ICV_LEN);
	part[DAMAGED_ICV] = batch.icv[i];
	part[DAMAGED_AAD] = regions.aad[i].base + (batch.aad[i] - regions.aad[i].base);
	part[DAMAGED_TEXT] = fill_text(i, p->sealed);
	if (p->damage != INTACT)
		part[p->damage][p->damaged_bit / 8] ^= (uint8_t)(1u << p->damaged_bit % 8);
}

/* Undamaged packets must not suffer from their neighbours. */
static void
open_with(struct side *s)
{
	static const uint8_t wiped[MAX_LEN];
	unsigned int good = 0;

	now.call = "open";
	now.slot = 0;
	for (unsigned int i = 0; i < batch.n; i++) {
		fill_sealed(s, i);
		good += packets[i].damage == INTACT;
	}
	assert_int_equal(s->ops->open(s->ctx, &batch), good);
	for (unsigned int i = 0; i < batch.n; i++) {
		const struct packet *p = &packets[i];
		const bool intact = p->damage == INTACT;

		now.slot = i;
		assert_int_equal(batch.status[i], intact ? SAKER_JOB_OK : SAKER_JOB_BAD_ICV);
		expect_equal(batch.dst[i], intact ? p->plain : wiped, p->len);
		expect_rest_untouched(i, p->sealed);
	}
}

/* One flipped bit, somewhere. */
static void
random_damage(struct packet *p)
{
	uint32_t octets[DAMAGES] = {
		[DAMAGED_ICV] = ICV_LEN, [DAMAGED_AAD] = p->aad_len, [DAMAGED_TEXT] = p->len
	};

	p->damage = (uint8_t)(1 + random_below(DAMAGES - 1));
	if (octets[p->damage] == 0)
		p->damage = DAMAGED_ICV;
	p->damaged_bit = random_below(8 * octets[p->damage]);
}

static uint16_t
random_aad_len(void)
{
	if (one_in(128))
		return MAX_AAD;
	return (uint16_t)random_below(one_in(2) ? 49 : SAKER_AAD_MAX + 1);
}

/* Make its key that of the packet before, or nearly: then a bit of the input is another one. */
static void
share_key(struct packet *p, const struct likeness *l)
{
	const struct packet *before = p - 1;

	if (p == packets || l->keys == 0 || (l->keys == 2 && one_in(8)))
		return;
	memcpy(p->kdf, before->kdf, sizeof(p->kdf));
	p->master = before->master;
	p->stored = before->stored;
	p->key_of = before->key_of;
	if (l->keys == 2 && one_in(24)) {
		/* Octets 0 and 3 are not the caller's. */
		p->kdf[random_below(batch.kdf_blocks)][4 + random_below(SAKER_KDF_BLOCK - 4)] ^=
			(uint8_t)(1 << random_below(8));
		p->key_of = (uint8_t)(p - packets);
	}
}

/* Everything of a packet but the length of its text, and its place. */
static void
random_packet(struct packet *p, const struct likeness *l)
{
	const struct packet *first = packets;
	const bool is_first = p == first;

	p->aad_len = l->same_aad && !is_first ? first->aad_len : random_aad_len();
	p->master = l->same_master && !is_first ? first->master : (uint8_t)random_below(MASTERS);
	p->stored = l->stored == 2 || (l->stored == 1 && one_in(3));
	p->in_place = one_in(2);
	p->dst_place = one_in(2) ? p->text_place : random_place();
	p->aad_place = random_place();
	p->icv_place = random_place();
	p->plain = pool + random_below(POOL - MAX_LEN);
	p->aad = pool + random_below(POOL - MAX_AAD);
	p->damage = INTACT;
	if (!l->intact && one_in(3))
		random_damage(p);
	random_octets(p->nonce, sizeof(p->nonce));
	random_octets(p->kdf[0], sizeof(p->kdf));
	p->key_of = (uint8_t)(p - packets);
	share_key(p, l);
}

static struct likeness
random_likeness(void)
{
	/* Octets. Small texts, and mixtures of what drivers treat in different ways, are many. */
	static const uint16_t max_lens[] = { 0, 16, 16, 64, 64, 64, 100, 128, 200, 320, 320, 320,
		320, 352, 400, 640, 1024, 1500, 2048, 9000, 16384 };

	return (struct likeness){
		.same_len = one_in(3),
		.same_aad = !one_in(3),
		.same_master = !one_in(4),
		.keys = one_in(3) ? (uint8_t)(1 + random_below(2)) : 0,
		.stored = one_in(3) ? (uint8_t)(1 + random_below(2)) : 0,
		.intact = one_in(2),
		.max_len = max_lens[random_below(sizeof(max_lens) / sizeof(max_lens[0]))],
	};
}

/* All drivers, over the n packets whose texts have their length and place. */
static void
run_batch(unsigned int n, const struct likeness *l)
{
	memset(&batch, 0, sizeof(batch));
	batch.n = (uint16_t)n;
	batch.suite = one_in(2) ? SAKER_AES_128_GCM : SAKER_AES_256_GCM;
	batch.kdf_blocks = (uint8_t)(1 + random_below(SAKER_KDF_MAX_BLOCKS));
	for (unsigned int i = 0; i < n; i++)
		random_packet(&packets[i], l);
	for (struct side *s = sides; s < sides + n_sides; s++) {
		now.driver = s->ops->name;
		derive_with(s);
		seal_with(s);
		open_with(s);
	}
	now.driver = NULL;
}

/* Collects packets of a sweep, and runs them in batches of a random size. */
static struct {
	unsigned int n, wanted;
	unsigned long total;
} collected;

static void
run_collected(void)
{
	struct likeness l = random_likeness();
	const unsigned int n = collected.n;

	now.is_random = false;
	collected.n = 0;
	collected.total += n;
	collected.wanted = 1 + random_below(SAKER_BATCH);
	if (n > 0)
		run_batch(n, &l);
}

static void
collect(uint32_t len, unsigned int align, bool at_end)
{
	struct packet *p = &packets[collected.n++];

	p->len = len;
	p->text_place = (struct place){ at_end, (uint8_t)(align % ALIGNMENTS) };
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
	run_collected();
}

static void
agrees_on_the_largest_packets(void **state)
{
	static const uint32_t sizes[] = { 9000, 16383, 16384, 32768, 65520, 65534, 65535, MAX_LEN };

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
			collect(random_below(1500), random_below(ALIGNMENTS), one_in(2));
	}
}

/* @return the value, or 0 if it is not set */
static uint64_t
setting(const char *name)
{
	const char *text = getenv(name);

	return text == NULL ? 0 : strtoull(text, NULL, 0);
}

/* Every fourth length stands at an edge of blocks. */
static uint32_t
random_len(const struct likeness *l)
{
	uint32_t len = random_below(l->max_len + 1);

	if (one_in(4))
		len = (len + 15) / 16 * 16 + random_below(3) - 1;
	return len <= l->max_len ? len : l->max_len;
}

/* @return packets of the batch */
static unsigned int
run_random_batch(void)
{
	struct likeness l = random_likeness();
	unsigned int n = 1 + random_below(SAKER_BATCH);

	for (unsigned int i = 0; i < n; i++) {
		packets[i].len = l.same_len && i > 0 ? packets[0].len : random_len(&l);
		packets[i].text_place = random_place();
	}
	run_batch(n, &l);
	return n;
}

static void
agrees_on_random_batches(void **state)
{
	const uint64_t seed = getenv("SAKER_TEST_SEED") ? setting("SAKER_TEST_SEED") : DEFAULT_SEED;
	const uint64_t seconds = setting("SAKER_TEST_SECONDS");
	const time_t end = time(NULL) + (time_t)seconds;
	uint64_t jobs = setting("SAKER_TEST_JOBS"), done = 0, news = NEWS;

	(void)state;
	if (jobs == 0)
		jobs = seconds > 0 ? UINT64_MAX : DEFAULT_JOBS;
	print_message("seed %llu\n", (unsigned long long)seed);
	random_state = seed;
	now.is_random = true;
	while (done < jobs && (seconds == 0 || time(NULL) < end)) {
		now.seed = random_state;
		done += run_random_batch();
		if (done < news)
			continue;
		news += NEWS;
		print_message("%llu jobs\n", (unsigned long long)done);
	}
	print_message("%llu jobs with each of %u drivers\n", (unsigned long long)done, n_sides);
}

#define TEST(name) cmocka_unit_test_teardown(name, report_failure)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(agrees_on_small_packets_of_every_size_and_alignment),
		TEST(agrees_on_small_packets_at_the_end_of_memory),
		TEST(agrees_on_large_packets),
		TEST(agrees_on_the_largest_packets),
		TEST(agrees_on_batches_of_every_size),
		TEST(agrees_on_random_batches),
	};

	if (argc > 1 && saker_cpu_limit(argv[1]) != 0)
		return 2;
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
