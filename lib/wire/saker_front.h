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

/** See the file comment. */
struct saker_front {
	uint64_t udp;     /**< UDP header, host order: destination port, length without payload */
	uint64_t context; /**< of the eight octets that end with the source id, the constant ones */
	uint32_t sum;     /**< over the constant part of an IPv4 header, length without payload */
	uint8_t len;      /**< octets of all headers */
	uint8_t eesp_len; /**< of the EESP header */
	uint8_t source_at;  /**< in the EESP header: the eight octets that end with the source id */
	uint8_t family;     /**< of the outer IP header */
	bool has_udp;       /**< a UDP header follows it */
	uint16_t df_set;    /**< bits of the word of flags that are set, host order */
	uint16_t df_copied; /**< those that are the inner packet's */
	uint8_t unused[16]; /**< so that nearly all headers are one cache line of a policy */
	uint8_t octets[SAKER_FRONT_MAX]
		__attribute__((aligned(16))); /**< they end where this ends */
};

/**
 * What the outer headers take from a packet. Numbers are as wide as they are used: a narrow one
 * that the compiler puts aside and reads back as a word makes the CPU wait.
 */
struct saker_front_outer {
	uint64_t behind;  /**< octets behind all headers: payload, padding, ICV */
	uint32_t id;      /**< IPv4 identification where don't-fragment is clear (RFC 6864) */
	uint64_t udp_src; /**< UDP source port */
	uint32_t flags;   /**< the inner IPv4 header's word of flags; of IPv6 SAKER_IP4_DF */
	uint32_t tos;     /**< DSCP and ECN of the inner packet */
};

/** What the EESP header takes from a packet, as on the wire. */
struct saker_front_eesp {
	uint64_t sn;
	uint64_t source; /**< in the last octets of eight; without a source id: 0 */
	uint16_t session;
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
	if (f->len > 64)
		memcpy(payload - SAKER_FRONT_MAX, f->octets, SAKER_FRONT_MAX - 64);
}

/* The checksum is the constant part's sum plus the words that change. */
static inline void
saker_front_ip4(const struct saker_front *f, uint8_t *at, const struct saker_front_outer *v)
{
	uint32_t total = f->len + (uint32_t)v->behind;
	uint32_t flags = f->df_set | (f->df_copied & v->flags), id = flags != 0 ? 0 : v->id;
	uint32_t sum = f->sum + (uint32_t)v->behind + v->tos + id + flags;

	saker_store_be64(
		at, (uint64_t)(0x45000000 | v->tos << 16 | total) << 32 | id << 16 | flags);
	/* Both halves added, with the carry, are the upper half. */
	sum += sum << 16 | sum >> 16;
	saker_store_be16(at + 10, (uint16_t) ~(sum >> 16));
}

static inline void
saker_front_ip6(const struct saker_front *f, uint8_t *at, const struct saker_front_outer *v)
{
	saker_store_be32(at, 0x60000000 | v->tos << 20);
	saker_store_be16(at + 4, (uint16_t)(f->len - SAKER_IP6_HEADER + v->behind));
}

/** Finish the outer headers of a copy. */
static inline void
saker_front_finish_outer(
	const struct saker_front *f, uint8_t *payload, const struct saker_front_outer *v)
{
	if (__builtin_expect(f->family == 4, 1))
		saker_front_ip4(f, payload - f->len, v);
	else
		saker_front_ip6(f, payload - f->len, v);
	if (__builtin_expect(f->has_udp, 1))
		saker_store_be64(payload - f->eesp_len - SAKER_UDP_HEADER,
			f->udp + (v->udp_src << 48 | v->behind << 16));
}

/** Finish the EESP header of a copy. */
static inline void
saker_front_finish_eesp(
	const struct saker_front *f, uint8_t *payload, const struct saker_front_eesp *v)
{
	uint8_t *eesp = payload - f->eesp_len;
	uint64_t source = f->context | v->source;

	memcpy(eesp + 2, &v->session, sizeof(v->session));
	memcpy(eesp + f->source_at, &source, sizeof(source));
	memcpy(payload - SAKER_EESP_SN, &v->sn, sizeof(v->sn));
}

/** Put another KeyIdx than the template's into a finished copy. */
static inline void
saker_front_set_key_idx(const struct saker_front *f, uint8_t *payload, uint8_t key_idx)
{
	payload[SAKER_EESP_KEY_IDX - (int)f->eesp_len] = key_idx;
}

#endif
