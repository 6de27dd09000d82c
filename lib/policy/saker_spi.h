/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_SPI_H
#define SAKER_SPI_H

/**
 * @file
 * SPI to trust group, for every received packet: an immutable open-addressing table that is at
 * most a quarter full, so that a look-up is one multiplication and, nearly always, one line.
 *
 * Threads: filled by the control thread, then read-only.
 */

#include <stdint.h>

#define SAKER_SPI_NONE UINT16_MAX

/** An entry; SPI 0 marks an empty one: no group has it, and its group is SAKER_SPI_NONE. */
struct saker_spi_entry {
	uint32_t spi;
	uint16_t group;
};

/** The table. */
struct saker_spi_table {
	struct saker_spi_entry *entry;
	uint64_t factor; /**< of the hash */
	uint32_t mask;   /**< entries, a power of two, less one */
};

/**
 * Fill a table.
 * @param entry n entries, their SPIs all different and none zero; not kept
 * @return 0 or -ENOMEM
 */
int saker_spi_table_init(
	struct saker_spi_table *t, const struct saker_spi_entry *entry, unsigned int n);

/** Free a table. */
void saker_spi_table_free(struct saker_spi_table *t);

/** First place to look: the upper bits of a product depend on all bits of the SPI. */
static inline uint32_t
saker_spi_hash(const struct saker_spi_table *t, uint32_t spi)
{
	return (uint32_t)(spi * t->factor >> 40) & t->mask;
}

/** Group of an SPI, or SAKER_SPI_NONE. */
static inline uint16_t
saker_spi_find(const struct saker_spi_table *t, uint32_t spi)
{
	for (uint32_t i = saker_spi_hash(t, spi);; i = (i + 1) & t->mask) {
		const struct saker_spi_entry *e = &t->entry[i];

		if (__builtin_expect(e->spi == spi || e->spi == 0, 1))
			return e->group;
	}
}

#endif
