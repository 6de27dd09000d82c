/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef REPLAY_TABLES_H
#define REPLAY_TABLES_H

/* Keys and tables of the tests of replay windows, and the EAL that tables need. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <rte_eal.h>

#include "saker_replay.h"

static inline int
start_eal(void **state)
{
	char *args[] = { (char[]){ "test" }, (char[]){ "--no-huge" }, (char[]){ "--no-pci" },
		(char[]){ "-m" }, (char[]){ "128" }, (char[]){ "--no-shconf" },
		(char[]){ "--no-telemetry" }, (char[]){ "--lcores" }, (char[]){ "0" }, NULL };

	(void)state;
	return rte_eal_init(9, args) < 0 ? -1 : 0;
}

static inline int
stop_eal(void **state)
{
	(void)state;
	return rte_eal_cleanup();
}

static inline struct saker_replay_key
key_of(uint32_t source, uint16_t session)
{
	struct saker_replay_key key = { .session = session };

	memcpy(key.source, &source, sizeof(source));
	return key;
}

static inline struct saker_replay_table *
make_table(uint32_t sources, uint32_t window)
{
	struct saker_replay_table *t = saker_replay_create("test", sources, window, 0);

	assert_non_null(t);
	return t;
}

#endif
