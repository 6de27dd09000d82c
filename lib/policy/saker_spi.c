/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_spi.h"

#include <errno.h>
#include <stdlib.h>

#define SPARSE      4 /* entries for each SPI, at least */
#define MIN_ENTRIES 16

int
saker_spi_table_init(struct saker_spi_table *t, const struct saker_spi_entry *entry, unsigned int n)
{
	uint32_t size = MIN_ENTRIES;

	while (size < SPARSE * n)
		size *= 2;
	t->entry = calloc(size, sizeof(*t->entry));
	if (t->entry == NULL)
		return -ENOMEM;
	t->mask = size - 1;
	for (uint32_t i = 0; i < size; i++)
		t->entry[i].group = SAKER_SPI_NONE;
	for (unsigned int i = 0; i < n; i++) {
		uint32_t at = saker_spi_hash(t, entry[i].spi);

		while (t->entry[at].spi != 0)
			at = (at + 1) & t->mask;
		t->entry[at] = entry[i];
	}
	return 0;
}

void
saker_spi_table_free(struct saker_spi_table *t)
{
	free(t->entry);
	t->entry = NULL;
}
