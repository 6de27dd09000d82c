/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_LOAD_H
#define SAKER_LOAD_H

/**
 * @file
 * Packets for crypto drivers: a batch whose slots point into buffers laid out like packet buffers,
 * with the payload where the outbound path puts it.
 *
 * Threads: a load belongs to one thread.
 */

#include "bench.h"

/** See the file comment. */
struct saker_load {
	struct saker_batch batch;
	uint8_t *memory;
	size_t size; /**< of memory; 0: it is another load's */
};

/** What the packets of a load look like. */
struct saker_load_form {
	uint32_t size;    /**< octets of payload */
	uint16_t n;       /**< packets, at most SAKER_BATCH */
	uint16_t aad_len; /**< octets in front of the payload, authenticated */
	enum saker_suite suite;
};

/** @return NULL: no memory, or the form is out of range; which was printed */
struct saker_load *saker_load_create(const struct saker_load_form *form);

/**
 * Another batch of the same packets: what is compared should not differ in where its packets lie.
 * @param of NULL: make packets, as saker_load_create() does; else @p form is that of this load
 */
struct saker_load *saker_load_share(
	const struct saker_load *of, const struct saker_load_form *form);

/** Free. Packets go with the load that made them. NULL is allowed. */
void saker_load_free(struct saker_load *l);

/** Let every slot derive its key, from a source of its own. */
void saker_load_derive(struct saker_load *l, const struct saker_bench_driver *d);

/** Let every slot use one of the driver's expanded keys. */
void saker_load_keep(struct saker_load *l, const struct saker_bench_driver *d);

/** Let slot i derive its key from another source; after saker_load_derive(). */
void saker_load_source(struct saker_batch *b, unsigned int i, uint64_t source);

#endif
