/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "saker_classify.h"
#include "saker_group.h"
#include "saker_listener.h"
#include "saker_mss.h"
#include "saker_mtu.h"
#include "saker_own.h"
#include "saker_proxy.h"
#include "saker_psp_keys.h"
#include "saker_session_keys.h"

/* Names of DPDK objects must be unique, and two snapshots live side by side during a reload. */
static unsigned int generation;

int
saker_snapshot_check_keys(
	const struct saker_config *c, const struct saker_root_set *set, struct saker_faults *faults)
{
	const struct saker_group_env env = { .config = c, .roots = set, .faults = faults };
	int ret = 0;

	for (unsigned int i = 0; i < c->n_groups; i++) {
		struct saker_group g = { .index = (uint16_t)i };

		if (saker_group_build(&env, &c->groups[i], &g) != 0)
			ret = -EINVAL;
		saker_group_free(&g);
	}
	if (saker_session_keys_check(&env) != 0)
		ret = -EINVAL;
	return ret;
}

static int
out_of_memory(const struct saker_config *c, struct saker_faults *faults, const char *what)
{
	saker_fault(faults, c->file, 0, "no memory for %s; give EAL more with -m", what);
	return -ENOMEM;
}

/* Zeroed, and beginning with a cache line. Free it with free(). */
static void *
alloc_lines(size_t n, size_t size)
{
	void *p = aligned_alloc(64, n * size);

	return p == NULL ? NULL : memset(p, 0, n * size);
}

static int
build_groups(const struct saker_group_env *env, struct saker_snapshot *s)
{
	int ret = 0;

	s->n_groups = env->config->n_groups;
	s->groups = alloc_lines(s->n_groups + 1u, sizeof(*s->groups));
	if (s->groups == NULL)
		return out_of_memory(env->config, env->faults, "trust groups");
	for (unsigned int i = 0; i < s->n_groups; i++) {
		s->groups[i].index = (uint16_t)i;
		if (saker_group_build(env, &env->config->groups[i], &s->groups[i]) != 0)
			ret = -EINVAL;
		s->by_resource |= s->groups[i].by_resource;
		s->psp |= s->groups[i].format == &saker_format_psp;
	}
	if (saker_session_keys_check(env) != 0)
		ret = -EINVAL;
	return ret;
}

/* The receiver learns the mode from the group's policies: it is not on the wire. */
static int
set_group_modes(const struct saker_group_env *env, struct saker_snapshot *s)
{
	const struct saker_config *c = env->config;
	int ret = 0;

	for (unsigned int i = 0; i < c->n_policies; i++) {
		const struct saker_cfg_policy *p = &c->policies[i];
		struct saker_group *g = &s->groups[p->group];
		bool transport = p->mode == SAKER_MODE_TRANSPORT;

		if (p->action != SAKER_ACTION_PROTECT)
			continue;
		if (g->mode_known && g->transport != transport) {
			saker_fault(env->faults, c->file, p->line,
				"policy %s: trust group %s carries both tunnel and transport mode; "
				"use one group for each",
				p->name, g->cfg->name);
			ret = -EINVAL;
		}
		g->transport = g->terms.transport = transport;
		g->mode_known = true;
		s->transport |= transport;
	}
	return ret;
}

/* Keys by session, clients' keys, bound addresses and proxies ask for more than a plain packet
 * gets.
 */
static void
note_plain(struct saker_group *g)
{
	uint8_t id_len = saker_eesp_source_len[g->variant];
	uint16_t len = SAKER_EESP_SOURCE + id_len + SAKER_EESP_SN;

	g->derives = g->eesp && !g->transport && id_len > 0 && g->session == NULL &&
		     g->client == NULL;
	g->plain = (struct saker_plain){
		.known = g->derives && g->cfg->n_addresses == 0 && g->ways == NULL,
		.len = (uint8_t)len,
		.around = (uint8_t)(len + SAKER_ICV),
		.source_at = (uint8_t)(len - SAKER_EESP_SN - sizeof(uint64_t)),
		.first = __builtin_bswap16((uint16_t)(SAKER_EESP_FIRST_OCTET << 8 | (4 + id_len))),
		.context = __builtin_bswap32((uint32_t)SAKER_EESP_OPT_CONTEXT << 24 |
					     (2u + id_len) << 16 | (uint32_t)g->variant << 12),
		.source_mask = id_len == 4 ? UINT64_MAX << 32 : UINT64_MAX,
		.key_mask = g->variant == SAKER_V_CONNECTION_ID ? UINT32_MAX : UINT64_MAX,
		.job = saker_job_form(&g->kdf, g->receive_role, g->variant, g->kind[0]),
	};
}

static void
note_plain_groups(struct saker_snapshot *s)
{
	for (unsigned int i = 0; i < s->n_groups; i++) {
		struct saker_group *g = &s->groups[i];

		note_plain(g);
		g->plain_sn = g->session == NULL && g->client == NULL && g->cfg->qos.n == 0 &&
			      !g->names_workers && !g->by_resource &&
			      g->cfg->source_port != SAKER_SOURCE_PORT_SESSION;
	}
}

static void
note_plain_policies(struct saker_snapshot *s)
{
	for (unsigned int i = 0; i < s->n_all; i++) {
		struct saker_policy *p = &s->policies[i];
		const struct saker_group *g = p->group;

		if (!p->plain)
			continue;
		p->session_first = g->cfg->session_first;
		p->job_known = g->derives && g->plain_sn;
		p->job = saker_job_form(&g->kdf, g->send_role, g->variant, g->kind[0]);
	}
}

static uint64_t
id_number(const uint8_t *octets, unsigned int len)
{
	uint64_t v = 0;

	for (unsigned int i = 0; i < len; i++)
		v = v << 8 | octets[i];
	return v;
}

/* The id that a policy puts on the wire: its own, the client's, or the one that keys were handed
 * out for. Of a connection id all but the device half may be left to the flow.
 */
static void
policy_source(const struct saker_group_env *env, struct saker_policy *p)
{
	const struct saker_cfg_group *g = p->group->cfg;
	const struct saker_client_keys *handed = &env->roots->client[p->group->index];
	const struct saker_cfg_hex *id = g->role == SAKER_ROLE_SERVER ? &p->cfg->client
								      : &g->source_id;

	p->source = id_number(id->octets, id->len);
	if (g->variant != SAKER_V_CONNECTION_ID)
		return;
	if (g->data_keys != NULL) {
		p->source = id_number(handed->source, handed->source_len);
	} else if (id->len == 4) {
		p->source <<= 32;
		p->flow_half = true;
	}
}

/* Who sends, as SN lines and replay windows know it: of a connection id the device alone, of an SPI
 * what does not change with the root key. Keys by session hang on no source: there the root key
 * value alone tells lines apart.
 */
static struct saker_sender
policy_sender(const struct saker_policy *p)
{
	struct saker_sender s = { .group = p->group };
	uint8_t variant = p->group->variant;

	if (p->group->handed) {
		s.source_len = sizeof(p->seal->check);
		s.seal = p->seal;
		s.n_seal = p->n_seal;
		if (p->seal != NULL)
			memcpy(s.source, p->seal->check, s.source_len);
	} else if (p->group->session != NULL) {
		s.source_len = 4;
	} else if (p->group->format->worker_spi) {
		s.source_len = 4;
		saker_store_be32(s.source, p->group->cfg->spi);
	} else if (variant == SAKER_V_SOURCE_IP || variant == SAKER_V_IP_PAIR) {
		s.source_len = p->cfg->local.family == 4 ? 4 : 16;
		memcpy(s.source, p->cfg->local.octets, s.source_len);
	} else if (variant == SAKER_V_SOURCE_ID_64) {
		s.source_len = 8;
		saker_store_be64(s.source, p->source);
	} else {
		s.source_len = 4;
		saker_store_be32(s.source,
			(uint32_t)(variant == SAKER_V_SOURCE_ID ? p->source : p->source >> 32));
	}
	return s;
}

static uint16_t
add_sender(struct saker_snapshot *s, const struct saker_sender *sender)
{
	for (unsigned int i = 0; i < s->n_senders; i++)
		if (s->senders[i].group == sender->group &&
			memcmp(s->senders[i].source, sender->source, sizeof(sender->source)) == 0 &&
			s->senders[i].source_len == sender->source_len)
			return (uint16_t)i;
	s->senders[s->n_senders] = *sender;
	s->senders[s->n_senders].first_line = s->n_lines;
	s->n_lines += saker_group_classes(sender->group);
	return (uint16_t)s->n_senders++;
}

static void
fill_mk_options(const struct saker_group *g, struct saker_form *form)
{
	for (unsigned int l = 0; l < SAKER_LEVELS; l++) {
		if (!g->cfg->master_key_options[l])
			continue;
		for (unsigned int i = 0; i < g->level[l].n; i++) {
			const struct saker_root_slot *slot = &g->level[l].slot[i];

			if (slot->key != g->send_key[l] || slot->generation != g->send_gen[l])
				continue;
			form->mk[l].id_len = slot->id_len;
			form->mk[l].index = (uint8_t)slot->index;
			memcpy(form->mk[l].id, slot->id, slot->id_len);
		}
	}
}

static int
fill_templates(const struct saker_group_env *env, struct saker_policy *p)
{
	const struct saker_group *g = p->group;
	struct saker_form form = {
		.spi = g->cfg->spi,
		.variant = g->variant,
		.key_idx = g->key_idx,
		.transport = p->transport,
		.crypt_offset = p->clear_len > 0,
		.terms = &g->terms,
	};

	if (saker_eesp_source_len[g->variant] == 4)
		saker_store_be32(form.source, (uint32_t)p->source);
	else
		saker_store_be64(form.source, p->source);
	fill_mk_options(g, &form);
	if (g->format->template(&form, &p->v4) != 0)
		goto err;
	form.outer_v6 = true;
	if (g->format->template(&form, &p->v6) != 0)
		goto err;
	p->plain = g->eesp && !p->transport && p->ioffset == 0 &&
		   saker_front_init(&p->front, &p->outer, p->outer.family == 4 ? &p->v4 : &p->v6);
	return 0;
err:
	saker_fault(env->faults, env->config->file, p->cfg->line,
		"policy %s: its header does not fit; send fewer Master Key options", p->cfg->name);
	return -EINVAL;
}

static const struct saker_cfg_port *
port_of(const struct saker_config *c, enum saker_port_role role)
{
	for (unsigned int i = 0; i < c->n_ports; i++)
		if (c->ports[i].role == role)
			return &c->ports[i];
	return NULL;
}

/* What is in front of a packet that it protects is all that its tunnel MTU hangs on. */
static void
fill_mtu(const struct saker_config *c, struct saker_policy *p)
{
	const struct saker_cfg_port *port = p->second ? saker_config_second_port(c)
						      : port_of(c, SAKER_PORT_CIPHER);
	uint16_t most = port == NULL ? UINT16_MAX : port->mtu;
	uint16_t longest = p->group->format->longest;

	if (longest != 0 && most > longest)
		most = longest;
	for (unsigned int six = 0; six < 2; six++) {
		uint8_t inner = six ? 6 : 4, outer = p->transport ? inner : p->outer.family;
		uint16_t front = p->transport ? p->between : p->outer.len;

		front += outer == 6 ? p->v6.len : p->v4.len;
		p->front_len[six] = front;
		p->mtu[six] = saker_mtu_tunnel(p->group->format, most, front);
		p->mss[six] = p->cfg->mss_clamp ? saker_mss_of(inner, p->mtu[six]) : UINT16_MAX;
	}
}

static uint32_t
add_ends(struct saker_snapshot *s, const struct saker_cfg_policy *cfg)
{
	for (unsigned int i = 0; i < s->n_ends; i++)
		if (saker_ip_equal(&s->ends[i].local, &cfg->local) &&
			saker_ip_equal(&s->ends[i].peer, &cfg->peer))
			return i;
	s->ends[s->n_ends] = (struct saker_ends){ cfg->local, cfg->peer };
	return s->n_ends++;
}

/* What stands between IP and security header is put there, or is the packet's own and stays. */
static void
set_encap(struct saker_policy *p)
{
	const struct saker_format *format = p->group->format;
	uint8_t octets;

	p->udp = p->group->cfg->encap == SAKER_ENCAP_UDP;
	p->entropy = !p->udp && format->entropy != 0;
	octets = p->udp ? SAKER_UDP_HEADER : format->entropy;
	if (p->transport && format->entropy != 0)
		p->keep = octets;
	else
		p->between = octets;
}

static int
build_protect(const struct saker_group_env *env, struct saker_snapshot *s, struct saker_policy *p)
{
	const struct saker_cfg_group *g = &env->config->groups[p->cfg->group];
	struct saker_sender sender;

	p->group = &s->groups[p->cfg->group];
	if (p->group->handed)
		p->seal = saker_psp_keys_of(p->group, &p->cfg->peer, &p->n_seal);
	else if (p->group->n_masters > 0)
		p->master = &p->group->masters[p->group->sending];
	p->transport = p->cfg->mode == SAKER_MODE_TRANSPORT;
	p->clear_len = p->cfg->clear_octets;
	p->ioffset = p->cfg->ioffset;
	set_encap(p);
	p->any_source = p->cfg->n_sources == 0 && p->cfg->client.len == 0;
	policy_source(env, p);
	sender = policy_sender(p);
	p->sender = add_sender(s, &sender);
	p->line = s->senders[p->sender].first_line;
	p->classes = saker_group_classes(p->group) > 1;
	if (!p->transport)
		saker_outer_init(&p->outer, &p->cfg->local, &p->cfg->peer, g->protocol,
			g->encap == SAKER_ENCAP_UDP ? g->udp_port : 0, p->cfg->df);
	if (p->entropy)
		saker_outer_add_entropy(&p->outer, p->group->format->entropy);
	p->second = s->two_ports && saker_config_is_second(env->config, &p->cfg->local);
	if (fill_templates(env, p) != 0)
		return -EINVAL;
	fill_mtu(env->config, p);
	if (!p->transport)
		p->ends = add_ends(s, p->cfg);
	return 0;
}

static int
build_policies(const struct saker_group_env *env, struct saker_snapshot *s)
{
	const struct saker_config *c = env->config;
	unsigned int most = c->n_policies + saker_ways_policies(c) + 1;
	int ret = 0;

	s->two_ports = saker_config_second_port(c) != NULL;
	s->n_policies = s->n_all = c->n_policies;
	s->policies = alloc_lines(most, sizeof(*s->policies));
	s->senders = calloc(most, sizeof(*s->senders));
	s->ends = calloc(most, sizeof(*s->ends));
	if (s->policies == NULL || s->senders == NULL || s->ends == NULL)
		return out_of_memory(c, env->faults, "policies");
	for (unsigned int i = 0; i < s->n_policies; i++) {
		s->policies[i].cfg = &c->policies[i];
		s->policies[i].index = (uint16_t)i;
		s->policies[i].action = (uint8_t)c->policies[i].action;
	}
	if (saker_ways_lay_out(c, s) != 0)
		return out_of_memory(c, env->faults, "proxies");
	for (unsigned int i = 0; i < s->n_all; i++)
		if (s->policies[i].action == SAKER_ACTION_PROTECT &&
			build_protect(env, s, &s->policies[i]) != 0)
			ret = -EINVAL;
	return ret;
}

static int
build_classifiers(const struct saker_group_env *env, struct saker_snapshot *s)
{
	char name[32];

	snprintf(name, sizeof(name), "saker4-%u", generation);
	if (saker_classifier_build(env->config, 4, name, &s->classify4) != 0)
		return out_of_memory(env->config, env->faults, "the IPv4 classifier");
	snprintf(name, sizeof(name), "saker6-%u", generation);
	if (saker_classifier_build(env->config, 6, name, &s->classify6) != 0)
		return out_of_memory(env->config, env->faults, "the IPv6 classifier");
	snprintf(name, sizeof(name), "proxy-%u", generation);
	if (saker_ways_classify(s, name) != 0)
		return out_of_memory(env->config, env->faults, "the classifiers of proxies");
	return 0;
}

static void
add_local(struct saker_snapshot *s, const struct saker_ip *ip)
{
	uint32_t first;

	if (ip->family == 0)
		return;
	for (unsigned int i = 0; i < s->n_local; i++)
		if (saker_ip_equal(&s->local[i], ip))
			return;
	if (ip->family == 4 && s->local4 == UINT64_MAX) {
		memcpy(&first, ip->octets, sizeof(first));
		s->local4 = first;
	}
	s->local[s->n_local++] = *ip;
}

static int
note_addresses(const struct saker_group_env *env, struct saker_snapshot *s)
{
	const struct saker_config *c = env->config;

	s->local4 = UINT64_MAX;
	s->local = calloc(2 * c->n_ports + s->n_all + 1, sizeof(*s->local));
	if (s->local == NULL)
		return out_of_memory(c, env->faults, "addresses");
	for (unsigned int i = 0; i < c->n_ports; i++) {
		if (c->ports[i].role != SAKER_PORT_CIPHER)
			continue;
		add_local(s, &c->ports[i].address.ip);
		add_local(s, &c->ports[i].address6.ip);
	}
	for (unsigned int i = 0; i < c->n_policies; i++)
		if (c->policies[i].action == SAKER_ACTION_PROTECT &&
			c->policies[i].mode == SAKER_MODE_TUNNEL)
			add_local(s, &c->policies[i].local);
	for (unsigned int i = s->n_policies; i < s->n_all; i++)
		add_local(s, &s->policies[i].cfg->local);
	return 0;
}

/* Errors come from where the packet did: the clear port's address, if it has one. */
static void
choose_error_senders(struct saker_snapshot *s, const struct saker_config *c)
{
	static const enum saker_port_role order[] = { SAKER_PORT_CIPHER, SAKER_PORT_CLEAR };

	for (unsigned int i = 0; i < 2; i++) {
		const struct saker_cfg_port *port = port_of(c, order[i]);

		if (port != NULL && port->address.ip.family != 0)
			s->error_from[0] = port->address.ip;
		if (port != NULL && port->address6.ip.family != 0)
			s->error_from[1] = port->address6.ip;
	}
}

/* In pages of their own, as secrets are allocated, the master keys of all groups would compete for
 * the same few lines of the first cache, and each would need a translation of its own.
 */
static int
gather_masters(const struct saker_group_env *env, struct saker_snapshot *s)
{
	struct saker_master *next;

	for (unsigned int i = 0; i < s->n_groups; i++)
		s->n_masters += s->groups[i].n_masters;
	if (s->n_masters == 0)
		return 0;
	s->masters = next = saker_secret_alloc(s->n_masters * sizeof(*next));
	if (next == NULL)
		return out_of_memory(env->config, env->faults, "master keys");
	for (unsigned int i = 0; i < s->n_groups; i++) {
		struct saker_group *g = &s->groups[i];
		size_t size = g->n_masters * sizeof(*next);

		if (size == 0)
			continue;
		memcpy(next, g->masters, size);
		saker_secret_free(g->masters, size);
		g->masters = next;
		next += g->n_masters;
	}
	return 0;
}

static void
free_keys(struct saker_snapshot *s)
{
	for (unsigned int i = 0; i < s->n_groups && s->groups != NULL; i++) {
		if (s->masters != NULL)
			s->groups[i].masters = NULL;
		saker_group_free(&s->groups[i]);
	}
	saker_secret_free(s->masters, s->n_masters * sizeof(*s->masters));
}

static int
fill(const struct saker_group_env *env, struct saker_snapshot *s)
{
	if (build_groups(env, s) != 0 || gather_masters(env, s) != 0 ||
		set_group_modes(env, s) != 0 || build_policies(env, s) != 0 ||
		build_classifiers(env, s) != 0 || saker_listeners_build(env, s) != 0 ||
		note_addresses(env, s) != 0)
		return -EINVAL;
	note_plain_groups(s);
	note_plain_policies(s);
	saker_own_prepare(s);
	choose_error_senders(s, env->config);
	if (getrandom(&s->flow_secret, sizeof(s->flow_secret), 0) != sizeof(s->flow_secret)) {
		saker_fault(
			env->faults, NULL, 0, "the system has no random numbers: getrandom: %m");
		return -EIO;
	}
	return 0;
}

struct saker_snapshot *
saker_snapshot_build(const struct saker_config *c, const struct saker_root_set *set,
	const struct saker_crypto_ops *ops, void *ctx, struct saker_faults *faults)
{
	const struct saker_group_env env = {
		.config = c, .roots = set, .ops = ops, .ctx = ctx, .faults = faults
	};
	struct saker_snapshot *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		out_of_memory(c, faults, "the snapshot");
		return NULL;
	}
	s->config = c;
	generation++;
	if (fill(&env, s) != 0) {
		saker_snapshot_free(s);
		return NULL;
	}
	return s;
}

void
saker_snapshot_free(struct saker_snapshot *s)
{
	if (s == NULL)
		return;
	free_keys(s);
	saker_classifier_free(&s->classify4);
	saker_classifier_free(&s->classify6);
	saker_listeners_free(s);
	saker_ways_free(s);
	free(s->local);
	free(s->groups);
	free(s->policies);
	free(s->senders);
	free(s->ends);
	free(s);
}
