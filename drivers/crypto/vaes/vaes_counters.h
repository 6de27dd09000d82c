/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef VAES_COUNTERS_H
#define VAES_COUNTERS_H

/**
 * @file
 * Counters of a text's blocks, as they stand in counter blocks. A vector of them is one load.
 * Counting in registers takes two instructions a vector instead, and the work on long texts waits
 * for room for instructions where a processor begins two of them a cycle (Zen 4).
 */

#include "saker_crypto.h"

#define VAES_COUNTERS_BEFORE 4    /* entries before that of the first block, which has counter 2 */
#define VAES_COUNTERS        4160 /* of the longest text, and those before */

_Static_assert(VAES_COUNTERS >= VAES_COUNTERS_BEFORE + SAKER_TEXT_MAX / 16, "too few");

/** The same for every text: nothing secret. */
extern const uint8_t saker_vaes_counters[VAES_COUNTERS][16];

#endif
