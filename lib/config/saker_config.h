/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_CONFIG_H
#define SAKER_CONFIG_H

/**
 * @file
 * The configuration file as plain, checked values (docs/configuration.md). One descriptor table
 * per section drives reading, defaults, the refusal of unknown names, `show config` and the
 * documentation.
 *
 * Threads: control path only. A struct saker_config is immutable once loaded.
 * Memory: saker_config_free() releases everything that a configuration points at.
 */

#include "saker_eesp.h"
#include "saker_faults.h"
#include "saker_ip.h"
#include "saker_kdf.h"
#include "saker_keys.h"
#include "saker_outer.h"
#include "saker_sn.h"
#include "saker_sskdf.h"

#define SAKER_NAME_MAX   32 /**< longest name of an object, NUL included */
#define SAKER_CFG_LIST   64 /**< most entries of a list inside an object */
#define SAKER_CFG_GROUPS 4096

enum saker_port_role { SAKER_PORT_CLEAR, SAKER_PORT_CIPHER };
enum saker_encap { SAKER_ENCAP_UDP, SAKER_ENCAP_IP };
/** What the UDP source port is derived from. */
enum saker_source_port { SAKER_SOURCE_PORT_FLOW, SAKER_SOURCE_PORT_SESSION };
enum saker_role { SAKER_ROLE_PEER, SAKER_ROLE_SERVER, SAKER_ROLE_CLIENT };
/** What the flow half of a connection id stands for. */
enum saker_isolate {
	SAKER_ISOLATE_FLOW,
	SAKER_ISOLATE_SOURCE,
	SAKER_ISOLATE_PREFIX,
	SAKER_ISOLATE_POLICY,
};
enum saker_action { SAKER_ACTION_DROP, SAKER_ACTION_BYPASS, SAKER_ACTION_PROTECT };
enum saker_mode { SAKER_MODE_TUNNEL, SAKER_MODE_TRANSPORT };
enum saker_expiry { SAKER_EXPIRY_WARN, SAKER_EXPIRY_STOP };
enum saker_fragment_mode { SAKER_FRAGMENT_INNER, SAKER_FRAGMENT_OUTER, SAKER_FRAGMENT_NEVER };
/** Whether the IV is sent or is the SN (RFC 8750). */
enum saker_iv_mode { SAKER_IV_EXPLICIT, SAKER_IV_IMPLICIT };
enum saker_replay_mode { SAKER_REPLAY_WINDOW, SAKER_REPLAY_NONE };

/** What workers do without packets. */
enum saker_idle_mode { SAKER_IDLE_POLL, SAKER_IDLE_SLEEP };

/** How packets get to the worker that owns their session. */
enum saker_steer_choice { SAKER_STEER_AUTO, SAKER_STEER_RTE_FLOW, SAKER_STEER_SOFTWARE };

/** Octets from a hexadecimal string. */
struct saker_cfg_hex {
	uint8_t len; /**< 0: not given */
	uint8_t octets[SAKER_ROOT_ID_MAX];
};

/** Names of other objects, resolved to indices. */
struct saker_cfg_refs {
	uint8_t n;
	uint16_t index[SAKER_CFG_LIST]; /**< into the section that the names are of */
};

/** Addresses. */
struct saker_cfg_ips {
	uint8_t n;
	struct saker_ip ip[SAKER_CFG_LIST];
};

/** TSS: what data keys come from; roles server and client have a derivation of their own. */
enum saker_kdf_mode { SAKER_KDF_CLUSTER, SAKER_KDF_DIRECT };

/** Section `gateway`. */
struct saker_cfg_gateway {
	char name[SAKER_NAME_MAX];
	char *state_dir; /**< relative to the configuration file unless absolute; resolved */
	char driver[SAKER_NAME_MAX];
	uint32_t mbufs; /**< packet buffers per port */
	enum saker_idle_mode idle;
	enum saker_steer_choice steer;
	uint32_t
		rotate_grace_ms; /**< between accepting new root key values and sealing with them */
	char *psp_socket;        /**< where SAs of PSP are handed out, resolved; or NULL */
	bool path_mtu;           /**< ICMP errors from routers between gateways are looked at */
	int line;
};

/** One entry of `ports`. */
struct saker_cfg_port {
	char name[SAKER_NAME_MAX];
	char device[64];
	enum saker_port_role role;
	struct saker_prefix address, address6; /**< with the port's own host bits */
	struct saker_ip gateway, gateway6;     /**< next hop off the prefix */
	uint16_t vlan;                         /**< 0: untagged */
	uint16_t mtu;
	bool has_next_hop;
	uint8_t next_hop_mac[6];
	bool promiscuous;   /**< takes frames for any Ethernet address */
	uint16_t rx_queues; /**< 0: chosen by saker */
	int line;
};

/** One entry of `root_keys`. */
struct saker_cfg_root_key {
	char name[SAKER_NAME_MAX];
	enum saker_level level;
	struct saker_cfg_hex id; /**< 16..32 octets, a multiple of 4 */
	char *file;              /**< resolved against the configuration file's directory */
	uint64_t max_age;        /**< seconds that a value may be current, 0: any */
	uint64_t max_packets;    /**< that a value may seal here, 0: any */
	uint64_t max_keys;       /**< data keys that a value may give here, 0: any */
	enum saker_expiry on_expiry;
	int line;
};

/** One entry of a group's `addresses`. */
struct saker_cfg_binding {
	struct saker_cfg_hex source_id; /**< absent in variants 3 and 4 */
	struct saker_cfg_ips from, to;
	int line;
};

#define SAKER_DSCPS       64 /**< code points of an IP header */
#define SAKER_MAX_CLASSES 8  /**< QoS classes of a group, class 0 included */

/** A group's QoS classes: class 0 is what no set of `qos_classes` names. */
struct saker_cfg_qos {
	uint8_t n; /**< classes beside class 0 */
	uint8_t class_of[SAKER_DSCPS];
};

/** One entry of `trust_groups`. */
struct saker_cfg_group {
	char name[SAKER_NAME_MAX];
	uint32_t spi;
	uint32_t peer_spi; /**< keys by session: what the peer receives under */
	uint8_t format;    /**< letter of a struct saker_format */
	enum saker_variant variant;
	enum saker_suite suite;
	uint8_t version;             /**< PSP */
	enum saker_kdf_mode kdf;     /**< TSS */
	bool udp_in_aad;             /**< TSS: a UDP header is authenticated */
	struct saker_cfg_hex cookie; /**< PSP: what is sent; absent: none */
	struct saker_cfg_refs root_keys;
	struct saker_cfg_refs receive_root_keys; /**< keys by session: what the peer seals with */
	enum saker_sskdf sskdf;
	enum saker_iv_mode iv;
	enum saker_esp_sn esp_sn;
	uint8_t child_sas;        /**< ESP: SAs for workers, beside the fallback SA */
	uint8_t accept_child_sas; /**< ESP: the same of the peer */
	bool no_sn;               /**< EESP with Sub SAs: no SN on the wire */
	bool iv_in_aad;           /**< EESP with Sub SAs: an explicit IV is authenticated */
	enum saker_combine combine;
	enum saker_role role;
	struct saker_cfg_hex source_id;
	enum saker_isolate isolate;
	uint8_t isolate_prefix, isolate_prefix6; /**< bits of a source address that count */
	uint16_t session_first;
	uint32_t sessions;
	uint16_t accept_first; /**< range of session ids that are accepted */
	uint32_t accept_sessions;
	struct saker_cfg_qos qos;
	struct saker_sn_params sn; /**< discipline, epoch, times, rekey_shift, max_blocks */
	bool start_guard;
	enum saker_replay_mode replay;
	uint32_t replay_window, replay_sources;
	uint32_t key_cache;
	uint16_t max_clear;
	uint8_t max_ioffset;
	bool master_key_options[SAKER_LEVELS];
	struct saker_cfg_refs allow_root_keys;
	struct saker_cfg_binding *addresses;
	unsigned int n_addresses;
	char *data_keys;   /**< role client: file of handed-out data keys, resolved; or NULL */
	char *keys;        /**< PSP: file of SAs that others handed out, resolved; or NULL */
	uint32_t spi_last; /**< PSP: SPIs are handed out from `spi` to this one */
	enum saker_encap encap;
	uint16_t udp_port;
	enum saker_source_port source_port;
	uint8_t protocol;
	int line;
};

/** A range of ports. */
struct saker_cfg_range {
	uint16_t low, high;
};

/** One entry of `policies`. */
struct saker_cfg_policy {
	char name[SAKER_NAME_MAX];
	struct saker_prefix src, dst; /**< family 0: any address of either family */
	uint8_t proto;                /**< 0: any */
	struct saker_cfg_range sport, dport;
	enum saker_action action;
	uint16_t group; /**< index; protect only */
	enum saker_mode mode;
	struct saker_ip local, peer;
	uint16_t clear_octets; /**< a multiple of 4 */
	uint8_t ioffset;       /**< units of 4 octets */
	enum saker_df df;
	enum saker_fragment_mode fragment;
	bool mss_clamp;
	struct saker_cfg_hex client;   /**< role server: source id of the client */
	struct saker_cfg_hex *sources; /**< inbound: only these source ids; none: any */
	uint8_t n_sources;
	int line;
};

/** Which way a proxy works: to its second group, or both ways. */
enum saker_proxy_direction { SAKER_PROXY_ONE_WAY, SAKER_PROXY_BOTH };

/** One entry of `proxies`. */
struct saker_cfg_proxy {
	char name[SAKER_NAME_MAX];
	uint16_t from, to; /**< indices of trust groups */
	enum saker_proxy_direction direction;
	struct saker_ip local, peer;           /**< outer addresses under `to` */
	struct saker_ip back_local, back_peer; /**< outer addresses under `from` */
	struct saker_prefix src, dst;          /**< of inner packets; family 0: any */
	uint8_t proto;                         /**< 0: any */
	struct saker_cfg_range sport, dport;
	enum saker_df df;
	enum saker_fragment_mode fragment;
	bool mss_clamp;
	int line;
};

/** A whole configuration. */
struct saker_config {
	char *file; /**< as given */
	struct saker_cfg_gateway gateway;
	struct saker_cfg_port *ports;
	struct saker_cfg_root_key *root_keys;
	struct saker_cfg_group *groups;
	struct saker_cfg_policy *policies;
	struct saker_cfg_proxy *proxies;
	unsigned int n_ports, n_root_keys, n_groups, n_policies, n_proxies;
};

/**
 * Read and check a configuration. All faults are found, not only the first.
 * @return the configuration, or NULL: faults were added
 */
struct saker_config *saker_config_load(const char *file, struct saker_faults *faults);

/** The second cipher port, where there is one in place of a clear port, or NULL. */
const struct saker_cfg_port *saker_config_second_port(const struct saker_config *c);

/** Is this an address of that port, and not of the first? */
bool saker_config_is_second(const struct saker_config *c, const struct saker_ip *ip);

/** Free a configuration. NULL is allowed. */
void saker_config_free(struct saker_config *c);

/** A configuration of its own with the same values. @return NULL: no memory */
struct saker_config *saker_config_clone(const struct saker_config *c);

/**
 * Exchange what can't change while the gateway runs: ports, and some settings of `gateway`. So
 * @p next gets what @p running works with.
 */
void saker_config_exchange_fixed(struct saker_config *next, struct saker_config *running);

/** One difference between two configurations. */
struct saker_config_change {
	const char *path;           /**< as in saker_config_walk() */
	const char *before, *after; /**< NULL: not there */
	bool restart;               /**< takes effect at the next start only */
};

/**
 * Compare two configurations, setting by setting; the places of policies in their order count too.
 * @param fn called for each difference, in the order of the reference
 * @return 0 or -ENOMEM
 */
int saker_config_diff(const struct saker_config *before, const struct saker_config *after,
	void (*fn)(void *arg, const struct saker_config_change *change), void *arg);

/** Text of an enum value as the file spells it, e.g. saker_cfg_variant_name(SAKER_V_IP_PAIR). */
const char *saker_cfg_level_name(enum saker_level v);
const char *saker_cfg_format_name(uint8_t letter);
const char *saker_cfg_variant_name(enum saker_variant v);
const char *saker_cfg_suite_name(enum saker_suite v);
const char *saker_cfg_role_name(enum saker_role v);
const char *saker_cfg_action_name(enum saker_action v);
const char *saker_cfg_mode_name(enum saker_mode v);
const char *saker_cfg_fragment_name(enum saker_fragment_mode v);
const char *saker_cfg_sn_name(enum saker_sn_mode v);
const char *saker_cfg_encap_name(enum saker_encap v);
const char *saker_cfg_idle_name(enum saker_idle_mode v);
const char *saker_cfg_combine_name(enum saker_combine v);
const char *saker_cfg_direction_name(enum saker_proxy_direction v);

/**
 * Walk every setting of a configuration with its effective value, in the order of the reference.
 * Settings that have no bearing on their object (the peer of a dropping policy) are left out.
 * @param fn called with the path ("trust_groups.cluster.spi"), the value as the file would spell
 *        it ("none" where there is none), and whether it is the default
 */
void saker_config_walk(const struct saker_config *c,
	void (*fn)(void *arg, const char *path, const char *value, bool is_default), void *arg);

/** Print the table of all names as Markdown: the reference part of docs/configuration.md. */
void saker_config_print_reference(FILE *out);

#endif
