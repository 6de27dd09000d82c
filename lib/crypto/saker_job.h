/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_JOB_H
#define SAKER_JOB_H

/**
 * @file
 * Crypto jobs of packets that differ in few fields: format E, one KDF block over the source id, a
 * key that is derived. What a group's jobs have in common is laid out once, and everything here is
 * in words as they lie in memory, so that fields go from the wire to a job as they are. What this
 * writes equals what saker_kdf_input() and saker_nonce() write (stateless profile section 3).
 *
 * Threads: every function touches only its arguments.
 */

#include "saker_crypto.h"

/** What all jobs of a group and direction have in common. */
struct saker_job_form {
	uint64_t kdf_first;  /**< octets 0 to 7 of the KDF block: counter 0, label, 00 */
	uint64_t kdf_last;   /**< octets 8 to 15: L at the end */
	uint64_t rekey_mask; /**< bits of the counter that count, in host order */
	uint32_t nonce;      /**< octets 0 to 3 of the nonce: role and variant */
	int8_t rekey_shift;  /**< -1: off */
	uint8_t kind;        /**< what jobs of one driver call must share */
};

/** What a job takes from its packet. */
struct saker_job {
	uint64_t sn;      /**< on the wire */
	uint64_t source;  /**< on the wire: in the last octets of eight zero ones */
	uint32_t session; /**< on the wire */
	const struct saker_master *master;
	uint8_t *aad; /**< the security header */
	uint32_t aad_len;
	uint32_t len; /**< octets behind it, in front of the ICV */
};

/** @param nonce_role 0 peer, 1 server to client, 2 client to server */
static inline struct saker_job_form
saker_job_form(
	const struct saker_kdf_form *kdf, uint8_t nonce_role, uint8_t variant, uint8_t kind)
{
	return (struct saker_job_form){
		.kdf_first = __builtin_bswap32(kdf->label),
		.kdf_last = (uint64_t)__builtin_bswap16(kdf->bits) << 48,
		.rekey_mask = kdf->rekey_mask,
		.nonce = __builtin_bswap32((uint32_t)nonce_role << 8 | variant),
		.rekey_shift = kdf->wide ? -1 : kdf->rekey_shift,
		.kind = kind,
	};
}

/** Lay out the KDF input: what saker_kdf_block() does. */
static inline void
saker_job_kdf(const struct saker_job_form *f, uint64_t sn, uint64_t source, uint8_t *out)
{
	uint64_t rest = source, first, last;

	if (__builtin_expect(f->rekey_shift >= 0, 0))
		rest |= __builtin_bswap32(saker_rekey_masked(
			__builtin_bswap64(sn), f->rekey_shift, f->rekey_mask));
	first = f->kdf_first | (sn & 0xffff) << 32 | rest << 48;
	last = f->kdf_last | rest >> 16;
	memcpy(out, &first, sizeof(first));
	memcpy(out + sizeof(first), &last, sizeof(last));
}

/** Fill a slot. The text lies behind the AAD, the ICV behind the text. */
static inline void
saker_job_fill(struct saker_batch *batch, unsigned int at, const struct saker_job_form *f,
	const struct saker_job *job)
{
	uint32_t head = f->nonce | job->session;
	uint8_t *text = job->aad + job->aad_len;

	saker_job_kdf(f, job->sn, job->source, batch->kdf[0][at]);
	memcpy(batch->nonce[at], &head, sizeof(head));
	memcpy(batch->nonce[at] + sizeof(head), &job->sn, sizeof(job->sn));
	batch->master[at] = job->master;
	batch->expanded[at] = NULL;
	batch->aad[at] = job->aad;
	batch->aad_len[at] = (uint16_t)job->aad_len;
	batch->src[at] = text;
	batch->dst[at] = text;
	batch->len[at] = job->len;
	batch->icv[at] = text + job->len;
}

#endif
