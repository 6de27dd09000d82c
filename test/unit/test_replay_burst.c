/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/* Bursts of packets look their windows up together; each must be served as if it came alone. */

#include "replay_tables.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#define BURST 64

/* Packets of two tables and of none take turns; each table sees what it would see by itself. */
static void
serves_packets_of_several_tables_in_one_burst(void **state)
{
	struct saker_replay_table *t[] = { make_table(8, 64), make_table(8, 64), NULL };
	struct saker_replay_table *alone[] = { make_table(8, 64), make_table(8, 64), NULL };
	struct saker_replay_table *table[BURST];
	struct saker_sn_place place[BURST];
	struct saker_replay_key key[BURST];
	uint8_t why[BURST], early[BURST];
	uint32_t hash[BURST];
	int32_t entry[BURST];
	struct saker_replay_batch b = { .table = table,
		.hash = hash,
		.key = key,
		.place = place,
		.entry = entry,
		.why = early,
		.n = BURST };
	unsigned int refused = 0, x = 1;

	(void)state;
	for (unsigned int round = 0; round < 200; round++) {
		for (uint32_t i = 0; i < BURST; i++) {
			struct saker_index_key words;

			x = x * 1664525 + 1013904223;
			table[i] = t[x >> 24 & 3 ? x >> 25 & 1 : 2];
			key[i] = key_of(x >> 8 & 7, 0);
			place[i] = (struct saker_sn_place){ 10 + round / 40,
				round + (x >> 12 & 3) };
			words = saker_replay_words(&key[i]);
			hash[i] = table[i] == NULL ? 0 : saker_replay_hash(table[i], &words);
		}
		b.why = early;
		saker_replay_peek_all(&b);
		b.why = why;
		refused += saker_replay_accept_all(&b);
		for (uint32_t i = 0; i < BURST; i++) {
			struct saker_replay_table *own =
				alone[table[i] == NULL ? 2 : table[i] == t[1]];

			if (early[i] != SAKER_OK)
				assert_int_equal(why[i], early[i]);
			assert_int_equal(why[i],
				own == NULL ? SAKER_OK
					    : saker_replay_accept(own, &key[i], &place[i], -1));
		}
	}
	assert_true(refused > 0);
	for (unsigned int i = 0; i < 4; i++)
		saker_replay_free(i < 2 ? t[i] : alone[i - 2]);
}

/* Mostly each is the next one; now and then one is missing, comes again, or is of another run. */
static void
accepts_those_that_follow_each_other_as_if_one_by_one(void **state)
{
	struct saker_replay_table *t = make_table(4, 192), *alone = make_table(4, 192);
	struct saker_replay_table *table[BURST];
	struct saker_sn_place place[BURST], next[2] = { { 10, 1 }, { 10, 1 } };
	struct saker_replay_key key[BURST];
	uint8_t why[BURST];
	uint32_t hash[BURST];
	int32_t entry[BURST];
	const struct saker_replay_batch b = { .table = table,
		.hash = hash,
		.key = key,
		.place = place,
		.entry = entry,
		.why = why,
		.n = BURST };
	unsigned int refused = 0, x = 3;

	(void)state;
	for (unsigned int round = 0; round < 2000; round++) {
		for (uint32_t i = 0; i < BURST; i++) {
			unsigned int who;
			struct saker_index_key words;

			x = x * 1664525 + 1013904223;
			who = (x >> 20) % 40 == 0 || (round % 3 == 0 && (x >> 21 & 1));
			if ((x >> 8) % 50 == 0)
				next[who].bit += x >> 16 & 127;
			if ((x >> 9) % 70 == 0 && next[who].bit > 300)
				next[who].bit -= x >> 17 & 255;
			if ((x >> 10) % 900 == 0)
				next[who] = (struct saker_sn_place){ next[who].run + 1, 1 };
			table[i] = t;
			key[i] = key_of(who, 0);
			place[i] = next[who];
			next[who].bit++;
			words = saker_replay_words(&key[i]);
			hash[i] = saker_replay_hash(t, &words);
		}
		saker_replay_peek_all(&b);
		refused += saker_replay_accept_all(&b);
		for (uint32_t i = 0; i < BURST; i++)
			assert_int_equal(
				why[i], saker_replay_accept(alone, &key[i], &place[i], -1));
	}
	assert_in_range(refused, 100, 2000 * BURST / 2);
	saker_replay_free(t);
	saker_replay_free(alone);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(serves_packets_of_several_tables_in_one_burst),
		cmocka_unit_test(accepts_those_that_follow_each_other_as_if_one_by_one),
	};

	return cmocka_run_group_tests(tests, start_eal, stop_eal);
}
