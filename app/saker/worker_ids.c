/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "worker_ids.h"

#include <errno.h>
#include <inttypes.h>

#include "saker_own.h"

#define HEX_TEXT 17

/* What is checked, for how many workers. Ids are numbers here: of 4 octets or of 8. */
struct check {
	const struct saker_config *c;
	const struct saker_sender *sender;
	unsigned int workers;
	struct saker_faults *faults;
};

static uint64_t
number(const uint8_t *octets, unsigned int n)
{
	return n == 8 ? saker_load_be64(octets) : saker_load_be32(octets);
}

static uint64_t
id_of(const struct check *k, unsigned int worker)
{
	uint8_t source[16];

	saker_own_source(k->sender, worker, source);
	return number(source, k->sender->source_len);
}

/* As configurations spell it. */
static const char *
text_of(const struct check *k, uint64_t id, char text[HEX_TEXT])
{
	snprintf(text, HEX_TEXT, "%0*" PRIx64, 2 * k->sender->source_len, id);
	return text;
}

/* Call for each source in the group's addresses and in sources of its policies, until one fits. */
static const struct saker_cfg_hex *
find(const struct check *k, bool (*fits)(const struct check *k, uint64_t listed, uint64_t id),
	uint64_t id)
{
	const struct saker_cfg_group *cfg = k->sender->group->cfg;
	unsigned int len = k->sender->source_len;

	for (unsigned int i = 0; i < cfg->n_addresses; i++) {
		const struct saker_cfg_hex *hex = &cfg->addresses[i].source_id;

		if (hex->len == len && fits(k, number(hex->octets, len), id))
			return hex;
	}
	for (unsigned int i = 0; i < k->c->n_policies; i++) {
		const struct saker_cfg_policy *p = &k->c->policies[i];
		bool ours = p->action == SAKER_ACTION_PROTECT && &k->c->groups[p->group] == cfg;

		for (unsigned int j = 0; ours && j < p->n_sources; j++)
			if (fits(k, number(p->sources[j].octets, len), id))
				return &p->sources[j];
	}
	return NULL;
}

static bool
is_id(const struct check *k, uint64_t listed, uint64_t id)
{
	(void)k;
	return listed == id;
}

static bool
is_listed(const struct check *k, uint64_t id)
{
	return find(k, is_id, id) != NULL;
}

/* How many workers another gateway has is not known here: two ids side by side look like two. */
static bool
stands_alone(const struct check *k, uint64_t listed, uint64_t id)
{
	(void)id;
	return !is_listed(k, listed + 1) && !is_listed(k, listed - 1);
}

static int
fault(const struct check *k, const char *why, const char *remedy)
{
	const struct saker_cfg_group *cfg = k->sender->group->cfg;
	char text[HEX_TEXT];

	saker_fault(k->faults, k->c->file, cfg->line,
		"trust group %s: its %u workers send under the ids from %s on, one each, and %s; "
		"%s",
		cfg->name, k->workers, text_of(k, id_of(k, 0), text), why, remedy);
	return -EINVAL;
}

/* The top bit of an SPI is not the sender's to choose. */
static bool
passes_the_last(const struct check *k)
{
	uint64_t first = id_of(k, 0), last = id_of(k, k->workers - 1);

	return last < first || (k->sender->group->format->worker_spi && last > INT32_MAX);
}

/* Lists name all ids of this gateway, or none: an id that stands there alone is another's. */
static int
check_own(const struct check *k)
{
	bool own = is_listed(k, id_of(k, 0));
	char why[64], text[HEX_TEXT];

	for (unsigned int w = 1; w < k->workers; w++) {
		uint64_t id = id_of(k, w);

		if (is_listed(k, id) == own)
			continue;
		snprintf(why, sizeof(why), "addresses or sources %s %s",
			own ? "leave out" : "have another's", text_of(k, id, text));
		if (!own)
			return fault(k, why,
				"give each gateway a range of ids of its own, or run fewer worker "
				"lcores");
		saker_warning(k->faults, k->c->file, k->sender->group->cfg->line,
			"trust group %s: %s, under which worker %u sends; list every worker's id",
			k->sender->group->cfg->name, why, w);
	}
	return 0;
}

static void
warn_of_lone_ids(const struct check *k)
{
	const struct saker_cfg_hex *hex = find(k, stands_alone, 0);
	char text[HEX_TEXT];

	if (hex == NULL)
		return;
	saker_warning(k->faults, k->c->file, k->sender->group->cfg->line,
		"trust group %s: addresses or sources have source id %s and none next to it; if "
		"that gateway has several workers too, list the id of each",
		k->sender->group->cfg->name, saker_hex_encode(hex->octets, hex->len, text));
}

int
saker_worker_ids_check(const struct saker_gateway *g, const struct saker_config *c,
	const struct saker_sender *sender, struct saker_faults *faults)
{
	const struct saker_group *group = sender->group;
	const struct check k = { c, sender, g->n_workers, faults };

	if (g->n_workers == 1)
		return 0;
	if (group->by_address || group->cfg->role != SAKER_ROLE_PEER) {
		saker_fault(faults, c->file, group->cfg->line,
			"trust group %s: in format %s only one worker may send under one %s; run "
			"one worker lcore, or take a peer group with source ids",
			group->cfg->name, group->format->name,
			group->by_address ? "source address" : "client id");
		return -EINVAL;
	}
	if (passes_the_last(&k))
		return fault(&k, "these pass the last id there is", "take a lower first one");
	if (!group->format->worker_source)
		return 0;
	if (check_own(&k) != 0)
		return -EINVAL;
	warn_of_lone_ids(&k);
	return 0;
}
