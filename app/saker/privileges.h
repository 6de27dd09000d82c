/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_PRIVILEGES_H
#define SAKER_PRIVILEGES_H

/**
 * @file
 * What the process may do, and what it gives up.
 *
 * A gateway that is started as root with `--user` opens its devices as root and is that user ever
 * after. Configuration and keys are read as that user from the beginning, so what a start could
 * read a reload can read too.
 *
 * Threads: the main thread, before there are others, unless said otherwise. Reasons of failures
 * are printed to stderr.
 */

/** No core files, no debugger of an equal, no new privileges by exec(2). */
void saker_privileges_harden(void);

/**
 * Choose the user to become, and act as that user for now.
 * @param user a name, or NULL: nothing is given up, and the other calls do nothing
 * @return 0; -ENOENT: no such user; -EPERM: saker was not started as root
 */
int saker_privileges_assume(const char *user);

/** Act as root again, to open devices. @return 0 or -errno */
int saker_privileges_resume(void);

/**
 * Become the chosen user for good. The calling thread keeps CAP_NET_RAW and CAP_NET_ADMIN, which
 * raw sockets and taps need when ports start, and CAP_IPC_LOCK if VFIO is in use; all other threads
 * keep nothing. Call it in the main thread once EAL and the devices are there.
 * @return 0 or -errno: the process must end
 */
int saker_privileges_drop(void);

#endif
