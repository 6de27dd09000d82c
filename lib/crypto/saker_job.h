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
	uint64_t rekey_mask; /**< bits of the counter that count, in host order; 0: no rekey word */
	uint32_t nonce;      /**< octets 0 to 3 of the nonce: role and variant */
	uint8_t rekey_shift;
	uint8_t kind; /**< what jobs of one driver call must share */
};

/** What a job takes from its packet. */
struct saker_job {
	uint64_t sn;      /**< on the wire */
	uint64_t number;  /**< the same in host order */
	uint64_t source;  /**< on the wire: in the last octets of eight zero ones */
	uint32_t session; /**< on the wire */
	const struct saker_master *master;
	uint8_t *aad; /**< the security header */
	uint32_t aad_len;
	uint32_t len; /**< octets behind it, in front of the ICV */
};

/** @param nonce_role 0 peer, 1 server to client, 2 client to server */
static inline struct saker_job_form
saker_job_form(const struct saker_kdf_form *kdf, uint8_t nonce_role, uint8_t variant, uint8_t kind)
{
	bool rekey = !kdf->wide && kdf->rekey_shift >= 0;

	return (struct saker_job_form){
		.kdf_first = __builtin_bswap32(kdf->label),
		.kdf_last = (uint64_t)__builtin_bswap16(kdf->bits) << 48,
		.rekey_mask = rekey ? kdf->rekey_mask : 0,
		.rekey_shift = rekey ? (uint8_t)kdf->rekey_shift : 0,
		.nonce = __builtin_bswap32((uint32_t)nonce_role << 8 | variant),
		.kind = kind,
	};
}

/** Lay out the KDF input: what saker_kdf_block() does. */
static inline void
saker_job_kdf(const struct saker_job_form *f, const struct saker_job *job, uint8_t *out)
{
	uint32_t rekey = (uint32_t)((job->number & f->rekey_mask) >> f->rekey_shift);
	uint64_t rest = job->source | __builtin_bswap32(rekey);
	uint64_t first = f->kdf_first | (job->sn & 0xffff) << 32 | rest << 48;
	uint64_t last = f->kdf_last | rest >> 16;

	memcpy(out, &first, sizeof(first));
	memcpy(out + sizeof(first), &last, sizeof(last));
}

/**
 * Fill a slot whose `expanded` is NULL. The text lies behind the AAD, the ICV behind the text.
 */
static inline void
saker_job_fill(struct saker_batch *batch, unsigned int at, const struct saker_job_form *f,
	const struct saker_job *job)
{
	uint32_t head = f->nonce | job->session;
	uint8_t *text = job->aad + job->aad_len;

	saker_job_kdf(f, job, batch->kdf[0][at]);
	memcpy(batch->nonce[at], &head, sizeof(head));
	memcpy(batch->nonce[at] + sizeof(head), &job->sn, sizeof(job->sn));
	batch->master[at] = job->master;
	batch->aad[at] = job->aad;
	batch->aad_len[at] = (uint16_t)job->aad_len;
	batch->src[at] = text;
	batch->dst[at] = text;
	batch->len[at] = job->len;
	batch->icv[at] = text + job->len;
}

#endif
