/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_PROXY_H
#define SAKER_PROXY_H

/**
 * @file
 * Proxies of a snapshot (stateless profile section 6): what is opened under one trust group and
 * matches a rule is sealed under another. Each way of a proxy is a rule of the group that opens,
 * and one or two policies of the snapshot, behind those of the configuration, that seal.
 *
 * Threads: built and freed by the control thread; then read-only.
 */

#include "saker_group.h"

/** One way of a proxy. */
struct saker_way {
	const struct saker_cfg_proxy *cfg;
	const struct saker_group *from, *to;
	bool back;                        /**< from the proxy's `to` to its `from` */
	const struct saker_policy *shut;  /**< seals all */
	const struct saker_policy *open;  /**< keeps octets in clear; NULL: `to` can't */
	const struct saker_way *opposite; /**< NULL: nothing goes back */
	uint16_t front_clear;             /**< octets of header that count as clear: a cookie */
	uint16_t most_clear;              /**< octets that may be in clear, with those */
};

/** All ways out of one group. */
struct saker_ways {
	struct saker_classifier classify4, classify6;
	const struct saker_way **way; /**< by rule */
};

/** Policies that proxies need at most, beside those of the configuration. */
unsigned int saker_ways_policies(const struct saker_config *c);

/**
 * Lay out the ways of all proxies, and the policies that seal for them: their `cfg`, `index`,
 * `action`, `way` and `carries`, behind the configured ones.
 * @return 0 or -ENOMEM
 */
int saker_ways_lay_out(const struct saker_config *c, struct saker_snapshot *s);

/**
 * Give each group that is the beginning of a way its classifiers.
 * @param name unique in the process, at most 20 octets
 * @return 0 or -ENOMEM
 */
int saker_ways_classify(struct saker_snapshot *s, const char *name);

/** Free what both made. */
void saker_ways_free(struct saker_snapshot *s);

#endif
