/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <stddef.h>

#include "saker_config_internal.h"

static const struct saker_cfg_word direction_words[] = { { "one-way", SAKER_PROXY_ONE_WAY },
	{ "both", SAKER_PROXY_BOTH }, { NULL, 0 } };

#define X(member_)                                                                                 \
	.offset = offsetof(struct saker_cfg_proxy, member_),                                       \
	.size = sizeof(((struct saker_cfg_proxy *)0)->member_)
#define BOTH_ONLY .only = { "direction", "both" }

const struct saker_cfg_field saker_cfg_proxy_fields[] = {
	{ "name", SAKER_T_NAME, X(name), .def_help = "`proxy-1`, by its place in the list",
		.help = "Its name: up to 31 printable characters, unique within the section." },
	{ "from", SAKER_T_REF, SAKER_F_REQUIRED, X(from), .refers = SAKER_SEC_GROUPS,
		.help = "Trust group under which packets are opened." },
	{ "to", SAKER_T_REF, SAKER_F_REQUIRED, X(to), .refers = SAKER_SEC_GROUPS,
		.help = "Trust group under which they are sealed again." },
	{ "direction", SAKER_T_WORD, X(direction), .def = "one-way", .words = direction_words,
		.help = "Whether packets also come back from `to` to `from`, with source and "
			"destination exchanged." },
	{ "local", SAKER_T_IP, X(local),
		.def_help = "the cipher port's address of the family of `peer`",
		.help = "Outer source address under `to`." },
	{ "peer", SAKER_T_IP, SAKER_F_REQUIRED, X(peer),
		.help = "Outer destination address under `to`." },
	{ "back_local", SAKER_T_IP, X(back_local), BOTH_ONLY,
		.def_help = "the cipher port's address of the family of `back_peer`",
		.help = "Outer source address of what goes back, under `from`." },
	{ "back_peer", SAKER_T_IP, SAKER_F_REQUIRED, X(back_peer), BOTH_ONLY,
		.help = "Outer destination address of what goes back, under `from`." },
	{ "src", SAKER_T_PREFIX, X(src), .def = "any", .help = "Inner source addresses." },
	{ "dst", SAKER_T_PREFIX, X(dst), .def = "any", .help = "Inner destination addresses." },
	{ "proto", SAKER_T_INT, X(proto), .def = "0", .min = 0, .max = 255,
		.help = "IP protocol number; 0: any." },
	{ "sport", SAKER_T_PORTS, X(sport), .def = "0-65535", .help = "Source ports." },
	{ "dport", SAKER_T_PORTS, X(dport), .def = "0-65535", .help = "Destination ports." },
	{ "df", SAKER_T_WORD, X(df), .def = "set", .words = saker_cfg_df_words,
		.help = "Don't-fragment bit of the outer IPv4 header." },
	{ "fragment", SAKER_T_WORD, X(fragment), .def = "inner", .words = saker_cfg_fragment_words,
		.help = "What is cut of a packet that is longer than the tunnel MTU: the packet "
			"itself, if it allows that; the protected one; or nothing." },
	{ "mss_clamp", SAKER_T_BOOL, X(mss_clamp), .def = "true",
		.help = "Lower the MSS of TCP connections to what the tunnel MTU carries." },
	{ .name = NULL },
};

const char *
saker_cfg_direction_name(enum saker_proxy_direction v)
{
	return saker_cfg_word(direction_words, (int)v);
}
