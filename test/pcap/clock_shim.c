/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/**
 * @file
 * Preloaded by the tests: shifts the wall clock of a program by the milliseconds that stand in the
 * file CLOCK_SHIFT_FILE as a 64-bit integer, which the test may change at any time. Monotonic
 * clocks are left alone.
 *
 * Threads: any; the shift is one aligned word in shared memory.
 */

#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t *shift_ms;

__attribute__((constructor)) static void
map_shift(void)
{
	const char *path = getenv("CLOCK_SHIFT_FILE");
	int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	void *p = MAP_FAILED;

	if (fd >= 0) {
		p = mmap(NULL, sizeof(*shift_ms), PROT_READ, MAP_SHARED, fd, 0);
		close(fd);
	}
	if (p != MAP_FAILED)
		shift_ms = p;
}

static int64_t
shifted_ns(clockid_t id)
{
	struct timespec t;

	syscall(SYS_clock_gettime, id, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec +
	       (shift_ms == NULL ? 0 : *shift_ms * 1000000);
}

int
clock_gettime(clockid_t id, struct timespec *t)
{
	int64_t ns;

	if (id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE)
		return (int)syscall(SYS_clock_gettime, id, t);
	ns = shifted_ns(id);
	t->tv_sec = ns / 1000000000;
	t->tv_nsec = ns % 1000000000;
	return 0;
}

int
gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	int64_t ns = shifted_ns(CLOCK_REALTIME);

	(void)zone;
	tv->tv_sec = ns / 1000000000;
	tv->tv_usec = ns % 1000000000 / 1000;
	return 0;
}

time_t
time(time_t *out)
{
	time_t t = (time_t)(shifted_ns(CLOCK_REALTIME) / 1000000000);

	if (out != NULL)
		*out = t;
	return t;
}
