/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_admit.h"
#include "saker_crypto_stage.h"
#include "saker_handover.h"
#include "saker_inner.h"
#include "saker_lookup.h"
#include "saker_own_watch.h"
#include "saker_plain.h"
#include "saker_relay.h"
#include "saker_route.h"
#include "saker_session_keys.h"
#include "saker_stages.h"

#define NAT_KEEPALIVE 0xff

/* Does a map of listening numbers have one? */
static inline bool
has_number(const uint64_t *map, uint16_t number)
{
	return map[number / 64] >> (number % 64) & 1;
}

static inline bool
is_udp(const struct saker_ip_view *v)
{
	return v->proto == SAKER_PROTO_UDP && v->has_l4 && v->total >= v->l4_at + SAKER_UDP_HEADER;
}

static enum saker_drop
check_udp(const uint8_t *ip, const struct saker_ip_view *v)
{
	uint16_t len = v->total - v->l4_at;
	const uint8_t *payload = ip + v->l4_at + SAKER_UDP_HEADER;

	if (saker_load_be16(ip + v->l4_at + 4) != len)
		return SAKER_DROP_UDP_LENGTH;
	if (unlikely(saker_load_be16(ip + v->l4_at + 6) != 0) && !saker_udp_checksum_ok(ip, v))
		return SAKER_DROP_UDP_CHECKSUM;
	len -= SAKER_UDP_HEADER;
	if (len == 1 && payload[0] == NAT_KEEPALIVE)
		return SAKER_DROP_NAT_KEEPALIVE;
	return len == 0 ? SAKER_DROP_RUNT : SAKER_OK;
}

/* Note where the security header is: behind the outer IP header, and UDP's if there is one. */
static inline void
note_head(struct saker_burst *b, unsigned int i, uint16_t at)
{
	b->head[i] = b->ip[i] + at;
	b->head_len[i] = (uint32_t)b->view[i].total - at;
}

static inline enum saker_drop
find_in_udp(const struct saker_worker *w, struct saker_burst *b, unsigned int i, uint16_t port)
{
	const struct saker_ip_view *v = &b->view[i];
	enum saker_drop why;

	if (unlikely(v->fragment)) /* for another host, and so of another's tunnel */
		return SAKER_DROP_NOT_LOCAL;
	note_head(b, i, v->l4_at + SAKER_UDP_HEADER);
	b->listener[i] = saker_listener_find(
		w->s, true, port, likely(b->head_len[i] > 0) ? b->head[i][0] : 0);
	why = check_udp(b->ip[i], v);
	if (unlikely(why != SAKER_OK))
		return why;
	if (likely(b->listener[i] != NULL))
		return SAKER_OK;
	b->head[i] = NULL;
	return saker_listener_among_clear(w->s, true, port) ? SAKER_OK : SAKER_DROP_NOT_EESP;
}

/* Behind an entropy header, where the format has one; its listener takes clear packets too. */
static enum saker_drop
find_behind(struct saker_burst *b, unsigned int i)
{
	const struct saker_format *f = b->listener[i]->format;
	const struct saker_ip_view *v = &b->view[i];

	if (v->total <= v->l4_at + f->entropy)
		return SAKER_DROP_RUNT;
	note_head(b, i, v->l4_at + f->entropy);
	if ((b->head[i][0] & f->first_mask) != f->first_value)
		b->head[i] = NULL;
	return SAKER_OK;
}

static inline enum saker_drop
find_in_ip(const struct saker_worker *w, struct saker_burst *b, unsigned int i)
{
	const struct saker_ip_view *v = &b->view[i];

	if (unlikely(v->fragment))
		return SAKER_DROP_NOT_LOCAL;
	note_head(b, i, v->l4_at);
	b->listener[i] = saker_listener_find(w->s, false, v->proto, 0);
	if (unlikely(b->listener[i]->format->entropy != 0))
		return find_behind(b, i);
	return SAKER_OK;
}

/* Find the security header; `head` stays NULL for a packet that is not protected. */
static inline enum saker_drop
find_head(const struct saker_worker *w, struct saker_burst *b, unsigned int i)
{
	const struct saker_ip_view *v = &b->view[i];
	uint16_t port;

	b->head[i] = NULL;
	if (likely(is_udp(v))) {
		port = saker_load_be16(b->ip[i] + v->l4_at + 2);
		if (likely(has_number(w->s->listen_udp, port)))
			return find_in_udp(w, b, i, port);
	}
	return has_number(w->s->listen_proto, v->proto) ? find_in_ip(w, b, i) : SAKER_OK;
}

static void
outer(struct saker_worker *w, struct saker_burst *b)
{
	saker_plain_in(w, b);
	if (likely(b->undone == 0))
		return;
	SAKER_FOREACH_SLOT (b, i) {
		enum saker_drop why = SAKER_OK;

		if (b->done[i])
			continue;
		if (unlikely(b->why[i] == SAKER_OK && b->view[i].fragment))
			saker_route_join(w, b, i);
		if (likely(b->why[i] == SAKER_OK))
			why = find_head(w, b, i);
		if (unlikely(why != SAKER_OK))
			saker_burst_drop(b, i, why);
	}
}

/* Clear UET packets come to the listeners of protected ones. */
static enum saker_drop
why_clear(const struct saker_worker *w, const struct saker_burst *b, unsigned int i)
{
	const struct saker_ip_view *v = &b->view[i];
	bool udp = is_udp(v);
	uint16_t number = udp ? saker_load_be16(b->ip[i] + v->l4_at + 2) : v->proto;

	return saker_listener_among_clear(w->s, udp, number) ? SAKER_DROP_NOT_TSS
							     : SAKER_DROP_CLEAR_REFUSED;
}

/* Clear packets on a cipher port pass where a bypass policy lets the same flow out. */
static void
clear(struct saker_worker *w, struct saker_burst *b)
{
	uint16_t n = 0;

	if (likely(b->undone == 0))
		return;
	SAKER_FOREACH_SLOT (b, i)
		n += b->head[i] == NULL;
	if (likely(n == 0))
		return;
	saker_policies_of(w->s, b, true);
	SAKER_FOREACH_SLOT (b, i) {
		const struct saker_policy *p = b->policy[i];

		if (b->head[i] != NULL)
			continue;
		if (p == NULL || p->action != SAKER_ACTION_BYPASS) {
			saker_burst_drop(b, i, why_clear(w, b, i));
			continue;
		}
		saker_route_clear(w, SAKER_INBOUND, b, i);
	}
}

static inline void
fill_replay_key(struct saker_burst *b, unsigned int i)
{
	const struct saker_hdr *h = &b->hdr[i];
	struct saker_replay_key *k = &b->key[i];
	uint64_t source = __builtin_bswap64(h->source);

	if (h->variant == SAKER_V_CONNECTION_ID)
		source = __builtin_bswap32((uint32_t)(h->source >> 32));
	saker_replay_key_words(k, source, 0, h->session);
	if (unlikely(h->variant > SAKER_V_CONNECTION_ID))
		memcpy(k->source, saker_ip_src(b->ip[i]).octets, sizeof(k->source));
}

static inline enum saker_drop
check_group(struct saker_worker *w, struct saker_burst *b, unsigned int i)
{
	struct saker_hdr *h = &b->hdr[i];
	uint16_t found = saker_listener_group(w->s, b->listener[i], b->head[i], h);
	const struct saker_group *g = &w->s->groups[found];

	if (unlikely(found == SAKER_SPI_NONE))
		return b->listener[i]->format->no_group;
	b->group[i] = g;
	if (!g->transport && !saker_is_local(w->s, b->ip[i]))
		return SAKER_DROP_NOT_LOCAL;
	if (unlikely(g->format->bind != NULL)) {
		enum saker_drop why = g->format->bind(b->head[i], b->head_len[i], &g->terms, h);

		if (why != SAKER_OK)
			return why;
	}
	if (unlikely(g->session != NULL))
		saker_session_name(g, h);
	if (h->variant != g->variant)
		return SAKER_DROP_VARIANT;
	if ((uint32_t)h->session - g->accept_first >= g->accept_sessions)
		return SAKER_DROP_SESSION_RANGE;
	b->sn[i] = h->sn;
	b->source[i] = h->source;
	b->session[i] = h->session;
	fill_replay_key(b, i);
	return SAKER_OK;
}

static inline enum saker_drop
read_header(struct saker_burst *b, unsigned int i)
{
	const struct saker_format *f = b->listener[i]->format;

	if (likely(f == &saker_format_eesp) &&
		likely(saker_eesp_read_plain(b->head[i], b->head_len[i], &b->hdr[i])))
		return SAKER_OK;
	if (unlikely(f->longest != 0 && b->view[i].total > f->longest))
		return SAKER_DROP_TOO_LONG;
	return f->read(b->head[i], b->head_len[i], &b->hdr[i]);
}

static void
header(struct saker_worker *w, struct saker_burst *b)
{
	if (likely(b->undone == 0))
		return;
	SAKER_FOREACH_SLOT (b, i) {
		enum saker_drop why;

		if (b->done[i])
			continue;
		why = read_header(b, i);
		if (likely(why == SAKER_OK))
			why = check_group(w, b, i);
		if (unlikely(why != SAKER_OK))
			saker_burst_drop(b, i, why);
	}
}

/* Of a client's handed-out keys, the one of the epoch on the wire. */
static const struct saker_expanded_key *
client_key(const struct saker_group *g, const struct saker_hdr *h)
{
	for (unsigned int k = 0; k < g->n_client; k++)
		if ((uint16_t)g->client[k].epoch == h->sn >> SAKER_COUNTER_BITS &&
			g->client[k].key_idx == h->key_idx)
			return &g->client[k].key;
	return NULL;
}

/* The wire has the low half of the SN; the window knows where it is. */
static enum saker_drop
find_whole_sn(const struct saker_worker *w, struct saker_burst *b, unsigned int i)
{
	const struct saker_group *g = b->group[i];
	const struct saker_replay_table *t = w->replay[g->index];
	uint64_t newest = 0;

	if (t == NULL || !saker_replay_newest(t, &b->key[i], b->place[i].run, &newest))
		newest = 0;
	b->sn[i] = g->format->whole_sn(
		b->head[i], &b->hdr[i], &g->terms, newest, g->cfg->replay_window);
	b->place[i].bit = b->sn[i];
	return b->sn[i] == 0 ? SAKER_DROP_SN_ZERO : SAKER_OK;
}

/* Keys by session: SNs of one root key value are a run, whose window goes by the SN alone. */
static enum saker_drop
admit_session(const struct saker_worker *w, struct saker_burst *b, unsigned int i)
{
	const struct saker_group *g = b->group[i];
	const struct saker_hdr *h = &b->hdr[i];

	b->master[i] = NULL;
	b->expanded[i] = saker_session_open_key(g->session, h, &b->place[i].run);
	if (b->expanded[i] == NULL)
		return SAKER_DROP_KEY_INDEX;
	b->place[i].bit = h->sn;
	if (g->terms.esp_sn == SAKER_ESP_SN_64) {
		enum saker_drop why = find_whole_sn(w, b, i);

		if (why != SAKER_OK)
			return why;
	}
	return g->format->split(b->head[i], b->head_len[i], h, &g->terms, &b->parts[i]);
}

static inline enum saker_drop
admit_one(struct saker_worker *w, struct saker_burst *b, unsigned int i)
{
	const struct saker_group *g = b->group[i];
	const struct saker_hdr *h = &b->hdr[i];
	enum saker_drop why = SAKER_DROP_KEY_INDEX;

	if (unlikely(g->session != NULL))
		return admit_session(w, b, i);
	b->master[i] = NULL;
	b->expanded[i] = NULL;
	if (unlikely(g->client != NULL))
		b->expanded[i] = client_key(g, h);
	else
		b->master[i] = saker_group_master(g, b->head[i], h, &why);
	if (b->master[i] == NULL && b->expanded[i] == NULL)
		return why;
	if (unlikely(g->direct != NULL))
		b->expanded[i] = &g->direct[h->key_idx >> 7];
	if (likely(!g->format->any_sn)) {
		why = saker_fresh_at(saker_admit_base(w, g), h->sn, &b->place[i]);
		if (unlikely(why != SAKER_OK))
			return why;
	}
	if (unlikely(g->run_known))
		b->place[i].run += g->run_of[h->session];
	if (likely(g->eesp) &&
		likely(saker_eesp_split_plain(b->head_len[i], h, g->transport, &b->parts[i])))
		return SAKER_OK;
	return g->format->split(b->head[i], b->head_len[i], h, &g->terms, &b->parts[i]);
}

static void
admit(struct saker_worker *w, struct saker_burst *b)
{
	if (likely(b->undone == 0))
		return;
	SAKER_FOREACH_SLOT (b, i) {
		struct saker_index_key key;
		enum saker_drop why;

		if (b->done[i])
			continue;
		why = admit_one(w, b, i);
		key = saker_replay_words(&b->key[i]);
		saker_admit_note(w, b, i, b->group[i], &key);
		if (unlikely(why != SAKER_OK))
			saker_burst_drop(b, i, why);
	}
}

static inline struct saker_replay_batch
replay_batch(struct saker_burst *b, uint8_t *why)
{
	return (struct saker_replay_batch){ .table = b->table,
		.hash = b->hash,
		.key = b->key,
		.place = b->place,
		.entry = b->entry,
		.why = why,
		.n = b->n };
}

static void
drop_refused(struct saker_burst *b, const uint8_t *why)
{
	SAKER_FOREACH_SLOT (b, i)
		if (why[i] != SAKER_OK)
			saker_burst_drop(b, i, why[i]);
}

static void
peek(struct saker_worker *w, struct saker_burst *b)
{
	uint8_t why[SAKER_BURST];
	const struct saker_replay_batch batch = replay_batch(b, why);

	if (w->windowed && unlikely(saker_replay_peek_all(&batch) > 0))
		drop_refused(b, why);
}

static void
accept_sn(struct saker_worker *w, struct saker_burst *b)
{
	uint8_t why[SAKER_BURST];
	const struct saker_replay_batch batch = replay_batch(b, why);

	if (unlikely(b->own))
		saker_own_watch(w, b);
	if (w->windowed && unlikely(saker_replay_accept_all(&batch) > 0))
		drop_refused(b, why);
}

const struct saker_stage saker_inbound_stages[] = {
	{ "outer", outer, "frames for saker itself; Ethernet, outer IP and UDP headers" },
	{ "clear", clear, "packets without protection: bypass or drop", true },
	{ "header", header, "security header, trust group", true },
	{ "own", saker_stage_own, "hand over what another lcore owns" },
	{ "admit", admit, "root keys, freshness, offsets", true },
	{ "peek", peek, "look the replay window up" },
	{ "open", saker_stage_open, "derive the data key, verify and decrypt" },
	{ "replay", accept_sn, "replay window, after the ICV" },
	{ "inner", saker_stage_inner, "form of the inner packet, decapsulation" },
	{ "proxy", saker_stage_proxy, "what goes on under another trust group", true },
	{ "policy", saker_stage_policy, "may its source send that?", true },
	{ "route", saker_stage_route_in, "TTL, MTU, TCP MSS", true },
	{ NULL, NULL, NULL },
};
