/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_HANDOUT_JSON_H
#define SAKER_HANDOUT_JSON_H

/**
 * @file
 * The lines of the hand-out socket (docs/operations.md): one JSON object each. What is read is
 * strict and small; anything else is refused.
 *
 *     {"group": "edge", "count": 4}
 *     {"group":"edge","version":1,"sas":[{"spi":"80000001","key":"..."},...]}
 *     {"error":"one sentence"}
 *
 * Threads: every function touches only its arguments.
 */

#include "handout.h"

/** A request that was read. */
struct saker_handout_request {
	char group[SAKER_NAME_MAX];
	unsigned int count; /**< 1 if it was not given */
};

/**
 * Read a request.
 * @param line NUL-terminated, without its newline
 * @return NULL, or what is wrong with it
 */
const char *saker_handout_read(const char *line, struct saker_handout_request *r);

/** Octets of the longest answer with that many SAs, newline and NUL included. */
size_t saker_handout_room(unsigned int n);

/** Write an answer with SAs. @param out saker_handout_room() octets @return its length */
size_t saker_handout_answer(
	const struct saker_handout_request *r, const struct saker_handout_lot *lot, char *out);

/** Write an answer without. @param out saker_handout_room(0) octets @return its length */
size_t saker_handout_error(const char *why, char *out);

#endif
