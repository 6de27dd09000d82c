/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_psp_count.h"

#include "saker_psp.h"
#include "saker_worker.h"

static const char *const names[SAKER_PSP_COUNTERS] = {
	[SAKER_PSP_RX_GOOD] = "rx_good",
	[SAKER_PSP_RX_AUTH_FAIL] = "rx_auth_fail",
	[SAKER_PSP_RX_BAD_FRAME] = "rx_bad_frame",
	[SAKER_PSP_RX_DROP] = "rx_drop",
	[SAKER_PSP_TX_GOOD] = "tx_good",
	[SAKER_PSP_TX_DROP] = "tx_drop",
};

const char *
saker_psp_counter_name(enum saker_psp_counter counter)
{
	return names[counter];
}

void
saker_psp_count_begin(struct saker_burst *b)
{
	memset(b->listener, 0, b->n * sizeof(b->listener[0]));
}

static void
count(struct saker_worker *w, enum saker_psp_counter counter, uint64_t octets)
{
	w->psp[counter].packets++;
	w->psp[counter].octets += octets;
}

static enum saker_psp_counter
counter_of(enum saker_drop why)
{
	switch (why) {
	case SAKER_DROP_BAD_ICV:
		return SAKER_PSP_RX_AUTH_FAIL;
	case SAKER_DROP_RUNT:
	case SAKER_DROP_UDP_LENGTH:
	case SAKER_DROP_TOO_LONG:
	case SAKER_DROP_OPT_LENGTH:
	case SAKER_DROP_CLEAR_RANGE:
	case SAKER_DROP_RESERVED_BITS:
	case SAKER_DROP_COOKIE_MISSING:
		return SAKER_PSP_RX_BAD_FRAME;
	default:
		return SAKER_PSP_RX_DROP;
	}
}

static bool
came_as_psp(const struct saker_burst *b, unsigned int i)
{
	return b->listener[i] != NULL && b->listener[i]->format == &saker_format_psp;
}

static bool
goes_as_psp(const struct saker_burst *b, unsigned int i)
{
	const struct saker_policy *p = b->policy[i];

	return p != NULL && p->group != NULL && p->group->format == &saker_format_psp;
}

static uint64_t
received_octets(const struct saker_burst *b, unsigned int i)
{
	uint32_t around = SAKER_PSP_FIXED + SAKER_ICV;

	return b->head_len[i] > around ? b->head_len[i] - around : 0;
}

/* What a packet that was not sealed would have had behind the IV. */
static uint64_t
unsent_octets(const struct saker_burst *b, unsigned int i)
{
	const struct saker_policy *p = b->policy[i];
	uint16_t head = p->transport ? b->view[i].l4_at : 0;

	return (uint64_t)(b->view[i].total - head) +
	       (p->group->terms.cookie ? SAKER_PSP_COOKIE : 0);
}

void
saker_psp_count_losers(struct saker_worker *w, enum saker_direction d, const struct saker_burst *b)
{
	SAKER_FOREACH_SLOT (b, i) {
		if (b->why[i] == SAKER_OK || b->why[i] == SAKER_MOVED)
			continue;
		if (d == SAKER_OUTBOUND && goes_as_psp(b, i))
			count(w, SAKER_PSP_TX_DROP, unsent_octets(b, i));
		else if (d == SAKER_INBOUND && came_as_psp(b, i))
			count(w, counter_of(b->why[i]), received_octets(b, i));
	}
}

void
saker_psp_count_relayed(struct saker_worker *w, const struct saker_burst *b, unsigned int i)
{
	if (came_as_psp(b, i))
		count(w, SAKER_PSP_RX_GOOD, b->parts[i].clear_len + b->parts[i].cipher_len);
}

void
saker_psp_count_sent(struct saker_worker *w, enum saker_direction d, const struct saker_burst *b)
{
	enum saker_psp_counter good = d == SAKER_OUTBOUND ? SAKER_PSP_TX_GOOD : SAKER_PSP_RX_GOOD;

	SAKER_FOREACH_SLOT (b, i)
		if (d == SAKER_OUTBOUND ? goes_as_psp(b, i) : came_as_psp(b, i))
			count(w, good, b->parts[i].clear_len + b->parts[i].cipher_len);
}
