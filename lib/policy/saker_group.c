/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_group.h"

#include <errno.h>
#include <stdlib.h>

#include "saker_psp_keys.h"
#include "saker_session_keys.h"

static const struct saker_root_slot no_slot = { .key = UINT16_MAX };

static const uint8_t *
slot_value(const struct saker_group_env *env, const struct saker_root_slot *s)
{
	return s->key == UINT16_MAX ? NULL : env->roots->values[s->key].value[s->generation];
}

static int
add_slot(struct saker_root_slots *slots, const struct saker_root_slot *slot)
{
	struct saker_root_slot *grown = realloc(slots->slot, (slots->n + 1u) * sizeof(*grown));

	if (grown == NULL)
		return -ENOMEM;
	grown[slots->n++] = *slot;
	slots->slot = grown;
	return 0;
}

static int
add_key(const struct saker_group_env *env, struct saker_group *g, uint16_t key)
{
	const struct saker_cfg_root_key *cfg = &env->config->root_keys[key];
	const struct saker_root_values *values = &env->roots->values[key];

	for (unsigned int gen = 0; gen < SAKER_LIVE_GENERATIONS; gen++) {
		struct saker_root_slot slot = {
			.key = key,
			.generation = (uint8_t)gen,
			.id_len = cfg->id.len,
			.index = saker_root_index(values, gen),
			.id = cfg->id.octets,
		};

		if (values->live[gen] && add_slot(&g->level[cfg->level], &slot) != 0)
			return -ENOMEM;
	}
	return 0;
}

static int
add_keys(
	const struct saker_group_env *env, struct saker_group *g, const struct saker_cfg_refs *refs)
{
	for (unsigned int i = 0; i < refs->n; i++)
		if (add_key(env, g, refs->index[i]) != 0)
			return -ENOMEM;
	return 0;
}

/* The configured keys come first, then those that Master Key options may name. */
static int
collect_slots(const struct saker_group_env *env, struct saker_group *g)
{
	if (add_keys(env, g, &g->cfg->root_keys) != 0 ||
		add_keys(env, g, &g->cfg->allow_root_keys) != 0)
		return -ENOMEM;
	for (unsigned int l = 0; l < SAKER_LEVELS; l++)
		if (g->level[l].n == 0 && add_slot(&g->level[l], &no_slot) != 0)
			return -ENOMEM;
	return 0;
}

static bool
same_value(const struct saker_group_env *env, const struct saker_root_slot *a,
	const struct saker_root_slot *b)
{
	const uint8_t *x = slot_value(env, a), *y = slot_value(env, b);

	return x != NULL && y != NULL && saker_ct_equal(x, y, SAKER_ROOT_LEN);
}

static void
check_slot(const struct saker_group_env *env, const struct saker_group *g,
	const struct saker_root_slot *a, unsigned int level, unsigned int from)
{
	for (unsigned int l = level; l < SAKER_LEVELS; l++)
		for (unsigned int i = l == level ? from : 0; i < g->level[l].n; i++)
			if (same_value(env, a, &g->level[l].slot[i]))
				saker_fault(env->faults, env->config->file, g->cfg->line,
					"trust group %s: root keys %s and %s hold the same value; "
					"make a new one with saker-keytool",
					g->cfg->name, env->config->root_keys[a->key].name,
					env->config->root_keys[g->level[l].slot[i].key].name);
}

/* Two equal root keys cancel out under xor, and stand for one secret under hkdf. */
static int
check_values(const struct saker_group_env *env, const struct saker_group *g)
{
	unsigned int before = env->faults->errors;

	for (unsigned int l = 0; l < SAKER_LEVELS; l++)
		for (unsigned int i = 0; i < g->level[l].n; i++)
			check_slot(env, g, &g->level[l].slot[i], l, i + 1);
	return env->faults->errors == before ? 0 : -EINVAL;
}

static const struct saker_root_slot *
combination(const struct saker_group *g, unsigned int n, unsigned int level)
{
	unsigned int tasks = g->level[SAKER_TASK].n, users = g->level[SAKER_USER].n;
	const unsigned int at[SAKER_LEVELS] = { n / tasks / users, n / tasks % users, n % tasks };

	return &g->level[level].slot[at[level]];
}

/* Formats that derive from the root key itself have one, at whatever level. */
static int
root_itself(const uint8_t *const value[SAKER_LEVELS], uint8_t key[SAKER_ROOT_LEN])
{
	for (unsigned int l = 0; l < SAKER_LEVELS; l++)
		if (value[l] != NULL)
			memcpy(key, value[l], SAKER_ROOT_LEN);
	return 0;
}

static int
group_key(const struct saker_group_env *env, const struct saker_group *g, unsigned int n,
	uint8_t gk[SAKER_ROOT_LEN])
{
	const uint8_t *value[SAKER_LEVELS];
	uint8_t mk[SAKER_ROOT_LEN];
	int ret;

	for (unsigned int l = 0; l < SAKER_LEVELS; l++)
		value[l] = slot_value(env, combination(g, n, l));
	if (g->format->keys == SAKER_KEYS_ROOT)
		return root_itself(value, gk);
	ret = saker_master_key(g->cfg->combine, value, mk);
	if (ret == 0)
		ret = saker_group_key(mk, g->cfg->format, g->cfg->suite, g->cfg->spi, gk);
	saker_wipe(mk, sizeof(mk));
	if (ret == -EDOM)
		saker_fault(env->faults, env->config->file, g->cfg->line,
			"trust group %s: its root keys combine to a zero master key; make a new "
			"root key with saker-keytool",
			g->cfg->name);
	else if (ret != 0)
		saker_fault(env->faults, env->config->file, g->cfg->line,
			"trust group %s: its root keys could not be combined", g->cfg->name);
	return ret;
}

static bool
sends_with(const struct saker_group *g, unsigned int n)
{
	for (unsigned int l = 0; l < SAKER_LEVELS; l++) {
		const struct saker_root_slot *s = combination(g, n, l);

		if (s->key == UINT16_MAX)
			continue;
		if (s->generation != g->send_gen[l] || s->key != g->send_key[l])
			return false;
	}
	return true;
}

/* Of the one root key, at whatever level. */
static const struct saker_root_slot *
only_slot(const struct saker_group *g, unsigned int n)
{
	const struct saker_root_slot *s = &no_slot;

	for (unsigned int l = 0; l < SAKER_LEVELS; l++)
		if (combination(g, n, l)->key != UINT16_MAX)
			s = combination(g, n, l);
	return s;
}

/* Parity of the one root key's index, where a key index begins. */
static uint8_t
parity_of(const struct saker_group *g, unsigned int n)
{
	return (uint8_t)((only_slot(g, n)->index & 1) << 7);
}

/* Remember what names the sending master key, and its check value. */
static int
note_sending(struct saker_group *g, unsigned int n, const uint8_t gk[SAKER_ROOT_LEN])
{
	static const unsigned int shift[SAKER_LEVELS] = { 6, 4, 2 };

	g->sending = (uint16_t)n;
	g->key_idx = 0;
	for (unsigned int l = 0; l < SAKER_LEVELS; l++)
		g->key_idx |= (uint8_t)((combination(g, n, l)->index & 3) << shift[l]);
	if (g->format->keys == SAKER_KEYS_ROOT)
		g->key_idx = parity_of(g, n);
	if (g->format == &saker_format_psp) /* bit 31 tells the master key */
		g->send_spi = g->cfg->spi | (uint32_t)g->key_idx << 24;
	saker_key_check_text(gk, g->check_text);
	return saker_kdf(gk, "CV", NULL, 0, 8 * sizeof(g->mk_check), g->mk_check);
}

/* One bit on the wire names two values: the one in force, and the one before it. In format tss the
 * next one, where there is none before: a member that has the old value no more can get the new one
 * long before anyone seals with it.
 */
static bool
named_by_parity(const struct saker_group *g, unsigned int n)
{
	uint8_t generation = only_slot(g, n)->generation;

	if (generation == SAKER_NEXT && g->format == &saker_format_tss)
		return g->by_key_idx[parity_of(g, n) >> 2] == SAKER_NO_MASTER;
	return generation == SAKER_CURRENT || generation == SAKER_PRE;
}

/* With a new key counters begin anew, so its runs follow all those of the key before. */
static void
note_run(struct saker_group *g, unsigned int n)
{
	uint8_t an = parity_of(g, n) >> 7;

	if (g->format != &saker_format_tss || g->cfg->sn.mode != SAKER_SN_COUNTER)
		return;
	g->run_of[an] = (uint64_t)only_slot(g, n)->index << 32;
	if (!g->run_known || g->run_of[an] < g->oldest_run)
		g->oldest_run = g->run_of[an];
	g->run_known = true;
}

/* Direct mode: the root key is the AEAD key, and there is no mask. */
static int
note_direct(const struct saker_group_env *env, struct saker_group *g, unsigned int n,
	const uint8_t gk[SAKER_ROOT_LEN])
{
	struct saker_data_key key = { .mask = { 0 } };
	int ret;

	if (g->direct == NULL || env->ops == NULL)
		return 0;
	memcpy(key.key, gk, sizeof(key.key));
	ret = env->ops->expand(env->ctx, g->suite, &key, &g->direct[parity_of(g, n) >> 7]);
	saker_wipe(&key, sizeof(key));
	return ret;
}

static int
note_parity(const struct saker_group_env *env, struct saker_group *g, unsigned int n,
	const uint8_t gk[SAKER_ROOT_LEN])
{
	if (!named_by_parity(g, n))
		return 0;
	g->by_key_idx[parity_of(g, n) >> 2] = (uint16_t)n;
	note_run(g, n);
	return note_direct(env, g, n, gk);
}

/* A key index names configured keys only: each level's two bits, all combined. */
static void
note_key_idx(struct saker_group *g, unsigned int n)
{
	static const unsigned int shift[SAKER_LEVELS] = { 4, 2, 0 };
	unsigned int idx = 0;

	for (unsigned int l = 0; l < SAKER_LEVELS; l++) {
		const struct saker_root_slot *s = combination(g, n, l);

		if (s->key != UINT16_MAX && s->key != g->send_key[l])
			return;
		idx |= (s->index & 3) << shift[l];
	}
	g->by_key_idx[idx] = (uint16_t)n;
}

static int
derive_group_keys(const struct saker_group_env *env, struct saker_group *g)
{
	uint8_t gk[SAKER_ROOT_LEN];
	int ret = 0;

	for (unsigned int n = 0; n < g->n_masters && ret == 0; n++) {
		ret = group_key(env, g, n, gk);
		if (ret == 0 && env->ops != NULL)
			ret = env->ops->set_master(env->ctx, gk, &g->masters[n]);
		if (ret == 0 && sends_with(g, n))
			ret = note_sending(g, n, gk);
		if (g->format->keys != SAKER_KEYS_ROOT)
			note_key_idx(g, n);
		else if (ret == 0)
			ret = note_parity(env, g, n, gk);
	}
	saker_wipe(gk, sizeof(gk));
	return ret == 0 ? 0 : -EINVAL;
}

static int
build_masters(const struct saker_group_env *env, struct saker_group *g)
{
	unsigned long n = (unsigned long)g->level[0].n * g->level[1].n * g->level[2].n;

	if (n > SAKER_MAX_MASTERS) {
		saker_fault(env->faults, env->config->file, g->cfg->line,
			"trust group %s: its root keys combine to %lu master keys, more than %u; "
			"shorten allow_root_keys",
			g->cfg->name, n, SAKER_MAX_MASTERS);
		return -EINVAL;
	}
	g->n_masters = (uint16_t)n;
	g->masters = saker_secret_alloc(n * sizeof(*g->masters));
	if (g->cfg->kdf == SAKER_KDF_DIRECT)
		g->direct = saker_secret_alloc(2 * sizeof(*g->direct));
	if (g->masters == NULL || (g->direct == NULL && g->cfg->kdf == SAKER_KDF_DIRECT)) {
		saker_fault(env->faults, env->config->file, g->cfg->line,
			"trust group %s: no memory for %lu master keys", g->cfg->name, n);
		return -EINVAL;
	}
	return derive_group_keys(env, g);
}

static int
expand_client_keys(const struct saker_group_env *env, struct saker_group *g,
	const struct saker_client_keys *keys)
{
	g->client = saker_secret_alloc(keys->n * sizeof(*g->client));
	if (g->client == NULL)
		return -ENOMEM;
	g->n_client = keys->n;
	for (unsigned int i = 0; i < keys->n; i++) {
		g->client[i].epoch = keys->epochs[i].epoch;
		g->client[i].key_idx = keys->epochs[i].key_idx;
		if (env->ops != NULL && env->ops->expand(env->ctx, g->cfg->suite,
						&keys->epochs[i].key, &g->client[i].key) != 0)
			return -EIO;
	}
	return 0;
}

static bool
client_file_fits(const struct saker_cfg_group *cfg, const struct saker_client_keys *keys)
{
	/* Of a connection id the configuration holds the device half only. */
	return keys->spi == cfg->spi && keys->variant == cfg->variant &&
	       keys->source_len >= cfg->source_id.len &&
	       memcmp(keys->source, cfg->source_id.octets, cfg->source_id.len) == 0;
}

static int
build_client(const struct saker_group_env *env, struct saker_group *g)
{
	const struct saker_client_keys *keys = &env->roots->client[g->index];

	if (!client_file_fits(g->cfg, keys)) {
		saker_fault(env->faults, env->config->file, g->cfg->line,
			"trust group %s: %s is for another spi, variant or source_id", g->cfg->name,
			g->cfg->data_keys);
		return -EINVAL;
	}
	return expand_client_keys(env, g, keys) == 0 ? 0 : -EINVAL;
}

/* Shape of the derivation, suite, use of the key cache, KDF blocks. */
static uint8_t
kind_of(const struct saker_group *g, unsigned int six)
{
	unsigned int cached = g->cfg->key_cache > 0, of = g->kdf.shape * 2u + g->suite - 1u;

	return (uint8_t)((of * 2 + cached) * SAKER_KDF_MAX_BLOCKS + g->kdf_blocks[six] - 1u);
}

static void
set_kdf(struct saker_group *g)
{
	bool psp = g->format == &saker_format_psp;

	g->by_address = g->variant == SAKER_V_SOURCE_IP || g->variant == SAKER_V_IP_PAIR;
	g->kdf = psp ? saker_kdf_form_psp(g->cfg->version, g->suite)
		     : saker_kdf_form((uint8_t)g->cfg->format, g->variant, g->suite,
			       g->cfg->sn.rekey_shift);
	if (g->format == &saker_format_tss) {
		g->kdf.label = saker_kdf_label('T', g->variant, g->cfg->role != SAKER_ROLE_PEER);
		g->kdf.rekey_mask = saker_sn_rekey_mask(&g->cfg->sn);
	}
	for (unsigned int six = 0; six < 2; six++) {
		g->kdf_blocks[six] = psp ? 1 : (uint8_t)saker_kdf_blocks(g->variant, six ? 6 : 4);
		g->kind[six] = kind_of(g, six);
	}
}

static void
set_roles(struct saker_group *g)
{
	static const uint8_t send[] = {
		[SAKER_ROLE_PEER] = 0, [SAKER_ROLE_SERVER] = 1, [SAKER_ROLE_CLIENT] = 2
	};
	static const uint8_t receive[] = {
		[SAKER_ROLE_PEER] = 0, [SAKER_ROLE_SERVER] = 2, [SAKER_ROLE_CLIENT] = 1
	};

	g->send_role = send[g->cfg->role];
	g->receive_role = receive[g->cfg->role];
}

/* Without a session id on the wire there is session 0 alone. */
static void
set_sessions(struct saker_group *g)
{
	bool by_session = g->format->keys == SAKER_KEYS_SESSION;

	g->names_workers = !by_session && (g->format->worker_source || g->format->worker_spi);
	g->accept_first = g->names_workers ? 0 : g->cfg->accept_first;
	g->accept_sessions = g->names_workers ? 1 : g->cfg->accept_sessions;
	if (g->format == &saker_format_tss) /* the AN stands for it */
		g->accept_sessions = 2;
	g->send_spi = by_session ? g->cfg->peer_spi : g->cfg->spi;
	g->n_spis = by_session ? SAKER_SESSION_SPIS : 1;
	g->by_resource = by_session && g->format->worker_spi;
	if (g->by_resource)
		g->n_spis *= g->accept_first + g->accept_sessions;
}

static void
set_terms(struct saker_group *g)
{
	g->terms.max_clear = g->cfg->max_clear;
	g->terms.version = g->cfg->version;
	g->terms.cookie = g->cfg->cookie.len != 0;
	g->terms.cookie_value = g->terms.cookie ? saker_load_be64(g->cfg->cookie.octets) : 0;
	g->terms.max_ioffset = g->cfg->max_ioffset;
	g->terms.no_sn = g->cfg->no_sn;
	g->terms.esp_sn = g->cfg->esp_sn;
	g->terms.implicit_iv = g->cfg->iv == SAKER_IV_IMPLICIT;
	g->terms.iv_in_aad = g->cfg->iv_in_aad;
	g->terms.in_udp = g->cfg->encap == SAKER_ENCAP_UDP;
	g->terms.udp_in_aad = g->cfg->udp_in_aad;
	g->terms.end = (uint8_t)g->cfg->role;
}

/* It opens with its own root key, if it has one, and seals with nothing that comes from there. */
static int
build_handed(const struct saker_group_env *env, struct saker_group *g)
{
	if (g->cfg->keys != NULL && saker_psp_keys_build(env, g) != 0)
		return -EINVAL;
	if (g->cfg->root_keys.n == 0)
		return 0;
	if (collect_slots(env, g) != 0 || check_values(env, g) != 0)
		return -EINVAL;
	return build_masters(env, g);
}

static void
set_isolation(struct saker_group *g)
{
	bool prefix = g->cfg->isolate == SAKER_ISOLATE_PREFIX;

	g->isolate = saker_ip_mask_of(
		prefix ? g->cfg->isolate_prefix : 32, prefix ? g->cfg->isolate_prefix6 : 128);
}

int
saker_group_build(
	const struct saker_group_env *env, const struct saker_cfg_group *cfg, struct saker_group *g)
{
	g->cfg = cfg;
	g->format = saker_format_find(cfg->format);
	g->eesp = g->format == &saker_format_eesp;
	g->variant = (uint8_t)cfg->variant;
	g->suite = (uint8_t)cfg->suite;
	g->handed = saker_psp_handed(cfg);
	set_kdf(g);
	set_sessions(g);
	set_terms(g);
	set_isolation(g);
	memset(g->by_key_idx, 0xff, sizeof(g->by_key_idx));
	memset(g->send_key, 0xff, sizeof(g->send_key));
	set_roles(g);
	if (saker_keymat_check(env, g) != 0)
		return -EINVAL;
	if (g->format->keys == SAKER_KEYS_SESSION)
		return saker_session_keys_build(env, g);
	if (cfg->data_keys != NULL)
		return build_client(env, g);
	if (g->handed)
		return build_handed(env, g);
	for (unsigned int i = 0; i < cfg->root_keys.n; i++) {
		uint16_t key = cfg->root_keys.index[i];
		enum saker_level level = env->config->root_keys[key].level;

		g->send_key[level] = key;
		g->send_gen[level] = env->roots->sending[key].generation;
	}
	if (collect_slots(env, g) != 0)
		return -EINVAL;
	if (check_values(env, g) != 0)
		return -EINVAL;
	return build_masters(env, g);
}

void
saker_group_free(struct saker_group *g)
{
	for (unsigned int l = 0; l < SAKER_LEVELS; l++)
		free(g->level[l].slot);
	saker_secret_free(g->masters, g->n_masters * sizeof(*g->masters));
	saker_secret_free(g->client, g->n_client * sizeof(*g->client));
	saker_secret_free(g->direct, 2 * sizeof(*g->direct));
	saker_session_keys_free(g);
	saker_psp_keys_free(g);
}

/* Slot of a level that a header names, by its Master Key option or else by its key index. */
static int
named_slot(const struct saker_group *g, const uint8_t *p, const struct saker_hdr *h,
	unsigned int level, enum saker_drop *why)
{
	const struct saker_root_slots *slots = &g->level[level];
	unsigned int idx = h->key_idx >> (6 - 2 * level) & 3;
	const uint8_t *option = p + h->mk_at[level];

	*why = SAKER_DROP_KEY_INDEX;
	if (h->mk_at[level] != 0)
		*why = SAKER_DROP_MK_NOT_ALLOWED;
	for (unsigned int i = 0; i < slots->n; i++) {
		const struct saker_root_slot *s = &slots->slot[i];

		if (h->mk_at[level] == 0) {
			if (s->key == g->send_key[level] && (s->index & 3) == idx)
				return (int)i;
			continue;
		}
		if (s->key == UINT16_MAX || s->id_len != h->mk_id_len[level] ||
			memcmp(option + 2, s->id, s->id_len) != 0)
			continue;
		*why = SAKER_DROP_KEY_INDEX;
		if ((s->index & 0xff) == option[0])
			return (int)i;
	}
	return -1;
}

static const struct saker_master *
master_by_options(const struct saker_group *g, const uint8_t *p, const struct saker_hdr *h,
	enum saker_drop *why)
{
	int n = 0;

	for (unsigned int l = 0; l < SAKER_LEVELS; l++) {
		int slot = named_slot(g, p, h, l, why);

		if (slot < 0)
			return NULL;
		n = n * g->level[l].n + slot;
	}
	return &g->masters[n];
}

const struct saker_master *
saker_group_named_master(const struct saker_group *g, const uint8_t *p, const struct saker_hdr *h,
	enum saker_drop *why)
{
	*why = SAKER_DROP_MK_NOT_ALLOWED;
	return g->n_masters == 0 ? NULL : master_by_options(g, p, h, why);
}
