/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_CHANGE_H
#define SAKER_CHANGE_H

/**
 * @file
 * One change under way: the configuration and root keys to be, and what is wrong with them. It
 * ends with saker_change_end(), which puts it in force or leaves everything as it is.
 *
 * Threads: the main lcore only.
 */

#include "gateway.h"
#include "keywatch.h"

/** See the file comment. */
struct saker_change {
	struct saker_gateway *g;
	const char *what;            /**< for messages: the command */
	struct saker_config *config; /**< the gateway's own where only keys change */
	struct saker_root_set roots;
	struct saker_keywatch watch; /**< key files as they were before they were read */
	struct saker_faults faults;
	uint64_t followed_ms; /**< when root keys were compared with those in force */
	bool settled;         /**< what seals was decided already */
	/** Called once all is built: the last thing that may fail. NULL: none */
	int (*commit)(struct saker_change *change);
	void *arg; /**< for commit */
};

/** Begin with what is in force. @return 0 or -errno: saker_change_end() says why */
int saker_change_begin(struct saker_change *ch, struct saker_gateway *g, const char *what);

/** Begin with the configuration file and the key files it names. @return as before */
int saker_change_read(struct saker_change *ch, struct saker_gateway *g, const char *what);

/**
 * Build and put in force, unless there are faults. Everything is told on stderr and freed.
 * @return 0, or -EINVAL: nothing has changed
 */
int saker_change_end(struct saker_change *ch);

/** Was this epoch set for this group? Groups may change their name or their SPI, not both. */
bool saker_epoch_is_of(const struct saker_epoch_set *e, const struct saker_cfg_group *cfg);

/** Milliseconds of the monotonic clock. */
uint64_t saker_monotonic_ms(void);

#endif
