/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_config_internal.h"

#define PHASE_BIT 0x80000000u /* of an SPI: which master key */

static void
check_spi(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_cfg_group *g = o->p;

	if ((g->spi & PHASE_BIT) != 0)
		saker_cfg_fault(r, o, "spi",
			"spi 0x%x has bit 31, which tells the master key; give 0x%x", g->spi,
			g->spi & ~PHASE_BIT);
}

static void
check_encap(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	if (((const struct saker_cfg_group *)o->p)->encap != SAKER_ENCAP_UDP)
		saker_cfg_fault(r, o, "encap", "PSP is always in UDP; take encap out");
}

static void
check_one_key(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_cfg_group *g = o->p;

	if (g->root_keys.n > 1)
		saker_cfg_fault(r, o, "root_keys",
			"root_keys has %u entries; name the one whose values are the master keys",
			g->root_keys.n);
}

static void
check_keys(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_cfg_group *g = o->p;
	bool roots = saker_cfg_given(o, "root_keys"), keys = saker_cfg_given(o, "keys");

	if (!roots && g->role != SAKER_ROLE_CLIENT)
		saker_cfg_fault(r, o, NULL,
			"root_keys is missing; name the root key whose values "
			"are the master keys");
	if (keys && g->role == SAKER_ROLE_PEER)
		saker_cfg_fault(r, o, "keys",
			"keys is for roles server and client; a peer seals with root_keys, take it "
			"out");
	else if (!keys && g->role == SAKER_ROLE_CLIENT)
		saker_cfg_fault(r, o, NULL,
			"keys is missing; a client needs the file of SAs that it was handed");
}

static void
check_range(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_cfg_group *g = o->p;

	if (g->spi_last < (g->spi & ~PHASE_BIT))
		saker_cfg_fault(r, o, "spi_last",
			"spi_last %u is below spi %u, so no SPI could be handed out; raise it",
			g->spi_last, g->spi);
}

static bool
hands_out(const struct saker_cfg_group *g)
{
	return g->format == saker_format_psp.letter && g->role != SAKER_ROLE_PEER;
}

/* A peer's SPIs are its configuration's, others are handed out: nobody sees that they differ. */
static void
check_one_use(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_cfg_group *g = o->p;

	for (const struct saker_cfg_group *q = r->c->groups; q < g && g->root_keys.n > 0; q++) {
		if (q->format != g->format || q->root_keys.n == 0 || hands_out(q) == hands_out(g) ||
			q->root_keys.index[0] != g->root_keys.index[0])
			continue;
		saker_cfg_fault(r, o, "root_keys",
			"trust group \"%s\" uses this root key too, and of the two only one hands "
			"SPIs out; give each its own",
			q->name);
		return;
	}
}

/* The key is as long as the version says: 128 bits where it is even, else 256. */
static void
check_version(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_cfg_group *g = o->p;
	enum saker_suite suite = g->version % 2 == 0 ? SAKER_AES_128_GCM : SAKER_AES_256_GCM;

	if (g->suite != suite)
		saker_cfg_fault(r, o, "version", "version %u is for suite %s; change either",
			g->version, saker_cfg_suite_name(suite));
	else if (g->version >= 2)
		saker_cfg_warn(r, o, "version",
			"version %u (GMAC) is not verified against anyone, and hides nothing",
			g->version);
}

/* A listener's groups are told apart by version. */
static void
check_listener(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_cfg_group *g = o->p;

	for (const struct saker_cfg_group *q = r->c->groups; q < g; q++) {
		if (q->format != g->format || q->udp_port != g->udp_port ||
			q->version != g->version)
			continue;
		saker_cfg_fault(r, o, "version",
			"trust group \"%s\" has version %u at UDP port %u already; give it another "
			"udp_port",
			q->name, q->version, q->udp_port);
		return;
	}
}

const struct saker_cfg_rule saker_cfg_psp_rules[] = {
	{ check_spi, { "spi" },
		"Bit 31 of `spi` is clear: on the wire it tells the master key. Worker n sends "
		"under `spi` + n." },
	{ check_encap, { "encap" }, "`encap` is `udp`." },
	{ check_one_key, { "root_keys" }, "`root_keys` has one entry." },
	{ check_keys, { "role" },
		"A peer has `root_keys`, a server too; a client has `keys`. A server may have "
		"`keys`, and a client `root_keys`: then packets go both ways." },
	{ check_range, { "spi", "spi_last" }, "`spi_last` is not below `spi`." },
	{ check_one_use, { "root_keys", "role" },
		"A root key serves groups of role `peer`, or such as hand SPIs out." },
	{ check_version, { "version", "suite" },
		"`version` 0 and 2 go with `aes-128-gcm`, 1 and 3 with `aes-256-gcm`." },
	{ check_listener, { "version", "udp_port" },
		"Groups of one UDP port have different versions." },
	{ NULL },
};
