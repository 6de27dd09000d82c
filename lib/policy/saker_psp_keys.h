/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_PSP_KEYS_H
#define SAKER_PSP_KEYS_H

/**
 * @file
 * What a group of format psp and role server or client seals with: SAs that the receivers handed
 * to this gateway. An SA has one sender, and each worker is one: worker n seals on the n-th SA of
 * the receiver.
 *
 * Threads: built and freed by the control thread, then read by workers.
 * Memory: keys lie in saker_secret_alloc() memory and are wiped by saker_psp_keys_free().
 */

#include "saker_group.h"

/** An SA to seal on. */
struct saker_psp_seal {
	struct saker_expanded_key key;
	uint32_t spi;
	uint8_t check[8];     /**< tells keys apart, for the SN store */
	struct saker_ip peer; /**< who receives; family 0: whoever has no SA of its own */
};

/** True if a group seals with SAs that it was handed, and with nothing else. */
static inline bool
saker_psp_handed(const struct saker_cfg_group *cfg)
{
	return cfg->format == saker_format_psp.letter && cfg->role != SAKER_ROLE_PEER;
}

/**
 * Make a group's SAs ready, those of one receiver side by side.
 * @return 0, or -EINVAL: faults were added; call saker_psp_keys_free() all the same
 */
int saker_psp_keys_build(const struct saker_group_env *env, struct saker_group *g);

/** Wipe and free. */
void saker_psp_keys_free(struct saker_group *g);

/**
 * SAs of a receiver, or those without one where it has none.
 * @param peer outer destination of a policy; family 0 in transport mode
 * @param n receives how many there are
 * @return the first, NULL: there are none
 */
const struct saker_psp_seal *saker_psp_keys_of(
	const struct saker_group *g, const struct saker_ip *peer, unsigned int *n);

#endif
