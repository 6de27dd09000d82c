/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_MATCH_H
#define SAKER_MATCH_H

/**
 * @file
 * First matching policy of a flow, for the policies that most gateways have: prefixes, and
 * protocol and ports that are given exactly or not at all. Rules that look at the same bits share
 * a shape; a look-up is one hash probe a shape (tuple space search), whatever the number of rules.
 * What does not fit (ranges of ports, many shapes) is left to rte_acl.
 *
 * Threads: built by the control thread, then read-only.
 */

#include <stdint.h>

#include "saker_config.h"

#define SAKER_MATCH_SHAPES 4          /**< with more, rte_acl is the better choice */
#define SAKER_MATCH_NONE   UINT16_MAX /**< no rule matches */
#define SAKER_FLOW_WORDS   5          /**< words of the longest flow key, IPv6 */

/**
 * A flow as whole words, octets as on the wire. IPv4: source and destination; ports and protocol.
 * IPv6: source, source, destination, destination; ports and protocol.
 */
struct saker_flow_key {
	uint64_t word[SAKER_FLOW_WORDS];
};

/** Words of a flow key of family 4 or 6. */
static inline unsigned int
saker_flow_words(uint8_t family)
{
	return family == 4 ? 2 : SAKER_FLOW_WORDS;
}

/** One rule; rule 0 to n - 1 are policies, SAKER_MATCH_NONE marks an empty place. */
struct saker_match_entry {
	uint64_t word[SAKER_FLOW_WORDS];
	uint16_t rule;
};

/** The rules that look at the same bits. */
struct saker_match_shape {
	uint64_t bits[SAKER_FLOW_WORDS];
	uint64_t factor[SAKER_FLOW_WORDS];     /**< of the hash */
	uint16_t first;                        /**< its lowest rule */
	uint8_t shift;                         /**< from hash to place */
	uint32_t at, n;                        /**< its entries: n is a power of two */
	const struct saker_match_entry *entry; /**< the first of them */
};

/** See the file comment. */
struct saker_match {
	struct saker_match_shape shape[SAKER_MATCH_SHAPES]; /**< in order of `first` */
	unsigned int n_shapes;
	struct saker_match_entry *entry;
};

/**
 * Build the table of one family.
 * @param family 4 or 6
 * @param out receives the table; free it with saker_match_free()
 * @return 0; -ENOTSUP: these policies do not fit; -ENOMEM
 */
int saker_match_build(const struct saker_config *c, uint8_t family, struct saker_match **out);

/** Free a table. NULL is allowed. */
void saker_match_free(struct saker_match *m);

/** First place of a key: the upper bits of a multilinear hash hang on all that the shape looks at.
 */
static inline uint64_t
saker_match_place(const struct saker_match_shape *s, const uint64_t *word, unsigned int words)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < words; i++)
		sum += (word[i] & s->bits[i]) * s->factor[i];
	return sum >> s->shift;
}

/** Is this the rule of a key? */
static inline bool
saker_match_is(const struct saker_match_entry *e, const uint64_t *word, const uint64_t *mask,
	unsigned int words)
{
	uint64_t other = 0;

	for (unsigned int i = 0; i < words; i++)
		other |= e->word[i] ^ (word[i] & mask[i]);
	return other == 0;
}

/** saker_match_probe() from the second place on. @param place the first one, whose rule differs */
uint16_t saker_match_walk(const struct saker_match_shape *s, uint64_t place, const uint64_t *word,
	unsigned int words);

/** saker_match_find() in all shapes but the first. @param best rule of the first one */
uint16_t saker_match_others(
	const struct saker_match *m, const uint64_t *word, unsigned int words, uint16_t best);

/** The rule of one shape that a key matches, or SAKER_MATCH_NONE. */
static inline uint16_t
saker_match_probe(const struct saker_match_shape *s, const uint64_t *word, unsigned int words)
{
	uint64_t place = saker_match_place(s, word, words);
	const struct saker_match_entry *e = &s->entry[place];

	if (__builtin_expect(saker_match_is(e, word, s->bits, words), 1))
		return e->rule;
	return e->rule == SAKER_MATCH_NONE ? SAKER_MATCH_NONE
					   : saker_match_walk(s, place, word, words);
}

/**
 * The first rule that a flow matches.
 * @param words saker_flow_words() of the table's family
 * @return its number, or SAKER_MATCH_NONE
 */
static inline uint16_t
saker_match_find(const struct saker_match *m, const uint64_t *word, unsigned int words)
{
	uint16_t best = saker_match_probe(m->shape, word, words);

	return __builtin_expect(m->n_shapes > 1, 0) ? saker_match_others(m, word, words, best)
						    : best;
}

/** saker_match_find4() in full. */
uint16_t saker_match_find4_any(const struct saker_match *m, uint64_t addresses, uint64_t ports);

/** saker_match_find() for a key of IPv4 in registers: mostly there is one shape and one probe. */
static inline uint16_t
saker_match_find4(const struct saker_match *m, uint64_t addresses, uint64_t ports)
{
	const struct saker_match_shape *s = m->shape;
	const uint64_t word[2] = { addresses & s->bits[0], ports & s->bits[1] };
	const struct saker_match_entry *e = &s->entry[saker_match_place(s, word, 2)];

	if (__builtin_expect(m->n_shapes == 1 && saker_match_is(e, word, word, 2), 1))
		return e->rule;
	return saker_match_find4_any(m, addresses, ports);
}

#endif
