/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_lookup.h"
#include "saker_path.h"
#include "saker_plain.h"
#include "saker_plan.h"
#include "saker_ttl.h"

/* Nothing of the packet has changed when it is not plain. */
static __rte_always_inline bool
plan_packet(const struct saker_worker *w, struct saker_burst *b, unsigned int i, uint8_t *ip,
	uint32_t total)
{
	uint64_t addresses = saker_load_word(ip + 12), ports = saker_load_ports4(ip);
	const struct saker_policy *p;

	if (unlikely(!saker_is_plain_l4(ip, total)))
		return false;
	p = saker_policy_of_plain(w->s, addresses, ports);
	if (unlikely(p == NULL || !p->plain || total > p->mtu[0] ||
		     saker_ttl_decrement4(ip) != SAKER_OK))
		return false;
	b->policy[i] = p;
	b->group[i] = p->group;
	b->blocks[i] = saker_plan_blocks((uint16_t)total);
	b->flow[i] = saker_flow_hash4(addresses, ports, w->s->flow_secret);
	b->source[i] = p->source;
	if (unlikely(p->flow_half))
		b->source[i] |= saker_plan_flow_half(w, b, i);
	return true;
}

/* The frame, and the place in front of it that headers will be written to. */
static inline void
fetch(const struct rte_mbuf *m)
{
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);

	rte_prefetch0(frame);
	rte_prefetch0(frame - RTE_CACHE_LINE_SIZE);
}

static __rte_always_inline void
read_all(struct saker_worker *w, struct saker_burst *b, bool has_l2)
{
	const struct saker_link *l = has_l2 ? &w->link[SAKER_OUTBOUND] : NULL;
	bool plain = !b->ours && !w->s->by_resource && !saker_paths_learnt(w->paths);
	uint16_t undone = 0;

	saker_burst_extend(b);
	SAKER_FOREACH_SLOT (b, i) {
		bool done = false;
		uint32_t total;
		uint8_t *ip;

		fetch(b->m[i + SAKER_FRAMES_AHEAD]);
		total = saker_frame_read_plain(l, b->m[i], &ip);
		if (likely(total != 0)) {
			b->ip[i] = ip;
			saker_ip4_view_plain(&b->view[i], ip, total);
			done = plain && plan_packet(w, b, i, ip, total);
		} else {
			saker_frame_read(w, SAKER_OUTBOUND, i, has_l2);
		}
		b->done[i] = done;
		undone += !done;
	}
	b->undone = undone;
}

void
saker_plain_out(struct saker_worker *w, struct saker_burst *b)
{
	if (b->handed_over)
		read_all(w, b, false);
	else
		read_all(w, b, true);
	saker_frames_answer(w, SAKER_OUTBOUND);
}

/* @return false: there is not the room that headers are written with */
static inline bool
make_room(struct rte_mbuf *m, uint32_t front, uint32_t behind)
{
	uint32_t at = m->data_off;

	if (unlikely(at < SAKER_FRONT_ROOM + RTE_ETHER_HDR_LEN || at + behind > m->buf_len))
		return false;
	m->data_off = (uint16_t)(at - front);
	m->data_len = (uint16_t)(front + behind);
	m->pkt_len = front + behind;
	return true;
}

/* The word of flags that an outer IPv4 header copies don't-fragment from. */
static inline uint32_t
inner_flags(const uint8_t *payload, const struct saker_ip_view *v)
{
	return likely(v->family == 4) ? (uint32_t)payload[6] << 8 : SAKER_IP4_DF;
}

/* Headers as filled from the template stand; so do all fields that hang on it alone. */
static void
finish_unready(struct saker_burst *b, unsigned int i, uint8_t *payload)
{
	const struct saker_policy *p = b->policy[i];

	saker_plan_rest(b, i);
	saker_front_set_key_idx(&p->front, payload, b->fields[i].key_idx);
	b->head[i] = payload - p->front.eesp_len;
}

static __rte_always_inline void
write_outer(const struct saker_burst *b, unsigned int i, const struct saker_front *f,
	uint8_t *payload, uint32_t behind)
{
	const struct saker_front_outer v = { .behind = behind,
		.id = (uint16_t)b->sn[i],
		.udp_src = saker_source_port(b->flow[i]),
		.flags = inner_flags(payload, &b->view[i]),
		.tos = b->view[i].tos };

	saker_front_copy(f, payload);
	saker_front_finish_outer(f, payload, &v);
}

/* The security header, and the job, which has the same fields. */
static __rte_always_inline void
write_eesp(struct saker_burst *b, unsigned int i, const struct saker_policy *p, uint8_t *payload,
	uint32_t len)
{
	const struct saker_front_eesp v = { .sn = __builtin_bswap64(b->sn[i]),
		.source = __builtin_bswap64(b->source[i]),
		.session = __builtin_bswap16(b->session[i]) };
	const struct saker_job job = { .sn = v.sn,
		.number = b->sn[i],
		.source = v.source,
		.session = v.session,
		.master = p->master,
		.aad = payload - p->front.eesp_len,
		.aad_len = p->front.eesp_len,
		.len = len };

	saker_front_finish_eesp(&p->front, payload, &v);
	saker_job_fill(&b->jobs, i, &p->job, &job);
	b->kind[i] = p->job.kind;
}

/* Fields are read when they are written: held all at once they would not fit into registers.
 * @return false: nothing was written
 */
static __rte_always_inline bool
write_packet(struct saker_burst *b, unsigned int i, const struct saker_policy *p)
{
	uint32_t total = b->view[i].total, len = saker_plan_cipher_len(total);
	uint8_t *payload = b->ip[i];

	if (unlikely(!make_room(b->m[i], p->front.len, len + SAKER_ICV)))
		return false;
	/* Four octets at once: what is no padding is the ICV's place. */
	saker_store_be32(payload + total, 0);
	b->ip[i] = payload - p->front.len;
	write_outer(b, i, &p->front, payload, len + SAKER_ICV);
	write_eesp(b, i, p, payload, len);
	if (unlikely(!p->job_known))
		finish_unready(b, i, payload);
	return true;
}

/* Some jobs are yet to be filled. */
static void
note_ready(struct saker_burst *b)
{
	SAKER_FOREACH_SLOT (b, i)
		b->ready[i] = b->done[i] && b->policy[i]->job_known;
}

void
saker_plain_headers(struct saker_worker *w __rte_unused, struct saker_burst *b)
{
	uint16_t undone = 0, unready = 0;

	SAKER_FOREACH_SLOT (b, i) {
		const struct saker_policy *p = b->policy[i];
		bool done = likely(p->plain) && likely(write_packet(b, i, p));

		b->done[i] = done;
		undone += !done;
		unready += !done | !p->job_known;
	}
	b->undone = undone;
	b->unready = unready;
	if (unlikely(unready > 0))
		note_ready(b);
}
