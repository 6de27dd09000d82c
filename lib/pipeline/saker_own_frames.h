/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_OWN_FRAMES_H
#define SAKER_OWN_FRAMES_H

/**
 * @file
 * Frames that may be for saker itself: ARP, neighbour discovery and ping for the port's own
 * addresses are answered in place, by the port they came from; what is neither for saker nor for
 * the pipeline is dropped.
 *
 * Threads: the worker alone.
 */

#include "saker_worker.h"

/**
 * Look closer at a frame that saker_link_passes() does not let pass at once.
 * @param d direction of the burst, which tells the port it came from
 * @param i its slot; it is marked where the answer is no
 * @return true: it goes on through the pipeline
 */
bool saker_link_takes(struct saker_worker *w, enum saker_direction d, unsigned int i);

#endif
