/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_key_cache.h"

#define WAYS        4u
#define MAX_ENTRIES (1u << 20)

/* What a data key is derived from. Unused blocks and the counter are zero. */
struct origin {
	const struct saker_master *master; /* NULL: the entry is empty */
	uint32_t suite;
	uint16_t blocks;
	uint16_t shape;
	uint8_t kdf[SAKER_KDF_MAX_BLOCKS][SAKER_KDF_BLOCK];
};

_Static_assert(sizeof(struct origin) == 64, "origins are compared whole, and read line by line");

/*
 * Sets of a few ways. Within a set the entry that was used longest ago makes room, unless the
 * present batch uses it: `used` is the number of the batch that did so last.
 */
struct saker_key_cache {
	const struct saker_crypto_ops *ops;
	void *ctx;
	size_t size; /* of all this, for freeing */
	uint32_t entries;
	uint32_t ways;
	uint64_t batches;
	struct saker_expanded_key *keys;
	struct origin *origins;
	uint64_t *used;
	/* Keys to derive for the present batch, and the entries they go to. */
	struct saker_batch missing;
	uint32_t missing_entry[SAKER_BATCH];
	struct saker_data_key derived[SAKER_BATCH];
};

static size_t
cache_size(size_t entries)
{
	return sizeof(struct saker_key_cache) +
	       entries * (sizeof(struct saker_expanded_key) + sizeof(struct origin) +
				 sizeof(uint64_t));
}

struct saker_key_cache *
saker_key_cache_create(
	const struct saker_crypto_ops *ops, void *ctx, unsigned int entries, int socket)
{
	struct saker_key_cache *cache;
	uint32_t n = 1;

	(void)socket;
	if (entries == 0 || entries > MAX_ENTRIES)
		return NULL;
	while (n < entries)
		n *= 2;
	cache = saker_secret_alloc(cache_size(n));
	if (cache == NULL)
		return NULL;
	cache->ops = ops;
	cache->ctx = ctx;
	cache->size = cache_size(n);
	cache->entries = n;
	cache->ways = n < WAYS ? n : WAYS;
	cache->keys = (struct saker_expanded_key *)(cache + 1);
	cache->origins = (struct origin *)(cache->keys + n);
	cache->used = (uint64_t *)(cache->origins + n);
	return cache;
}

void
saker_key_cache_free(struct saker_key_cache *cache)
{
	if (cache != NULL)
		saker_secret_free(cache, cache->size);
}

void
saker_key_cache_flush(struct saker_key_cache *cache)
{
	saker_wipe(cache->keys, cache->entries * sizeof(*cache->keys));
	memset(cache->origins, 0, cache->entries * sizeof(*cache->origins));
	memset(cache->used, 0, cache->entries * sizeof(*cache->used));
}

static void
origin_of(const struct saker_batch *b, unsigned int slot, struct origin *o)
{
	memset(o, 0, sizeof(*o));
	o->master = b->master[slot];
	o->suite = b->suite;
	o->blocks = b->kdf_blocks;
	o->shape = b->kdf_shape;
	for (unsigned int j = 0; j < b->kdf_blocks; j++)
		memcpy(o->kdf[j], b->kdf[j][slot], SAKER_KDF_BLOCK);
	o->kdf[0][0] = o->kdf[0][3] = 0;
}

/* First entry of the set that an origin belongs to. */
static uint32_t
set_of(const struct saker_key_cache *cache, const struct origin *o)
{
	uint64_t words[sizeof(*o) / sizeof(uint64_t)], h = 0;

	memcpy(words, o, sizeof(words));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		h = (h ^ words[i]) * 0x9e3779b97f4a7c15ULL;
		h ^= h >> 32;
	}
	return (uint32_t)h & (cache->entries - 1) & ~(cache->ways - 1);
}

/* The entry of this origin, or the one it may take. False: the present batch uses all. */
static bool
find_entry(const struct saker_key_cache *cache, const struct origin *o, uint32_t *entry)
{
	uint32_t first = set_of(cache, o), oldest = first;

	for (uint32_t e = first; e < first + cache->ways; e++) {
		if (memcmp(&cache->origins[e], o, sizeof(*o)) == 0) {
			*entry = e;
			return true;
		}
		if (cache->used[e] < cache->used[oldest])
			oldest = e;
	}
	*entry = oldest;
	return cache->used[oldest] < cache->batches;
}

/* Give an entry to another key, and note that it must be derived. */
static void
claim_entry(struct saker_key_cache *cache, uint32_t entry, const struct origin *o)
{
	struct saker_batch *m = &cache->missing;
	unsigned int at = m->n++;

	saker_wipe(&cache->keys[entry], sizeof(cache->keys[entry]));
	cache->origins[entry] = *o;
	cache->missing_entry[at] = entry;
	m->master[at] = o->master;
	for (unsigned int j = 0; j < o->blocks; j++)
		memcpy(m->kdf[j][at], o->kdf[j], SAKER_KDF_BLOCK);
}

static bool
derive_missing(struct saker_key_cache *cache)
{
	const struct saker_crypto_ops *ops = cache->ops;
	struct saker_batch *m = &cache->missing;
	bool good = ops->derive(cache->ctx, m, cache->derived) == 0;

	for (unsigned int i = 0; i < m->n && good; i++)
		good = ops->expand(cache->ctx, (enum saker_suite)m->suite, &cache->derived[i],
			       &cache->keys[cache->missing_entry[i]]) == 0;
	saker_wipe(cache->derived, m->n * sizeof(cache->derived[0]));
	return good;
}

/* Point a slot at its entry, if it can have one. */
static bool
fill_slot(struct saker_key_cache *cache, struct saker_batch *b, unsigned int slot)
{
	struct origin o;
	uint32_t entry;

	origin_of(b, slot, &o);
	if (!find_entry(cache, &o, &entry))
		return false;
	if (memcmp(&cache->origins[entry], &o, sizeof(o)) != 0)
		claim_entry(cache, entry, &o);
	cache->used[entry] = cache->batches;
	b->expanded[slot] = &cache->keys[entry];
	return true;
}

unsigned int
saker_key_cache_fill(struct saker_key_cache *cache, struct saker_batch *b)
{
	bool filled[SAKER_BATCH] = { false };

	cache->batches++;
	cache->missing.n = 0;
	cache->missing.suite = b->suite;
	cache->missing.kdf_blocks = b->kdf_blocks;
	cache->missing.kdf_shape = b->kdf_shape;
	for (unsigned int i = 0; i < b->n; i++)
		filled[i] = b->expanded[i] == NULL && fill_slot(cache, b, i);
	if (cache->missing.n == 0)
		return 0;
	if (derive_missing(cache))
		return cache->missing.n;
	saker_key_cache_flush(cache);
	for (unsigned int i = 0; i < b->n; i++)
		if (filled[i])
			b->expanded[i] = NULL;
	return 0;
}
