/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "keytool.h"

#include <errno.h>
#include <getopt.h>
#include <time.h>

static bool
fill(struct saker_root_values *keys)
{
	for (int g = 0; g < SAKER_GENERATIONS; g++)
		if (keys->live[g] && !saker_keytool_random(keys->value[g], SAKER_ROOT_LEN))
			return false;
	return true;
}

static enum saker_keytool_status
write_file(const char *path, const struct saker_root_values *keys)
{
	int rc = saker_keyfile_write(path, keys, false);

	if (rc == -EEXIST)
		return saker_keytool_fail(
			"%s is there already and stays as it is; choose another name, "
			"or give it a new key with: saker-keytool rotate %s",
			path, path);
	if (rc != 0)
		return saker_keytool_fail("can't write %s: %s", path, strerror(-rc));
	return SAKER_KEYTOOL_OK;
}

static void
print_summary(const char *path, const struct saker_root_values *keys)
{
	uint8_t id[SAKER_ROOT_ID_MIN];
	char prefix[512], hex[2 * sizeof(id) + 1];

	snprintf(prefix, sizeof(prefix), "%s:", path);
	saker_keytool_print_values(prefix, keys);
	if (saker_keytool_random(id, sizeof(id)))
		printf("For root_keys in the configuration, a random id: id = \"%s\";\n",
			saker_hex_encode(id, sizeof(id), hex));
}

static enum saker_keytool_status
make(const char *path, uint32_t index, bool with_next)
{
	struct saker_root_values *keys = saker_secret_alloc(sizeof(*keys));
	enum saker_keytool_status status = SAKER_KEYTOOL_FAILED;

	if (keys == NULL)
		return saker_keytool_fail("no memory for a key: %s", strerror(errno));
	keys->index = index;
	keys->since = (uint64_t)time(NULL);
	keys->live[SAKER_CURRENT] = true;
	keys->live[SAKER_NEXT] = with_next;
	if (fill(keys))
		status = write_file(path, keys);
	if (status == SAKER_KEYTOOL_OK)
		print_summary(path, keys);
	saker_secret_free(keys, sizeof(*keys));
	return status;
}

static enum saker_keytool_status
run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "index", required_argument, NULL, 'i' },
		{ "with-next", no_argument, NULL, 'n' },
		{ "without-next", no_argument, NULL, 'N' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	uint64_t index = 0;
	bool with_next = true;
	int option;

	while ((option = getopt_long(argc, argv, "i:h", options, NULL)) != -1) {
		switch (option) {
		case 'i':
			if (!saker_keytool_number(optarg, UINT32_MAX - 1, &index))
				return saker_keytool_misused(&saker_keytool_new,
					"index \"%s\" is not a whole number from 0 to %u", optarg,
					UINT32_MAX - 1);
			break;
		case 'n':
		case 'N':
			with_next = option == 'n';
			break;
		default:
			return saker_keytool_other_option(&saker_keytool_new, option);
		}
	}
	if (optind + 1 != argc)
		return saker_keytool_misused(&saker_keytool_new, "name one file to make");
	return make(argv[optind], (uint32_t)index, with_next);
}

const struct saker_keytool_command saker_keytool_new = {
	.name = "new",
	.synopsis = "FILE [--index N] [--with-next | --without-next]",
	.summary = "Make a root key file of fresh random keys",
	.help = "FILE gets mode 0600; a file that is there already is never touched. It holds the\n"
		"current key and the next one, so that it can be rotated at any time.\n\n"
		"  -i, --index N       index of the current key (default 0)\n"
		"      --with-next     make the next key too (default)\n"
		"      --without-next  make the current key alone\n\n"
		"Prints index and check value of each key, never a key, and a random id to copy\n"
		"into the configuration.\n",
	.run = run,
};
