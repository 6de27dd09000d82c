/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_admit.h"
#include "saker_lookup.h"
#include "saker_plain.h"

/* The shortest plain packet, with an IPv4 header alone in front: whatever shorter ones hold, what
 * is read before the length is looked at lies within that.
 */
#define SHORTEST (SAKER_IP4_HEADER + SAKER_EESP_BASE + 8 + SAKER_EESP_SN + 4 + SAKER_ICV)

#define KEY_IDX_BITS 0xfcu /* of the word that begins with the context option */

/* Offset of the security header behind an IPv4 header, 0: it is not plain. */
static __rte_always_inline unsigned int
find_head(const struct saker_snapshot *s, const uint8_t *ip, const struct saker_ip_view *v)
{
	const struct saker_listener *udp = s->plain_udp, *bare = s->plain_ip;
	uint64_t rest = saker_load_be64(ip + SAKER_IP4_HEADER) & UINT64_C(0xffffffffffff);

	/* Destination port, length, no checksum. */
	if (v->proto == SAKER_PROTO_UDP && udp != NULL &&
		rest == ((uint64_t)udp->number << 32 | (uint64_t)(v->total - SAKER_IP4_HEADER)
							       << 16))
		return SAKER_IP4_HEADER + SAKER_UDP_HEADER;
	return bare != NULL && v->proto == bare->number ? SAKER_IP4_HEADER : 0;
}

/* The group of a header, NULL: it has none whose packets are plain, or the header is not. */
static __rte_always_inline const struct saker_group *
find_group(const struct saker_snapshot *s, const struct saker_listener *l, const uint8_t *head)
{
	uint64_t base = saker_load_be64(head);
	uint32_t context = saker_load_be32(head + SAKER_EESP_BASE);
	uint16_t found = saker_spi_find(&l->by_spi, (uint32_t)base);
	const struct saker_group *g = &s->groups[found];

	if (unlikely(found == SAKER_SPI_NONE) || !g->plain.known ||
		(uint16_t)(base >> 48) != g->plain.first ||
		(context & ~KEY_IDX_BITS) != g->plain.context ||
		((uint32_t)(uint16_t)(base >> 32) - g->accept_first) >= g->accept_sessions)
		return NULL;
	return g;
}

/* What a replay key begins with, as in memory: of a connection id the device alone. */
static inline uint64_t
replay_source(const struct saker_group *g, uint64_t source)
{
	return g->variant == SAKER_V_CONNECTION_ID ? __builtin_bswap32((uint32_t)(source >> 32))
						   : __builtin_bswap64(source);
}

static __rte_always_inline bool
admit_packet(struct saker_worker *w, struct saker_burst *b, unsigned int i)
{
	const uint8_t *ip = b->ip[i];
	const struct saker_ip_view *v = &b->view[i];
	unsigned int at = v->total < SHORTEST ? 0 : find_head(w->s, ip, v);
	uint8_t *head = b->ip[i] + at;
	const struct saker_listener *l = at == SAKER_IP4_HEADER ? w->s->plain_ip : w->s->plain_udp;
	const struct saker_group *g;
	uint16_t session = saker_load_be16(head + 2), master;
	struct saker_index_key words;
	uint64_t source, sn, key;
	int len;

	if (at == 0)
		return false;
	g = find_group(w->s, l, head);
	if (g == NULL || !saker_is_local4(w->s, ip + 16))
		return false;
	source = saker_load_be64(head + SAKER_EESP_SOURCE) >> g->plain.source_shift;
	sn = saker_load_be64(head + g->plain.parts.cipher_at - SAKER_EESP_SN);
	len = (int)(v->total - at) - g->plain.parts.cipher_at - SAKER_ICV;
	master = g->by_key_idx[head[SAKER_EESP_KEY_IDX] >> 2];
	if (len < 4 || len % 4 != 0 || sn == 0 || master == SAKER_NO_MASTER ||
		saker_fresh_next(saker_admit_base(w, g), sn, &b->place[i]) != SAKER_OK)
		return false;
	b->listener[i] = l;
	b->group[i] = g;
	b->head[i] = head;
	b->master[i] = &g->masters[master];
	b->expanded[i] = NULL;
	b->sn[i] = sn;
	b->source[i] = source;
	b->session[i] = session;
	b->parts[i] = g->plain.parts;
	b->parts[i].cipher_len = (uint16_t)len;
	key = replay_source(g, source);
	b->own |= key == g->own[0] || key == g->own[1] || g->own_more;
	words = (struct saker_index_key){ { key, 0, session } };
	saker_replay_key_words(&b->key[i], key, 0, session);
	saker_admit_note(w, b, i, &words);
	return true;
}

static __rte_always_inline void
read_all(struct saker_worker *w, struct saker_burst *b, bool has_l2)
{
	enum saker_direction link = b->second ? SAKER_OUTBOUND : SAKER_INBOUND;
	const struct saker_link *l = has_l2 ? &w->link[link] : NULL;
	uint16_t undone = 0;

	SAKER_FOREACH_SLOT (b, i) {
		bool done = false;

		if (i + SAKER_FRAMES_AHEAD < n_i)
			rte_prefetch0(rte_pktmbuf_mtod(b->m[i + SAKER_FRAMES_AHEAD], void *));
		if (unlikely(!saker_frame_read_plain(l, b->m[i], &b->ip[i], &b->view[i])))
			saker_frame_read(w, link, i, has_l2);
		else
			done = admit_packet(w, b, i);
		b->done[i] = done;
		undone += !done;
	}
	b->undone = undone;
	b->own |= undone > 0;
}

void
saker_plain_in(struct saker_worker *w, struct saker_burst *b)
{
	b->own = false;
	if (b->handed_over)
		read_all(w, b, false);
	else
		read_all(w, b, true);
	saker_frames_answer(w, b->second ? SAKER_OUTBOUND : SAKER_INBOUND);
}
