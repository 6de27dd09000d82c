/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_HANDOVER_H
#define SAKER_HANDOVER_H

/**
 * @file
 * Inbound, a (source, session) belongs to one lcore, chosen by authenticated fields only; packets
 * that arrive elsewhere go to it through its inbox (stateless profile section 4).
 *
 * Nothing is lost when an inbox is full: the packets wait, and their lcore receives no more until
 * they are gone. It keeps emptying its own inbox meanwhile, so lcores can't wait for each other
 * in a circle.
 *
 * Outbound, a worker without an SA of its own in a group with an SA for each resource (RFC 9611)
 * gives its packets to the one that owns the fallback SA.
 *
 * Threads: the worker that calls; inboxes have many producers and one consumer.
 */

#include "saker_worker.h"

/** Stage: keep what this lcore owns, hand over the rest. */
void saker_stage_own(struct saker_worker *w, struct saker_burst *b);

/**
 * End of stage `classify`: give away what only another lcore may seal. Packets that came from
 * another lcore stay: if this one does not own the fallback SA any more, they get no SN.
 */
void saker_hand_to_sealers(struct saker_worker *w, struct saker_burst *b);

/** Try again to hand over what waits. @return true if nothing waits any more. */
bool saker_handover_retry(struct saker_worker *w);

#endif
