/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "show_parts.h"

void
saker_show_psp(const struct saker_gateway *g, struct saker_out *out)
{
	static const struct saker_column columns[] = {
		{ "counter", 'l' },
		{ "packets", 'r' },
		{ "octets", 'r' },
	};
	struct saker_report *r = SAKER_REPORT_BEGIN("psp", columns);
	bool any = out->zeros || (g->snapshot != NULL && g->snapshot->psp);

	for (unsigned int c = 0; any && c < SAKER_PSP_COUNTERS; c++) {
		uint64_t packets = 0, octets = 0;

		for (unsigned int i = 0; i < g->n_workers; i++) {
			packets += saker_peek(&g->workers[i]->psp[c].packets);
			octets += saker_peek(&g->workers[i]->psp[c].octets);
		}
		saker_report_text(r, "%s", saker_psp_counter_name(c));
		saker_report_u64(r, packets);
		saker_report_u64(r, octets);
	}
	saker_report_end(r, out, "no trust group has format psp");
}
