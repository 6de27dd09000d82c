/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "saker_index.h"

#define ENTRIES    16
#define ROUNDS     20000
#define NEIGHBOURS 1024
#define SECRETS    200

static bool
holds(const struct saker_index *x, uint32_t hash, int32_t number)
{
	uint32_t at = saker_index_home(x, hash);
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
	struct saker_index x;
	uint32_t hash[ENTRIES] = { 0 };
	bool in[ENTRIES] = { false };

	(void)state;
	saker_index_init(&x, place, saker_index_places(ENTRIES));
	srand(20261121);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		unsigned int i = (unsigned int)rand() % ENTRIES;

		if (in[i]) {
			saker_index_remove(&x, hash[i], i);
		} else {
			hash[i] = (x.mask - 3 + (uint32_t)rand() % 8) << x.shift;
			saker_index_add(&x, hash[i], i);
		}
		in[i] = !in[i];
		for (unsigned int k = 0; k < ENTRIES; k++)
			assert_int_equal(holds(&x, hash[k], (int32_t)k), in[k]);
	}
}

/* An id of a source stands in the last octets of eight, in network order. */
static uint32_t
hash_of(const struct saker_index *x, uint32_t id)
{
	const struct saker_index_key key = { { (uint64_t)__builtin_bswap32(id) << 32, 0, 0 } };

	return saker_index_hash(x, &key);
}

/* Neighbours differ in few bits; whatever the secret, they must not crowd. */
static void
finds_neighbours_soon(void **state)
{
	static uint64_t place[2 * NEIGHBOURS];

	(void)state;
	srand(20261130);
	for (unsigned int round = 0; round < SECRETS; round++) {
		uint32_t first = (uint32_t)rand() % 256 * NEIGHBOURS, steps = 0;
		struct saker_index x;

		memset(place, 0, sizeof(place));
		saker_index_init(&x, place, saker_index_places(NEIGHBOURS));
		for (unsigned int k = 0; k < 2; k++)
			x.secret[k] = (uint64_t)rand() << 42 ^ (uint64_t)rand() << 21 ^
				      (uint64_t)rand();
		for (uint32_t i = 0; i < NEIGHBOURS; i++)
			saker_index_add(&x, hash_of(&x, first + i), i);
		for (uint32_t i = 0; i < NEIGHBOURS; i++) {
			uint32_t hash = hash_of(&x, first + i);
			uint32_t home = saker_index_home(&x, hash), at = home;

			assert_true(saker_index_next(&x, hash, &at) >= 0);
			steps += at - home;
		}
		/* 1.5 of random ones, half of the places being full */
		assert_in_range(steps, NEIGHBOURS, 8 * NEIGHBOURS);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_was_added_and_not_removed),
		cmocka_unit_test(finds_neighbours_soon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
