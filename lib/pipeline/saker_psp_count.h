/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_PSP_COUNT_H
#define SAKER_PSP_COUNT_H

/**
 * @file
 * The counters that PSP asks of a device, for all groups of that format together (docs/formats.md,
 * "PSP"). Each packet is counted once, with the octets from the first one behind the IV to the last
 * of the payload: a cookie counts, the fixed header and the ICV do not.
 *
 * Threads: a worker counts its own; the control thread reads.
 */

#include <stdbool.h>
#include <stdint.h>

#include "saker_burst.h"

struct saker_worker;

/** What became of a packet. */
enum saker_psp_counter {
	SAKER_PSP_RX_GOOD,
	SAKER_PSP_RX_AUTH_FAIL,
	SAKER_PSP_RX_BAD_FRAME, /**< lengths or framing */
	SAKER_PSP_RX_DROP,      /**< anything else */
	SAKER_PSP_TX_GOOD,
	SAKER_PSP_TX_DROP,
	SAKER_PSP_COUNTERS
};

/** One of them, on one lcore. */
struct saker_psp_count {
	uint64_t packets, octets;
};

/** Its name, as `show psp` and the metrics have it. */
const char *saker_psp_counter_name(enum saker_psp_counter counter);

/** Before a burst that comes in: forget the listeners of the one before. */
void saker_psp_count_begin(struct saker_burst *b);

/** Count the losers of a burst, before they are freed. */
void saker_psp_count_losers(
	struct saker_worker *w, enum saker_direction d, const struct saker_burst *b);

/** Count a received packet that goes on under another group. */
void saker_psp_count_relayed(struct saker_worker *w, const struct saker_burst *b, unsigned int i);

/** Count what a burst is about to send. */
void saker_psp_count_sent(
	struct saker_worker *w, enum saker_direction d, const struct saker_burst *b);

#endif
