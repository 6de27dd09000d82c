/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_CLASSIFY_H
#define SAKER_CLASSIFY_H

/**
 * @file
 * Policies as classifiers, one a family: a saker_match table where the policies fit into one, else
 * rte_acl.
 *
 * Threads: built by the control thread; then read-only.
 */

#include <rte_acl.h>

#include "saker_crypto.h"
#include "saker_match.h"

/** Classifier of one family. */
struct saker_classifier {
	struct saker_match *match; /**< NULL: the policies do not fit into one */
	struct rte_acl_ctx
		*acl; /**< used if there is no table; NULL: no policy is of this family */
};

/** May packets of this family match? */
bool saker_policy_of_family(const struct saker_cfg_policy *p, uint8_t family);

/**
 * Build the classifier of one family.
 * @param family 4 or 6
 * @param name unique in the process
 * @return 0 or -ENOMEM
 */
int saker_classifier_build(const struct saker_config *c, uint8_t family, const char *name,
	struct saker_classifier *out);

/** Free what a classifier points at. */
void saker_classifier_free(struct saker_classifier *c);

/**
 * The rte_acl form, whatever the policies are.
 * @param out receives it, or NULL if no policy is of that family
 * @return 0 or -ENOMEM
 */
int saker_acl_build(
	const struct saker_config *c, uint8_t family, const char *name, struct rte_acl_ctx **out);

/**
 * Look flows up in it.
 * @param rule receives n rules, SAKER_MATCH_NONE where none matches
 * @param n at most 64
 */
void saker_acl_find(const struct rte_acl_ctx *acl, uint8_t family, const struct saker_flow_key *key,
	uint16_t *rule, unsigned int n);

#endif
