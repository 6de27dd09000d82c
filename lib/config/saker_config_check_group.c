/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_config_internal.h"

#define MAX_SLOTS    (1u << 24) /* the slot's field in the counter */
#define HALF_EPOCHS  (1u << 15) /* serial-number arithmetic on 16 bits of epoch */
#define MAX_SESSIONS 65536u
#define HEADER_UNIT  4 /* octets that offsets count in */

const uint8_t saker_cfg_source_len[SAKER_V_COUNT] = {
	[SAKER_V_SOURCE_ID] = 4,
	[SAKER_V_SOURCE_ID_64] = 8,
	[SAKER_V_CONNECTION_ID] = 4,
};

bool
saker_cfg_has_variants(const struct saker_cfg_group *g)
{
	const struct saker_cfg_section *s = &saker_cfg_sections[SAKER_SEC_GROUPS];

	return saker_cfg_applies(s, saker_cfg_field(s, "variant"), g);
}

unsigned int
saker_cfg_source_octets(const struct saker_cfg_group *g)
{
	return saker_cfg_has_variants(g) ? saker_cfg_source_len[g->variant] : 0;
}

static void
check_spi(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_cfg_group *g = o->p;

	for (const struct saker_cfg_group *q = r->c->groups; g->spi != 0 && q < g; q++) {
		if (q->spi != g->spi || q->format != g->format)
			continue;
		saker_cfg_fault(r, o, "spi",
			"spi 0x%x is that of trust group \"%s\" on line %d; choose another", g->spi,
			q->name, q->line);
		return;
	}
}

static bool
same_number(const struct saker_cfg_group *a, const struct saker_cfg_group *b)
{
	if (a->encap != b->encap)
		return false;
	return a->encap == SAKER_ENCAP_UDP ? a->udp_port == b->udp_port
					   : a->protocol == b->protocol;
}

/** By the first octet; IP protocols are not shared. */
static bool
told_apart(const struct saker_cfg_group *a, const struct saker_cfg_group *b)
{
	const struct saker_format *x = saker_format_find(a->format);
	const struct saker_format *y = saker_format_find(b->format);

	return x == y ||
	       (a->encap == SAKER_ENCAP_UDP &&
		       (x->first_mask & y->first_mask & (x->first_value ^ y->first_value)) != 0);
}

static void
check_listener(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_cfg_group *g = o->p;
	bool udp = g->encap == SAKER_ENCAP_UDP;

	for (const struct saker_cfg_group *q = r->c->groups; q < g; q++) {
		if (!same_number(q, g) || told_apart(q, g))
			continue;
		saker_cfg_fault(r, o, udp ? "udp_port" : "protocol",
			"%s %u is that of trust group \"%s\", whose format %s can't be told from "
			"%s there; choose another",
			udp ? "udp_port" : "protocol", udp ? g->udp_port : g->protocol, q->name,
			saker_cfg_format_name(q->format), saker_cfg_format_name(g->format));
		return;
	}
}

static void
check_root_keys(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_cfg_group *g = o->p;
	const struct saker_cfg_root_key *of_level[SAKER_LEVELS] = { NULL };

	for (unsigned int i = 0; i < g->root_keys.n; i++) {
		unsigned int index = g->root_keys.index[i];
		const struct saker_cfg_root_key *k = &r->c->root_keys[index];

		if (!saker_cfg_sound(&r->objs[SAKER_SEC_ROOT_KEYS][index], "level"))
			continue;
		if (of_level[k->level] != NULL)
			saker_cfg_fault(r, o, "root_keys",
				"root keys \"%s\" and \"%s\" are both of level %s; keep one, and "
				"name "
				"the other in allow_root_keys if it may be received",
				of_level[k->level]->name, k->name, saker_cfg_level_name(k->level));
		else
			of_level[k->level] = k;
	}
}

static void
check_keys_given(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_cfg_group *g = o->p;
	bool roots = saker_cfg_given(o, "root_keys"), handed = saker_cfg_given(o, "data_keys");

	if (g->format == saker_format_psp.letter)
		return; /* it has rules of its own */
	if (roots && handed && g->role == SAKER_ROLE_CLIENT)
		saker_cfg_fault(r, o, "data_keys",
			"root_keys and data_keys are both given; a client has either, take one "
			"out");
	else if (!roots && g->role == SAKER_ROLE_CLIENT && !handed)
		saker_cfg_fault(r, o, NULL,
			"neither root_keys nor data_keys are given; a client needs one of them");
	else if (!roots && g->role != SAKER_ROLE_CLIENT)
		saker_cfg_fault(r, o, NULL, "root_keys is missing; name at least one root key");
}

/** True if the group has a root key of that level (or it is not known which level one has). */
static bool
uses_level(const struct saker_cfg_reader *r, const struct saker_cfg_group *g, unsigned int level)
{
	for (unsigned int i = 0; i < g->root_keys.n; i++) {
		unsigned int index = g->root_keys.index[i];

		if (r->c->root_keys[index].level == level ||
			!saker_cfg_sound(&r->objs[SAKER_SEC_ROOT_KEYS][index], "level"))
			return true;
	}
	return false;
}

static void
check_master_key_options(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_cfg_group *g = o->p;

	for (unsigned int level = 0; level < SAKER_LEVELS; level++)
		if (g->master_key_options[level] && !uses_level(r, g, level))
			saker_cfg_fault(r, o, "master_key_options",
				"master_key_options names level %s, of which the group has no root "
				"key; take it out",
				saker_cfg_level_name((enum saker_level)level));
}

static bool
names_root_key(const struct saker_cfg_group *g, unsigned int index)
{
	for (unsigned int i = 0; i < g->root_keys.n; i++)
		if (g->root_keys.index[i] == index)
			return true;
	return false;
}

static void
check_allow_root_keys(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_cfg_group *g = o->p;

	for (unsigned int i = 0; i < g->allow_root_keys.n; i++) {
		unsigned int index = g->allow_root_keys.index[i];
		const struct saker_cfg_root_key *k = &r->c->root_keys[index];

		if (!uses_level(r, g, k->level))
			saker_cfg_fault(r, o, "allow_root_keys",
				"root key \"%s\" is of level %s, of which the group has no root "
				"key; "
				"take it out",
				k->name, saker_cfg_level_name(k->level));
		else if (names_root_key(g, index))
			saker_cfg_fault(r, o, "allow_root_keys",
				"root key \"%s\" is one of root_keys already; take it out",
				k->name);
	}
}

/** Check the length of a source id that should be as the variant says. */
static void
check_source_len(struct saker_cfg_reader *r, const struct saker_cfg_obj *o, const char *name,
	unsigned int len, enum saker_variant v)
{
	unsigned int right = saker_cfg_source_len[v];
	const char *variant = saker_cfg_variant_name(v);

	if (right == 0 && len != 0)
		saker_cfg_fault(r, o, name,
			"%s has no meaning in variant %s, whose source is an address; take it out",
			name, variant);
	else if (right != 0 && len == 0)
		saker_cfg_fault(r, o, NULL, "%s is missing; variant %s needs one of %u octets",
			name, variant, right);
	else if (len != right)
		saker_cfg_fault(r, o, name, "%s has %u octets; variant %s needs %u", name, len,
			variant, right);
}

static void
check_source_id(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_cfg_group *g = o->p;

	if (!saker_cfg_has_variants(g))
		return;
	/* a server sends under its clients' ids */
	if (g->role == SAKER_ROLE_SERVER && g->source_id.len == 0)
		return;
	check_source_len(r, o, "source_id", g->source_id.len, g->variant);
}

static void
check_rekey(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_cfg_group *g = o->p;
	bool word = g->variant != SAKER_V_SOURCE_ID_64 && g->variant != SAKER_V_CONNECTION_ID;

	if (g->sn.rekey_shift < 0)
		return;
	if (!word)
		saker_cfg_fault(r, o, "rekey_shift",
			"variant %s has no rekey word; give -1 or take rekey_shift out",
			saker_cfg_variant_name(g->variant));
	else if (g->role != SAKER_ROLE_PEER)
		saker_cfg_fault(r, o, "rekey_shift",
			"role %s allows no rekey shift; give -1 or take rekey_shift out",
			saker_cfg_role_name(g->role));
}

static void
check_role(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_cfg_group *g = o->p;

	if (g->role != SAKER_ROLE_PEER && saker_cfg_source_len[g->variant] == 0)
		saker_cfg_fault(r, o, "role",
			"role %s needs variant source-id, source-id-64 or connection-id, not %s",
			saker_cfg_role_name(g->role), saker_cfg_variant_name(g->variant));
}

static void
check_sessions(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_cfg_group *g = o->p;

	if (g->session_first + g->sessions > MAX_SESSIONS)
		saker_cfg_fault(r, o, "sessions",
			"session_first %u and sessions %u pass the last session id 65535; lower "
			"one",
			g->session_first, g->sessions);
	else if (g->accept_first + g->accept_sessions > MAX_SESSIONS)
		saker_cfg_fault(r, o, "accept_sessions",
			"accept_first %u and accept_sessions %u pass the last session id 65535; "
			"lower one",
			g->accept_first, g->accept_sessions);
	else if (g->sessions <= g->qos.n)
		saker_cfg_fault(r, o, "sessions",
			"sessions %u are too few for the %u classes of qos_classes and class 0; "
			"raise sessions to one for each class and worker",
			g->sessions, g->qos.n);
}

static void
check_slots(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_sn_params *sn = &((const struct saker_cfg_group *)o->p)->sn;
	uint64_t epoch_ms = (uint64_t)sn->epoch_seconds * 1000;

	if (sn->mode != SAKER_SN_TIME)
		return;
	if (epoch_ms % sn->slot_ms != 0)
		saker_cfg_fault(r, o, "slot_ms",
			"slot_ms %u does not divide the epoch of %u seconds; choose another",
			sn->slot_ms, sn->epoch_seconds);
	else if (epoch_ms / sn->slot_ms >= MAX_SLOTS)
		saker_cfg_fault(r, o, "slot_ms",
			"an epoch of %u seconds has 2^24 slots of %u ms or more; lengthen slot_ms",
			sn->epoch_seconds, sn->slot_ms);
}

static void
check_window(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_sn_params *sn = &((const struct saker_cfg_group *)o->p)->sn;
	uint64_t half_ms = (uint64_t)sn->epoch_seconds * 1000 * HALF_EPOCHS;

	if (sn->mode != SAKER_SN_TIME)
		return;
	if (sn->window_ms < sn->slot_ms)
		saker_cfg_fault(r, o, "window_ms",
			"window_ms %u is shorter than a slot of %u ms; lengthen it", sn->window_ms,
			sn->slot_ms);
	if ((uint64_t)sn->window_ms + sn->skew_ms >= half_ms)
		saker_cfg_fault(r, o, "window_ms",
			"window_ms and skew_ms reach over half of the 2^16 epochs of %u seconds; "
			"shorten them or lengthen epoch_seconds",
			sn->epoch_seconds);
}

static void
check_max_clear(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_cfg_group *g = o->p;

	if (g->max_clear % HEADER_UNIT != 0)
		saker_cfg_fault(r, o, "max_clear",
			"max_clear %u is not a multiple of 4; make it one", g->max_clear);
}

static void
check_protocol(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	/* IGMP, IP in IP, TCP, UDP, IPv6 and its extension headers, AH, ICMPv6 */
	static const uint8_t taken[] = { 2, 4, 6, 17, 41, 43, 44, 51, 58, 59, 60, 135 };
	const struct saker_cfg_group *g = o->p;

	if (g->encap == SAKER_ENCAP_IP && memchr(taken, g->protocol, sizeof(taken)) != NULL)
		saker_cfg_fault(r, o, "protocol",
			"protocol %u belongs to another use of IP; choose 49 or a free number",
			g->protocol);
}

const struct saker_cfg_rule saker_cfg_group_rules[] = {
	{ check_spi, { "spi" }, "No two groups share an `spi`." },
	{ check_listener, { "format", "encap", "udp_port", "protocol" },
		"Groups of different formats share a UDP port only if the first octet tells the "
		"formats apart, and never an IP protocol." },
	{ check_keys_given, { "role" },
		"A group has `root_keys`; a client has either `root_keys` or `data_keys`." },
	{ check_root_keys, { "root_keys" }, "`root_keys` has at most one key of each level." },
	{ check_master_key_options, { "root_keys", "master_key_options" },
		"`master_key_options` and `allow_root_keys` keep to levels of which the group has "
		"a "
		"root key, and `allow_root_keys` names none of `root_keys`." },
	{ check_allow_root_keys, { "root_keys", "allow_root_keys" }, NULL },
	{ check_source_id, { "source_id", "variant", "role" },
		"`source_id` is as long as the variant needs: 4 octets for `source-id` and "
		"`connection-id`, 8 for `source-id-64`; absent for `source-ip` and `ip-pair`. A "
		"server may leave it out." },
	{ check_role, { "role", "variant" },
		"Roles `server` and `client` need variant `source-id`, `source-id-64` or "
		"`connection-id`." },
	{ check_rekey, { "role", "variant", "rekey_shift", "sn" },
		"`rekey_shift` stays off (-1) in variants `source-id-64` and `connection-id` and "
		"in "
		"roles `server` and `client`." },
	{ check_sessions,
		{ "session_first", "sessions", "accept_first", "accept_sessions", "qos_classes" },
		"`session_first` + `sessions` is at most 65536, and so for `accept_first` and "
		"`accept_sessions`; `sessions` has one for each class of `qos_classes`, class 0 "
		"and worker." },
	{ check_slots, { "sn", "epoch_seconds", "slot_ms" },
		"`slot_ms` divides an epoch into less than 2^24 slots." },
	{ check_window, { "sn", "epoch_seconds", "slot_ms", "window_ms", "skew_ms" },
		"`window_ms` is at least `slot_ms`; `window_ms` + `skew_ms` is less than 2^15 "
		"epochs." },
	{ check_max_clear, { "max_clear" }, "`max_clear` is a multiple of 4." },
	{ check_protocol, { "encap", "protocol" },
		"`protocol` is none that IP itself or another transport uses." },
	{ NULL },
};

static void
check_binding_source(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_cfg_binding *b = o->p;
	const struct saker_cfg_group *g = o->owner->p;

	if (!saker_cfg_has_variants(g) && b->source_id.len != 0)
		saker_cfg_fault(r, o, "source_id",
			"source_id has no meaning in format %s, where a group has one sender; take "
			"it out",
			saker_cfg_format_name(g->format));
	else if (saker_cfg_has_variants(g) && saker_cfg_sound(o->owner, "variant"))
		check_source_len(r, o, "source_id", b->source_id.len, g->variant);
}

const struct saker_cfg_rule saker_cfg_binding_rules[] = {
	{ check_binding_source, { "source_id" },
		"`source_id` is as long as the group's variant needs, absent for `source-ip`, "
		"`ip-pair`, and formats without variants." },
	{ NULL },
};
