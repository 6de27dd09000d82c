/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_KEYSOURCE_H
#define SAKER_KEYSOURCE_H

/**
 * @file
 * Where keys come from: the interface of the drivers in drivers/keysource.
 *
 * Threads: control path only.
 */

#include "saker_faults.h"
#include "saker_ip.h"
#include "saker_keys.h"

#define SAKER_CLIENT_EPOCHS 4 /**< most epochs that a client's file may hold */

/** A client's data key of one epoch. */
struct saker_client_epoch {
	uint64_t epoch;  /**< not wrapped */
	uint8_t key_idx; /**< KeyIdx octet to send */
	struct saker_data_key key;
};

/** Data keys that a server's side handed to a client: this epoch's and the next one's. */
struct saker_client_keys {
	uint32_t spi;       /**< of the trust group that the keys are for */
	uint8_t variant;    /**< enum saker_variant: 0, 1 or 2 */
	uint8_t source_len; /**< octets of @ref source, 4 or 8 */
	uint8_t source[8];  /**< source id that the keys were derived for */
	unsigned int n;     /**< epochs */
	struct saker_client_epoch epochs[SAKER_CLIENT_EPOCHS]; /**< in ascending order */
};

#define SAKER_PSP_SAS 1024 /**< most SAs that a file may hold, and that are handed out at once */

/** An SA of PSP that its receiver handed out: whoever has it may seal. */
struct saker_psp_sa {
	uint32_t spi;               /**< bit 31 included */
	uint8_t key[SAKER_KEY_MAX]; /**< saker_psp_key_len() octets, the rest is zero */
	struct saker_ip peer;       /**< who receives; family 0: not told */
};

/** SAs in saker_secret_alloc() memory; see saker_psp_sas_free(). */
struct saker_psp_sas {
	unsigned int n;
	struct saker_psp_sa *sa;
};

/** Octets of key of a PSP version. */
static inline uint8_t
saker_psp_key_len(uint8_t version)
{
	return version % 2 == 0 ? 16 : 32;
}

/** Wipe and free. */
static inline void
saker_psp_sas_free(struct saker_psp_sas *s)
{
	saker_secret_free(s->sa, s->n * sizeof(*s->sa));
	memset(s, 0, sizeof(*s));
}

/** One source of keys. */
struct saker_keysource_ops {
	const char *name;

	/**
	 * Read a root key.
	 * @param where what the configuration says of it; for files a path
	 * @param keys wiped on failure
	 * @return 0, or -EINVAL: faults were added
	 */
	int (*read_root)(
		const char *where, struct saker_root_values *keys, struct saker_faults *faults);

	/**
	 * Read a client's data keys.
	 * @param suite of the client's trust group
	 * @param keys wiped on failure
	 * @return 0, or -EINVAL: faults were added
	 */
	int (*read_client)(const char *where, enum saker_suite suite,
		struct saker_client_keys *keys, struct saker_faults *faults);

	/**
	 * Read SAs of PSP that were handed to this gateway.
	 * @param version of the trust group; SAs of another are refused
	 * @param sas empty on failure; to be freed
	 * @return 0, or -EINVAL: faults were added
	 */
	int (*read_sas)(const char *where, uint8_t version, struct saker_psp_sas *sas,
		struct saker_faults *faults);
};

#endif
