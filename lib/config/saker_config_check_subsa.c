/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/*
 * Rules of format eesp-subsa, and those that it shares with other formats whose keys belong to
 * sessions.
 */

#include "saker_config_internal.h"

#define SPI_UNIT     4    /* the low two bits of an SPI are the root key index's */
#define SPI_RESERVED 256  /* SPIs below are IANA's (RFC 4303, section 2.1) */
#define MAX_SESSIONS 1024 /* for each of them the keys of four root key values are held */

void
saker_cfg_check_directions(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_cfg_group *g = o->p;

	if (g->root_keys.n > 1)
		saker_cfg_fault(r, o, "root_keys",
			"root_keys has %u entries; name the one key that this gateway seals with",
			g->root_keys.n);
	if (g->receive_root_keys.n > 1)
		saker_cfg_fault(r, o, "receive_root_keys",
			"receive_root_keys has %u entries; name the one key that the peer seals "
			"with",
			g->receive_root_keys.n);
	if (g->root_keys.n == 1 && g->receive_root_keys.n == 1 &&
		g->root_keys.index[0] == g->receive_root_keys.index[0])
		saker_cfg_fault(r, o, "receive_root_keys",
			"root key \"%s\" is that of root_keys too, and nonces of both directions "
			"would be the same; name another",
			r->c->root_keys[g->root_keys.index[0]].name);
}

static void
check_session_spi(
	struct saker_cfg_reader *r, const struct saker_cfg_obj *o, const char *name, uint32_t spi)
{
	if (spi % SPI_UNIT != 0)
		saker_cfg_fault(r, o, name,
			"%s 0x%x is not a multiple of 4, as its two low bits tell root key values "
			"apart; give 0x%x",
			name, spi, spi & ~(uint32_t)(SPI_UNIT - 1));
	else if (spi < SPI_RESERVED)
		saker_cfg_fault(r, o, name, "%s %u is reserved; give 256 or more", name, spi);
}

void
saker_cfg_check_session_spis(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_cfg_group *g = o->p;

	check_session_spi(r, o, "spi", g->spi);
	if (saker_cfg_given(o, "peer_spi"))
		check_session_spi(r, o, "peer_spi", g->peer_spi);
}

static void
check_subsa_sessions(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_cfg_group *g = o->p;

	if (g->sskdf == SAKER_SSKDF_NONE &&
		(g->session_first != 0 || g->sessions != 1 || g->accept_first != 0 ||
			g->accept_sessions != 1))
		saker_cfg_fault(r, o, "sessions",
			"without an sskdf there is one SA and no Sub SA; give session_first = 0 "
			"and "
			"sessions = 1");
	else if (g->sessions > MAX_SESSIONS || g->accept_sessions > MAX_SESSIONS)
		saker_cfg_fault(r, o, g->sessions > MAX_SESSIONS ? "sessions" : "accept_sessions",
			"keys of more than %u Sub SAs are not held; lower it", MAX_SESSIONS);
}

static void
check_sn_field(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_cfg_group *g = o->p;

	if (!g->no_sn)
		return;
	if (g->iv == SAKER_IV_IMPLICIT)
		saker_cfg_fault(r, o, "iv",
			"an implicit IV is the sequence number, and sn_field is \"none\"; give "
			"iv = \"explicit\"");
	if (g->replay == SAKER_REPLAY_WINDOW)
		saker_cfg_fault(r, o, saker_cfg_given(o, "replay") ? "replay" : "sn_field",
			"without sequence numbers repeated packets can't be told; say "
			"replay = \"none\"");
}

static void
check_iv_in_aad(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_cfg_group *g = o->p;

	if (g->iv == SAKER_IV_IMPLICIT && saker_cfg_given(o, "iv_in_aad"))
		saker_cfg_warn(r, o, "iv_in_aad",
			"iv_in_aad has no effect on an implicit IV; take it out");
}

const struct saker_cfg_rule saker_cfg_subsa_rules[] = {
	{ saker_cfg_check_directions, { "root_keys", "receive_root_keys" },
		"`root_keys` and `receive_root_keys` name one root key each, and not the same." },
	{ saker_cfg_check_session_spis, { "spi", "peer_spi" },
		"`spi` and `peer_spi` are multiples of 4, and 256 or more." },
	{ check_subsa_sessions,
		{ "sskdf", "session_first", "sessions", "accept_first", "accept_sessions" },
		"With `sskdf` \"none\", `sessions` is 1 and `session_first` is 0; there are at "
		"most 1024 `sessions` and `accept_sessions`." },
	{ check_sn_field, { "sn_field", "iv", "replay" },
		"With `sn_field` \"none\", `iv` is \"explicit\" and `replay` is \"none\"." },
	{ check_iv_in_aad, { "iv", "iv_in_aad" },
		"`iv_in_aad` is superfluous beside `iv` \"implicit\" (warning)." },
	{ NULL },
};
