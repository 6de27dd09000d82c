/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_inner.h"

#include "saker_admit.h"
#include "saker_lookup.h"
#include "saker_ttl.h"

#define ECN_BITS     3
#define NEXT_HEADER6 6 /* octet of an IPv6 header */

/* Who came the short way (saker_plain.h) has no header to look at: nothing is in clear. */
static inline bool
in_clear(const struct saker_burst *b, unsigned int i)
{
	return !b->done[i] && b->hdr[i].crypt_offset != 0;
}

static inline enum saker_drop
find_payload(const struct saker_burst *b, unsigned int i, struct saker_opened *o)
{
	const struct saker_group *g = b->group[i];
	const struct saker_parts *parts = &b->parts[i];

	if (unlikely(!g->eesp || g->transport || in_clear(b, i)))
		return g->format->opened(b->head[i], &b->hdr[i], parts, &g->terms, o);
	*o = (struct saker_opened){ .payload = b->head[i] + parts->payload_at,
		.len = parts->cipher_len };
	return SAKER_OK;
}

static bool
zero_padding(const uint8_t *p, unsigned int n)
{
	uint8_t any = 0;

	for (unsigned int i = 0; i < n; i++)
		any |= p[i];
	return any == 0;
}

/* May this source use these outer addresses? (stateless profile 2.3, transport mode) */
static inline bool
outer_allowed(const struct saker_burst *b, unsigned int i)
{
	const struct saker_group *g = b->group[i];
	struct saker_ip from, to;

	if (g->cfg->n_addresses == 0)
		return true;
	from = saker_ip_src(b->ip[i]);
	to = saker_ip_dst(b->ip[i]);
	return saker_group_binds(g, b->source[i], &from, &to);
}

static enum saker_drop
take_ecn(uint8_t outer_tos, struct saker_ip_view *inner, uint8_t *ip)
{
	int ecn = saker_ecn_decap(inner->tos & ECN_BITS, outer_tos & ECN_BITS);

	if (ecn < 0)
		return SAKER_DROP_ECN;
	if (ecn != (inner->tos & ECN_BITS))
		saker_ip_set_ecn(ip, (uint8_t)ecn);
	return SAKER_OK;
}

/* What payload info says must be what the inner packet shows. */
static enum saker_drop
compare_info(const struct saker_opened *o, const struct saker_ip_view *inner)
{
	if (o->next_header != (inner->family == 4 ? SAKER_PROTO_IPIP : SAKER_PROTO_IPV6))
		return SAKER_DROP_PAYLOAD_INFO;
	return o->pad == o->len - inner->total ? SAKER_OK : SAKER_DROP_INNER_FORM;
}

static inline enum saker_drop
open_tunnel(struct saker_burst *b, unsigned int i, const struct saker_opened *o)
{
	uint8_t max_pad = b->group[i]->format->max_pad;
	struct saker_ip_view *inner = &b->view[i];
	uint8_t outer_tos = inner->tos, *outer = b->ip[i];
	struct rte_mbuf *m = b->m[i];
	enum saker_drop why = SAKER_OK;

	if (saker_ip_read(o->payload, o->len, inner) != SAKER_OK)
		return SAKER_DROP_INNER_FORM;
	if (max_pad != SAKER_PAD_ANY &&
		(o->len - inner->total > max_pad ||
			!zero_padding(o->payload + inner->total, o->len - inner->total)))
		return SAKER_DROP_INNER_FORM;
	if (unlikely(o->info))
		why = compare_info(o, inner);
	/* An outer header without ECN leaves the inner one alone. */
	if (unlikely((outer_tos & ECN_BITS) != 0) && why == SAKER_OK)
		why = take_ecn(outer_tos, inner, o->payload);
	if (unlikely(why != SAKER_OK))
		return why;
	m->data_off += (uint16_t)(o->payload - outer);
	m->data_len = inner->total;
	m->pkt_len = inner->total;
	b->ip[i] = o->payload;
	return SAKER_OK;
}

static enum saker_drop
open_transport(struct saker_burst *b, unsigned int i, const struct saker_opened *o)
{
	struct saker_ip_view *v = &b->view[i];
	uint16_t len = o->len - o->pad, total = v->l4_at + len;
	uint8_t *ip = o->payload - v->l4_at;

	if (!zero_padding(o->payload + len, o->pad))
		return SAKER_DROP_INNER_FORM;
	memmove(ip, b->ip[i], v->l4_at);
	saker_ip_set_payload(ip, v->proto_at, o->next_header, total);
	rte_pktmbuf_adj(b->m[i], (uint16_t)(ip - b->ip[i]));
	rte_pktmbuf_trim(b->m[i], rte_pktmbuf_data_len(b->m[i]) - total);
	b->ip[i] = ip;
	v->proto = o->next_header;
	v->total = total;
	return SAKER_OK;
}

/* The packet's own UDP or entropy header stands in front of the security header. */
static void
open_behind(struct saker_burst *b, unsigned int i, const struct saker_opened *o)
{
	struct saker_ip_view *v = &b->view[i];
	uint16_t kept = (uint16_t)(v->l4_at + (b->group[i]->terms.in_udp
							      ? SAKER_UDP_HEADER
							      : b->group[i]->format->entropy));
	uint16_t total = kept + o->len;
	uint8_t *ip = o->payload - kept;

	memmove(ip, b->ip[i], kept);
	saker_ip_set_payload(ip, v->proto_at, v->proto, total);
	rte_pktmbuf_adj(b->m[i], (uint16_t)(ip - b->ip[i]));
	rte_pktmbuf_trim(b->m[i], rte_pktmbuf_data_len(b->m[i]) - total);
	b->ip[i] = ip;
	v->total = total;
	if (b->group[i]->terms.in_udp)
		saker_udp_set_length(ip, v);
}

void
saker_inner_blind(const uint8_t *ip, struct saker_ip_view *v)
{
	v->has_l4 = false;
	if (v->family == 6)
		v->proto = ip[NEXT_HEADER6];
}

static enum saker_drop
open_any(struct saker_burst *b, unsigned int i)
{
	struct saker_opened o;
	enum saker_drop why = find_payload(b, i, &o);

	if (unlikely(why != SAKER_OK))
		return why;
	if (unlikely(!outer_allowed(b, i)))
		return SAKER_DROP_OUTER_POLICY;
	if (unlikely(b->group[i]->transport && b->group[i]->format->entropy != 0)) {
		open_behind(b, i, &o);
		return SAKER_OK;
	}
	return b->group[i]->transport ? open_transport(b, i, &o) : open_tunnel(b, i, &o);
}

static inline enum saker_drop
open_one(struct saker_burst *b, unsigned int i)
{
	enum saker_drop why = open_any(b, i);

	if (unlikely(b->parts[i].skip_len != 0) && why == SAKER_OK)
		saker_inner_blind(b->ip[i], &b->view[i]);
	return why;
}

/* Are the octets behind a packet padding: few, and zero? An ICV follows: four may be read. */
static inline bool
padded(const uint8_t *end, unsigned int pad)
{
	return pad <= SAKER_EESP_MAX_PAD && (uint64_t)saker_load_be32(end) >> (32 - 8 * pad) == 0;
}

/* Is a packet encrypted as a whole, and is there nothing to do for explicit congestion notification
 * (RFC 6040, figure 4)? Who came the short way has no view of its outer header, which is IPv4.
 */
static inline bool
is_whole(const struct saker_burst *b, unsigned int i, const uint8_t *inner)
{
	uint8_t tos;

	if (likely(b->done[i]))
		tos = b->ip[i][1];
	else if (b->group[i]->plain.known && !in_clear(b, i))
		tos = b->view[i].tos;
	else
		return false;
	return ((tos ^ inner[1]) & ECN_BITS) == 0;
}

/* Stages `inner`, `policy` and `route` of a plain packet. @return false: it is not, and unchanged
 */
static __rte_always_inline bool
open_plain(const struct saker_worker *w, struct saker_burst *b, unsigned int i)
{
	const struct saker_group *g = b->group[i];
	uint8_t *ip = b->jobs.dst[i];
	uint32_t total = saker_ip4_plain_total(ip), len = b->jobs.len[i];
	const struct saker_policy *p;
	struct rte_mbuf *m = b->m[i];
	uint64_t addresses, ports;

	if (total == 0 || total > len || (total != len && !padded(ip + total, len - total)) ||
		!is_whole(b, i, ip) || !saker_is_plain_l4(ip, total))
		return false;
	addresses = saker_load_word(ip + 12);
	ports = saker_load_ports4(ip);
	p = saker_policy_of_plain(w->s, addresses << 32 | addresses >> 32,
		(ports & ~UINT64_C(0xffffffff)) |
			(uint32_t)((uint32_t)ports << 16 | (uint32_t)ports >> 16));
	if (p == NULL || p->group != g || !p->any_source || total > w->tx[SAKER_INBOUND].mtu ||
		saker_ttl_decrement4(ip) != SAKER_OK)
		return false;
	m->data_off += (uint16_t)(ip - b->ip[i]);
	m->data_len = (uint16_t)total;
	m->pkt_len = total;
	b->policy[i] = p;
	b->ip[i] = ip;
	b->view[i].total = (uint16_t)total; /* all that is asked of the view of such a packet */
	return true;
}

/* What a plain packet has gone without. */
static void
note_rest(struct saker_burst *b, unsigned int i)
{
	saker_admit_rest(b, i);
	b->parts[i] = saker_parts_whole(b->group[i]->plain.len, b->jobs.len[i]);
	saker_ip4_view_plain(&b->view[i], b->ip[i], saker_load_be16(b->ip[i] + 2));
}

void
saker_stage_inner(struct saker_worker *w, struct saker_burst *b)
{
	uint16_t undone = 0;

	SAKER_FOREACH_SLOT (b, i) {
		enum saker_drop why;

		if (likely(open_plain(w, b, i))) {
			b->done[i] = true;
			continue;
		}
		if (b->done[i])
			note_rest(b, i);
		why = open_one(b, i);
		b->done[i] = false;
		undone++;
		if (unlikely(why != SAKER_OK))
			saker_burst_drop(b, i, why);
	}
	b->undone = undone;
	saker_count_policies(w, b, SAKER_INBOUND, true);
}

/* Octets of the source as configurations write it: an id as on the wire, or an address. */
static void
source_octets(const struct saker_burst *b, unsigned int i, uint8_t out[16])
{
	memset(out, 0, 16);
	switch (b->group[i]->variant) {
	case SAKER_V_SOURCE_ID:
		saker_store_be32(out, (uint32_t)b->source[i]);
		break;
	case SAKER_V_SOURCE_ID_64:
	case SAKER_V_CONNECTION_ID:
		saker_store_be64(out, b->source[i]);
		break;
	default:
		memcpy(out, b->key[i].source, 16);
	}
}

/* A connection id may be given by its device half: then all its flows are meant. */
static bool
is_source(const struct saker_cfg_hex *id, const uint8_t source[16])
{
	return memcmp(id->octets, source, id->len) == 0;
}

static bool
source_allowed(const struct saker_policy *p, const struct saker_burst *b, unsigned int i)
{
	uint8_t source[16];

	if (likely(p->cfg->n_sources == 0 && p->cfg->client.len == 0))
		return true;
	source_octets(b, i, source);
	if (p->cfg->client.len != 0)
		return is_source(&p->cfg->client, source);
	for (unsigned int k = 0; k < p->cfg->n_sources; k++)
		if (is_source(&p->cfg->sources[k], source))
			return true;
	return false;
}

/* Nothing in octets that are not authenticated decides (stateless profile section 3). */
static bool
admits(const struct saker_policy *p, const struct saker_burst *b, unsigned int i)
{
	if (p == NULL || p->group != b->group[i] || !source_allowed(p, b, i))
		return false;
	return likely(b->parts[i].skip_len == 0) || !saker_reads_ports(p->cfg);
}

void
saker_stage_policy(struct saker_worker *w, struct saker_burst *b)
{
	saker_policies_of(w->s, b, true);
	SAKER_FOREACH_SLOT (b, i) {
		if (!b->done[i] && unlikely(!admits(b->policy[i], b, i)))
			saker_burst_drop(b, i, SAKER_DROP_INNER_POLICY);
	}
	saker_count_policies(w, b, SAKER_INBOUND, false);
}
