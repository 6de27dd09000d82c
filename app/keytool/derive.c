/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "derive.h"

#include <errno.h>
#include <time.h>

static bool
find_group(struct saker_derive_answer *a, const char *name)
{
	for (unsigned int i = 0; i < a->config->n_groups; i++)
		if (strcmp(a->config->groups[i].name, name) == 0)
			a->group = &a->config->groups[i];
	if (a->group == NULL)
		saker_keytool_fail("%s has no trust group \"%s\"; name one of its trust_groups",
			a->config->file, name);
	return a->group != NULL;
}

static bool
read_source(struct saker_derive_answer *a, const struct saker_derive_request *r)
{
	struct saker_client_keys *keys = &a->secret->keys;
	uint8_t len = saker_eesp_source_len[a->group->variant];

	if (r->source == NULL && len > 0)
		saker_keytool_fail("group \"%s\" derives by source id; give it with --source, "
				   "%u hexadecimal digits",
			a->group->name, 2u * len);
	else if (r->source != NULL && len == 0)
		saker_keytool_fail("group \"%s\" has variant %s and no source ids; leave --source "
				   "out and give --src",
			a->group->name, saker_cfg_variant_name(a->group->variant));
	else if (len > 0 && saker_hex_decode(r->source, keys->source, sizeof(keys->source)) != len)
		saker_keytool_fail("source id \"%s\" is not %u hexadecimal digits, as variant %s "
				   "wants",
			r->source, 2u * len, saker_cfg_variant_name(a->group->variant));
	else {
		keys->source_len = len;
		a->context.source = len == 4   ? saker_load_be32(keys->source)
				    : len == 8 ? saker_load_be64(keys->source)
					       : 0;
		return true;
	}
	return false;
}

static bool
read_address(const char *option, const char *text, bool wanted, struct saker_ip *ip)
{
	if (wanted && text == NULL)
		saker_keytool_fail("the key depends on an outer address; give it with %s", option);
	else if (!wanted && text != NULL)
		saker_keytool_fail("the key does not depend on an address; leave %s out", option);
	else if (wanted && saker_ip_from_text(text, ip) != 0)
		saker_keytool_fail("%s \"%s\" is not an IP address", option, text);
	else
		return true;
	return false;
}

static bool
read_addresses(struct saker_derive_answer *a, const struct saker_derive_request *r)
{
	bool pair = a->group->variant == SAKER_V_IP_PAIR;
	bool one = pair || a->group->variant == SAKER_V_SOURCE_IP;

	if (!read_address("--src", r->src, one, &a->src) ||
		!read_address("--dst", r->dst, pair, &a->dst))
		return false;
	if (pair && a->src.family != a->dst.family) {
		saker_keytool_fail("--src and --dst are of different families; give two IPv4 or "
				   "two IPv6 addresses");
		return false;
	}
	a->context.family = a->src.family;
	a->context.src = a->src.octets;
	a->context.dst = a->dst.octets;
	return true;
}

static bool
read_counter(struct saker_derive_answer *a, const struct saker_derive_request *r)
{
	int shift = a->group->sn.rekey_shift;

	if (shift >= 0 && !r->has_sn)
		saker_keytool_fail("group \"%s\" has rekey_shift = %d, so its keys change with the "
				   "counter; give a counter with --sn",
			a->group->name, shift);
	else if (shift < 0 && r->has_sn)
		saker_keytool_fail("group \"%s\" has no rekey shift, so its keys do not depend on "
				   "the counter; leave --sn out",
			a->group->name);
	else {
		a->context.rekey = saker_rekey_masked(
			r->sn, shift, saker_sn_rekey_mask(&a->group->sn));
		return true;
	}
	return false;
}

/* A client's file says neither address nor counter. */
static bool
check_form(const struct saker_derive_answer *a, const struct saker_derive_request *r)
{
	bool holds = saker_eesp_source_len[a->group->variant] > 0 && a->group->sn.rekey_shift < 0;

	if (r->raw || holds)
		return true;
	saker_keytool_fail("a client's data key file has no place for a key that depends on "
			   "addresses or the counter; print it with --raw");
	return false;
}

/* Data keys come from the root key itself there. */
static bool
is_tss(const struct saker_derive_answer *a)
{
	return a->group->format == saker_format_tss.letter;
}

static bool
load_roots(struct saker_derive_answer *a)
{
	bool good = true;

	for (unsigned int i = 0; i < a->group->root_keys.n; i++) {
		const struct saker_cfg_root_key *k =
			&a->config->root_keys[a->group->root_keys.index[i]];

		if (!saker_keytool_read(k->file, &a->secret->root)) {
			good = false;
			continue;
		}
		if (saker_has_keymat(&a->secret->root)) {
			saker_keytool_fail("%s holds the KEYMAT of an SA, from which nothing is "
					   "derived",
				k->file);
			good = false;
			continue;
		}
		memcpy(a->secret->level[k->level], a->secret->root.value[SAKER_CURRENT],
			SAKER_ROOT_LEN);
		a->key_idx |= is_tss(a) ? (uint8_t)((a->secret->root.index & 1) << 7)
					: (uint8_t)((a->secret->root.index & 3)
						    << (6 - 2 * k->level));
	}
	return good;
}

static bool
make_group_key(struct saker_derive_answer *a)
{
	const uint8_t *value[SAKER_LEVELS] = { NULL };
	const struct saker_cfg_group *g = a->group;
	int rc;

	for (unsigned int i = 0; i < g->root_keys.n; i++) {
		enum saker_level level = a->config->root_keys[g->root_keys.index[i]].level;

		value[level] = a->secret->level[level];
		if (is_tss(a)) {
			memcpy(a->secret->gk, value[level], SAKER_ROOT_LEN);
			return true;
		}
	}
	rc = saker_master_key(g->combine, value, a->secret->mk);
	if (rc == 0)
		rc = saker_group_key(a->secret->mk, g->format, g->suite, g->spi, a->secret->gk);
	if (rc == -EEXIST)
		saker_keytool_fail("group \"%s\" has two root keys of the same value; every root "
				   "key needs its own",
			g->name);
	else if (rc == -EDOM)
		saker_keytool_fail("the root keys of group \"%s\" combine to a master key of zero; "
				   "rotate one of them",
			g->name);
	else if (rc != 0)
		saker_keytool_fail(
			"the crypto library failed to derive the key of group \"%s\"", g->name);
	return rc == 0;
}

static uint64_t
first_epoch(const struct saker_derive_answer *a, const struct saker_derive_request *r)
{
	const struct saker_sn_params *sn = &a->group->sn;

	if (r->has_epoch)
		return r->epoch;
	return sn->mode == SAKER_SN_TIME ? (uint64_t)time(NULL) / sn->epoch_seconds : sn->epoch;
}

static bool
derive_keys(struct saker_derive_answer *a, const struct saker_derive_request *r)
{
	struct saker_client_keys *keys = &a->secret->keys;
	uint64_t epoch = first_epoch(a, r);

	keys->spi = a->group->spi;
	keys->variant = (uint8_t)a->group->variant;
	for (keys->n = 0; keys->n < r->count; keys->n++, epoch++) {
		struct saker_client_epoch *e = &keys->epochs[keys->n];

		e->epoch = epoch;
		e->key_idx = a->key_idx;
		a->context.epoch = (uint16_t)epoch;
		if (saker_data_key_derive(a->secret->gk, &a->context, a->group->suite, &e->key) !=
			0) {
			saker_keytool_fail("the crypto library failed to derive a data key");
			return false;
		}
	}
	return true;
}

bool
saker_derive(struct saker_derive_answer *a, const struct saker_derive_request *r)
{
	if (!find_group(a, r->group))
		return false;
	if (a->group->kdf == SAKER_KDF_DIRECT) {
		saker_keytool_fail(
			"group \"%s\" has kdf \"direct\": its root key is the data key, and "
			"nothing is derived",
			a->group->name);
		return false;
	}
	if (a->group->format == saker_format_psp.letter) {
		saker_keytool_fail("group \"%s\" has format psp; see saker-keytool psp", r->group);
		return false;
	}
	a->context.format = a->group->format;
	a->context.server = a->group->role != SAKER_ROLE_PEER;
	a->context.variant = (uint8_t)a->group->variant;
	return read_source(a, r) && read_addresses(a, r) && read_counter(a, r) &&
	       check_form(a, r) && load_roots(a) && make_group_key(a) && derive_keys(a, r);
}
