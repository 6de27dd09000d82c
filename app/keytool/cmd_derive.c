/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "derive.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <unistd.h>

#define EPOCH_TEXT 22 /* 64 bits in decimal, a space, NUL */

/* "EPOCH KEY MASK", a line for each epoch. */
static void
compose_raw(struct saker_derive_answer *a)
{
	uint8_t key_len = saker_suite_key_len(a->group->suite);
	char *at = a->secret->text;

	for (unsigned int i = 0; i < a->secret->keys.n; i++) {
		const struct saker_client_epoch *e = &a->secret->keys.epochs[i];

		at += snprintf(at, EPOCH_TEXT, "%" PRIu64 " ", e->epoch);
		at = saker_hex_encode(e->key.key, key_len, at) + 2 * key_len;
		*at++ = ' ';
		at = saker_hex_encode(e->key.mask, SAKER_MASK_LEN, at) + 2 * SAKER_MASK_LEN;
		at = stpcpy(at, "\n");
	}
}

/* Past stdio, whose buffer nobody would wipe. */
static enum saker_keytool_status
print_text(const char *text)
{
	size_t n = strlen(text);

	fprintf(stderr, "saker-keytool: what follows opens and forges this source's traffic: "
			"keep it secret\n");
	while (n > 0) {
		ssize_t put = write(STDOUT_FILENO, text, n);

		if (put < 0 && errno != EINTR)
			return saker_keytool_fail("can't write the keys: %s", strerror(errno));
		text += put > 0 ? put : 0;
		n -= put > 0 ? (size_t)put : 0;
	}
	return SAKER_KEYTOOL_OK;
}

static enum saker_keytool_status
write_file(const struct saker_derive_answer *a, const char *path)
{
	const struct saker_client_keys *keys = &a->secret->keys;
	int rc = saker_clientfile_write(path, a->group->suite, keys);

	if (rc == -EEXIST)
		return saker_keytool_fail(
			"%s is there already and stays as it is; choose another name", path);
	if (rc != 0)
		return saker_keytool_fail("can't write %s: %s", path, strerror(-rc));
	printf("%s: data keys of group \"%s\", epochs %llu to %llu; keep it secret\n", path,
		a->group->name, (unsigned long long)keys->epochs[0].epoch,
		(unsigned long long)keys->epochs[keys->n - 1].epoch);
	return SAKER_KEYTOOL_OK;
}

static enum saker_keytool_status
give_out(struct saker_derive_answer *a, const struct saker_derive_request *r)
{
	if (r->output != NULL)
		return write_file(a, r->output);
	if (r->raw)
		compose_raw(a);
	else if (saker_clientfile_text(&a->secret->keys, a->group->suite, a->secret->text,
			 sizeof(a->secret->text)) != 0)
		return saker_keytool_fail(
			"the keys of group \"%s\" do not fit a client's file", a->group->name);
	return print_text(a->secret->text);
}

static enum saker_keytool_status
derive(const struct saker_derive_request *r)
{
	enum saker_keytool_status status = SAKER_KEYTOOL_FAILED;
	struct saker_faults faults = { 0 };
	struct saker_config *config = saker_config_load(r->config, &faults);
	struct saker_derive_answer a = { .config = config };

	saker_faults_print(&faults, stderr);
	saker_faults_free(&faults);
	if (config == NULL)
		return status;
	a.secret = saker_secret_alloc(sizeof(*a.secret));
	if (a.secret != NULL)
		status = saker_derive(&a, r) ? give_out(&a, r) : SAKER_KEYTOOL_FAILED;
	else
		saker_keytool_fail("no memory for keys: %s", strerror(errno));
	saker_secret_free(a.secret, sizeof(*a.secret));
	saker_config_free(config);
	return status;
}

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "group", required_argument, NULL, 'g' },
	{ "source", required_argument, NULL, 's' },
	{ "epoch", required_argument, NULL, 'e' },
	{ "count", required_argument, NULL, 'n' },
	{ "output", required_argument, NULL, 'o' },
	{ "raw", no_argument, NULL, 'r' },
	{ "src", required_argument, NULL, 'S' },
	{ "dst", required_argument, NULL, 'D' },
	{ "sn", required_argument, NULL, 'C' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

/* Options whose value is text. Returns where it goes, or NULL. */
static const char **
text_option(struct saker_derive_request *r, int option)
{
	switch (option) {
	case 'c':
		return &r->config;
	case 'g':
		return &r->group;
	case 's':
		return &r->source;
	case 'o':
		return &r->output;
	case 'S':
		return &r->src;
	case 'D':
		return &r->dst;
	default:
		return NULL;
	}
}

/* Options whose value is a number. Returns false if the option is none or the value is wrong. */
static bool
number_option(struct saker_derive_request *r, int option)
{
	switch (option) {
	case 'e':
		r->has_epoch = true;
		return saker_keytool_number(optarg, INT64_MAX - SAKER_CLIENT_EPOCHS, &r->epoch);
	case 'n':
		return saker_keytool_number(optarg, SAKER_CLIENT_EPOCHS, &r->count) && r->count > 0;
	case 'C':
		r->has_sn = true;
		return saker_keytool_number(optarg, SAKER_COUNTER_MAX, &r->sn);
	default:
		return false;
	}
}

static enum saker_keytool_status
run(int argc, char **argv)
{
	const struct saker_keytool_command *me = &saker_keytool_derive;
	struct saker_derive_request r = { .count = 2 };
	int option;

	while ((option = getopt_long(argc, argv, "c:g:s:e:n:o:h", options, NULL)) != -1) {
		const char **text = text_option(&r, option);

		if (text != NULL)
			*text = optarg;
		else if (option == 'r')
			r.raw = true;
		else if (option == 'h' || option == '?')
			return saker_keytool_other_option(me, option);
		else if (!number_option(&r, option))
			return saker_keytool_misused(me, "\"%s\" is not %s", optarg,
				option == 'e'   ? "an epoch"
				: option == 'n' ? "a number of epochs from 1 to 4"
						: "a counter of 48 bits");
	}
	if (optind != argc || r.config == NULL || r.group == NULL)
		return saker_keytool_misused(
			me, "name the configuration (-c) and the trust group (-g), nothing else");
	if (r.raw && r.output != NULL)
		return saker_keytool_misused(me, "--raw prints; it can't go with --output");
	return derive(&r);
}

const struct saker_keytool_command saker_keytool_derive = {
	.name = "derive",
	.synopsis = "-c CONFIG -g GROUP -s SOURCE_ID [-e EPOCH] [-n COUNT] [-o FILE | --raw]\n"
		    "                            [--src ADDRESS] [--dst ADDRESS] [--sn COUNTER]",
	.summary = "Derive a client's data keys, to hand them out",
	.help = "Takes the current root keys of a trust group and derives the data keys of one "
		"source,\n"
		"as the gateway does for each packet. THIS PRINTS KEYS, or writes them with mode "
		"0600:\n"
		"give them to that client and nobody else.\n\n"
		"  -c, --config CONFIG     configuration file of the gateway\n"
		"  -g, --group GROUP       name of the trust group\n"
		"  -s, --source SOURCE_ID  source id in hexadecimal, all its octets\n"
		"  -e, --epoch EPOCH       first epoch (default: by the clock, or as configured)\n"
		"  -n, --count COUNT       epochs, 1 to 4 (default 2: this one and the next)\n"
		"  -o, --output FILE       write the client's data key file; FILE may not exist "
		"yet\n"
		"      --raw               print lines of epoch, key, mask\n"
		"      --src ADDRESS       outer source, for variants source-ip and ip-pair\n"
		"      --dst ADDRESS       outer destination, for variant ip-pair\n"
		"      --sn COUNTER        counter, where the group has a rekey shift\n",
	.run = run,
};
