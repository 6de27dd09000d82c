/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_SNAPSHOT_H
#define SAKER_SNAPSHOT_H

/**
 * @file
 * What the workers know: trust groups with their group keys, policies with their header
 * templates, and the classifiers. Built once from a configuration and its root keys, then
 * immutable. Everything that can be decided per group or policy is decided here, not per packet.
 *
 * Threads: built and freed by the control thread; read by workers, which hold no reference across
 * a report of quiescence.
 * Memory: keys lie in saker_secret_alloc() memory and are wiped by saker_snapshot_free().
 */

#include "saker_classify.h"
#include "saker_config.h"
#include "saker_crypto.h"
#include "saker_front.h"
#include "saker_job.h"
#include "saker_keysource.h"
#include "saker_outer.h"
#include "saker_root.h"
#include "saker_spi.h"

#define SAKER_MAX_MASTERS                                                                          \
	4096                   /**< master keys of one group: live values of its levels, combined  \
				*/
#define SAKER_NO_MASTER 0xffff /**< no live root keys behind a key index */

/** A root key value that a group accepts at one level. */
struct saker_root_slot {
	uint16_t key;       /**< index into the configuration's root_keys */
	uint8_t generation; /**< enum saker_generation */
	uint8_t id_len;
	uint32_t index;
	const uint8_t *id;
};

/** The accepted values of one level; one empty slot for a level that is not used. */
struct saker_root_slots {
	uint16_t n;
	struct saker_root_slot *slot;
};

/** A data key that a client was handed. */
struct saker_client_key {
	uint64_t epoch;  /**< not wrapped */
	uint8_t key_idx; /**< octet to send */
	struct saker_expanded_key key;
};

struct saker_session_keys;
struct saker_psp_seal;
struct saker_way;
struct saker_ways;

/**
 * What plain packets of a group begin with: format E, tunnel mode, an id of the source. Words are
 * as they lie in memory.
 */
struct saker_plain {
	bool known;           /**< some packets of the group are plain */
	uint8_t len;          /**< of the whole header */
	uint8_t around;       /**< that, and the ICV */
	uint8_t source_at;    /**< the eight octets that end with the source id */
	uint16_t first;       /**< first two octets of the base header */
	uint32_t context;     /**< first word of the context option, KeyIdx 0 */
	uint64_t source_mask; /**< of those eight octets, the id's */
	uint64_t key_mask;    /**< and those that replay windows go by */
	struct saker_job_form job;
};

/** A trust group, ready for use. In front, in two lines: all that receiving a plain packet reads.
 */
struct saker_group {
	struct saker_plain plain;     /**< of received packets */
	struct saker_master *masters; /**< zone-major: (zone * users + user) * tasks + task */
	uint64_t own[2];          /**< what replay keys of own sources begin with, as in memory */
	uint32_t accept_sessions; /**< range of session ids that are accepted: so many */
	uint16_t accept_first;    /**< and the first of them */
	uint16_t index;           /**< in the configuration and the snapshot */
	bool own_known, own_more; /**< own sources are in `own`; more than fit there */
	uint16_t by_key_idx[64];  /**< KeyIdx >> 2 to master key, SAKER_NO_MASTER */

	const struct saker_cfg_group *cfg;
	const struct saker_format *format;
	bool eesp; /**< format E, whose functions the stages call inline */
	uint8_t variant;
	uint8_t suite;
	uint8_t send_role, receive_role; /**< role octet of the nonce */
	uint8_t kdf_blocks[2];           /**< behind an outer IPv4, IPv6 header */
	uint8_t kind[2]; /**< what packets of one driver call must share; the same */
	bool by_address; /**< the outer source address is the source */
	struct saker_kdf_form kdf;
	struct saker_ip_mask isolate; /**< bits of a source address that share a data key */
	bool mode_known;              /**< some policy protects with it */
	bool transport;               /**< mode of its policies */
	struct saker_terms terms;
	bool derives; /**< format E, tunnel mode: one KDF block over the source id makes each key */
	bool by_resource;   /**< a fallback SA and one for each worker (RFC 9611) */
	bool plain_sn;      /**< packets need no more of it than an SN and the session id */
	bool names_workers; /**< there is no session id: by source id or SPI */
	uint32_t send_spi;  /**< formats whose workers send under their SPIs: the first */
	uint32_t n_spis;    /**< SPIs that it listens on, from the configured one on */
	uint16_t n_masters;
	struct saker_root_slots level[SAKER_LEVELS];
	uint16_t send_key[SAKER_LEVELS]; /**< configured root key of each level, UINT16_MAX: none */
	uint8_t send_gen[SAKER_LEVELS];  /**< which of its values seals: enum saker_generation */
	uint16_t sending;                /**< master key that seals */
	uint8_t mk_check[8];             /**< of the sending master key, for the SN store */
	char check_text[SAKER_CHECK_TEXT];  /**< the same, for display */
	uint8_t key_idx;                    /**< KeyIdx of the sending root keys */
	struct saker_session_keys *session; /**< formats with keys by session, else NULL */
	struct saker_ways *ways;            /**< where its packets go; NULL: to the clear port */
	struct saker_client_key *client;    /**< role client with handed-out keys, else NULL */
	struct saker_expanded_key *direct;  /**< TSS, direct mode: root keys themselves, by AN */
	uint64_t run_of[2]; /**< TSS: what runs of SNs begin with, by AN: counters begin anew */
	bool run_known;
	uint64_t oldest_run; /**< the lesser of them that is live */
	unsigned int n_client;
	bool handed;                 /**< PSP: seals on SAs that it was handed, only */
	struct saker_psp_seal *seal; /**< these */
	unsigned int n_seal;
} __attribute__((aligned(64)));

/** One who sends: a source within a group. SN lines hang on it: for each worker one a QoS class. */
struct saker_sender {
	const struct saker_group *group;
	unsigned int first_line; /**< of a worker: class 0; the other classes follow */
	uint8_t source[16]; /**< source id, device id or outer address; zero with keys by session */
	uint8_t source_len; /**< 4, 8 or 16 */
	const struct saker_psp_seal *seal; /**< a group that was handed SAs: that of worker 0 */
	unsigned int n_seal;               /**< one for each worker; 0: it can't seal */
};

/** QoS classes that a group's senders tell apart. */
static inline unsigned int
saker_group_classes(const struct saker_group *g)
{
	return g->cfg->qos.n + 1u;
}

/**
 * Worker that seals for a worker. With an SA for each resource (RFC 9611), SA 1 + w is worker w's;
 * SA 0 is the fallback SA of those without one, and the first of them seals for all of them.
 */
static inline unsigned int
saker_sealing_worker(const struct saker_group *g, unsigned int worker)
{
	unsigned int own = g->by_resource ? g->cfg->sessions - 1 : worker;

	return worker < own ? worker : own;
}

/**
 * Session id of a group's packets: workers by classes; or the number of a worker's SA.
 * @param worker below @p n_workers; one that seals for itself
 * @param class below saker_group_classes()
 */
static inline uint16_t
saker_group_session(const struct saker_group *g, unsigned int class, unsigned int worker,
	unsigned int n_workers)
{
	if (__builtin_expect(g->by_resource, 0))
		return worker + 1 < g->cfg->sessions ? (uint16_t)(worker + 1) : 0;
	return (uint16_t)(g->cfg->session_first + class * n_workers + worker);
}

/** Index of a family in pairs: 0 for IPv4, 1 for IPv6. */
#define SAKER_SIX(family) ((family) == 6)

/** The two ends of tunnels: outer addresses. */
struct saker_ends {
	struct saker_ip local, peer;
};

/**
 * A policy, ready for use. In front: all that sealing a plain packet reads, in two lines, and a
 * third for the headers.
 */
struct saker_policy {
	const struct saker_group *group; /**< NULL unless protect */
	const struct saker_master *master;
	uint64_t source; /**< source id as an integer; variant 2: device in the upper half */
	uint32_t index;
	uint32_t line;          /**< the sender's first line */
	uint16_t mtu[2];        /**< tunnel MTU: longest packet that fits, by family (SAKER_SIX) */
	uint16_t session_first; /**< of plain packets: the session id of worker 0 */
	bool plain;             /**< tunnel mode, nothing in clear: `front` says it all */
	bool job_known;         /**< and `job` says what there is to know of keys and nonces */
	bool classes;           /**< the sender has more than one line */
	bool flow_half;         /**< a connection id whose lower half is the flow's */
	bool udp;               /**< in UDP */
	bool entropy;           /**< behind an entropy header */
	uint8_t action;         /**< enum saker_action */
	bool any_source;        /**< received packets may come from any source of the group */
	struct saker_job_form job __attribute__((aligned(64))); /**< of plain packets */
	struct saker_front front;                               /**< of plain packets */

	const struct saker_cfg_policy *cfg;
	const struct saker_way *way; /**< of a proxy, which it seals for; NULL: configured */
	bool second;                 /**< by the second of two cipher ports */
	bool carries;                /**< a packet keeps the offsets that it came with */
	bool transport;
	uint16_t sender; /**< index into the snapshot's senders */
	uint8_t between; /**< transport mode: octets put between IP and security header */
	uint8_t keep;    /**< transport mode: octets behind the IP header that stay in front */
	uint8_t ioffset; /**< units of 4 octets */
	uint16_t clear_len;
	uint16_t front_len[2];             /**< octets that protection puts in front, by family */
	uint32_t ends;                     /**< tunnel mode: index into the snapshot's ends */
	uint16_t mss[2];                   /**< TCP MSS that fits it; UINT16_MAX: not clamped */
	const struct saker_psp_seal *seal; /**< those of its sender */
	unsigned int n_seal;
	struct saker_outer outer; /**< tunnel mode */
	struct saker_tmpl v4;     /**< security header after an outer IPv4 header */
	struct saker_tmpl v6;     /**< the same after IPv6 */
} __attribute__((aligned(64)));

_Static_assert(offsetof(struct saker_group, own_more) < 128, "two lines of received packets");
_Static_assert(offsetof(struct saker_policy, front.octets) + SAKER_FRONT_MAX == 256,
	"the 64 octets of nearly all headers are one line");

/** Most listeners of a gateway. */
#define SAKER_LISTENERS 32

/**
 * A listener: one IP protocol number or UDP port, which carries one format (stateless profile
 * section 2). Formats that the first octet tells apart may share a number, as EESP and ESP do.
 */
struct saker_listener {
	const struct saker_format *format;
	uint16_t number; /**< UDP port or IP protocol */
	bool udp;
	uint16_t n_groups;
	uint16_t only;                 /**< its group, where it has one */
	struct saker_spi_table by_spi; /**< its groups */
};

/** Sixteen octets, as they lie in memory. */
typedef uint64_t saker_octets16 __attribute__((vector_size(16)));

/** What is the same in the outer headers of all plain packets: the bits that are looked at. */
struct saker_outer_form {
	saker_octets16 bits[2], value[2]; /**< of an IPv4 header without options, and UDP's */
	const struct saker_listener
		*listener; /**< of format E; NULL: there is none, nothing fits */
	uint8_t at;        /**< security header */
};

/** Everything a worker reads. */
struct saker_snapshot {
	const struct saker_config *config; /**< outlives the snapshot */
	struct saker_group *groups;
	struct saker_master *masters; /**< of all groups, side by side; NULL: each has its own */
	size_t n_masters;
	struct saker_policy *policies;
	struct saker_sender *senders;
	unsigned int n_groups, n_policies, n_senders;
	unsigned int n_all; /**< policies with those behind, which seal for proxies */
	struct saker_way *ways;
	unsigned int n_ways;
	struct saker_cfg_policy *way_cfg; /**< of policies that seal for proxies */
	struct saker_listener listener[SAKER_LISTENERS];
	unsigned int n_listeners;
	struct saker_outer_form outer_udp, outer_ip; /**< of plain packets, in UDP and in IP */
	struct saker_ends *ends;                     /**< of tunnels, each pair once */
	unsigned int n_ends;
	unsigned int n_lines; /**< SN lines of each worker: senders by classes */
	struct saker_classifier classify4, classify6;
	uint64_t listen_proto[4];  /**< bit map of IP protocols */
	uint64_t listen_udp[1024]; /**< bit map of UDP ports */
	struct saker_ip *local;    /**< addresses that tunnels end at */
	unsigned int n_local;
	uint64_t local4; /**< the first of IPv4, as in memory; UINT64_MAX: there is none */
	struct saker_ip error_from[2]; /**< sender of ICMP errors, by family; family 0: none */
	bool listens_udp;              /**< some group is reached by UDP */
	bool two_ports;                /**< two cipher ports, no clear one: proxies alone */
	bool by_resource;              /**< some group is by_resource */
	bool psp;                      /**< some group is of format psp, which counts */
	bool transport;                /**< some group opens transport mode, for hosts behind */
	uint64_t flow_secret[2];       /**< of the flow hash */
};

/** The keys of a configuration, in its order, in saker_secret_alloc() memory. */
struct saker_root_set {
	unsigned int n, n_groups;
	struct saker_root_values *values;   /**< one a root key */
	struct saker_root_sending *sending; /**< one a root key */
	struct saker_client_keys *client;   /**< one a trust group; empty unless it has data_keys */
	struct saker_psp_sas *sas;          /**< one a trust group; empty unless it has keys */
};

/**
 * Read every root key and every client's data keys of a configuration.
 * @return 0, or -EINVAL: faults were added, @p set is empty
 */
int saker_root_set_load(const struct saker_config *c, const struct saker_keysource_ops *source,
	struct saker_root_set *set, struct saker_faults *faults);

/** Wipe and free. */
void saker_root_set_free(struct saker_root_set *set);

/** Copy a set. @return 0 or -ENOMEM; then @p to is empty */
int saker_root_set_copy(struct saker_root_set *to, const struct saker_root_set *from);

/** Number of the root key that is the same one in another configuration, or -1: it is new there. */
int saker_root_set_same(
	const struct saker_config *c, unsigned int key, const struct saker_config *in);

/**
 * Let a set that was just loaded follow the one in use: root keys of the same name, level and id
 * go on from it (saker_root.h), all others are new.
 * @param now_ms of the monotonic clock; the grace time is the gateway's rotate_grace_ms
 * @return 0, or -EINVAL: faults were added
 */
int saker_root_set_follow(struct saker_root_set *set, const struct saker_config *c,
	const struct saker_root_set *before, const struct saker_config *before_c, uint64_t now_ms,
	struct saker_faults *faults);

/**
 * Check what only the key values can tell: equal values within a group, one value in two
 * levels, a zero master key, client key files. Needs no EAL.
 * @return 0, or -EINVAL: faults were added
 */
int saker_snapshot_check_keys(const struct saker_config *c, const struct saker_root_set *set,
	struct saker_faults *faults);

/**
 * Build a snapshot. Needs the EAL.
 * @param ops the crypto driver whose workers will use it
 * @param ctx a context of that driver, for the time of the call
 * @return the snapshot, or NULL: faults were added
 */
struct saker_snapshot *saker_snapshot_build(const struct saker_config *c,
	const struct saker_root_set *set, const struct saker_crypto_ops *ops, void *ctx,
	struct saker_faults *faults);

/** Wipe keys and free. NULL is allowed. No worker may use it any more. */
void saker_snapshot_free(struct saker_snapshot *s);

/**
 * Find the listener of a packet.
 * @param number UDP port or IP protocol
 * @param first first octet of its security header; IP protocols are not shared, so it is not
 *        looked at there
 * @return NULL: nothing listens there, or not for such a packet
 */
static inline const struct saker_listener *
saker_listener_find(const struct saker_snapshot *s, bool udp, uint16_t number, uint8_t first)
{
	for (unsigned int i = 0; i < s->n_listeners; i++) {
		const struct saker_listener *l = &s->listener[i];

		if (l->number == number && l->udp == udp &&
			(!udp || (first & l->format->first_mask) == l->format->first_value))
			return l;
	}
	return NULL;
}

/** True if clear packets may come to a UDP port or IP protocol that is listened at. */
bool saker_listener_among_clear(const struct saker_snapshot *s, bool udp, uint16_t number);

/** saker_listener_group() where several groups have no SPI: by ids of Master Key options, or by
 * version.
 */
uint16_t saker_listener_named_group(const struct saker_snapshot *s, const struct saker_listener *l,
	const uint8_t *p, const struct saker_hdr *h);

/**
 * Find the group of a header: by its SPI; or, where the format has none, the listener's one group,
 * or the one that allows the root keys named (stateless profile 2.2).
 * @param p the header
 * @return SAKER_SPI_NONE: there is none
 */
static inline uint16_t
saker_listener_group(const struct saker_snapshot *s, const struct saker_listener *l,
	const uint8_t *p, const struct saker_hdr *h)
{
	if (__builtin_expect(l->format->by_spi, 1))
		return saker_spi_find(&l->by_spi, h->spi);
	return l->n_groups == 1 ? l->only : saker_listener_named_group(s, l, p, h);
}

/** saker_group_master() for a header with Master Key options. */
const struct saker_master *saker_group_named_master(const struct saker_group *g, const uint8_t *p,
	const struct saker_hdr *h, enum saker_drop *why);

/**
 * Choose the master key that a received header names (stateless profile 2.1).
 * @param p the base header
 * @param why receives SAKER_DROP_KEY_INDEX or _MK_NOT_ALLOWED where there is no such key
 * @return NULL: no such key
 */
static inline const struct saker_master *
saker_group_master(const struct saker_group *g, const uint8_t *p, const struct saker_hdr *h,
	enum saker_drop *why)
{
	uint16_t n = g->by_key_idx[h->key_idx >> 2];

	if (__builtin_expect(
		    (h->mk_at[SAKER_ZONE] | h->mk_at[SAKER_USER] | h->mk_at[SAKER_TASK]) != 0, 0))
		return saker_group_named_master(g, p, h, why);
	*why = SAKER_DROP_KEY_INDEX;
	return n == SAKER_NO_MASTER ? NULL : &g->masters[n];
}

/**
 * Transport mode and bound tunnels: may this source use these outer addresses?
 * @param source wire source id; ignored in variants 3 and 4
 */
bool saker_group_binds(const struct saker_group *g, uint64_t source, const struct saker_ip *from,
	const struct saker_ip *to);

#endif
