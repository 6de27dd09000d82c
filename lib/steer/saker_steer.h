/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_STEER_H
#define SAKER_STEER_H

/**
 * @file
 * Which worker owns a (source, session), and how its packets get there (stateless profile
 * section 4: the owner is chosen by authenticated fields only).
 *
 * A steering driver may put packets on the owner's queue; whatever it does, or fails to do, a
 * packet that arrives elsewhere is handed over. So no driver has a say in what is accepted.
 *
 * Threads: saker_steer_owner() anywhere; all else the main lcore, while no worker runs.
 */

#include <string.h>

#include <rte_hash_crc.h>

#include "saker_eesp.h"
#include "saker_replay.h"

#define SAKER_STEER_MATCHES 64 /**< kinds of packets that a port's rules tell apart */
#define SAKER_STEER_WHY     192

/** How owners are chosen. The same for all workers, and for as long as their windows live. */
struct saker_steer {
	uint16_t n_workers;
	/** 0: by a hash of SPI, source and session. Else a power of two less 1, and the owner is
	 * (session + last octet of the source id) & mask, modulo n_workers: what a NIC can tell. */
	uint16_t mask;
};

/** One kind of packet: where a listener takes it and where its source id ends. */
struct saker_steer_match {
	uint8_t family; /**< of the outer header: 4 or 6 */
	bool udp;
	uint16_t udp_port; /**< destination */
	uint8_t protocol;  /**< without UDP */
	uint8_t low_at;    /**< last octet of the source id, from the base header */
};

/** What a driver is asked to do for one port. */
struct saker_steer_plan {
	uint16_t port;     /**< ethdev port, started */
	uint16_t n_queues; /**< receive queues; queue i belongs to worker i modulo n_workers */
	uint16_t n_workers;
	uint16_t mask; /**< as in struct saker_steer; for drivers that need one */
	unsigned int n_matches;
	struct saker_steer_match match[SAKER_STEER_MATCHES];
};

/** A steering driver. */
struct saker_steer_ops {
	const char *name, *help;
	bool by_mask; /**< it needs owners that a NIC can tell */
	/**
	 * Begin.
	 * @param state receives what stop() needs
	 * @param why receives a sentence when it is refused, SAKER_STEER_WHY octets
	 * @return 0, or -errno: nothing is left behind
	 */
	int (*start)(const struct saker_steer_plan *plan, void **state, char *why);
	/** End, and free @p state. */
	void (*stop)(uint16_t port, void *state);
};

/** The drivers, best first, NULL at the end; the last one can't be refused. */
extern const struct saker_steer_ops *const saker_steer_drivers[];

/** The mask for so many workers, 0: there are too many for rules. */
uint16_t saker_steer_mask(unsigned int n_workers);

/** Where the source id's last octet stands from the base header in what saker sends; 0: nowhere. */
uint8_t saker_steer_low_at(enum saker_variant variant);

/** Worker that a packet with these octets belongs to, by mask. */
static inline unsigned int
saker_steer_by_mask(const struct saker_steer *s, uint16_t session, uint8_t low)
{
	return ((session + low) & s->mask) % s->n_workers;
}

/** Worker that owns a (source, session) of a group. */
static inline unsigned int
saker_steer_owner(const struct saker_steer *s, uint8_t variant, uint32_t spi,
	const struct saker_replay_key *key)
{
	uint64_t word[3];
	uint32_t hash;

	_Static_assert(sizeof(*key) == sizeof(word), "a key is three words");
	if (s->mask != 0)
		return saker_steer_by_mask(
			s, key->session, key->source[variant == SAKER_V_CONNECTION_ID ? 3 : 7]);
	memcpy(word, key, sizeof(word));
	hash = rte_hash_crc_8byte(word[0], spi);
	hash = rte_hash_crc_8byte(word[1], hash);
	hash = rte_hash_crc_8byte(word[2], hash);
	return (unsigned int)((uint64_t)hash * s->n_workers >> 32);
}

#endif
