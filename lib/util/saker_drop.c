/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_drop.h"

const struct saker_drop_info saker_drop_info[SAKER_DROP_COUNT] = {
	[SAKER_OK] = { "ok", SAKER_INFO, "not dropped" },
#define SAKER_DROP_INFO(symbol, name, severity, help)                                              \
	[SAKER_DROP_##symbol] = { name, SAKER_##severity, help },
	SAKER_DROP_REASONS(SAKER_DROP_INFO)
#undef SAKER_DROP_INFO
	};
