/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_hops.h"

#define ANSWERS_AT_ONCE 256 /* room of a bucket */
#define HELD_S          5   /* longer than a neighbour may take to answer */
#define OUTBOX_BURST    32

bool
saker_hops_may_answer(struct saker_worker *w, enum saker_answer what)
{
	struct saker_bucket *b = &w->hops->bucket[what];
	uint64_t ms = w->now_ms - b->at_ms;

	/* A clock that was set back gives nothing. */
	if (w->now_ms > b->at_ms)
		b->tokens = (uint32_t)RTE_MIN(b->tokens + ms, (uint64_t)ANSWERS_AT_ONCE);
	b->at_ms = w->now_ms;
	if (b->tokens == 0)
		return false;
	b->tokens--;
	return true;
}

void
saker_hops_push(struct saker_worker *w, enum saker_direction d, struct rte_mbuf *m)
{
	struct saker_tx *tx = &w->tx[d];

	tx->m[tx->n++] = m;
	if (tx->n == RTE_DIM(tx->m))
		saker_worker_flush(w, d);
}

static void
drop(struct saker_worker *w, enum saker_direction d, struct rte_mbuf *m, enum saker_drop why)
{
	w->count[d].drop[why]++;
	rte_pktmbuf_free(m);
}

/* The pipeline leaves room for an Ethernet header; a tag may need more. */
static uint8_t *
prepend(struct rte_mbuf *m, uint16_t len)
{
	uint8_t *p = rte_pktmbuf_mtod(m, uint8_t *);

	if (unlikely(rte_pktmbuf_headroom(m) < len && rte_pktmbuf_tailroom(m) >= len)) {
		memmove(p + len, p, m->data_len);
		m->data_off += len;
	}
	return (uint8_t *)rte_pktmbuf_prepend(m, len);
}

static void
send_to(struct saker_worker *w, enum saker_direction d, struct rte_mbuf *m, const uint8_t *mac)
{
	const struct saker_link *l = &w->link[!d];
	bool six = *rte_pktmbuf_mtod(m, const uint8_t *) >> 4 == 6;
	uint32_t octets = m->pkt_len;
	uint8_t *frame = prepend(m, saker_link_l2(l));

	if (unlikely(frame == NULL)) {
		drop(w, d, m, SAKER_DROP_NO_HEADROOM);
		return;
	}
	saker_ether_write(frame, mac, l->mac, l->vlan, six ? SAKER_TYPE_IP6 : SAKER_TYPE_IP4);
	w->count[d].tx_octets += octets;
	saker_hops_push(w, d, m);
}

static enum saker_drop
want(struct saker_worker *w, enum saker_direction d, const struct saker_ip *hop)
{
	struct saker_neigh_event e = { .kind = SAKER_NEIGH_WANT, .link = !d, .ip = *hop };

	return saker_neigh_tell(w->hops->table, &e) ? SAKER_OK : SAKER_DROP_NEIGHBOUR_QUEUE;
}

/* The first packets for a neighbour wait: the first ping is not lost. */
static void
hold(struct saker_worker *w, enum saker_direction d, struct rte_mbuf *m, const struct saker_ip *hop)
{
	struct saker_hops *h = w->hops;
	unsigned int same = 0;

	for (unsigned int i = 0; i < h->n_held; i++)
		same += h->held[i].direction == d && saker_ip_equal(&h->held[i].hop, hop);
	if (h->n_held == SAKER_HELD || same == SAKER_HELD_HOP) {
		drop(w, d, m, SAKER_DROP_NO_NEIGHBOUR);
		return;
	}
	h->held[h->n_held++] = (struct saker_held){
		.m = m,
		.hop = *hop,
		.since_s = atomic_load_explicit(&h->table->now_s, memory_order_relaxed),
		.direction = (uint8_t)d,
	};
}

/* @return SAKER_OK: *value tells the neighbour, or is 0: wait for it */
static enum saker_drop
find(struct saker_worker *w, enum saker_direction d, const struct saker_ip *hop, uint64_t *value)
{
	*value = 0;
	if (!saker_neigh_find(w->hops->table, w->index, !d, hop, value)) {
		if (saker_link_owns(&w->link[!d], hop))
			return SAKER_DROP_OWN_ADDRESS;
		return want(w, d, hop);
	}
	return *value == SAKER_NEIGH_FAILED ? SAKER_DROP_NO_NEIGHBOUR : SAKER_OK;
}

static void
send_by_table(struct saker_worker *w, enum saker_direction d, struct rte_mbuf *m,
	const struct saker_ip *dst)
{
	struct saker_hop_cache *c = &w->hops->cache[d];
	uint64_t version = atomic_load_explicit(&w->hops->table->version, memory_order_acquire);
	const struct saker_ip *hop = saker_link_next_hop(&w->link[!d], dst);
	enum saker_drop why;
	uint64_t value;

	why = find(w, d, hop, &value);
	if (unlikely(why != SAKER_OK)) {
		drop(w, d, m, why);
	} else if (unlikely(value == 0)) {
		hold(w, d, m, hop);
	} else {
		*c = (struct saker_hop_cache){
			.dst = *dst, .version = version, .now_ms = w->now_ms
		};
		saker_neigh_mac(value, c->mac);
		send_to(w, d, m, c->mac);
	}
}

void
saker_hops_send(struct saker_worker *w, enum saker_direction d, struct rte_mbuf *m)
{
	struct saker_ip dst = saker_ip_dst(rte_pktmbuf_mtod(m, const uint8_t *));
	const struct saker_hop_cache *c = &w->hops->cache[d];
	const struct saker_neigh *t = w->hops->table;
	uint8_t mac[SAKER_MAC];

	if (w->link[!d].fixed) {
		send_to(w, d, m, w->link[!d].next_hop);
	} else if (likely(saker_ip_equal(&c->dst, &dst) && c->now_ms == w->now_ms &&
			   c->version == atomic_load_explicit(&t->version, memory_order_relaxed))) {
		send_to(w, d, m, c->mac);
	} else if (saker_ip_is_group(&dst)) {
		saker_mac_of_group(&dst, mac);
		send_to(w, d, m, mac);
	} else {
		send_by_table(w, d, m, &dst);
	}
}

/* @return false: it goes on waiting */
static bool
retry(struct saker_worker *w, const struct saker_held *p)
{
	enum saker_direction d = (enum saker_direction)p->direction;
	uint8_t mac[SAKER_MAC];
	uint64_t value;

	if (find(w, d, &p->hop, &value) == SAKER_DROP_NO_NEIGHBOUR ||
		w->hops->now_s > p->since_s + HELD_S) {
		drop(w, d, p->m, SAKER_DROP_NO_NEIGHBOUR);
		return true;
	}
	if (value == 0)
		return false;
	saker_neigh_mac(value, mac);
	send_to(w, d, p->m, mac);
	return true;
}

static void
retry_held(struct saker_worker *w)
{
	struct saker_hops *h = w->hops;
	uint64_t version = atomic_load_explicit(&h->table->version, memory_order_acquire);
	uint32_t now_s = atomic_load_explicit(&h->table->now_s, memory_order_relaxed);
	unsigned int kept = 0;

	if (version == h->version && now_s == h->now_s)
		return;
	h->version = version;
	h->now_s = now_s;
	for (unsigned int i = 0; i < h->n_held; i++)
		if (!retry(w, &h->held[i]))
			h->held[kept++] = h->held[i];
	h->n_held = kept;
}

static void
empty_outbox(struct saker_worker *w)
{
	struct rte_mbuf *m[OUTBOX_BURST];
	unsigned int n = rte_ring_dequeue_burst(w->hops->outbox, (void **)m, OUTBOX_BURST, NULL);

	for (unsigned int i = 0; i < n; i++)
		saker_hops_push(w, (enum saker_direction)m[i]->hash.usr, m[i]);
}

void
saker_hops_poll(struct saker_worker *w)
{
	struct saker_hops *h = w->hops;

	if (h == NULL || (h->n_held == 0 && rte_ring_empty(h->outbox)))
		return;
	empty_outbox(w);
	if (h->n_held > 0)
		retry_held(w);
	saker_worker_flush(w, SAKER_OUTBOUND);
	saker_worker_flush(w, SAKER_INBOUND);
}

void
saker_hops_drain(struct saker_hops *h)
{
	void *m;

	for (unsigned int i = 0; i < h->n_held; i++)
		rte_pktmbuf_free(h->held[i].m);
	h->n_held = 0;
	while (h->outbox != NULL && rte_ring_dequeue(h->outbox, &m) == 0)
		rte_pktmbuf_free(m);
}
