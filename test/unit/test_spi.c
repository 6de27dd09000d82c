/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "saker_spi.h"

#define MANY 4096
#define FEW  16

static void
finds_every_spi_and_no_other(void **state)
{
	static struct saker_spi_entry spi[MANY];
	struct saker_spi_table t;

	(void)state;
	for (uint32_t i = 0; i < MANY; i++)
		spi[i] = (struct saker_spi_entry){
			.spi = i % 2 ? 0x1000 + i : (i + 1) * 0x00100000u, .group = (uint16_t)i
		};
	assert_int_equal(saker_spi_table_init(&t, spi, MANY), 0);
	for (uint32_t i = 0; i < MANY; i++)
		assert_int_equal(saker_spi_find(&t, spi[i].spi), i);
	for (uint32_t i = 0; i < MANY; i++)
		assert_int_equal(saker_spi_find(&t, 0x80000001u + 2 * i), SAKER_SPI_NONE);
	saker_spi_table_free(&t);
}

static void
finds_nothing_in_an_empty_table(void **state)
{
	struct saker_spi_table t;

	(void)state;
	assert_int_equal(saker_spi_table_init(&t, NULL, 0), 0);
	assert_int_equal(saker_spi_find(&t, 0), SAKER_SPI_NONE);
	assert_int_equal(saker_spi_find(&t, 1), SAKER_SPI_NONE);
	saker_spi_table_free(&t);
}

static void
finds_the_highest_spi_and_never_zero(void **state)
{
	const struct saker_spi_entry spi[] = { { UINT32_MAX, 0 }, { 1, 1 } };
	struct saker_spi_table t;

	(void)state;
	assert_int_equal(saker_spi_table_init(&t, spi, 2), 0);
	assert_int_equal(saker_spi_find(&t, UINT32_MAX), 0);
	assert_int_equal(saker_spi_find(&t, 1), 1);
	assert_int_equal(saker_spi_find(&t, 0), SAKER_SPI_NONE);
	saker_spi_table_free(&t);
}

/* Then a look-up looks at one place, and no branch goes another way than the one before. */
static void
few_spis_stand_in_their_first_places(void **state)
{
	(void)state;
	srand(20261130);
	for (unsigned int round = 0; round < 100; round++) {
		struct saker_spi_entry spi[FEW];
		struct saker_spi_table t;

		for (uint16_t i = 0; i < FEW; i++)
			spi[i] = (struct saker_spi_entry){ (uint32_t)rand() | 1u << i, i };
		assert_int_equal(saker_spi_table_init(&t, spi, FEW), 0);
		for (unsigned int i = 0; i < FEW; i++)
			assert_int_equal(t.entry[saker_spi_hash(&t, spi[i].spi)].group, i);
		saker_spi_table_free(&t);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_every_spi_and_no_other),
		cmocka_unit_test(finds_nothing_in_an_empty_table),
		cmocka_unit_test(finds_the_highest_spi_and_never_zero),
		cmocka_unit_test(few_spis_stand_in_their_first_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
