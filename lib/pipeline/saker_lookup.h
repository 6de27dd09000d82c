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
#include "saker_mss.h"
#include "saker_worker.h"

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
 * @param ip receives the IP header
 * @return length of the packet; 0: it is none of these, or something is wrong with it: ask
 *         saker_frame_read()
 */
static __rte_always_inline uint32_t
saker_frame_read_plain(const struct saker_link *l, struct rte_mbuf *m, uint8_t **ip)
{
	uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *), *p;
	uint32_t l2 = l == NULL ? 0 : saker_link_l2(l), total;

	if (m->nb_segs != 1 || (l != NULL && !saker_link_passes4(l, frame)))
		return 0;
	p = frame + l2;
	total = saker_ip4_plain_total(p);
	if (total == 0 || total + l2 > m->data_len || !saker_ip4_sum_ok(p))
		return 0;
	m->data_off += (uint16_t)l2;
	m->data_len = (uint16_t)total;
	m->pkt_len = total;
	*ip = p;
	return total;
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

/** Is this UDP, or TCP without SYN, over IPv4 without options, with its ports? */
static __rte_always_inline bool
saker_is_plain_l4(const uint8_t *ip, uint32_t total)
{
	if (likely(ip[9] == SAKER_PROTO_UDP))
		return total >= SAKER_IP4_HEADER + 4;
	return ip[9] == SAKER_PROTO_TCP && total >= SAKER_IP4_HEADER + SAKER_TCP_HEADER &&
	       (ip[SAKER_IP4_HEADER + 13] & SAKER_TCP_SYN) == 0;
}

/**
 * The policy of a packet that saker_is_plain_l4().
 * @param addresses source and destination, @param ports saker_load_ports4()
 * @return NULL: none matches, or the table can't tell: ask saker_policies_of()
 */
static __rte_always_inline const struct saker_policy *
saker_policy_of_plain(const struct saker_snapshot *s, uint64_t addresses, uint64_t ports)
{
	const struct saker_match *m = s->classify4.match;

	return unlikely(m == NULL) ? NULL
				   : saker_policy_at(s, saker_match_find4(m, addresses, ports));
}

/**
 * Find the policies of packets that are not `done`, by `ip` and `view`; NULL: none matches.
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

/**
 * Count packets and octets of the inner packets for their policies.
 * @param done count those, and only those, for which saker_burst.done is this
 */
void saker_count_policies(
	struct saker_worker *w, const struct saker_burst *b, enum saker_direction d, bool done);

#endif
