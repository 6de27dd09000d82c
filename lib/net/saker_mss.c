/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_mss.h"

#include "saker_ttl.h"

#define OPT_END      0
#define OPT_NOP      1
#define OPT_MSS      2
#define OPT_MSS_LEN  4
#define DATA_OFFSET  12
#define TCP_CHECKSUM 16

/* A value at an odd offset lies across two words: its octets count the other way round. */
static uint16_t
as_summed(uint16_t value, uint16_t at)
{
	return at % 2 == 0 ? value : __builtin_bswap16(value);
}

/* at: offset of the value from the TCP header. */
static bool
lower(uint8_t *tcp, uint16_t at, uint16_t mss)
{
	uint16_t old = saker_load_be16(tcp + at), sum = saker_load_be16(tcp + TCP_CHECKSUM);

	if (old <= mss)
		return false;
	saker_store_be16(tcp + at, mss);
	sum = saker_checksum_update(sum, as_summed(old, at), as_summed(mss, at));
	saker_store_be16(tcp + TCP_CHECKSUM, sum);
	return true;
}

bool
saker_mss_clamp(uint8_t *ip, const struct saker_ip_view *v, uint16_t mss)
{
	uint8_t *tcp = ip + v->l4_at;
	uint16_t end = (tcp[DATA_OFFSET] >> 4) * 4, at = SAKER_TCP_HEADER;
	bool changed = false;

	if (end > v->total - v->l4_at)
		return false;
	while (at < end && tcp[at] != OPT_END) {
		if (tcp[at] == OPT_NOP) {
			at++;
			continue;
		}
		if (end - at < 2 || tcp[at + 1] < 2 || tcp[at + 1] > end - at)
			break;
		if (tcp[at] == OPT_MSS && tcp[at + 1] == OPT_MSS_LEN)
			changed |= lower(tcp, at + 2, mss);
		at += tcp[at + 1];
	}
	return changed;
}
