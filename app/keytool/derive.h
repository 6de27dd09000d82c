/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_KEYTOOL_DERIVE_H
#define SAKER_KEYTOOL_DERIVE_H

/**
 * @file
 * From what the command line of `derive` asks for to a client's data keys.
 *
 * Threads: one.
 */

#include "keytool.h"

#include "saker_config.h"

/** What the command line asks for. */
struct saker_derive_request {
	const char *config, *group, *source, *src, *dst, *output;
	bool raw, has_epoch, has_sn;
	uint64_t epoch, sn, count;
};

/** Every secret on the way, in saker_secret_alloc() memory. */
struct saker_derive_secret {
	struct saker_root_values root;
	uint8_t level[SAKER_LEVELS][SAKER_ROOT_LEN];
	uint8_t mk[SAKER_ROOT_LEN], gk[SAKER_ROOT_LEN];
	struct saker_client_keys keys; /**< the result */
	char text[SAKER_CLIENTFILE_TEXT];
};

/** What it takes to answer. */
struct saker_derive_answer {
	const struct saker_config *config;
	const struct saker_cfg_group *group;
	struct saker_kdf_context context;
	struct saker_ip src, dst;
	uint8_t key_idx;
	struct saker_derive_secret *secret;
};

/**
 * Check a request against its trust group, read the group's root keys and derive.
 * @param a config and secret are set, the rest is zero
 * @return false: said on stderr
 */
bool saker_derive(struct saker_derive_answer *a, const struct saker_derive_request *r);

#endif
