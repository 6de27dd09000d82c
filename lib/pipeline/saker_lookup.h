/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_LOOKUP_H
#define SAKER_LOOKUP_H

/**
 * @file
 * What both directions do with Ethernet frames and policies.
 *
 * Threads: the worker of the burst.
 */

#include "saker_worker.h"

/**
 * Sort out frames that are for saker itself or not for it at all, see saker_link_takes().
 * Strip Ethernet headers with up to two VLAN tags, read and check IP headers, cut the Ethernet
 * padding. Afterwards each buffer begins with its IP header; `ip` and `view` are set. Packets that
 * were handed over have lost their Ethernet header before.
 */
void saker_frames_read(struct saker_worker *w, enum saker_direction d);

/**
 * Find the policies of packets by `ip` and `view`; NULL: none matches.
 * @param reverse exchange source and destination: what may come back
 */
void saker_policies_of(const struct saker_snapshot *s, struct saker_burst *b, bool reverse);

/** Count packets and octets of the inner packets for their policies. */
void saker_count_policies(
	struct saker_worker *w, const struct saker_burst *b, enum saker_direction d);

#endif
