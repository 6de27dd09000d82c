/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_BARE_H
#define SAKER_BARE_H

/**
 * @file
 * The ipsec-mb library by itself, the way that one who stores keys would use it best: its direct
 * GCM calls with a key schedule made beforehand. The yardstick of `crypto` and `scale`.
 *
 * Threads: an object belongs to one thread.
 */

#include <stdbool.h>

#include "saker_crypto.h"

struct saker_bare;

/** Octets from one key schedule to the next in a table of them. */
#define SAKER_BARE_KEY 1024

/** @return NULL: built without the library, or it can't run here */
struct saker_bare *saker_bare_open(enum saker_suite suite);

/** Free. NULL is allowed. */
void saker_bare_close(struct saker_bare *b);

/** Make a key schedule. @param at SAKER_BARE_KEY octets, aligned to 64 */
void saker_bare_expand(const struct saker_bare *b, const uint8_t *key, void *at);

/** Encrypt every packet of a batch, with a key schedule for each; the nonce is used as it is. */
void saker_bare_seal(struct saker_bare *b, struct saker_batch *batch, const void *const *key);

/** Decrypt every packet. @return false: an ICV was wrong */
bool saker_bare_open_all(struct saker_bare *b, struct saker_batch *batch, const void *const *key);

/** Fetch what a packet of @p len octets needs of a key schedule into the cache. */
void saker_bare_prefetch(const struct saker_bare *b, const void *key, uint32_t len);

#endif
