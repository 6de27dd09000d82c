/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_SN_STORE_H
#define SAKER_SN_STORE_H

/**
 * @file
 * What a sender must not forget: a promise per SN line and master key not to use an SN again.
 * One text file with a checksum in the state directory, replaced atomically and synced, and
 * locked, so that two processes can't send under one state.
 *
 * Threads: the keeper thread only, once opened.
 */

#include "saker_faults.h"
#include "saker_sn.h"

#define SAKER_STORE_FILE "sn-reservations" /**< name in the state directory */

/** What a record is about: one SN line under one master key. */
struct saker_sn_id {
	uint8_t format;     /**< letter of a struct saker_format */
	uint32_t spi;       /**< 0 with keys by session, whatever SPIs they are used under */
	uint8_t source[16]; /**< source id or outer source address, zero-padded */
	uint8_t source_len; /**< 4, 8 or 16 */
	uint16_t session;
	uint8_t mk_check[8]; /**< tells master keys apart */
};

/** A promise. */
struct saker_sn_record {
	struct saker_sn_id id;
	saker_sn reserved; /**< every SN used so far is below this */
	uint64_t mk_first; /**< first epoch under this master key */
	saker_sn key_run;  /**< data key that `blocks` counts for */
	uint64_t blocks;   /**< it has encrypted at most this many */
};

struct saker_sn_store;

/**
 * Open and lock the state of a directory, which is created (mode 0700) if only its last
 * component is missing. Proves that the directory can be written.
 * @param faults receives the sentence why not: unwritable, locked, corrupt
 * @return NULL on failure
 */
struct saker_sn_store *saker_sn_store_open(const char *dir, struct saker_faults *faults);

/** Release the lock and free. NULL is allowed. */
void saker_sn_store_close(struct saker_sn_store *s);

/** Name of the directory as it was given. */
const char *saker_sn_store_dir(const struct saker_sn_store *s);

/**
 * Record of a line, or NULL if it never sent under this master key. Valid until the next
 * saker_sn_store_put() or saker_sn_store_trim().
 */
const struct saker_sn_record *saker_sn_store_find(
	const struct saker_sn_store *s, const struct saker_sn_id *id);

/** Highest reservation of a line under any master key; 0 if there is none. */
saker_sn saker_sn_store_highest(const struct saker_sn_store *s, const struct saker_sn_id *id);

/**
 * Most records of one line: of the last master keys, and one without (mk_check 0) that stands for
 * all before, with the highest of their reservations.
 */
#define SAKER_STORE_KEYS 16

/**
 * Forget the oldest master keys of a line that has too many, but not what was reserved under them.
 * A master key that was forgotten counts as a new one that begins above the reservations of all
 * that were.
 */
void saker_sn_store_trim(struct saker_sn_store *s, const struct saker_sn_id *id);

/**
 * Add or replace a record in memory. A promise that was made is kept: a record with a lower
 * reservation than the one that is there changes nothing.
 * @return 0 or -ENOMEM.
 */
int saker_sn_store_put(struct saker_sn_store *s, const struct saker_sn_record *r);

/**
 * Write all records: temporary file, fsync, rename, fsync of the directory. Only when this has
 * returned 0 may SNs below the new reservations be used. After a failure the file is still valid,
 * and holds the old records or the new ones.
 * @return 0 or -errno
 */
int saker_sn_store_commit(struct saker_sn_store *s);

#endif
