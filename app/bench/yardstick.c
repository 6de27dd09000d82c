/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "yardstick.h"

#include <stdlib.h>
#include <string.h>

#include "bare.h"
#include "load.h"
#include "rounds.h"

#define BURST  32
#define REPEAT 8

struct saker_yardstick {
	uint8_t schedule[SAKER_BARE_KEY] __attribute__((aligned(64)));
	const void *key[BURST];
	struct saker_bare *bare;
	struct saker_load *load;
	uint64_t clock_cost;
};

struct saker_yardstick *
saker_yardstick_create(void)
{
	const struct saker_load_form form = {
		.size = 64, .n = BURST, .aad_len = saker_bench_aad_len(), .suite = SAKER_AES_128_GCM
	};
	const uint8_t key[SAKER_KEY_MAX] = { 1 };
	struct saker_yardstick *y = aligned_alloc(64, RTE_ALIGN_CEIL(sizeof(*y), (size_t)64));

	if (y == NULL)
		return NULL;
	memset(y, 0, sizeof(*y));
	y->bare = saker_bare_open(form.suite);
	y->load = saker_load_create(&form);
	if (y->bare == NULL || y->load == NULL) {
		saker_yardstick_free(y);
		return NULL;
	}
	saker_bare_expand(y->bare, key, y->schedule);
	for (unsigned int i = 0; i < BURST; i++)
		y->key[i] = y->schedule;
	y->clock_cost = saker_clock_cost();
	return y;
}

void
saker_yardstick_free(struct saker_yardstick *y)
{
	if (y == NULL)
		return;
	saker_bare_close(y->bare);
	saker_load_free(y->load);
	free(y);
}

double
saker_yardstick_measure(struct saker_yardstick *y)
{
	uint64_t since;

	if (y == NULL)
		return 0;
	saker_bare_seal(y->bare, &y->load->batch, y->key);
	since = saker_begin();
	for (unsigned int i = 0; i < REPEAT; i++)
		saker_bare_seal(y->bare, &y->load->batch, y->key);
	return (double)(saker_end() - since - y->clock_cost) / (REPEAT * BURST);
}
