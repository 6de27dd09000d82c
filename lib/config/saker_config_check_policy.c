/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <stdlib.h>

#include "saker_config_internal.h"

#define HEADER_UNIT 4 /* octets that offsets count in */

/** What a protecting policy's rules look at. */
struct protection {
	const struct saker_cfg_policy *p;
	const struct saker_cfg_group *g;
	const struct saker_cfg_obj *group;
};

/** True if the policy protects, by a group that is known. */
static bool
protects(struct saker_cfg_reader *r, const struct saker_cfg_obj *o, struct protection *by)
{
	const struct saker_cfg_policy *p = o->p;

	if (p->action != SAKER_ACTION_PROTECT || !saker_cfg_sound(o, "action") ||
		!saker_cfg_sound(o, "group") || !saker_cfg_given(o, "group"))
		return false;
	by->p = p;
	by->g = &r->c->groups[p->group];
	by->group = &r->objs[SAKER_SEC_GROUPS][p->group];
	return true;
}

void
saker_cfg_check_families(struct saker_cfg_reader *r, const struct saker_cfg_obj *o,
	const struct saker_prefix *src, const struct saker_prefix *dst)
{
	if (src->ip.family != 0 && dst->ip.family != 0 && src->ip.family != dst->ip.family)
		saker_cfg_fault(r, o, "dst",
			"src is IPv%u and dst is IPv%u, so nothing matches; give one family",
			src->ip.family, dst->ip.family);
}

static void
check_families(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_cfg_policy *p = o->p;

	saker_cfg_check_families(r, o, &p->src, &p->dst);
}

void
saker_cfg_check_ports(struct saker_cfg_reader *r, const struct saker_cfg_obj *o, uint8_t proto)
{
	/* TCP, UDP, DCCP, SCTP, UDP-Lite */
	static const uint8_t with_ports[] = { 6, 17, 33, 132, 136 };
	static const char *const names[] = { "sport", "dport" };

	if (memchr(with_ports, proto, sizeof(with_ports)) != NULL)
		return;
	for (int i = 0; i < 2; i++)
		if (saker_cfg_given(o, names[i]))
			saker_cfg_fault(r, o, names[i],
				"%s needs a proto that has ports: 6, 17, 33, 132 or 136", names[i]);
}

static void
check_ports(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	saker_cfg_check_ports(r, o, ((const struct saker_cfg_policy *)o->p)->proto);
}

static void
check_tunnel(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_cfg_policy *p = o->p;

	if (p->action != SAKER_ACTION_PROTECT || p->mode != SAKER_MODE_TUNNEL)
		return;
	if (p->local.family == 0)
		saker_cfg_fault(r, o, NULL, "local is missing; tunnel mode needs it");
	if (p->peer.family == 0)
		saker_cfg_fault(r, o, NULL, "peer is missing; tunnel mode needs it");
	if (p->local.family == 0 || p->peer.family == 0)
		return;
	if (p->local.family != p->peer.family)
		saker_cfg_fault(r, o, "peer",
			"local is IPv%u and peer is IPv%u; a tunnel needs one family",
			p->local.family, p->peer.family);
	else if (saker_ip_equal(&p->local, &p->peer))
		saker_cfg_fault(r, o, "peer", "local and peer are the same address; change one");
}

static void
check_transport(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	struct protection by;
	bool by_address;

	if (!protects(r, o, &by) || by.p->mode != SAKER_MODE_TRANSPORT ||
		!saker_cfg_sound(by.group, "variant"))
		return;
	by_address = saker_cfg_source_len[by.g->variant] == 0;
	/* PSP binds an SPI to no addresses; TSS authenticates them. */
	if (by.g->variant != SAKER_V_IP_PAIR && by.g->n_addresses == 0 &&
		by.g->format != saker_format_psp.letter && by.g->format != saker_format_tss.letter)
		saker_cfg_fault(r, o, "mode",
			"transport mode needs the addresses table of trust group \"%s\"; give it, "
			"or "
			"use variant ip-pair",
			by.g->name);
	if (by_address && by.p->local.family == 0)
		saker_cfg_fault(r, o, NULL,
			"local is missing; transport mode with variant %s needs the one source "
			"address",
			saker_cfg_variant_name(by.g->variant));
	else if (by_address && !saker_prefix_holds(&by.p->src, &by.p->local))
		saker_cfg_fault(r, o, "local",
			"local is not in src, so no packet could be sent from it; change one");
	else if (!by_address && saker_cfg_given(o, "local"))
		saker_cfg_warn(r, o, "local",
			"local has no effect in transport mode with variant %s; take it out",
			saker_cfg_variant_name(by.g->variant));
	if (saker_cfg_given(o, "peer"))
		saker_cfg_warn(r, o, "peer", "peer has no effect in transport mode; take it out");
}

static void
check_group_mode(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	struct protection by;
	const struct saker_cfg_obj *first;
	const struct saker_cfg_policy *p;

	if (!protects(r, o, &by))
		return;
	if (r->users == NULL)
		r->users = calloc(r->c->n_groups, sizeof(*r->users));
	if (r->users == NULL)
		return;
	first = r->users[by.p->group];
	if (first == NULL) {
		r->users[by.p->group] = o;
		return;
	}
	p = first->p;
	if (p->mode != by.p->mode)
		saker_cfg_fault(r, o, "mode",
			"trust group \"%s\" is used in %s mode by policy \"%s\" on line %d; a "
			"group "
			"has one mode, use another group",
			by.g->name, saker_cfg_mode_name(p->mode), p->name, saker_cfg_line(first));
}

static void
check_local(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_cfg_policy *p = o->p;
	const struct saker_cfg_port *port = saker_cfg_cipher_port(r);
	const struct saker_ip *own;
	char text[SAKER_IP_TEXT];

	if (p->action != SAKER_ACTION_PROTECT || p->mode != SAKER_MODE_TUNNEL || port == NULL ||
		p->local.family == 0)
		return;
	own = p->local.family == 4 ? &port->address.ip : &port->address6.ip;
	if (own->family != 0 && !saker_ip_equal(own, &p->local))
		saker_cfg_fault(r, o, "local",
			"local is not an address of the cipher port \"%s\"; give %s", port->name,
			saker_ip_to_text(own, text));
}

/** Shortest clear part that holds the skipped octets and what stands before them. */
static unsigned int
least_clear(const struct saker_cfg_policy *p)
{
	bool v6 = p->src.ip.family == 6 || p->dst.ip.family == 6;
	unsigned int skipped = p->ioffset * (unsigned int)HEADER_UNIT;

	if (p->mode == SAKER_MODE_TRANSPORT)
		return skipped;
	return skipped + (v6 ? SAKER_IP6_HEADER : SAKER_IP4_HEADER);
}

static void
check_offsets(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_cfg_policy *p = o->p;

	if (p->clear_octets % HEADER_UNIT != 0)
		saker_cfg_fault(r, o, "clear_octets",
			"clear_octets %u is not a multiple of 4; make it one", p->clear_octets);
	else if (p->ioffset > 0 && p->clear_octets < least_clear(p))
		saker_cfg_fault(r, o, "ioffset",
			"ioffset %u needs clear_octets of at least %u: what is not authenticated "
			"must "
			"be in clear",
			p->ioffset, least_clear(p));
}

static bool
can_leave_clear(const struct saker_cfg_group *g)
{
	const struct saker_cfg_section *s = &saker_cfg_sections[SAKER_SEC_GROUPS];

	return saker_cfg_applies(s, saker_cfg_field(s, "max_clear"), g);
}

static void
check_own_limits(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	struct protection by;

	if (!protects(r, o, &by))
		return;
	if (by.p->clear_octets > 0 && !can_leave_clear(by.g))
		saker_cfg_fault(r, o, "clear_octets",
			"format %s leaves nothing in clear; take clear_octets out",
			saker_cfg_format_name(by.g->format));
	else if (by.p->clear_octets > by.g->max_clear && saker_cfg_sound(by.group, "max_clear"))
		saker_cfg_warn(r, o, "clear_octets",
			"clear_octets %u is more than max_clear %u of trust group \"%s\"; peers "
			"with "
			"that limit drop these packets",
			by.p->clear_octets, by.g->max_clear, by.g->name);
	if (by.p->ioffset > by.g->max_ioffset && saker_cfg_sound(by.group, "max_ioffset"))
		saker_cfg_warn(r, o, "ioffset",
			"ioffset %u is more than max_ioffset %u of trust group \"%s\"; peers with "
			"that "
			"limit drop these packets",
			by.p->ioffset, by.g->max_ioffset, by.g->name);
}

/* What may not be fragmented on the way may not be sent in fragments either. */
static void
check_fragment(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_cfg_policy *p = o->p;

	if (p->action == SAKER_ACTION_PROTECT && p->mode == SAKER_MODE_TUNNEL &&
		p->fragment == SAKER_FRAGMENT_OUTER && p->local.family == 4 &&
		p->df == SAKER_DF_SET)
		saker_cfg_fault(r, o, "fragment",
			"fragment \"outer\" needs a df of \"clear\" or \"copy\" over IPv4; give "
			"one");
}

/* A client with handed-out keys has them for one flow of its device: then the id is whole. */
static bool
client_length_ok(const struct protection *by)
{
	return by->p->client.len == saker_cfg_source_len[by->g->variant] ||
	       (by->g->variant == SAKER_V_CONNECTION_ID && by->p->client.len == 8);
}

static void
check_client(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	struct protection by;
	bool given = saker_cfg_given(o, "client");

	if (!protects(r, o, &by) || !saker_cfg_sound(by.group, "role") ||
		!saker_cfg_sound(by.group, "variant"))
		return;
	if (by.g->format == saker_format_psp.letter && given)
		saker_cfg_fault(r, o, "client",
			"client has no meaning in format psp, where SAs name their receiver; take "
			"it out");
	else if (by.g->format == saker_format_psp.letter)
		return;
	else if (by.g->role != SAKER_ROLE_SERVER && given)
		saker_cfg_fault(r, o, "client",
			"client is for groups of role server, and trust group \"%s\" has role %s; "
			"take it out",
			by.g->name, saker_cfg_role_name(by.g->role));
	else if (by.g->role == SAKER_ROLE_SERVER && !given)
		saker_cfg_fault(r, o, NULL,
			"client is missing; trust group \"%s\" has role server, so name the "
			"client's "
			"source id",
			by.g->name);
	else if (given && !client_length_ok(&by))
		saker_cfg_fault(r, o, "client", "client has %u octets; variant %s needs %u",
			by.p->client.len, saker_cfg_variant_name(by.g->variant),
			saker_cfg_source_len[by.g->variant]);
}

static void
check_sources(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	struct protection by;
	unsigned int right;

	if (!protects(r, o, &by) || by.p->n_sources == 0 || !saker_cfg_sound(by.group, "variant"))
		return;
	right = saker_cfg_source_octets(by.g);
	if (right == 0) {
		saker_cfg_fault(r, o, "sources", "%s %s has no source ids; take sources out",
			saker_cfg_has_variants(by.g) ? "variant" : "format",
			saker_cfg_has_variants(by.g) ? saker_cfg_variant_name(by.g->variant)
						     : saker_cfg_format_name(by.g->format));
		return;
	}
	for (unsigned int i = 0; i < by.p->n_sources; i++)
		if (by.p->sources[i].len != right)
			saker_cfg_fault(r, o, "sources",
				"entry %u of sources has %u octets; variant %s needs %u", i + 1,
				by.p->sources[i].len, saker_cfg_variant_name(by.g->variant), right);
}

/* Packets of format tss do not tell what is in clear, so all must leave the same. */
static void
check_tss_clear(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	struct protection by;

	if (!protects(r, o, &by) || by.g->format != saker_format_tss.letter ||
		!saker_cfg_sound(by.group, "max_clear") || by.p->clear_octets == by.g->max_clear)
		return;
	saker_cfg_fault(r, o, "clear_octets",
		"clear_octets %u is not max_clear %u of trust group \"%s\", and packets of format "
		"tss don't tell what is in clear; give the same",
		by.p->clear_octets, by.g->max_clear, by.g->name);
}

static void
check_tss_direct(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	struct protection by;

	if (protects(r, o, &by) && saker_cfg_tss_needs_ssi(by.g, &by.p->local))
		saker_cfg_fault(r, o, "local", SAKER_CFG_NO_SSI, by.g->name);
}

static bool
read_selector(const struct saker_cfg_obj *o)
{
	static const char *const names[] = { "src", "dst", "proto", "sport", "dport" };

	for (int i = 0; i < 5; i++)
		if (!saker_cfg_sound(o, names[i]))
			return false;
	return true;
}

static void
make_selectors(struct saker_cfg_reader *r)
{
	unsigned int n = r->n[SAKER_SEC_POLICIES];
	struct saker_cfg_selector *s = calloc(n, sizeof(*s));

	r->selectors = s;
	for (unsigned int i = 0; s != NULL && i < n; i++, s++) {
		const struct saker_cfg_policy *p = &r->c->policies[i];

		s->src = p->src;
		s->dst = p->dst;
		s->sport = p->sport;
		s->dport = p->dport;
		s->proto = p->proto;
		s->bits = saker_load_be32(p->dst.ip.octets);
		s->mask = p->dst.len == 0    ? 0
			  : p->dst.len >= 32 ? UINT32_MAX
					     : ~(UINT32_MAX >> p->dst.len);
		s->family = p->src.ip.family != 0 ? p->src.ip.family : p->dst.ip.family;
		s->sound = read_selector(&r->objs[SAKER_SEC_POLICIES][i]);
	}
}

/** True if @p a holds all that @p b holds, of packets of @p family (0: of both). */
static bool
prefix_covers(const struct saker_prefix *a, const struct saker_prefix *b, uint8_t family)
{
	if (a->ip.family == 0)
		return true;
	if (b->ip.family == 0)
		return a->len == 0 && a->ip.family == family;
	return a->len <= b->len && saker_prefix_holds(a, &b->ip);
}

static bool
range_covers(const struct saker_cfg_range *a, const struct saker_cfg_range *b)
{
	return a->low <= b->low && a->high >= b->high;
}

static bool
covers(const struct saker_cfg_selector *a, const struct saker_cfg_selector *b)
{
	return (a->proto == 0 || a->proto == b->proto) && a->sound &&
	       range_covers(&a->dport, &b->dport) && range_covers(&a->sport, &b->sport) &&
	       prefix_covers(&a->dst, &b->dst, b->family) &&
	       prefix_covers(&a->src, &b->src, b->family);
}

static void
check_reachable(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	size_t me = (size_t)(o - r->objs[SAKER_SEC_POLICIES]);
	const struct saker_cfg_selector *b;

	if (r->selectors == NULL)
		make_selectors(r);
	if (r->selectors == NULL)
		return;
	b = &r->selectors[me];
	for (size_t i = 0; i < me; i++) {
		const struct saker_cfg_selector *s = &r->selectors[i];

		if (((b->bits & s->mask) != s->bits) || !covers(s, b))
			continue;
		saker_cfg_fault(r, o, NULL,
			"it can never match: policy \"%s\" on line %d covers it; move it before "
			"that one or take it out",
			r->c->policies[i].name, saker_cfg_line(&r->objs[SAKER_SEC_POLICIES][i]));
		return;
	}
}

const struct saker_cfg_rule saker_cfg_policy_rules[] = {
	{ check_families, { "src", "dst" }, "`src` and `dst` are of one family." },
	{ check_ports, { "proto" },
		"`sport` and `dport` need a `proto` that has ports: 6, 17, 33, 132 or 136." },
	{ check_tunnel, { "action", "mode", "local", "peer" },
		"Tunnel mode needs `local` and `peer`, two addresses of one family." },
	{ check_local, { "action", "mode", "local" },
		"In tunnel mode `local` is an address of the cipher port, if that has one of the "
		"family." },
	{ check_transport, { "mode", "src", "local" },
		"Transport mode needs the group's `addresses`, except in variant `ip-pair`; with "
		"`source-ip` and `ip-pair` it needs `local`, an address in `src`." },
	{ check_group_mode, { "mode" }, "All policies of a group have one `mode`." },
	{ check_offsets, { "src", "dst", "mode", "clear_octets", "ioffset" },
		"`clear_octets` is a multiple of 4. With an `ioffset` it covers the skipped octets "
		"and, in tunnel mode, the inner IP header before them (20 octets, 40 for IPv6)." },
	{ check_own_limits, { "clear_octets", "ioffset" },
		"`clear_octets` and `ioffset` should keep to the group's `max_clear` and "
		"`max_ioffset` (warning)." },
	{ check_fragment, { "action", "mode", "fragment", "local", "df" },
		"With `fragment` \"outer\" a tunnel over IPv4 has a `df` of \"clear\" or "
		"\"copy\"." },
	{ check_client, { "client" },
		"A policy of a group of role `server` names its `client`; no other does. It is as "
		"long as the group's variant needs; for `connection-id` it may have 8 octets, "
		"where "
		"the client was handed keys of one flow." },
	{ check_sources, { "sources" },
		"Entries of `sources` are as long as the group's variant needs; `source-ip` and "
		"`ip-pair` have none." },
	{ check_tss_clear, { "clear_octets" },
		"In format `tss` `clear_octets` is the group's `max_clear`, in each policy." },
	{ check_tss_direct, { "local" },
		"In format `tss` with `kdf` \"direct\" and variant `source-ip`, `local` is IPv4." },
	{ check_reachable, { "src", "dst", "proto", "sport", "dport" },
		"No policy is covered by an earlier one, which would keep it from ever matching." },
	{ NULL },
};
