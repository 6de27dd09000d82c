/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_PLAIN_H
#define SAKER_PLAIN_H

/**
 * @file
 * The short way of plain packets: IPv4 without options or fragments around an IPv4 packet of the
 * same kind, in tunnel mode of format E, with nothing in clear, a policy that the table tells, a
 * TTL to spare, no SYN. Nearly every packet is one. What several stages do with a packet is done
 * here in one pass, with its fields in registers. A packet that is not plain, or has anything wrong
 * with it, is left as it was for the stages, which know all kinds of packets and every reason.
 * Stage `inner` does the same for the policy and the route of what was opened.
 *
 * Each function sets `done` of all slots, and `undone`.
 *
 * Threads: the worker of the burst.
 */

#include "saker_worker.h"

/** Read frames, see saker_frame_read(); of plain ones, do stages `classify`, `route`, `plan`. */
void saker_plain_out(struct saker_worker *w, struct saker_burst *b);

/** Read frames; of plain ones, do the rest of stages `outer` to `admit`, `own` aside. */
void saker_plain_in(struct saker_worker *w, struct saker_burst *b);

/** Write headers of plain packets, which stand behind stage `sn`, and fill their crypto jobs. */
void saker_plain_headers(struct saker_worker *w, struct saker_burst *b);

#endif
