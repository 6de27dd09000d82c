/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/* Format esp: its rules, and what its settings amount to. */

#include "saker_config_internal.h"

#include "saker_esp.h"

#define SPIS_OF_AN_SA 4 /* one for each root key index modulo 4 */

/* An SA is what other formats call a session; the fallback SA is the first. */
void
saker_cfg_finish_esp(struct saker_cfg_group *g)
{
	g->sskdf = SAKER_SSKDF_NONE;
	g->session_first = g->accept_first = 0;
	g->sessions = 1u + g->child_sas;
	g->accept_sessions = 1u + g->accept_child_sas;
	if (g->replay_sources > g->accept_sessions)
		g->replay_sources = g->accept_sessions;
	if (g->esp_sn == SAKER_ESP_SN_32)
		g->sn.counter_max = SAKER_ESP_SN_MAX;
}

static bool
in_udp(const struct saker_cfg_group *g)
{
	return g->encap == SAKER_ENCAP_UDP;
}

/* The last SPI of some SAs, from the configured one on. */
static uint64_t
last_spi(uint32_t spi, uint32_t sas)
{
	return spi + (uint64_t)SPIS_OF_AN_SA * sas - 1;
}

static void
check_range(struct saker_cfg_reader *r, const struct saker_cfg_obj *o, const char *name,
	uint32_t spi, uint32_t sas)
{
	const struct saker_cfg_group *g = o->p;
	uint32_t most = in_udp(g) ? SAKER_ESP_SPI_MAX : UINT32_MAX;

	if (last_spi(spi, sas) > most)
		saker_cfg_fault(r, o, name,
			"SPIs from %s 0x%x on would pass 0x%x, the last that %s can have; lower it",
			name, spi, most, in_udp(g) ? "ESP in UDP" : "a packet");
}

static void
check_spis(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_cfg_group *g = o->p;

	saker_cfg_check_session_spis(r, o);
	check_range(r, o, "spi", g->spi, g->accept_sessions);
	if (saker_cfg_given(o, "peer_spi"))
		check_range(r, o, "peer_spi", g->peer_spi, g->sessions);
}

static void
check_overlap(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_cfg_group *g = o->p;

	for (const struct saker_cfg_group *q = r->c->groups; q < g; q++) {
		if (q->format != g->format || q->spi == g->spi ||
			q->spi > last_spi(g->spi, g->accept_sessions) ||
			g->spi > last_spi(q->spi, q->accept_sessions))
			continue;
		saker_cfg_fault(r, o, "spi",
			"its SPIs 0x%x to 0x%x overlap those of trust group \"%s\" on line %d; "
			"choose another spi",
			g->spi, (uint32_t)last_spi(g->spi, g->accept_sessions), q->name, q->line);
		return;
	}
}

static void
check_sequence_numbers(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_cfg_group *g = o->p;
	const char *at = saker_cfg_given(o, "replay") ? "replay" : "sequence_numbers";

	if (g->esp_sn == SAKER_ESP_SN_64 && g->replay == SAKER_REPLAY_NONE)
		saker_cfg_fault(r, o, at,
			"what is not sent of a sequence number is known from the replay window; "
			"say replay = \"window\"");
	if (g->esp_sn != SAKER_ESP_SN_UNSPECIFIED)
		return;
	if (g->replay == SAKER_REPLAY_WINDOW)
		saker_cfg_fault(r, o, at,
			"with unspecified numbers repeated packets can't be told; say "
			"replay = \"none\"");
	if (g->iv == SAKER_IV_IMPLICIT)
		saker_cfg_fault(r, o, "iv",
			"an implicit IV is the sequence number, which is unspecified; give "
			"iv = \"explicit\"");
}

const struct saker_cfg_rule saker_cfg_esp_rules[] = {
	{ saker_cfg_check_directions, { "root_keys", "receive_root_keys" },
		"`root_keys` and `receive_root_keys` name one root key each, and not the same." },
	{ check_spis, { "spi", "peer_spi", "encap", "child_sas", "accept_child_sas" },
		"`spi` and `peer_spi` are multiples of 4, and 256 or more; in UDP the first bit of "
		"all SPIs is 0." },
	{ check_overlap, { "spi", "accept_child_sas" },
		"The SPIs of a group, 4 for the fallback SA and each Child SA from `spi` on, are "
		"those of no other." },
	{ check_sequence_numbers, { "sequence_numbers", "replay", "iv" },
		"\"partially transmitted 64-bit sequential\" needs `replay` \"window\"; \"32-bit "
		"unspecified\" needs `replay` \"none\" and `iv` \"explicit\"." },
	{ NULL },
};
