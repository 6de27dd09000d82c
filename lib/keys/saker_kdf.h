/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_KDF_H
#define SAKER_KDF_H

/**
 * @file
 * Inputs of the one key derivation, NIST SP 800-108 counter mode with AES-256-CMAC (stateless
 * profile section 3):
 *
 *     C(i) = AES-256-CMAC(K, i(1) || label(2) || 00 || context || L(2))
 *
 * The usual input is one AES block. Here the blocks are laid out, with octet 0 (the counter
 * i) left zero; the crypto drivers set it and compute the CMACs.
 *
 * Threads: every function touches only its arguments.
 */

#include <stdbool.h>

#include "saker_bytes.h"

#define SAKER_KDF_BLOCK      16 /**< octets of one AES block */
#define SAKER_KDF_MAX_BLOCKS 3  /**< IPv6 address pair */
#define SAKER_KDF_OVERHEAD   6  /**< octets around the context */

/** AEAD suites. The number is the suite octet of the group key's context. */
enum saker_suite { SAKER_AES_128_GCM = 1, SAKER_AES_256_GCM = 2 };

#define SAKER_MASK_LEN 12 /**< octets of nonce mask */
#define SAKER_KEY_MAX  32 /**< longest data key, octets */

/** Octets of data key of a suite: 16 or 32. */
static inline uint8_t
saker_suite_key_len(enum saker_suite suite)
{
	return suite == SAKER_AES_128_GCM ? 16 : 32;
}

/** L of the data key's derivation, in bits: key and mask. */
static inline uint16_t
saker_suite_bits(enum saker_suite suite)
{
	return (uint16_t)((saker_suite_key_len(suite) + SAKER_MASK_LEN) * 8);
}

/** A derived data key: what `derive` of a driver gives, what a client is handed. */
struct saker_data_key {
	uint8_t key[SAKER_KEY_MAX]; /**< saker_suite_key_len() octets, the rest is zero */
	uint8_t mask[SAKER_MASK_LEN];
};

/**
 * Shapes of a derivation. Octets 0 and 3 of the first block are zero in the input, whatever the
 * shape; the drivers put the counter into one of them.
 */
enum saker_kdf_shape {
	SAKER_KDF_MASKED, /**< counter of one octet in front; a mask follows the key */
	SAKER_KDF_PSP,    /**< counter of four octets in front; no mask, that is a zero one */
};

/** Where the counter stands in the first block of a shape, in bits from octet 0. */
static inline unsigned int
saker_kdf_counter_bit(uint8_t shape)
{
	return shape == SAKER_KDF_PSP ? 24 : 0;
}

/** What identifies a data key beside the group key. */
struct saker_kdf_context {
	uint8_t format;  /**< letter of the format; 'P' gives the shape SAKER_KDF_PSP */
	bool server;     /**< format T: server mode, else cluster */
	uint8_t variant; /**< enum saker_variant; format P: version */
	uint8_t family;  /**< of src and dst, 4 or 6; variants 3 and 4 */
	uint16_t epoch;
	uint32_t rekey;     /**< 0 if the group sets no rekey shift; unused in variants 1, 2 */
	uint64_t source;    /**< variant 0: low 32 bits; 1 and 2: all; format P: SPI */
	const uint8_t *src; /**< outer source address, variants 3 and 4 */
	const uint8_t *dst; /**< outer destination address, variant 4 */
};

/**
 * Lay out the KDF input of a data key (stateless profile 2.3 and section 3).
 * @param out SAKER_KDF_MAX_BLOCKS * SAKER_KDF_BLOCK octets
 * @return number of blocks, 1..3; 0 if the variant is not known: nothing was written
 */
unsigned int saker_kdf_input(
	const struct saker_kdf_context *c, enum saker_suite suite, uint8_t *out);

/** Blocks that saker_kdf_input() gives for a variant and outer family; 0: unknown variant. */
unsigned int saker_kdf_blocks(uint8_t variant, uint8_t family);

/**
 * What the inputs of a group's data keys have in common, for variants whose input is one block:
 * the general form is saker_kdf_input().
 */
struct saker_kdf_form {
	uint32_t label;      /**< counter 0, label, 00 */
	uint16_t bits;       /**< L */
	int8_t rekey_shift;  /**< -1: off */
	uint64_t rekey_mask; /**< bits of the counter that count */
	bool wide;           /**< an id of 64 bits, which leaves no room for a rekey word */
	uint8_t shape;       /**< enum saker_kdf_shape */
};

/** Form of PSP version 0 to 3: its label, and the SPI as the source. */
static inline struct saker_kdf_form
saker_kdf_form_psp(uint8_t version, enum saker_suite suite)
{
	return (struct saker_kdf_form){
		.label = 0x50763000 | (uint32_t)version << 8, /* "Pv", digit, 00 */
		.bits = (uint16_t)(saker_suite_key_len(suite) * 8),
		.shape = SAKER_KDF_PSP,
	};
}

/** Counter 0, label, 00 of a format letter and variant; of format T by its mode. */
static inline uint32_t
saker_kdf_label(uint8_t format, uint8_t variant, bool server)
{
	uint32_t digit = format == 'T' ? (server ? '2' : '1') : '0' + (uint32_t)variant;

	return (uint32_t)(format == 'T' ? 'U' : format) << 16 | digit << 8;
}

/** Form of a format letter, variant and suite. */
static inline struct saker_kdf_form
saker_kdf_form(uint8_t format, uint8_t variant, enum saker_suite suite, int rekey_shift)
{
	return (struct saker_kdf_form){
		.label = (uint32_t)format << 16 | (uint32_t)('0' + variant) << 8,
		.bits = saker_suite_bits(suite),
		.rekey_shift = (int8_t)rekey_shift,
		.rekey_mask = 0xffffffffffffULL,
		.wide = variant == 1 || variant == 2,
	};
}

/**
 * The rekey word of format T: ((counter & mask) >> shift) mod 2^32.
 * @param shift 0..47, or -1: off
 * @param mask 48 bits at most
 */
static inline uint32_t
saker_rekey_masked(uint64_t sn, int shift, uint64_t mask)
{
	return shift < 0 ? 0 : (uint32_t)((sn & mask) >> shift);
}

/**
 * The rekey word: (counter >> shift) mod 2^32.
 * @param shift 0..47, or -1: off
 */
static inline uint32_t
saker_rekey_word(uint64_t sn, int shift)
{
	return saker_rekey_masked(sn, shift, 0xffffffffffffULL);
}

/**
 * saker_kdf_input() in one block.
 * @param sn epoch and counter
 * @param source wire source id; variant 3: the outer IPv4 source address; format P: SPI
 * @param out one block
 */
static inline void
saker_kdf_block(const struct saker_kdf_form *f, uint64_t sn, uint64_t source, uint8_t *out)
{
	uint64_t rekey = saker_rekey_masked(sn, f->rekey_shift, f->rekey_mask);
	uint64_t rest = f->wide ? source : rekey << 32 | (uint32_t)source;

	if (__builtin_expect(f->shape == SAKER_KDF_PSP, 0)) {
		saker_store_be64(out, f->label);
		saker_store_be64(out + 8, source << 32 | f->bits);
		return;
	}
	saker_store_be64(out, (uint64_t)f->label << 32 | sn >> 48 << 16 | rest >> 48);
	saker_store_be64(out + 8, rest << 16 | f->bits);
}

/**
 * The subkeys of CMAC (SP 800-38B, section 6.1), in constant time; for crypto drivers.
 * @param zero E_K(0), 16 octets
 * @param k1 receives 16 octets, @p zero in the field times x
 * @param k2 receives 16 octets, @p k1 in the field times x
 */
void saker_cmac_subkeys(const uint8_t *zero, uint8_t *k1, uint8_t *k2);

/**
 * The derivation itself, for the control path: any label, context and length.
 * @param key 32 octets
 * @param label two octets
 * @param context_len 0..1024
 * @param bits L, a multiple of 8, at most 255 * 128
 * @param out bits / 8 octets
 * @return 0, or -EINVAL, or -EIO if the crypto library failed
 */
int saker_kdf(const uint8_t key[32], const char label[2], const uint8_t *context,
	size_t context_len, uint16_t bits, uint8_t *out);

/**
 * The derivation of PSP, for the control path: 4 octets of counter, "Pv" and a digit, SPI, and L in
 * 4 octets.
 * @param key master key, 32 octets
 * @param version 0 to 3
 * @param bits 128 or 256
 * @param out bits / 8 octets
 * @return 0 or -EIO
 */
int saker_kdf_psp(
	const uint8_t key[32], uint8_t version, uint32_t spi, uint16_t bits, uint8_t *out);

#endif
