/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <rte_ether.h>
#include <rte_hash_crc.h>

#include "saker_crypto_stage.h"
#include "saker_handover.h"
#include "saker_lookup.h"
#include "saker_plain.h"
#include "saker_plan.h"
#include "saker_psp_keys.h"
#include "saker_route.h"
#include "saker_session_keys.h"
#include "saker_stages.h"
#include "saker_tss.h"

static void
act_clear(struct saker_worker *w, struct saker_burst *b, unsigned int i)
{
	const struct saker_policy *p = b->policy[i];

	if (p == NULL) {
		saker_burst_drop(b, i, SAKER_DROP_NO_POLICY);
	} else if (p->action == SAKER_ACTION_DROP) {
		saker_burst_drop(b, i, SAKER_DROP_POLICY_DROP);
	} else {
		saker_route_clear(w, SAKER_OUTBOUND, b, i);
	}
}

static void
classify(struct saker_worker *w, struct saker_burst *b)
{
	if (likely(b->undone == 0))
		return;
	saker_policies_of(w->s, b, false);
	SAKER_FOREACH_SLOT (b, i) {
		const struct saker_policy *p = b->policy[i];

		if (b->done[i])
			continue;
		if (unlikely(p == NULL || p->action != SAKER_ACTION_PROTECT))
			act_clear(w, b, i);
		else
			b->group[i] = p->group;
	}
	if (unlikely(w->s->by_resource && w->n_workers > 1))
		saker_hand_to_sealers(w, b);
}

static const struct saker_tmpl *
template_of(const struct saker_policy *p, uint8_t inner_family)
{
	uint8_t outer = p->transport ? inner_family : p->outer.family;

	return outer == 4 ? &p->v4 : &p->v6;
}

/* Octets that go in front of the payload, beside the IP header in transport mode. */
static uint16_t
header_len(const struct saker_policy *p, const struct saker_tmpl *t)
{
	if (p->transport)
		return t->len + p->between;
	return t->len + p->outer.len;
}

/* Format tss protects what stands behind the UDP or entropy header of a UET packet. */
static bool
is_uet(const struct saker_policy *p, const uint8_t *ip, const struct saker_ip_view *v)
{
	const struct saker_cfg_group *g = p->group->cfg;
	uint16_t at = v->l4_at + p->keep;
	uint8_t proto = p->udp ? SAKER_PROTO_UDP : g->protocol;

	if (v->proto != proto || v->total <= at)
		return false;
	if (p->udp && saker_load_be16(ip + v->l4_at + 2) != g->udp_port)
		return false;
	return saker_tss_is_uet(ip + at, v->total - at);
}

/* What may travel in transport mode under this policy. */
static enum saker_drop
check_transport(const struct saker_policy *p, const uint8_t *ip, const struct saker_ip_view *v)
{
	struct saker_ip src;

	if (v->fragment)
		return SAKER_DROP_TRANSPORT_FRAGMENT;
	if (p->keep != 0 && !is_uet(p, ip, v))
		return SAKER_DROP_NOT_UET;
	if (p->cfg->local.family == 0)
		return SAKER_OK;
	src = saker_ip_src(ip);
	return saker_ip_equal(&src, &p->cfg->local) ? SAKER_OK : SAKER_DROP_OUTER_POLICY;
}

uint64_t
saker_plan_flow_half(const struct saker_worker *w, const struct saker_burst *b, unsigned int i)
{
	const struct saker_policy *p = b->policy[i];

	switch (p->group->cfg->isolate) {
	case SAKER_ISOLATE_POLICY:
		return p->index;
	case SAKER_ISOLATE_SOURCE:
	case SAKER_ISOLATE_PREFIX:
		return saker_source_hash(
			b->ip[i], &b->view[i], &p->group->isolate, w->s->flow_secret);
	default:
		return b->flow[i];
	}
}

static void
plan_any(struct saker_worker *w, struct saker_burst *b, unsigned int i)
{
	const struct saker_policy *p = b->policy[i];
	const struct saker_ip_view *v = &b->view[i];
	const struct saker_tmpl *t = template_of(p, v->family);
	struct saker_fields *f = &b->fields[i];
	uint16_t skip_from = p->transport ? 0 : (v->family == 4 ? (b->ip[i][0] & 15) * 4 : 40);

	b->payload_at[i] = p->transport ? v->l4_at + p->keep : 0;
	b->payload_len[i] = v->total - b->payload_at[i];
	if (likely(!p->carries)) {
		f->clear_len = RTE_MIN(p->clear_len, (uint16_t)(b->payload_len[i] & ~3));
		f->ioffset = skip_from + p->ioffset * 4 <= f->clear_len ? p->ioffset : 0;
	}
	f->next_header = p->transport ? v->proto
				      : (v->family == 4 ? SAKER_PROTO_IPIP : SAKER_PROTO_IPV6);
	p->group->format->plan(t, f, b->payload_len[i], skip_from, &b->parts[i], &b->pad[i]);
	f->pad_len = b->pad[i];
	b->blocks[i] = saker_plan_blocks(b->parts[i].cipher_len);
	saker_plan_flow(w, b, i);
}

static void
plan(struct saker_worker *w, struct saker_burst *b)
{
	if (likely(b->undone == 0))
		return;
	SAKER_FOREACH_SLOT (b, i) {
		const struct saker_policy *p = b->policy[i];
		enum saker_drop why = SAKER_OK;

		if (b->done[i])
			continue;
		if (likely(p->plain)) {
			saker_plan_plain(w, b, i);
			continue;
		}
		if (p->transport)
			why = check_transport(p, b->ip[i], &b->view[i]);
		if (likely(why == SAKER_OK))
			plan_any(w, b, i);
		else
			saker_burst_drop(b, i, why);
	}
}

/* The handed-out key that a client seals under in this epoch. */
static void
choose_client_key(struct saker_burst *b, unsigned int i, uint64_t epoch)
{
	const struct saker_group *g = b->group[i];

	for (unsigned int k = 0; k < g->n_client; k++) {
		if (g->client[k].epoch != epoch)
			continue;
		b->expanded[i] = &g->client[k].key;
		b->fields[i].key_idx = g->client[k].key_idx;
		return;
	}
	saker_burst_drop(b, i, SAKER_DROP_NO_DATA_KEY);
}

/* One UDP source port for all packets of a session. Both stand on the wire: nothing to hide. */
static void
set_flow(struct saker_burst *b, uint16_t at, unsigned int n, uint32_t flow)
{
	for (unsigned int k = 0; k < n; k++)
		b->flow[at + k] = flow;
}

/* Workers of formats without a session id are told apart by source id or SPI. */
static void
name_worker(const struct saker_worker *w, struct saker_burst *b, unsigned int i)
{
	const struct saker_group *g = b->group[i];

	b->session[i] = 0;
	if (g->handed) {
		const struct saker_psp_seal *seal = &b->policy[i]->seal[w->index];

		b->fields[i].spi = seal->spi;
		b->source[i] = seal->spi;
		b->expanded[i] = &seal->key;
		b->master[i] = NULL;
	} else if (g->format->worker_spi) {
		b->fields[i].spi = g->send_spi + w->index;
		b->source[i] = b->fields[i].spi;
	} else if (!g->by_address) {
		b->source[i] += (uint64_t)w->index
				<< (g->variant == SAKER_V_CONNECTION_ID ? 32 : 0);
	}
}

/* The key of this worker's session, and the SPI of the root key value behind it. */
static void
choose_session_key(struct saker_burst *b, unsigned int i)
{
	const struct saker_group *g = b->group[i];

	b->fields[i].spi = saker_session_spi(g, b->session[i]);
	b->source[i] = b->fields[i].spi;
	b->expanded[i] = saker_session_seal_key(g->session, b->session[i]);
	if (unlikely(b->expanded[i] == NULL))
		saker_burst_drop(b, i, SAKER_DROP_NO_DATA_KEY);
}

/* A packet's SN line hangs on its sender and, where there are classes, on its DSCP. */
static inline unsigned int
line_of(const struct saker_burst *b, unsigned int i)
{
	const struct saker_policy *p = b->policy[i];

	if (likely(!p->classes))
		return p->line;
	return p->line + p->group->cfg->qos.class_of[b->view[i].tos >> 2];
}

static inline void
give_plain_sns(const struct saker_worker *w, struct saker_burst *b, uint16_t at,
	const struct saker_sn_grant *grant)
{
	uint16_t session = (uint16_t)(b->group[at]->cfg->session_first + w->index);
	unsigned int end = at + grant->n;
	uint64_t sn = grant->first;

	for (unsigned int i = at; i < end; i++) {
		b->sn[i] = sn++;
		b->session[i] = session;
	}
}

/* Neighbours that share an SN line are of one group. */
static void
give_sns(struct saker_worker *w, struct saker_burst *b, uint16_t at,
	const struct saker_sn_grant *grant)
{
	const struct saker_group *g = b->group[at];
	unsigned int class;
	uint16_t session;

	if (likely(g->plain_sn)) {
		give_plain_sns(w, b, at, grant);
		return;
	}
	class = line_of(b, at) - b->policy[at]->line;
	session = saker_group_session(g, class, w->index, w->n_workers);
	for (uint16_t k = 0; k < grant->n; k++) {
		b->sn[at + k] = grant->first + k;
		b->session[at + k] = session;
		b->master[at + k] = b->policy[at + k]->master;
		b->expanded[at + k] = NULL;
		b->fields[at + k].key_idx = g->key_idx;
	}
	for (uint16_t k = 0; unlikely(g->names_workers) && k < grant->n; k++)
		name_worker(w, b, at + k);
	for (uint16_t k = 0; unlikely(g->session != NULL) && k < grant->n; k++)
		choose_session_key(b, at + k);
	for (uint16_t k = 0; unlikely(g->direct != NULL) && k < grant->n; k++)
		b->expanded[at + k] = &g->direct[g->key_idx >> 7];
	for (uint16_t k = 0; unlikely(g->client != NULL) && k < grant->n; k++)
		choose_client_key(b, at + k, grant->epoch);
	if (unlikely(g->cfg->source_port == SAKER_SOURCE_PORT_SESSION))
		set_flow(b, at, grant->n, rte_hash_crc_4byte(session, g->cfg->spi));
}

/* The first slot behind those neighbours that share an SN line. */
static uint16_t
end_of_line(const struct saker_burst *b, uint16_t first)
{
	unsigned int shared = line_of(b, first);
	uint16_t end = first;

	while (end < b->n && line_of(b, end) == shared)
		end++;
	return end;
}

/* Give SNs to neighbours that share an SN line. */
static void
assign_run(struct saker_worker *w, struct saker_burst *b, uint16_t at, uint16_t end)
{
	struct saker_sn_line *line = w->lines[line_of(b, at)];

	if (unlikely(b->group[at]->handed) && b->policy[at]->n_seal <= w->index) {
		for (; at < end; at++)
			saker_burst_drop(b, at, SAKER_DROP_NO_DATA_KEY);
		return;
	}
	while (at < end) {
		struct saker_sn_grant grant = saker_sn_take(
			line, w->now_ms, &b->blocks[at], end - at);

		give_sns(w, b, at, &grant);
		at += grant.n;
		if (grant.why == SAKER_OK)
			continue;
		for (; at < end; at++)
			saker_burst_drop(b, at, grant.why);
	}
}

/* An SN for a plain packet. @return false: ask assign_run() */
static inline bool
assign_one(struct saker_worker *w, struct saker_burst *b, unsigned int i)
{
	const struct saker_policy *p = b->policy[i];
	struct saker_sn_line *line = w->lines[p->line];

	if (!p->job_known || !saker_sn_take_sure(line, w->now_ms, b->blocks[i], 1, &b->sn[i]))
		return false;
	b->session[i] = (uint16_t)(p->session_first + w->index);
	return true;
}

/* Neighbours take theirs together where all packets are of one policy. Where policies change, it
 * would cost more to foresee who is a neighbour's than to take them one by one.
 */
static void
assign_sn(struct saker_worker *w, struct saker_burst *b)
{
	bool one = saker_burst_one_policy(b);
	uint16_t end;

	for (uint16_t i = 0; i < b->n; i = end) {
		end = i + 1;
		if (!one && assign_one(w, b, i))
			continue;
		end = one && !b->policy[i]->classes ? b->n : end_of_line(b, i);
		assign_run(w, b, i, end);
	}
}

/* Move the packet towards the end of its buffer, to win room in front. */
static enum saker_drop
shift_back(struct rte_mbuf *m, uint16_t shift, uint16_t back)
{
	uint8_t *p = rte_pktmbuf_mtod(m, uint8_t *);

	if (rte_pktmbuf_tailroom(m) < shift + back)
		return SAKER_DROP_NO_HEADROOM;
	memmove(p + shift, p, m->data_len);
	m->data_off += shift;
	return SAKER_OK;
}

/* Room for headers in front, and behind for padding, which is zero, and the ICV. */
static enum saker_drop
make_room(struct rte_mbuf *m, uint16_t front, uint16_t pad)
{
	uint16_t head = rte_pktmbuf_headroom(m), want = front + RTE_ETHER_HDR_LEN;
	uint16_t back = pad + SAKER_ICV;

	if (unlikely(head < want) && shift_back(m, want - head, back) != SAKER_OK)
		return SAKER_DROP_NO_HEADROOM;
	if (unlikely(rte_pktmbuf_tailroom(m) < back))
		return SAKER_DROP_NO_TAILROOM;
	/* Four octets at once: what is no padding is the ICV's place. */
	saker_store_be32(rte_pktmbuf_mtod(m, uint8_t *) + m->data_len, 0);
	m->data_off -= front;
	m->data_len += front + back;
	m->pkt_len = m->data_len;
	return SAKER_OK;
}

/* Transport mode: the packet's own IP header moves in front of the security header. */
static uint8_t *
write_transport(const struct saker_burst *b, unsigned int i, uint8_t *out, uint16_t front)
{
	const struct saker_group *g = b->group[i];
	const struct saker_ip_view *v = &b->view[i];
	bool udp = g->cfg->encap == SAKER_ENCAP_UDP;
	uint16_t total = rte_pktmbuf_data_len(b->m[i]);
	uint8_t *at = out + v->l4_at;

	memmove(out, out + front, v->l4_at);
	saker_ip_set_payload(out, v->proto_at, udp ? SAKER_PROTO_UDP : g->cfg->protocol, total);
	if (!udp)
		return at;
	saker_store_be16(at, (uint16_t)saker_source_port(b->flow[i]));
	saker_store_be16(at + 2, g->cfg->udp_port);
	saker_store_be16(at + 4, total - v->l4_at);
	saker_store_be16(at + 6, 0);
	return at + SAKER_UDP_HEADER;
}

/* The packet's own UDP or entropy header stays in front of the security header too. */
static uint8_t *
write_behind(const struct saker_burst *b, unsigned int i, uint8_t *out, uint16_t front)
{
	const struct saker_policy *p = b->policy[i];
	const struct saker_ip_view *v = &b->view[i];
	uint16_t total = rte_pktmbuf_data_len(b->m[i]);
	uint8_t *at = out + v->l4_at;

	memmove(out, out + front, v->l4_at + p->keep);
	saker_ip_set_payload(out, v->proto_at, v->proto, total);
	if (p->udp)
		saker_store_be32(at + 4, (uint32_t)(total - v->l4_at) << 16);
	return at + p->keep;
}

static uint8_t *
write_tunnel(const struct saker_burst *b, unsigned int i, uint8_t *out, uint16_t front)
{
	const struct saker_policy *p = b->policy[i];
	const struct saker_ip_view *v = &b->view[i];
	const uint8_t *inner = out + front;
	bool df = v->family == 6 || (inner[6] & 0x40) != 0;

	saker_outer_write(&p->outer, out, rte_pktmbuf_data_len(b->m[i]) - p->outer.len, v->tos, df,
		(uint16_t)b->sn[i], (uint16_t)saker_source_port(b->flow[i]));
	return out + p->outer.len;
}

static enum saker_drop
write_any(struct saker_burst *b, unsigned int i)
{
	const struct saker_policy *p = b->policy[i];
	const struct saker_format *format = p->group->format;
	const struct saker_tmpl *t = template_of(p, b->view[i].family);
	struct saker_fields *f = &b->fields[i];
	uint16_t front = header_len(p, t);
	enum saker_drop why;
	uint8_t *out;

	saker_plan_rest(b, i);
	why = make_room(b->m[i], front, b->pad[i]);
	if (unlikely(why != SAKER_OK))
		return why;
	out = rte_pktmbuf_mtod(b->m[i], uint8_t *);
	b->ip[i] = out;
	if (unlikely(p->keep != 0))
		b->head[i] = write_behind(b, i, out, front);
	else
		b->head[i] = p->transport ? write_transport(b, i, out, front)
					  : write_tunnel(b, i, out, front);
	f->sn = b->sn[i];
	f->source = b->source[i];
	f->session = b->session[i];
	format->write(t, b->head[i], f);
	if (format->write_trailer != NULL)
		format->write_trailer(
			b->head[i] + b->parts[i].cipher_at + b->parts[i].cipher_len, f);
	return SAKER_OK;
}

static void
write_headers(struct saker_worker *w, struct saker_burst *b)
{
	saker_plain_headers(w, b);
	for (unsigned int i = 0; b->undone > 0 && i < b->n; i++) {
		enum saker_drop why = b->done[i] ? SAKER_OK : write_any(b, i);

		if (unlikely(why != SAKER_OK))
			saker_burst_drop(b, i, why);
	}
}

static void
seal(struct saker_worker *w, struct saker_burst *b)
{
	saker_stage_seal(w, b);
	saker_count_policies(w, b, SAKER_OUTBOUND, true);
	if (unlikely(b->undone > 0))
		saker_count_policies(w, b, SAKER_OUTBOUND, false);
}

const struct saker_stage saker_outbound_stages[] = {
	{ "parse", saker_plain_out,
		"frames for saker itself; Ethernet and IP headers of clear packets" },
	{ "classify", classify, "find the policy; bypass and drop end here", true },
	{ "route", saker_stage_route_out, "TTL, tunnel MTU, TCP MSS", true },
	{ "plan", plan, "lengths, padding", true },
	{ "sn", assign_sn, "sequence numbers from this lcore's SN lines" },
	{ "headers", write_headers, "outer IP, UDP and security headers" },
	{ "seal", seal, "derive the data key, encrypt and authenticate" },
	{ NULL, NULL, NULL },
};
