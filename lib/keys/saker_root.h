/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_ROOT_H
#define SAKER_ROOT_H

/**
 * @file
 * How a root key changes while a gateway runs: what may follow what, and in which order.
 *
 * Receiving comes first: new values are accepted at once, next to those before. For a grace time
 * the gateway seals with a value that its peers hold for sure, then with the new current.
 *
 * Threads: control path only.
 */

#include "saker_keys.h"

/** Which value of a root key seals. */
struct saker_root_sending {
	uint8_t generation; /**< enum saker_generation */
	uint64_t until_ms;  /**< then current takes over and old goes; 0: nothing is to come */
};

/** Why values may not follow others. */
enum saker_root_fault {
	SAKER_ROOT_GOOD,
	SAKER_ROOT_BACK,  /**< the index goes back: retired values would be used again */
	SAKER_ROOT_OTHER, /**< an index has another value than before */
	SAKER_ROOT_AGAIN, /**< a value has another index than before */
};

/** The reason as the end of a sentence that begins with the name of the root key. */
const char *saker_root_fault_text(enum saker_root_fault fault);

/** May @p k follow @p before? */
enum saker_root_fault saker_root_check(
	const struct saker_root_values *k, const struct saker_root_values *before);

/** True if some index is live in both: packets of members with either are opened by the other. */
bool saker_root_overlap(const struct saker_root_values *k, const struct saker_root_values *before);

/**
 * Let @p k follow @p before: keep accepting the value that falls out, and decide what seals.
 * @param k as read from a file; receives SAKER_OLD
 * @param sending of @p before; becomes that of @p k
 * @param now_ms any clock that does not go back
 * @param grace_ms how long the new current waits
 */
void saker_root_follow(struct saker_root_values *k, struct saker_root_sending *sending,
	const struct saker_root_values *before, uint64_t now_ms, uint64_t grace_ms);

/**
 * Seal with current if its time has come, and forget SAKER_OLD.
 * @return true if that changed something
 */
bool saker_root_settle(
	struct saker_root_values *k, struct saker_root_sending *sending, uint64_t now_ms);

/**
 * Step a root key: next becomes current, current becomes pre, and a fresh random next is made.
 * @param now seconds of Unix time
 * @return 0; -ENOKEY: there is no next; -EPERM: it holds the KEYMAT of an SA; -ERANGE: the indices
 * are used up; -EIO: no random octets. On failure nothing has changed.
 */
int saker_root_step(struct saker_root_values *k, uint64_t now);

#endif
