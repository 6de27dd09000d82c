/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_CRYPTO_H
#define SAKER_CRYPTO_H

/**
 * @file
 * The crypto driver interface. Here a key is as common as a packet: one call derives the data
 * keys of a whole batch and seals or opens its packets with them.
 *
 * A batch is a structure of arrays, one slot a packet, all of one suite and one number of KDF
 * blocks. Callers fill the slots grouped by size, since drivers work on neighbours side by side.
 *
 * Threads: a driver context belongs to one lcore. saker_crypto_drivers and what probe() and
 * set_master() do is free of shared state.
 */

#include "saker_kdf.h"

#define SAKER_BATCH    64    /**< slots of a batch */
#define SAKER_TEXT_MAX 65536 /**< octets of a slot's text: no IP packet has more */

/**
 * A group key made ready for derivation. Every driver fills the first two round keys, which
 * are the key itself, and the two CMAC subkeys (SP 800-38B). The rest of the AES-256 encryption
 * key schedule (FIPS 197) is zero where the driver that made it does not need it, so a master is
 * for that driver only.
 */
struct saker_master {
	uint8_t round_keys[15][16] __attribute__((aligned(64)));
	uint8_t k1[16];
	uint8_t k2[16];
};

/** Room for a driver's own form of one data key: key schedule, powers of H, mask. */
#define SAKER_EXPANDED_SIZE 2048

/** A data key made ready for use by one driver; opaque outside of it. */
struct saker_expanded_key {
	uint8_t octets[SAKER_EXPANDED_SIZE] __attribute__((aligned(64)));
};

/** What became of one slot. */
enum saker_job_status { SAKER_JOB_OK, SAKER_JOB_BAD_ICV, SAKER_JOB_ERROR };

/**
 * Packets to seal or open. The caller owns everything that is pointed at until the call returns.
 *
 * `kdf` is indexed by block first, then by slot, so that the first blocks of neighbours lie side
 * by side; octets 0 and 3 of the first block are left to the driver, which sets the SP 800-108
 * counter there.
 */
struct saker_batch {
	uint16_t n;         /**< slots in use, at most SAKER_BATCH */
	uint8_t suite;      /**< enum saker_suite */
	uint8_t kdf_blocks; /**< 1..SAKER_KDF_MAX_BLOCKS */
	uint8_t kdf_shape;  /**< enum saker_kdf_shape, the same in all slots */
	uint8_t kdf[SAKER_KDF_MAX_BLOCKS][SAKER_BATCH][SAKER_KDF_BLOCK]
		__attribute__((aligned(64)));
	uint8_t nonce[SAKER_BATCH][16]; /**< 12 octets, before the mask */
	const struct saker_master *master[SAKER_BATCH];
	/** Not NULL: use this key and its mask instead of deriving one. */
	const struct saker_expanded_key *expanded[SAKER_BATCH];
	const uint8_t *aad[SAKER_BATCH];
	const uint8_t *src[SAKER_BATCH]; /**< plaintext to seal, ciphertext to open */
	uint8_t *dst[SAKER_BATCH];       /**< equal to src, or not overlapping it */
	uint8_t *icv[SAKER_BATCH];       /**< 16 octets: written by seal, compared by open */
	uint32_t len[SAKER_BATCH];       /**< octets of src, at most SAKER_TEXT_MAX */
	uint16_t aad_len[SAKER_BATCH];
	uint8_t status[SAKER_BATCH]; /**< enum saker_job_status, set by the call */
};

/** One driver. All pointers are set. */
struct saker_crypto_ops {
	const char *name;
	const char *help; /**< what it needs, in words */

	/** @return a priority above 0 (higher is better), or -ENOTSUP on this machine. */
	int (*probe)(void);

	/** Context of one lcore. @param socket NUMA node, a hint. @return NULL: no memory. */
	void *(*lcore_init)(int socket);

	/** Wipe and free a context. */
	void (*lcore_fini)(void *ctx);

	/** Make a group key ready. @param key 32 octets. @return 0, or -EIO and @p m wiped. */
	int (*set_master)(void *ctx, const uint8_t *key, struct saker_master *m);

	/** Make a data key ready for slots' `expanded`. @return 0, or -EIO and @p e wiped. */
	int (*expand)(void *ctx, enum saker_suite suite, const struct saker_data_key *key,
		struct saker_expanded_key *e);

	/**
	 * Derive the data keys of all slots; uses kdf and master only.
	 * @param keys b->n entries; the caller wipes them
	 * @return 0, or -EIO and @p keys wiped
	 */
	int (*derive)(void *ctx, struct saker_batch *b, struct saker_data_key *keys);

	/**
	 * Derive and encrypt. Slots with an expanded key need no kdf and no master.
	 * @return slots with status SAKER_JOB_OK.
	 */
	unsigned int (*seal)(void *ctx, struct saker_batch *b);

	/**
	 * Derive and decrypt. Where the ICV is wrong, dst is wiped.
	 * @return slots with status SAKER_JOB_OK.
	 */
	unsigned int (*open)(void *ctx, struct saker_batch *b);
};

/** The drivers, each in the folder of its name under drivers/crypto. */
extern const struct saker_crypto_ops saker_ipsec_mb_ops, saker_openssl_ops, saker_cryptodev_ops;

/** Every driver that was built, best first, and NULL at the end. */
extern const struct saker_crypto_ops *const saker_crypto_drivers[];

/** Find a driver by name. @return NULL if none was built under that name. */
const struct saker_crypto_ops *saker_crypto_find(const char *name);

/** What selection found out about a driver. */
enum saker_crypto_state {
	SAKER_CRYPTO_READY,       /**< probed and passed its known answers */
	SAKER_CRYPTO_UNSUPPORTED, /**< probe() said no */
	SAKER_CRYPTO_FAILED_KAT   /**< gave a wrong answer: never used */
};

/** Name of a state, as `show crypto` prints it: ready, unsupported, failed-kat. */
const char *saker_crypto_state_name(enum saker_crypto_state state);

/**
 * Probe a driver and run its known answers: derivation, seal, open of both suites, and
 * the refusal of a damaged packet.
 */
enum saker_crypto_state saker_crypto_check(const struct saker_crypto_ops *ops);

/**
 * Choose a driver.
 * @param name a driver's name, or "auto" or NULL: the one with the highest priority that passes
 * @param why receives one sentence: which was taken and why, or why none
 * @param why_size room in @p why
 * @return NULL if the named driver can't be used, or none can
 */
const struct saker_crypto_ops *saker_crypto_select(const char *name, char *why, size_t why_size);

#endif
