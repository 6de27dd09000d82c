/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "statline.h"

#include <rte_cycles.h>

#include "show_parts.h"

/* What a counter has grown by; it may have been cleared meanwhile. */
static double
grown(uint64_t now, uint64_t before)
{
	return now < before ? (double)now : (double)(now - before);
}

static uint64_t
drops_of(const struct saker_way_count *c)
{
	uint64_t sum = 0;

	for (unsigned int i = SAKER_OK + 1; i < SAKER_DROP_COUNT; i++)
		sum += saker_peek(&c->drop[i]);
	return sum;
}

static struct saker_statsum
sum_up(const struct saker_gateway *g)
{
	struct saker_statsum s = { 0 };

	for (unsigned int i = 0; i < g->n_workers; i++)
		for (unsigned int d = 0; d < SAKER_DIRECTIONS; d++) {
			const struct saker_way_count *c = &g->workers[i]->count[d];

			s.in_packets[d] += saker_peek(&c->rx_packets);
			s.out_packets[d] += saker_peek(&c->tx_packets);
			s.out_octets[d] += saker_peek(&c->tx_octets);
			s.drops[d] += drops_of(c);
		}
	return s;
}

void
saker_statline_begin(struct saker_statline *l, const struct saker_gateway *g)
{
	l->tsc = rte_rdtsc();
	l->sum = sum_up(g);
	for (unsigned int i = 0; i < g->n_workers; i++)
		l->busy[i] = saker_peek(&g->workers[i]->load.busy_cycles);
}

static size_t
add_way(char *text, size_t size, enum saker_direction d, const struct saker_statsum *was,
	const struct saker_statsum *now, double seconds)
{
	int n = snprintf(text, size, "%s %.0f in/s %.0f out/s %.3f Gbit/s %.0f drops/s | ",
		saker_direction_name(d), grown(now->in_packets[d], was->in_packets[d]) / seconds,
		grown(now->out_packets[d], was->out_packets[d]) / seconds,
		grown(now->out_octets[d], was->out_octets[d]) * 8e-9 / seconds,
		grown(now->drops[d], was->drops[d]) / seconds);

	return RTE_MIN((size_t)n, size - 1);
}

/* The worker with the largest share of the time in rounds that had packets. */
static void
add_busiest(char *text, size_t size, const struct saker_statline *l, const struct saker_gateway *g,
	double cycles)
{
	unsigned int busiest = 0;
	double most = -1;

	for (unsigned int i = 0; i < g->n_workers; i++) {
		uint64_t busy = saker_peek(&g->workers[i]->load.busy_cycles);

		if (grown(busy, l->busy[i]) <= most)
			continue;
		most = grown(busy, l->busy[i]);
		busiest = i;
	}
	snprintf(text, size, "busiest lcore %u %.0f %%", g->workers[busiest]->lcore,
		RTE_MIN(100.0, most * 100 / cycles));
}

void
saker_statline_take(
	struct saker_statline *l, const struct saker_gateway *g, char *text, size_t size)
{
	double cycles = (double)(rte_rdtsc() - l->tsc);
	double seconds = cycles / (double)rte_get_tsc_hz();
	struct saker_statsum now = sum_up(g);
	size_t at = 0;

	for (unsigned int d = 0; d < SAKER_DIRECTIONS; d++)
		at += add_way(text + at, size - at, d, &l->sum, &now, seconds);
	add_busiest(text + at, size - at, l, g, cycles);
	saker_statline_begin(l, g);
}
