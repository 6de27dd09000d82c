/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "eyes.h"

#include "telemetry.h"

void
saker_eyes_start(struct saker_gateway *g, const struct saker_options *o)
{
	(void)o;
	saker_telemetry_start(g);
}

void
saker_eyes_stop(struct saker_gateway *g)
{
	(void)g;
	saker_telemetry_stop();
}
