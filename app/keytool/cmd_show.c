/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "keytool.h"

#include <errno.h>
#include <getopt.h>

static void
print_rows(const char *path, int width, const struct saker_root_values *keys)
{
	char check[SAKER_CHECK_TEXT];

	for (int g = 0; g < SAKER_GENERATIONS; g++)
		if (keys->live[g])
			printf("%-*s  %-10s  %10u  %s\n", width, path, saker_keytool_generation[g],
				saker_keytool_index(keys, g),
				saker_key_check_text(keys->value[g], check));
}

static int
widest(int n, char **paths)
{
	size_t width = strlen("file");

	for (int i = 0; i < n; i++)
		if (strlen(paths[i]) > width)
			width = strlen(paths[i]);
	return width > 60 ? 60 : (int)width;
}

static enum saker_keytool_status
show(int n, char **paths)
{
	struct saker_root_values *keys = saker_secret_alloc(sizeof(*keys));
	enum saker_keytool_status status = SAKER_KEYTOOL_OK;
	int width = widest(n, paths);

	if (keys == NULL)
		return saker_keytool_fail("no memory for a key: %s", strerror(errno));
	printf("%-*s  %-10s  %10s  %s\n", width, "file", "generation", "index", "check value");
	for (int i = 0; i < n; i++) {
		if (saker_keytool_read(paths[i], keys))
			print_rows(paths[i], width, keys);
		else
			status = SAKER_KEYTOOL_FAILED;
	}
	saker_secret_free(keys, sizeof(*keys));
	return status;
}

static enum saker_keytool_status
run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option = getopt_long(argc, argv, "h", options, NULL);

	if (option != -1)
		return saker_keytool_other_option(&saker_keytool_show, option);
	if (optind == argc)
		return saker_keytool_misused(&saker_keytool_show, "name the files to show");
	return show(argc - optind, argv + optind);
}

const struct saker_keytool_command saker_keytool_show = {
	.name = "show",
	.synopsis = "FILE...",
	.summary = "Show index and check value of the keys in root key files",
	.help = "A check value tells keys apart and gives nothing of them away: two gateways hold "
		"the\n"
		"same root key if it is the same. Keys themselves are never shown.\n",
	.run = run,
};
