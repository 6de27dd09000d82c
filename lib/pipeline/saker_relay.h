/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_RELAY_H
#define SAKER_RELAY_H

/**
 * @file
 * The middle of a proxy (stateless profile section 6): packets that were opened under a group with
 * proxies never see the clear port. They wait in the worker for the end of the burst, and go on
 * through the outbound stages from `route` on, under the policy that seals for their proxy.
 *
 * Threads: the worker of the burst.
 */

#include "saker_worker.h"

/** Stage: take packets of groups with proxies out of the burst, or drop them. */
void saker_stage_proxy(struct saker_worker *w, struct saker_burst *b);

#endif
