/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_CONFIG_INTERNAL_H
#define SAKER_CONFIG_INTERNAL_H

/**
 * @file
 * Inside of lib/config: the descriptor tables (saker_config_table.c), the types of values
 * (saker_config_value.c), the reader (saker_config.c) and the rules (saker_config_check*.c).
 *
 * Threads: control path only; a reader lives for one saker_config_load().
 */

#include <libconfig.h>

#include "saker_config.h"

/** Sections in the order of reading: each may refer to those before it. */
enum saker_cfg_id {
	SAKER_SEC_GATEWAY,
	SAKER_SEC_PORTS,
	SAKER_SEC_ROOT_KEYS,
	SAKER_SEC_GROUPS,
	SAKER_SEC_POLICIES,
	SAKER_SEC_PROXIES,
	SAKER_SECTIONS
};

/** Types of values; each has its functions in saker_cfg_types. */
enum saker_cfg_type {
	SAKER_T_NAME,    /**< char[] */
	SAKER_T_PATH,    /**< char *, resolved */
	SAKER_T_INT,     /**< integer of 1, 2, 4 or 8 octets */
	SAKER_T_BOOL,    /**< bool */
	SAKER_T_WORD,    /**< an enum, or uint8_t */
	SAKER_T_HEX,     /**< struct saker_cfg_hex; min and max in octets */
	SAKER_T_IP,      /**< struct saker_ip; min = max = family, 0: either */
	SAKER_T_PREFIX,  /**< struct saker_prefix */
	SAKER_T_IFADDR,  /**< struct saker_prefix with host bits; min = max = family */
	SAKER_T_MAC,     /**< uint8_t[6] */
	SAKER_T_PORTS,   /**< struct saker_cfg_range */
	SAKER_T_REF,     /**< uint16_t, index into the section `refers` */
	SAKER_T_REFS,    /**< struct saker_cfg_refs into the section `refers` */
	SAKER_T_IPS,     /**< struct saker_cfg_ips */
	SAKER_T_HEXES,   /**< struct saker_cfg_hex * and a uint8_t count */
	SAKER_T_LEVELS,  /**< bool[SAKER_LEVELS] */
	SAKER_T_DSCPS,   /**< struct saker_cfg_qos */
	SAKER_T_OBJECTS, /**< list of objects of the section `sub` */
	SAKER_TYPES
};

/** A word of the file and the value it stands for. Tables end with a NULL word. */
struct saker_cfg_word {
	const char *word;
	int value;
};

/** Flags of a field. */
enum {
	SAKER_F_REQUIRED = 1, /**< must be given (where it has a bearing) */
	SAKER_F_WIDE = 2,     /**< a negative 32-bit integer means its bit pattern; shown in hex */
	SAKER_F_NONEMPTY = 4, /**< a list with at least one entry */
	SAKER_F_LENIENT = 8,  /**< given without bearing: a warning, not a fault */
	SAKER_F_RESTART = 16, /**< takes effect at the next start only */
};

struct saker_cfg_section;

/** Descriptor of one name. Tables end with a NULL name. */
struct saker_cfg_field {
	const char *name;
	enum saker_cfg_type type;
	uint8_t flags;
	uint8_t refers;    /**< enum saker_cfg_id */
	uint16_t offset;   /**< in the object */
	uint16_t size;     /**< octets */
	uint16_t count_at; /**< SAKER_T_HEXES: offset of the count */
	int64_t min, max;
	const char *def; /**< as the file would spell it, without quotes; NULL: none */
	const struct saker_cfg_word *words;
	const struct saker_cfg_section *sub;
	struct {
		const char *field, *word;
	} only;              /**< has a bearing only if that field is that word */
	const char *formats; /**< of a trust group: only in formats of these letters; NULL: all */
	int64_t (*computed)(const void *object); /**< default that depends on other fields */
	const char *def_help;                    /**< the same in words */
	const char *help;
};

struct saker_cfg_reader;
struct saker_cfg_obj;

/** A semantic rule. Tables end with a NULL check. */
struct saker_cfg_rule {
	void (*check)(struct saker_cfg_reader *r, const struct saker_cfg_obj *o);
	const char *needs[8]; /**< fields that must have been read well; NULL behind the last */
	const char *help;     /**< the rule as a sentence */
	const char *formats;  /**< of a trust group: only in formats of these letters; NULL: all */
};

/** Descriptor of a section. */
struct saker_cfg_section {
	const char *name;  /**< in the file */
	const char *title; /**< of one object, in messages */
	const char *help;
	const struct saker_cfg_field *fields;
	const struct saker_cfg_rule *rules;
	size_t size;      /**< of an object */
	size_t line_at;   /**< offset of its `int line` */
	size_t list_at;   /**< offset in the owner: of the object, or of the pointer to the array */
	size_t count_at;  /**< offset in the owner: of the unsigned count */
	unsigned int max; /**< most objects; 0: exactly one, not in a list */
	bool restart;     /**< all of it takes effect at the next start only */
	void (*finish)(void *object); /**< after reading; may be NULL */
};

/** Rules of trust groups of one format, beside those of all. Tables end with a NULL rules. */
struct saker_cfg_format_rules {
	uint8_t letter;
	const struct saker_cfg_rule *rules;
};

extern const struct saker_cfg_format_rules saker_cfg_format_rules[];

extern const struct saker_cfg_section saker_cfg_sections[SAKER_SECTIONS];
extern const struct saker_cfg_rule saker_cfg_port_rules[], saker_cfg_root_key_rules[],
	saker_cfg_group_rules[], saker_cfg_binding_rules[], saker_cfg_policy_rules[],
	saker_cfg_seh_rules[], saker_cfg_psp_rules[], saker_cfg_subsa_rules[],
	saker_cfg_esp_rules[], saker_cfg_proxy_rules[], saker_cfg_tss_rules[];

/** Settings of a proxy (saker_config_table_proxy.c), and words that it shares with policies. */
extern const struct saker_cfg_field saker_cfg_proxy_fields[];
extern const struct saker_cfg_word saker_cfg_df_words[], saker_cfg_fragment_words[];

/** An object while it is read and checked. */
struct saker_cfg_obj {
	const struct saker_cfg_section *section;
	const struct saker_cfg_obj *owner; /**< of an object inside another, else NULL */
	config_setting_t *at;              /**< NULL: the section is absent */
	void *p;
	uint64_t given, bad;        /**< bit maps by position in the table: at most 64 fields */
	struct saker_cfg_obj *kids; /**< objects of its SAKER_T_OBJECTS field */
	unsigned int n_kids;
	char label[96]; /**< trust group "cluster" */
};

/** A name and whose it is. */
struct saker_cfg_named {
	const char *name;
	unsigned int index;
};

/** The part of a policy that packets are compared with. */
struct saker_cfg_selector {
	uint32_t bits, mask; /**< first 32 bits of dst: a quick look that rules most pairs out */
	struct saker_prefix src, dst;
	struct saker_cfg_range sport, dport;
	uint8_t proto;
	uint8_t family; /**< the only one it can match, or 0 */
	bool sound;     /**< was read well */
};

/** Everything that saker_config_load() works with. */
struct saker_cfg_reader {
	struct saker_config *c;
	struct saker_faults *faults;
	config_t *file;
	struct saker_cfg_obj *objs[SAKER_SECTIONS];
	unsigned int n[SAKER_SECTIONS];
	struct saker_cfg_named *names[SAKER_SECTIONS]; /**< sorted */
	unsigned int n_names[SAKER_SECTIONS];
	struct saker_cfg_selector *selectors; /**< of all policies */
	const struct saker_cfg_obj **users;   /**< first policy that uses each group */
};

/** A value on its way in. */
struct saker_cfg_slot {
	struct saker_cfg_reader *r;
	const struct saker_cfg_field *field;
	void *object;
	void *at;      /**< object + field->offset */
	char why[512]; /**< what is wrong with it, to follow the value: "is empty" */
};

/** A value on its way out. */
struct saker_cfg_view {
	const struct saker_config *c;
	const struct saker_cfg_field *field;
	const void *object;
};

/** How a type stands in the file. */
enum saker_cfg_shape {
	SAKER_SHAPE_TEXT,
	SAKER_SHAPE_INT,
	SAKER_SHAPE_BOOL,
	SAKER_SHAPE_TEXT_OR_INT,
	SAKER_SHAPE_TEXTS,
	SAKER_SHAPE_OBJECTS
};

/** Functions of a type. */
struct saker_cfg_type_ops {
	const char *help;
	enum saker_cfg_shape shape;
	/** Take a text, or append one entry of a list; on false slot->why is set. */
	bool (*take)(struct saker_cfg_slot *slot, const char *text);
	/** Print the value as the file would spell it, "none" if there is none. */
	void (*show)(const struct saker_cfg_view *v, FILE *out);
};

extern const struct saker_cfg_type_ops saker_cfg_types[SAKER_TYPES];

/** Functions of SAKER_T_IFADDR and SAKER_T_MAC: see struct saker_cfg_type_ops. */
bool saker_cfg_take_ifaddr(struct saker_cfg_slot *slot, const char *text);
void saker_cfg_show_ifaddr(const struct saker_cfg_view *v, FILE *out);
bool saker_cfg_take_mac(struct saker_cfg_slot *slot, const char *text);
void saker_cfg_show_mac(const struct saker_cfg_view *v, FILE *out);

/** The same of SAKER_T_DSCPS. */
bool saker_cfg_take_dscps(struct saker_cfg_slot *slot, const char *text);
void saker_cfg_show_dscps(const struct saker_cfg_view *v, FILE *out);

/** Store an integer if it is in range. */
bool saker_cfg_take_int(struct saker_cfg_slot *slot, int64_t v);

/** @p path as seen from the directory of @p file. @return malloc()ed, NULL: no memory */
char *saker_cfg_resolve(const char *file, const char *path);

/** Set every default of an object that is zero otherwise. @return false: no memory */
bool saker_cfg_defaults(
	struct saker_cfg_reader *r, const struct saker_cfg_section *s, void *object);

/** Give back what the fields of an object point at. */
void saker_cfg_release(const struct saker_cfg_section *s, void *object);

/** Field by name, NULL: no such. */
const struct saker_cfg_field *saker_cfg_field(const struct saker_cfg_section *s, const char *name);

/** True if a field has a bearing on an object. */
bool saker_cfg_applies(
	const struct saker_cfg_section *s, const struct saker_cfg_field *f, const void *object);

/** True if a list of format letters is NULL or has a trust group's format. */
bool saker_cfg_in_format(const char *formats, const void *group);

/** Print the words of a list of format letters, "`eesp`, `seh`". */
void saker_cfg_print_formats(const char *formats, FILE *out);

/** First object of a section in its owner, and how many there are. */
void *saker_cfg_objects(const struct saker_cfg_section *s, const void *owner, unsigned int *n);

/** The word for a value, "?" for an unknown one. */
const char *saker_cfg_word(const struct saker_cfg_word *words, int value);

/** True if the field was given in the file. */
bool saker_cfg_given(const struct saker_cfg_obj *o, const char *name);

/** True if the field was not given, or read well. */
bool saker_cfg_sound(const struct saker_cfg_obj *o, const char *name);

/** Line of an object. */
int saker_cfg_line(const struct saker_cfg_obj *o);

/** Add a fault where the field @p name of @p o stands, or the object if it is absent or NULL. */
void saker_cfg_fault(struct saker_cfg_reader *r, const struct saker_cfg_obj *o, const char *name,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/** The same, but a warning. */
void saker_cfg_warn(struct saker_cfg_reader *r, const struct saker_cfg_obj *o, const char *name,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/** The same with a setting of the file. */
void saker_cfg_fault_at(struct saker_cfg_reader *r, const config_setting_t *at,
	const struct saker_cfg_obj *o, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/**
 * What libconfig itself would misread or die of: integers that it would cut to 32 bits, and
 * directories in place of files. @return false: it must not read the file
 */
bool saker_cfg_scan(const char *file, struct saker_faults *faults);

/** Read every section of the file, in order of reference. */
void saker_cfg_read(struct saker_cfg_reader *r);

/** Give proxies the names and outer addresses that the file leaves to saker. */
void saker_cfg_finish_proxies(struct saker_cfg_reader *r);

/** Look for a name of a section, read already. @return its index, or -1 */
int saker_cfg_find(const struct saker_cfg_reader *r, enum saker_cfg_id id, const char *name);

/**
 * The name of a list that @p name was most likely meant to be.
 * @param step octets from one `const char *` to the next
 * @return NULL: none is near
 */
const char *saker_cfg_nearest(const char *name, const void *list, unsigned int n, size_t step);

/** Sort the names of a section; names that are taken twice are faults. */
void saker_cfg_index(struct saker_cfg_reader *r, enum saker_cfg_id id);

/** Fault unless two prefixes may be of one family. */
void saker_cfg_check_families(struct saker_cfg_reader *r, const struct saker_cfg_obj *o,
	const struct saker_prefix *src, const struct saker_prefix *dst);

/** Fault where `sport` or `dport` are given for a protocol without ports. */
void saker_cfg_check_ports(
	struct saker_cfg_reader *r, const struct saker_cfg_obj *o, uint8_t proto);

/** The port where protected packets pass; NULL: none, or the ports have faults. */
const struct saker_cfg_port *saker_cfg_cipher_port(const struct saker_cfg_reader *r);

/** The port of a tunnel's own end: the cipher port, or of two the one that holds @p peer in a
 * prefix or has it own @p local. NULL: there is none, or it can't be told.
 */
const struct saker_cfg_port *saker_cfg_port_for(const struct saker_cfg_reader *r,
	const struct saker_ip *local, const struct saker_ip *peer);

/** Run every rule. */
void saker_cfg_check(struct saker_cfg_reader *r);

/** A rule on all objects together. Tables end with a NULL check. */
struct saker_cfg_whole_rule {
	void (*check)(struct saker_cfg_reader *r);
	const char *help;
};

extern const struct saker_cfg_whole_rule saker_cfg_whole_rules[];

/** Octets of a source as profile section 4 counts it, 0: it is an address. */
extern const uint8_t saker_cfg_source_len[SAKER_V_COUNT];

/** True if groups of this one's format have variants. */
bool saker_cfg_has_variants(const struct saker_cfg_group *g);

/** Octets of a group's source ids, 0: sources are addresses, or there is one alone. */
unsigned int saker_cfg_source_octets(const struct saker_cfg_group *g);

/** Rules of formats with keys by session: one root key a direction, SPIs. For tables of rules. */
void saker_cfg_check_directions(struct saker_cfg_reader *r, const struct saker_cfg_obj *o);
void saker_cfg_check_session_spis(struct saker_cfg_reader *r, const struct saker_cfg_obj *o);

/** Sessions, windows and SNs of a group of format esp, once its settings are read. */
void saker_cfg_finish_esp(struct saker_cfg_group *g);

/** What is said of saker_cfg_tss_needs_ssi(), with the name of the group. */
#define SAKER_CFG_NO_SSI                                                                           \
	"kdf \"direct\" over IPv6 needs an SSI, or nonces of all sources would be the same; give " \
	"trust group \"%s\" variant source-id"

/** True if a sender of a group of format tss may not have this outer address without an SSI. */
bool saker_cfg_tss_needs_ssi(const struct saker_cfg_group *g, const struct saker_ip *local);

/** SNs of a group of format tss, once its settings are read. */
void saker_cfg_finish_tss(struct saker_cfg_group *g);

/** Defaults that hang on other settings of the object. */
int64_t saker_cfg_default_accept_first(const void *object);
int64_t saker_cfg_default_accept_child_sas(const void *object);
int64_t saker_cfg_default_accept_sessions(const void *object);
int64_t saker_cfg_default_rekey_shift(const void *object);
int64_t saker_cfg_default_udp_port(const void *object);
int64_t saker_cfg_default_protocol(const void *object);
int64_t saker_cfg_default_peer_spi(const void *object);
int64_t saker_cfg_default_version(const void *object);

/** Finish a port or a trust group: see struct saker_cfg_section. */
void saker_cfg_finish_port(void *object);
void saker_cfg_finish_group(void *object);

#endif
