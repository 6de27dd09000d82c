/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_PORTS_H
#define SAKER_PORTS_H

/**
 * @file
 * Ethernet devices: find, configure, start, stop.
 *
 * Threads: the main lcore only.
 */

#include "gateway.h"

/** Octets of one packet buffer of a port: its MTU, and headers, padding and ICV to come. */
static inline uint32_t
saker_port_buffer_size(const struct saker_cfg_port *cfg)
{
	uint32_t room = RTE_PKTMBUF_HEADROOM + cfg->mtu + 576u;

	return RTE_MAX(RTE_ALIGN(room, 64u), (uint32_t)RTE_MBUF_DEFAULT_BUF_SIZE);
}

/**
 * Find and configure every port of the configuration: queues for the workers, buffers.
 * @return 0, or -EINVAL: faults were added
 */
int saker_ports_init(struct saker_gateway *g, struct saker_faults *faults);

/** Start all ports. @return 0 or -errno: the reason was printed to stderr. */
int saker_ports_start(struct saker_gateway *g);

/** Stop all ports that run. */
void saker_ports_stop(struct saker_gateway *g);

/** Close all ports: they give back the buffers that they hold, of their own and of workers. */
void saker_ports_close(struct saker_gateway *g);

/** Close all ports and free their buffers. */
void saker_ports_fini(struct saker_gateway *g);

/**
 * The port of a link: SAKER_INBOUND, the cipher port, or the first of two; SAKER_OUTBOUND, the
 * clear port, or the second cipher port where there is none. What leaves in a direction leaves by
 * the other link's port.
 */
struct saker_port *saker_port_of_link(struct saker_gateway *g, unsigned int link);

/** The first port of a role, NULL: none. */
struct saker_port *saker_port_of_role(struct saker_gateway *g, enum saker_port_role role);

#endif
