/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_HANDOUT_SOCKET_H
#define SAKER_HANDOUT_SOCKET_H

/**
 * @file
 * A UNIX socket that hands out SAs of PSP: a line of JSON in, a line of JSON out (handout_json.h).
 * Its file has mode 0600, and who connects must be the user that saker runs as, or root.
 *
 * Threads: the main lcore starts and stops; a thread of its own serves. It holds
 * saker_control_lock() only while it copies what it needs, so nobody waits for a slow client.
 */

#include "gateway.h"

/**
 * Begin to serve gateway.psp_socket, if there is one.
 * @return 0, or -errno: the reason was printed to stderr
 */
int saker_handout_start(const struct saker_gateway *g);

/** End all connections, remove the file. */
void saker_handout_stop(void);

#endif
