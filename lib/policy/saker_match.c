/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_match.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "saker_bytes.h"
#include "saker_classify.h"
#include "saker_factor.h"

#define SPARSE 4 /* places for each rule, at least */

/* A rule on its way into the table. */
struct rule {
	uint64_t word[SAKER_FLOW_WORDS], bits[SAKER_FLOW_WORDS];
};

/* Both prefixes, and ports and protocol, laid out as in a flow key. */
struct layout {
	uint8_t address[2][16];
	uint16_t port[2];
	uint8_t proto;
	uint8_t zero[3];
};

static void
put_prefix(const struct saker_prefix *p, uint8_t value[16], uint8_t mask[16])
{
	unsigned int bits = p->ip.family == 0 ? 0 : p->len;

	memset(mask, 0, 16);
	for (unsigned int i = 0; i < bits; i++)
		mask[i / 8] |= (uint8_t)(0x80 >> i % 8);
	for (unsigned int i = 0; i < 16; i++)
		value[i] = p->ip.octets[i] & mask[i];
}

/* @return false for a range, which a mask can't tell. */
static bool
put_port(const struct saker_cfg_range *r, uint16_t *value, uint16_t *mask)
{
	bool any = r->low == 0 && r->high == UINT16_MAX;

	*mask = any ? 0 : UINT16_MAX;
	*value = any ? 0 : __builtin_bswap16(r->low);
	return any || r->low == r->high;
}

/* Where the addresses of a family end and ports begin differs: pack what there is. */
static void
pack(const struct layout *l, uint8_t family, uint64_t word[SAKER_FLOW_WORDS])
{
	size_t address = family == 4 ? 4 : 16;
	uint8_t *out = (uint8_t *)word;

	memset(word, 0, SAKER_FLOW_WORDS * sizeof(*word));
	memcpy(out, l->address[0], address);
	memcpy(out + address, l->address[1], address);
	memcpy(out + 2 * address, l->port, sizeof(*l) - offsetof(struct layout, port));
}

static bool
read_rule(const struct saker_cfg_policy *p, uint8_t family, struct rule *r)
{
	struct layout value = { .proto = p->proto };
	struct layout mask = { .proto = p->proto == 0 ? 0 : 0xff };

	put_prefix(&p->src, value.address[0], mask.address[0]);
	put_prefix(&p->dst, value.address[1], mask.address[1]);
	if (!put_port(&p->sport, &value.port[0], &mask.port[0]) ||
		!put_port(&p->dport, &value.port[1], &mask.port[1]))
		return false;
	pack(&value, family, r->word);
	pack(&mask, family, r->bits);
	return true;
}

/* The shape of a rule, made if it is new; NULL: there are too many. */
static struct saker_match_shape *
shape_of(struct saker_match *m, const struct rule *r, uint16_t first)
{
	struct saker_match_shape *s = m->shape;

	for (; s < m->shape + m->n_shapes; s++)
		if (memcmp(s->bits, r->bits, sizeof(s->bits)) == 0)
			return s;
	if (m->n_shapes == SAKER_MATCH_SHAPES)
		return NULL;
	m->n_shapes++;
	memcpy(s->bits, r->bits, sizeof(s->bits));
	s->first = first;
	return s;
}

/* Count the rules of each shape. */
static int
find_shapes(struct saker_match *m, const struct saker_config *c, uint8_t family)
{
	for (unsigned int i = 0; i < c->n_policies; i++) {
		struct saker_match_shape *s;
		struct rule r;

		if (!saker_policy_of_family(&c->policies[i], family))
			continue;
		if (!read_rule(&c->policies[i], family, &r))
			return -ENOTSUP;
		s = shape_of(m, &r, (uint16_t)i);
		if (s == NULL)
			return -ENOTSUP;
		s->n++;
	}
	return 0;
}

/* Few are full, so that a look-up ends soon. */
static int
make_room(struct saker_match *m)
{
	uint32_t total = 0;

	for (unsigned int i = 0; i < m->n_shapes; i++) {
		struct saker_match_shape *s = &m->shape[i];
		unsigned int bits = 1;

		while (1u << bits < SPARSE * s->n)
			bits++;
		s->n = 1u << bits;
		s->shift = (uint8_t)(64 - bits);
		s->at = total;
		total += s->n;
	}
	m->entry = calloc(total + 1, sizeof(*m->entry));
	if (m->entry == NULL)
		return -ENOMEM;
	/* Without rules the first shape has the last entry, which is empty. */
	for (uint32_t i = 0; i <= total; i++)
		m->entry[i].rule = SAKER_MATCH_NONE;
	m->shape[0].entry = m->entry;
	for (unsigned int i = 0; i < m->n_shapes; i++)
		m->shape[i].entry = m->entry + m->shape[i].at;
	return 0;
}

static void
set_factors(struct saker_match_shape *s, unsigned int series)
{
	for (unsigned int i = 0; i < SAKER_FLOW_WORDS; i++)
		s->factor[i] = saker_factor(series * SAKER_FLOW_WORDS + i);
}

/* How many rules of a shape find their first place taken. taken: a flag for each place */
static unsigned int
displaced(struct saker_match *m, const struct saker_match_shape *s, const struct saker_config *c,
	uint8_t family, bool *taken)
{
	unsigned int n = 0;

	memset(taken, 0, s->n * sizeof(*taken));
	for (unsigned int i = 0; i < c->n_policies; i++) {
		struct rule r;
		uint64_t place;

		if (!saker_policy_of_family(&c->policies[i], family) ||
			!read_rule(&c->policies[i], family, &r) || shape_of(m, &r, 0) != s)
			continue;
		place = saker_match_place(s, r.word, saker_flow_words(family));
		n += taken[place];
		taken[place] = true;
	}
	return n;
}

static int
choose_factors(struct saker_match *m, struct saker_match_shape *s, const struct saker_config *c,
	uint8_t family)
{
	unsigned int trials = saker_factor_trials(c->n_policies), least = UINT_MAX, best = 0;
	bool *taken = malloc(s->n * sizeof(*taken));

	if (taken == NULL)
		return -ENOMEM;
	for (unsigned int k = 0; k < trials && least > 0; k++) {
		unsigned int n;

		set_factors(s, k);
		n = displaced(m, s, c, family, taken);
		best = n < least ? k : best;
		least = n < least ? n : least;
	}
	set_factors(s, best);
	free(taken);
	return 0;
}

/* Of equal rules the first one counts, and it was there before. */
static void
put_rule(struct saker_match *m, const struct saker_match_shape *s, const struct rule *r,
	uint16_t number, unsigned int words)
{
	uint32_t place = (uint32_t)saker_match_place(s, r->word, words);
	struct saker_match_entry *e;

	if (saker_match_probe(s, r->word, words) != SAKER_MATCH_NONE)
		return;
	do {
		e = &m->entry[s->at + (place++ & (s->n - 1))];
	} while (e->rule != SAKER_MATCH_NONE);
	memcpy(e->word, r->word, sizeof(e->word));
	e->rule = number;
}

static void
put_rules(struct saker_match *m, const struct saker_config *c, uint8_t family)
{
	for (unsigned int i = 0; i < c->n_policies; i++) {
		struct rule r;

		if (saker_policy_of_family(&c->policies[i], family) &&
			read_rule(&c->policies[i], family, &r))
			put_rule(m, shape_of(m, &r, (uint16_t)i), &r, (uint16_t)i,
				saker_flow_words(family));
	}
}

uint16_t
saker_match_walk(
	const struct saker_match_shape *s, uint64_t place, const uint64_t *word, unsigned int words)
{
	for (;;) {
		const struct saker_match_entry *e = &s->entry[++place & (s->n - 1)];

		if (e->rule == SAKER_MATCH_NONE || saker_match_is(e, word, s->bits, words))
			return e->rule;
	}
}

uint16_t
saker_match_others(
	const struct saker_match *m, const uint64_t *word, unsigned int words, uint16_t best)
{
	for (unsigned int i = 1; i < m->n_shapes && m->shape[i].first < best; i++) {
		uint16_t rule = saker_match_probe(&m->shape[i], word, words);

		best = rule < best ? rule : best;
	}
	return best;
}

int
saker_match_build(const struct saker_config *c, uint8_t family, struct saker_match **out)
{
	struct saker_match *m = calloc(1, sizeof(*m));
	int ret;

	*out = NULL;
	if (m == NULL)
		return -ENOMEM;
	ret = find_shapes(m, c, family);
	if (ret == 0)
		ret = make_room(m);
	for (unsigned int i = 0; i < m->n_shapes && ret == 0; i++)
		ret = choose_factors(m, &m->shape[i], c, family);
	if (ret != 0) {
		saker_match_free(m);
		return ret;
	}
	put_rules(m, c, family);
	*out = m;
	return 0;
}

void
saker_match_free(struct saker_match *m)
{
	if (m == NULL)
		return;
	free(m->entry);
	free(m);
}

uint16_t
saker_match_find4_any(const struct saker_match *m, uint64_t addresses, uint64_t ports)
{
	const uint64_t word[2] = { addresses, ports };

	return saker_match_find(m, word, 2);
}
