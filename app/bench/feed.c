/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "feed.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>

#define MIN_FRAME 64
#define MAX_FRAME 9000
#define FCS       4
#define PORT      5000

/* What is in front of a packet's payload. */
struct headers {
	struct rte_ether_hdr eth;
	struct rte_ipv4_hdr ip;
	struct rte_udp_hdr udp;
} __rte_packed __rte_aligned(2);

int
saker_feed_init(
	struct saker_feed *feed, struct saker_world *world, unsigned int worker, uint64_t frame)
{
	memset(feed, 0, sizeof(*feed));
	if (frame < MIN_FRAME || frame > MAX_FRAME)
		return saker_bench_fail(-EINVAL, "a frame has %d to %d octets, not %" PRIu64,
			MIN_FRAME, MAX_FRAME, frame);
	feed->world = world;
	feed->w = world->g.workers[worker];
	feed->frame = (uint16_t)(frame - FCS);
	feed->random = 88172645463325252u + worker;
	return saker_feed_spread(feed, 1, 1, 0);
}

int
saker_feed_spread(struct saker_feed *feed, unsigned int groups, uint64_t sources, unsigned int part)
{
	if (sources == 0 || sources > SAKER_FEED_SOURCES)
		return saker_bench_fail(
			-EINVAL, "there can be 1 to %u sources", SAKER_FEED_SOURCES);
	free(feed->last);
	feed->groups = groups;
	feed->sources = sources;
	feed->first = (uint64_t)part * SAKER_FEED_SOURCES;
	feed->last = calloc(sources, sizeof(*feed->last));
	return feed->last == NULL ? saker_bench_fail(-ENOMEM, "no memory for the sources") : 0;
}

void
saker_feed_fini(struct saker_feed *feed)
{
	free(feed->last);
	feed->last = NULL;
}

static uint64_t
next_source(struct saker_feed *feed)
{
	feed->random ^= feed->random << 13;
	feed->random ^= feed->random >> 7;
	feed->random ^= feed->random << 17;
	return (uint64_t)((unsigned __int128)feed->random * feed->sources >> 64);
}

/* A source has a flow of its own: lower half of its number in the address, upper half in the
 * port.
 */
static void
write_frame(const struct saker_feed *feed, uint64_t source, struct rte_mbuf *m)
{
	struct headers *h = (struct headers *)rte_pktmbuf_append(m, feed->frame);
	uint16_t len = feed->frame - sizeof(h->eth);
	uint32_t net = RTE_IPV4(10, source % feed->groups, 0, 0);

	memset(h, 0, sizeof(*h));
	h->eth.ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	h->ip.version_ihl = RTE_IPV4_VHL_DEF;
	h->ip.total_length = rte_cpu_to_be_16(len);
	h->ip.time_to_live = 64;
	h->ip.next_proto_id = IPPROTO_UDP;
	h->ip.src_addr = rte_cpu_to_be_32(net | (source & 0xffff));
	h->ip.dst_addr = rte_cpu_to_be_32(net | 1);
	h->ip.hdr_checksum = rte_ipv4_cksum(&h->ip);
	h->udp.src_port = rte_cpu_to_be_16((uint16_t)(PORT + (source >> 16)));
	h->udp.dst_port = rte_cpu_to_be_16(PORT);
	h->udp.dgram_len = rte_cpu_to_be_16(len - sizeof(h->ip));
}

static int
fill(struct saker_feed *feed, struct rte_mbuf **m, uint64_t *source, uint16_t n)
{
	if (rte_pktmbuf_alloc_bulk(saker_world_pool(feed->world), m, n) != 0)
		return saker_bench_fail(-ENOMEM, "no packet buffers left");
	for (uint16_t i = 0; i < n; i++)
		write_frame(feed, source[i], m[i]);
	return 0;
}

int
saker_feed_clear(struct saker_feed *feed, struct rte_mbuf **m, uint16_t n)
{
	uint64_t source[SAKER_BURST];

	for (uint16_t i = 0; i < n; i++)
		source[i] = next_source(feed);
	return fill(feed, m, source, n);
}

/* The id of a source, as an integer. A connection id keeps its flow half. */
static uint64_t
source_id(
	const struct saker_feed *feed, const struct saker_group *g, uint64_t source, uint64_t flow)
{
	uint64_t id = feed->first + source;

	return g->variant == SAKER_V_CONNECTION_ID ? id << 32 | (uint32_t)flow : id;
}

static bool
is_owner(const struct saker_worker *w, const struct saker_group *g, uint64_t id)
{
	struct saker_replay_key key = { .session = (uint16_t)(g->cfg->session_first + w->index) };

	if (g->variant == SAKER_V_CONNECTION_ID)
		saker_store_be32(key.source, (uint32_t)(id >> 32));
	else
		saker_store_be64(key.source, id);
	return saker_owner(w, g, &key) == w->index;
}

/* Sources whose packets no other worker claims. */
static void
choose_sources(struct saker_feed *feed, uint64_t *source, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++) {
		const struct saker_group *g;

		do {
			source[i] = next_source(feed);
			g = &feed->w->s->groups[source[i] % feed->groups];
		} while (feed->w->n_workers > 1 &&
			 !is_owner(feed->w, g, source_id(feed, g, source[i], 0)));
	}
}

/* In place of this gateway's id and SN: those of another one. */
static void
become(struct saker_feed *feed, const uint64_t *source)
{
	struct saker_burst *b = &feed->w->burst;

	SAKER_FOREACH_SLOT (b, i) {
		const struct saker_group *g = b->group[i];
		saker_sn *last = &feed->last[source[i]];

		if (g->variant > SAKER_V_CONNECTION_ID)
			continue;
		*last = saker_sn_next(&g->cfg->sn, feed->w->now_ms, *last);
		b->sn[i] = (uint64_t)*last;
		b->source[i] = source_id(feed, g, source[i], b->source[i]);
	}
}

/* The way back: the outer addresses change places, which no checksum minds. */
static void
turn_round(struct saker_burst *b)
{
	SAKER_FOREACH_SLOT (b, i) {
		struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)b->ip[i];
		rte_be32_t from = ip->src_addr;

		ip->src_addr = ip->dst_addr;
		ip->dst_addr = from;
	}
}

static void
seal_burst(struct saker_feed *feed, const uint64_t *source)
{
	struct saker_worker *w = feed->w;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	w->now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	for (const struct saker_stage *s = saker_stages[SAKER_OUTBOUND]; s->name != NULL; s++) {
		s->run(w, &w->burst);
		saker_burst_settle(&w->burst, w->count[SAKER_OUTBOUND].drop);
		if (strcmp(s->name, "sn") == 0)
			become(feed, source);
		else if (strcmp(s->name, "headers") == 0)
			turn_round(&w->burst);
	}
}

int
saker_feed_sealed(struct saker_feed *feed, struct rte_mbuf **m, uint16_t n)
{
	struct saker_burst *b = &feed->w->burst;
	uint64_t source[SAKER_BURST];
	int ret;

	choose_sources(feed, source, n);
	ret = fill(feed, b->m, source, n);
	if (ret != 0)
		return ret;
	b->n = n;
	b->handed_over = false;
	seal_burst(feed, source);
	if (b->n != n)
		return saker_feed_check(feed->w);
	for (uint16_t i = 0; i < n; i++) {
		struct rte_ether_hdr *eth;

		eth = (struct rte_ether_hdr *)rte_pktmbuf_prepend(b->m[i], sizeof(*eth));
		if (eth == NULL)
			return saker_bench_fail(-ENOSPC, "no room for an Ethernet header");
		memset(eth, 0, sizeof(*eth));
		eth->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
		m[i] = b->m[i];
	}
	return 0;
}

int
saker_feed_check(const struct saker_worker *w)
{
	int ret = 0;

	for (unsigned int d = 0; d < SAKER_DIRECTIONS; d++)
		for (unsigned int why = 1; why < SAKER_DROP_COUNT; why++)
			if (w->count[d].drop[why] > 0)
				ret = saker_bench_fail(-EIO,
					"%s: %" PRIu64 " packets dropped as %s",
					saker_direction_name(d), w->count[d].drop[why],
					saker_drop_info[why].name);
	return ret;
}
