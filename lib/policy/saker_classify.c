/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_classify.h"

#include <errno.h>
#include <stddef.h>

#include <rte_acl.h>

/* Fields of a saker_tuple that the classifier reads; IPv6 addresses go in by words. */
enum { ACL_PROTO, ACL_SRC, ACL4_FIELDS = 5, ACL6_FIELDS = 11 };

#define MASK_FIELD(n, input, at)                                                                   \
	{                                                                                          \
		.type = RTE_ACL_FIELD_TYPE_MASK, .size = 4, .field_index = (n),                    \
		.input_index = (input), .offset = (at)                                             \
	}
#define RANGE_FIELD(n, input, at)                                                                  \
	{                                                                                          \
		.type = RTE_ACL_FIELD_TYPE_RANGE, .size = 2, .field_index = (n),                   \
		.input_index = (input), .offset = (at)                                             \
	}
#define PROTO_FIELD                                                                                \
	{                                                                                          \
		.type = RTE_ACL_FIELD_TYPE_BITMASK, .size = 1, .field_index = ACL_PROTO,           \
		.input_index = 0, .offset = offsetof(struct saker_tuple, proto)                    \
	}
#define SRC_AT   offsetof(struct saker_tuple, src)
#define DST_AT   offsetof(struct saker_tuple, dst)
#define SPORT_AT offsetof(struct saker_tuple, sport)
#define DPORT_AT offsetof(struct saker_tuple, dport)

static const struct rte_acl_field_def acl4_fields[ACL4_FIELDS] = {
	PROTO_FIELD,
	MASK_FIELD(1, 1, SRC_AT),
	MASK_FIELD(2, 2, DST_AT),
	RANGE_FIELD(3, 3, SPORT_AT),
	RANGE_FIELD(4, 3, DPORT_AT),
};

static const struct rte_acl_field_def acl6_fields[ACL6_FIELDS] = {
	PROTO_FIELD,
	MASK_FIELD(1, 1, SRC_AT),
	MASK_FIELD(2, 2, SRC_AT + 4),
	MASK_FIELD(3, 3, SRC_AT + 8),
	MASK_FIELD(4, 4, SRC_AT + 12),
	MASK_FIELD(5, 5, DST_AT),
	MASK_FIELD(6, 6, DST_AT + 4),
	MASK_FIELD(7, 7, DST_AT + 8),
	MASK_FIELD(8, 8, DST_AT + 12),
	RANGE_FIELD(9, 9, SPORT_AT),
	RANGE_FIELD(10, 9, DPORT_AT),
};

RTE_ACL_RULE_DEF(saker_acl_rule, ACL6_FIELDS);

/* One address as `words` mask fields; a prefix of family 0 matches everything. */
static void
fill_prefix(struct rte_acl_field *f, const struct saker_prefix *p, unsigned int words)
{
	for (unsigned int i = 0; i < words; i++) {
		int left = p->ip.family == 0 ? 0 : (int)p->len - (int)(32 * i);

		f[i].value.u32 = saker_load_be32(p->ip.octets + 4 * i);
		f[i].mask_range.u32 = left <= 0 ? 0 : (left > 32 ? 32 : (uint32_t)left);
	}
}

static void
fill_rule(struct saker_acl_rule *r, const struct saker_cfg_policy *p, unsigned int index,
	unsigned int words)
{
	struct rte_acl_field *f = r->field;

	memset(r, 0, sizeof(*r));
	r->data.userdata = index + 1;
	r->data.category_mask = 1;
	r->data.priority = (int32_t)(RTE_ACL_MAX_PRIORITY - index);
	f[ACL_PROTO].value.u8 = p->proto;
	f[ACL_PROTO].mask_range.u8 = p->proto == 0 ? 0 : 0xff;
	fill_prefix(&f[ACL_SRC], &p->src, words);
	fill_prefix(&f[ACL_SRC + words], &p->dst, words);
	f += ACL_SRC + 2 * words;
	f[0].value.u16 = p->sport.low;
	f[0].mask_range.u16 = p->sport.high;
	f[1].value.u16 = p->dport.low;
	f[1].mask_range.u16 = p->dport.high;
}

static bool
of_family(const struct saker_cfg_policy *p, uint8_t family)
{
	return (p->src.ip.family == 0 || p->src.ip.family == family) &&
	       (p->dst.ip.family == 0 || p->dst.ip.family == family);
}

static int
add_rules(
	struct rte_acl_ctx *ctx, const struct saker_config *c, uint8_t family, unsigned int *added)
{
	*added = 0;
	for (unsigned int i = 0; i < c->n_policies; i++) {
		struct saker_acl_rule rule;

		if (!of_family(&c->policies[i], family))
			continue;
		fill_rule(&rule, &c->policies[i], i, family == 4 ? 1 : 4);
		if (rte_acl_add_rules(ctx, (struct rte_acl_rule *)&rule, 1) != 0)
			return -ENOMEM;
		(*added)++;
	}
	return 0;
}

int
saker_classifier_build(
	const struct saker_config *c, uint8_t family, const char *name, struct rte_acl_ctx **out)
{
	const struct rte_acl_param param = {
		.name = name,
		.socket_id = SOCKET_ID_ANY,
		.rule_size = RTE_ACL_RULE_SZ(ACL6_FIELDS),
		.max_rule_num = c->n_policies,
	};
	struct rte_acl_config config = {
		.num_categories = 1,
		.num_fields = family == 4 ? ACL4_FIELDS : ACL6_FIELDS,
	};
	struct rte_acl_ctx *ctx;
	unsigned int added;

	*out = NULL;
	if (c->n_policies == 0)
		return 0;
	memcpy(config.defs, family == 4 ? acl4_fields : acl6_fields,
		config.num_fields * sizeof(config.defs[0]));
	ctx = rte_acl_create(&param);
	if (ctx == NULL)
		return -ENOMEM;
	if (add_rules(ctx, c, family, &added) != 0 ||
		(added > 0 && rte_acl_build(ctx, &config) != 0)) {
		rte_acl_free(ctx);
		return -ENOMEM;
	}
	if (added == 0) {
		rte_acl_free(ctx);
		return 0;
	}
	*out = ctx;
	return 0;
}

void
saker_classify(const struct saker_snapshot *s, uint8_t family,
	const struct saker_tuple *const *tuple, const struct saker_policy **policy, unsigned int n)
{
	const struct rte_acl_ctx *ctx = family == 4 ? s->acl4 : s->acl6;
	uint32_t result[SAKER_BATCH] = { 0 };

	if (ctx != NULL)
		rte_acl_classify(ctx, (const uint8_t **)(uintptr_t)tuple, result, n, 1);
	for (unsigned int i = 0; i < n; i++)
		policy[i] = result[i] == 0 ? NULL : &s->policies[result[i] - 1];
}
