/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "show.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ethdev.h>

#include "show_parts.h"

/** One of the tables of ports. */
struct view {
	const char *name;
	const char *title;
	const struct saker_column *columns;
	unsigned int n;
	void (*rows)(struct saker_report *r, const struct saker_port *p, bool all);
};

static void
mac_cell(struct saker_report *r, const uint8_t mac[6])
{
	saker_report_text(
		r, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

static void
link_cells(struct saker_report *r, const struct saker_port *p)
{
	struct rte_eth_link link;

	if (rte_eth_link_get_nowait(p->id, &link) != 0) {
		saker_report_none(r);
		saker_report_none(r);
		return;
	}
	saker_report_text(r, "%s", link.link_status == RTE_ETH_LINK_UP ? "up" : "down");
	if (link.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN)
		saker_report_none(r);
	else
		saker_report_u64(r, link.link_speed);
}

static const char *
driver_name(const struct saker_port *p)
{
	struct rte_eth_dev_info info;

	return rte_eth_dev_info_get(p->id, &info) == 0 ? info.driver_name : "?";
}

static const struct saker_column info_columns[] = {
	{ "name", 'l' },
	{ "device", 'l' },
	{ "role", 'l' },
	{ "number", 'r' },
	{ "driver", 'l' },
	{ "mac", 'l' },
	{ "mtu", 'r' },
	{ "link", 'l' },
	{ "speed_mbps", 'r' },
	{ "rx_queues", 'r' },
	{ "tx_queues", 'r' },
	{ "next_hop_mac", 'l' },
	{ "steer", 'l' },
};

static void
info_rows(struct saker_report *r, const struct saker_port *p, bool all)
{
	uint16_t mtu = p->cfg->mtu;

	(void)all;
	rte_eth_dev_get_mtu(p->id, &mtu);
	saker_report_text(r, "%s", p->cfg->name);
	saker_report_text(r, "%s", p->cfg->device);
	saker_report_text(r, "%s", p->cfg->role == SAKER_PORT_CLEAR ? "clear" : "cipher");
	saker_report_u64(r, p->id);
	saker_report_text(r, "%s", driver_name(p));
	mac_cell(r, p->mac.addr_bytes);
	saker_report_u64(r, mtu);
	link_cells(r, p);
	saker_report_u64(r, p->n_rxq);
	saker_report_u64(r, p->n_txq);
	if (p->cfg->has_next_hop)
		mac_cell(r, p->cfg->next_hop_mac);
	else
		saker_report_none(r);
	if (p->steer != NULL)
		saker_report_text(r, "%s", p->steer);
	else
		saker_report_none(r);
}

static const struct saker_column stats_columns[] = {
	{ "name", 'l' },
	{ "rx_packets", 'r' },
	{ "rx_octets", 'r' },
	{ "rx_missed", 'r' },
	{ "rx_errors", 'r' },
	{ "rx_nombuf", 'r' },
	{ "tx_packets", 'r' },
	{ "tx_octets", 'r' },
	{ "tx_errors", 'r' },
};

static void
stats_rows(struct saker_report *r, const struct saker_port *p, bool all)
{
	struct rte_eth_stats s;
	bool known = rte_eth_stats_get(p->id, &s) == 0;
	const uint64_t *const cells[] = { &s.ipackets, &s.ibytes, &s.imissed, &s.ierrors,
		&s.rx_nombuf, &s.opackets, &s.obytes, &s.oerrors };

	(void)all;
	saker_report_text(r, "%s", p->cfg->name);
	for (unsigned int i = 0; i < RTE_DIM(cells); i++)
		if (known)
			saker_report_u64(r, *cells[i]);
		else
			saker_report_none(r);
}

static const struct saker_column xstats_columns[] = {
	{ "port", 'l' },
	{ "name", 'l' },
	{ "value", 'r' },
};

/* @return how many there are, 0 if the driver has none or fails */
static unsigned int
xstats_read(uint16_t port, struct rte_eth_xstat_name **name, struct rte_eth_xstat **value)
{
	int n = rte_eth_xstats_get_names(port, NULL, 0);
	unsigned int room = n > 0 ? (unsigned int)n : 1;

	*name = calloc(room, sizeof(**name));
	*value = calloc(room, sizeof(**value));
	if (n <= 0 || *name == NULL || *value == NULL)
		return 0;
	if (rte_eth_xstats_get_names(port, *name, room) != n ||
		rte_eth_xstats_get(port, *value, room) != n)
		return 0;
	return room;
}

static void
xstats_rows(struct saker_report *r, const struct saker_port *p, bool all)
{
	struct rte_eth_xstat_name *name;
	struct rte_eth_xstat *value;
	unsigned int n = xstats_read(p->id, &name, &value);

	for (unsigned int i = 0; i < n; i++) {
		if (value[i].value == 0 && !all)
			continue;
		saker_report_text(r, "%s", p->cfg->name);
		saker_report_text(r, "%s", name[value[i].id].name);
		saker_report_u64(r, value[i].value);
	}
	free(name);
	free(value);
}

static const struct view views[] = {
	{ "info", "port_info", info_columns, RTE_DIM(info_columns), info_rows },
	{ "stats", "port_stats", stats_columns, RTE_DIM(stats_columns), stats_rows },
	{ "xstats", "port_xstats", xstats_columns, RTE_DIM(xstats_columns), xstats_rows },
};

static bool
wanted(const struct saker_port *p, const char *text)
{
	char number[8];

	if (text == NULL || strcmp(text, "all") == 0)
		return true;
	snprintf(number, sizeof(number), "%u", p->id);
	return strcmp(text, p->cfg->name) == 0 || strcmp(text, p->cfg->device) == 0 ||
	       strcmp(text, number) == 0;
}

static bool
exists(const struct saker_gateway *g, const char *port)
{
	for (unsigned int i = 0; i < g->n_ports; i++)
		if (wanted(&g->ports[i], port))
			return true;
	return port == NULL || strcmp(port, "all") == 0;
}

int
saker_show_port(
	const struct saker_gateway *g, const char *what, const char *port, struct saker_out *out)
{
	const struct view *v = views;
	struct saker_report *r;

	while (v < views + RTE_DIM(views) && strcmp(v->name, what) != 0)
		v++;
	if (v == views + RTE_DIM(views) || !exists(g, port))
		return -ENOENT;
	r = saker_report_begin(v->title, v->columns, v->n);
	for (unsigned int i = 0; i < g->n_ports; i++)
		if (wanted(&g->ports[i], port))
			v->rows(r, &g->ports[i], out->json);
	saker_report_end(r, out, v->rows == xstats_rows ? "nothing counted" : "no ports");
	return 0;
}
