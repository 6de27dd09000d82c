/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_CAPTURE_FILE_H
#define SAKER_CAPTURE_FILE_H

/**
 * @file
 * A capture on disk, which several points may write into.
 *
 * Threads: one at a time. Memory: counted; the last release closes and frees.
 */

#include "saker_watch.h"

struct saker_capture_file;

/**
 * Make a file, mode 0600, and name the interfaces of its points. Only a regular file is emptied;
 * links are not followed.
 * @param points bit mask
 * @return 0, then @p file is to be released; else -errno: the reason was printed to stderr
 */
int saker_capture_file_open(const char *name, uint32_t points, struct saker_capture_file **file);

/** Name as it was given. */
const char *saker_capture_file_name(const struct saker_capture_file *file);

/** One more user. @return file */
struct saker_capture_file *saker_capture_file_take(struct saker_capture_file *file);

/** One user less. NULL is allowed. */
void saker_capture_file_release(struct saker_capture_file *file);

/**
 * Write a copy with its tag.
 * @return 0, or -EIO: the file takes no more; that was printed to stderr once
 */
int saker_capture_file_write(struct saker_capture_file *file, const struct rte_mbuf *m);

/** Hand on what is buffered. */
void saker_capture_file_flush(struct saker_capture_file *file);

#endif
