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

#include "saker_keysource.h"

/** The key source `file`. */
extern const struct saker_keysource_ops saker_keysource_file;

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
 * @return 0; -EINVAL if saker_keyfile_read() would refuse the result; or -errno
 */
int saker_keyfile_write(const char *path, const struct saker_root_values *keys, bool replace);

/**
 * Read a client's data key file, as `saker-keytool derive` writes it; the same rules as for root
 * key files. That SPI, variant and source id are the group's is for the caller to check.
 * @param suite of the client's trust group; a file for another suite is refused
 * @param keys wiped on failure
 * @return 0, or -EINVAL: faults were added
 */
int saker_clientfile_read(const char *path, enum saker_suite suite, struct saker_client_keys *keys,
	struct saker_faults *faults);

#define SAKER_CLIENTFILE_TEXT 4096 /**< room for the text of a client's data key file */

/**
 * Compose the text of a client's data key file. It holds keys: the caller wipes it.
 * @param out SAKER_CLIENTFILE_TEXT characters
 * @return 0; -EINVAL for a variant above 2 or no epochs, or too many; -ENOSPC
 */
int saker_clientfile_text(
	const struct saker_client_keys *keys, enum saker_suite suite, char *out, size_t size);

/**
 * Write a client's data key file: mode 0600; an existing file is refused with -EEXIST.
 * @return 0 or -errno
 */
int saker_clientfile_write(
	const char *path, enum saker_suite suite, const struct saker_client_keys *keys);

#endif
