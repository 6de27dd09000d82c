/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_SPI_STORE_H
#define SAKER_SPI_STORE_H

/**
 * @file
 * Which SPIs of PSP were handed out, so that none is a second time under one master key
 * (docs/formats.md, "PSP"). One text file with a checksum in the state directory, replaced
 * atomically and synced. It is locked for as long as SPIs are taken, no longer: a gateway and
 * saker-keytool may take from one directory.
 *
 * A root key has two records, one for each value of bit 31. What is counted is the lower 31 bits,
 * upwards, for all groups of the root key together. An index never goes back and never changes its
 * value, so a master key that has left its record never comes again.
 *
 * Threads: any, control path only. Processes: any.
 */

#include "saker_faults.h"
#include "saker_keys.h"

#define SAKER_SPI_FILE  "psp-spis"  /**< name in the state directory */
#define SAKER_SPI_LAST  0x7fffffffu /**< highest SPI without bit 31 */
#define SAKER_SPI_PHASE 0x80000000u /**< bit 31: which master key */

/** A master key: a value of a root key. */
struct saker_spi_key {
	uint8_t id[SAKER_ROOT_ID_MAX]; /**< of the root key */
	uint8_t id_len;
	uint32_t index;      /**< its lowest bit is bit 31 of SPIs */
	uint8_t mk_check[8]; /**< tells values apart */
};

/** What is wanted. SPIs without bit 31. */
struct saker_spi_want {
	uint32_t first, last; /**< range, 1 to SAKER_SPI_LAST */
	uint32_t least, most; /**< how many in a row */
};

/** SPIs in a row, without bit 31. */
struct saker_spi_block {
	uint32_t first, n;
};

/**
 * Take SPIs that nobody was given under a master key. They are on disk as taken when this returns.
 * @param dir state directory, which is created (mode 0700) if only its last component is missing
 * @param block receives @p want.most SPIs, or at least @p want.least if no more are left; zero on
 *        failure
 * @param faults receives why not, one sentence
 * @return 0; -ENOSPC: the range is used up; -ESTALE: the index went back, or has another value than
 *         before; -EINVAL: the state can't be used; -EIO: it can't be written
 */
int saker_spi_take(const char *dir, const struct saker_spi_key *key,
	const struct saker_spi_want *want, struct saker_spi_block *block,
	struct saker_faults *faults);

#endif
