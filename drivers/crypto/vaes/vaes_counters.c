/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "vaes_counters.h"

#define COUNTER(n) ((n) + 2 - VAES_COUNTERS_BEFORE)

/* Entry n, and so many from n on. */
#define ONE(n)                                                                                     \
	{                                                                                          \
		[14] = (uint8_t)(COUNTER(n) >> 8), [15] = (uint8_t)COUNTER(n)                      \
	}
#define FOUR(n)  ONE(n), ONE((n) + 1), ONE((n) + 2), ONE((n) + 3)
#define X16(n)   FOUR(n), FOUR((n) + 4), FOUR((n) + 8), FOUR((n) + 12)
#define X64(n)   X16(n), X16((n) + 16), X16((n) + 32), X16((n) + 48)
#define X256(n)  X64(n), X64((n) + 64), X64((n) + 128), X64((n) + 192)
#define X1024(n) X256(n), X256((n) + 256), X256((n) + 512), X256((n) + 768)

const uint8_t saker_vaes_counters[VAES_COUNTERS][16] __attribute__((aligned(64))) = { X1024(0),
	X1024(1024), X1024(2048), X1024(3072), X64(4096) };
