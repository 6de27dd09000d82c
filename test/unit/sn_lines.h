/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef TEST_SN_LINES_H
#define TEST_SN_LINES_H

/** @file SN lines to test, and what a test says of a grant. Each program needs only some. */

#include "saker_sn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define DAY_MS 86400000ULL
#define NOW    (20000 * DAY_MS + 50000) /* epoch 20000, slot 500 */

static const struct saker_sn_params in_time = {
	.mode = SAKER_SN_TIME,
	.epoch_seconds = 86400,
	.slot_ms = 100,
	.window_ms = 2000,
	.skew_ms = 500,
	.rekey_shift = -1,
	.max_blocks = UINT64_MAX,
};

static const struct saker_sn_params in_order = {
	.mode = SAKER_SN_COUNTER,
	.epoch = 7,
	.rekey_shift = -1,
	.max_blocks = UINT64_MAX,
};

static const saker_sn no_limit = (saker_sn)1 << 127;

static const uint16_t one_block[64] = {
	[0 ... 63] = 1,
};

__attribute__((unused)) static saker_sn
sn_of(uint64_t epoch, uint64_t slot, uint64_t seq)
{
	return saker_sn_make(epoch, slot << SAKER_SEQ_BITS | seq);
}

__attribute__((unused)) static void
assert_grant(struct saker_sn_grant g, saker_sn first, uint16_t n, enum saker_drop why)
{
	assert_int_equal(g.n, n);
	assert_string_equal(saker_drop_info[g.why].name, saker_drop_info[why].name);
	if (n > 0) {
		assert_int_equal(g.first, (uint64_t)first);
		assert_int_equal(g.epoch, saker_sn_epoch(first));
	}
}

__attribute__((unused)) static void
line_open(struct saker_sn_line *l, const struct saker_sn_params *p, saker_sn start)
{
	saker_sn_line_init(l, p, start, saker_sn_epoch(start + 1), 0);
	saker_sn_line_limit(l, no_limit);
}

#endif
