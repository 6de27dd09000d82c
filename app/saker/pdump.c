/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "pdump.h"

#include <stdbool.h>
#include <stdio.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_pdump.h>

static bool started;

void
saker_pdump_start(void)
{
	if (rte_eal_has_hugepages() == 0) {
		fprintf(stderr, "saker: without hugepages (--no-huge) dpdk-dumpcap and "
				"dpdk-proc-info can't attach; `capture start` works\n");
		return;
	}
	started = rte_pdump_init() == 0;
	if (!started)
		fprintf(stderr,
			"saker: dpdk-dumpcap can't attach (%s); leave out EAL's --in-memory and "
			"--no-shconf to let it; `capture start` works\n",
			rte_strerror(rte_errno));
}

void
saker_pdump_stop(void)
{
	if (started)
		rte_pdump_uninit();
	started = false;
}
