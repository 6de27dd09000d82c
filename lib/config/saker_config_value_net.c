/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <ctype.h>
#include <stdlib.h>

#include "saker_config_internal.h"

/* What a port has on its link: an address that keeps its host bits, and Ethernet addresses. */

static bool
refuse(struct saker_cfg_slot *slot, const char *why)
{
	snprintf(slot->why, sizeof(slot->why), "%s", why);
	return false;
}

bool
saker_cfg_take_ifaddr(struct saker_cfg_slot *slot, const char *text)
{
	struct saker_prefix p;

	if (saker_ifaddr_from_text(text, &p) != 0 || p.ip.family != slot->field->max)
		return refuse(
			slot, slot->field->max == 4
				      ? "is not an IPv4 address; give address or address/length"
				      : "is not an IPv6 address; give address or address/length");
	*(struct saker_prefix *)slot->at = p;
	return true;
}

void
saker_cfg_show_ifaddr(const struct saker_cfg_view *v, FILE *out)
{
	const void *at = (const uint8_t *)v->object + v->field->offset;
	const struct saker_prefix *p = at;
	char text[SAKER_IP_TEXT];

	if (p->ip.family == 0)
		fputs("none", out);
	else if (p->len == (p->ip.family == 4 ? 32 : 128))
		fprintf(out, "\"%s\"", saker_ip_to_text(&p->ip, text));
	else
		fprintf(out, "\"%s\"", saker_prefix_to_text(p, text));
}

bool
saker_cfg_take_mac(struct saker_cfg_slot *slot, const char *text)
{
	static const char form[] = "xx:xx:xx:xx:xx:xx";
	uint8_t mac[6], any = 0;

	for (size_t i = 0; i < sizeof(form); i++)
		if (form[i] == 'x' ? !isxdigit((unsigned char)text[i]) : text[i] != form[i])
			return refuse(slot, "is not an Ethernet address; give six octets in hex, "
					    "such as 02:00:00:00:00:01");
	for (size_t i = 0; i < 6; i++) {
		mac[i] = (uint8_t)strtoul(text + 3 * i, NULL, 16);
		any |= mac[i];
	}
	if (any == 0)
		return refuse(slot, "is the empty Ethernet address; give the neighbour's");
	memcpy(slot->at, mac, sizeof(mac));
	return true;
}

void
saker_cfg_show_mac(const struct saker_cfg_view *v, FILE *out)
{
	static const uint8_t none[6];
	const uint8_t *m = (const uint8_t *)v->object + v->field->offset;

	if (memcmp(m, none, sizeof(none)) == 0)
		fputs("none", out);
	else
		fprintf(out, "\"%02x:%02x:%02x:%02x:%02x:%02x\"", m[0], m[1], m[2], m[3], m[4],
			m[5]);
}
