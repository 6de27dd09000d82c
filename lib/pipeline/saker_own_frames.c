/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_own_frames.h"

#include "saker_arp.h"
#include "saker_echo.h"
#include "saker_hops.h"
#include "saker_nd.h"
#include "saker_path.h"

/** A frame that needs a closer look. */
struct frame {
	struct saker_worker *w;
	const struct saker_link *l;
	enum saker_direction d; /* of the link */
	struct rte_mbuf *m;
	struct saker_ether e;
	uint8_t *p;
};

/* Of two cipher ports, the second has the link that else is the clear port's. */
static bool
is_cipher(const struct frame *f)
{
	return f->d == SAKER_INBOUND || f->w->s->two_ports;
}

static bool
owns(const struct frame *f, const struct saker_ip *ip)
{
	const struct saker_snapshot *s = f->w->s;

	if (saker_link_owns(f->l, ip))
		return true;
	for (unsigned int i = 0; i < s->n_local && is_cipher(f); i++)
		if (saker_ip_equal(&s->local[i], ip))
			return true;
	return false;
}

/* A fixed neighbour needs no learning. */
static bool
tell(const struct frame *f, enum saker_neigh_kind kind, const struct saker_ip *ip,
	const uint8_t *mac)
{
	struct saker_neigh_event e = { .kind = (uint8_t)kind, .link = f->d, .ip = *ip };

	memcpy(e.mac, mac, SAKER_MAC);
	return f->l->fixed || saker_neigh_tell(f->w->hops->table, &e);
}

/* The control thread has the news; the frame has done its work. */
static unsigned int
consume(const struct frame *f, enum saker_neigh_kind kind, const struct saker_ip *ip,
	const uint8_t *mac)
{
	if (!tell(f, kind, ip, mac))
		return SAKER_DROP_NEIGHBOUR_QUEUE;
	rte_pktmbuf_free(f->m);
	return SAKER_MOVED;
}

/* Send the frame back by its port; tags stay as they are. */
static unsigned int
send_back(const struct frame *f, const uint8_t dst[SAKER_MAC])
{
	memcpy(f->p, dst, SAKER_MAC);
	memcpy(f->p + SAKER_MAC, f->l->mac, SAKER_MAC);
	saker_hops_push(f->w, f->d == SAKER_INBOUND ? SAKER_OUTBOUND : SAKER_INBOUND, f->m);
	return SAKER_MOVED;
}

static bool
is_own_mac(const struct frame *f, const uint8_t *mac)
{
	return memcmp(mac, f->l->mac, SAKER_MAC) == 0;
}

static unsigned int
answer_arp(const struct frame *f, const struct saker_arp *ask)
{
	struct saker_arp reply;

	if (!saker_hops_may_answer(f->w, SAKER_ANSWER_NEIGHBOUR))
		return SAKER_DROP_ANSWER_RATE;
	if (saker_load_be32(ask->sender.octets) != 0)
		(void)tell(f, SAKER_NEIGH_ASK, &ask->sender, ask->sender_mac);
	saker_arp_answer(ask, f->l->mac, &reply);
	saker_arp_write(&reply, f->p + f->e.at);
	return send_back(f, ask->sender_mac);
}

static unsigned int
take_arp(const struct frame *f)
{
	struct saker_arp a;

	if (!saker_arp_read(f->p + f->e.at, f->m->data_len - f->e.at, &a))
		return SAKER_DROP_NEIGHBOUR_BAD;
	if (is_own_mac(f, a.sender_mac))
		return SAKER_DROP_NOT_OURS;
	if (owns(f, &a.sender))
		return SAKER_DROP_ADDRESS_CONFLICT;
	if (a.op == SAKER_ARP_REQUEST && owns(f, &a.target))
		return answer_arp(f, &a);
	if (a.op == SAKER_ARP_REPLY && is_own_mac(f, f->p) && is_own_mac(f, a.target_mac))
		return consume(f, SAKER_NEIGH_ANSWER, &a.sender, a.sender_mac);
	if (saker_ip_equal(&a.sender, &a.target))
		return consume(f, SAKER_NEIGH_CLAIM, &a.sender, a.sender_mac);
	return SAKER_DROP_NOT_OURS;
}

/* An advertisement may be longer than its solicitation. */
static bool
resize(const struct frame *f, uint16_t len)
{
	if (f->m->data_len < len)
		return rte_pktmbuf_append(f->m, len - f->m->data_len) != NULL;
	return rte_pktmbuf_trim(f->m, f->m->data_len - len) == 0;
}

static unsigned int
answer_nd(const struct frame *f, const struct saker_nd *ask)
{
	struct saker_nd answer;
	uint8_t dst[SAKER_MAC];

	if (!saker_hops_may_answer(f->w, SAKER_ANSWER_NEIGHBOUR))
		return SAKER_DROP_ANSWER_RATE;
	if (ask->has_mac)
		(void)tell(f, SAKER_NEIGH_ASK, &ask->src, ask->mac);
	saker_nd_answer(ask, f->l->mac, &answer);
	memcpy(dst, f->p + SAKER_MAC, SAKER_MAC);
	if (saker_ip_is_group(&answer.dst))
		saker_mac_of_group(&answer.dst, dst);
	if (!resize(f, f->e.at + SAKER_ND_MAX))
		return SAKER_DROP_NO_TAILROOM;
	saker_nd_write(&answer, f->p + f->e.at);
	return send_back(f, dst);
}

static unsigned int
take_nd(const struct frame *f)
{
	struct saker_nd nd;
	bool solicited;

	if (f->m->nb_segs != 1 || !saker_nd_read(f->p + f->e.at, f->m->data_len - f->e.at, &nd))
		return SAKER_DROP_NEIGHBOUR_BAD;
	if (is_own_mac(f, f->p + SAKER_MAC))
		return SAKER_DROP_NOT_OURS;
	if (owns(f, &nd.src) || (nd.type == SAKER_ND_ADVERT && owns(f, &nd.target)))
		return SAKER_DROP_ADDRESS_CONFLICT;
	if (nd.type == SAKER_ND_SOLICIT)
		return owns(f, &nd.target) ? answer_nd(f, &nd) : SAKER_DROP_NOT_OURS;
	/* The answer to a question to it alone may leave its MAC out (RFC 4861, section 4.4). */
	if (!nd.has_mac)
		memcpy(nd.mac, f->p + SAKER_MAC, SAKER_MAC);
	solicited = (nd.flags & SAKER_ND_SOLICITED) != 0 && owns(f, &nd.dst);
	return consume(f, solicited ? SAKER_NEIGH_ANSWER : SAKER_NEIGH_CLAIM, &nd.target, nd.mac);
}

static unsigned int
answer_echo(const struct frame *f, const struct saker_ip_view *v)
{
	uint8_t *ip = f->p + f->e.at, mac[SAKER_MAC];

	if (!saker_hops_may_answer(f->w, SAKER_ANSWER_ECHO))
		return SAKER_DROP_ANSWER_RATE;
	if (v->family == 4 && !saker_ip4_checksum_ok(ip, (*ip & 15) * 4))
		return SAKER_DROP_IP_CHECKSUM;
	if (!saker_echo_answer(ip, v))
		return f->l->ends_here ? SAKER_DROP_OWN_ADDRESS : SAKER_OK;
	memcpy(mac, f->p + SAKER_MAC, SAKER_MAC);
	return send_back(f, mac);
}

/* What is malformed goes on: the next stage knows why to drop it. */
static unsigned int
take_ip(const struct frame *f)
{
	const uint8_t *ip = f->p + f->e.at;
	struct saker_ip_view v;
	struct saker_ip dst;

	if (f->m->nb_segs != 1 && rte_pktmbuf_linearize(f->m) != 0)
		return SAKER_OK;
	if (saker_ip_read(ip, f->m->data_len - f->e.at, &v) != SAKER_OK)
		return SAKER_OK;
	dst = saker_ip_dst(ip);
	if (!owns(f, &dst))
		return SAKER_OK;
	if (is_cipher(f) && f->w->paths != NULL && saker_path_is_report(ip, &v))
		return saker_path_report(f->w, ip, &v);
	if (v.proto == (v.family == 4 ? SAKER_PROTO_ICMP : SAKER_PROTO_ICMP6))
		return answer_echo(f, &v);
	return f->l->ends_here ? SAKER_DROP_OWN_ADDRESS : SAKER_OK;
}

static bool
vlan_fits(const struct frame *f)
{
	if (f->l->vlan != 0)
		return f->e.tags == 1 && f->e.vlan == f->l->vlan;
	return f->l->takes_all || f->e.vlan == 0;
}

static unsigned int
look_closer(const struct frame *f)
{
	bool group = saker_mac_is_group(f->p);

	if (!vlan_fits(f))
		return SAKER_DROP_VLAN;
	if (!f->l->takes_all && !group && !is_own_mac(f, f->p))
		return SAKER_DROP_NOT_OURS;
	if (f->e.type == SAKER_TYPE_ARP)
		return take_arp(f);
	if (f->e.type == SAKER_TYPE_IP6 && saker_nd_is(f->p + f->e.at, f->m->data_len - f->e.at))
		return take_nd(f);
	if (group && !f->l->takes_all)
		return SAKER_DROP_NOT_OURS;
	return f->e.type == SAKER_TYPE_IP4 || f->e.type == SAKER_TYPE_IP6 ? take_ip(f) : SAKER_OK;
}

bool
saker_link_takes(struct saker_worker *w, enum saker_direction d, unsigned int i)
{
	struct saker_burst *b = &w->burst;
	struct frame f = { .w = w, .l = &w->link[d], .d = d, .m = b->m[i] };
	unsigned int why;

	f.p = rte_pktmbuf_mtod(f.m, uint8_t *);
	if (w->hops == NULL || !saker_ether_read(f.p, f.m->data_len, &f.e))
		return true;
	why = look_closer(&f);
	if (why != SAKER_OK)
		saker_burst_drop(b, i, why);
	return why == SAKER_OK;
}
