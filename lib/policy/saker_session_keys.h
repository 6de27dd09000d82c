/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_SESSION_KEYS_H
#define SAKER_SESSION_KEYS_H

/**
 * @file
 * Keys of formats whose packets name a session (EESP with Sub SAs) or an SA (ESP): they are
 * derived and expanded once for each of them, when the snapshot is built. Each direction has a
 * root key of its own. The two low bits of the SPI on the wire are those of the index of the root
 * key value, so that a new value makes SAs with other SPIs, and values replace each other with
 * nothing lost (docs/protocol.md, "Keys of Sub SAs").
 *
 * Threads: built and freed by the control thread, then read by workers.
 * Memory: keys lie in saker_secret_alloc() memory and are wiped by saker_session_keys_free().
 */

#include "saker_group.h"

/** SPIs of one session or SA: one for each index of a root key value, modulo so many. */
#define SAKER_SESSION_SPIS 4

/** See the file comment. */
struct saker_session_keys {
	uint32_t n_send, n_receive; /**< sessions of each direction */
	uint16_t send_first, receive_first;
	uint32_t send_index;                /**< of the root key value that seals */
	bool live[SAKER_SESSION_SPIS];      /**< values that open, by index modulo 4 */
	uint32_t index[SAKER_SESSION_SPIS]; /**< their indices, whole */
	struct saker_expanded_key *send;    /**< by session */
	struct saker_expanded_key *receive; /**< by index modulo 4, then by session */
};

/**
 * Data key of a session or SA of a group, as its format derives it.
 * @param value of a root key
 * @return 0 or -EIO; then @p out is zero
 */
int saker_group_session_key(const struct saker_cfg_group *cfg, const uint8_t value[SAKER_ROOT_LEN],
	uint16_t session, struct saker_data_key *out);

/**
 * Make a group's keys, and note which root key value seals.
 * @return 0, or -EINVAL: faults were added; call saker_session_keys_free() all the same
 */
int saker_session_keys_build(const struct saker_group_env *env, struct saker_group *g);

/** Wipe and free. */
void saker_session_keys_free(struct saker_group *g);

/**
 * Check that root keys that are the KEYMAT of an SA are used for one.
 * @return 0, or -EINVAL: faults were added
 */
int saker_keymat_check(const struct saker_group_env *env, const struct saker_group *g);

/**
 * Check that no value of a root key serves twice among all groups with such keys: their data keys
 * hang on nothing else, so nonces would repeat.
 * @return 0, or -EINVAL: faults were added
 */
int saker_session_keys_check(const struct saker_group_env *env);

/** SPI on the wire of what this gateway seals in a session. */
static inline uint32_t
saker_session_spi(const struct saker_group *g, uint16_t session)
{
	uint32_t own = g->format->worker_spi ? session * (uint32_t)SAKER_SESSION_SPIS : 0;

	return g->send_spi + own + g->session->send_index % SAKER_SESSION_SPIS;
}

/** Key that seals in a session. @return NULL: the group has no such session */
static inline const struct saker_expanded_key *
saker_session_seal_key(const struct saker_session_keys *k, uint16_t session)
{
	uint32_t at = (uint32_t)session - k->send_first;

	return at < k->n_send ? &k->send[at] : NULL;
}

/**
 * Give a header what its group knows: the session of an SA, and the source, which is the SA's own.
 * @param h its SPI is one of the group's
 */
static inline void
saker_session_name(const struct saker_group *g, struct saker_hdr *h)
{
	h->source = g->cfg->spi;
	if (g->format->worker_spi)
		h->session = (uint16_t)((h->spi - g->cfg->spi) / SAKER_SESSION_SPIS);
}

/**
 * Key that opens a packet, and the place of its SN: each value of the root key is a run.
 * @param h read, and in the group's range of sessions
 * @return NULL: no live value has that index
 */
static inline const struct saker_expanded_key *
saker_session_open_key(const struct saker_session_keys *k, const struct saker_hdr *h, uint64_t *run)
{
	unsigned int slot = h->spi % SAKER_SESSION_SPIS;

	if (!k->live[slot])
		return NULL;
	*run = k->index[slot];
	return &k->receive[slot * k->n_receive + h->session - k->receive_first];
}

#endif
