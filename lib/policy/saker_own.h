/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_OWN_H
#define SAKER_OWN_H

/**
 * @file
 * Which received sources are our own: what a packet can't name unless it is ours, come back, or
 * another gateway's that was given our source id.
 *
 * Threads: prepared with the snapshot, then read only.
 */

#include "saker_snapshot.h"

/**
 * The source that a worker's packets name: the sender's own, or, where there is no session id to
 * tell workers apart, the id or SPI that lies so far behind it.
 */
void saker_own_source(const struct saker_sender *sender, unsigned int worker, uint8_t source[16]);

/**
 * A sender's source in the form of a replay key (stateless profile section 4): ids at the end of 8
 * octets, a device id or an address at the start.
 */
void saker_own_key(const struct saker_sender *sender, uint8_t key[16]);

/**
 * Note in each peer group of a snapshot the sources that it sends under. In a server group both
 * directions carry the client's id, so there is nothing to tell by.
 */
void saker_own_prepare(struct saker_snapshot *s);

#endif
