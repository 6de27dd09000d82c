/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_CLI_H
#define SAKER_CLI_H

/**
 * @file
 * The prompt, by librte_cmdline: thin parsers over show.h and gateway.h.
 *
 * Threads: the main lcore only.
 */

#include "gateway.h"

/**
 * Run the commands of a file, one a line; empty lines and lines that begin with '#' are skipped.
 * Stops at the first that fails.
 * @return 0, or -EINVAL: a command failed, it was named on stderr with its line
 */
int saker_cli_file(struct saker_gateway *g, const char *file);

/** Begin the prompt on standard input. @return 0 or -errno */
int saker_cli_start(struct saker_gateway *g);

/** Serve the prompt for at most @p timeout_ms. @return false once it has ended. */
bool saker_cli_poll(struct saker_gateway *g, int timeout_ms);

/** Restore the terminal. Nothing happens if the prompt was not begun. */
void saker_cli_stop(void);

#endif
