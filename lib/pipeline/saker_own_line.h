/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_OWN_LINE_H
#define SAKER_OWN_LINE_H

/**
 * @file
 * Which SN line of this gateway a packet came from, if it is one of ours: by its source and
 * session (stateless profile section 4), or in formats without a session by the source alone, of
 * which each worker has one.
 *
 * Threads: any worker. Lines of other workers are for reading what they publish.
 */

#include "saker_worker.h"

/**
 * How far a source is from a sender's first one, in formats whose workers have one each. An SPI's
 * highest bit tells keys apart and not workers.
 * @param first,source as in replay keys
 */
static inline uint64_t
saker_own_steps(const struct saker_group *g, uint64_t first, uint64_t source)
{
	uint64_t steps = source - first;

	if (g->variant == SAKER_V_CONNECTION_ID)
		return steps >> 32;
	return g->format->worker_spi ? steps & INT32_MAX : steps;
}

/**
 * The sender of a group that has this source.
 * @param source as in a replay key
 * @return index into the snapshot's senders, or -1
 */
int saker_own_sender(
	const struct saker_worker *w, const struct saker_group *g, const uint8_t source[16]);

/**
 * The line, of whatever worker, that a packet of a sender came from.
 * @param source as in a replay key, one of the sender's
 * @return NULL: it is none of ours
 */
const struct saker_sn_line *saker_own_line(const struct saker_worker *w, unsigned int sender,
	const uint8_t source[16], uint16_t session);

#endif
