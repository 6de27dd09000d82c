/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_YARDSTICK_H
#define SAKER_YARDSTICK_H

/**
 * @file
 * Something that no change to saker makes faster or slower, to hold its cycles against: the bare
 * library sealing 64 octets with AES-128-GCM and a stored key. Where the library was not built in
 * there is none.
 *
 * Threads: a yardstick belongs to one thread.
 */

struct saker_yardstick;

/** @return NULL: no library, or no memory */
struct saker_yardstick *saker_yardstick_create(void);

/** Free. NULL is allowed. */
void saker_yardstick_free(struct saker_yardstick *y);

/** TSC cycles a packet takes just now; 0 without a yardstick. */
double saker_yardstick_measure(struct saker_yardstick *y);

#endif
