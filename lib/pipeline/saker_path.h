/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_PATH_H
#define SAKER_PATH_H

/**
 * @file
 * Path MTUs that routers between gateways report (RFC 1191, RFC 8201; RFC 4301 section 8.2). An
 * ICMP error is believed only if the packet that it quotes is one that this gateway has sent a
 * short while ago: from a tunnel's own address to its peer, with SPI, source, session and SN of a
 * line of ours. What was learnt is forgotten after ten minutes.
 *
 * Threads: a path's MTU may be read and learnt by any worker. That is the one thing beside the
 * rings that workers share, written as seldom as a path changes.
 */

#include <stdatomic.h>

#include "saker_snapshot.h"

#define SAKER_PATH_LIFE_MS   600000  /**< RFC 1191 section 6.3, RFC 8201 section 4 */
#define SAKER_PATH_RECENT_MS 10000   /**< how long ago a quoted packet may have been sent */
#define SAKER_PATH_RECENT_SN 1048576 /**< the same in SNs that only count */
#define SAKER_PATH_MIN4      576     /**< no report makes a path narrower */
#define SAKER_PATH_MIN6      1280

struct saker_worker;

/** One way between two tunnel ends. */
struct saker_path {
	_Atomic uint64_t until_ms; /**< unix time at which `mtu` is forgotten */
	_Atomic uint16_t mtu;      /**< longest outer packet, 0: none was learnt */
};

/** All of an edition, in the order of the snapshot's `ends`. */
struct saker_paths {
	_Atomic bool learnt; /**< some path has an MTU; else nobody need look */
	struct saker_path path[];
};

/** MTU of a path at the clock @p now_ms. @return 0: none was learnt, or it was forgotten */
static inline uint16_t
saker_path_mtu(const struct saker_path *p, uint64_t now_ms)
{
	if (atomic_load_explicit(&p->until_ms, memory_order_relaxed) <= now_ms)
		return 0;
	return atomic_load_explicit(&p->mtu, memory_order_relaxed);
}

/** Does any path have an MTU of its own? @p paths may be NULL */
static inline bool
saker_paths_learnt(const struct saker_paths *paths)
{
	return paths != NULL && atomic_load_explicit(&paths->learnt, memory_order_relaxed);
}

/**
 * Paths for a snapshot, with what others have learnt of the same ends.
 * @param before,old of the edition in force; NULL: there is none
 * @return NULL: no memory. To be freed by free()
 */
struct saker_paths *saker_paths_create(const struct saker_snapshot *s,
	const struct saker_paths *before, const struct saker_snapshot *old);

/** Tunnel MTU of a policy that protects, by family (SAKER_SIX), at the clock @p now_ms. */
uint16_t saker_path_tunnel_mtu(const struct saker_paths *paths, const struct saker_policy *p,
	unsigned int six, uint64_t now_ms);

/** Longest outer packet of ours that reaches where @p ip is sent to; UINT16_MAX: not learnt. */
uint16_t saker_path_to(const struct saker_worker *w, const uint8_t *ip);

/** Is this an ICMP error that says that a packet was too big? */
bool saker_path_is_report(const uint8_t *ip, const struct saker_ip_view *v);

/**
 * Learn from such an error that came to an own address, if it can be believed.
 * @return SAKER_DROP_PATH_MTU: learnt; SAKER_DROP_PATH_REFUSED: not
 */
enum saker_drop saker_path_report(
	struct saker_worker *w, const uint8_t *ip, const struct saker_ip_view *v);

#endif
