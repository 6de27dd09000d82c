/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_SESSIONS_H
#define SAKER_SESSIONS_H

/**
 * @file
 * Stored sessions, as one keeps them who does not derive: a table of key schedules of the bare
 * library, a table of compact records with a crypto driver's own stored keys, and a hash table
 * that finds them. Tables lie in large pages if the system gives them.
 *
 * Threads: one thread. Memory: made and freed by the caller.
 */

#include <rte_hash.h>

#include "bare.h"
#include "bench.h"

#define SAKER_RECORD 256 /**< octets of a compact record: round keys and powers would fit */

/** See the file comment. */
struct saker_sessions {
	uint64_t n;
	const struct saker_bench_driver *driver;
	struct saker_bare *bare; /**< NULL: there are no schedules */
	uint8_t *schedules;      /**< SAKER_BARE_KEY octets a session */
	uint8_t *records;        /**< @ref record octets a session */
	size_t record, used;     /**< octets of a record, and of the driver's key in it */
};

/** Octets that a session takes in both tables and the hash table. */
#define SAKER_SESSION_OCTETS (SAKER_BARE_KEY + SAKER_RECORD + 96)

/**
 * Make tables of @p n sessions with keys of their own.
 * @return 0 or -errno: the reason was printed
 */
int saker_sessions_create(struct saker_sessions *s, const struct saker_bench_driver *driver,
	enum saker_suite suite, uint64_t n);

/** Wipe and free. */
void saker_sessions_free(struct saker_sessions *s);

/** What a session is looked up by: its number in disguise, since real ids are not dense. */
uint64_t saker_session_id(uint64_t number);

/** A hash table that knows no session yet. @return NULL: no memory, which was printed */
struct rte_hash *saker_session_hash(uint64_t room);

/** One that knows sessions 0 to n - 1; the data of an id is the session's number. */
struct rte_hash *saker_session_hash_of(uint64_t n);

#endif
