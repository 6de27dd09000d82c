/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_spi.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "saker_factor.h"

#define SPARSE      4 /* entries for each SPI, at least */
#define MIN_ENTRIES 16

static void
clear(struct saker_spi_table *t)
{
	for (uint32_t i = 0; i <= t->mask; i++)
		t->entry[i] = (struct saker_spi_entry){ .group = SAKER_SPI_NONE };
}

/* @return entries out of their first place */
static unsigned int
fill(struct saker_spi_table *t, const struct saker_spi_entry *entry, unsigned int n)
{
	unsigned int displaced = 0;

	clear(t);
	for (unsigned int i = 0; i < n; i++) {
		uint32_t first = saker_spi_hash(t, entry[i].spi), at = first;

		while (t->entry[at].spi != 0)
			at = (at + 1) & t->mask;
		t->entry[at] = entry[i];
		displaced += at != first;
	}
	return displaced;
}

int
saker_spi_table_init(struct saker_spi_table *t, const struct saker_spi_entry *entry, unsigned int n)
{
	unsigned int trials = saker_factor_trials(n), least = UINT_MAX, best = 0;
	uint32_t size = MIN_ENTRIES;

	while (size < SPARSE * n)
		size *= 2;
	t->entry = calloc(size, sizeof(*t->entry));
	if (t->entry == NULL)
		return -ENOMEM;
	t->mask = size - 1;
	for (unsigned int k = 0; k < trials && least > 0; k++) {
		unsigned int displaced;

		t->factor = saker_factor(k);
		displaced = fill(t, entry, n);
		best = displaced < least ? k : best;
		least = displaced < least ? displaced : least;
	}
	t->factor = saker_factor(best);
	(void)fill(t, entry, n);
	return 0;
}

void
saker_spi_table_free(struct saker_spi_table *t)
{
	free(t->entry);
	t->entry = NULL;
}
