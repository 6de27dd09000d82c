/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_GATEWAY_HANDOUT_H
#define SAKER_GATEWAY_HANDOUT_H

/**
 * @file
 * Hand out SAs of PSP from a gateway that runs. SPIs are reserved in blocks: on disk first, then
 * they are handed out from memory; a restart skips the rest of a block.
 *
 * Threads: the main lcore (prompt) and the one that serves the socket. Never a worker.
 */

#include "gateway.h"
#include "saker_handout.h"

#define SAKER_HANDOUT_WHY 320 /**< room for a sentence */

/** SAs that were made, or why not. */
struct saker_handout_lot {
	uint8_t version;
	struct saker_psp_sas sas;    /**< to be freed */
	char why[SAKER_HANDOUT_WHY]; /**< one sentence, if there are none */
};

/**
 * Make SAs of a trust group.
 * @param count 1 to SAKER_PSP_SAS
 * @param lot receives them
 * @return 0, or -errno: lot->why says why not
 */
int saker_handout_make(const struct saker_gateway *g, const char *group, unsigned int count,
	struct saker_handout_lot *lot);

/**
 * `psp spi new`: make SAs and write them to a file of mode 0600; no key is printed.
 * @param count,file text of the command, or NULL: 1, and a file in the state directory
 * @return 0 or -errno: the reason was printed to stderr
 */
int saker_handout_new(
	const struct saker_gateway *g, const char *group, const char *count, const char *file);

/** Forget reserved SPIs. */
void saker_handout_fini(void);

#endif
