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
};

#endif
