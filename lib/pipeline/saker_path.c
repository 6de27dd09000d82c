/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_path.h"

#include <stdlib.h>

#include "saker_icmp_error.h"
#include "saker_listener.h"
#include "saker_mtu.h"
#include "saker_own_line.h"
#include "saker_session_keys.h"
#include "saker_worker.h"

#define ICMP4_UNREACHABLE 3
#define ICMP4_FRAG_NEEDED 4 /* code */
#define ICMP6_TOO_BIG     2
#define ICMP_HEADER       8
#define IP6_FRAGMENT      44
#define IP6_FRAGMENT_LEN  8
#define IP6_FRAGMENT_AT   0xfff8 /* offset, not zero in later fragments */

/* What a report says. */
struct report {
	uint32_t mtu;
	const uint8_t *ip; /* the packet that it quotes */
	uint16_t there;    /* octets of it that are there */
	uint16_t total;    /* its length */
	uint16_t l4_at;
	uint8_t proto;
	struct saker_ip from, to;
	const uint8_t *head; /* security header in it */
	uint16_t head_len;   /* octets from there that are there */
	struct saker_hdr hdr;
};

static bool
same_ends(const struct saker_ends *a, const struct saker_ends *b)
{
	return saker_ip_equal(&a->local, &b->local) && saker_ip_equal(&a->peer, &b->peer);
}

static void
copy_path(struct saker_paths *to, unsigned int i, const struct saker_path *from)
{
	to->path[i].mtu = from->mtu;
	to->path[i].until_ms = from->until_ms;
	to->learnt |= from->mtu != 0;
}

struct saker_paths *
saker_paths_create(const struct saker_snapshot *s, const struct saker_paths *before,
	const struct saker_snapshot *old)
{
	struct saker_paths *paths = calloc(1, sizeof(*paths) + s->n_ends * sizeof(paths->path[0]));

	if (paths == NULL || !saker_paths_learnt(before) || !s->config->gateway.path_mtu)
		return paths;
	for (unsigned int i = 0; i < s->n_ends; i++)
		for (unsigned int k = 0; k < old->n_ends; k++)
			if (same_ends(&s->ends[i], &old->ends[k]))
				copy_path(paths, i, &before->path[k]);
	return paths;
}

uint16_t
saker_path_tunnel_mtu(const struct saker_paths *paths, const struct saker_policy *p,
	unsigned int six, uint64_t now_ms)
{
	uint16_t mtu = 0;

	if (saker_paths_learnt(paths) && !p->transport)
		mtu = saker_path_mtu(&paths->path[p->ends], now_ms);
	if (mtu == 0)
		return p->mtu[six];
	mtu = saker_mtu_tunnel(p->group->format, mtu, p->front_len[six]);
	return mtu < p->mtu[six] ? mtu : p->mtu[six];
}

/* @return the number of the path, or -1 */
static int
find_path(const struct saker_snapshot *s, const struct saker_ip *from, const struct saker_ip *to)
{
	const struct saker_ends ends = { *from, *to };

	for (unsigned int i = 0; i < s->n_ends; i++)
		if (same_ends(&s->ends[i], &ends))
			return (int)i;
	return -1;
}

uint16_t
saker_path_to(const struct saker_worker *w, const uint8_t *ip)
{
	struct saker_ip from = saker_ip_src(ip), to = saker_ip_dst(ip);
	uint16_t mtu = 0;
	int path;

	if (!saker_paths_learnt(w->paths))
		return UINT16_MAX;
	path = find_path(w->s, &from, &to);
	if (path >= 0)
		mtu = saker_path_mtu(&w->paths->path[path], w->now_ms);
	return mtu == 0 ? UINT16_MAX : mtu;
}

bool
saker_path_is_report(const uint8_t *ip, const struct saker_ip_view *v)
{
	const uint8_t *icmp = ip + v->l4_at;

	if (v->fragment || v->total < v->l4_at + ICMP_HEADER)
		return false;
	if (v->family == 4)
		return v->proto == SAKER_PROTO_ICMP && icmp[0] == ICMP4_UNREACHABLE &&
		       icmp[1] == ICMP4_FRAG_NEEDED;
	return v->proto == SAKER_PROTO_ICMP6 && icmp[0] == ICMP6_TOO_BIG && icmp[1] == 0;
}

/* RFC 792; RFC 4443 section 2.3: with a pseudo header. */
static bool
checksum_ok(const uint8_t *ip, const struct saker_ip_view *v)
{
	uint16_t len = v->total - v->l4_at, start = 0;
	uint8_t pseudo[40] = { 0 };

	if (v->family == 6) {
		memcpy(pseudo, ip + 8, 32);
		saker_store_be16(pseudo + 34, len);
		pseudo[39] = SAKER_PROTO_ICMP6;
		start = saker_ip_sum(pseudo, sizeof(pseudo), 0);
	}
	return saker_ip_sum(ip + v->l4_at, len, start) == 0xffff;
}

/* Only a first fragment says whose it is. Over IPv4 routers cut those themselves. */
static bool
pass_fragment_header(struct report *r)
{
	const uint8_t *f = r->ip + r->l4_at;

	if (r->proto != IP6_FRAGMENT)
		return true;
	if (r->there < r->l4_at + IP6_FRAGMENT_LEN + SAKER_UDP_HEADER ||
		(saker_load_be16(f + 2) & IP6_FRAGMENT_AT) != 0)
		return false;
	r->proto = f[0];
	r->l4_at += IP6_FRAGMENT_LEN;
	return true;
}

/* A packet of ours has neither IPv4 options nor other IPv6 extensions outside. */
static bool
read_quote(struct report *r, uint8_t family)
{
	const uint8_t *p = r->ip;
	bool six = family == 6;

	r->l4_at = six ? SAKER_IP6_HEADER : SAKER_IP4_HEADER;
	if (r->there < r->l4_at + SAKER_UDP_HEADER || p[0] >> 4 != family ||
		(!six && ((p[0] & 15) != 5 || (saker_load_be16(p + 6) & 0x3fff) != 0)))
		return false;
	r->proto = six ? p[6] : p[9];
	r->total = saker_load_be16(p + (six ? 4 : 2)) + (six ? SAKER_IP6_HEADER : 0);
	r->from = saker_ip_src(p);
	r->to = saker_ip_dst(p);
	return (!six || pass_fragment_header(r)) && r->total >= r->l4_at;
}

static bool
read_report(struct report *r, const uint8_t *ip, const struct saker_ip_view *v)
{
	const uint8_t *icmp = ip + v->l4_at;

	r->mtu = v->family == 4 ? saker_load_be16(icmp + 6) : saker_load_be32(icmp + 4);
	r->ip = icmp + ICMP_HEADER;
	r->there = v->total - v->l4_at - ICMP_HEADER;
	return r->mtu != 0 && checksum_ok(ip, v) && read_quote(r, v->family);
}

/* The listener whose format the quoted header has, and the header as the format alone reads it. */
static const struct saker_listener *
read_head(const struct saker_snapshot *s, struct report *r)
{
	bool udp = r->proto == SAKER_PROTO_UDP;
	uint16_t at = r->l4_at + (udp ? SAKER_UDP_HEADER : 0);
	uint16_t number = udp ? saker_load_be16(r->ip + r->l4_at + 2) : r->proto;
	const struct saker_listener *l;

	if (at >= r->there)
		return NULL;
	l = saker_listener_find(s, udp, number, r->ip[at]);
	if (l == NULL)
		return NULL;
	at += udp ? 0 : l->format->entropy;
	if (at >= r->there)
		return NULL;
	r->head = r->ip + at;
	r->head_len = r->there - at;
	if (l->format->read(r->head, r->head_len, &r->hdr) != SAKER_OK)
		return NULL;
	return l;
}

/* Can a group have sent what is quoted? Then @p h has the session and the SN. */
static bool
group_sends(const struct saker_group *g, const struct report *r, struct saker_hdr *h)
{
	struct saker_terms terms = g->terms;

	if (terms.end != SAKER_END_PEER) /* as the other end reads it */
		terms.end = terms.end == SAKER_END_SERVER ? SAKER_END_CLIENT : SAKER_END_SERVER;
	if (g->format->bind != NULL && g->format->bind(r->head, r->head_len, &terms, h) != SAKER_OK)
		return false;
	if (g->session == NULL)
		return h->variant == g->variant && (!g->format->by_spi || h->spi == g->cfg->spi);
	if (g->format->worker_spi)
		h->session = (uint16_t)((h->spi - g->send_spi) / SAKER_SESSION_SPIS);
	return h->spi == saker_session_spi(g, h->session);
}

/* A source as in a replay key: see saker_own_key(). */
static void
source_key(const struct report *r, const struct saker_group *g, const struct saker_hdr *h,
	uint8_t key[16])
{
	memset(key, 0, 16);
	if (g->session != NULL)
		return;
	if (h->variant > SAKER_V_CONNECTION_ID)
		memcpy(key, r->from.octets, 16);
	else if (h->variant == SAKER_V_CONNECTION_ID)
		saker_store_be32(key, (uint32_t)(h->source >> 32));
	else
		saker_store_be64(key, h->source);
}

/* Was this SN used, and not long ago? Epochs wrap on the wire. */
static bool
recent(const struct saker_sn_line *line, uint64_t sn, uint64_t now_ms)
{
	uint64_t blocks, ms;
	saker_sn used = saker_sn_line_used(line, &blocks);
	int64_t ago = (int64_t)((uint64_t)used - sn);

	if (ago < 0 || (saker_sn)ago > used)
		return false;
	if (line->params.mode == SAKER_SN_COUNTER)
		return ago < SAKER_PATH_RECENT_SN;
	ms = saker_sn_unix_ms(&line->params, used - (saker_sn)ago);
	return ms + line->params.slot_ms + SAKER_PATH_RECENT_MS > now_ms;
}

/* A format that sends a part of the SN: the last one with that part that the line has used. */
static uint64_t
whole_sn(const struct saker_group *g, const struct saker_sn_line *line, uint64_t sn)
{
	uint64_t blocks, used = (uint64_t)saker_sn_line_used(line, &blocks);

	return g->format->whole_sn == NULL ? sn : used - (uint32_t)(used - sn);
}

static bool
group_sent(const struct saker_worker *w, const struct saker_group *g, const struct report *r)
{
	const struct saker_sn_line *line;
	struct saker_hdr h = r->hdr;
	uint8_t key[16];
	int sender;

	if (!group_sends(g, r, &h))
		return false;
	source_key(r, g, &h, key);
	sender = saker_own_sender(w, g, key);
	line = sender < 0 ? NULL : saker_own_line(w, (unsigned int)sender, key, h.session);
	return line != NULL && recent(line, whole_sn(g, line, h.sn), w->now_ms);
}

static bool
is_ours(const struct saker_worker *w, struct report *r)
{
	const struct saker_listener *l = read_head(w->s, r);

	for (unsigned int i = 0; l != NULL && i < w->s->n_groups; i++)
		if (saker_listener_serves(l, &w->s->groups[i]) &&
			group_sent(w, &w->s->groups[i], r))
			return true;
	return false;
}

/* Lower at once, the same or a forgotten one for ten minutes more, never higher before that. */
static void
learn(struct saker_paths *paths, struct saker_path *p, uint16_t mtu, uint64_t now_ms)
{
	uint16_t known = saker_path_mtu(p, now_ms);

	if (known != 0 && known < mtu)
		return;
	atomic_store_explicit(&p->mtu, mtu, memory_order_relaxed);
	atomic_store_explicit(&p->until_ms, now_ms + SAKER_PATH_LIFE_MS, memory_order_relaxed);
	atomic_store_explicit(&paths->learnt, true, memory_order_relaxed);
}

enum saker_drop
saker_path_report(struct saker_worker *w, const uint8_t *ip, const struct saker_ip_view *v)
{
	uint16_t least = v->family == 6 ? SAKER_PATH_MIN6 : SAKER_PATH_MIN4;
	struct report r;
	int path;

	if (w->paths == NULL || !saker_icmp_allowed(&w->reports, w->now_ms) ||
		!read_report(&r, ip, v) || r.mtu >= r.total ||
		r.total > w->tx[SAKER_OUTBOUND].mtu || r.total <= least)
		return SAKER_DROP_PATH_REFUSED;
	path = find_path(w->s, &r.from, &r.to);
	if (path < 0 || !is_ours(w, &r))
		return SAKER_DROP_PATH_REFUSED;
	learn(w->paths, &w->paths->path[path], r.mtu < least ? least : (uint16_t)r.mtu, w->now_ms);
	return SAKER_DROP_PATH_MTU;
}
