/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "ports.h"

#include <errno.h>
#include <stdlib.h>

#include <rte_dev.h>
#include <rte_devargs.h>
#include <rte_ethdev.h>

#include "neighbours.h"

#define RX_DESCRIPTORS 1024
#define TX_DESCRIPTORS 1024
#define POOL_CACHE     256

static int
find_device(struct saker_port *p, const struct saker_config *c, struct saker_faults *faults)
{
	if (rte_eth_dev_get_port_by_name(p->cfg->device, &p->id) == 0)
		return 0;
	saker_fault(faults, c->file, p->cfg->line,
		"port %s: there is no device %s; name it to EAL with --vdev=%s,... or bind it to a "
		"DPDK driver",
		p->cfg->name, p->cfg->device, p->cfg->device);
	return -EINVAL;
}

/* A capture file is a queue of its own, and all of them are to be read. */
static uint16_t
choose_rx_queues(
	const struct saker_port *p, const struct rte_eth_dev_info *info, unsigned int workers)
{
	uint16_t want = (uint16_t)workers;

	if (p->cfg->rx_queues > 0)
		want = p->cfg->rx_queues;
	else if (strcmp(info->driver_name, "net_pcap") == 0)
		want = info->max_rx_queues;
	return RTE_MIN(want, info->max_rx_queues);
}

/* net_af_packet refuses buffers that are smaller than the frames of its ring, whatever the MTU. */
static uint32_t
ring_frame(const struct rte_eth_dev_info *info)
{
	const struct rte_devargs *given = rte_dev_devargs(info->device);
	const char *at = given == NULL || given->args == NULL ? NULL
							      : strstr(given->args, "framesz=");

	if (at == NULL || strcmp(info->driver_name, "net_af_packet") != 0)
		return 0;
	return (uint32_t)strtoul(at + strlen("framesz="), NULL, 10);
}

static int
create_pool(struct saker_port *p, const struct saker_config *c, const struct rte_eth_dev_info *info,
	struct saker_faults *faults)
{
	uint32_t room = RTE_MAX(saker_port_buffer_size(p->cfg),
		RTE_MIN(ring_frame(info) + RTE_PKTMBUF_HEADROOM, (uint32_t)UINT16_MAX));
	char name[RTE_MEMPOOL_NAMESIZE];

	snprintf(name, sizeof(name), "saker-port-%u", p->id);
	p->pool = rte_pktmbuf_pool_create(name, c->gateway.mbufs, POOL_CACHE, 0, (uint16_t)room,
		rte_eth_dev_socket_id(p->id));
	if (p->pool != NULL)
		return 0;
	saker_fault(faults, c->file, p->cfg->line,
		"port %s: no memory for %u packet buffers of %u octets; give EAL more with -m, or "
		"lower gateway.mbufs",
		p->cfg->name, c->gateway.mbufs, room);
	return -EINVAL;
}

static int
setup_queues(struct saker_port *p, const struct rte_eth_dev_info *info)
{
	uint16_t rxd = RX_DESCRIPTORS, txd = TX_DESCRIPTORS;
	int socket = rte_eth_dev_socket_id(p->id), ret;
	struct rte_eth_rxconf rxconf = info->default_rxconf;
	struct rte_eth_txconf txconf = info->default_txconf;

	ret = rte_eth_dev_adjust_nb_rx_tx_desc(p->id, &rxd, &txd);
	for (uint16_t q = 0; q < p->n_rxq && ret == 0; q++)
		ret = rte_eth_rx_queue_setup(p->id, q, rxd, (unsigned int)socket, &rxconf, p->pool);
	for (uint16_t q = 0; q < p->n_txq && ret == 0; q++)
		ret = rte_eth_tx_queue_setup(p->id, q, txd, (unsigned int)socket, &txconf);
	return ret;
}

/* Longest IP packet that a device says it takes. */
static uint32_t
device_mtu(const struct rte_eth_dev_info *info)
{
	uint32_t beside = RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN;

	if (info->max_mtu != UINT16_MAX && info->max_rx_pktlen > info->max_mtu)
		beside = info->max_rx_pktlen - info->max_mtu;
	return RTE_MIN(info->max_rx_pktlen - beside, (uint32_t)info->max_mtu);
}

/* What af_packet says is for show: its frames are as long as its ring's (framesz). */
static bool
mtu_fits(const struct saker_port *p, const struct rte_eth_dev_info *info)
{
	return p->cfg->mtu <= device_mtu(info) || strcmp(info->driver_name, "net_af_packet") == 0;
}

static int
configure(struct saker_port *p, const struct rte_eth_dev_info *info, bool interrupts)
{
	struct rte_eth_conf conf = { .rxmode.mtu = RTE_MIN(p->cfg->mtu, device_mtu(info)) };
	int ret;

	if (p->n_rxq > 1 && info->flow_type_rss_offloads != 0) {
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf.rx_adv_conf.rss_conf.rss_hf = (RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP |
							   RTE_ETH_RSS_TCP) &
						   info->flow_type_rss_offloads;
	}
	conf.intr_conf.rxq = interrupts;
	ret = rte_eth_dev_configure(p->id, p->n_rxq, p->n_txq, &conf);
	if (ret == 0)
		ret = setup_queues(p, info);
	if (ret == 0)
		ret = rte_eth_macaddr_get(p->id, &p->mac);
	return ret;
}

static int
create_locks(struct saker_port *p, unsigned int workers)
{
	if (p->n_txq == 0 || p->n_txq >= workers)
		return 0;
	p->locks = calloc(p->n_txq, sizeof(*p->locks));
	if (p->locks == NULL)
		return -ENOMEM;
	for (uint16_t q = 0; q < p->n_txq; q++)
		rte_spinlock_init(&p->locks[q]);
	return 0;
}

static int
init_port(struct saker_gateway *g, struct saker_port *p, struct saker_faults *faults)
{
	bool sleeps = g->config->gateway.idle == SAKER_IDLE_SLEEP;
	struct rte_eth_dev_info info;
	int ret = rte_eth_dev_info_get(p->id, &info);

	if (ret == 0 && !mtu_fits(p, &info)) {
		saker_fault(faults, g->config->file, p->cfg->line,
			"port %s: device %s carries packets of %u octets at most; lower mtu",
			p->cfg->name, p->cfg->device, device_mtu(&info));
		return -EINVAL;
	}
	if (ret == 0 && create_pool(p, g->config, &info, faults) != 0)
		return -EINVAL;
	if (ret == 0) {
		p->n_rxq = choose_rx_queues(p, &info, g->n_workers);
		p->n_txq = (uint16_t)RTE_MIN(g->n_workers, (unsigned int)info.max_tx_queues);
		ret = configure(p, &info, sleeps);
		if (ret != 0 && sleeps)
			ret = configure(p, &info, false);
	}
	if (ret == 0)
		ret = create_locks(p, g->n_workers);
	if (ret == 0 && !p->cfg->has_next_hop && strcmp(info.driver_name, "net_pcap") == 0)
		saker_warning(faults, g->config->file, p->cfg->line,
			"port %s: in a capture nobody answers ARP or neighbour discovery; give "
			"next_hop_mac, unless device %s is a live interface",
			p->cfg->name, p->cfg->device);
	if (ret == 0)
		return 0;
	saker_fault(faults, g->config->file, p->cfg->line,
		"port %s: device %s refused %u receive and %u transmit queues at MTU %u: %s",
		p->cfg->name, p->cfg->device, p->n_rxq, p->n_txq, p->cfg->mtu, strerror(-ret));
	return -EINVAL;
}

int
saker_ports_init(struct saker_gateway *g, struct saker_faults *faults)
{
	int ret = 0;

	g->n_ports = g->config->n_ports;
	g->ports = calloc(g->n_ports, sizeof(*g->ports));
	if (g->ports == NULL)
		return -ENOMEM;
	for (unsigned int i = 0; i < g->n_ports; i++) {
		g->ports[i].cfg = &g->config->ports[i];
		g->ports[i].id = RTE_MAX_ETHPORTS;
		if (find_device(&g->ports[i], g->config, faults) != 0)
			ret = -EINVAL;
	}
	for (unsigned int i = 0; i < g->n_ports && ret == 0; i++)
		ret = init_port(g, &g->ports[i], faults);
	return ret;
}

/* Neighbour discovery comes to groups. A device that can't take all groups takes everything; one
 * that can't filter is fine too.
 */
static void
hear(const struct saker_port *p)
{
	if (saker_port_takes_all(p) || rte_eth_allmulticast_enable(p->id) != 0)
		(void)rte_eth_promiscuous_enable(p->id);
}

int
saker_ports_start(struct saker_gateway *g)
{
	for (unsigned int i = 0; i < g->n_ports; i++) {
		struct saker_port *p = &g->ports[i];
		int ret = rte_eth_dev_start(p->id);

		if (ret != 0) {
			fprintf(stderr, "saker: port %s did not start: %s\n", p->cfg->name,
				strerror(-ret));
			return ret;
		}
		p->started = true;
		hear(p);
	}
	return 0;
}

void
saker_ports_stop(struct saker_gateway *g)
{
	for (unsigned int i = 0; i < g->n_ports; i++) {
		if (!g->ports[i].started)
			continue;
		rte_eth_dev_stop(g->ports[i].id);
		g->ports[i].started = false;
	}
}

void
saker_ports_close(struct saker_gateway *g)
{
	saker_ports_stop(g);
	for (unsigned int i = 0; i < g->n_ports; i++) {
		struct saker_port *p = &g->ports[i];

		if (p->pool != NULL && !p->closed)
			rte_eth_dev_close(p->id);
		p->closed = true;
	}
}

void
saker_ports_fini(struct saker_gateway *g)
{
	saker_ports_close(g);
	for (unsigned int i = 0; i < g->n_ports; i++) {
		struct saker_port *p = &g->ports[i];

		rte_mempool_free(p->pool);
		free(p->locks);
	}
	free(g->ports);
	g->ports = NULL;
	g->n_ports = 0;
}

struct saker_port *
saker_port_of_role(struct saker_gateway *g, enum saker_port_role role)
{
	for (unsigned int i = 0; i < g->n_ports; i++)
		if (g->ports[i].cfg->role == role)
			return &g->ports[i];
	return NULL;
}

struct saker_port *
saker_port_of_link(struct saker_gateway *g, unsigned int link)
{
	struct saker_port *p = saker_port_of_role(g, SAKER_PORT_CIPHER);

	if (link == SAKER_INBOUND)
		return p;
	for (unsigned int i = 0; i < g->n_ports; i++)
		if (&g->ports[i] != p)
			return &g->ports[i];
	return NULL;
}
