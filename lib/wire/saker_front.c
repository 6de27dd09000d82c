/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_front.h"

/* A source id of four octets stands behind four constant ones, one of eight has the place alone.
 * Without one the eight octets keep what the template has there; the SN is written over it later.
 */
static void
set_source(struct saker_front *f, const struct saker_tmpl *t)
{
	uint8_t len = saker_eesp_source_len[t->octets[t->context_at] >> 4];

	f->source_at = len == 8 ? SAKER_EESP_SOURCE : SAKER_EESP_BASE;
	memcpy(&f->context, t->octets + f->source_at, sizeof(f->context));
	f->context &= len == 8 ? 0 : len == 4 ? UINT32_MAX : UINT64_MAX;
}

bool
saker_front_init(struct saker_front *f, const struct saker_outer *o, const struct saker_tmpl *t)
{
	unsigned int len = o->len + t->len;

	if (len > SAKER_FRONT_MAX || t->payload_info)
		return false;
	memset(f, 0, sizeof(*f));
	f->len = (uint8_t)len;
	f->eesp_len = (uint8_t)t->len;
	f->family = o->family;
	f->sum = o->sum + len;
	f->df_set = o->df == SAKER_DF_SET ? SAKER_IP4_DF : 0;
	f->df_copied = o->df == SAKER_DF_COPY ? SAKER_IP4_DF : 0;
	f->has_udp = o->udp;
	if (o->udp)
		f->udp = (uint64_t)saker_load_be16(o->octets + o->len - SAKER_UDP_HEADER + 2)
				 << 32 |
			 (SAKER_UDP_HEADER + t->len) << 16;
	set_source(f, t);
	memcpy(f->octets + SAKER_FRONT_MAX - len, o->octets, o->len);
	memcpy(f->octets + SAKER_FRONT_MAX - t->len, t->octets, t->len);
	return true;
}
