/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_pspfile.h"

#include <errno.h>
#include <stdlib.h>

#include "saker_secret_file.h"

#define HEX_MAX   (2 * SAKER_KEY_MAX + 1)
#define ENTRY_MAX (HEX_MAX + SAKER_IP_TEXT + 64)
#define HEAD_MAX  256
#define PHASE_BIT 0x80000000u

static void
read_version(const struct saker_secret_file *f, uint8_t version)
{
	const config_setting_t *root = config_root_setting(&f->cfg);
	uint64_t found = 0;

	if (saker_secret_file_number(f, root, "version", 3, &found) && found != version)
		saker_fault(f->faults, f->path, saker_secret_file_line(root, "version"),
			"version is %u, but the trust group's is %u; ask the receiver for the "
			"right "
			"file",
			(unsigned int)found, version);
}

static void
read_peer(const struct saker_secret_file *f, const config_setting_t *group, struct saker_psp_sa *sa)
{
	const char *text;

	if (config_setting_get_member(group, "peer") == NULL)
		return;
	text = saker_secret_file_text(f, group, "peer");
	if (text != NULL && saker_ip_from_text(text, &sa->peer) != 0)
		saker_fault(f->faults, f->path, saker_secret_file_line(group, "peer"),
			"peer is no IP address; give the receiver's, or take it out");
}

static void
read_spi(const struct saker_secret_file *f, const config_setting_t *group, struct saker_psp_sa *sa)
{
	uint64_t spi = 1;

	if (saker_secret_file_number(f, group, "spi", UINT32_MAX, &spi) &&
		(spi & ~(uint64_t)PHASE_BIT) == 0)
		saker_fault(f->faults, f->path, saker_secret_file_line(group, "spi"),
			"spi 0x%08x is reserved; ask the receiver for another SA",
			(unsigned int)spi);
	sa->spi = (uint32_t)spi;
}

static bool
same_key(const struct saker_psp_sa *a, const struct saker_psp_sa *b)
{
	return saker_ct_equal(a->key, b->key, sizeof(a->key));
}

static void
read_sa(const struct saker_secret_file *f, const config_setting_t *group, uint8_t version,
	struct saker_psp_sas *sas)
{
	static const char *const names[] = { "spi", "key", "peer", NULL };
	struct saker_psp_sa *sa = &sas->sa[sas->n];

	if (config_setting_type(group) != CONFIG_TYPE_GROUP) {
		saker_fault(f->faults, f->path, config_setting_source_line(group),
			"an entry of sas is not a group in braces");
		return;
	}
	saker_secret_file_names(f, group, names);
	read_spi(f, group, sa);
	read_peer(f, group, sa);
	saker_secret_file_octets(f, group, "key", sa->key, saker_psp_key_len(version));
	for (unsigned int i = 0; i < sas->n; i++)
		if (same_key(sa, &sas->sa[i]))
			saker_fault(f->faults, f->path, config_setting_source_line(group),
				"this SA has the key of another; each is listed once");
	sas->n++;
}

static void
read_sas(const struct saker_secret_file *f, uint8_t version, struct saker_psp_sas *sas)
{
	const config_setting_t *root = config_root_setting(&f->cfg);
	const config_setting_t *list = config_setting_get_member(root, "sas");
	int n = list == NULL ? 0 : config_setting_length(list);

	if (list == NULL || config_setting_type(list) != CONFIG_TYPE_LIST || n < 1 ||
		n > SAKER_PSP_SAS) {
		saker_fault(f->faults, f->path, saker_secret_file_line(root, "sas"),
			"sas is not a list of 1 to %d groups in parentheses", SAKER_PSP_SAS);
		return;
	}
	for (int i = 0; i < n; i++)
		read_sa(f, config_setting_get_elem(list, (unsigned int)i), version, sas);
}

/* What was read, in memory of its own size. */
static int
keep(const struct saker_psp_sas *all, struct saker_psp_sas *sas)
{
	sas->sa = saker_secret_alloc(all->n * sizeof(*sas->sa));
	if (sas->sa == NULL)
		return -ENOMEM;
	sas->n = all->n;
	memcpy(sas->sa, all->sa, all->n * sizeof(*sas->sa));
	return 0;
}

int
saker_pspfile_read(
	const char *path, uint8_t version, struct saker_psp_sas *sas, struct saker_faults *faults)
{
	static const char *const names[] = { "version", "sas", NULL };
	const size_t size = SAKER_PSP_SAS * sizeof(struct saker_psp_sa);
	struct saker_psp_sas all = { .sa = saker_secret_alloc(size) };
	unsigned int before = faults->errors;
	struct saker_secret_file f;

	memset(sas, 0, sizeof(*sas));
	if (all.sa == NULL) {
		saker_fault(faults, path, 0, "no memory for its SAs");
	} else if (saker_secret_file_open(&f, path, faults) == 0) {
		saker_secret_file_names(&f, config_root_setting(&f.cfg), names);
		read_version(&f, version);
		read_sas(&f, version, &all);
		saker_secret_file_close(&f);
	}
	if (faults->errors == before && keep(&all, sas) != 0)
		saker_fault(faults, path, 0, "no memory for its SAs");
	saker_secret_free(all.sa, size);
	return faults->errors == before ? 0 : -EINVAL;
}

static int
compose_sa(const struct saker_psp_sa *sa, uint8_t version, char *text)
{
	char hex[HEX_MAX], ip[SAKER_IP_TEXT];
	int n = snprintf(text, ENTRY_MAX, "  { spi = 0x%08x; key = \"%s\";", sa->spi,
		saker_hex_encode(sa->key, saker_psp_key_len(version), hex));

	if (sa->peer.family != 0)
		n += snprintf(text + n, ENTRY_MAX - (size_t)n, " peer = \"%s\";",
			saker_ip_to_text(&sa->peer, ip));
	n += snprintf(text + n, ENTRY_MAX - (size_t)n, " }");
	saker_wipe(hex, sizeof(hex));
	return n;
}

static void
compose(const struct saker_psp_sas *sas, uint8_t version, char *text)
{
	text += snprintf(text, HEAD_MAX,
		"// SAs of PSP that a receiver of saker made. Whoever can read this file can read "
		"and forge what they seal.\nversion = %u;\nsas = (\n",
		version);
	for (unsigned int i = 0; i < sas->n; i++) {
		text += compose_sa(&sas->sa[i], version, text);
		text = stpcpy(text, i + 1 < sas->n ? ",\n" : "\n");
	}
	stpcpy(text, ");\n");
}

int
saker_pspfile_write(
	const char *path, uint8_t version, const struct saker_psp_sas *sas, bool replace)
{
	size_t size = HEAD_MAX + sas->n * (size_t)ENTRY_MAX;
	char *text;
	int rc;

	if (sas->n < 1 || sas->n > SAKER_PSP_SAS)
		return -EINVAL;
	text = saker_secret_alloc(size);
	if (text == NULL)
		return -ENOMEM;
	compose(sas, version, text);
	rc = saker_secret_file_write(path, text, replace);
	saker_secret_free(text, size);
	return rc;
}
