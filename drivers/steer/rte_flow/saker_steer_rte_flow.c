/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>

#include "saker_steer.h"
#include "steer_rules.h"

#define MAX_RULES 2048

/** The rules that a port took. */
struct rules {
	unsigned int n;
	struct rte_flow *flow[MAX_RULES];
};

static void
stop(uint16_t port, void *state)
{
	struct rules *rules = state;
	struct rte_flow_error error;

	for (unsigned int i = 0; i < rules->n; i++)
		rte_flow_destroy(port, rules->flow[i], &error);
	free(rules);
}

static int
refuse(char *why, const struct rte_flow_error *error, int ret)
{
	snprintf(why, SAKER_STEER_WHY, "the device refuses a rule on the session id: %s",
		error->message != NULL ? error->message : strerror(ret < 0 ? -ret : ENOTSUP));
	return ret < 0 ? ret : -ENOTSUP;
}

static int
add_rule(const struct saker_steer_plan *plan, const struct saker_steer_match *match, unsigned int n,
	struct rules *rules, char *why)
{
	struct rte_flow_error error = { 0 };
	struct saker_steer_rule r;
	int ret;

	saker_steer_rule_build(&r, plan, match, n);
	ret = rte_flow_validate(plan->port, &r.attr, r.item, r.action, &error);
	if (ret != 0)
		return refuse(why, &error, ret);
	rules->flow[rules->n] = rte_flow_create(plan->port, &r.attr, r.item, r.action, &error);
	if (rules->flow[rules->n] == NULL)
		return refuse(why, &error, -rte_errno);
	rules->n++;
	return 0;
}

/* Reasons that need no device. */
static int
check(const struct saker_steer_plan *plan, char *why)
{
	if (plan->mask == 0)
		snprintf(why, SAKER_STEER_WHY, "rules serve 2 to 16 workers, there are %u",
			plan->n_workers);
	else if (plan->n_queues < plan->n_workers)
		snprintf(why, SAKER_STEER_WHY, "%u receive queues are too few for %u workers",
			plan->n_queues, plan->n_workers);
	else if (plan->n_matches == 0)
		snprintf(why, SAKER_STEER_WHY, "a group has no source id on the wire");
	else if (saker_steer_rules_per_match(plan) * plan->n_matches > MAX_RULES)
		snprintf(why, SAKER_STEER_WHY, "%u rules would be too many",
			saker_steer_rules_per_match(plan) * plan->n_matches);
	else
		return 0;
	return -ENOTSUP;
}

static int
start(const struct saker_steer_plan *plan, void **state, char *why)
{
	int ret = check(plan, why);
	struct rules *rules;

	if (ret != 0)
		return ret;
	rules = calloc(1, sizeof(*rules));
	if (rules == NULL)
		return -ENOMEM;
	for (unsigned int m = 0; m < plan->n_matches && ret == 0; m++)
		for (unsigned int i = 0; i < saker_steer_rules_per_match(plan) && ret == 0; i++)
			ret = add_rule(plan, &plan->match[m], i, rules, why);
	if (ret == 0)
		*state = rules;
	else
		stop(plan->port, rules);
	return ret;
}

extern const struct saker_steer_ops saker_steer_rte_flow;

const struct saker_steer_ops saker_steer_rte_flow = {
	.name = "rte_flow",
	.help = "flow rules of the NIC on session and source id put packets on the owner's queue",
	.by_mask = true,
	.start = start,
	.stop = stop,
};
