/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_DROP_H
#define SAKER_DROP_H

/**
 * @file
 * Every reason why saker drops a packet, declared once. The list makes the
 * enum, the names in `show drops`, the telemetry keys and the documentation.
 *
 * Severity: INFO is expected in normal operation, WARN points at a fault of
 * configuration or capacity, ATTACK is what a forged or damaged packet gives.
 */

#include <stdint.h>

/** One line a reason: X(symbol, name, severity, help). */
#define SAKER_DROP_REASONS(X)                                                                      \
	/* what every direction can meet */                                                        \
	X(RUNT, "runt", ATTACK, "frame too short for the headers it announces")                    \
	X(NOT_IP, "not_ip", INFO, "neither IPv4 nor IPv6")                                         \
	X(IP_HEADER, "ip_header", ATTACK, "malformed IP header")                                   \
	X(IP_LENGTH, "ip_length", ATTACK, "IP length does not fit the frame")                      \
	X(IP_CHECKSUM, "ip_checksum", ATTACK, "wrong IPv4 header checksum")                        \
	X(CHAINED, "chained", WARN, "packet does not fit one buffer")                              \
	X(NO_HEADROOM, "no_headroom", WARN, "no room in the buffer for the headers")               \
	X(NO_TAILROOM, "no_tailroom", WARN, "no room in the buffer for padding and ICV")           \
	X(TX_FULL, "tx_full", WARN, "the port took no more packets")                               \
	X(TTL, "ttl", INFO, "TTL or hop limit used up")                                            \
	X(NO_BUFFER, "no_buffer", WARN, "no buffer for a fragment, or for a long packet")          \
	X(CRYPTO_ERROR, "crypto_error", WARN, "the crypto driver failed")                          \
	/* the link: frames and neighbours */                                                      \
	X(NOT_OURS, "not_ours", INFO, "frame, ARP or neighbour discovery for someone else")        \
	X(VLAN, "vlan", INFO, "frame of another VLAN")                                             \
	X(OWN_ADDRESS, "own_address", INFO, "for an own address, but nothing there serves it")     \
	X(PATH_MTU, "path_mtu", INFO, "ICMP error that told the MTU of the way to a peer")         \
	X(PATH_REFUSED, "path_refused", ATTACK, "ICMP error that quotes no packet of ours")        \
	X(NEIGHBOUR_BAD, "neighbour_bad", ATTACK, "malformed ARP or neighbour discovery")          \
	X(ADDRESS_CONFLICT, "address_conflict", WARN, "someone else uses an own address")          \
	X(ANSWER_RATE, "answer_rate", WARN, "more questions than saker answers")                   \
	X(NEIGHBOUR_QUEUE, "neighbour_queue", WARN, "more news of neighbours than can be taken")   \
	X(NO_NEIGHBOUR, "no_neighbour", WARN, "the next hop does not answer ARP or discovery")     \
	/* outbound */                                                                             \
	X(NO_POLICY, "no_policy", INFO, "no policy covers the packet")                             \
	X(POLICY_DROP, "policy_drop", INFO, "a policy says drop")                                  \
	X(MTU, "mtu", WARN, "longer than the MTU, may not be fragmented")                          \
	X(TRANSPORT_FRAGMENT, "transport_fragment", INFO, "transport mode takes no fragments")     \
	X(SN_UNRESERVED, "sn_unreserved", WARN, "no persisted SN reservation to send under")       \
	X(CLOCK_AHEAD, "clock_ahead", WARN, "next SN lies too far ahead of the clock")             \
	X(SN_EXHAUSTED, "sn_exhausted", WARN, "the counter is used up: step the epoch, or rotate") \
	X(HANDOVER_FULL, "handover_full", WARN, "too many wait for the lcore that can seal them")  \
	X(KEY_EXHAUSTED, "key_exhausted", WARN, "the data key has encrypted max_blocks blocks")    \
	X(MK_EXPIRED, "mk_expired", WARN, "the master key is 2^15 epochs old: rotate a root key")  \
	X(KEY_EXPIRED, "key_expired", WARN, "a root key has outlived its limits: rotate it")       \
	X(NOT_UET, "not_uet", INFO, "transport mode of format tss takes UET packets alone")        \
	X(NO_DATA_KEY, "no_data_key", WARN, "the client holds no data key for this epoch")         \
	/* inbound: outer packet */                                                                \
	X(NOT_LOCAL, "not_local", INFO, "protected packet for another address")                    \
	X(OUTER_FRAGMENT, "outer_fragment", ATTACK, "malformed or overlong fragment of a packet")  \
	X(REASSEMBLY, "reassembly", INFO, "fragment of a packet that never became whole")          \
	X(UDP_LENGTH, "udp_length", ATTACK, "UDP length does not fit the IP length")               \
	X(UDP_CHECKSUM, "udp_checksum", ATTACK, "UDP checksum neither zero nor right")             \
	X(NAT_KEEPALIVE, "nat_keepalive", INFO, "NAT keepalive, one octet ff")                     \
	X(NOT_EESP, "not_eesp", INFO, "ESP or IKE on the listener's UDP port")                     \
	X(CLEAR_REFUSED, "clear_refused", INFO, "clear packet on a cipher port, no bypass policy") \
	X(NOT_TSS, "not_tss", INFO, "UET packet without TSS, no bypass policy")                    \
	/* inbound: header of format E */                                                          \
	X(BAD_VERSION, "bad_version", ATTACK, "version or format bit is not ours")                 \
	X(RESERVED_BITS, "reserved_bits", ATTACK, "reserved bits are not zero")                    \
	X(OPT_LENGTH, "opt_length", ATTACK, "option truncated or past the packet")                 \
	X(OPT_UNKNOWN, "opt_unknown", ATTACK, "unknown option type")                               \
	X(OPT_REPEATED, "opt_repeated", ATTACK, "option appears twice")                            \
	X(OPT_BAD, "opt_bad", ATTACK, "option with a wrong length or contents")                    \
	X(NO_CONTEXT, "no_context", ATTACK, "no Stateless Context option")                         \
	X(UNKNOWN_SPI, "unknown_spi", ATTACK, "no trust group has this SPI")                       \
	X(VARIANT, "variant", ATTACK, "variant is not the group's")                                \
	X(SESSION_RANGE, "session_range", ATTACK, "session id outside the group's range")          \
	X(SN_ZERO, "sn_zero", ATTACK, "SN is zero")                                                \
	X(KEY_INDEX, "key_index", ATTACK, "key index names no live root key")                      \
	X(MK_NOT_ALLOWED, "mk_not_allowed", ATTACK, "Master Key option the group does not allow")  \
	X(STALE, "stale", ATTACK, "SN older than the freshness window")                            \
	X(FUTURE, "future", ATTACK, "SN ahead of the clock by more than the skew")                 \
	X(START_GUARD, "start_guard", INFO, "slot could have been received before the start")      \
	X(EPOCH_RANGE, "epoch_range", ATTACK, "epoch is not current, previous or next")            \
	X(CLEAR_RANGE, "clear_range", ATTACK, "crypt offset beyond the packet or max_clear")       \
	X(IOFFSET_RANGE, "ioffset_range", ATTACK, "IOffset beyond the clear part or max_ioffset")  \
	X(PAYLOAD_OFFSET, "payload_offset", ATTACK, "payload offset is not at payload info")       \
	X(ALIGNMENT, "alignment", ATTACK, "encrypted part is not a multiple of 4 octets")          \
	/* inbound: headers of other formats */                                                    \
	X(COOKIE_MISSING, "cookie_missing", ATTACK, "PSP announces a cookie and has none")         \
	X(SPI_RESERVED, "spi_reserved", ATTACK, "SPI is one that nobody may use")                  \
	X(LATE, "late", ATTACK, "epoch is older than the group's lifetime (TSS)")                  \
	X(TOO_LONG, "too_long", WARN, "longer than packets of its format may be (PSP)")            \
	X(DIRECTION, "direction", ATTACK, "counter of the other direction's half (TSS)")           \
	/* inbound: after derivation */                                                            \
	X(BAD_ICV, "bad_icv", ATTACK, "integrity check failed")                                    \
	X(REPLAY, "replay", ATTACK, "SN already seen, or left of the window (replay_window)")      \
	X(REPLAY_OLD, "replay_old", ATTACK, "run older than the two newest")                       \
	X(REPLAY_TABLE_FULL, "replay_table_full", WARN, "no room for a new source's window")       \
	X(PAYLOAD_INFO, "payload_info", ATTACK, "payload info malformed")                          \
	X(DROP_BIT, "drop_bit", INFO, "its sender asks to drop it (PSP, bit D)")                   \
	X(MODE, "mode", ATTACK, "tunnel mode in a transport group, or the other way round")        \
	X(DUMMY, "dummy", INFO, "dummy packet, next header 59")                                    \
	X(INNER_FORM, "inner_form", ATTACK, "inner packet or padding malformed")                   \
	X(INNER_POLICY, "inner_policy", ATTACK, "its source may not send this packet")             \
	X(PROXY_POLICY, "proxy_policy", ATTACK, "no proxy of its group lets it pass")              \
	X(PROXY_IOFFSET, "proxy_ioffset", WARN,                                                    \
		"the group behind the proxy can't keep its IOffset")                               \
	X(OUTER_POLICY, "outer_policy", ATTACK, "outer addresses not the source's")                \
	X(ECN, "ecn", INFO, "congestion mark lost: outer CE, inner not ECN-capable")

/** Severity of a drop reason. */
enum saker_severity { SAKER_INFO, SAKER_WARN, SAKER_ATTACK };

/** Reason of a drop; 0 means that the packet lives. */
enum saker_drop {
	SAKER_OK = 0,
#define SAKER_DROP_ENUM(symbol, name, severity, help) SAKER_DROP_##symbol,
	SAKER_DROP_REASONS(SAKER_DROP_ENUM)
#undef SAKER_DROP_ENUM
		SAKER_DROP_COUNT
	};

/** What is said of a reason; index it by enum saker_drop. Entry 0 is "ok". */
struct saker_drop_info {
	const char *name;
	enum saker_severity severity;
	const char *help;
};

/** One entry for every value of enum saker_drop below SAKER_DROP_COUNT. */
extern const struct saker_drop_info saker_drop_info[SAKER_DROP_COUNT];

#endif
