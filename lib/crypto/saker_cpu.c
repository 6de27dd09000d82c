/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_cpu.h"

#include <errno.h>
#include <string.h>

static enum saker_cpu limit = SAKER_CPU_AVX512;

const char *
saker_cpu_name(enum saker_cpu cpu)
{
	static const char *const names[] = {
		[SAKER_CPU_SSE] = "sse",
		[SAKER_CPU_AVX2] = "avx2",
		[SAKER_CPU_AVX2_VAES] = "avx2-vaes",
		[SAKER_CPU_AVX512] = "avx512",
	};

	return names[cpu];
}

int
saker_cpu_limit(const char *name)
{
	for (int cpu = SAKER_CPU_SSE; cpu < SAKER_CPU_COUNT; cpu++)
		if (strcmp(name, saker_cpu_name((enum saker_cpu)cpu)) == 0) {
			limit = (enum saker_cpu)cpu;
			return 0;
		}
	return -EINVAL;
}

bool
saker_cpu_may_use(enum saker_cpu cpu)
{
	return cpu <= limit;
}
