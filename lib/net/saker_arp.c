/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_arp.h"

/* Hardware type Ethernet, protocol IPv4, lengths 6 and 4. */
static const uint8_t form[6] = { 0, 1, 0x08, 0, SAKER_MAC, 4 };

static void
read_ip(const uint8_t *p, struct saker_ip *ip)
{
	*ip = (struct saker_ip){ .family = 4 };
	memcpy(ip->octets, p, 4);
}

bool
saker_arp_read(const uint8_t *p, uint32_t len, struct saker_arp *a)
{
	if (len < SAKER_ARP_LEN || memcmp(p, form, sizeof(form)) != 0)
		return false;
	a->op = saker_load_be16(p + 6);
	memcpy(a->sender_mac, p + 8, SAKER_MAC);
	read_ip(p + 14, &a->sender);
	memcpy(a->target_mac, p + 18, SAKER_MAC);
	read_ip(p + 24, &a->target);
	return (a->op == SAKER_ARP_REQUEST || a->op == SAKER_ARP_REPLY) &&
	       saker_mac_is_station(a->sender_mac) && !saker_ip_is_group(&a->sender);
}

void
saker_arp_write(const struct saker_arp *a, uint8_t *p)
{
	memcpy(p, form, sizeof(form));
	saker_store_be16(p + 6, a->op);
	memcpy(p + 8, a->sender_mac, SAKER_MAC);
	memcpy(p + 14, a->sender.octets, 4);
	memcpy(p + 18, a->target_mac, SAKER_MAC);
	memcpy(p + 24, a->target.octets, 4);
}

void
saker_arp_answer(const struct saker_arp *ask, const uint8_t mac[SAKER_MAC], struct saker_arp *reply)
{
	reply->op = SAKER_ARP_REPLY;
	memcpy(reply->sender_mac, mac, SAKER_MAC);
	memcpy(reply->target_mac, ask->sender_mac, SAKER_MAC);
	reply->sender = ask->target;
	reply->target = ask->sender;
}
