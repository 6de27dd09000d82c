/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_CPU_H
#define SAKER_CPU_H

/**
 * @file
 * Lets crypto drivers act as on a lesser processor, so that tests and benchmarks on a new one try
 * the code that is for older ones. The gateway sets no limit.
 *
 * Threads: the limit is set by one thread before drivers are probed; afterwards it is only read.
 */

#include <stdbool.h>

/** Sets of instructions, each with those before it. */
enum saker_cpu {
	SAKER_CPU_SSE,       /**< AES-NI, PCLMULQDQ, SSE4 */
	SAKER_CPU_AVX2,      /**< AVX, AVX2 */
	SAKER_CPU_AVX2_VAES, /**< VAES, VPCLMULQDQ in 256 bits */
	SAKER_CPU_AVX512,    /**< AVX-512, VAES in 512 bits; no limit */
	SAKER_CPU_COUNT
};

/** Name of a set: sse, avx2, avx2-vaes, avx512. */
const char *saker_cpu_name(enum saker_cpu cpu);

/**
 * Let drivers that are probed and contexts that are made from now on use no more than @p name.
 * @return 0, or -EINVAL if there is no such set
 */
int saker_cpu_limit(const char *name);

/** Whether the limit allows a set of instructions; the processor may lack it nevertheless. */
bool saker_cpu_may_use(enum saker_cpu cpu);

#endif
