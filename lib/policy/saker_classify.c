/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_classify.h"

#include <errno.h>
#include <stddef.h>

#include <rte_acl.h>

/* A flow in the order that rte_acl wants: the protocol's single octet first. */
struct saker_tuple {
	uint8_t proto;
	uint8_t zero[3];
	uint8_t src[16], dst[16]; /* IPv4 in the first four octets */
	uint16_t sport, dport;
};

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

bool
saker_policy_of_family(const struct saker_cfg_policy *p, uint8_t family)
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

		if (!saker_policy_of_family(&c->policies[i], family))
			continue;
		fill_rule(&rule, &c->policies[i], i, family == 4 ? 1 : 4);
		if (rte_acl_add_rules(ctx, (struct rte_acl_rule *)&rule, 1) != 0)
			return -ENOMEM;
		(*added)++;
	}
	return 0;
}

int
saker_acl_build(
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

int
saker_classifier_build(const struct saker_config *c, uint8_t family, const char *name,
	struct saker_classifier *out)
{
	int ret = saker_match_build(c, family, &out->match);

	out->acl = NULL;
	return ret == -ENOTSUP ? saker_acl_build(c, family, name, &out->acl) : ret;
}

void
saker_classifier_free(struct saker_classifier *c)
{
	saker_match_free(c->match);
	rte_acl_free(c->acl);
	*c = (struct saker_classifier){ 0 };
}

static void
fill_tuple(struct saker_tuple *t, const struct saker_flow_key *key, uint8_t family)
{
	const uint8_t *octets = (const uint8_t *)key->word;
	unsigned int address = family == 4 ? 4 : 16;

	memcpy(t->src, octets, address);
	memcpy(t->dst, octets + address, address);
	memcpy(&t->sport, octets + 2 * address, sizeof(t->sport));
	memcpy(&t->dport, octets + 2 * address + 2, sizeof(t->dport));
	t->proto = octets[2 * address + 4];
}

void
saker_acl_find(const struct rte_acl_ctx *acl, uint8_t family, const struct saker_flow_key *key,
	uint16_t *rule, unsigned int n)
{
	struct saker_tuple tuple[SAKER_BATCH];
	const uint8_t *at[SAKER_BATCH];
	uint32_t result[SAKER_BATCH] = { 0 };

	for (unsigned int i = 0; i < n; i++) {
		fill_tuple(&tuple[i], &key[i], family);
		at[i] = (const uint8_t *)&tuple[i];
	}
	if (acl != NULL)
		rte_acl_classify(acl, at, result, n, 1);
	for (unsigned int i = 0; i < n; i++)
		rule[i] = result[i] == 0 ? SAKER_MATCH_NONE : (uint16_t)(result[i] - 1);
}
