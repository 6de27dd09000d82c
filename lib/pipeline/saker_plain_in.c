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
find_head(const struct saker_snapshot *s, const uint8_t *ip, uint32_t total)
{
	const struct saker_listener *udp = s->plain_udp, *bare = s->plain_ip;
	uint64_t rest = saker_load_be64(ip + SAKER_IP4_HEADER) & UINT64_C(0xffffffffffff);

	/* Destination port, length, no checksum. */
	if (ip[9] == SAKER_PROTO_UDP && udp != NULL &&
		rest == ((uint64_t)udp->number << 32 | (uint64_t)(total - SAKER_IP4_HEADER) << 16))
		return SAKER_IP4_HEADER + SAKER_UDP_HEADER;
	return bare != NULL && ip[9] == bare->number ? SAKER_IP4_HEADER : 0;
}

/* The group of a header, NULL: it has none whose packets are plain, or the header is not. */
static __rte_always_inline const struct saker_group *
find_group(const struct saker_snapshot *s, const struct saker_listener *l, const uint8_t *head)
{
	const uint32_t key_idx = __builtin_bswap32(KEY_IDX_BITS);
	uint64_t base = saker_load_word(head); /* two octets, session id, SPI */
	uint16_t found = saker_spi_find(&l->by_spi, __builtin_bswap32((uint32_t)(base >> 32)));
	const struct saker_group *g = &s->groups[found];
	uint32_t context, session = __builtin_bswap16((uint16_t)(base >> 16));

	memcpy(&context, head + SAKER_EESP_BASE, sizeof(context));
	if (unlikely(found == SAKER_SPI_NONE) || !g->plain.known ||
		(uint16_t)base != g->plain.first || (context & ~key_idx) != g->plain.context ||
		session - g->accept_first >= g->accept_sessions)
		return NULL;
	return g;
}

static inline bool
is_local(const struct saker_snapshot *s, const uint8_t *dst)
{
	uint32_t word;

	memcpy(&word, dst, sizeof(word));
	return likely(word == s->local4) || saker_is_local4(s, dst);
}

/* Find where the security header is, and its group. @return false: the packet is not plain */
static __rte_always_inline bool
find_packet(const struct saker_snapshot *s, struct saker_burst *b, unsigned int i, uint8_t *ip,
	uint32_t total)
{
	unsigned int at = total < SHORTEST ? 0 : find_head(s, ip, total);
	const struct saker_group *g;

	if (at == 0 || !is_local(s, ip + 16))
		return false;
	g = find_group(s, at == SAKER_IP4_HEADER ? s->plain_ip : s->plain_udp, ip + at);
	b->group[i] = g;
	b->head[i] = ip + at;
	return g != NULL;
}

/* What replay windows know a packet by. */
static __rte_always_inline void
note_key(struct saker_worker *w, struct saker_burst *b, unsigned int i,
	const struct saker_group *g, uint64_t source, uint16_t session)
{
	const struct saker_index_key words = { { source & g->plain.key_mask, 0, session } };
	uint64_t key = words.word[0];

	b->own |= key == g->own[0] || key == g->own[1] || g->own_more;
	saker_replay_key_words(&b->key[i], key, 0, session);
	saker_admit_note(w, b, i, g, &words);
}

/* The rest of what the header says. @return false: the packet is not plain */
static __rte_always_inline bool
admit_packet(struct saker_worker *w, struct saker_burst *b, unsigned int i)
{
	const struct saker_group *g = b->group[i];
	const struct saker_plain *plain = &g->plain;
	uint8_t *head = b->head[i];
	uint64_t wire = saker_load_word(head + plain->len - SAKER_EESP_SN);
	uint64_t sn = __builtin_bswap64(wire);
	int len = (int)b->view[i].total - (int)(head - b->ip[i]) - plain->len - SAKER_ICV;
	uint32_t master = g->by_key_idx[head[SAKER_EESP_KEY_IDX] >> 2];
	uint16_t session;
	struct saker_job job = { .sn = wire, .aad = head, .aad_len = plain->len };

	if (len < 4 || len % 4 != 0 || sn == 0 || master == SAKER_NO_MASTER ||
		saker_fresh_next(saker_admit_base(w, g), sn, &b->place[i]) != SAKER_OK)
		return false;
	job.master = &g->masters[master];
	job.len = (uint32_t)len;
	job.source = saker_load_word(head + plain->source_at) & plain->source_mask;
	memcpy(&session, head + 2, sizeof(session));
	job.session = session;
	session = __builtin_bswap16(session);
	saker_job_fill(&b->jobs, i, &plain->job, &job);
	b->kind[i] = plain->job.kind;
	b->sn[i] = sn;
	b->source[i] = __builtin_bswap64(job.source);
	b->session[i] = session;
	note_key(w, b, i, g, job.source, session);
	return true;
}

/* What is plain so far is `done`. */
static __rte_always_inline void
read_all(struct saker_worker *w, struct saker_burst *b, bool has_l2)
{
	enum saker_direction link = b->second ? SAKER_OUTBOUND : SAKER_INBOUND;
	const struct saker_link *l = has_l2 ? &w->link[link] : NULL;

	SAKER_FOREACH_SLOT (b, i) {
		bool done = false;
		uint32_t total;
		uint8_t *ip;

		if (i + SAKER_FRAMES_AHEAD < n_i)
			rte_prefetch0(rte_pktmbuf_mtod(b->m[i + SAKER_FRAMES_AHEAD], void *));
		total = saker_frame_read_plain(l, b->m[i], &ip);
		if (likely(total != 0)) {
			b->ip[i] = ip;
			saker_ip4_view_plain(&b->view[i], ip, total);
			done = find_packet(w->s, b, i, ip, total);
		} else {
			saker_frame_read(w, link, i, has_l2);
		}
		b->done[i] = done;
	}
}

static void
admit_all(struct saker_worker *w, struct saker_burst *b)
{
	uint16_t undone = 0;

	SAKER_FOREACH_SLOT (b, i) {
		bool done = likely(b->done[i]) && likely(admit_packet(w, b, i));

		b->done[i] = done;
		b->ready[i] = done;
		undone += !done;
	}
	b->undone = undone;
	b->unready = undone;
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
	admit_all(w, b);
	saker_frames_answer(w, b->second ? SAKER_OUTBOUND : SAKER_INBOUND);
}
