/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_PDUMP_H
#define SAKER_PDUMP_H

/**
 * @file
 * DPDK's packet capture framework, so that dpdk-dumpcap and dpdk-pdump can attach to ports.
 *
 * Threads: the main lcore only. Captures run on the workers, by callbacks of the ports.
 */

/**
 * Let other processes capture. Where EAL shares no memory with them this says so on stderr and
 * does nothing else.
 */
void saker_pdump_start(void);

/** End it. */
void saker_pdump_stop(void);

#endif
