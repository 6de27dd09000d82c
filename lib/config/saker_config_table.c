/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <stddef.h>

#include "saker_config_internal.h"
#include "saker_esp.h"

#define END_OF_FIELDS                                                                              \
	{                                                                                          \
		.name = NULL                                                                       \
	}

static const struct saker_cfg_word role_words[] = { { "clear", SAKER_PORT_CLEAR },
	{ "cipher", SAKER_PORT_CIPHER }, { NULL, 0 } };
static const struct saker_cfg_word level_words[] = { { "zone", SAKER_ZONE }, { "user", SAKER_USER },
	{ "task", SAKER_TASK }, { NULL, 0 } };
static const struct saker_cfg_word format_words[] = { { "eesp", 'E' }, { "seh", 'S' },
	{ "psp", 'P' }, { "tss", 'T' }, { "eesp-subsa", 'B' }, { "esp", 'X' }, { NULL, 0 } };
static const struct saker_cfg_word variant_words[] = { { "source-id", SAKER_V_SOURCE_ID },
	{ "source-id-64", SAKER_V_SOURCE_ID_64 }, { "connection-id", SAKER_V_CONNECTION_ID },
	{ "source-ip", SAKER_V_SOURCE_IP }, { "ip-pair", SAKER_V_IP_PAIR }, { NULL, 0 } };
static const struct saker_cfg_word suite_words[] = { { "aes-256-gcm", SAKER_AES_256_GCM },
	{ "aes-128-gcm", SAKER_AES_128_GCM }, { NULL, 0 } };
static const struct saker_cfg_word combine_words[] = { { "hkdf", SAKER_HKDF }, { "xor", SAKER_XOR },
	{ NULL, 0 } };
static const struct saker_cfg_word group_role_words[] = { { "peer", SAKER_ROLE_PEER },
	{ "server", SAKER_ROLE_SERVER }, { "client", SAKER_ROLE_CLIENT }, { NULL, 0 } };
static const struct saker_cfg_word isolate_words[] = { { "flow", SAKER_ISOLATE_FLOW },
	{ "source", SAKER_ISOLATE_SOURCE }, { "prefix", SAKER_ISOLATE_PREFIX },
	{ "policy", SAKER_ISOLATE_POLICY }, { NULL, 0 } };
static const struct saker_cfg_word sn_words[] = { { "time", SAKER_SN_TIME },
	{ "counter", SAKER_SN_COUNTER }, { NULL, 0 } };
static const struct saker_cfg_word replay_words[] = { { "window", SAKER_REPLAY_WINDOW },
	{ "none", SAKER_REPLAY_NONE }, { NULL, 0 } };
static const struct saker_cfg_word expiry_words[] = { { "warn", SAKER_EXPIRY_WARN },
	{ "stop", SAKER_EXPIRY_STOP }, { NULL, 0 } };
static const struct saker_cfg_word encap_words[] = { { "udp", SAKER_ENCAP_UDP },
	{ "ip", SAKER_ENCAP_IP }, { NULL, 0 } };
static const struct saker_cfg_word sskdf_words[] = { { "none", SAKER_SSKDF_NONE },
	{ "hkdf-sha-256", SAKER_SSKDF_SHA256 }, { "hkdf-sha-384", SAKER_SSKDF_SHA384 },
	{ "hkdf-sha-512", SAKER_SSKDF_SHA512 }, { NULL, 0 } };
static const struct saker_cfg_word sn_field_words[] = { { "64-bit", false }, { "none", true },
	{ NULL, 0 } };
static const struct saker_cfg_word esp_sn_words[] = { { "32-bit sequential", SAKER_ESP_SN_32 },
	{ "partially transmitted 64-bit sequential", SAKER_ESP_SN_64 },
	{ "32-bit unspecified", SAKER_ESP_SN_UNSPECIFIED }, { NULL, 0 } };
static const struct saker_cfg_word kdf_words[] = { { "cluster", SAKER_KDF_CLUSTER },
	{ "direct", SAKER_KDF_DIRECT }, { NULL, 0 } };
static const struct saker_cfg_word iv_words[] = { { "explicit", SAKER_IV_EXPLICIT },
	{ "implicit", SAKER_IV_IMPLICIT }, { NULL, 0 } };
static const struct saker_cfg_word action_words[] = { { "protect", SAKER_ACTION_PROTECT },
	{ "bypass", SAKER_ACTION_BYPASS }, { "drop", SAKER_ACTION_DROP }, { NULL, 0 } };
static const struct saker_cfg_word mode_words[] = { { "tunnel", SAKER_MODE_TUNNEL },
	{ "transport", SAKER_MODE_TRANSPORT }, { NULL, 0 } };
const struct saker_cfg_word saker_cfg_df_words[] = { { "set", SAKER_DF_SET },
	{ "copy", SAKER_DF_COPY }, { "clear", SAKER_DF_CLEAR }, { NULL, 0 } };
static const struct saker_cfg_word source_port_words[] = { { "flow", SAKER_SOURCE_PORT_FLOW },
	{ "session", SAKER_SOURCE_PORT_SESSION }, { NULL, 0 } };
static const struct saker_cfg_word steer_words[] = { { "auto", SAKER_STEER_AUTO },
	{ "rte_flow", SAKER_STEER_RTE_FLOW }, { "software", SAKER_STEER_SOFTWARE }, { NULL, 0 } };
static const struct saker_cfg_word idle_words[] = { { "poll", SAKER_IDLE_POLL },
	{ "sleep", SAKER_IDLE_SLEEP }, { NULL, 0 } };
const struct saker_cfg_word saker_cfg_fragment_words[] = { { "inner", SAKER_FRAGMENT_INNER },
	{ "outer", SAKER_FRAGMENT_OUTER }, { "never", SAKER_FRAGMENT_NEVER }, { NULL, 0 } };

#define AT(type_, m_)       .offset = offsetof(type_, m_), .size = sizeof(((type_ *)0)->m_)
#define NAME_HELP           "Its name: up to 31 printable characters, unique within the section."
#define ONLY(field_, word_) .only = { field_, word_ }
/* Settings of formats that derive keys from what a packet holds, and of those with an SA each. */
#define BY_PACKET .formats = "ESPT"
#define BY_SOURCE .formats = "EST"
#define STATELESS .formats = "ES"
#define WINDOWED  .formats = "ESTBX"
#define BY_SA     .formats = "BX"

#define MAX_CHILD_SAS 64 /* workers that a gateway can have */

#define G(member_) AT(struct saker_cfg_gateway, member_)
static const struct saker_cfg_field gateway_fields[] = {
	{ "name", SAKER_T_NAME, G(name), .def = "saker",
		.help = "Name of this gateway, for people." },
	{ "state_dir", SAKER_T_PATH, SAKER_F_RESTART, G(state_dir), .def = "./state",
		.help = "Directory of the SN reservations. If it can't be written, nothing is sent "
			"under protection." },
	{ "driver", SAKER_T_NAME, SAKER_F_RESTART, G(driver), .def = "auto",
		.help = "Crypto driver by name; `auto`: the best that passes its self-test." },
	{ "mbufs", SAKER_T_INT, SAKER_F_RESTART, G(mbufs), .def = "16384", .min = 1024,
		.max = 4194304, .help = "Packet buffers per port." },
	{ "idle", SAKER_T_WORD, SAKER_F_RESTART, G(idle), .def = "poll", .words = idle_words,
		.help = "What workers do without packets: go on polling, or sleep for up to a "
			"millisecond, which leaves the CPU idle and delays the first packet after "
			"a silence." },
	{ "steer", SAKER_T_WORD, SAKER_F_RESTART, G(steer), .def = "auto", .words = steer_words,
		.help = "How received packets get to the worker that owns their session: by flow "
			"rules of the NIC, or from any queue over rings between workers; `auto`: "
			"by rules if the NIC takes them." },
	{ "rotate_grace_ms", SAKER_T_INT, G(rotate_grace_ms), .def = "1000", .min = 0,
		.max = 3600000,
		.help = "How long new values of a root key are accepted before they seal, so that "
			"peers can get them; the value that falls out is accepted as long." },
	{ "psp_socket", SAKER_T_PATH, SAKER_F_RESTART, G(psp_socket),
		.help = "UNIX socket that hands out SAs of PSP in lines of JSON, to the user that "
			"saker runs as, and to root." },
	{ "path_mtu", SAKER_T_BOOL, G(path_mtu), .def = "true",
		.help = "Learn the MTU of the way to a peer from ICMP errors that quote a packet "
			"sent a short while ago. Without it, `mtu` of the cipher port must be what "
			"every way carries." },
	END_OF_FIELDS,
};

#define P(member_) AT(struct saker_cfg_port, member_)
static const struct saker_cfg_field port_fields[] = {
	{ "name", SAKER_T_NAME, SAKER_F_REQUIRED, P(name), .help = NAME_HELP },
	{ "device", SAKER_T_NAME, SAKER_F_REQUIRED, P(device),
		.help = "Name of the ethdev: a PCI address, or a virtual device such as "
			"`net_pcap0`." },
	{ "role", SAKER_T_WORD, SAKER_F_REQUIRED, P(role), .words = role_words,
		.help = "Whether clear or protected packets pass there." },
	{ "address", SAKER_T_IFADDR, P(address), .min = 4, .max = 4,
		.help = "The port's own IPv4 address, where tunnels end, and the prefix of its "
			"link: `192.0.2.1/24`. It answers ARP and ping." },
	{ "address6", SAKER_T_IFADDR, P(address6), .min = 6, .max = 6,
		.help = "The port's own IPv6 address and prefix. It answers neighbour "
			"solicitations and ping." },
	{ "gateway", SAKER_T_IP, P(gateway), .min = 4, .max = 4,
		.help = "Next hop of IPv4 packets whose destination is not in the prefix of "
			"`address`. Without it the destination itself is looked for on the link." },
	{ "gateway6", SAKER_T_IP, P(gateway6), .min = 6, .max = 6,
		.help = "The same for IPv6; it may be link-local." },
	{ "vlan", SAKER_T_INT, P(vlan), .def = "0", .min = 0, .max = 4094,
		.help = "VLAN id of the tag that frames are sent with; frames of other VLANs are "
			"dropped. 0: untagged." },
	{ "mtu", SAKER_T_INT, P(mtu), .def = "1500", .min = 576, .max = 9600,
		.help = "Longest IP packet to send, octets." },
	{ "next_hop_mac", SAKER_T_MAC, P(next_hop_mac),
		.help = "Fixed Ethernet address that packets are sent to. Without it the next "
			"hop is resolved by ARP and neighbour discovery." },
	{ "promiscuous", SAKER_T_BOOL, P(promiscuous), .def = "false",
		.help = "Take frames for any Ethernet address. A port with `next_hop_mac` does "
			"so in any case." },
	{ "rx_queues", SAKER_T_INT, P(rx_queues), .def = "0", .min = 0, .max = 64,
		.help = "Receive queues; 0: one a worker, as far as the device has them." },
	END_OF_FIELDS,
};

#define K(member_) AT(struct saker_cfg_root_key, member_)
static const struct saker_cfg_field root_key_fields[] = {
	{ "name", SAKER_T_NAME, SAKER_F_REQUIRED, K(name), .help = NAME_HELP },
	{ "level", SAKER_T_WORD, SAKER_F_REQUIRED, K(level), .words = level_words,
		.help = "Level of the key." },
	{ "id", SAKER_T_HEX, SAKER_F_REQUIRED, K(id), .min = SAKER_ROOT_ID_MIN,
		.max = SAKER_ROOT_ID_MAX,
		.help = "Id of the key, a multiple of 4 octets: what Master Key options carry." },
	{ "file", SAKER_T_PATH, SAKER_F_REQUIRED, K(file),
		.help = "The root key file: mode 0600, owned by the user that saker runs as." },
	{ "max_age", SAKER_T_INT, K(max_age), .def = "0", .min = 0, .max = 100000000000,
		.help = "Seconds that a value may be current; 0: any time. They count from `since` "
			"in the key file, else from when the file was written." },
	{ "max_packets", SAKER_T_INT, K(max_packets), .def = "0", .min = 0, .max = INT64_MAX,
		.help = "Packets that this gateway may seal while a value is current; 0: any "
			"number." },
	{ "max_keys", SAKER_T_INT, K(max_keys), .def = "0", .min = 0, .max = INT64_MAX,
		.help = "Data keys that this gateway may seal with while a value is current; 0: "
			"any number." },
	{ "on_expiry", SAKER_T_WORD, K(on_expiry), .def = "warn", .words = expiry_words,
		.help = "What happens at a limit: `warn` says so, `stop` also seals nothing more "
			"with that key (`key_expired`)." },
	END_OF_FIELDS,
};

#define B(member_) AT(struct saker_cfg_binding, member_)
static const struct saker_cfg_field binding_fields[] = {
	{ "source_id", SAKER_T_HEX, B(source_id), .min = 4, .max = 8,
		.help = "The source, as long as the group's `source_id`; absent for `source-ip` "
			"and "
			"`ip-pair`." },
	{ "from", SAKER_T_IPS, SAKER_F_REQUIRED | SAKER_F_NONEMPTY, B(from),
		.help = "Outer source addresses that it may use." },
	{ "to", SAKER_T_IPS, SAKER_F_REQUIRED | SAKER_F_NONEMPTY, B(to),
		.help = "Outer destination addresses that it may send to." },
	END_OF_FIELDS,
};

static const struct saker_cfg_section binding_section = {
	.name = "addresses",
	.title = "addresses",
	.help = "Entries of `addresses` of a trust group: which outer addresses belong to a "
		"source.",
	.fields = binding_fields,
	.rules = saker_cfg_binding_rules,
	.size = sizeof(struct saker_cfg_binding),
	.line_at = offsetof(struct saker_cfg_binding, line),
	.list_at = offsetof(struct saker_cfg_group, addresses),
	.count_at = offsetof(struct saker_cfg_group, n_addresses),
	.max = 65535,
};

#define T(member_) AT(struct saker_cfg_group, member_)
static const struct saker_cfg_field group_fields[] = {
	{ "name", SAKER_T_NAME, SAKER_F_REQUIRED, T(name), .help = NAME_HELP },
	{ "spi", SAKER_T_INT, SAKER_F_REQUIRED | SAKER_F_WIDE, T(spi), .min = 1, .max = UINT32_MAX,
		.help = "Number of the group on the wire, unique." },
	{ "peer_spi", SAKER_T_INT, SAKER_F_WIDE, T(peer_spi), BY_SA, .min = 1, .max = UINT32_MAX,
		.computed = saker_cfg_default_peer_spi, .def_help = "`spi`",
		.help = "What the peer receives under; `spi` is what this gateway receives "
			"under." },
	{ "format", SAKER_T_WORD, T(format), .def = "eesp", .words = format_words,
		.help = "Packet format." },
	{ "variant", SAKER_T_WORD, T(variant), BY_SOURCE, .def = "source-id",
		.words = variant_words, .help = "What identifies the source of a packet." },
	{ "suite", SAKER_T_WORD, T(suite), .def = "aes-256-gcm", .words = suite_words,
		.help = "AEAD of the data keys." },
	{ "version", SAKER_T_INT, T(version), .formats = "P", .min = 0, .max = 3,
		.computed = saker_cfg_default_version,
		.def_help = "`0` for `aes-128-gcm`, else `1`",
		.help = "PSP version. 2 and 3 authenticate only, and are not verified against "
			"anyone." },
	{ "cookie", SAKER_T_HEX, T(cookie), .formats = "P", .min = 8, .max = 8,
		.help = "Virtualization cookie of what is sent; absent: none." },
	{ "root_keys", SAKER_T_REFS, SAKER_F_NONEMPTY, T(root_keys), .refers = SAKER_SEC_ROOT_KEYS,
		.help = "Root keys that make the master key, at most one a level; the one that "
			"this gateway seals with, where each direction has its own." },
	{ "receive_root_keys", SAKER_T_REFS, SAKER_F_REQUIRED | SAKER_F_NONEMPTY,
		T(receive_root_keys), BY_SA, .refers = SAKER_SEC_ROOT_KEYS,
		.help = "The root key that the peer seals with." },
	{ "sskdf", SAKER_T_WORD, T(sskdf), .formats = "B", .def = "hkdf-sha-256",
		.words = sskdf_words,
		.help = "How keys of Sub SAs come from the root key; `none`: there is one SA." },
	{ "sn_field", SAKER_T_WORD, T(no_sn), .formats = "B", .def = "64-bit",
		.words = sn_field_words, .help = "Whether packets carry a sequence number." },
	{ "sequence_numbers", SAKER_T_WORD, T(esp_sn), .formats = "X", .def = "32-bit sequential",
		.words = esp_sn_words,
		.help = "Sequence numbers by their names in RFC 9827. The second sends the low "
			"half, and is known as ESN." },
	{ "child_sas", SAKER_T_INT, T(child_sas), .formats = "X", .def = "0", .min = 0,
		.max = MAX_CHILD_SAS,
		.help = "SAs beside the fallback SA, each for one lcore that seals (RFC 9611); "
			"lcores without one give their packets to the one that owns the fallback "
			"SA." },
	{ "accept_child_sas", SAKER_T_INT, T(accept_child_sas), .formats = "X", .min = 0,
		.max = MAX_CHILD_SAS, .computed = saker_cfg_default_accept_child_sas,
		.def_help = "`child_sas`", .help = "The same of the peer." },
	{ "iv", SAKER_T_WORD, T(iv), BY_SA, .def = "explicit", .words = iv_words,
		.help = "Whether packets carry an IV, or the sequence number is the IV." },
	{ "iv_in_aad", SAKER_T_BOOL, T(iv_in_aad), .formats = "B", .def = "true",
		.help = "Whether an IV that is sent is authenticated as part of the header too." },
	{ "combine", SAKER_T_WORD, T(combine), STATELESS, .def = "hkdf", .words = combine_words,
		.help = "How root keys become the master key." },
	{ "role", SAKER_T_WORD, T(role), BY_PACKET, .def = "peer", .words = group_role_words,
		.help = "Part of this gateway in the group." },
	{ "kdf", SAKER_T_WORD, T(kdf), .formats = "T", .def = "cluster", .words = kdf_words,
		ONLY("role", "peer"),
		.help = "Whether each source has keys of its own (`cluster`), or the root key is "
			"the "
			"data key of all (`direct`)." },
	{ "source_id", SAKER_T_HEX, T(source_id), BY_SOURCE, .min = 4, .max = 8,
		.help = "Id of this gateway, unique per engine in the group: 4 octets for "
			"`source-id` and `connection-id` (the device half), 8 for `source-id-64`, "
			"absent for `source-ip` and `ip-pair`." },
	{ "isolate", SAKER_T_WORD, SAKER_F_LENIENT, T(isolate), STATELESS, .def = "flow",
		.words = isolate_words, ONLY("variant", "connection-id"),
		.help = "How the flow half of a connection id is chosen, and so what shares a data "
			"key: an inner flow, a source address, a source prefix, or all of a "
			"policy." },
	{ "isolate_prefix", SAKER_T_INT, SAKER_F_LENIENT, T(isolate_prefix), BY_SOURCE, .def = "24",
		.min = 1, .max = 32, ONLY("isolate", "prefix"),
		.help = "Length of the prefix that an inner IPv4 source address counts by." },
	{ "isolate_prefix6", SAKER_T_INT, SAKER_F_LENIENT, T(isolate_prefix6), BY_SOURCE,
		.def = "64", .min = 1, .max = 128, ONLY("isolate", "prefix"),
		.help = "The same for IPv6." },
	{ "session_first", SAKER_T_INT, T(session_first), .formats = "EB", .def = "0", .min = 0,
		.max = 65535, .help = "First session id that is used, and accepted." },
	{ "sessions", SAKER_T_INT, T(sessions), .formats = "EB", .def = "64", .min = 1,
		.max = 65536,
		.help = "How many session ids there are; one per lcore and QoS class." },
	{ "accept_first", SAKER_T_INT, T(accept_first), .formats = "EB", .min = 0, .max = 65535,
		.computed = saker_cfg_default_accept_first, .def_help = "`session_first`",
		.help = "First session id that is accepted, where that is another range: in a pool "
			"of servers." },
	{ "accept_sessions", SAKER_T_INT, T(accept_sessions), .formats = "EB", .min = 1,
		.max = 65536, .computed = saker_cfg_default_accept_sessions,
		.def_help = "`sessions`", .help = "How many session ids are accepted." },
	{ "qos_classes", SAKER_T_DSCPS, T(qos), .formats = "EB",
		.help = "Sets of DSCPs, each a class with session ids of its own, so that a "
			"receiver's window does not drop what a network lets wait: numbers, ranges "
			"and names such as `ef`. What no set names is class 0." },
	{ "sn", SAKER_T_WORD, T(sn.mode), BY_PACKET, .def = "time", .words = sn_words,
		.help = "Discipline of sequence numbers." },
	{ "epoch", SAKER_T_INT, SAKER_F_REQUIRED | SAKER_F_LENIENT, T(sn.epoch), BY_PACKET,
		.min = 0, .max = 1LL << 40, ONLY("sn", "counter"),
		.help = "The epoch to send in." },
	{ "epoch_lifetime", SAKER_T_INT, T(sn.epoch_lifetime), .formats = "T", .def = "16",
		.min = 0, .max = 32767, ONLY("sn", "counter"),
		.help = "Epochs behind the own one that are still accepted." },
	{ "epoch_seconds", SAKER_T_INT, T(sn.epoch_seconds), BY_PACKET, .def = "86400", .min = 1,
		.max = 1000000000, ONLY("sn", "time"), .help = "Length of an epoch." },
	{ "slot_ms", SAKER_T_INT, T(sn.slot_ms), BY_PACKET, .def = "100", .min = 1,
		.max = 1000000000, ONLY("sn", "time"), .help = "Length of a slot." },
	{ "window_ms", SAKER_T_INT, T(sn.window_ms), BY_PACKET, .def = "2000", .min = 1,
		.max = 1000000000, ONLY("sn", "time"),
		.help = "How old a received packet may be." },
	{ "skew_ms", SAKER_T_INT, T(sn.skew_ms), BY_PACKET, .def = "500", .min = 4,
		.max = 1000000000, ONLY("sn", "time"), .help = "How far clocks may be apart." },
	{ "start_guard", SAKER_T_BOOL, T(start_guard), BY_PACKET, .def = "true", ONLY("sn", "time"),
		.help = "After a start, refuse packets from before it: windows are empty then." },
	{ "replay", SAKER_T_WORD, T(replay), WINDOWED, .def = "window", .words = replay_words,
		.help = "Whether repeated packets are refused." },
	{ "replay_window", SAKER_T_INT, SAKER_F_LENIENT, T(replay_window), WINDOWED, .def = "1024",
		.min = 64, .max = 1048576, ONLY("replay", "window"),
		.help = "Packets that a window spans, rounded up to a multiple of 64." },
	{ "replay_sources", SAKER_T_INT, SAKER_F_LENIENT, T(replay_sources), WINDOWED,
		.def = "65536", .min = 1, .max = 16777216, ONLY("replay", "window"),
		.help = "Pairs of source and session that each lcore can follow at a time." },
	{ "rekey_shift", SAKER_T_INT, T(sn.rekey_shift), BY_SOURCE, .min = -1, .max = 47,
		.computed = saker_cfg_default_rekey_shift,
		.def_help =
			"`24` for `source-id`, `source-ip` and `ip-pair` with `sn = \"time\"` in "
			"a peer group, else `-1`",
		.help = "-1: a key lasts an epoch; 0: a key per packet; 24: a key per slot." },
	{ "rekey_mask", SAKER_T_INT, T(sn.rekey_mask), .formats = "T", .def = "0", .min = 0,
		.max = SAKER_COUNTER_MAX,
		.help = "Bits of the counter that make the rekey word, before they are shifted "
			"down "
			"by `rekey_shift`; 0: the 32 from there on." },
	{ "key_cache", SAKER_T_INT, T(key_cache), BY_PACKET, .def = "0", .min = 0, .max = 65536,
		.help = "Derived keys that each lcore may keep; 0: derive for every packet." },
	{ "max_clear", SAKER_T_INT, T(max_clear), .formats = "ESPTB", .def = "0", .min = 0,
		.max = SAKER_CLEAR_MAX,
		.help = "Payload octets that a received packet may leave in clear." },
	{ "max_ioffset", SAKER_T_INT, T(max_ioffset), STATELESS, .def = "0", .min = 0, .max = 15,
		.help = "Units of 4 octets that a received packet may leave unauthenticated." },
	{ "max_blocks", SAKER_T_INT, T(sn.max_blocks), .def = "17592186044416L", .min = 1,
		.max = 1LL << 44, .help = "AES blocks that one data key may encrypt." },
	{ "master_key_options", SAKER_T_LEVELS, T(master_key_options), STATELESS,
		.words = level_words,
		.help = "Levels whose Master Key option is put into each packet." },
	{ "allow_root_keys", SAKER_T_REFS, T(allow_root_keys), STATELESS,
		.refers = SAKER_SEC_ROOT_KEYS,
		.help = "Further root keys that received Master Key options may name." },
	{ "addresses", SAKER_T_OBJECTS, T(addresses), .sub = &binding_section,
		.help = "Which outer addresses belong to which source." },
	{ "data_keys", SAKER_T_PATH, T(data_keys), BY_SOURCE, ONLY("role", "client"),
		.help = "File of data keys that this client was handed, in place of root keys." },
	{ "keys", SAKER_T_PATH, T(keys), .formats = "P",
		.help = "File of SAs that the peers handed to this gateway: what it seals with in "
			"roles `server` and `client`." },
	{ "spi_last", SAKER_T_INT, T(spi_last), .formats = "P", .def = "2147483647", .min = 1,
		.max = 2147483647,
		.help = "Last SPI that is handed out; the first is `spi`. Gateways that share a "
			"root key take ranges that don't overlap." },
	{ "encap", SAKER_T_WORD, T(encap), .def = "udp", .words = encap_words,
		.help = "What follows the outer IP header." },
	{ "udp_port", SAKER_T_INT, SAKER_F_LENIENT, T(udp_port), .min = 1, .max = 65535,
		.computed = saker_cfg_default_udp_port, .def_help = "`4500`", ONLY("encap", "udp"),
		.help = "UDP port to send to and listen at." },
	{ "udp_in_aad", SAKER_T_BOOL, T(udp_in_aad), .formats = "T", .def = "true",
		ONLY("encap", "udp"),
		.help = "Whether the UDP header is authenticated: an open question of the "
			"protocol, so "
			"members agree on it." },
	{ "source_port", SAKER_T_WORD, SAKER_F_LENIENT, T(source_port), .def = "flow",
		.words = source_port_words, ONLY("encap", "udp"),
		.help = "What the UDP source port is derived from: the inner flow, which spreads "
			"over paths and queues, or the session, which a receiving NIC keeps on one "
			"queue." },
	{ "protocol", SAKER_T_INT, SAKER_F_LENIENT, T(protocol), .min = 2, .max = 254,
		.computed = saker_cfg_default_protocol, .def_help = "`49`", ONLY("encap", "ip"),
		.help = "IP protocol number." },
	END_OF_FIELDS,
};

#define Q(member_)   AT(struct saker_cfg_policy, member_)
#define PROTECT_ONLY ONLY("action", "protect")
static const struct saker_cfg_field policy_fields[] = {
	{ "name", SAKER_T_NAME, SAKER_F_REQUIRED, Q(name), .help = NAME_HELP },
	{ "src", SAKER_T_PREFIX, Q(src), .def = "any", .help = "Source addresses." },
	{ "dst", SAKER_T_PREFIX, Q(dst), .def = "any", .help = "Destination addresses." },
	{ "proto", SAKER_T_INT, Q(proto), .def = "0", .min = 0, .max = 255,
		.help = "IP protocol number; 0: any." },
	{ "sport", SAKER_T_PORTS, Q(sport), .def = "0-65535", .help = "Source ports." },
	{ "dport", SAKER_T_PORTS, Q(dport), .def = "0-65535", .help = "Destination ports." },
	{ "action", SAKER_T_WORD, SAKER_F_REQUIRED, Q(action), .words = action_words,
		.help = "What is done with a packet that matches." },
	{ "group", SAKER_T_REF, SAKER_F_REQUIRED, Q(group), .refers = SAKER_SEC_GROUPS,
		PROTECT_ONLY, .help = "Trust group that protects the packet." },
	{ "mode", SAKER_T_WORD, Q(mode), .def = "tunnel", .words = mode_words, PROTECT_ONLY,
		.help = "Whether the whole packet is wrapped or only its payload." },
	{ "local", SAKER_T_IP, Q(local), PROTECT_ONLY,
		.help = "Outer source address. Transport mode with `source-ip` or `ip-pair`: the "
			"one "
			"source address." },
	{ "peer", SAKER_T_IP, Q(peer), PROTECT_ONLY, .help = "Outer destination address." },
	{ "clear_octets", SAKER_T_INT, Q(clear_octets), .def = "0", .min = 0,
		.max = SAKER_EESP_MAX_CLEAR, PROTECT_ONLY,
		.help = "Payload octets left in clear, authenticated; a multiple of 4." },
	{ "ioffset", SAKER_T_INT, Q(ioffset), .def = "0", .min = 0, .max = 15, PROTECT_ONLY,
		.help = "Units of 4 octets of transport header left unauthenticated. Receivers "
			"admit such packets by policies without ports alone." },
	{ "df", SAKER_T_WORD, Q(df), .def = "set", .words = saker_cfg_df_words, PROTECT_ONLY,
		.help = "Don't-fragment bit of the outer IPv4 header." },
	{ "fragment", SAKER_T_WORD, Q(fragment), .def = "inner", .words = saker_cfg_fragment_words,
		PROTECT_ONLY,
		.help = "What is cut of a packet that is longer than the tunnel MTU: the packet "
			"itself, if it allows that; the protected one; or nothing." },
	{ "mss_clamp", SAKER_T_BOOL, Q(mss_clamp), .def = "true", PROTECT_ONLY,
		.help = "Lower the MSS of TCP connections, both ways, to what the tunnel MTU "
			"carries." },
	{ "client", SAKER_T_HEX, Q(client), .min = 4, .max = 8, PROTECT_ONLY,
		.help = "Role `server`: source id of the client that is sent to." },
	{ "sources", SAKER_T_HEXES, SAKER_F_NONEMPTY, Q(sources),
		.count_at = offsetof(struct saker_cfg_policy, n_sources), .min = 4, .max = 8,
		PROTECT_ONLY,
		.help = "Source ids that may send inbound what this policy describes; absent: any "
			"of "
			"the group." },
	END_OF_FIELDS,
};

#define MANY(type_, list_, count_)                                                                 \
	.size = sizeof(type_), .line_at = offsetof(type_, line),                                   \
	.list_at = offsetof(struct saker_config, list_),                                           \
	.count_at = offsetof(struct saker_config, count_)

const struct saker_cfg_section saker_cfg_sections[SAKER_SECTIONS] = {
	[SAKER_SEC_GATEWAY] = { "gateway", "gateway", "The gateway itself; one group of settings.",
		gateway_fields, NULL, .size = sizeof(struct saker_cfg_gateway),
		.line_at = offsetof(struct saker_cfg_gateway, line),
		.list_at = offsetof(struct saker_config, gateway) },
	[SAKER_SEC_PORTS] = { "ports", "port", "A list with one port of each role.", port_fields,
		saker_cfg_port_rules, MANY(struct saker_cfg_port, ports, n_ports), .max = 64,
		.finish = saker_cfg_finish_port, .restart = true },
	[SAKER_SEC_ROOT_KEYS] = { "root_keys", "root key",
		"A list of root keys. The keys themselves stand in files of their own.",
		root_key_fields, saker_cfg_root_key_rules,
		MANY(struct saker_cfg_root_key, root_keys, n_root_keys), .max = 4096 },
	[SAKER_SEC_GROUPS] = { "trust_groups", "trust group",
		"A list of trust groups: everyone who holds the same root keys for one purpose.",
		group_fields, saker_cfg_group_rules, MANY(struct saker_cfg_group, groups, n_groups),
		.max = SAKER_CFG_GROUPS, .finish = saker_cfg_finish_group },
	[SAKER_SEC_POLICIES] = { "policies", "policy",
		"A list of policies for outbound packets; the first that matches wins. Protecting "
		"policies also say what their group's sources may send inbound.",
		policy_fields, saker_cfg_policy_rules,
		MANY(struct saker_cfg_policy, policies, n_policies), .max = 65534 },
	[SAKER_SEC_PROXIES] = { "proxies", "proxy",
		"A list of proxies: what arrives under one trust group leaves under another, and "
		"is clear nowhere but in memory. The first that matches wins; what none matches is "
		"dropped.",
		saker_cfg_proxy_fields, saker_cfg_proxy_rules,
		MANY(struct saker_cfg_proxy, proxies, n_proxies), .max = 4096 },
};

const char *
saker_cfg_word(const struct saker_cfg_word *words, int value)
{
	for (; words->word != NULL; words++)
		if (words->value == value)
			return words->word;
	return "?";
}

const char *
saker_cfg_level_name(enum saker_level v)
{
	return saker_cfg_word(level_words, (int)v);
}

const char *
saker_cfg_format_name(uint8_t letter)
{
	return saker_cfg_word(format_words, letter);
}

bool
saker_cfg_in_format(const char *formats, const void *group)
{
	return formats == NULL ||
	       strchr(formats, ((const struct saker_cfg_group *)group)->format) != NULL;
}

void
saker_cfg_print_formats(const char *formats, FILE *out)
{
	const char *between = "";

	for (const char *letter = formats; *letter != 0; letter++) {
		if (saker_format_find((uint8_t)*letter) == NULL)
			continue;
		fprintf(out, "%s`%s`", between, saker_cfg_format_name((uint8_t)*letter));
		between = ", ";
	}
}

const struct saker_cfg_format_rules saker_cfg_format_rules[] = {
	{ 'B', saker_cfg_subsa_rules },
	{ 'X', saker_cfg_esp_rules },
	{ 'S', saker_cfg_seh_rules },
	{ 'P', saker_cfg_psp_rules },
	{ 'T', saker_cfg_tss_rules },
	{ 0, NULL },
};

const char *
saker_cfg_variant_name(enum saker_variant v)
{
	return saker_cfg_word(variant_words, (int)v);
}

const char *
saker_cfg_suite_name(enum saker_suite v)
{
	return saker_cfg_word(suite_words, (int)v);
}

const char *
saker_cfg_role_name(enum saker_role v)
{
	return saker_cfg_word(group_role_words, (int)v);
}

const char *
saker_cfg_action_name(enum saker_action v)
{
	return saker_cfg_word(action_words, (int)v);
}

const char *
saker_cfg_mode_name(enum saker_mode v)
{
	return saker_cfg_word(mode_words, (int)v);
}

const char *
saker_cfg_fragment_name(enum saker_fragment_mode v)
{
	return saker_cfg_word(saker_cfg_fragment_words, (int)v);
}

const char *
saker_cfg_sn_name(enum saker_sn_mode v)
{
	return saker_cfg_word(sn_words, (int)v);
}

const char *
saker_cfg_encap_name(enum saker_encap v)
{
	return saker_cfg_word(encap_words, (int)v);
}

const char *
saker_cfg_combine_name(enum saker_combine v)
{
	return saker_cfg_word(combine_words, (int)v);
}

const char *
saker_cfg_idle_name(enum saker_idle_mode v)
{
	return saker_cfg_word(idle_words, (int)v);
}
