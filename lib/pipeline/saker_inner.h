/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_INNER_H
#define SAKER_INNER_H

/**
 * @file
 * What happens to a packet once its ICV was verified: payload info, form, decapsulation, policy
 * (the last rows of stateless profile section 5).
 *
 * Threads: the worker of the burst.
 */

#include "saker_worker.h"

/** Stage: check payload info, outer addresses and inner form; make the inner packet whole. */
void saker_stage_inner(struct saker_worker *w, struct saker_burst *b);

/** Stage: drop what the packet's source may not send. */
void saker_stage_policy(struct saker_worker *w, struct saker_burst *b);

/** Forget what stands in unauthenticated octets: ports, and the protocol behind IPv6 extensions. */
void saker_inner_blind(const uint8_t *ip, struct saker_ip_view *v);

#endif
