/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_listener.h"

#include <errno.h>
#include <stdlib.h>

static bool
is_udp(const struct saker_cfg_group *g)
{
	return g->encap == SAKER_ENCAP_UDP;
}

static uint16_t
number_of(const struct saker_cfg_group *g)
{
	return is_udp(g) ? g->udp_port : g->protocol;
}

bool
saker_listener_serves(const struct saker_listener *l, const struct saker_group *g)
{
	return l->format == g->format && l->udp == is_udp(g->cfg) && l->number == number_of(g->cfg);
}

static struct saker_listener *
listener_of(struct saker_snapshot *s, const struct saker_group *g)
{
	for (unsigned int i = 0; i < s->n_listeners; i++)
		if (saker_listener_serves(&s->listener[i], g))
			return &s->listener[i];
	if (s->n_listeners == SAKER_LISTENERS)
		return NULL;
	s->listener[s->n_listeners] = (struct saker_listener){
		.format = g->format,
		.number = number_of(g->cfg),
		.udp = is_udp(g->cfg),
		.only = SAKER_SPI_NONE,
	};
	return &s->listener[s->n_listeners++];
}

static void
note_number(struct saker_snapshot *s, const struct saker_cfg_group *g)
{
	uint16_t n = number_of(g);
	uint64_t *map = is_udp(g) ? s->listen_udp : s->listen_proto;

	map[n / 64] |= 1ULL << (n % 64);
	s->listens_udp |= is_udp(g);
}

static size_t
count_spis(const struct saker_snapshot *s, const struct saker_listener *l)
{
	size_t n = 0;

	for (unsigned int i = 0; i < s->n_groups; i++)
		n += saker_listener_serves(l, &s->groups[i]) ? s->groups[i].n_spis : 0;
	return n;
}

/* Give a listener its table: the groups that it serves, by SPI. */
static int
fill_table(const struct saker_snapshot *s, struct saker_listener *l)
{
	struct saker_spi_entry *entry = calloc(count_spis(s, l) + 1, sizeof(*entry));
	unsigned int n = 0;
	int ret;

	if (entry == NULL)
		return -ENOMEM;
	for (unsigned int i = 0; i < s->n_groups; i++)
		for (uint32_t k = 0;
			saker_listener_serves(l, &s->groups[i]) && k < s->groups[i].n_spis; k++)
			entry[n++] = (struct saker_spi_entry){ .spi = s->groups[i].cfg->spi + k,
				.group = (uint16_t)i };
	ret = saker_spi_table_init(&l->by_spi, entry, n);
	free(entry);
	return ret;
}

static int
add_groups(const struct saker_group_env *env, struct saker_snapshot *s)
{
	for (unsigned int i = 0; i < s->n_groups; i++) {
		const struct saker_cfg_group *g = s->groups[i].cfg;
		struct saker_listener *l = listener_of(s, &s->groups[i]);

		if (l == NULL) {
			saker_fault(env->faults, env->config->file, g->line,
				"trust group %s: it would need listener %u; let groups share ports "
				"and protocols",
				g->name, SAKER_LISTENERS + 1);
			return -EINVAL;
		}
		l->n_groups++;
		l->only = (uint16_t)i;
		note_number(s, g);
	}
	return 0;
}

static bool
allows_id(const struct saker_root_slots *slots, const uint8_t *id, unsigned int len)
{
	for (unsigned int i = 0; i < slots->n; i++)
		if (slots->slot[i].id_len == len && memcmp(slots->slot[i].id, id, len) == 0)
			return true;
	return false;
}

/* Does a group allow every root key that a header names? */
static bool
allows_all(const struct saker_group *g, const uint8_t *p, const struct saker_hdr *h)
{
	for (unsigned int level = 0; level < SAKER_LEVELS; level++)
		if (h->mk_at[level] != 0 &&
			!allows_id(&g->level[level], p + h->mk_at[level] + 2, h->mk_id_len[level]))
			return false;
	return true;
}

/* Formats without root key ids in packets: by version. */
static bool
takes(const struct saker_group *g, const uint8_t *p, const struct saker_hdr *h)
{
	if (g->format->keys == SAKER_KEYS_ROOT)
		return g->terms.version == h->version;
	return (h->mk_at[SAKER_ZONE] | h->mk_at[SAKER_USER] | h->mk_at[SAKER_TASK]) != 0 &&
	       allows_all(g, p, h);
}

uint16_t
saker_listener_named_group(const struct saker_snapshot *s, const struct saker_listener *l,
	const uint8_t *p, const struct saker_hdr *h)
{
	for (unsigned int i = 0; i < s->n_groups; i++)
		if (saker_listener_serves(l, &s->groups[i]) && takes(&s->groups[i], p, h))
			return (uint16_t)i;
	return SAKER_SPI_NONE;
}

bool
saker_listener_among_clear(const struct saker_snapshot *s, bool udp, uint16_t number)
{
	for (unsigned int i = 0; i < s->n_listeners; i++) {
		const struct saker_listener *l = &s->listener[i];

		if (l->udp == udp && l->number == number && l->format->among_clear)
			return true;
	}
	return false;
}

/* Version and header length; no fragment; protocol. In UDP: destination port, no checksum. */
static void
fill_outer_form(struct saker_outer_form *f, const struct saker_listener *l)
{
	uint8_t bits[sizeof(f->bits)] = { [0] = 0xff, [6] = 0x3f, [7] = 0xff, [9] = 0xff };
	uint8_t value[sizeof(f->value)] = { [0] = 0x45 };
	uint8_t *udp = value + SAKER_IP4_HEADER;

	value[9] = l->udp ? SAKER_PROTO_UDP : (uint8_t)l->number;
	if (l->udp) {
		memset(bits + SAKER_IP4_HEADER + 2, 0xff, 2);
		memset(bits + SAKER_IP4_HEADER + 6, 0xff, 2);
		saker_store_be16(udp + 2, l->number);
	}
	memcpy(f->bits, bits, sizeof(bits));
	memcpy(f->value, value, sizeof(value));
	f->listener = l;
	f->at = SAKER_IP4_HEADER + (l->udp ? SAKER_UDP_HEADER : 0);
}

/* The one value that no packet has: a bit that is not looked at is set. */
static void
fit_nothing(struct saker_outer_form *f)
{
	*f = (struct saker_outer_form){ .value = { { 1, 0 }, { 0, 0 } } };
}

/* The first of format E of either kind, if nobody else comes before it at its number. */
static void
note_plain(struct saker_snapshot *s)
{
	fit_nothing(&s->outer_udp);
	fit_nothing(&s->outer_ip);
	for (unsigned int i = 0; i < s->n_listeners; i++) {
		const struct saker_listener *l = &s->listener[i];
		struct saker_outer_form *f = l->udp ? &s->outer_udp : &s->outer_ip;

		if (f->listener == NULL && l->format == &saker_format_eesp &&
			saker_listener_find(s, l->udp, l->number, SAKER_EESP_FIRST_OCTET) == l)
			fill_outer_form(f, l);
	}
}

int
saker_listeners_build(const struct saker_group_env *env, struct saker_snapshot *s)
{
	if (add_groups(env, s) != 0)
		return -EINVAL;
	note_plain(s);
	for (unsigned int i = 0; i < s->n_listeners; i++) {
		if (fill_table(s, &s->listener[i]) == 0)
			continue;
		saker_fault(env->faults, env->config->file, 0,
			"no memory for the SPI table; give the machine more");
		return -ENOMEM;
	}
	return 0;
}

void
saker_listeners_free(struct saker_snapshot *s)
{
	for (unsigned int i = 0; i < s->n_listeners; i++)
		saker_spi_table_free(&s->listener[i].by_spi);
}
