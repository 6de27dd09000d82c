/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "steering.h"

#include "ports.h"

static bool
same_match(const struct saker_steer_match *a, const struct saker_steer_match *b)
{
	return a->family == b->family && a->udp == b->udp && a->udp_port == b->udp_port &&
	       a->protocol == b->protocol && a->low_at == b->low_at;
}

/* @return false: there are too many kinds */
static bool
add_match(struct saker_steer_plan *plan, const struct saker_steer_match *m)
{
	for (unsigned int i = 0; i < plan->n_matches; i++)
		if (same_match(&plan->match[i], m))
			return true;
	if (plan->n_matches == SAKER_STEER_MATCHES)
		return false;
	plan->match[plan->n_matches++] = *m;
	return true;
}

/* Both families: where tunnels end is a matter of policies, which may change. */
static bool
add_group(struct saker_steer_plan *plan, const struct saker_cfg_group *cfg)
{
	bool udp = cfg->encap == SAKER_ENCAP_UDP, good = cfg->format == saker_format_eesp.letter;

	for (uint8_t family = 4; family <= 6 && good; family += 2) {
		struct saker_steer_match m = { .family = family,
			.udp = udp,
			.udp_port = udp ? cfg->udp_port : 0,
			.protocol = udp ? 0 : cfg->protocol,
			.low_at = saker_steer_low_at(cfg->variant) };

		good = m.low_at != 0 && add_match(plan, &m);
	}
	return good;
}

/* No matches at all where one group can't be told by rules: its packets would go astray. */
static void
make_plan(struct saker_gateway *g, const struct saker_port *p, struct saker_steer_plan *plan)
{
	*plan = (struct saker_steer_plan){ .port = p->id,
		.n_queues = p->n_rxq,
		.n_workers = (uint16_t)g->n_workers,
		.mask = saker_steer_mask(g->n_workers) };
	for (unsigned int i = 0; i < g->config->n_groups; i++) {
		if (add_group(plan, &g->config->groups[i]))
			continue;
		plan->n_matches = 0;
		return;
	}
}

static void
start_driver(struct saker_gateway *g, const struct saker_steer_plan *plan)
{
	struct saker_steering *s = &g->steer;

	s->on = s->driver->start(plan, &s->state, s->why) == 0;
	if (s->on)
		s->why[0] = '\0';
}

/* The first driver that is not refused; from the named one on. */
static void
choose_driver(struct saker_gateway *g, const struct saker_steer_plan *plan)
{
	struct saker_steering *s = &g->steer;
	bool software = g->config->gateway.steer == SAKER_STEER_SOFTWARE;
	char why[SAKER_STEER_WHY] = "";

	for (const struct saker_steer_ops *const *d = saker_steer_drivers; *d != NULL && !s->on;
		d++) {
		if (software && (*d)->by_mask)
			continue;
		s->driver = *d;
		start_driver(g, plan);
		if (!s->on)
			snprintf(why, sizeof(why), "%s", s->why);
	}
	snprintf(s->why, sizeof(s->why), "%s", why);
	s->how.mask = s->driver->by_mask ? plan->mask : 0;
	if (why[0] != '\0')
		fprintf(stderr, "saker: steering by %s: %s\n", s->driver->name, why);
}

void
saker_steering_start(struct saker_gateway *g)
{
	struct saker_port *p = saker_port_of_role(g, SAKER_PORT_CIPHER);
	struct saker_steer_plan plan;

	if (g->n_workers < 2 || p == NULL)
		return;
	make_plan(g, p, &plan);
	if (g->steer.driver == NULL)
		choose_driver(g, &plan);
	else
		start_driver(g, &plan);
	p->steer = g->steer.driver->name;
}

void
saker_steering_stop(struct saker_gateway *g)
{
	const struct saker_port *p = saker_port_of_role(g, SAKER_PORT_CIPHER);

	if (g->steer.on && p != NULL)
		g->steer.driver->stop(p->id, g->steer.state);
	g->steer.on = false;
	g->steer.state = NULL;
}
