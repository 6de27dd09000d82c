/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_steer.h"

#define MAX_BY_MASK   16 /* a rule for each pair of residues: 256 of a kind */
#define SOURCE_AT     12 /* of the Stateless Context option, which saker sends first */
#define SHORT_ID_LAST (SOURCE_AT + 3)
#define LONG_ID_LAST  (SOURCE_AT + 7)

extern const struct saker_steer_ops saker_steer_rte_flow, saker_steer_software;

const struct saker_steer_ops *const saker_steer_drivers[] = {
	&saker_steer_rte_flow,
	&saker_steer_software,
	NULL,
};

uint16_t
saker_steer_mask(unsigned int n_workers)
{
	if (n_workers < 2 || n_workers > MAX_BY_MASK)
		return 0;
	return (uint16_t)(rte_align32pow2(n_workers) - 1);
}

uint8_t
saker_steer_low_at(enum saker_variant variant)
{
	switch (variant) {
	case SAKER_V_SOURCE_ID:
	case SAKER_V_CONNECTION_ID: /* the device half */
		return SHORT_ID_LAST;
	case SAKER_V_SOURCE_ID_64:
		return LONG_ID_LAST;
	default:
		return 0;
	}
}
