/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "keytool.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <unistd.h>

#include "saker_config.h"
#include "saker_handout.h"
#include "saker_pspfile.h"

/** What the command line asks for. */
struct request {
	const char *config, *group, *output, *peer;
	uint64_t count;
};

/** What it takes to answer. */
struct answer {
	const struct saker_config *config;
	const struct saker_cfg_group *group;
	const struct saker_cfg_root_key *key;
	struct saker_root_values *root; /**< saker_secret_alloc() memory */
	struct saker_psp_sas sas;
	struct saker_spi_block block;
};

static bool
find_group(struct answer *a, const char *name)
{
	for (unsigned int i = 0; i < a->config->n_groups; i++)
		if (strcmp(a->config->groups[i].name, name) == 0)
			a->group = &a->config->groups[i];
	if (a->group == NULL)
		saker_keytool_fail("%s has no trust group \"%s\"; name one of its trust_groups",
			a->config->file, name);
	else if (a->group->format != saker_format_psp.letter)
		saker_keytool_fail(
			"group \"%s\" has not format psp; see saker-keytool derive", name);
	else if (a->group->role == SAKER_ROLE_PEER || a->group->root_keys.n == 0)
		saker_keytool_fail("group \"%s\" hands no SPIs out; that is for role server, and "
				   "for a client with root_keys",
			name);
	else
		return true;
	return false;
}

static bool
print_faults(struct saker_faults *faults)
{
	bool good = faults->errors == 0;

	saker_faults_print(faults, stderr);
	saker_faults_free(faults);
	return good;
}

static bool
take(struct answer *a, const struct saker_handout *h, uint32_t count)
{
	const struct saker_spi_want want = { a->group->spi, a->group->spi_last, count, count };
	struct saker_faults faults = { 0 };
	struct saker_spi_key key;

	if (saker_handout_key(h, a->key->id.octets, a->key->id.len, &key) != 0) {
		saker_keytool_fail("the crypto library failed to name the master key");
		return false;
	}
	(void)saker_spi_take(a->config->gateway.state_dir, &key, &want, &a->block, &faults);
	return print_faults(&faults);
}

static bool
make_sas(struct answer *a, const struct request *r)
{
	const struct saker_handout h = { a->root->value[SAKER_CURRENT], a->root->index,
		a->group->version };
	struct saker_ip peer = { 0 };

	if (r->peer != NULL && saker_ip_from_text(r->peer, &peer) != 0) {
		saker_keytool_fail("--peer \"%s\" is not an IP address", r->peer);
		return false;
	}
	a->sas.sa = saker_secret_alloc(r->count * sizeof(*a->sas.sa));
	if (a->sas.sa == NULL) {
		saker_keytool_fail("no memory for keys: %s", strerror(errno));
		return false;
	}
	a->sas.n = (unsigned int)r->count;
	if (!take(a, &h, a->sas.n))
		return false;
	if (saker_handout_derive(&h, &a->block, a->sas.sa) != 0) {
		saker_keytool_fail("the crypto library failed to derive a key");
		return false;
	}
	for (unsigned int i = 0; i < a->sas.n; i++)
		a->sas.sa[i].peer = peer;
	return true;
}

static enum saker_keytool_status
write_file(const struct answer *a, const char *path)
{
	int rc = saker_pspfile_write(path, a->group->version, &a->sas, false);

	if (rc == -EEXIST)
		return saker_keytool_fail(
			"%s is there already and stays as it is; choose another name", path);
	if (rc != 0)
		return saker_keytool_fail("can't write %s: %s", path, strerror(-rc));
	printf("%s: %u SAs of group \"%s\", SPIs 0x%08" PRIx32 " to 0x%08" PRIx32
	       "; keep it secret\n",
		path, a->sas.n, a->group->name, a->sas.sa[0].spi, a->sas.sa[a->sas.n - 1].spi);
	return SAKER_KEYTOOL_OK;
}

static enum saker_keytool_status
answer(struct answer *a, const struct request *r)
{
	enum saker_keytool_status status = SAKER_KEYTOOL_FAILED;

	if (!find_group(a, r->group))
		return status;
	/* before SPIs are taken in vain */
	if (access(r->output, F_OK) == 0)
		return saker_keytool_fail(
			"%s is there already and stays as it is; choose another name", r->output);
	a->key = &a->config->root_keys[a->group->root_keys.index[0]];
	a->root = saker_secret_alloc(sizeof(*a->root));
	if (a->root == NULL)
		return saker_keytool_fail("no memory for keys: %s", strerror(errno));
	if (saker_keytool_read(a->key->file, a->root) && make_sas(a, r))
		status = write_file(a, r->output);
	saker_psp_sas_free(&a->sas);
	saker_secret_free(a->root, sizeof(*a->root));
	return status;
}

static enum saker_keytool_status
hand_out(const struct request *r)
{
	struct saker_faults faults = { 0 };
	struct saker_config *config = saker_config_load(r->config, &faults);
	struct answer a = { .config = config };
	enum saker_keytool_status status = SAKER_KEYTOOL_FAILED;

	(void)print_faults(&faults);
	if (config != NULL)
		status = answer(&a, r);
	saker_config_free(config);
	return status;
}

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "group", required_argument, NULL, 'g' },
	{ "count", required_argument, NULL, 'n' },
	{ "output", required_argument, NULL, 'o' },
	{ "peer", required_argument, NULL, 'p' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

/* Options whose value is text. Returns where it goes, or NULL. */
static const char **
text_option(struct request *r, int option)
{
	switch (option) {
	case 'c':
		return &r->config;
	case 'g':
		return &r->group;
	case 'o':
		return &r->output;
	case 'p':
		return &r->peer;
	default:
		return NULL;
	}
}

static enum saker_keytool_status
run(int argc, char **argv)
{
	const struct saker_keytool_command *me = &saker_keytool_psp;
	struct request r = { .count = 1 };
	int option;

	while ((option = getopt_long(argc, argv, "c:g:n:o:p:h", options, NULL)) != -1) {
		const char **text = text_option(&r, option);

		if (text != NULL)
			*text = optarg;
		else if (option != 'n')
			return saker_keytool_other_option(me, option);
		else if (!saker_keytool_number(optarg, SAKER_PSP_SAS, &r.count) || r.count == 0)
			return saker_keytool_misused(me,
				"count \"%s\" is not a whole number from 1 to %u", optarg,
				SAKER_PSP_SAS);
	}
	if (optind != argc || r.config == NULL || r.group == NULL || r.output == NULL)
		return saker_keytool_misused(me,
			"name the configuration (-c), the trust group (-g) "
			"and the file to make (-o), nothing else");
	return hand_out(&r);
}

const struct saker_keytool_command saker_keytool_psp = {
	.name = "psp",
	.synopsis = "-c CONFIG -g GROUP -o FILE [-n COUNT] [-p ADDRESS]",
	.summary = "Hand out SAs of PSP: SPIs and their keys",
	.help = "Takes SPIs that nobody has from the state directory of the gateway, which may "
		"run\n"
		"meanwhile, and derives their keys from the current value of the group's root "
		"key.\n"
		"FILE gets mode 0600; it is `keys` of the gateway that seals.\n\n"
		"  -c, --config CONFIG  configuration file of the gateway that receives\n"
		"  -g, --group GROUP    name of its trust group, of format psp\n"
		"  -o, --output FILE    file to make; it may not exist yet\n"
		"  -n, --count COUNT    SAs, 1 to 1024 (default 1): one for each worker of the "
		"sender\n"
		"  -p, --peer ADDRESS   write into each SA that this is the receiver's address\n",
	.run = run,
};
