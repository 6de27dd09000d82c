/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_MACHINE_H
#define SAKER_MACHINE_H

/**
 * @file
 * Where and with what a benchmark ran, and the start of EAL.
 *
 * Threads: the main thread only.
 */

#include "bench.h"

/** Room for the circumstances and their end. */
#define SAKER_CIRCUMSTANCES 12

/** Keep the command's text, which EAL may put into another order, and how busy the machine was. */
void saker_machine_note_command(int argc, char **argv);

/**
 * Say where and with what this runs. Call it after EAL was started, if it is.
 * @param text what the user has to say of the machine, or NULL
 * @param c SAKER_CIRCUMSTANCES entries; the texts live until the next call
 */
void saker_machine_describe(const char *text, bool eal, struct saker_circumstance *c);

/**
 * Start EAL without PCI devices: with huge pages if enough of them are free, else without.
 * @param memory_mb memory that it must give
 * @param workers lcores beside the main one, at least 1; each on a CPU of its own as far as the
 *        process has them
 * @return 0, or -EIO: the reason was printed
 */
int saker_machine_start_eal(unsigned int memory_mb, unsigned int workers);

/** Memory that can be used without swapping, in MB. */
uint64_t saker_machine_free_mb(void);

/** Cycles of the core clock to one of the TSC, now: the clock of a shared machine moves. */
double saker_machine_clock(void);

#endif
