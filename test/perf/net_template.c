/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/*
 * A port that makes packets: copies of the frames of a capture, each with an IPv4 destination
 * drawn at random from the first `flows` addresses behind the one in the capture.
 *
 * A capture that holds a packet for each of 100000 flows is larger than any cache, and a
 * benchmark that replays it measures the memory that it lies in. This port costs the same for
 * one flow and for many. scripts/bench-peers builds it against the DPDK source package, whose
 * driver headers no other package has, and loads it into saker and into what saker is compared
 * with: --vdev=net_template0,pcap=FILE,flows=N. What is sent to it is dropped.
 */

#include <errno.h>
#include <pcap/pcap.h>

#include <bus_vdev_driver.h>
#include <ethdev_driver.h>
#include <ethdev_vdev.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_kvargs.h>
#include <rte_malloc.h>
#include <rte_memcpy.h>

#define TEMPLATES 64
#define FRAME_MAX 2048
#define DST_AT    (RTE_ETHER_HDR_LEN + offsetof(struct rte_ipv4_hdr, dst_addr))
#define SUM_AT    (RTE_ETHER_HDR_LEN + offsetof(struct rte_ipv4_hdr, hdr_checksum))

struct template
{
	uint8_t frame[FRAME_MAX] __rte_aligned(64);
	uint16_t len;
	uint32_t dst; /* host order */
	uint32_t sum; /* of the header, less checksum and destination */
};

struct port {
	struct rte_mempool *pool;
	uint64_t random, sent, received;
	uint32_t flows;
	unsigned int n, next;
	uint16_t id;
	struct template t[TEMPLATES];
};

static const char *const keys[] = { "pcap", "flows", NULL };

static void
give_destination(struct port *p, const struct template *t, uint8_t *frame)
{
	uint32_t dst, sum;
	rte_be32_t wire;
	rte_be16_t check;

	p->random ^= p->random << 13;
	p->random ^= p->random >> 7;
	p->random ^= p->random << 17;
	dst = t->dst + (uint32_t)((p->random >> 32) * p->flows >> 32);
	sum = t->sum + (dst >> 16) + (dst & 0xffff);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	check = rte_cpu_to_be_16((uint16_t)~sum);
	wire = rte_cpu_to_be_32(dst);
	memcpy(frame + DST_AT, &wire, sizeof(wire));
	memcpy(frame + SUM_AT, &check, sizeof(check));
}

static uint16_t
give(void *queue, struct rte_mbuf **m, uint16_t n)
{
	struct port *p = queue;

	if (rte_pktmbuf_alloc_bulk(p->pool, m, n) != 0)
		return 0;
	for (uint16_t i = 0; i < n; i++) {
		const struct template *t = &p->t[p->next++ % p->n];
		uint8_t *frame = rte_pktmbuf_mtod(m[i], uint8_t *);

		rte_memcpy(frame, t->frame, t->len);
		give_destination(p, t, frame);
		m[i]->data_len = t->len;
		m[i]->pkt_len = t->len;
		m[i]->port = p->id;
	}
	p->received += n;
	return n;
}

static uint16_t
take(void *queue, struct rte_mbuf **m, uint16_t n)
{
	struct port *p = queue;

	rte_pktmbuf_free_bulk(m, n);
	p->sent += n;
	return n;
}

static int
configure(struct rte_eth_dev *dev __rte_unused)
{
	return 0;
}

static int
start(struct rte_eth_dev *dev)
{
	dev->data->dev_link.link_status = RTE_ETH_LINK_UP;
	return 0;
}

static int
stop(struct rte_eth_dev *dev)
{
	dev->data->dev_link.link_status = RTE_ETH_LINK_DOWN;
	return 0;
}

static int
info(struct rte_eth_dev *dev __rte_unused, struct rte_eth_dev_info *i)
{
	i->max_mac_addrs = 1;
	i->max_rx_pktlen = UINT32_MAX;
	i->max_rx_queues = 1;
	i->max_tx_queues = 1;
	return 0;
}

static int
link_update(struct rte_eth_dev *dev __rte_unused, int wait __rte_unused)
{
	return 0;
}

static int
promiscuous(struct rte_eth_dev *dev __rte_unused)
{
	return 0;
}

static int
rx_setup(struct rte_eth_dev *dev, uint16_t q, uint16_t n __rte_unused,
	unsigned int socket __rte_unused, const struct rte_eth_rxconf *conf __rte_unused,
	struct rte_mempool *pool)
{
	struct port *p = dev->data->dev_private;

	p->pool = pool;
	p->id = dev->data->port_id;
	dev->data->rx_queues[q] = p;
	return 0;
}

static int
tx_setup(struct rte_eth_dev *dev, uint16_t q, uint16_t n __rte_unused,
	unsigned int socket __rte_unused, const struct rte_eth_txconf *conf __rte_unused)
{
	dev->data->tx_queues[q] = dev->data->dev_private;
	return 0;
}

static int
stats(struct rte_eth_dev *dev, struct rte_eth_stats *s)
{
	const struct port *p = dev->data->dev_private;

	s->ipackets = p->received;
	s->opackets = p->sent;
	return 0;
}

static int
close_port(struct rte_eth_dev *dev)
{
	/* The address was made with the port's memory, and goes with it. */
	dev->data->mac_addrs = NULL;
	return 0;
}

static int
set_mtu(struct rte_eth_dev *dev __rte_unused, uint16_t mtu __rte_unused)
{
	return 0;
}

static const struct eth_dev_ops ops = {
	.dev_configure = configure,
	.dev_start = start,
	.dev_stop = stop,
	.dev_close = close_port,
	.dev_infos_get = info,
	.link_update = link_update,
	.promiscuous_enable = promiscuous,
	.promiscuous_disable = promiscuous,
	.allmulticast_enable = promiscuous,
	.rx_queue_setup = rx_setup,
	.tx_queue_setup = tx_setup,
	.stats_get = stats,
	.mtu_set = set_mtu,
};

static void
add_template(struct port *p, const uint8_t *frame, uint32_t len)
{
	struct template *t = &p->t[p->n];
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(t->frame + RTE_ETHER_HDR_LEN);

	if (p->n == TEMPLATES || len > FRAME_MAX || len < RTE_ETHER_HDR_LEN + sizeof(*ip))
		return;
	memcpy(t->frame, frame, len);
	t->len = (uint16_t)len;
	t->dst = rte_be_to_cpu_32(ip->dst_addr);
	ip->dst_addr = 0;
	ip->hdr_checksum = 0;
	t->sum = rte_be_to_cpu_16(rte_raw_cksum(ip, sizeof(*ip)));
	p->n++;
}

static int
read_pcap(const char *key __rte_unused, const char *file, void *arg)
{
	char error[PCAP_ERRBUF_SIZE];
	pcap_t *pcap = pcap_open_offline(file, error);
	struct pcap_pkthdr *header;
	struct port *p = arg;
	const uint8_t *frame;

	if (pcap == NULL)
		return -ENOENT;
	while (pcap_next_ex(pcap, &header, &frame) == 1)
		add_template(p, frame, header->caplen);
	pcap_close(pcap);
	return p->n > 0 ? 0 : -EINVAL;
}

static int
read_flows(const char *key __rte_unused, const char *text, void *arg)
{
	struct port *p = arg;

	p->flows = (uint32_t)strtoul(text, NULL, 10);
	return p->flows > 0 ? 0 : -EINVAL;
}

static int
read_args(struct rte_vdev_device *vdev, struct port *p)
{
	struct rte_kvargs *args = rte_kvargs_parse(rte_vdev_device_args(vdev), keys);
	int ret;

	if (args == NULL)
		return -EINVAL;
	p->flows = 1;
	p->random = 88172645463325252u;
	ret = rte_kvargs_process(args, "pcap", read_pcap, p);
	if (ret == 0)
		ret = rte_kvargs_process(args, "flows", read_flows, p);
	rte_kvargs_free(args);
	return ret != 0 || p->n == 0 ? -EINVAL : 0;
}

static int
probe(struct rte_vdev_device *vdev)
{
	static struct rte_ether_addr mac = { .addr_bytes = { 2, 0, 0, 0, 0, 1 } };
	struct rte_eth_dev *dev = rte_eth_vdev_allocate(vdev, sizeof(struct port));

	if (dev == NULL)
		return -ENOMEM;
	if (read_args(vdev, dev->data->dev_private) != 0) {
		rte_eth_dev_release_port(dev);
		return -EINVAL;
	}
	dev->data->mac_addrs = &mac;
	dev->data->nb_rx_queues = 1;
	dev->data->nb_tx_queues = 1;
	dev->data->dev_link.link_speed = RTE_ETH_SPEED_NUM_100G;
	dev->data->dev_link.link_duplex = RTE_ETH_LINK_FULL_DUPLEX;
	dev->data->promiscuous = 1;
	dev->dev_ops = &ops;
	dev->rx_pkt_burst = give;
	dev->tx_pkt_burst = take;
	rte_eth_dev_probing_finish(dev);
	return 0;
}

static int
remove_port(struct rte_vdev_device *vdev)
{
	struct rte_eth_dev *dev = rte_eth_dev_allocated(rte_vdev_device_name(vdev));

	return dev == NULL ? 0 : rte_eth_dev_release_port(dev);
}

static struct rte_vdev_driver net_template = {
	.probe = probe,
	.remove = remove_port,
};

RTE_PMD_REGISTER_VDEV(net_template, net_template);
RTE_PMD_REGISTER_PARAM_STRING(net_template, "pcap=<file> flows=<number>");
