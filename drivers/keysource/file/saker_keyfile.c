/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_keyfile.h"

#include <errno.h>

#include "saker_pspfile.h"
#include "saker_secret_file.h"

#define TEXT_SIZE 1024 /* room for a root key file that we write */

static const char *const generation_name[SAKER_GENERATIONS] = { "pre", "current", "next" };

/* The lines that faults of a set of values are reported at. */
struct lines {
	const char *path;
	int index;
	int value[SAKER_GENERATIONS];
};

static void
check_index(const struct saker_root_values *k, const struct lines *at, struct saker_faults *faults)
{
	if (k->live[SAKER_PRE] && k->index == 0)
		saker_fault(faults, at->path, at->index,
			"index is 0 and there is a pre, whose index would be -1; "
			"remove pre or raise index");
	if (k->live[SAKER_NEXT] && k->index == UINT32_MAX)
		saker_fault(faults, at->path, at->index,
			"index is the last one, %u, so there can be no next; make a new root key",
			UINT32_MAX);
}

static bool
all_zero(const struct saker_root_values *k, int g)
{
	static const uint8_t zero[SAKER_ROOT_LEN];
	uint8_t keymat_len = k->keymat_len[g];

	if (keymat_len != 0)
		return saker_ct_equal(k->keymat[g], zero, keymat_len - (size_t)SAKER_SALT_LEN);
	return saker_ct_equal(k->value[g], zero, sizeof(zero));
}

static void
check_values(const struct saker_root_values *k, const struct lines *at, struct saker_faults *faults)
{
	for (int a = 0; a < SAKER_GENERATIONS; a++) {
		if (!k->live[a])
			continue;
		if (all_zero(k, a))
			saker_fault(faults, at->path, at->value[a],
				"%s is all zero, which is no key; make a random one",
				generation_name[a]);
		for (int b = a + 1; b < SAKER_GENERATIONS; b++)
			if (k->live[b] && saker_ct_equal(k->value[a], k->value[b], SAKER_ROOT_LEN))
				saker_fault(faults, at->path, at->value[b],
					"%s and %s are equal; every index needs its own value",
					generation_name[a], generation_name[b]);
	}
}

/* KEYMAT of an SA has the salt behind the key, and so another length than a root key. */
static bool
is_keymat(const struct saker_secret_file *f, const char *name)
{
	const char *text = NULL;
	size_t len;

	if (config_setting_lookup_string(config_root_setting(&f->cfg), name, &text) != CONFIG_TRUE)
		return false;
	len = strlen(text);
	return len == 2 * (SAKER_KEY_MAX / 2 + SAKER_SALT_LEN) || len == 2 * SAKER_KEYMAT_MAX;
}

static void
read_keymat(const struct saker_secret_file *f, struct saker_root_values *k, unsigned int g)
{
	const config_setting_t *root = config_root_setting(&f->cfg);
	const char *name = generation_name[g];
	uint8_t keymat[SAKER_KEYMAT_MAX];
	size_t len = strlen(saker_secret_file_text(f, root, name)) / 2;

	if (saker_secret_file_octets(f, root, name, keymat, len) &&
		saker_keymat(k, g, keymat, (uint8_t)len) != 0)
		saker_fault(f->faults, f->path, saker_secret_file_line(root, name),
			"the crypto library can't hash %s", name);
	saker_wipe(keymat, sizeof(keymat));
}

static void
read_value(const struct saker_secret_file *f, struct saker_root_values *k, unsigned int g)
{
	const char *name = generation_name[g];

	if (is_keymat(f, name))
		read_keymat(f, k, g);
	else
		k->live[g] = saker_secret_file_octets(
			f, config_root_setting(&f->cfg), name, k->value[g], SAKER_ROOT_LEN);
}

static void
read_members(const struct saker_secret_file *f, struct saker_root_values *k)
{
	static const char *const names[] = { "index", "since", "pre", "current", "next", NULL };
	const config_setting_t *root = config_root_setting(&f->cfg);
	struct lines at = { .path = f->path, .index = saker_secret_file_line(root, "index") };
	uint64_t index = 0;

	saker_secret_file_names(f, root, names);
	if (saker_secret_file_number(f, root, "index", UINT32_MAX, &index))
		k->index = (uint32_t)index;
	if (config_setting_get_member(root, "since") != NULL)
		(void)saker_secret_file_number(f, root, "since", INT64_MAX, &k->since);
	for (int g = 0; g < SAKER_GENERATIONS; g++) {
		const char *name = generation_name[g];

		at.value[g] = saker_secret_file_line(root, name);
		if (g == SAKER_CURRENT || config_setting_get_member(root, name) != NULL)
			read_value(f, k, (unsigned int)g);
	}
	if (config_setting_get_member(root, "index") != NULL)
		check_index(k, &at, f->faults);
	check_values(k, &at, f->faults);
}

int
saker_keyfile_read(const char *path, struct saker_root_values *keys, struct saker_faults *faults)
{
	unsigned int before = faults->errors;
	struct saker_secret_file f;

	memset(keys, 0, sizeof(*keys));
	if (saker_secret_file_open(&f, path, faults) != 0)
		return -EINVAL;
	read_members(&f, keys);
	saker_secret_file_close(&f);
	if (faults->errors == before)
		return 0;
	saker_wipe(keys, sizeof(*keys));
	return -EINVAL;
}

/* True if saker_keyfile_read() would take what we are about to write. */
static bool
sound(const struct saker_root_values *k)
{
	const struct lines nowhere = { 0 };
	struct saker_faults faults = { 0 };
	bool good;

	check_index(k, &nowhere, &faults);
	check_values(k, &nowhere, &faults);
	good = faults.errors == 0 && k->live[SAKER_CURRENT];
	saker_faults_free(&faults);
	return good;
}

static int
compose_value(const struct saker_root_values *k, int g, char *text)
{
	const uint8_t *octets = k->keymat_len[g] != 0 ? k->keymat[g] : k->value[g];
	size_t len = k->keymat_len[g] != 0 ? k->keymat_len[g] : SAKER_ROOT_LEN;

	saker_hex_encode(octets, len, text);
	return (int)(2 * len);
}

static void
compose(const struct saker_root_values *k, char *text)
{
	int at = snprintf(text, TEXT_SIZE,
		"// A root key of saker. Whoever can read this file can read the traffic.\n"
		"index = %u%s;\n",
		k->index, k->index > INT32_MAX ? "L" : "");

	if (k->since != 0)
		at += snprintf(text + at, TEXT_SIZE - (size_t)at, "since = %lluL;\n",
			(unsigned long long)k->since);
	for (int g = 0; g < SAKER_GENERATIONS; g++) {
		if (!k->live[g])
			continue;
		at += snprintf(text + at, TEXT_SIZE - (size_t)at, "%s = \"", generation_name[g]);
		at += compose_value(k, g, text + at);
		at += snprintf(text + at, TEXT_SIZE - (size_t)at, "\";\n");
	}
}

int
saker_keyfile_write(const char *path, const struct saker_root_values *keys, bool replace)
{
	char *text;
	int rc;

	if (!sound(keys))
		return -EINVAL;
	text = saker_secret_alloc(TEXT_SIZE);
	if (text == NULL)
		return -ENOMEM;
	compose(keys, text);
	rc = saker_secret_file_write(path, text, replace);
	saker_secret_free(text, TEXT_SIZE);
	return rc;
}

const struct saker_keysource_ops saker_keysource_file = {
	.name = "file",
	.read_root = saker_keyfile_read,
	.read_client = saker_clientfile_read,
	.read_sas = saker_pspfile_read,
};
