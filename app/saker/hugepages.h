/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_HUGEPAGES_H
#define SAKER_HUGEPAGES_H

/**
 * @file
 * Whether there are the hugepages that a configuration needs, and what to type if not: EAL's own
 * messages say neither.
 *
 * Threads: the main thread, before EAL starts.
 */

#include "saker_config.h"

/** Memory that a configuration takes from EAL: buffers, replay windows, caches. @return octets */
uint64_t saker_hugepages_need(const struct saker_config *c);

/**
 * Compare what there is with what is needed, and say what is missing, to stderr.
 * @param need octets
 * @param argc,argv EAL's arguments: `--no-huge`, `-m`, `--in-memory` and `--huge-dir` count
 * @param root "" for this machine; another directory that stands for "/" in tests
 * @return 0: enough, or a warning was printed; -ENOMEM: EAL can't start
 */
int saker_hugepages_check(uint64_t need, int argc, char **argv, const char *root);

#endif
