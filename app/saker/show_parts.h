/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_SHOW_PARTS_H
#define SAKER_SHOW_PARTS_H

/**
 * @file
 * The tables behind `show`, for show.c only, and what several of them need.
 *
 * Threads: the main lcore only.
 */

#include "show.h"

#define SAKER_SHOW_SESSIONS 256 /**< most rows of `show sessions` */

/** Columns of a table that is an array. */
#define SAKER_REPORT_BEGIN(title, columns)                                                         \
	saker_report_begin(title, columns, sizeof(columns) / sizeof((columns)[0]))

/** Read a counter that its worker may be writing. */
static inline uint64_t
saker_peek(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

/** Sum of one stage's counters over all workers. */
struct saker_stage_count saker_show_stage_sum(
	const struct saker_gateway *g, enum saker_direction d, unsigned int stage);

/** Cycles per packet; 0 without packets. */
double saker_show_per_packet(const struct saker_stage_count *c);

/** Drops of a reason, summed over all workers. */
uint64_t saker_show_drop_sum(
	const struct saker_gateway *g, enum saker_direction d, unsigned int reason);

/** Traffic of a policy, summed over all workers. */
struct saker_policy_count saker_show_policy_sum(const struct saker_gateway *g, unsigned int policy);

/** Append packets, octets and drops of outbound, packets and octets of inbound traffic. */
void saker_show_policy_cells(struct saker_report *r, const struct saker_policy_count *c);

/** Append an address; nothing to tell if its family is 0. */
void saker_show_address(struct saker_report *r, const struct saker_ip *ip);

void saker_show_stats(const struct saker_gateway *g, struct saker_out *out);
void saker_show_peers(const struct saker_gateway *g, struct saker_out *out);
void saker_show_stages(const struct saker_gateway *g, struct saker_out *out);
void saker_show_drops(const struct saker_gateway *g, struct saker_out *out);
void saker_show_lcores(const struct saker_gateway *g, struct saker_out *out);
void saker_show_keys(const struct saker_gateway *g, struct saker_out *out);
void saker_show_groups(const struct saker_gateway *g, struct saker_out *out);
void saker_show_policies(const struct saker_gateway *g, struct saker_out *out);
void saker_show_proxies(const struct saker_gateway *g, struct saker_out *out);
void saker_show_sessions(const struct saker_gateway *g, struct saker_out *out);
void saker_show_config(const struct saker_gateway *g, struct saker_out *out);
void saker_show_psp(const struct saker_gateway *g, struct saker_out *out);
void saker_show_neighbours(const struct saker_gateway *g, struct saker_out *out);
void saker_show_crypto(const struct saker_gateway *g, struct saker_out *out);

#endif
