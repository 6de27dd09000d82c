/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "saker_index.h"

#define ENTRIES 16
#define ROUNDS  20000

static bool
holds(const struct saker_index *x, uint32_t hash, int32_t number)
{
	uint32_t at = hash;
	int32_t found;

	do {
		found = saker_index_next(x, hash, &at);
	} while (found >= 0 && found != number);
	return found == number;
}

/* Few hashes, so that numbers crowd, and wrap round the end. */
static void
finds_what_was_added_and_not_removed(void **state)
{
	uint64_t place[4 * ENTRIES] = { 0 };
	struct saker_index x = { .place = place, .mask = saker_index_places(ENTRIES) - 1 };
	uint32_t hash[ENTRIES] = { 0 };
	bool in[ENTRIES] = { false };

	(void)state;
	srand(20261121);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		unsigned int i = (unsigned int)rand() % ENTRIES;

		if (in[i]) {
			saker_index_remove(&x, hash[i], i);
		} else {
			hash[i] = x.mask - 3 + (uint32_t)rand() % 8;
			saker_index_add(&x, hash[i], i);
		}
		in[i] = !in[i];
		for (unsigned int k = 0; k < ENTRIES; k++)
			assert_int_equal(holds(&x, hash[k], (int32_t)k), in[k]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_was_added_and_not_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
