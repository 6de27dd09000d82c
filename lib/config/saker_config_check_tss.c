/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/* Format tss: its rules, and what its settings amount to. */

#include <inttypes.h>

#include "saker_config_internal.h"
#include "saker_tss.h"

#define WORD_BITS   32         /* of a rekey word */
#define SERVER_SLOT (1u << 23) /* slots from here on would have the direction bit */

/* In server mode each end has a half of the counters: both seal under one key. */
void
saker_cfg_finish_tss(struct saker_cfg_group *g)
{
	g->sn.newer_epochs = g->sn.mode == SAKER_SN_COUNTER;
	g->sn.one_key = g->kdf == SAKER_KDF_DIRECT;
	if (g->role != SAKER_ROLE_PEER)
		g->sn.counter_max = SAKER_TSS_DIRECTION_BIT - 1;
}

/* The id in an IPv6 packet's nonce is the SDI then: sources would repeat each other's. */
bool
saker_cfg_tss_needs_ssi(const struct saker_cfg_group *g, const struct saker_ip *local)
{
	return g->format == saker_format_tss.letter && g->kdf == SAKER_KDF_DIRECT &&
	       g->variant == SAKER_V_SOURCE_IP && local->family == 6;
}

static void
check_sdi(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_cfg_group *g = o->p;

	if (g->spi > SAKER_TSS_SDI_MAX)
		saker_cfg_fault(r, o, "spi",
			"spi 0x%x has more than the 24 bits of an SDI; choose "
			"another",
			g->spi);
}

static void
check_suite(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	if (((const struct saker_cfg_group *)o->p)->suite != SAKER_AES_256_GCM)
		saker_cfg_fault(r, o, "suite", "format tss has aes-256-gcm alone; give that");
}

static void
check_variant(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	enum saker_variant v = ((const struct saker_cfg_group *)o->p)->variant;

	if (v != SAKER_V_SOURCE_ID && v != SAKER_V_SOURCE_IP)
		saker_cfg_fault(r, o, "variant",
			"variant %s is none of format tss; give source-id, where packets carry an "
			"SSI, or source-ip",
			saker_cfg_variant_name(v));
}

static bool
names_key(const struct saker_cfg_refs *refs, uint16_t key)
{
	for (unsigned int i = 0; i < refs->n; i++)
		if (refs->index[i] == key)
			return true;
	return false;
}

/* Keys hang on the root key and the source alone, so two groups would share them. */
static void
check_root_key(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_cfg_group *g = o->p;

	if (g->root_keys.n > 1)
		saker_cfg_fault(r, o, "root_keys",
			"root_keys has %u entries; name the one whose values are the keys of the "
			"domain",
			g->root_keys.n);
	for (unsigned int i = 0; i < r->c->n_groups && g->root_keys.n == 1; i++) {
		const struct saker_cfg_group *q = &r->c->groups[i];
		uint16_t key = g->root_keys.index[0];

		if (q == g ||
			(!names_key(&q->root_keys, key) && !names_key(&q->receive_root_keys, key) &&
				!names_key(&q->allow_root_keys, key)))
			continue;
		saker_cfg_fault(r, o, "root_keys",
			"root key \"%s\" serves trust group \"%s\" too, and nonces of both would "
			"be the same; name another",
			r->c->root_keys[key].name, q->name);
		return;
	}
}

static void
check_mask(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_sn_params *sn = &((const struct saker_cfg_group *)o->p)->sn;
	uint64_t word = sn->rekey_shift < 0 ? 0 : (uint64_t)UINT32_MAX << sn->rekey_shift;

	if (sn->rekey_mask == 0)
		return;
	if (sn->rekey_shift < 0)
		saker_cfg_fault(r, o, "rekey_mask",
			"without a rekey_shift there is no rekey word; give one, or take "
			"rekey_mask "
			"out");
	else if ((sn->rekey_mask & ~word) != 0)
		saker_cfg_fault(r, o, "rekey_mask",
			"rekey_mask 0x%" PRIx64 " has bits beside the %d from rekey_shift %d on; "
			"take these out",
			sn->rekey_mask, WORD_BITS, sn->rekey_shift);
}

static void
check_direct(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_cfg_group *g = o->p;

	if (g->kdf == SAKER_KDF_DIRECT && g->sn.rekey_shift >= 0)
		saker_cfg_fault(r, o, "rekey_shift",
			"kdf \"direct\" derives no keys that could change; take rekey_shift out");
}

static void
check_halves(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_cfg_group *g = o->p;

	if (g->role == SAKER_ROLE_PEER || g->sn.mode != SAKER_SN_TIME || g->sn.slot_ms == 0)
		return;
	if ((uint64_t)g->sn.epoch_seconds * 1000 / g->sn.slot_ms > SERVER_SLOT)
		saker_cfg_fault(r, o, "slot_ms",
			"in role %s an epoch has at most 2^23 slots, as one bit of the counter "
			"tells "
			"the direction; lengthen slot_ms",
			saker_cfg_role_name(g->role));
}

const struct saker_cfg_rule saker_cfg_tss_rules[] = {
	{ check_sdi, { "spi" }, "`spi` has 24 bits." },
	{ check_suite, { "suite" }, "`suite` is `aes-256-gcm`." },
	{ check_variant, { "variant" }, "`variant` is `source-id` or `source-ip`." },
	{ check_root_key, { "root_keys" },
		"`root_keys` has one entry, which serves no other group." },
	{ check_mask, { "rekey_shift", "rekey_mask" },
		"`rekey_mask` keeps to the 32 bits from `rekey_shift` on." },
	{ check_direct, { "kdf", "rekey_shift" }, "`kdf` \"direct\" has no `rekey_shift`." },
	{ check_halves, { "role", "sn", "epoch_seconds", "slot_ms" },
		"In roles `server` and `client` an epoch has at most 2^23 slots." },
	{ NULL },
};
