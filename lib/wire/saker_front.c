/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_front.h"

bool
saker_front_init(struct saker_front *f, const struct saker_outer *o, const struct saker_tmpl *t)
{
	unsigned int len = o->len + t->len;

	if (len > SAKER_FRONT_MAX || t->payload_info)
		return false;
	memset(f, 0, sizeof(*f));
	f->shape = (struct saker_front_shape){
		.len = (uint8_t)len,
		.eesp_len = (uint8_t)t->len,
		.family = o->family,
		.udp_dst = o->udp ? saker_load_be16(o->octets + o->len - SAKER_UDP_HEADER + 2) : 0,
		.df = o->df,
		.source_len = saker_eesp_source_len[t->octets[t->context_at] >> 4],
		.sum = o->sum,
	};
	memcpy(f->octets + SAKER_FRONT_MAX - len, o->octets, o->len);
	memcpy(f->octets + SAKER_FRONT_MAX - t->len, t->octets, t->len);
	return true;
}
