/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifdef __SSE4_1__
#include <smmintrin.h>
#endif

#include "saker_admit.h"
#include "saker_lookup.h"
#include "saker_plain.h"

/* The shortest plain packet, with an IPv4 header alone in front: whatever shorter ones hold, what
 * is read before the length is looked at lies within that.
 */
#define SHORTEST (SAKER_IP4_HEADER + SAKER_EESP_BASE + 8 + SAKER_EESP_SN + 4 + SAKER_ICV)

/* Packets whose group is fetched before their turn; their frame was fetched before. */
#define GROUPS_AHEAD 2

_Static_assert(GROUPS_AHEAD <= SAKER_FRAMES_AHEAD, "there is a frame behind the last one");

#define KEY_IDX_BITS 0xfcu /* of the word that begins with the context option */

static __rte_always_inline bool
fits(const struct saker_outer_form *f, const uint8_t *ip)
{
	saker_octets16 a, b;

	memcpy(&a, ip, sizeof(a));
	memcpy(&b, ip + sizeof(a), sizeof(b));
	a = ((a & f->bits[0]) ^ f->value[0]) | ((b & f->bits[1]) ^ f->value[1]);
#ifdef __SSE4_1__
	return _mm_testz_si128((__m128i)a, (__m128i)a);
#else
	return (a[0] | a[1]) == 0;
#endif
}

/* The outer headers of a plain packet. NULL: it is not one.
 * total: length of the packet by its IP header
 */
static __rte_always_inline const struct saker_outer_form *
find_outer(const struct saker_snapshot *s, const uint8_t *ip, uint32_t total)
{
	if (likely(fits(&s->outer_udp, ip)))
		return saker_load_be16(ip + SAKER_IP4_HEADER + 4) == total - SAKER_IP4_HEADER
			       ? &s->outer_udp
			       : NULL;
	return fits(&s->outer_ip, ip) ? &s->outer_ip : NULL;
}

/* Which group an SPI names. */
struct named {
	const struct saker_outer_form *outer;
	uint32_t spi; /* as in memory */
	uint16_t group;
};

/* What packets of a group share at one reading of the clock. Mostly the next packet is of the same
 * group as the one before.
 */
struct common {
	const struct saker_outer_form *outer;
	uint64_t named; /* the first eight octets of the security header, without session id */
	const struct saker_group *group;
	struct saker_fresh_base *fresh;
	struct saker_replay_table *table; /* NULL: no windows */
	bool own;                         /* some packet of any group may be this gateway's */
	struct named ahead[GROUPS_AHEAD]; /* of packets whose turn comes, by slot */
};

/* Where packets come from. */
struct port {
	enum saker_direction direction;
	const struct saker_link *l; /* NULL: there is no Ethernet header */
	uint32_t l2;                /* octets of it */
	bool ends_here;             /* some packets may be for the port itself */
};

static inline struct port
port_of(const struct saker_worker *w, const struct saker_burst *b)
{
	enum saker_direction d = b->second ? SAKER_OUTBOUND : SAKER_INBOUND;
	const struct saker_link *l = &w->link[d];

	if (b->handed_over)
		return (struct port){ .direction = d };
	return (struct port){
		.direction = d, .l = l, .l2 = saker_link_l2(l), .ends_here = l->gate4 != 0
	};
}

static inline uint16_t
group_of(const struct saker_outer_form *outer, uint32_t spi)
{
	return saker_spi_find(&outer->listener->by_spi, __builtin_bswap32(spi));
}

/* Where groups change from packet to packet, their memory is seldom at hand: fetch that of a packet
 * whose turn comes soon. What its frame is, nobody has looked at yet.
 */
static inline struct named
fetch_group(
	const struct saker_snapshot *s, const struct saker_outer_form *outer, const uint8_t *head)
{
	struct named n = { .outer = outer };
	const struct saker_group *g;

	memcpy(&n.spi, head + 4, sizeof(n.spi));
	n.group = group_of(outer, n.spi);
	if (n.group == SAKER_SPI_NONE)
		return n;
	g = &s->groups[n.group];
	rte_prefetch0(&g->plain);
	rte_prefetch0(&g->masters);
	return n;
}

/* The group of a packet that is not of the one before it. at: security header, from the frame on */
static __rte_noinline bool
find_named(struct saker_worker *w, struct common *c, const struct saker_outer_form *outer,
	uint64_t named, unsigned int i, uint32_t at)
{
	const uint8_t *next = rte_pktmbuf_mtod_offset(w->burst.m[i + GROUPS_AHEAD], uint8_t *, at);
	struct named *n = &c->ahead[i % GROUPS_AHEAD];
	uint32_t spi = (uint32_t)(named >> 32);
	uint16_t found = likely(n->spi == spi && n->outer == outer) ? n->group
								    : group_of(outer, spi);
	const struct saker_group *g = &w->s->groups[found];

	*n = fetch_group(w->s, outer, next);
	if (found == SAKER_SPI_NONE || !g->plain.known || (uint16_t)named != g->plain.first)
		return false;
	c->outer = outer;
	c->named = named;
	c->group = g;
	c->fresh = saker_admit_base(w, g);
	c->table = w->replay[g->index];
	c->own |= g->own_more;
	return true;
}

/* Find the group of a header. @return false: it has none whose packets are plain, or is not plain
 */
static __rte_always_inline bool
find_group(struct saker_worker *w, struct common *c, const struct saker_outer_form *outer,
	const uint8_t *head, unsigned int i, uint32_t at)
{
	const uint32_t key_idx = __builtin_bswap32(KEY_IDX_BITS);
	uint64_t base = saker_load_word(head), named = base & ~UINT64_C(0xffff0000);
	uint32_t context, session = __builtin_bswap16((uint16_t)(base >> 16));
	const struct saker_group *g;

	if ((named != c->named || outer != c->outer) && !find_named(w, c, outer, named, i, at))
		return false;
	g = c->group;
	memcpy(&context, head + SAKER_EESP_BASE, sizeof(context));
	return (context & ~key_idx) == g->plain.context &&
	       session - g->accept_first < g->accept_sessions;
}

static inline bool
is_local(const struct saker_snapshot *s, const uint8_t *dst)
{
	uint32_t word;

	memcpy(&word, dst, sizeof(word));
	return likely(word == s->local4) || saker_is_local4(s, dst);
}

/* Find outer headers, security header and group. @return the security header, NULL: the packet is
 * not plain, and as it was
 */
static __rte_always_inline uint8_t *
find_packet(struct saker_worker *w, const struct port *from, unsigned int i, struct common *common)
{
	const struct saker_snapshot *s = w->s;
	struct saker_burst *b = &w->burst;
	struct rte_mbuf *m = b->m[i];
	uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *), *ip = frame + from->l2;
	const struct saker_outer_form *f;
	uint32_t total;

	if (m->nb_segs != 1 || from->ends_here ||
		(from->l != NULL && !saker_link_fits(from->l, frame, ip, RTE_ETHER_TYPE_IPV4)))
		return NULL;
	total = saker_load_be16(ip + 2);
	if (total < SHORTEST || total + from->l2 > m->data_len || !saker_ip4_sum_ok(ip))
		return NULL;
	f = find_outer(s, ip, total);
	if (f == NULL || !is_local(s, ip + 16) ||
		!find_group(w, common, f, ip + f->at, i, from->l2 + f->at))
		return NULL;
	m->data_off += (uint16_t)from->l2;
	m->data_len = (uint16_t)total;
	m->pkt_len = total;
	b->ip[i] = ip;
	return ip + f->at;
}

/* What replay windows know a packet by. */
static __rte_always_inline void
note_key(struct saker_burst *b, unsigned int i, const struct common *c, uint64_t source,
	uint64_t session)
{
	const struct saker_index_key words = { { source & c->group->plain.key_mask, 0, session } };

	saker_replay_key_words(&b->key[i], words.word[0], 0, session);
	b->table[i] = c->table;
	b->hash[i] = c->table == NULL ? 0 : saker_replay_hash(c->table, &words);
}

/* May this gateway be the source? */
static __rte_always_inline bool
may_be_own(const struct saker_group *g, uint64_t source)
{
	uint64_t key = source & g->plain.key_mask;

	return (key == g->own[0]) | (key == g->own[1]);
}

/* The rest of what a security header says. @return false: the packet is not plain */
static __rte_always_inline bool
admit_packet(struct saker_burst *b, unsigned int i, struct common *c, uint8_t *head)
{
	const struct saker_group *g = c->group;
	const struct saker_plain *plain = &g->plain;
	uint32_t master = g->by_key_idx[head[SAKER_EESP_KEY_IDX] >> 2];
	int len = b->m[i]->data_len - (int)(head - b->ip[i]) - plain->around;
	struct saker_job job = { .sn = saker_load_word(head + plain->len - SAKER_EESP_SN),
		.aad = head,
		.aad_len = plain->len,
		.len = (uint32_t)len };
	uint16_t session;

	job.number = __builtin_bswap64(job.sn);
	if (len < 4 || len % 4 != 0 || job.sn == 0 || master == SAKER_NO_MASTER ||
		saker_fresh_next(c->fresh, job.number, &b->place[i]) != SAKER_OK)
		return false;
	job.master = &g->masters[master];
	job.source = saker_load_word(head + plain->source_at) & plain->source_mask;
	c->own |= may_be_own(g, job.source);
	memcpy(&session, head + 2, sizeof(session));
	job.session = session;
	note_key(b, i, c, job.source, __builtin_bswap16(session));
	saker_job_fill(&b->jobs, i, &plain->job, &job);
	b->group[i] = g;
	b->kind[i] = plain->job.kind;
	return true;
}

/* Any other frame. */
static __rte_noinline void
read_other(struct saker_worker *w, const struct port *from, unsigned int i)
{
	struct saker_burst *b = &w->burst;
	uint32_t total = saker_frame_read_plain(from->l, b->m[i], &b->ip[i]);

	if (likely(total != 0))
		saker_ip4_view_plain(&b->view[i], b->ip[i], total);
	else
		saker_frame_read(w, from->direction, i, from->l != NULL);
}

/* @return false: the packet is not plain */
static __rte_always_inline bool
read_packet(struct saker_worker *w, const struct port *from, unsigned int i, struct common *common)
{
	struct saker_burst *b = &w->burst;
	uint8_t *head = find_packet(w, from, i, common);

	if (unlikely(head == NULL)) {
		read_other(w, from, i);
		return false;
	}
	if (likely(admit_packet(b, i, common, head)))
		return true;
	saker_ip4_view_plain(&b->view[i], b->ip[i], rte_pktmbuf_data_len(b->m[i]));
	return false;
}

static __rte_always_inline void
read_all(struct saker_worker *w, struct saker_burst *b, const struct port *from)
{
	struct common common = { .group = NULL };
	uint16_t undone = 0;

	saker_burst_extend(b);
	SAKER_FOREACH_SLOT (b, i) {
		rte_prefetch0(rte_pktmbuf_mtod(b->m[i + SAKER_FRAMES_AHEAD], void *));
		b->done[i] = read_packet(w, from, i, &common);
		undone += !b->done[i];
	}
	b->undone = undone;
	b->unready = undone;
	b->own = common.own || undone > 0;
}

/* For those who ask for more than stages do of plain packets; they may be there where `own` is. */
static void
note_all(struct saker_burst *b)
{
	SAKER_FOREACH_SLOT (b, i) {
		b->ready[i] = b->done[i];
		if (b->done[i])
			saker_admit_rest(b, i);
	}
}

void
saker_plain_in(struct saker_worker *w, struct saker_burst *b)
{
	const struct port from = port_of(w, b);

	if (likely(from.l != NULL))
		read_all(w, b, &from);
	else
		read_all(w, b, &(struct port){ .direction = from.direction });
	if (unlikely(b->own || w->watching != 0))
		note_all(b);
	saker_frames_answer(w, from.direction);
}
