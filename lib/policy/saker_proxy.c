/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_proxy.h"

#include <errno.h>
#include <stdlib.h>

#include "saker_psp.h"

#define PER_WAY 2 /* policies: one that seals all, one that keeps octets in clear */

unsigned int
saker_ways_policies(const struct saker_config *c)
{
	return 2 * PER_WAY * c->n_proxies;
}

static void
fill_way(
	struct saker_snapshot *s, struct saker_way *w, const struct saker_cfg_proxy *cfg, bool back)
{
	struct saker_group *from = &s->groups[back ? cfg->to : cfg->from];
	struct saker_group *to = &s->groups[back ? cfg->from : cfg->to];

	from->mode_known = to->mode_known = true;
	*w = (struct saker_way){
		.cfg = cfg,
		.from = from,
		.to = to,
		.back = back,
		.front_clear = to->terms.cookie ? SAKER_PSP_COOKIE : 0,
		.most_clear = to->format->most_clear,
	};
	if (w->most_clear > to->cfg->max_clear)
		w->most_clear = to->cfg->max_clear;
}

static void
list_ways(const struct saker_config *c, struct saker_snapshot *s)
{
	for (unsigned int i = 0; i < c->n_proxies; i++) {
		struct saker_way *w = &s->ways[s->n_ways++];

		fill_way(s, w, &c->proxies[i], false);
		if (c->proxies[i].direction == SAKER_PROXY_ONE_WAY)
			continue;
		fill_way(s, w + 1, &c->proxies[i], true);
		w->opposite = w + 1;
		w[1].opposite = w;
		s->n_ways++;
	}
}

/* As if the configuration had it: so stages need no other notion of what seals. */
static void
fill_cfg(struct saker_cfg_policy *p, const struct saker_way *w, uint16_t clear)
{
	const struct saker_cfg_proxy *x = w->cfg;

	*p = (struct saker_cfg_policy){
		.src = w->back ? x->dst : x->src,
		.dst = w->back ? x->src : x->dst,
		.proto = x->proto,
		.sport = w->back ? x->dport : x->sport,
		.dport = w->back ? x->sport : x->dport,
		.action = SAKER_ACTION_PROTECT,
		.group = w->to->index,
		.mode = SAKER_MODE_TUNNEL,
		.local = w->back ? x->back_local : x->local,
		.peer = w->back ? x->back_peer : x->peer,
		.clear_octets = clear,
		.df = x->df,
		.fragment = x->fragment,
		.mss_clamp = x->mss_clamp,
		.line = x->line,
	};
	memcpy(p->name, x->name, sizeof(p->name));
}

static const struct saker_policy *
add_policy(struct saker_snapshot *s, const struct saker_way *w, uint16_t clear)
{
	struct saker_cfg_policy *cfg = &s->way_cfg[s->n_all - s->n_policies];
	struct saker_policy *p = &s->policies[s->n_all];

	fill_cfg(cfg, w, clear);
	p->cfg = cfg;
	p->index = (uint16_t)s->n_all++;
	p->action = SAKER_ACTION_PROTECT;
	p->way = w;
	p->carries = clear > 0;
	return p;
}

int
saker_ways_lay_out(const struct saker_config *c, struct saker_snapshot *s)
{
	s->ways = calloc(2 * c->n_proxies + 1u, sizeof(*s->ways));
	s->way_cfg = calloc(saker_ways_policies(c) + 1, sizeof(*s->way_cfg));
	if (s->ways == NULL || s->way_cfg == NULL)
		return -ENOMEM;
	list_ways(c, s);
	for (unsigned int i = 0; i < s->n_ways; i++) {
		struct saker_way *w = &s->ways[i];

		w->shut = add_policy(s, w, 0);
		if (w->most_clear > w->front_clear)
			w->open = add_policy(s, w, w->most_clear);
	}
	return 0;
}

/* The rules of a group are policies too, for those who make classifiers of them. */
static int
build_classifiers(struct saker_ways *ways, const struct saker_config *rules, const char *name,
	unsigned int group)
{
	char unique[32];
	int ret;

	snprintf(unique, sizeof(unique), "%s-4-%u", name, group);
	ret = saker_classifier_build(rules, 4, unique, &ways->classify4);
	if (ret != 0)
		return ret;
	snprintf(unique, sizeof(unique), "%s-6-%u", name, group);
	return saker_classifier_build(rules, 6, unique, &ways->classify6);
}

static int
fill_ways(const struct saker_snapshot *s, const struct saker_group *g, struct saker_ways *ways,
	struct saker_config *rules)
{
	ways->way = calloc(s->n_ways, sizeof(*ways->way));
	rules->policies = calloc(s->n_ways, sizeof(*rules->policies));
	if (ways->way == NULL || rules->policies == NULL)
		return -ENOMEM;
	for (unsigned int i = 0; i < s->n_ways; i++) {
		if (s->ways[i].from != g)
			continue;
		rules->policies[rules->n_policies] = *s->ways[i].shut->cfg;
		ways->way[rules->n_policies++] = &s->ways[i];
	}
	return 0;
}

static int
classify_group(const struct saker_snapshot *s, struct saker_group *g, const char *name)
{
	struct saker_config rules = { 0 };
	int ret;

	g->ways = calloc(1, sizeof(*g->ways));
	if (g->ways == NULL)
		return -ENOMEM;
	ret = fill_ways(s, g, g->ways, &rules);
	if (ret == 0)
		ret = build_classifiers(g->ways, &rules, name, g->index);
	free(rules.policies);
	return ret;
}

int
saker_ways_classify(struct saker_snapshot *s, const char *name)
{
	int ret = 0;

	for (unsigned int i = 0; i < s->n_ways && ret == 0; i++) {
		struct saker_group *g = &s->groups[s->ways[i].from->index];

		if (g->ways == NULL)
			ret = classify_group(s, g, name);
	}
	return ret;
}

static void
free_ways(struct saker_ways *ways)
{
	if (ways == NULL)
		return;
	saker_classifier_free(&ways->classify4);
	saker_classifier_free(&ways->classify6);
	free(ways->way);
	free(ways);
}

void
saker_ways_free(struct saker_snapshot *s)
{
	for (unsigned int i = 0; i < s->n_groups && s->groups != NULL; i++)
		free_ways(s->groups[i].ways);
	free(s->ways);
	free(s->way_cfg);
}
