/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_ROUTE_H
#define SAKER_ROUTE_H

/**
 * @file
 * What a router does to packets that it forwards: it takes one of the TTL or hop limit, keeps to
 * MTUs by telling the sender or by fragments, clamps the TCP MSS, and joins the fragments of
 * protected packets.
 *
 * Threads: the worker of the burst.
 */

#include "saker_worker.h"

/** Stage: packets about to be protected, against the tunnel MTU of their policies. */
void saker_stage_route_out(struct saker_worker *w, struct saker_burst *b);

/** Stage: packets that were opened, against the MTU of the clear port. */
void saker_stage_route_in(struct saker_worker *w, struct saker_burst *b);

/** Forward a packet under a bypass policy, against the MTU of its port; it leaves the burst. */
void saker_route_clear(
	struct saker_worker *w, enum saker_direction d, struct saker_burst *b, uint16_t i);

/**
 * Take the packet of slot @p i, a fragment that came in by the cipher port, if protected packets
 * may look like it. The slot then holds the whole packet, or has left the burst.
 */
void saker_route_join(struct saker_worker *w, struct saker_burst *b, uint16_t i);

/** Cut and send a protected packet that is longer than the port's MTU. @return false: it is not */
bool saker_route_send_long(struct saker_worker *w, enum saker_direction d, struct rte_mbuf *m);

/** Make a packet in several segments one. @return SAKER_OK or the reason to drop it */
enum saker_drop saker_route_linear(struct saker_worker *w, struct rte_mbuf **m);

#endif
