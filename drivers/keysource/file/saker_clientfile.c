/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_keyfile.h"

#include <errno.h>
#include <stdarg.h>

#include "saker_secret_file.h"

#define HEX_MAX (2 * SAKER_KEY_MAX + 1)

/* As the configuration file spells them. The variants that a server group can have. */
static const char *const variant_name[] = { "source-id", "source-id-64", "connection-id" };
#define VARIANTS (sizeof(variant_name) / sizeof(variant_name[0]))

static const char *
suite_name(enum saker_suite suite)
{
	return suite == SAKER_AES_128_GCM ? "aes-128-gcm" : "aes-256-gcm";
}

static void
read_variant(const struct saker_secret_file *f, struct saker_client_keys *keys)
{
	const config_setting_t *root = config_root_setting(&f->cfg);
	const char *text = saker_secret_file_text(f, root, "variant");
	size_t v = 0;

	if (text == NULL)
		return;
	while (v < VARIANTS && strcmp(text, variant_name[v]) != 0)
		v++;
	if (v == VARIANTS) {
		saker_fault(f->faults, f->path, saker_secret_file_line(root, "variant"),
			"variant is none of source-id, source-id-64, connection-id");
		return;
	}
	keys->variant = (uint8_t)v;
	keys->source_len = saker_eesp_source_len[v];
	saker_secret_file_octets(f, root, "source_id", keys->source, keys->source_len);
}

static void
check_suite(const struct saker_secret_file *f, enum saker_suite suite)
{
	const config_setting_t *root = config_root_setting(&f->cfg);
	const char *text = saker_secret_file_text(f, root, "suite");

	if (text != NULL && strcmp(text, suite_name(suite)) != 0)
		saker_fault(f->faults, f->path, saker_secret_file_line(root, "suite"),
			"suite is \"%s\", but the trust group's is \"%s\"; "
			"ask the server's side for the right file",
			text, suite_name(suite));
}

static void
read_head(const struct saker_secret_file *f, enum saker_suite suite, struct saker_client_keys *keys)
{
	static const char *const names[] = { "spi", "variant", "suite", "source_id", "keys", NULL };
	const config_setting_t *root = config_root_setting(&f->cfg);
	uint64_t spi = 0;

	saker_secret_file_names(f, root, names);
	if (saker_secret_file_number(f, root, "spi", UINT32_MAX, &spi) && spi == 0)
		saker_fault(f->faults, f->path, saker_secret_file_line(root, "spi"),
			"spi is 0, which names no trust group");
	keys->spi = (uint32_t)spi;
	read_variant(f, keys);
	check_suite(f, suite);
}

static void
read_epoch(const struct saker_secret_file *f, const config_setting_t *group, enum saker_suite suite,
	struct saker_client_keys *keys)
{
	static const char *const names[] = { "epoch", "key_index", "key", "mask", NULL };
	struct saker_client_epoch *e = &keys->epochs[keys->n];
	uint64_t key_idx = 0;

	if (config_setting_type(group) != CONFIG_TYPE_GROUP) {
		saker_fault(f->faults, f->path, config_setting_source_line(group),
			"an entry of keys is not a group in braces");
		return;
	}
	saker_secret_file_names(f, group, names);
	saker_secret_file_number(f, group, "epoch", INT64_MAX, &e->epoch);
	if (saker_secret_file_number(f, group, "key_index", UINT8_MAX, &key_idx) &&
		(key_idx & 3) != 0)
		saker_fault(f->faults, f->path, saker_secret_file_line(group, "key_index"),
			"the low two bits of key_index are not zero");
	e->key_idx = (uint8_t)key_idx;
	saker_secret_file_octets(f, group, "key", e->key.key, saker_suite_key_len(suite));
	saker_secret_file_octets(f, group, "mask", e->key.mask, SAKER_MASK_LEN);
	if (keys->n > 0 && e->epoch <= e[-1].epoch)
		saker_fault(f->faults, f->path, saker_secret_file_line(group, "epoch"),
			"epoch is not above the one before it; sort the keys by epoch");
	keys->n++;
}

static void
read_epochs(
	const struct saker_secret_file *f, enum saker_suite suite, struct saker_client_keys *keys)
{
	const config_setting_t *root = config_root_setting(&f->cfg);
	const config_setting_t *list = config_setting_get_member(root, "keys");
	int n = list == NULL ? 0 : config_setting_length(list);

	if (list == NULL || config_setting_type(list) != CONFIG_TYPE_LIST || n < 1 ||
		n > SAKER_CLIENT_EPOCHS) {
		saker_fault(f->faults, f->path, saker_secret_file_line(root, "keys"),
			"keys is not a list in parentheses of 1 to %d epochs", SAKER_CLIENT_EPOCHS);
		return;
	}
	for (int i = 0; i < n; i++)
		read_epoch(f, config_setting_get_elem(list, (unsigned int)i), suite, keys);
}

int
saker_clientfile_read(const char *path, enum saker_suite suite, struct saker_client_keys *keys,
	struct saker_faults *faults)
{
	unsigned int before = faults->errors;
	struct saker_secret_file f;

	memset(keys, 0, sizeof(*keys));
	if (saker_secret_file_open(&f, path, faults) != 0)
		return -EINVAL;
	read_head(&f, suite, keys);
	read_epochs(&f, suite, keys);
	saker_secret_file_close(&f);
	if (faults->errors == before)
		return 0;
	saker_wipe(keys, sizeof(*keys));
	return -EINVAL;
}

/* Text being composed. */
struct text {
	char *at;
	size_t left;
};

__attribute__((format(printf, 2, 3))) static void
add(struct text *t, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(t->at, t->left, format, ap);
	va_end(ap);
	n = n < 0 ? 0 : (size_t)n < t->left ? n : (int)t->left - 1;
	t->at += n;
	t->left -= (size_t)n;
}

static void
add_epoch(struct text *t, const struct saker_client_epoch *e, enum saker_suite suite)
{
	char hex[HEX_MAX];

	add(t, "  { epoch = %llu%s; key_index = 0x%02x;\n    key = \"%s\";\n",
		(unsigned long long)e->epoch, e->epoch > INT32_MAX ? "L" : "", e->key_idx,
		saker_hex_encode(e->key.key, saker_suite_key_len(suite), hex));
	add(t, "    mask = \"%s\"; }", saker_hex_encode(e->key.mask, SAKER_MASK_LEN, hex));
	saker_wipe(hex, sizeof(hex));
}

int
saker_clientfile_text(
	const struct saker_client_keys *keys, enum saker_suite suite, char *out, size_t size)
{
	struct text t = { out, size };
	char hex[HEX_MAX];

	if (keys->n < 1 || keys->n > SAKER_CLIENT_EPOCHS || keys->variant >= VARIANTS)
		return -EINVAL;
	add(&t, "// Data keys of one client of saker. Whoever can read this file can read "
		"its traffic.\n");
	add(&t,
		"spi = 0x%08x;\nvariant = \"%s\";\nsuite = \"%s\";\nsource_id = \"%s\";\nkeys = "
		"(\n",
		keys->spi, variant_name[keys->variant], suite_name(suite),
		saker_hex_encode(keys->source, keys->source_len, hex));
	for (unsigned int i = 0; i < keys->n; i++) {
		add_epoch(&t, &keys->epochs[i], suite);
		add(&t, "%s\n", i + 1 < keys->n ? "," : "");
	}
	add(&t, ");\n");
	return t.left > 1 ? 0 : -ENOSPC;
}

int
saker_clientfile_write(
	const char *path, enum saker_suite suite, const struct saker_client_keys *keys)
{
	char *text = saker_secret_alloc(SAKER_CLIENTFILE_TEXT);
	int rc;

	if (text == NULL)
		return -ENOMEM;
	rc = saker_clientfile_text(keys, suite, text, SAKER_CLIENTFILE_TEXT);
	if (rc == 0)
		rc = saker_secret_file_write(path, text, false);
	saker_secret_free(text, SAKER_CLIENTFILE_TEXT);
	return rc;
}
