/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_steer.h"

/* Any queue will do: the stage "own" hands over what belongs elsewhere. */
static int
start(const struct saker_steer_plan *plan, void **state, char *why)
{
	(void)plan;
	*state = NULL;
	why[0] = '\0';
	return 0;
}

static void
stop(uint16_t port, void *state)
{
	(void)port;
	(void)state;
}

extern const struct saker_steer_ops saker_steer_software;

const struct saker_steer_ops saker_steer_software = {
	.name = "software",
	.help = "any queue, and a ring to the owner",
	.start = start,
	.stop = stop,
};
