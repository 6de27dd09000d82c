/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <rte_vfio.h>

#define MAX_GROUPS 64

static struct {
	bool chosen; /* somebody else than root is to be become */
	char name[64];
	uid_t uid;
	gid_t gid;
	gid_t root_groups[MAX_GROUPS];
	int n_root_groups;
} target;

void
saker_privileges_harden(void)
{
	const struct rlimit none = { 0, 0 };

	/* Root keys pass through memory that no allocator marks. */
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static int
fail(const char *what)
{
	int error = errno;

	fprintf(stderr, "saker: user %s: %s: %s\n", target.name, what, strerror(error));
	return error == 0 ? -EPERM : -error;
}

static int
find_user(const char *user)
{
	const struct passwd *pw;

	errno = 0;
	pw = getpwnam(user);
	snprintf(target.name, sizeof(target.name), "%s", user);
	if (pw == NULL) {
		fprintf(stderr,
			"saker: there is no user %s; make one with 'useradd -r %s', or "
			"name another with --user\n",
			target.name, target.name);
		return -ENOENT;
	}
	target.uid = pw->pw_uid;
	target.gid = pw->pw_gid;
	return 0;
}

int
saker_privileges_assume(const char *user)
{
	if (user == NULL)
		return 0;
	if (find_user(user) != 0)
		return -ENOENT;
	if (target.uid == geteuid())
		return 0;
	if (geteuid() != 0) {
		fprintf(stderr,
			"saker: only root can become user %s; start saker as that user, "
			"without --user\n",
			target.name);
		return -EPERM;
	}
	target.n_root_groups = getgroups(MAX_GROUPS, target.root_groups);
	if (target.n_root_groups < 0 || initgroups(target.name, target.gid) != 0 ||
		setegid(target.gid) != 0 || seteuid(target.uid) != 0)
		return fail("can't act as that user");
	target.chosen = true;
	return 0;
}

int
saker_privileges_resume(void)
{
	if (!target.chosen)
		return 0;
	if (seteuid(0) != 0 || setegid(0) != 0 ||
		setgroups((size_t)target.n_root_groups, target.root_groups) != 0)
		return fail("can't be root again");
	/* The kernel forgets this with every change of user. */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	return 0;
}

static unsigned int
kept_capabilities(void)
{
	unsigned int keep = 1u << CAP_NET_RAW | 1u << CAP_NET_ADMIN;

	if (rte_vfio_is_enabled("vfio_pci") > 0)
		keep |= 1u << CAP_IPC_LOCK;
	return keep;
}

/* There is no libc call, and a library for three numbers would be too much. */
static int
set_capabilities(unsigned int keep)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	if (syscall(SYS_capget, &head, data) != 0)
		return -1;
	/* Only what there is: in a container some may be missing from the start. */
	data[0].effective = data[0].permitted &= keep;
	data[1].effective = data[1].permitted = 0;
	data[0].inheritable = data[1].inheritable = 0;
	return (int)syscall(SYS_capset, &head, data);
}

int
saker_privileges_drop(void)
{
	if (!target.chosen)
		return 0;
	/* libc tells every thread of the change of user; the capabilities are this thread's own. */
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 || initgroups(target.name, target.gid) != 0 ||
		setresgid(target.gid, target.gid, target.gid) != 0 ||
		setresuid(target.uid, target.uid, target.uid) != 0)
		return fail("can't become that user");
	if (set_capabilities(kept_capabilities()) != 0)
		return fail("can't give up capabilities");
	prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	errno = 0;
	if (setresuid(0, 0, 0) == 0)
		return fail("could become root again");
	target.chosen = false;
	return 0;
}
