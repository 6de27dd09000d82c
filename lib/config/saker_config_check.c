/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_config_internal.h"

#define MIN_MTU6 1280 /* RFC 8200, section 5 */

static void
check_mtu6(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_cfg_port *p = o->p;

	if (p->address6.ip.family != 0 && p->mtu < MIN_MTU6)
		saker_cfg_fault(r, o, "mtu", "mtu %u is too small for IPv6; give at least %d",
			p->mtu, MIN_MTU6);
}

static void
check_device(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_cfg_port *p = o->p;

	for (const struct saker_cfg_port *q = r->c->ports; q < p; q++)
		if (p->device[0] != '\0' && strcmp(p->device, q->device) == 0)
			saker_cfg_fault(r, o, "device",
				"device %s is taken by the port on line %d; give each port its own",
				p->device, q->line);
}

/* RFC 4291, section 2.5.6: every link has this prefix. */
static bool
is_link_local6(const struct saker_ip *ip)
{
	return ip->family == 6 && ip->octets[0] == 0xfe && (ip->octets[1] & 0xc0) == 0x80;
}

static void
check_gateway(struct saker_cfg_reader *r, const struct saker_cfg_obj *o, const char *name,
	const struct saker_ip *gateway, const struct saker_prefix *own)
{
	char text[SAKER_IP_TEXT];

	if (gateway->family == 0 || is_link_local6(gateway))
		return;
	if (saker_ip_equal(gateway, &own->ip))
		saker_cfg_fault(
			r, o, name, "%s is the port's own address; give the router's", name);
	else if (!saker_prefix_holds(own, gateway) || own->ip.family == 0)
		saker_cfg_fault(r, o, name,
			"%s is not on the port's link; give %s with a prefix that holds %s", name,
			gateway->family == 4 ? "address" : "address6",
			saker_ip_to_text(gateway, text));
}

static void
check_gateways(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_cfg_port *p = o->p;

	check_gateway(r, o, "gateway", &p->gateway, &p->address);
	check_gateway(r, o, "gateway6", &p->gateway6, &p->address6);
}

static bool
is_no_station(const struct saker_ip *ip)
{
	static const uint8_t none[16];

	if (ip->family == 4)
		return ip->octets[0] == 0 || ip->octets[0] == 127 || ip->octets[0] >= 224;
	return ip->family == 6 &&
	       (ip->octets[0] == 0xff || memcmp(ip->octets, none, sizeof(none)) == 0);
}

static void
check_own(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	static const char text[] = "%s is an address that no station has; give the port's own";
	const struct saker_cfg_port *p = o->p;

	if (is_no_station(&p->address.ip))
		saker_cfg_fault(r, o, "address", text, "address");
	if (is_no_station(&p->address6.ip))
		saker_cfg_fault(r, o, "address6", text, "address6");
}

static void
check_next_hop(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_cfg_port *p = o->p;

	if (p->has_next_hop && (p->gateway.family != 0 || p->gateway6.family != 0))
		saker_cfg_warn(r, o, "next_hop_mac",
			"next_hop_mac fixes the neighbour, so no gateway is looked for; take one "
			"of them out");
}

const struct saker_cfg_rule saker_cfg_port_rules[] = {
	{ check_mtu6, { "mtu", "address6" },
		"A port with an IPv6 address has an `mtu` of at least 1280." },
	{ check_device, { "device" }, "No two ports share a `device`." },
	{ check_own, { "address", "address6" },
		"`address` and `address6` are addresses that one station may have." },
	{ check_gateways, { "address", "address6", "gateway", "gateway6" },
		"`gateway` lies in the prefix of `address`, `gateway6` in that of `address6` or is "
		"link-local." },
	{ check_next_hop, { "next_hop_mac", "gateway", "gateway6" },
		"`next_hop_mac` makes a gateway superfluous (warning)." },
	{ NULL },
};

static void
check_id_form(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_cfg_root_key *k = o->p;

	if (k->id.len % 4 != 0)
		saker_cfg_fault(r, o, "id", "id has %u octets; make it a multiple of 4", k->id.len);
}

static void
check_id_unique(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	const struct saker_cfg_root_key *k = o->p;

	for (const struct saker_cfg_root_key *q = r->c->root_keys; q < k; q++) {
		if (k->id.len == 0 || q->level != k->level || q->id.len != k->id.len ||
			memcmp(q->id.octets, k->id.octets, k->id.len) != 0)
			continue;
		saker_cfg_fault(r, o, "id",
			"id is that of root key \"%s\" of the same level on line %d; choose "
			"another",
			q->name, q->line);
		return;
	}
}

const struct saker_cfg_rule saker_cfg_root_key_rules[] = {
	{ check_id_form, { "id" }, "An `id` is a multiple of 4 octets long." },
	{ check_id_unique, { "id", "level" }, "No two root keys of a level share an `id`." },
	{ NULL },
};

/** True if every port's role and address were read well. */
static bool
ports_sound(const struct saker_cfg_reader *r)
{
	const struct saker_cfg_obj *o = r->objs[SAKER_SEC_PORTS];

	for (unsigned int i = 0; i < r->n[SAKER_SEC_PORTS]; i++)
		if (!saker_cfg_sound(&o[i], "role") || !saker_cfg_given(&o[i], "role") ||
			!saker_cfg_sound(&o[i], "address") || !saker_cfg_sound(&o[i], "address6"))
			return false;
	return true;
}

const struct saker_cfg_port *
saker_cfg_cipher_port(const struct saker_cfg_reader *r)
{
	const struct saker_cfg_port *p = r->c->ports, *end = p + r->c->n_ports;

	if (!ports_sound(r))
		return NULL;
	for (; p < end; p++)
		if (p->role == SAKER_PORT_CIPHER)
			return p;
	return NULL;
}

const struct saker_cfg_port *
saker_config_second_port(const struct saker_config *c)
{
	const struct saker_cfg_port *p = c->ports;

	return c->n_ports == 2 && p[0].role == SAKER_PORT_CIPHER && p[1].role == SAKER_PORT_CIPHER
		       ? &p[1]
		       : NULL;
}

bool
saker_config_is_second(const struct saker_config *c, const struct saker_ip *ip)
{
	const struct saker_cfg_port *p = saker_config_second_port(c);

	return p != NULL &&
	       (saker_ip_equal(ip, &p->address.ip) || saker_ip_equal(ip, &p->address6.ip));
}

static const struct saker_prefix *
own_of(const struct saker_cfg_port *p, uint8_t family)
{
	return family == 4 ? &p->address : &p->address6;
}

const struct saker_cfg_port *
saker_cfg_port_for(
	const struct saker_cfg_reader *r, const struct saker_ip *local, const struct saker_ip *peer)
{
	const struct saker_cfg_port *found = NULL, *port = saker_cfg_cipher_port(r);
	unsigned int n = 0;

	if (port == NULL || saker_config_second_port(r->c) == NULL)
		return port;
	for (unsigned int i = 0; i < 2; i++) {
		const struct saker_prefix *own = own_of(&r->c->ports[i], peer->family);

		if (local->family != 0 ? !saker_ip_equal(&own->ip, local)
				       : own->ip.family == 0 || !saker_prefix_holds(own, peer))
			continue;
		found = &r->c->ports[i];
		n++;
	}
	return n == 1 ? found : NULL;
}

/* Nothing clear has a way out there: proxies alone use both. */
static void
check_two_ciphers(struct saker_cfg_reader *r, int line)
{
	const struct saker_cfg_port *p = r->c->ports;

	if (r->c->n_policies > 0)
		saker_fault(r->faults, r->c->file, r->c->policies[0].line,
			"policies: there is no port of role \"clear\", so nothing but proxies has "
			"a meaning; take the policies out");
	for (uint8_t family = 4; family <= 6; family += 2)
		if (own_of(&p[0], family)->ip.family != 0 &&
			saker_ip_equal(&own_of(&p[0], family)->ip, &own_of(&p[1], family)->ip))
			saker_fault(r->faults, r->c->file, line,
				"ports: \"%s\" and \"%s\" have one address; give each its own",
				p[0].name, p[1].name);
}

static void
check_port_roles(struct saker_cfg_reader *r)
{
	static const char *const names[] = {
		[SAKER_PORT_CLEAR] = "clear", [SAKER_PORT_CIPHER] = "cipher"
	};
	const struct saker_cfg_port *p = r->c->ports;
	unsigned int n[2] = { 0, 0 };
	int last = 0;

	if (!ports_sound(r))
		return;
	for (unsigned int i = 0; i < r->c->n_ports; i++) {
		n[p[i].role]++;
		last = p[i].line;
	}
	if (n[SAKER_PORT_CLEAR] == 0 && n[SAKER_PORT_CIPHER] == 2) {
		check_two_ciphers(r, last);
		return;
	}
	for (int role = 0; role < 2; role++)
		if (n[role] != 1)
			saker_fault(r->faults, r->c->file, last,
				"ports: there are %u of role \"%s\"; give exactly one", n[role],
				names[role]);
}

static void
check_tunnel_ends(struct saker_cfg_reader *r)
{
	const struct saker_cfg_port *port = saker_cfg_cipher_port(r);
	bool tunnels = false;

	for (unsigned int i = 0; i < r->c->n_policies; i++)
		tunnels |= r->c->policies[i].action == SAKER_ACTION_PROTECT &&
			   r->c->policies[i].mode == SAKER_MODE_TUNNEL;
	tunnels |= r->c->n_proxies > 0;
	if (!tunnels || port == NULL || port->address.ip.family != 0 ||
		port->address6.ip.family != 0)
		return;
	saker_warning(r->faults, r->c->file, port->line,
		"port \"%s\" has neither address nor address6, so no neighbour can resolve it; "
		"give "
		"it the address where tunnels end",
		port->name);
}

const struct saker_cfg_whole_rule saker_cfg_whole_rules[] = {
	{ check_port_roles,
		"There is exactly one port of `role` \"clear\" and one of `role` \"cipher\"; or "
		"there are "
		"two of `role` \"cipher\" with addresses of their own, and no policies." },
	{ check_tunnel_ends, "Where a policy protects in tunnel mode, or there is a proxy, the "
			     "cipher port should have an address "
			     "(warning)." },
	{ NULL, NULL },
};

static void
check_required(
	struct saker_cfg_reader *r, const struct saker_cfg_obj *o, const struct saker_cfg_field *f)
{
	if ((f->flags & SAKER_F_REQUIRED) == 0 || saker_cfg_given(o, f->name))
		return;
	if (f->only.field == NULL)
		saker_cfg_fault(r, o, NULL, "%s is missing; give it", f->name);
	else
		saker_cfg_fault(r, o, NULL, "%s is missing; %s = \"%s\" needs it", f->name,
			f->only.field, f->only.word);
}

static void
check_bearing(
	struct saker_cfg_reader *r, const struct saker_cfg_obj *o, const struct saker_cfg_field *f)
{
	static const char text[] = "%s is for %s = \"%s\" only; take it out";

	if (!saker_cfg_given(o, f->name))
		return;
	if (!saker_cfg_in_format(f->formats, o->p)) {
		saker_cfg_fault(r, o, f->name, "%s has no meaning in format %s; take it out",
			f->name,
			saker_cfg_format_name(((const struct saker_cfg_group *)o->p)->format));
		return;
	}
	if ((f->flags & SAKER_F_LENIENT) != 0)
		saker_cfg_warn(r, o, f->name, text, f->name, f->only.field, f->only.word);
	else
		saker_cfg_fault(r, o, f->name, text, f->name, f->only.field, f->only.word);
}

static void
check_fields(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	for (const struct saker_cfg_field *f = o->section->fields; f->name != NULL; f++) {
		if (f->only.field != NULL && !saker_cfg_sound(o, f->only.field))
			continue;
		if (f->formats != NULL && !saker_cfg_sound(o, "format"))
			continue;
		if (saker_cfg_applies(o->section, f, o->p))
			check_required(r, o, f);
		else
			check_bearing(r, o, f);
	}
}

static bool
has_needs(const struct saker_cfg_obj *o, const struct saker_cfg_rule *rule)
{
	if (rule->formats != NULL &&
		(!saker_cfg_sound(o, "format") || !saker_cfg_in_format(rule->formats, o->p)))
		return false;
	for (const char *const *name = rule->needs; *name != NULL; name++)
		if (!saker_cfg_sound(o, *name))
			return false;
	return true;
}

static void
check_rules(struct saker_cfg_reader *r, const struct saker_cfg_obj *o,
	const struct saker_cfg_rule *rule)
{
	for (; rule != NULL && rule->check != NULL; rule++)
		if (has_needs(o, rule))
			rule->check(r, o);
}

/* The rules of a trust group's format. */
static const struct saker_cfg_rule *
format_rules(const struct saker_cfg_obj *o)
{
	const struct saker_cfg_format_rules *f = saker_cfg_format_rules;

	if (o->section != &saker_cfg_sections[SAKER_SEC_GROUPS] || !saker_cfg_sound(o, "format"))
		return NULL;
	while (f->rules != NULL && f->letter != ((const struct saker_cfg_group *)o->p)->format)
		f++;
	return f->rules;
}

static void
check_object(struct saker_cfg_reader *r, const struct saker_cfg_obj *o)
{
	if (o->at != NULL && config_setting_is_group(o->at))
		check_fields(r, o);
	check_rules(r, o, o->section->rules);
	check_rules(r, o, format_rules(o));
}

void
saker_cfg_check(struct saker_cfg_reader *r)
{
	for (int id = 0; id < SAKER_SECTIONS; id++) {
		for (unsigned int i = 0; i < r->n[id]; i++) {
			const struct saker_cfg_obj *o = &r->objs[id][i];

			check_object(r, o);
			for (unsigned int k = 0; k < o->n_kids; k++)
				check_object(r, &o->kids[k]);
		}
	}
	for (const struct saker_cfg_whole_rule *w = saker_cfg_whole_rules; w->check != NULL; w++)
		w->check(r);
}
