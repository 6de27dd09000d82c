/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_IDLE_H
#define SAKER_IDLE_H

/**
 * @file
 * What a worker does when there is nothing to do: go on polling, or sleep.
 *
 * A sleep lasts an eighth of the silence before it, up to a millisecond, so what it adds to the
 * delay of a packet is small beside the gap that went before. A queue holds what comes meanwhile.
 * Where all of a worker's ports can, a packet ends the sleep (receive interrupts).
 *
 * Threads: the worker that calls.
 */

#include "saker_worker.h"

/** Before the first round, in the worker's thread. */
void saker_idle_begin(struct saker_worker *w);

/**
 * After each round: count it, and give the CPU away if it brought nothing.
 * @param work packets of the round
 * @param began TSC when the round began
 */
void saker_idle_round(struct saker_worker *w, unsigned int work, uint64_t began);

/** After the last round. */
void saker_idle_end(struct saker_worker *w);

/** Microseconds to sleep after this much silence; 0: go on polling. */
unsigned int saker_idle_nap_us(uint64_t silence_us);

#endif
