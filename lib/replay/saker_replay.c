/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_replay.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include <rte_common.h>
#include <rte_malloc.h>
#include <rte_prefetch.h>

#define WORD_BITS  64
#define FREE       UINT64_MAX /* in `newest`: no entry here */
#define SWEEP      64         /* slots that one saker_replay_expire() looks at */
#define SWEEP_FULL 1024       /* the same when the table is full */

/* Two windows. A window is a ring of bits, one bit a sequence number, from `top` down. */
struct entry {
	uint64_t source[2]; /* of the key, as words */
	uint64_t run[2];
	uint64_t top[2];   /* newest bit */
	uint64_t accepted; /* packets */
	uint32_t hash;     /* of the key */
	uint16_t session;  /* of the key */
	uint8_t newest;    /* which of the two windows */
	bool two;          /* the other one is in use too */
	uint64_t ring[] __attribute__((aligned(64)));
};

_Static_assert(sizeof(struct entry) == 64, "what a look-up reads lies in one line");
_Static_assert(sizeof(struct saker_replay_key) == sizeof(struct saker_index_key), "keys are words");

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

static struct entry *
entry_at(const struct saker_replay_table *t, int32_t i)
{
	return (struct entry *)(t->entries + (size_t)i * t->entry_size);
}

static inline bool
has_key(const struct entry *e, const struct saker_index_key *key)
{
	return ((e->source[0] ^ key->word[0]) | (e->source[1] ^ key->word[1]) |
		       (e->session ^ key->word[2])) == 0;
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

static int32_t
open_entry(struct saker_replay_table *t, const struct saker_index_key *key, uint32_t hash,
	const struct saker_sn_place *place)
{
	int32_t i = (int32_t)t->free[t->sources - 1 - t->used];
	struct entry *e = entry_at(t, i);

	t->used++;
	e->source[0] = key->word[0];
	e->source[1] = key->word[1];
	e->session = (uint16_t)key->word[2];
	e->accepted = 0;
	e->hash = hash;
	e->newest = 0;
	e->two = false;
	e->run[0] = place->run;
	e->top[0] = place->bit;
	forget_all(t, e, 0);
	t->newest[i] = place->run;
	saker_index_add(&t->index, hash, (uint32_t)i);
	return i;
}

static int32_t
find(const struct saker_replay_table *t, const struct saker_index_key *key, uint32_t hash)
{
	uint32_t at = saker_index_home(&t->index, hash);
	int32_t i;

	do {
		i = saker_index_next(&t->index, hash, &at);
	} while (i >= 0 && !has_key(entry_at(t, i), key));
	return i;
}

/* Number of a key's entry, which is made if need be; negative: no room. */
static int32_t
entry_of(struct saker_replay_table *t, const struct saker_replay_key *key,
	const struct saker_sn_place *place)
{
	const struct saker_index_key k = saker_replay_words(key);
	uint32_t hash = saker_index_hash(&t->index, &k);
	int32_t i = find(t, &k, hash);

	if (i >= 0)
		return i;
	return t->used == t->sources ? -ENOSPC : open_entry(t, &k, hash, place);
}

static enum saker_drop
accept_any(struct saker_replay_table *t, const struct saker_replay_key *key,
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

/* Mark `n` bits from `first` on as seen, at most a word of them. */
static inline void
mark(const struct saker_replay_table *t, struct entry *e, unsigned int w, uint64_t first,
	unsigned int n)
{
	uint64_t bits = UINT64_MAX >> (WORD_BITS - n), shift = first % WORD_BITS;

	*word_of(t, e, w, first) |= bits << shift;
	if (unlikely(shift + n > WORD_BITS))
		*word_of(t, e, w, first + n - 1) |= bits >> (WORD_BITS - shift);
}

/* An empty batch may be without arrays. */
static inline void
all_well(const struct saker_replay_batch *b)
{
	if (likely(b->n > 0))
		memset(b->why, SAKER_OK, b->n);
}

/*
 * Have all packets the same table, and the same value of another kind? What they share is done once
 * then. Where sources change, it would cost more to foresee who is of its neighbour's.
 */
static inline bool
all_same(const struct saker_replay_batch *b, const uint32_t *value)
{
	uintptr_t others = 0;

	/* where they change, the second is mostly another already */
	if (b->n > 1 && (b->table[1] != b->table[0] || value[1] != value[0]))
		return false;
	for (unsigned int i = 0; i < b->n; i++)
		others |= ((uintptr_t)b->table[i] ^ (uintptr_t)b->table[0]) | (value[i] ^ value[0]);
	return others == 0;
}

/* Packets from i on that are of one run and follow each other; all are of one entry. */
static __rte_noinline unsigned int
follow(const struct saker_replay_batch *b, unsigned int i)
{
	unsigned int n = 1;

	while (i + n < b->n && b->place[i + n].run == b->place[i].run &&
		b->place[i + n].bit == b->place[i].bit + n)
		n++;
	return n;
}

/* Nearly every packet is the next one of its run, and there is nothing to forget but its own bit.
 * Those that follow each other are accepted at once: a window in memory is slow to come by.
 * @param same all packets are of one entry
 * @return how many, from packet i on
 */
static inline unsigned int
accept_next(
	struct saker_replay_table *t, const struct saker_replay_batch *b, unsigned int i, bool same)
{
	const struct saker_sn_place *place = &b->place[i];
	int32_t entry = b->entry[i];
	unsigned int w, n = 1;
	struct entry *e;

	if (unlikely(entry < 0 || place->run < t->oldest_run))
		return 0;
	e = entry_at(t, entry);
	w = e->newest;
	if (place->run != e->run[w] || place->bit != e->top[w] + 1)
		return 0;
	if (same && i + 1 < b->n)
		n = follow(b, i);
	if (n == 1)
		*word_of(t, e, w, place->bit) |= mask_of(place->bit);
	else
		mark(t, e, w, place->bit, n);
	e->top[w] = place->bit + n - 1;
	e->accepted += n;
	return n;
}

enum saker_drop
saker_replay_accept(struct saker_replay_table *t, const struct saker_replay_key *key,
	const struct saker_sn_place *place, int32_t entry)
{
	const struct saker_replay_batch one = {
		.table = &t, .place = place, .entry = &entry, .n = 1
	};

	return accept_next(t, &one, 0, true) == 1 ? SAKER_OK : accept_any(t, key, place, entry);
}

unsigned int
saker_replay_accept_all(const struct saker_replay_batch *batch)
{
	bool same = all_same(batch, (const uint32_t *)batch->entry);
	unsigned int refused = 0, i = 0;

	all_well(batch);
	while (i < batch->n) {
		struct saker_replay_table *t = batch->table[i];
		unsigned int n = t == NULL ? 1 : accept_next(t, batch, i, same);

		if (likely(n > 0)) {
			i += n;
			continue;
		}
		batch->why[i] = (uint8_t)accept_any(
			t, &batch->key[i], &batch->place[i], batch->entry[i]);
		refused += batch->why[i] != SAKER_OK;
		i++;
	}
	return refused;
}

static inline int32_t
first_entry(const struct saker_replay_table *t, uint32_t hash)
{
	uint32_t at = saker_index_home(&t->index, hash);
	int32_t entry = saker_index_next(&t->index, hash, &at);

	if (likely(entry >= 0))
		rte_prefetch0(entry_at(t, entry));
	return entry;
}

/* What one packet waits for is fetched while others are looked at. */
static inline void
find_all(const struct saker_replay_batch b, bool same)
{
	int32_t entry = -1;

	for (unsigned int i = 0; i < b.n; i++) {
		const struct saker_replay_table *t = b.table[i];

		if (i == 0 || !same)
			entry = t == NULL ? -1 : first_entry(t, b.hash[i]);
		b.entry[i] = entry;
	}
}

/* Nearly every packet is ahead of all that came in its run. */
static inline bool
is_ahead(const struct saker_replay_table *t, int32_t entry, const struct saker_replay_key *key,
	const struct saker_sn_place *place)
{
	const struct entry *e = entry_at(t, entry);
	const struct saker_index_key k = saker_replay_words(key);

	return has_key(e, &k) && place->run >= t->oldest_run && place->run == e->run[e->newest] &&
	       place->bit > e->top[e->newest];
}

/* What will be written when the packet is accepted. */
static inline void
fetch_window(const struct saker_replay_table *t, int32_t entry, uint64_t bit)
{
	struct entry *e = entry_at(t, entry);

	rte_prefetch0(word_of(t, e, e->newest, bit));
}

/* Behind the first entry with the hash of a key there may be another, which is the key's. */
static __rte_noinline enum saker_drop
peek_any(const struct saker_replay_batch *b, unsigned int i)
{
	const struct saker_replay_table *t = b->table[i];
	const struct saker_index_key k = saker_replay_words(&b->key[i]);
	struct entry *e;

	if (b->place[i].run < t->oldest_run)
		return SAKER_DROP_REPLAY_OLD;
	if (b->entry[i] >= 0 && !has_key(entry_at(t, b->entry[i]), &k))
		b->entry[i] = find(t, &k, b->hash[i]);
	if (b->entry[i] < 0)
		return SAKER_OK;
	e = entry_at(t, b->entry[i]);
	return verdict(t, e, window_of(e, b->place[i].run), &b->place[i]);
}

unsigned int
saker_replay_peek_all(const struct saker_replay_batch *batch)
{
	const struct saker_replay_batch b = *batch; /* so that nothing written can change it */
	bool same = all_same(batch, b.hash);
	unsigned int refused = 0;

	find_all(b, same);
	all_well(batch);
	for (unsigned int i = 0; i < b.n; i++) {
		const struct saker_replay_table *t = b.table[i];

		if (t == NULL)
			continue;
		if (unlikely(b.entry[i] < 0 || !is_ahead(t, b.entry[i], &b.key[i], &b.place[i]))) {
			b.why[i] = (uint8_t)peek_any(batch, i);
			refused += b.why[i] != SAKER_OK;
		} else if (i == 0 || !same) {
			fetch_window(t, b.entry[i], b.place[i].bit);
		}
	}
	return refused;
}

void
saker_replay_peek(struct saker_replay_table *t, const struct saker_replay_key *key,
	const struct saker_sn_place *place, int32_t *entry, uint8_t *why, unsigned int n)
{
	struct saker_replay_table *table[SAKER_REPLAY_BURST];
	uint32_t hash[SAKER_REPLAY_BURST];

	for (unsigned int i = 0; i < n; i++) {
		const struct saker_index_key k = saker_replay_words(&key[i]);

		table[i] = t;
		hash[i] = saker_replay_hash(t, &k);
	}
	(void)saker_replay_peek_all(&(struct saker_replay_batch){ .table = table,
		.hash = hash,
		.key = key,
		.place = place,
		.entry = entry,
		.why = why,
		.n = n });
}

bool
saker_replay_newest(const struct saker_replay_table *t, const struct saker_replay_key *key,
	uint64_t run, uint64_t *bit)
{
	const struct saker_index_key k = saker_replay_words(key);
	int32_t i = find(t, &k, saker_index_hash(&t->index, &k));
	int w = i < 0 ? -1 : window_of(entry_at(t, i), run);

	if (w < 0)
		return false;
	*bit = entry_at(t, i)->top[w];
	return true;
}

static void
remove_entry(struct saker_replay_table *t, uint32_t i)
{
	saker_index_remove(&t->index, entry_at(t, (int32_t)i)->hash, i);
	t->newest[i] = FREE;
	t->used--;
	t->free[t->sources - 1 - t->used] = i;
}

void
saker_replay_expire(struct saker_replay_table *t, uint64_t oldest_run)
{
	uint32_t sweep = RTE_MIN(
		t->sources, (uint32_t)(t->used == t->sources ? SWEEP_FULL : SWEEP));

	/* A packet found fresh by an earlier clock must not come in after its entry has gone. */
	t->oldest_run = RTE_MAX(t->oldest_run, oldest_run);
	if (t->used == 0)
		return;
	for (; sweep > 0; sweep--) {
		if (t->newest[t->hand] < t->oldest_run)
			remove_entry(t, t->hand);
		t->hand = t->hand + 1 == t->sources ? 0 : t->hand + 1;
	}
}

static void *
zalloc(const char *name, size_t n, size_t size, int socket)
{
	return rte_zmalloc_socket(name, n * size, RTE_CACHE_LINE_SIZE, socket);
}

static int
make_parts(struct saker_replay_table *t, const char *name, int socket)
{
	uint32_t places = saker_index_places(t->sources);

	t->entries = zalloc(name, t->sources, t->entry_size, socket);
	t->newest = zalloc(name, t->sources, sizeof(*t->newest), socket);
	t->free = zalloc(name, t->sources, sizeof(*t->free), socket);
	saker_index_init(&t->index, zalloc(name, places, sizeof(*t->index.place), socket), places);
	if (t->entries == NULL || t->newest == NULL || t->free == NULL || t->index.place == NULL)
		return -ENOMEM;
	if (getrandom(t->index.secret, sizeof(t->index.secret), 0) != sizeof(t->index.secret))
		return -EIO;
	for (uint32_t i = 0; i < t->sources; i++) {
		t->newest[i] = FREE;
		t->free[i] = t->sources - 1 - i; /* entry 0 is taken first */
	}
	return 0;
}

struct saker_replay_table *
saker_replay_create(const char *name, uint32_t sources, uint32_t window, int socket)
{
	struct saker_replay_table *t;
	int ret;

	if (sources == 0 || sources > INT32_MAX || window < WORD_BITS || window % WORD_BITS != 0) {
		errno = EINVAL;
		return NULL;
	}
	t = zalloc(name, 1, sizeof(*t), socket);
	if (t == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	t->sources = sources;
	t->window = window;
	t->ring_words = ring_words(window);
	t->entry_size = (uint32_t)entry_size(window);
	ret = make_parts(t, name, socket);
	if (ret == 0)
		return t;
	saker_replay_free(t);
	errno = -ret;
	return NULL;
}

void
saker_replay_free(struct saker_replay_table *t)
{
	if (t == NULL)
		return;
	rte_free(t->index.place);
	rte_free(t->entries);
	rte_free(t->newest);
	rte_free(t->free);
	rte_free(t);
}

size_t
saker_replay_size(uint32_t sources, uint32_t window)
{
	struct saker_replay_table *t;

	return sizeof(*t) + sources * (entry_size(window) + sizeof(*t->newest) + sizeof(*t->free)) +
	       (size_t)saker_index_places(sources) * sizeof(*t->index.place);
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
	for (; *cursor < t->sources; ++*cursor) {
		const struct entry *e = entry_at(t, (int32_t)*cursor);

		if (t->newest[*cursor] == FREE)
			continue;
		saker_replay_key_words(&info->key, e->source[0], e->source[1], e->session);
		info->newest_run = e->run[e->newest & 1];
		info->newest_bit = e->top[e->newest & 1];
		info->accepted = e->accepted;
		++*cursor;
		return true;
	}
	return false;
}
