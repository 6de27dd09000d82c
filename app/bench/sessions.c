/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "sessions.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

#include <rte_common.h>
#include <rte_errno.h>

#define HUGE_PAGE  ((size_t)2 << 20)
#define LINE       64
#define MIN_HASHED 8
#define PROGRESS   (1u << 20)

uint64_t
saker_session_id(uint64_t number)
{
	uint64_t x = number + UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static size_t
mapped(size_t size)
{
	return RTE_ALIGN_CEIL(size, HUGE_PAGE);
}

static uint8_t *
map_table(size_t size)
{
	uint8_t *p = mmap(NULL, mapped(size), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	(void)madvise(p, mapped(size), MADV_HUGEPAGE);
	(void)madvise(p, mapped(size), MADV_DONTDUMP);
	return p;
}

static void
unmap_table(uint8_t *p, size_t size)
{
	if (p != NULL)
		munmap(p, mapped(size));
}

static size_t
schedules_size(const struct saker_sessions *s)
{
	return s->n * SAKER_BARE_KEY;
}

/* A driver may read its key as a whole: there is room for one behind the last record. */
static size_t
records_size(const struct saker_sessions *s)
{
	return s->n * s->record + sizeof(struct saker_expanded_key);
}

static void
make_key(uint64_t session, struct saker_data_key *key)
{
	memset(key, 0, sizeof(*key));
	for (unsigned int i = 0; i < sizeof(key->key) / sizeof(uint64_t); i++) {
		uint64_t word = saker_session_id(4 * session + i);

		memcpy(key->key + i * sizeof(word), &word, sizeof(word));
	}
}

/* How much of an expanded key does a driver write? What it leaves alone shows through. */
static size_t
measure_key(const struct saker_bench_driver *d, enum saker_suite suite)
{
	static struct saker_expanded_key zeros, ones;
	struct saker_data_key key;
	size_t n = sizeof(zeros);

	make_key(0, &key);
	memset(&zeros, 0, sizeof(zeros));
	memset(&ones, 0xff, sizeof(ones));
	if (d->ops->expand(d->ctx, suite, &key, &zeros) != 0 ||
		d->ops->expand(d->ctx, suite, &key, &ones) != 0)
		return 0;
	while (n > 0 && zeros.octets[n - 1] != ones.octets[n - 1])
		n--;
	return n;
}

static int
fill_tables(struct saker_sessions *s, enum saker_suite suite)
{
	struct saker_expanded_key own;
	struct saker_data_key key;
	int ret = 0;

	for (uint64_t i = 0; i < s->n && ret == 0; i++) {
		make_key(i, &key);
		ret = s->driver->ops->expand(s->driver->ctx, suite, &key, &own);
		memcpy(s->records + i * s->record, &own, s->used);
		if (s->bare != NULL)
			saker_bare_expand(s->bare, key.key, s->schedules + i * SAKER_BARE_KEY);
		if ((i + 1) % PROGRESS == 0)
			fprintf(stderr, "made %" PRIu64 " of %" PRIu64 " sessions\n", i + 1, s->n);
	}
	return ret;
}

int
saker_sessions_create(struct saker_sessions *s, const struct saker_bench_driver *driver,
	enum saker_suite suite, uint64_t n)
{
	memset(s, 0, sizeof(*s));
	s->n = n;
	s->driver = driver;
	s->used = measure_key(driver, suite);
	s->record = RTE_MAX((size_t)SAKER_RECORD, RTE_ALIGN_CEIL(s->used, (size_t)LINE));
	s->bare = saker_bare_open(suite);
	s->records = map_table(records_size(s));
	if (s->bare != NULL)
		s->schedules = map_table(schedules_size(s));
	if (s->used > 0 && s->records != NULL && (s->bare == NULL || s->schedules != NULL) &&
		fill_tables(s, suite) == 0)
		return 0;
	saker_sessions_free(s);
	return saker_bench_fail(-ENOMEM, "no memory for %" PRIu64 " sessions; lower --max", n);
}

void
saker_sessions_free(struct saker_sessions *s)
{
	unmap_table(s->records, records_size(s));
	unmap_table(s->schedules, schedules_size(s));
	saker_bare_close(s->bare);
	memset(s, 0, sizeof(*s));
}

struct rte_hash *
saker_session_hash(uint64_t room)
{
	static unsigned int tables;
	char name[RTE_HASH_NAMESIZE];
	const struct rte_hash_parameters params = {
		.name = name,
		.entries = (uint32_t)RTE_MAX(room, (uint64_t)MIN_HASHED),
		.key_len = sizeof(uint64_t),
		.extra_flag = RTE_HASH_EXTRA_FLAGS_EXT_TABLE,
	};
	struct rte_hash *h;

	snprintf(name, sizeof(name), "sessions-%u", tables++);
	h = rte_hash_create(&params);
	if (h == NULL)
		(void)saker_bench_fail(0, "no memory for a hash table of %" PRIu64 " sessions: %s",
			room, rte_strerror(rte_errno));
	return h;
}

struct rte_hash *
saker_session_hash_of(uint64_t n)
{
	struct rte_hash *h = saker_session_hash(n);
	int ret = 0;

	for (uint64_t i = 0; i < n && h != NULL && ret == 0; i++) {
		uint64_t id = saker_session_id(i);

		ret = rte_hash_add_key_data(h, &id, (void *)(uintptr_t)i);
	}
	if (ret == 0)
		return h;
	(void)saker_bench_fail(0, "hash table: %s", rte_strerror(-ret));
	rte_hash_free(h);
	return NULL;
}
