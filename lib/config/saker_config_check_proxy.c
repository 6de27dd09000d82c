/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/* Proxies between trust groups (stateless profile section 6): their rules. */

#include "saker_config_internal.h"

/** What the rules of a proxy look at, once both groups are known. */
struct sides {
	const struct saker_cfg_proxy *p;
	const struct saker_cfg_group *from, *to;
};

/** One way of a proxy: which group seals, and the ends of its tunnel. */
struct way {
	const char *group, *local_name, *peer_name; /**< settings */
	const struct saker_cfg_group *seals;
	const struct saker_ip *local, *peer;
};

static bool
named(const struct saker_cfg_obj *o, const char *name)
{
	return saker_cfg_given(o, name) && saker_cfg_sound(o, name);
}

static bool
find_sides(const struct saker_cfg_reader *r, const struct saker_cfg_obj *o, struct sides *s)
{
	if (!named(o, "from") || !named(o, "to"))
		return false;
	s->p = o->p;
	s->from = &r->c->groups[s->p->from];
	s->to = &r->c->groups[s->p->to];
	return true;
}

/* @return how many ways there are */
static unsigned int
find_ways(const struct sides *s, struct way ways[2])
{
	ways[0] = (struct way){ "to", "local", "peer", s->to, &s->p->local, &s->p->peer };
	ways[1] = (struct way){ "from", "back_local", "back_peer", s->from, &s->p->back_local,
		&s->p->back_peer };
	return s->p->direction == SAKER_PROXY_BOTH ? 2 : 1;
}

static void
check_groups(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	struct sides s;

	if (find_sides(r, o, &s) && s.p->from == s.p->to)
		saker_cfg_fault(r, o, "to",
			"from and to are both trust group \"%s\"; a proxy leads to another one",
			s.to->name);
}

/* Both groups are used in tunnel mode: the inner packet has a header of its own. */
static void
check_mode(struct saker_cfg_reader *r, const struct saker_cfg_obj *o, const char *name,
	unsigned int group)
{
	for (unsigned int i = 0; i < r->c->n_policies; i++) {
		const struct saker_cfg_policy *p = &r->c->policies[i];

		if (p->action != SAKER_ACTION_PROTECT || p->group != group ||
			p->mode != SAKER_MODE_TRANSPORT)
			continue;
		saker_cfg_fault(r, o, name,
			"trust group \"%s\" is used in transport mode by policy \"%s\" on line %d; "
			"a proxy needs tunnel mode on both sides, use another group",
			r->c->groups[group].name, p->name, p->line);
		return;
	}
}

static void
check_modes(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	struct sides s;

	if (!find_sides(r, o, &s))
		return;
	check_mode(r, o, "from", s.p->from);
	check_mode(r, o, "to", s.p->to);
}

static bool
hides_nothing(const struct saker_cfg_group *g)
{
	return g->format == saker_format_psp.letter && g->version >= 2;
}

/* PSP: it hands SAs out, and none were handed to it. */
static bool
only_receives(const struct saker_cfg_group *g)
{
	return g->format == saker_format_psp.letter && g->role != SAKER_ROLE_PEER &&
	       g->keys == NULL;
}

static void
check_seals(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	struct way way[2];
	struct sides s;
	unsigned int n = find_sides(r, o, &s) ? find_ways(&s, way) : 0;

	for (unsigned int i = 0; i < n; i++) {
		const struct saker_cfg_group *g = way[i].seals;

		if (only_receives(g))
			saker_cfg_fault(r, o, way[i].group,
				"trust group \"%s\" has no keys to seal with, so it only receives; "
				"give it the file of SAs that others handed to it",
				g->name);
		else if (g->role == SAKER_ROLE_SERVER && g->format != saker_format_psp.letter)
			saker_cfg_fault(r, o, way[i].group,
				"trust group \"%s\" has role server, which seals for one client "
				"each; a proxy seals in a group of role peer or client",
				g->name);
		else if (hides_nothing(g))
			saker_cfg_fault(r, o, way[i].group,
				"trust group \"%s\" has version %u of PSP, which encrypts nothing; "
				"a proxy leaves no more in clear than what it got",
				g->name, g->version);
		else if (g->format == saker_format_tss.letter && g->max_clear > 0)
			saker_cfg_fault(r, o, way[i].group,
				"trust group \"%s\" leaves %u octets of every packet in clear; a "
				"proxy leaves no more in clear than what it got",
				g->name, g->max_clear);
	}
}

static void
check_opens(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	struct sides s;

	if (!find_sides(r, o, &s))
		return;
	for (unsigned int i = 0; i < (s.p->direction == SAKER_PROXY_BOTH ? 2 : 1); i++) {
		const struct saker_cfg_group *g = i == 0 ? s.from : s.to;

		if (g->format == saker_format_psp.letter && g->root_keys.n == 0)
			saker_cfg_fault(r, o, i == 0 ? "from" : "to",
				"trust group \"%s\" has no root_keys, so nothing arrives under "
				"it; give it some, or another direction",
				g->name);
	}
}

/* The first address that is this gateway's own: where ports and tunnels end. */
static bool
is_own(const struct saker_cfg_reader *r, const struct saker_ip *ip)
{
	for (unsigned int i = 0; i < r->c->n_ports; i++)
		if (saker_ip_equal(ip, &r->c->ports[i].address.ip) ||
			saker_ip_equal(ip, &r->c->ports[i].address6.ip))
			return true;
	for (unsigned int i = 0; i < r->c->n_policies; i++)
		if (saker_ip_equal(ip, &r->c->policies[i].local))
			return true;
	for (unsigned int i = 0; i < r->c->n_proxies; i++)
		if (saker_ip_equal(ip, &r->c->proxies[i].local) ||
			saker_ip_equal(ip, &r->c->proxies[i].back_local))
			return true;
	return false;
}

static void
check_local(struct saker_cfg_reader *r, const struct saker_cfg_obj *o, const struct way *w)
{
	const struct saker_cfg_port *port = saker_cfg_port_for(r, w->local, w->peer);
	const struct saker_ip *own;
	char text[SAKER_IP_TEXT];

	if (port == NULL && saker_config_second_port(r->c) != NULL)
		saker_cfg_fault(r, o, w->local_name,
			"%s is an address of neither cipher port; give one of theirs",
			w->local_name);
	if (port == NULL)
		return;
	own = w->local->family == 4 ? &port->address.ip : &port->address6.ip;
	if (own->family != 0 && !saker_ip_equal(own, w->local))
		saker_cfg_fault(r, o, w->local_name,
			"%s is not an address of the cipher port \"%s\"; give %s", w->local_name,
			port->name, saker_ip_to_text(own, text));
}

static void
check_end(struct saker_cfg_reader *r, const struct saker_cfg_obj *o, const struct way *w)
{
	char text[SAKER_IP_TEXT];

	if (w->peer->family == 0)
		return;
	if (w->local->family == 0)
		saker_cfg_fault(r, o, NULL, "%s is missing, and %s; give one", w->local_name,
			saker_config_second_port(r->c) != NULL
				? "neither cipher port has a prefix that tells it"
			: w->peer->family == 4 ? "the cipher port has no IPv4 address to take"
					       : "the cipher port has no IPv6 address to take");
	else if (w->local->family != w->peer->family)
		saker_cfg_fault(r, o, w->peer_name,
			"%s is IPv%u and %s is IPv%u; a tunnel needs one family", w->local_name,
			w->local->family, w->peer_name, w->peer->family);
	else if (is_own(r, w->peer))
		saker_cfg_fault(r, o, w->peer_name,
			"%s %s is this gateway's own address, so what is sealed would come back to "
			"it; give another",
			w->peer_name, saker_ip_to_text(w->peer, text));
	else if (saker_cfg_tss_needs_ssi(w->seals, w->local))
		saker_cfg_fault(r, o, w->local_name, SAKER_CFG_NO_SSI, w->seals->name);
	else
		check_local(r, o, w);
}

static void
check_ends(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	struct way way[2];
	struct sides s;
	unsigned int n = find_sides(r, o, &s) ? find_ways(&s, way) : 0;

	for (unsigned int i = 0; i < n; i++)
		check_end(r, o, &way[i]);
}

static void
check_selectors(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_cfg_proxy *p = o->p;

	saker_cfg_check_families(r, o, &p->src, &p->dst);
	saker_cfg_check_ports(r, o, p->proto);
}

static void
check_fragment(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_cfg_proxy *p = o->p;
	bool four = p->peer.family == 4 ||
		    (p->direction == SAKER_PROXY_BOTH && p->back_peer.family == 4);

	if (p->fragment == SAKER_FRAGMENT_OUTER && four && p->df == SAKER_DF_SET)
		saker_cfg_fault(r, o, "fragment",
			"fragment \"outer\" needs a df of \"clear\" or \"copy\" over IPv4; give "
			"one");
}

/* Those that were given are compared elsewhere. */
static void
check_name(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_cfg_obj *first = r->objs[SAKER_SEC_PROXIES];
	const struct saker_cfg_proxy *p = o->p;

	for (const struct saker_cfg_obj *q = first; q < o; q++) {
		const struct saker_cfg_proxy *other = q->p;

		if (strcmp(other->name, p->name) == 0 &&
			!(saker_cfg_given(o, "name") && saker_cfg_given(q, "name")))
			saker_cfg_fault(r, o, "name",
				"\"%s\" is the name of the proxy on line %d too; give it another",
				p->name, other->line);
	}
}

/* A group's inbound packets go through its proxies or nowhere. */
static void
warn_of_policies(struct saker_cfg_reader *r, const struct saker_cfg_obj *o, const char *name,
	unsigned int group)
{
	for (unsigned int i = 0; i < r->c->n_policies; i++) {
		const struct saker_cfg_policy *p = &r->c->policies[i];

		if (p->action != SAKER_ACTION_PROTECT || p->group != group)
			continue;
		saker_cfg_warn(r, o, name,
			"policy \"%s\" protects with trust group \"%s\", but what arrives under "
			"that goes through proxies only; use a group for each",
			p->name, r->c->groups[group].name);
		return;
	}
}

static void
check_policies(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	struct sides s;

	if (!find_sides(r, o, &s))
		return;
	warn_of_policies(r, o, "from", s.p->from);
	if (s.p->direction == SAKER_PROXY_BOTH)
		warn_of_policies(r, o, "to", s.p->to);
}

const struct saker_cfg_rule saker_cfg_proxy_rules[] = {
	{ check_name, { "name" }, "No two proxies share a name." },
	{ check_groups, { "from", "to" }, "`from` and `to` are two trust groups." },
	{ check_modes, { "from", "to" }, "No policy uses either of them in transport mode." },
	{ check_seals, { "from", "to", "direction" },
		"A group that a proxy seals in has role `peer` or `client`, or is one of PSP with "
		"`keys`; it is none of PSP version 2 or 3, which encrypt nothing, nor of format "
		"`tss` with a `max_clear`." },
	{ check_opens, { "from", "to", "direction" },
		"A group of PSP that a proxy opens in has `root_keys`." },
	{ check_ends, { "direction", "local", "peer", "back_local", "back_peer" },
		"`local` and `peer` are of one family, as are `back_local` and `back_peer`; "
		"`local` "
		"and `back_local` are addresses of the cipher port, if that has one of the family; "
		"`peer` and `back_peer` are no addresses of this gateway." },
	{ check_selectors, { "src", "dst", "proto" },
		"`src` and `dst` are of one family; `sport` and `dport` need a `proto` that has "
		"ports: 6, 17, 33, 132 or 136." },
	{ check_fragment, { "direction", "peer", "back_peer", "fragment", "df" },
		"With `fragment` \"outer\" a tunnel over IPv4 has a `df` of \"clear\" or "
		"\"copy\"." },
	{ check_policies, { "from", "to", "direction" },
		"What arrives under a group with a proxy goes through proxies only, so policies "
		"should protect with another (warning)." },
	{ NULL },
};

/* The cipher port's address of the family of the other end, where the file gives none. */
static void
choose_local(const struct saker_cfg_reader *r, struct saker_ip *local, const struct saker_ip *peer)
{
	const struct saker_cfg_port *port = saker_cfg_port_for(r, local, peer);

	if (port != NULL && local->family == 0 && peer->family != 0)
		*local = peer->family == 4 ? port->address.ip : port->address6.ip;
}

void
saker_cfg_finish_proxies(struct saker_cfg_reader *r)
{
	for (unsigned int i = 0; i < r->c->n_proxies; i++) {
		struct saker_cfg_proxy *p = &r->c->proxies[i];

		if (p->name[0] == '\0')
			snprintf(p->name, sizeof(p->name), "proxy-%u", i + 1);
		choose_local(r, &p->local, &p->peer);
		choose_local(r, &p->back_local, &p->back_peer);
	}
}
