/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_CAPTURE_H
#define SAKER_CAPTURE_H

/**
 * @file
 * Captures: workers copy packets into a bounded ring, a thread writes them as pcapng. What finds
 * no room is counted, and no packet waits for a capture.
 *
 * Threads: the main lcore calls; the writing thread lives while something is captured.
 */

#include "show.h"

/** What can follow `capture start`, for completion: separated by '#'. */
extern const char saker_capture_points[];

/**
 * Begin to capture.
 * @param point name of a point, or "all"
 * @param file made anew, mode 0600; a regular file, no link
 * @return 0 or -errno: the reason was printed to stderr
 */
int saker_capture_start(struct saker_gateway *g, const char *point, const char *file);

/**
 * End captures, write what is in the ring, say what was captured.
 * @param point name of a point; "all" or NULL: all that run
 * @return 0, or -EINVAL: no such point, or nothing is captured there; that was printed to stderr
 */
int saker_capture_stop(struct saker_gateway *g, const char *point, struct saker_out *out);

/** End all captures without a word, free buffers. No worker runs any more. */
void saker_capture_fini(struct saker_gateway *g);

/** `show captures`: captures that run, and the last of each point. */
void saker_show_captures(const struct saker_gateway *g, struct saker_out *out);

#endif
