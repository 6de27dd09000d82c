/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_HANDOUT_H
#define SAKER_HANDOUT_H

/**
 * @file
 * Security associations of PSP that a receiver makes: an SPI, and the key that is derived from the
 * master key and the SPI. Whoever gets both may seal; the receiver keeps nothing of them
 * (docs/formats.md, "PSP").
 *
 * Threads: control path only; every function touches only its arguments and the state directory.
 * Memory: callers keep SAs in saker_secret_alloc() memory and wipe them.
 */

#include "saker_keysource.h"
#include "saker_spi_store.h"

/** What SAs are made from. */
struct saker_handout {
	const uint8_t *master; /**< 32 octets: the value of the root key */
	uint32_t index;        /**< of it */
	uint8_t version;       /**< of PSP, 0 to 3 */
};

/**
 * Name a master key for saker_spi_take().
 * @param id of the root key, @p id_len octets, at most SAKER_ROOT_ID_MAX
 * @return 0 or -EIO
 */
int saker_handout_key(const struct saker_handout *h, const uint8_t *id, uint8_t id_len,
	struct saker_spi_key *key);

/**
 * Make the SAs of SPIs that were taken.
 * @param sas block->n entries
 * @return 0, or -EIO and @p sas wiped
 */
int saker_handout_derive(const struct saker_handout *h, const struct saker_spi_block *block,
	struct saker_psp_sa *sas);

#endif
