/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/* Defaults that hang on other settings, and what settings amount to once all are read. */

#include "saker_config_internal.h"

int64_t
saker_cfg_default_accept_first(const void *object)
{
	const struct saker_cfg_group *g = object;

	return g->session_first;
}

int64_t
saker_cfg_default_accept_child_sas(const void *object)
{
	return ((const struct saker_cfg_group *)object)->child_sas;
}

int64_t
saker_cfg_default_accept_sessions(const void *object)
{
	const struct saker_cfg_group *g = object;

	return g->sessions;
}

/** A key per slot where the key's context has a rekey word and the clock moves it on. */
int64_t
saker_cfg_default_rekey_shift(const void *object)
{
	const struct saker_cfg_group *g = object;
	bool word = g->variant != SAKER_V_SOURCE_ID_64 && g->variant != SAKER_V_CONNECTION_ID;

	word = word && g->kdf != SAKER_KDF_DIRECT;
	return word && g->sn.mode == SAKER_SN_TIME && g->role == SAKER_ROLE_PEER ? SAKER_SEQ_BITS
										 : -1;
}

int64_t
saker_cfg_default_udp_port(const void *object)
{
	const struct saker_format *f = saker_format_find(
		((const struct saker_cfg_group *)object)->format);

	return f == NULL ? 0 : f->udp_port;
}

int64_t
saker_cfg_default_protocol(const void *object)
{
	const struct saker_format *f = saker_format_find(
		((const struct saker_cfg_group *)object)->format);

	return f == NULL ? 0 : f->protocol;
}

int64_t
saker_cfg_default_peer_spi(const void *object)
{
	return ((const struct saker_cfg_group *)object)->spi;
}

int64_t
saker_cfg_default_version(const void *object)
{
	return ((const struct saker_cfg_group *)object)->suite == SAKER_AES_256_GCM;
}

void
saker_cfg_finish_port(void *object)
{
	static const uint8_t none[6];
	struct saker_cfg_port *p = object;

	p->has_next_hop = memcmp(p->next_hop_mac, none, sizeof(none)) != 0;
}

/* SNs of keys by session are a plain count. */
static bool
by_session(const struct saker_cfg_group *g)
{
	const struct saker_format *f = saker_format_find(g->format);

	return f != NULL && f->keys == SAKER_KEYS_SESSION;
}

void
saker_cfg_finish_group(void *object)
{
	struct saker_cfg_group *g = object;

	g->replay_window = (g->replay_window + 63) & ~63u;
	if (by_session(g)) {
		g->sn.mode = SAKER_SN_COUNTER;
		g->sn.rekey_shift = -1;
	}
	if (g->format == saker_format_esp.letter)
		saker_cfg_finish_esp(g);
	if (g->format == saker_format_tss.letter)
		saker_cfg_finish_tss(g);
	if (g->format == saker_format_psp.letter) {
		g->sn.rekey_shift = -1;
		g->replay = SAKER_REPLAY_NONE;
	}
}
