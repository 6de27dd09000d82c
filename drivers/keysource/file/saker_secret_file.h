/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_SECRET_FILE_H
#define SAKER_SECRET_FILE_H

/**
 * @file
 * A libconfig file that holds secrets: who may read it, how its text is parsed without being left
 * behind in memory, how it is written without a moment in which it is half there. Private to this
 * driver.
 *
 * Threads: control path only.
 */

#include <libconfig.h>

#include "saker_faults.h"
#include "saker_keys.h"

#define SAKER_SECRET_FILE_MAX (1 << 18) /**< octets of text, NUL included */

/** A parsed file, and where its faults go. */
struct saker_secret_file {
	const char *path;
	struct saker_faults *faults;
	config_t cfg;
};

/**
 * Check who can read a file, read and parse it.
 * @return 0, or -EINVAL: faults were added and @p f needs no closing
 */
int saker_secret_file_open(
	struct saker_secret_file *f, const char *path, struct saker_faults *faults);

/** Wipe every string of the file, and free it. */
void saker_secret_file_close(struct saker_secret_file *f);

/** Add a fault for every member of a group that is not in the NULL-terminated list @p names. */
void saker_secret_file_names(
	const struct saker_secret_file *f, const config_setting_t *group, const char *const *names);

/** Line of a member of a group, or of the group if there is no such member. */
int saker_secret_file_line(const config_setting_t *group, const char *name);

/**
 * Read a member that must be a whole number, 0..max.
 * @return false: a fault was added
 */
bool saker_secret_file_number(const struct saker_secret_file *f, const config_setting_t *group,
	const char *name, uint64_t max, uint64_t *value);

/**
 * Read a member that must be text.
 * @return the text, which belongs to the file, or NULL: a fault was added
 */
const char *saker_secret_file_text(
	const struct saker_secret_file *f, const config_setting_t *group, const char *name);

/**
 * Read a member that must be exactly @p n octets in hexadecimal.
 * @return false: a fault was added and nothing of the value is in @p out
 */
bool saker_secret_file_octets(const struct saker_secret_file *f, const config_setting_t *group,
	const char *name, uint8_t *out, size_t n);

/**
 * Write a file: mode 0600, under a temporary name first, synced, then put in place in one step.
 * A symbolic link is followed when its target is replaced.
 * @param replace false: an existing file is refused with -EEXIST
 * @return 0 or -errno; no temporary file stays behind
 */
int saker_secret_file_write(const char *path, const char *text, bool replace);

#endif
