/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_FRONT_H
#define SAKER_FRONT_H

/**
 * @file
 * All headers that go in front of an inner packet in tunnel mode, as one template: outer IP, UDP
 * and EESP. Nearly every packet is sent this way, so it is a few wide moves and a few fields. The
 * parts are laid out by saker_outer_init() and saker_eesp_template(); what this writes equals what
 * saker_outer_write() and saker_eesp_write() write.
 *
 * Threads: a template is read-only after saker_front_init().
 */

#include "saker_eesp.h"
#include "saker_outer.h"

#define SAKER_FRONT_MAX  112 /**< octets of headers; longer ones are written in parts */
#define SAKER_FRONT_ROOM 112 /**< octets in front of the payload that a write may touch */

/** What a template consists of: small, so that writing a header begins with one load. */
struct saker_front_shape {
	uint8_t len;        /**< octets of all headers */
	uint8_t eesp_len;   /**< of the EESP header */
	uint8_t family;     /**< of the outer IP header */
	uint8_t df;         /**< enum saker_df */
	uint8_t source_len; /**< octets of source id: 0, 4 or 8 */
	uint16_t udp_dst;   /**< UDP destination port; 0: no UDP header */
	uint16_t sum;       /**< over the constant part of an IPv4 header */
};

/** See the file comment. */
struct saker_front {
	uint8_t octets[SAKER_FRONT_MAX]; /**< the headers end where this ends */
	struct saker_front_shape shape;
};

/**
 * Join two templates. Only for headers without Crypt Offset and payload info.
 * @return false: they are longer than SAKER_FRONT_MAX, or not of that kind
 */
bool saker_front_init(
	struct saker_front *f, const struct saker_outer *o, const struct saker_tmpl *t);

/**
 * Copy all headers so that they end at @p payload. Up to SAKER_FRONT_ROOM octets in front of it are
 * overwritten: whole moves from the end on.
 */
static inline void
saker_front_copy(const struct saker_front *f, uint8_t *payload)
{
	memcpy(payload - 64, f->octets + SAKER_FRONT_MAX - 64, 64);
	if (f->shape.len > 64)
		memcpy(payload - SAKER_FRONT_MAX, f->octets, SAKER_FRONT_MAX - 64);
}

/** What the outer headers take from a packet. */
struct saker_front_outer {
	uint16_t behind;  /**< octets behind all headers: payload, padding, ICV */
	uint16_t id;      /**< IPv4 identification where don't-fragment is clear (RFC 6864) */
	uint16_t udp_src; /**< UDP source port */
	uint8_t tos;      /**< DSCP and ECN of the inner packet */
	bool df;          /**< the inner packet may not be fragmented */
};

/* The checksum is the constant part's sum plus the words that change. */
static inline void
saker_front_ip4(const struct saker_front_shape *s, uint8_t *at, const struct saker_front_outer *v)
{
	uint16_t total = (uint16_t)(s->len + v->behind);
	bool df = s->df == SAKER_DF_SET || (s->df == SAKER_DF_COPY && v->df);
	uint32_t id_flags = df ? SAKER_IP4_DF : (uint32_t)v->id << 16;
	uint32_t sum = (uint32_t)s->sum + total + v->tos + (id_flags >> 16) + (id_flags & 0xffff);

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	saker_store_be64(
		at, (uint64_t)(0x45000000 | (uint32_t)v->tos << 16 | total) << 32 | id_flags);
	saker_store_be16(at + 10, (uint16_t)~sum);
}

static inline void
saker_front_ip6(const struct saker_front_shape *s, uint8_t *at, const struct saker_front_outer *v)
{
	saker_store_be32(at, 0x60000000 | (uint32_t)v->tos << 20);
	saker_store_be16(at + 4, (uint16_t)(s->len - SAKER_IP6_HEADER + v->behind));
}

/** Finish the outer headers of a copy. */
static inline void
saker_front_finish_outer(
	const struct saker_front_shape *s, uint8_t *payload, const struct saker_front_outer *v)
{
	uint8_t *udp = payload - s->eesp_len - SAKER_UDP_HEADER;
	uint64_t udp_len = SAKER_UDP_HEADER + s->eesp_len + v->behind;

	if (s->udp_dst != 0)
		saker_store_be64(udp,
			(uint64_t)v->udp_src << 48 | (uint64_t)s->udp_dst << 32 | udp_len << 16);
	if (s->family == 4)
		saker_front_ip4(s, payload - s->len, v);
	else
		saker_front_ip6(s, payload - s->len, v);
}

/** Put other root keys' KeyIdx than the template's into a copy. */
static inline void
saker_front_finish_key_idx(const struct saker_front_shape *s, uint8_t *payload, uint8_t key_idx)
{
	payload[SAKER_EESP_KEY_IDX - (int)s->eesp_len] = key_idx;
}

/** Finish the EESP header of a copy. @param source source id, where the wire has one */
static inline void
saker_front_finish_eesp(
	const struct saker_front_shape *s, uint8_t *payload, uint16_t session, uint64_t source)
{
	uint8_t *eesp = payload - s->eesp_len;

	saker_store_be16(eesp + 2, session);
	if (s->source_len == 4)
		saker_store_be32(eesp + SAKER_EESP_SOURCE, (uint32_t)source);
	else if (s->source_len != 0)
		saker_store_be64(eesp + SAKER_EESP_SOURCE, source);
}

/** Put the SN at its place, which is the end of all headers. */
static inline void
saker_front_finish_sn(uint8_t *payload, uint64_t sn)
{
	saker_store_be64(payload - SAKER_EESP_SN, sn);
}

#endif
