/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_NOTIFY_H
#define SAKER_NOTIFY_H

/**
 * @file
 * What a service manager is told (sd_notify(3)): datagrams to the socket that it names in
 * NOTIFY_SOCKET. Without that variable nothing is sent.
 *
 * Threads: the main lcore only. Every function returns 1 if a message went out, 0 if nobody asked
 * for one, or -errno; a gateway goes on without its manager, so callers need not look.
 */

#include <stdbool.h>

/** Send `NAME=value` lines as they are; for what has no function of its own. */
int saker_notify(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Set-up, or a reload, is done. @param status one line for people */
int saker_notify_ready(const char *status);

/** A reload begins; saker_notify_ready() ends it, whatever came of it. */
int saker_notify_reloading(void);

/** The end begins. */
int saker_notify_stopping(void);

/**
 * Call this often. Sends a sign of life twice in each period that the manager wants one in
 * (WATCHDOG_USEC), but only if all was well at that moment.
 * @param alive asked only when a sign is due
 */
int saker_notify_alive(bool (*alive)(void *arg), void *arg);

#endif
