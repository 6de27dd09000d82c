/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "keytool.h"

#include <errno.h>
#include <getopt.h>
#include <time.h>

#include "saker_root.h"

/* Without a next one is made up: no value ever comes back. */
static bool
step(struct saker_root_values *keys)
{
	if (!keys->live[SAKER_NEXT] &&
		!saker_keytool_random(keys->value[SAKER_NEXT], SAKER_ROOT_LEN))
		return false;
	keys->live[SAKER_NEXT] = true;
	if (saker_root_step(keys, (uint64_t)time(NULL)) == 0)
		return true;
	saker_keytool_fail("the kernel gave no random octets: %s", strerror(errno));
	return false;
}

static enum saker_keytool_status
rotate_values(const char *path, struct saker_root_values *keys, bool force)
{
	int rc;

	if (!saker_keytool_read(path, keys))
		return SAKER_KEYTOOL_FAILED;
	if (saker_has_keymat(keys))
		return saker_keytool_fail("%s holds the KEYMAT of an SA, which the peer must have "
					  "too; write the next one into it by hand",
			path);
	if (!keys->live[SAKER_NEXT] && !force)
		return saker_keytool_fail(
			"%s has no next key to rotate to, and one made up now would be unknown to "
			"every other gateway; put the group's next key in, or use --force",
			path);
	if (keys->index >= UINT32_MAX - 1)
		return saker_keytool_fail("%s has used up its indices; make a new root key with "
					  "another id: saker-keytool new",
			path);
	saker_keytool_print_values("before:", keys);
	if (!step(keys))
		return SAKER_KEYTOOL_FAILED;
	rc = saker_keyfile_write(path, keys, true);
	if (rc != 0)
		return saker_keytool_fail("can't replace %s: %s", path, strerror(-rc));
	saker_keytool_print_values("after: ", keys);
	return SAKER_KEYTOOL_OK;
}

static enum saker_keytool_status
rotate(const char *path, bool force)
{
	struct saker_root_values *keys = saker_secret_alloc(sizeof(*keys));
	enum saker_keytool_status status;

	if (keys == NULL)
		return saker_keytool_fail("no memory for a key: %s", strerror(errno));
	status = rotate_values(path, keys, force);
	saker_secret_free(keys, sizeof(*keys));
	return status;
}

static enum saker_keytool_status
run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "force", no_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	bool force = false;
	int option;

	while ((option = getopt_long(argc, argv, "fh", options, NULL)) != -1) {
		if (option != 'f')
			return saker_keytool_other_option(&saker_keytool_rotate, option);
		force = true;
	}
	if (optind + 1 != argc)
		return saker_keytool_misused(
			&saker_keytool_rotate, "name one root key file to rotate");
	return rotate(argv[optind], force);
}

const struct saker_keytool_command saker_keytool_rotate = {
	.name = "rotate",
	.synopsis = "FILE [--force]",
	.summary = "Step a root key file: next becomes current, current becomes pre",
	.help = "The index goes up by one and a fresh random next is made; the former pre is gone "
		"for\n"
		"good. FILE is replaced in one step, so a gateway reads the old keys or the new "
		"ones.\n"
		"Hand the new file to every member of the group before the next rotation, since "
		"the\n"
		"fresh next is known to this file alone.\n\n"
		"  -f, --force  without a next key: make up a fresh current too\n",
	.run = run,
};
