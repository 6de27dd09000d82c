/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_LOOKUP_H
#define SAKER_LOOKUP_H

/**
 * @file
 * What both directions do with Ethernet frames and policies.
 *
 * Threads: the worker of the burst.
 */

#include "saker_flow.h"
#include "saker_worker.h"

#define SAKER_FRAMES_AHEAD 4 /**< frames to prefetch before their turn */

/**
 * Sort out a frame that is for saker itself or not for it at all, see saker_link_takes(). Strip an
 * Ethernet header with up to two VLAN tags, read and check the IP header, cut the Ethernet padding.
 * Afterwards the buffer begins with its IP header; `ip` and `view` are set. What came in several
 * segments is in one.
 * @param has_l2 false: it was handed over, and has lost its Ethernet header before
 */
void saker_frame_read(struct saker_worker *w, enum saker_direction d, unsigned int i, bool has_l2);

/** After the frames of a burst: answers leave by the port that the questions came from. */
void saker_frames_answer(struct saker_worker *w, enum saker_direction d);

/**
 * saker_frame_read() for nearly every frame: one segment, IPv4 without options, not for saker,
 * nothing wrong.
 * @param l NULL: there is no Ethernet header
 * @return false: it is none of these, or something is wrong with it: ask saker_frame_read()
 */
static inline bool
saker_frame_read_plain(
	const struct saker_link *l, struct rte_mbuf *m, uint8_t **ip, struct saker_ip_view *view)
{
	uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *), *p;
	uint16_t l2 = l == NULL ? 0 : RTE_ETHER_HDR_LEN + l->tag_len;

	if (m->nb_segs != 1 || m->data_len < l2 || (l != NULL && !saker_link_passes4(l, frame)))
		return false;
	p = frame + l2;
	if (!saker_ip4_read_plain(p, m->data_len - l2, view) || saker_ip4_word_sum(p) % 0xffff != 0)
		return false;
	m->data_off += l2;
	m->data_len = view->total;
	m->pkt_len = view->total;
	*ip = p;
	return true;
}

/** True if an IPv4 address is one that tunnels end at; always if none is configured. */
static inline bool
saker_is_local4(const struct saker_snapshot *s, const uint8_t *dst)
{
	for (unsigned int i = 0; i < s->n_local; i++)
		if (s->local[i].family == 4 && memcmp(s->local[i].octets, dst, 4) == 0)
			return true;
	return s->n_local == 0;
}

/** The same for IPv6. */
static inline bool
saker_is_local6(const struct saker_snapshot *s, const uint8_t *dst)
{
	for (unsigned int i = 0; i < s->n_local; i++)
		if (s->local[i].family == 6 && memcmp(s->local[i].octets, dst, 16) == 0)
			return true;
	return s->n_local == 0;
}

/** The same for the destination of a packet. @param ip its IP header */
static inline bool
saker_is_local(const struct saker_snapshot *s, const uint8_t *ip)
{
	return ip[0] >> 4 == 4 ? saker_is_local4(s, ip + 16) : saker_is_local6(s, ip + 24);
}

/** Flow of an IPv4 packet. @param reverse exchange source and destination */
static __rte_always_inline void
saker_flow_key4(
	struct saker_flow_key *k, const uint8_t *ip, const struct saker_ip_view *v, bool reverse)
{
	uint64_t addresses = saker_load_word(ip + 12), ports = saker_load_ports(ip, v);

	k->word[0] = reverse ? addresses << 32 | addresses >> 32 : addresses;
	k->word[1] = reverse ? saker_swap_ports(ports) : ports;
}

/** A policy by its number. @return NULL for SAKER_MATCH_NONE */
static inline const struct saker_policy *
saker_policy_at(const struct saker_snapshot *s, uint16_t rule)
{
	return rule == SAKER_MATCH_NONE ? NULL : &s->policies[rule];
}

/**
 * The policy of a TCP or UDP packet over IPv4 without options that is no fragment.
 * @return NULL: it is not one, or none matches, or the table can't tell: ask saker_policies_of()
 */
static __rte_always_inline const struct saker_policy *
saker_policy_of_plain(const struct saker_snapshot *s, const uint8_t *ip,
	const struct saker_ip_view *v, bool reverse)
{
	uint64_t word[2] = { saker_load_word(ip + 12), 0 };
	uint32_t ports;

	if (unlikely(s->classify4.match == NULL || v->total < SAKER_IP4_HEADER + 4 ||
		     (v->proto != SAKER_PROTO_UDP && v->proto != SAKER_PROTO_TCP)))
		return NULL;
	memcpy(&ports, ip + SAKER_IP4_HEADER, sizeof(ports));
	if (reverse) {
		ports = ports << 16 | ports >> 16;
		word[0] = word[0] << 32 | word[0] >> 32;
	}
	word[1] = (uint64_t)v->proto << 32 | ports;
	return saker_policy_at(s, saker_match_find(s->classify4.match, word, 2));
}

/**
 * Find the policies of packets by `ip` and `view`; NULL: none matches.
 * @param reverse exchange source and destination: what may come back
 */
void saker_policies_of(const struct saker_snapshot *s, struct saker_burst *b, bool reverse);

/** Does a rule ask for ports? */
static inline bool
saker_reads_ports(const struct saker_cfg_policy *rule)
{
	return rule->sport.low != 0 || rule->sport.high != UINT16_MAX || rule->dport.low != 0 ||
	       rule->dport.high != UINT16_MAX;
}

/** First rule of one packet in a classifier of its family, or SAKER_MATCH_NONE. */
uint16_t saker_rule_of(
	const struct saker_classifier *c, const uint8_t *ip, const struct saker_ip_view *v);

/** Count packets and octets of the inner packets for their policies. */
void saker_count_policies(
	struct saker_worker *w, const struct saker_burst *b, enum saker_direction d);

#endif
