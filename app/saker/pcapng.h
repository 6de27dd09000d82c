/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_PCAPNG_H
#define SAKER_PCAPNG_H

/**
 * @file
 * Writing pcapng (draft-ietf-opsawg-pcapng, sections 4.1 to 4.3) of Ethernet frames, in the
 * machine's byte order. rte_pcapng names interfaces after ports and, up to DPDK 23.03, has no
 * comments for packets.
 *
 * Threads: a stream belongs to one thread. Errors show in ferror().
 */

#include <stdint.h>
#include <stdio.h>

/** Flow of a packet (option epb_flags). */
enum saker_pcapng_way { SAKER_PCAPNG_UNKNOWN, SAKER_PCAPNG_IN, SAKER_PCAPNG_OUT };

/** A frame to write. */
struct saker_pcapng_frame {
	uint32_t interface; /**< in the order of saker_pcapng_interface(), from 0 */
	uint64_t unix_ns;
	enum saker_pcapng_way way;
	const char *comment; /**< UTF-8, or NULL */
	const uint8_t *octets;
	uint32_t len;
};

/** Begin a section. @param application what writes it */
void saker_pcapng_section(FILE *f, const char *application);

/** Describe the next interface. */
void saker_pcapng_interface(FILE *f, const char *name);

/** Write a frame whole. */
void saker_pcapng_write(FILE *f, const struct saker_pcapng_frame *frame);

#endif
