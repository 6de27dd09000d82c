/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_linear.h"

struct rte_mbuf *
saker_linear(struct rte_mbuf *m, struct rte_mempool *pool)
{
	uint32_t rest = m->pkt_len - m->data_len, room = rte_pktmbuf_data_room_size(pool);
	struct rte_mbuf *copy;

	if (m->nb_segs == 1)
		return m;
	/* The room of a chain is behind its last segment; what counts here is the first. */
	if (m->buf_len - m->data_off - m->data_len >= (int64_t)rest + SAKER_LINEAR_TAIL &&
		rte_pktmbuf_linearize(m) == 0)
		return m;
	if (m->pkt_len + RTE_PKTMBUF_HEADROOM + SAKER_LINEAR_TAIL > room)
		return NULL;
	copy = rte_pktmbuf_copy(m, pool, 0, UINT32_MAX);
	if (copy != NULL)
		rte_pktmbuf_free(m);
	return copy;
}
