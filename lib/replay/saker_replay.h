/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_REPLAY_H
#define SAKER_REPLAY_H

/**
 * @file
 * Replay windows per (source, session), in bounded memory: two windows for the two newest runs
 * seen (stateless profile section 4). State changes only in saker_replay_accept(), which is for
 * packets whose ICV was verified.
 *
 * Threads: a table belongs to one lcore. Memory: allocated once, never grows.
 */

#include <stddef.h>
#include <string.h>

#include "saker_freshness.h"
#include "saker_index.h"

#define SAKER_REPLAY_BURST 64 /**< keys that are looked up together */

/** A key: the source as the profile defines it, and the session. Zero unused octets. */
struct saker_replay_key {
	uint8_t source[16]; /**< source id, device id or outer source address */
	uint16_t session;
	uint16_t zero[3];
};

/** A table. Its fields are for saker_replay.c. */
struct saker_replay_table {
	/* one line: all that a packet of a known source asks for */
	struct saker_index index;
	uint8_t *entries;
	uint64_t oldest_run;
	uint32_t entry_size, ring_words;

	uint64_t *newest; /* newest run by entry number: dense, since expiry walks it */
	uint32_t *free;   /* numbers of free entries: a stack */
	uint32_t sources, used, hand;
	uint32_t window;
};

/**
 * Fill a key, word by word as it will be read: a wider copy would wait for its parts.
 * @param first,second octets of the source, as in memory
 */
static inline void
saker_replay_key_words(
	struct saker_replay_key *k, uint64_t first, uint64_t second, uint64_t session)
{
	memcpy(k->source, &first, sizeof(first));
	memcpy(k->source + sizeof(first), &second, sizeof(second));
	memcpy(&k->session, &session, sizeof(session));
}

/** A key in words, each read by itself: see saker_replay_key_words(). */
static inline struct saker_index_key
saker_replay_words(const struct saker_replay_key *key)
{
	struct saker_index_key k;

	memcpy(&k.word[0], key->source, sizeof(k.word[0]));
	memcpy(&k.word[1], key->source + sizeof(k.word[0]), sizeof(k.word[1]));
	memcpy(&k.word[2], &key->session, sizeof(k.word[2]));
	return k;
}

/** Hash of a key in a table; what is looked at first is fetched meanwhile. */
static inline uint32_t
saker_replay_hash(const struct saker_replay_table *t, const struct saker_index_key *key)
{
	uint32_t hash = saker_index_hash(&t->index, key);

	__builtin_prefetch(&t->index.place[saker_index_home(&t->index, hash)]);
	return hash;
}

/**
 * @param name for the allocator
 * @param sources entries at most, at least 1
 * @param window bits of each of an entry's two windows, at least 64, a multiple of 64
 * @param socket NUMA node
 * @return NULL with errno set: EINVAL, ENOMEM; EIO: the system has no random numbers
 */
struct saker_replay_table *saker_replay_create(
	const char *name, uint32_t sources, uint32_t window, int socket);

/** Free a table. NULL is allowed. */
void saker_replay_free(struct saker_replay_table *t);

/** Octets that a table of this shape takes. */
size_t saker_replay_size(uint32_t sources, uint32_t window);

/** Entries in use. */
uint32_t saker_replay_used(const struct saker_replay_table *t);

/**
 * Forget some entries whose newest run lies below @p oldest_run; a bounded amount of work, meant
 * to be called once a burst. Entry numbers of saker_replay_peek() become invalid.
 */
void saker_replay_expire(struct saker_replay_table *t, uint64_t oldest_run);

/**
 * Look entries up and say early which packets are surely replays; changes nothing.
 * @param key n keys
 * @param place n places, from saker_fresh()
 * @param entry receives n entry numbers, negative: not there
 * @param why receives n verdicts: SAKER_OK, SAKER_DROP_REPLAY, SAKER_DROP_REPLAY_OLD
 * @param n at most SAKER_REPLAY_BURST
 */
void saker_replay_peek(struct saker_replay_table *t, const struct saker_replay_key *key,
	const struct saker_sn_place *place, int32_t *entry, uint8_t *why, unsigned int n);

/** Packets of several tables: arrays of `n` elements each, at most SAKER_REPLAY_BURST. */
struct saker_replay_batch {
	struct saker_replay_table *const *table; /**< NULL: a packet without a window */
	const uint32_t *hash; /**< saker_replay_hash() of `key` in `table`; for peek alone */
	const struct saker_replay_key *key;
	const struct saker_sn_place *place;
	int32_t *entry;
	uint8_t *why;
	unsigned int n;
};

/** saker_replay_peek() of each packet in its table. @return how many are refused */
unsigned int saker_replay_peek_all(const struct saker_replay_batch *b);

/** saker_replay_accept() of each packet in its table, in order. @return how many are refused */
unsigned int saker_replay_accept_all(const struct saker_replay_batch *b);

/**
 * Look the newest accepted bit of a run up; changes nothing.
 * @return false: the run has no window
 */
bool saker_replay_newest(const struct saker_replay_table *t, const struct saker_replay_key *key,
	uint64_t run, uint64_t *bit);

/**
 * Check an authenticated packet against its window and mark it as seen.
 * @param entry what saker_replay_peek() gave since the last saker_replay_expire(), or negative
 * @return SAKER_OK, or SAKER_DROP_REPLAY, _REPLAY_OLD, _REPLAY_TABLE_FULL
 */
enum saker_drop saker_replay_accept(struct saker_replay_table *t,
	const struct saker_replay_key *key, const struct saker_sn_place *place, int32_t entry);

/** What `show sessions` tells of an entry. */
struct saker_replay_entry_info {
	struct saker_replay_key key;
	uint64_t newest_run, newest_bit;
	uint64_t accepted; /**< packets */
};

/**
 * Walk a table for display. The owner may change it meanwhile: figures are a snapshot at best.
 * @param cursor start with 0
 * @return false when done
 */
bool saker_replay_next(
	const struct saker_replay_table *t, uint32_t *cursor, struct saker_replay_entry_info *info);

#endif
