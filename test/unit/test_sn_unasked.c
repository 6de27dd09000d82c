/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "sn_lines.h"

static uint64_t
draw(uint64_t *state, uint64_t below)
{
	*state = *state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (*state >> 33) % below;
}

/* Others are told the same of both. */
static void
assert_same_use(const struct saker_sn_line *l, const struct saker_sn_line *asks)
{
	struct saker_sn_life life = saker_sn_line_life(l), other = saker_sn_line_life(asks);
	uint64_t blocks, other_blocks;

	assert_true(saker_sn_line_used(l, &blocks) == saker_sn_line_used(asks, &other_blocks));
	assert_int_equal(blocks, other_blocks);
	assert_int_equal(life.packets, other.packets);
	assert_int_equal(life.keys, other.keys);
}

/* One line takes what it is sure of unasked, the other always asks. @return how often the first did
 * not
 */
static unsigned int
take_both(const struct saker_sn_params *p, uint64_t seed)
{
	struct saker_sn_line l, asks;
	uint64_t now = NOW, state = seed;
	saker_sn limit = saker_sn_make(20000, 0) + (UINT64_C(500) << 24) + 200;
	unsigned int unasked = 0;

	saker_sn_line_init(&l, p, p->mode == SAKER_SN_TIME ? 0 : saker_sn_make(7, 0),
		p->mode == SAKER_SN_TIME ? 20000 : 7, 0);
	asks = l;
	for (unsigned int i = 0; i < 4000; i++) {
		uint16_t blocks[8], n = (uint16_t)(1 + draw(&state, 8));
		struct saker_sn_grant a, b;
		uint64_t before;

		for (uint16_t k = 0; k < n; k++)
			blocks[k] = (uint16_t)draw(&state, 90);
		if (draw(&state, 16) == 0) {
			limit += draw(&state, UINT64_C(1) << 25);
			saker_sn_line_limit(&l, limit);
			saker_sn_line_limit(&asks, limit);
		}
		if (draw(&state, 40) == 0)
			saker_sn_line_stop(&l, draw(&state, 2) ? SAKER_OK : SAKER_DROP_MK_EXPIRED);
		saker_sn_line_stop(&asks, (enum saker_drop)l.stopped);
		now += draw(&state, 8) == 0 ? draw(&state, 300) : 0;
		asks.sure_ms = now + 1;
		before = l.taken;
		a = saker_sn_take(&l, now, blocks, n);
		b = saker_sn_take(&asks, now, blocks, n);
		assert_grant(a, b.first, b.n, b.why);
		unasked += l.taken > before;
		assert_same_use(&l, &asks);
	}
	return unasked;
}

static void
takes_unasked_only_what_asking_would_grant(void **state)
{
	struct saker_sn_params p[] = { in_time, in_order, in_time, in_order };
	unsigned int unasked = 0;

	(void)state;
	p[1].counter_max = 30000;
	p[2].rekey_shift = 5;
	p[2].max_blocks = 1500;
	p[3].rekey_shift = 6;
	for (uint64_t seed = 1; seed <= 40; seed++)
		unasked += take_both(&p[seed % 4], seed);
	assert_in_range(unasked, 1000, 40 * 4000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_unasked_only_what_asking_would_grant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
