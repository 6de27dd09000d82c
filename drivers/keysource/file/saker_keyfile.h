/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_KEYFILE_H
#define SAKER_KEYFILE_H

/**
 * @file
 * Root keys, and the data keys of a client, in files (docs/configuration.md). A file that
 * others than its owner could read, or that belongs to someone else, is refused.
 *
 * Threads: control path only.
 */

#include "saker_faults.h"
#include "saker_keys.h"

/**
 * Read a root key file.
 * @param path the file
 * @param keys receives index and values; wiped on failure
 * @param faults receives every fault, with the file and, where known, the line
 * @return 0, or -EINVAL: faults were added
 */
int saker_keyfile_read(
	const char *path, struct saker_root_values *keys, struct saker_faults *faults);

/**
 * Write a root key file: mode 0600, under a temporary name first, synced, then renamed over
 * @p path, so that a reader sees the old file or the new one.
 * @param replace false: an existing file is refused with -EEXIST
 * @return 0 or -errno
 */
int saker_keyfile_write(const char *path, const struct saker_root_values *keys, bool replace);

#define SAKER_CLIENT_EPOCHS 4 /**< most epochs that a client's file may hold */

/** Data keys that a server's side handed to a client: this epoch's and the next one's. */
struct saker_client_keys {
	unsigned int n; /**< epochs */
	struct {
		uint64_t epoch;  /**< not wrapped */
		uint8_t key_idx; /**< KeyIdx octet to send */
		struct saker_data_key key;
	} epochs[SAKER_CLIENT_EPOCHS];
};

/**
 * Read a client's data key file, as `saker-keytool derive` writes it; the same rules as for root
 * key files.
 * @return 0, or -EINVAL: faults were added
 */
int saker_clientfile_read(const char *path, enum saker_suite suite, struct saker_client_keys *keys,
	struct saker_faults *faults);

#endif
