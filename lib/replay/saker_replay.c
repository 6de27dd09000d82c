/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_replay.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_common.h>
#include <rte_hash.h>
#include <rte_malloc.h>
#include <rte_prefetch.h>

#define WORD_BITS   64
#define FREE        UINT64_MAX /* in `newest`: no entry here */
#define SWEEP       64         /* slots that one saker_replay_expire() looks at */
#define SWEEP_FULL  1024       /* the same when the table is full */
#define MIN_ENTRIES 8          /* of a rte_hash */

/* Two windows. A window is a ring of bits, one bit a sequence number, from `top` down. */
struct entry {
	uint64_t run[2];
	uint64_t top[2];   /* newest bit */
	uint64_t accepted; /* packets */
	uint8_t newest;    /* which of the two */
	bool two;          /* the other one is in use too */
	uint64_t ring[] __attribute__((aligned(64)));
};

struct saker_replay_table {
	struct rte_hash *hash; /* key to entry number */
	uint8_t *entries;
	uint64_t *newest; /* newest run by entry number: dense, since expiry walks it */
	size_t entry_size;
	uint32_t sources, slots, used, hand;
	uint32_t window, ring_words;
	uint64_t oldest_run;
};

static uint32_t
ring_words(uint32_t window)
{
	return rte_align32pow2(window / WORD_BITS);
}

static size_t
entry_size(uint32_t window)
{
	return RTE_ALIGN_CEIL(sizeof(struct entry) + 2 * sizeof(uint64_t) * ring_words(window), 64);
}

static uint32_t
slots_of(uint32_t sources)
{
	return RTE_MAX(sources, (uint32_t)MIN_ENTRIES);
}

static struct entry *
entry_at(const struct saker_replay_table *t, int32_t i)
{
	return (struct entry *)(t->entries + (size_t)i * t->entry_size);
}

static uint64_t *
ring_of(const struct saker_replay_table *t, struct entry *e, unsigned int w)
{
	return e->ring + w * t->ring_words;
}

static uint64_t *
word_of(const struct saker_replay_table *t, struct entry *e, unsigned int w, uint64_t bit)
{
	return ring_of(t, e, w) + (bit / WORD_BITS & (t->ring_words - 1));
}

static uint64_t
mask_of(uint64_t bit)
{
	return UINT64_C(1) << bit % WORD_BITS;
}

/* Clear the bits from `from` to `to`, which lie less than a ring apart. */
static void
forget(const struct saker_replay_table *t, struct entry *e, unsigned int w, uint64_t from,
	uint64_t to)
{
	uint64_t keep = mask_of(from) - 1; /* what lies below `from` in its word */

	for (uint64_t bit = from; bit / WORD_BITS < to / WORD_BITS; bit += WORD_BITS) {
		*word_of(t, e, w, bit) &= keep;
		keep = 0;
	}
	*word_of(t, e, w, to) &= keep | ~(mask_of(to) | (mask_of(to) - 1));
}

static void
forget_all(const struct saker_replay_table *t, struct entry *e, unsigned int w)
{
	memset(ring_of(t, e, w), 0, t->ring_words * sizeof(uint64_t));
}

static void
slide(const struct saker_replay_table *t, struct entry *e, unsigned int w, uint64_t bit)
{
	if (bit - e->top[w] < (uint64_t)t->ring_words * WORD_BITS)
		forget(t, e, w, e->top[w] + 1, bit);
	else
		forget_all(t, e, w);
	e->top[w] = bit;
}

/* Which window a run has, or -1. */
static int
window_of(const struct entry *e, uint64_t run)
{
	unsigned int other = e->newest ^ 1;

	if (run == e->run[e->newest])
		return e->newest;
	return e->two && run == e->run[other] ? (int)other : -1;
}

/* What is certain without changing anything. `w`: the run's window, or -1. */
static enum saker_drop
verdict(const struct saker_replay_table *t, struct entry *e, int w,
	const struct saker_sn_place *place)
{
	if (w < 0)
		return e->two && place->run < e->run[e->newest ^ 1] ? SAKER_DROP_REPLAY_OLD
								    : SAKER_OK;
	if (place->bit > e->top[w])
		return SAKER_OK;
	if (e->top[w] - place->bit >= t->window ||
		(*word_of(t, e, (unsigned int)w, place->bit) & mask_of(place->bit)) != 0)
		return SAKER_DROP_REPLAY;
	return SAKER_OK;
}

/* Give a run a window: that of the older run, or of a run between that nobody knew. */
static unsigned int
open_window(struct saker_replay_table *t, int32_t i, const struct saker_sn_place *place)
{
	struct entry *e = entry_at(t, i);
	unsigned int w = e->newest ^ 1;

	forget_all(t, e, w);
	e->run[w] = place->run;
	e->top[w] = place->bit;
	e->two = true;
	if (place->run > e->run[e->newest]) {
		e->newest = (uint8_t)w;
		t->newest[i] = place->run;
	}
	return w;
}

static void
open_entry(struct saker_replay_table *t, int32_t i, const struct saker_sn_place *place)
{
	struct entry *e = entry_at(t, i);

	e->newest = 0;
	e->two = false;
	e->accepted = 0;
	e->run[0] = place->run;
	e->top[0] = place->bit;
	forget_all(t, e, 0);
	t->newest[i] = place->run;
	t->used++;
}

/* Number of a key's entry, which is made if need be; negative: no room. */
static int32_t
entry_of(struct saker_replay_table *t, const struct saker_replay_key *key,
	const struct saker_sn_place *place)
{
	int32_t i = rte_hash_lookup(t->hash, key);

	if (i >= 0)
		return i;
	if (t->used == t->sources)
		return -ENOSPC;
	i = rte_hash_add_key(t->hash, key);
	if (i >= 0)
		open_entry(t, i, place);
	return i;
}

enum saker_drop
saker_replay_accept(struct saker_replay_table *t, const struct saker_replay_key *key,
	const struct saker_sn_place *place, int32_t entry)
{
	enum saker_drop why;
	struct entry *e;
	int w;

	if (place->run < t->oldest_run)
		return SAKER_DROP_REPLAY_OLD;
	if (entry < 0)
		entry = entry_of(t, key, place);
	if (entry < 0)
		return SAKER_DROP_REPLAY_TABLE_FULL;
	e = entry_at(t, entry);
	w = window_of(e, place->run);
	why = verdict(t, e, w, place);
	if (why != SAKER_OK)
		return why;
	if (w < 0)
		w = (int)open_window(t, entry, place);
	if (place->bit > e->top[w])
		slide(t, e, (unsigned int)w, place->bit);
	*word_of(t, e, (unsigned int)w, place->bit) |= mask_of(place->bit);
	e->accepted++;
	return SAKER_OK;
}

void
saker_replay_peek(struct saker_replay_table *t, const struct saker_replay_key *const *key,
	const struct saker_sn_place *const *place, int32_t *entry, enum saker_drop *why,
	unsigned int n)
{
	if (n == 0)
		return;
	rte_hash_lookup_bulk(t->hash, (const void **)(uintptr_t)key, n, entry);
	for (unsigned int i = 0; i < n; i++)
		if (entry[i] >= 0)
			rte_prefetch0(entry_at(t, entry[i]));
	for (unsigned int i = 0; i < n; i++) {
		why[i] = place[i]->run < t->oldest_run ? SAKER_DROP_REPLAY_OLD : SAKER_OK;
		if (why[i] == SAKER_OK && entry[i] >= 0) {
			struct entry *e = entry_at(t, entry[i]);

			why[i] = verdict(t, e, window_of(e, place[i]->run), place[i]);
		}
	}
}

static void
remove_entry(struct saker_replay_table *t, uint32_t i)
{
	struct saker_replay_key key;
	void *stored;

	if (rte_hash_get_key_with_position(t->hash, (int32_t)i, &stored) != 0)
		return;
	key = *(const struct saker_replay_key *)stored;
	rte_hash_del_key(t->hash, &key);
	t->newest[i] = FREE;
	t->used--;
}

void
saker_replay_expire(struct saker_replay_table *t, uint64_t oldest_run)
{
	uint32_t sweep = RTE_MIN(t->slots, (uint32_t)(t->used == t->sources ? SWEEP_FULL : SWEEP));

	/* A packet found fresh by an earlier clock must not come in after its entry has gone. */
	t->oldest_run = RTE_MAX(t->oldest_run, oldest_run);
	if (t->used == 0)
		return;
	for (; sweep > 0; sweep--) {
		if (t->newest[t->hand] < t->oldest_run)
			remove_entry(t, t->hand);
		t->hand = t->hand + 1 == t->slots ? 0 : t->hand + 1;
	}
}

static struct rte_hash *
make_hash(uint32_t slots, int socket)
{
	static _Atomic uint32_t tables;
	char name[RTE_HASH_NAMESIZE];
	const struct rte_hash_parameters params = {
		.name = name,
		.entries = slots,
		.key_len = sizeof(struct saker_replay_key),
		.socket_id = socket,
		/* else a bucket may be full while the table has room */
		.extra_flag = RTE_HASH_EXTRA_FLAGS_EXT_TABLE,
	};

	/* rte_hash cuts longer names short, and then they clash. */
	snprintf(name, sizeof(name), "replay_%u", tables++);
	return rte_hash_create(&params);
}

struct saker_replay_table *
saker_replay_create(const char *name, uint32_t sources, uint32_t window, int socket)
{
	struct saker_replay_table *t;

	if (sources == 0 || window < WORD_BITS || window % WORD_BITS != 0) {
		errno = EINVAL;
		return NULL;
	}
	t = rte_zmalloc_socket(name, sizeof(*t), 64, socket);
	if (t == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	t->sources = sources;
	t->slots = slots_of(sources);
	t->window = window;
	t->ring_words = ring_words(window);
	t->entry_size = entry_size(window);
	t->entries = rte_zmalloc_socket(name, t->slots * t->entry_size, 64, socket);
	t->newest = rte_malloc_socket(name, t->slots * sizeof(*t->newest), 64, socket);
	t->hash = make_hash(t->slots, socket);
	if (t->entries == NULL || t->newest == NULL || t->hash == NULL) {
		saker_replay_free(t);
		errno = ENOMEM;
		return NULL;
	}
	for (uint32_t i = 0; i < t->slots; i++)
		t->newest[i] = FREE;
	return t;
}

void
saker_replay_free(struct saker_replay_table *t)
{
	if (t == NULL)
		return;
	rte_hash_free(t->hash);
	rte_free(t->newest);
	rte_free(t->entries);
	rte_free(t);
}

size_t
saker_replay_size(uint32_t sources, uint32_t window)
{
	size_t slots = slots_of(sources);
	/* rte_hash: key, its data pointer and free slot; a bucket of 64 octets for 8 keys, twice */
	size_t hashed = RTE_ALIGN_CEIL(sizeof(struct saker_replay_key) + sizeof(void *), 16) +
			sizeof(uint32_t);

	return sizeof(struct saker_replay_table) +
	       slots * (entry_size(window) + sizeof(uint64_t) + hashed) +
	       (size_t)rte_align32pow2((uint32_t)slots) * 2 * 64 / MIN_ENTRIES;
}

uint32_t
saker_replay_used(const struct saker_replay_table *t)
{
	return t->used;
}

bool
saker_replay_next(
	const struct saker_replay_table *t, uint32_t *cursor, struct saker_replay_entry_info *info)
{
	for (; *cursor < t->slots; ++*cursor) {
		const struct entry *e = entry_at(t, (int32_t)*cursor);
		void *key;

		if (t->newest[*cursor] == FREE ||
			rte_hash_get_key_with_position(t->hash, (int32_t)*cursor, &key) != 0)
			continue;
		info->key = *(const struct saker_replay_key *)key;
		info->newest_run = e->run[e->newest & 1];
		info->newest_bit = e->top[e->newest & 1];
		info->accepted = e->accepted;
		++*cursor;
		return true;
	}
	return false;
}
