/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_PSPFILE_H
#define SAKER_PSPFILE_H

/**
 * @file
 * SAs of PSP that a receiver handed out, in a file (docs/configuration.md). A file that others than
 * its owner could read, or that belongs to someone else, is refused.
 *
 * Threads: control path only.
 */

#include "saker_keysource.h"

/** See saker_keysource_ops.read_sas. */
int saker_pspfile_read(
	const char *path, uint8_t version, struct saker_psp_sas *sas, struct saker_faults *faults);

/**
 * Write a file of SAs: mode 0600.
 * @param replace false: an existing file is refused with -EEXIST
 * @return 0; -EINVAL: none or too many; or -errno
 */
int saker_pspfile_write(
	const char *path, uint8_t version, const struct saker_psp_sas *sas, bool replace);

#endif
