/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_FORMAT_H
#define SAKER_FORMAT_H

/**
 * @file
 * What all packet formats have in common, and the table of formats. A protected packet is
 *
 *     outer IP | [UDP] | security header | [clear payload] | encrypted part | ICV 16
 *
 * A format reads and writes the security header and says where the parts lie, what the AAD and
 * the nonce are, and what the encrypted part holds beside the payload. Everything else is the
 * same for all: stages, drivers, SNs, windows, policies. docs/protocol.md has the pictures.
 *
 * Pure: no EAL, no allocation. Threads: every function touches only its arguments.
 */

#include "saker_bytes.h"
#include "saker_drop.h"

#define SAKER_ICV 16 /**< integrity check value of every format, octets */

/** Variants V of formats E and S: what identifies the source (stateless profile 2.3). */
enum saker_variant {
	SAKER_V_SOURCE_ID = 0,
	SAKER_V_SOURCE_ID_64 = 1,
	SAKER_V_CONNECTION_ID = 2,
	SAKER_V_SOURCE_IP = 3,
	SAKER_V_IP_PAIR = 4,
	SAKER_V_COUNT
};

/** Levels of root keys, in the order of combination. */
enum saker_level { SAKER_ZONE, SAKER_USER, SAKER_TASK, SAKER_LEVELS };

#define SAKER_ROOT_ID_MIN 16 /**< shortest root key id, octets */
#define SAKER_ROOT_ID_MAX 32 /**< longest root key id, octets */

/** Longest security header of any format, payload info included: EESP with 255 octets of options.
 */
#define SAKER_HEAD_MAX 275
/** Most payload octets that any format can leave in clear: the Crypt Offset of PSP. */
#define SAKER_CLEAR_MAX 252
/** Room for an AAD that is not one piece in the packet: addresses and UDP header in front (TSS). */
#define SAKER_AAD_MAX (48 + SAKER_HEAD_MAX + SAKER_CLEAR_MAX)

/** Sequence numbers of ESP, by their names in RFC 9827. */
enum saker_esp_sn {
	SAKER_ESP_SN_32,          /**< "32-bit sequential" */
	SAKER_ESP_SN_64,          /**< "partially transmitted 64-bit sequential" */
	SAKER_ESP_SN_UNSPECIFIED, /**< "32-bit unspecified" */
};

/** Which end of its group this one is. */
enum saker_end { SAKER_END_PEER, SAKER_END_SERVER, SAKER_END_CLIENT };

/** What the members of a trust group agreed on about their packets, beside keys and ids. */
struct saker_terms {
	bool transport;      /**< the payload is a segment, not a packet */
	uint8_t max_ioffset; /**< units of 4 octets that may be unauthenticated; formats E and S */
	uint16_t max_clear;  /**< payload octets that may be in clear */
	uint8_t version;     /**< PSP: the one version of the group */
	uint8_t esp_sn;      /**< ESP: enum saker_esp_sn */
	bool no_sn;          /**< EESP with Sub SAs: no SN on the wire, no replay window */
	bool implicit_iv;    /**< ESP, EESP with Sub SAs: RFC 8750 */
	bool iv_in_aad;      /**< EESP with Sub SAs: an explicit IV is authenticated */
	bool cookie;         /**< PSP: a virtualization cookie is sent */
	bool in_udp;         /**< TSS: behind UDP, not behind an entropy header */
	bool udp_in_aad;     /**< TSS over UDP: the UDP header is authenticated */
	uint8_t end;         /**< TSS: enum saker_end */
	uint64_t cookie_value; /**< PSP: the cookie that is sent */
};

/**
 * A security header that was read. Offsets count from its first octet. What a format does not have
 * is 0.
 */
struct saker_hdr {
	uint64_t source;                 /**< source id as an integer, 0 if the wire has none */
	uint64_t sn;                     /**< SN, IV or TSC: what is unique; epoch above bit 48 */
	uint32_t spi;                    /**< names the trust group or SA: SPI, SDI */
	uint16_t session;                /**< session id */
	uint16_t len;                    /**< the header without payload info */
	uint8_t variant;                 /**< 0..4 */
	uint8_t ioffset;                 /**< unauthenticated transport header, units of 4 octets */
	uint8_t key_idx;                 /**< two bits a level, zone on top */
	uint8_t crypt_offset;            /**< units of 4 octets; 0: nothing is in clear */
	uint8_t payload_offset;          /**< of the Crypt Offset option, units of 4 octets */
	uint8_t next_header;             /**< where the security header says it (PSP) */
	uint8_t version;                 /**< PSP version */
	uint8_t flags;                   /**< the format's own */
	uint16_t mk_at[SAKER_LEVELS];    /**< offset of a Master Key option's data, 0: absent */
	uint8_t mk_id_len[SAKER_LEVELS]; /**< octets of root key id in it */
};

/** Where the parts of a packet lie. Offsets count from the security header. */
struct saker_parts {
	uint16_t payload_at; /**< first payload octet, clear or not; behind payload info */
	uint16_t cipher_at; /**< first encrypted octet; payload info lies here if it is encrypted */
	uint16_t clear_len; /**< payload octets in clear */
	uint16_t skip_at;   /**< first unauthenticated octet; cipher_at if there is none */
	uint16_t skip_len;  /**< unauthenticated octets */
	uint16_t cipher_len; /**< encrypted octets, padding and trailer included, ICV not */
};

/** Parts of a packet whose payload is encrypted as a whole, from octet @p at on. @param len octets
 */
static inline struct saker_parts
saker_parts_whole(uint32_t at, uint32_t len)
{
	return (struct saker_parts){ .payload_at = (uint16_t)at,
		.cipher_at = (uint16_t)at,
		.skip_at = (uint16_t)at,
		.cipher_len = (uint16_t)len };
}

/** A Master Key option to send. */
struct saker_mk_option {
	uint8_t id_len; /**< 16..32, a multiple of 4; 0: no such option */
	uint8_t index;  /**< root key index modulo 256 */
	uint8_t id[SAKER_ROOT_ID_MAX];
};

/** What all packets of a policy have in common. */
struct saker_form {
	uint32_t spi;
	uint8_t variant;
	uint8_t key_idx;
	uint8_t source[8]; /**< source id, as long as the variant's */
	bool transport;
	bool crypt_offset;               /**< packets may leave octets in clear */
	bool outer_v6;                   /**< behind IPv6 */
	const struct saker_terms *terms; /**< not kept; NULL in formats that read none */
	struct saker_mk_option mk[SAKER_LEVELS];
};

/** A header to copy and finish. Offsets count from its first octet. */
struct saker_tmpl {
	uint8_t octets[SAKER_HEAD_MAX + 1];
	uint16_t len;        /**< up to the payload: header, and payload info if there is one */
	uint16_t sn_at;      /**< SN */
	uint16_t context_at; /**< octet V | IOffset, KeyIdx behind it */
	uint16_t source_at;  /**< source id, 0: none */
	uint16_t crypt_at;   /**< the field that says what is in clear, 0: none */
	bool payload_info;   /**< payload info ends the header */
	uint8_t flags;       /**< the format's own */
};

/** The fields of one packet's header. */
struct saker_fields {
	uint64_t sn;
	uint64_t source; /**< written over the template's id, if it has one */
	uint32_t spi;    /**< formats whose SPI is the sender's (PSP, ESP, EESP with Sub SAs) */
	uint16_t session;
	uint16_t clear_len;  /**< payload octets in clear, a multiple of 4 */
	uint8_t ioffset;     /**< units of 4 octets */
	uint8_t key_idx;     /**< root keys that seal */
	uint8_t next_header; /**< protocol of the payload */
	uint8_t pad_len;     /**< octets between payload and ICV, a trailer included */
};

/** A packet whose headers stand: what AAD and nonce are made of. */
struct saker_sealed {
	const uint8_t *ip;   /**< outer IP header */
	const uint8_t *head; /**< security header */
	const struct saker_parts *parts;
	const struct saker_terms *terms;
	uint64_t sn;     /**< whole, where the wire has a part of it */
	uint64_t source; /**< source id */
	uint16_t session;
	uint8_t role; /**< 0 peer, 1 server to client, 2 client to server */
	uint8_t variant;
};

/** What an opened packet turned out to hold. */
struct saker_opened {
	uint8_t *payload;
	uint16_t len; /**< with padding, without a trailer */
	uint8_t next_header;
	uint8_t pad; /**< octets of padding, where the packet says it */
	bool info;   /**< the packet said next_header and pad */
};

/** In saker_format.max_pad: any number of octets, whatever they are (TFC padding of ESP). */
#define SAKER_PAD_ANY 255

/** Where the key of a packet comes from. */
enum saker_key_rule {
	SAKER_KEYS_GROUP,   /**< derived from a group key, which root keys combine to */
	SAKER_KEYS_ROOT,    /**< derived from the root key itself */
	SAKER_KEYS_SESSION, /**< expanded once for each session or SA */
};

/** One format. Functions that may be NULL say so. */
struct saker_format {
	const char *name;    /**< as configurations spell it */
	uint8_t letter;      /**< short name; first octet of KDF labels in formats E and S */
	uint8_t keys;        /**< enum saker_key_rule */
	uint8_t align;       /**< the encrypted part is a multiple of so many octets */
	uint8_t trailer;     /**< octets behind the padding, encrypted */
	uint8_t max_pad;     /**< zero octets that may follow a packet in tunnel mode */
	uint8_t first_mask;  /**< bits of the first octet that tell this format from others */
	uint8_t first_value; /**< their value */
	uint8_t no_group;    /**< enum saker_drop where the listener has no group for a header */
	bool by_spi;         /**< the header's SPI finds the group; else the listener has one */
	bool worker_source;  /**< no session id: worker n sends as source id + n */
	bool worker_spi;     /**< the same, under SPI + n, which is the source then */
	uint8_t most_clear;  /**< octets behind the header that it can leave in clear; 0: none */
	bool skips;          /**< it has an IOffset */
	bool any_sn;         /**< SNs neither follow a clock nor count: nothing is kept of them */
	bool among_clear;    /**< clear packets come to its listeners too: the first octet tells */
	uint8_t entropy;     /**< behind IP a header of so many octets, which transport mode keeps
			      *   like the UDP header: what is protected is the payload behind it */
	uint16_t udp_port;   /**< default port */
	uint16_t longest;    /**< IP packet of it, octets; 0: has no limit of its own */
	uint8_t protocol;    /**< default protocol number */

	/**
	 * Check form, version and reserved bits of a header and read it.
	 * @param p first octet of the header
	 * @param len octets from there to the end of the packet, ICV included; at most 65535
	 * @return SAKER_OK or the reason
	 */
	enum saker_drop (*read)(const uint8_t *p, uint32_t len, struct saker_hdr *h);

	/** Finish reading with what only the group knows, see read(). May be NULL. */
	enum saker_drop (*bind)(const uint8_t *p, uint32_t len, const struct saker_terms *terms,
		struct saker_hdr *h);

	/**
	 * SN of a received packet where the wire may have only a part of it. NULL: it is whole.
	 * @param newest of those that were accepted on that SA; 0: none yet
	 * @param window SNs that its replay window spans
	 * @return 0: it has none
	 */
	uint64_t (*whole_sn)(const uint8_t *p, const struct saker_hdr *h,
		const struct saker_terms *terms, uint64_t newest, uint32_t window);

	/** Find the parts of a received packet and check its offsets. */
	enum saker_drop (*split)(const uint8_t *p, uint32_t len, const struct saker_hdr *h,
		const struct saker_terms *terms, struct saker_parts *parts);

	/** Look at what was decrypted: payload, next header, padding. */
	enum saker_drop (*opened)(uint8_t *p, const struct saker_hdr *h,
		const struct saker_parts *parts, const struct saker_terms *terms,
		struct saker_opened *o);

	/** Lay out a header. @return 0, or -EINVAL if a field is out of its range */
	int (*template)(const struct saker_form *form, struct saker_tmpl *t);

	/**
	 * Parts of a packet that is about to be sealed.
	 * @param payload_len octets of inner packet or segment
	 * @param skip_from payload octets before the transport header
	 * @param pad receives the octets between payload and ICV: padding and trailer
	 */
	void (*plan)(const struct saker_tmpl *t, const struct saker_fields *f, uint16_t payload_len,
		uint16_t skip_from, struct saker_parts *parts, uint8_t *pad);

	/** Copy a template to @p at and finish it: saker_tmpl.len octets are written. */
	void (*write)(const struct saker_tmpl *t, uint8_t *at, const struct saker_fields *f);

	/** Write what follows the payload; padding octets are zero already. May be NULL. */
	void (*write_trailer)(uint8_t *icv, const struct saker_fields *f);

	/**
	 * What is authenticated and not encrypted, in one piece.
	 * @param scratch SAKER_AAD_MAX octets, used if it is not one piece in the packet
	 * @param len receives the length
	 * @return a pointer into the packet, or @p scratch
	 */
	const uint8_t *(*aad)(const struct saker_sealed *s, uint8_t *scratch, uint16_t *len);

	/** Nonce before the mask. @param out 12 octets */
	void (*nonce)(const struct saker_sealed *s, uint8_t *out);
};

/** Every format, main format first, and NULL at the end. */
extern const struct saker_format *const saker_formats[];

/** The formats that others name. */
extern const struct saker_format saker_format_eesp, saker_format_seh, saker_format_subsa,
	saker_format_psp, saker_format_esp, saker_format_tss;

/** Find a format by its letter. @return NULL: none has it */
const struct saker_format *saker_format_find(uint8_t letter);

/**
 * Nonce of formats E and S before the mask (stateless profile section 3).
 * @param role 0 peer, 1 server to client, 2 client to server
 * @param out 12 octets
 */
static inline void
saker_nonce(uint16_t session, uint8_t role, uint8_t variant, uint64_t sn, uint8_t out[12])
{
	uint32_t first = (uint32_t)session << 16 | (uint32_t)role << 8 | variant;

	saker_store_be64(out, (uint64_t)first << 32 | sn >> 32);
	saker_store_be32(out + 8, (uint32_t)sn);
}

#endif
