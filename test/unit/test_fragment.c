/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <rte_cycles.h>

#include "net_pool.h"
#include "saker_fragment.h"
#include "saker_linear.h"
#include "saker_reassemble.h"

static struct saker_reassembler *reassembler;
static uint64_t tsc = 1000;
static uint32_t next_id = 1;

static void
read_view(struct rte_mbuf *m, struct saker_ip_view *v)
{
	assert_int_equal(saker_ip_read(rte_pktmbuf_mtod(m, uint8_t *), m->data_len, v), SAKER_OK);
	assert_int_equal(v->total, m->data_len);
	if (v->family == 4)
		assert_true(saker_ip4_checksum_ok(rte_pktmbuf_mtod(m, uint8_t *), v->l4_at));
}

static struct saker_reassembly
give(struct rte_mbuf *m)
{
	struct saker_ip_view v;

	read_view(m, &v);
	assert_true(v.fragment);
	return saker_reassemble(reassembler, m, &v, tsc);
}

/* Cut a packet as the outer one. */
static struct saker_fragments
cut(uint8_t family, uint16_t size, uint16_t mtu)
{
	struct rte_mbuf *m = net_pool_packet(big_pool, family, size);
	struct saker_fragments f = { .pool = big_pool };

	assert_int_equal(saker_fragment_outer(m, mtu, next_id++, &f), SAKER_OK);
	rte_pktmbuf_free(m);
	return f;
}

static void
check_whole(struct rte_mbuf *m, uint8_t family, uint16_t size)
{
	struct rte_mbuf *want = net_pool_packet(big_pool, family, size);
	uint8_t *p = rte_pktmbuf_mtod(m, uint8_t *), *q = rte_pktmbuf_mtod(want, uint8_t *);
	struct saker_ip_view v;

	assert_int_equal(m->nb_segs, 1);
	read_view(m, &v);
	assert_false(v.fragment);
	assert_int_equal(m->data_len, size);
	assert_int_equal(m->pkt_len, size);
	assert_int_equal(m->ol_flags & RTE_MBUF_F_TX_OFFLOAD_MASK, 0);
	if (family == 4) {
		memcpy(q + 4, p + 4, 2);
		saker_ip4_set_checksum(q, 20);
	}
	assert_memory_equal(p, q, size);
	rte_pktmbuf_free(want);
	rte_pktmbuf_free(m);
}

static void
nothing_is_held(void)
{
	assert_false(saker_reassembler_busy(reassembler));
	assert_int_equal(rte_mempool_in_use_count(big_pool), 0);
	assert_int_equal(rte_mempool_in_use_count(small_pool), 0);
}

static void
makes_whole_what_was_cut_at_every_size(void **state)
{
	(void)state;
	for (uint8_t family = 4; family <= 6; family += 2)
		for (uint16_t size = 1501; size < 9700; size += size < 1600 ? 1 : 37) {
			struct saker_fragments f = cut(family, size, 1500);
			struct saker_reassembly r = { 0 };

			for (uint16_t i = 0; i < f.n; i++) {
				assert_true(f.m[i]->pkt_len <= 1500);
				assert_int_equal(f.m[i]->nb_segs, 1);
				r = give(f.m[i]);
				assert_int_equal(r.why, SAKER_OK);
				assert_int_equal(r.m != NULL, i == f.n - 1);
			}
			check_whole(r.m, family, size);
		}
	nothing_is_held();
}

static void
makes_whole_in_any_order(void **state)
{
	static const uint8_t order[][4] = { { 3, 2, 1, 0 }, { 1, 3, 0, 2 }, { 2, 0, 3, 1 } };

	(void)state;
	for (uint8_t family = 4; family <= 6; family += 2)
		for (size_t k = 0; k < RTE_DIM(order); k++) {
			struct saker_fragments f = cut(family, 5000, 1400);
			struct saker_reassembly r = { 0 };

			assert_int_equal(f.n, 4);
			for (uint16_t i = 0; i < f.n; i++)
				r = give(f.m[order[k][i]]);
			assert_non_null(r.m);
			check_whole(r.m, family, 5000);
		}
	nothing_is_held();
}

static void
keeps_packets_apart_that_come_mixed(void **state)
{
	struct saker_fragments f[12];

	(void)state;
	for (unsigned int k = 0; k < 12; k++)
		f[k] = cut(k % 2 ? 4 : 6, (uint16_t)(3000 + k), 1200);
	for (uint16_t i = 0; i < 3; i++)
		for (unsigned int k = 0; k < 12; k++) {
			struct saker_reassembly r = give(f[k].m[i]);

			assert_int_equal(r.m != NULL, i == 2);
			if (r.m != NULL)
				check_whole(r.m, k % 2 ? 4 : 6, (uint16_t)(3000 + k));
		}
	nothing_is_held();
}

static void
gives_a_packet_up_when_a_fragment_repeats(void **state)
{
	(void)state;
	for (uint8_t family = 4; family <= 6; family += 2)
		for (uint16_t twice = 0; twice < 3; twice++) {
			struct saker_fragments f = cut(family, 4000, 1400);
			struct rte_mbuf *copy = rte_pktmbuf_copy(
				f.m[twice], big_pool, 0, UINT32_MAX);
			unsigned int dropped = 0, whole = 0;

			assert_int_equal(f.n, 3);
			for (uint16_t i = 0; i < f.n; i++) {
				struct saker_reassembly r = give(f.m[i]);

				dropped += r.dropped;
				whole += r.m != NULL;
				rte_pktmbuf_free(r.m);
				if (i == twice)
					dropped += give(copy).dropped;
			}
			tsc += 10 * rte_get_tsc_hz();
			dropped += saker_reassembler_expire(reassembler, tsc);
			assert_int_equal(whole, twice == 2);
			assert_int_equal(dropped, twice == 2 ? 1 : 4);
		}
	nothing_is_held();
}

static void
never_joins_fragments_that_overlap(void **state)
{
	(void)state;
	for (uint8_t family = 4; family <= 6; family += 2)
		for (unsigned int shift = 1; shift < 60; shift++) {
			struct saker_fragments f = cut(family, 3000, 1100);
			uint8_t *p = rte_pktmbuf_mtod(f.m[1], uint8_t *);
			uint8_t *at = family == 4 ? p + 6 : p + 42;
			uint16_t unit = family == 4 ? 1 : 8;

			saker_store_be16(at, (uint16_t)(saker_load_be16(at) - shift * unit));
			if (family == 4)
				saker_ip4_set_checksum(p, 20);
			for (uint16_t i = 0; i < f.n; i++)
				assert_null(give(f.m[i]).m);
			tsc += 10 * rte_get_tsc_hz();
			saker_reassembler_expire(reassembler, tsc);
		}
	nothing_is_held();
}

static void
gives_up_what_is_not_whole_in_time(void **state)
{
	struct saker_fragments f = cut(4, 3000, 1100);
	struct saker_reassembly r;

	(void)state;
	assert_int_equal(give(f.m[0]).why, SAKER_OK);
	assert_true(saker_reassembler_busy(reassembler));
	assert_int_equal(saker_reassembler_expire(reassembler, tsc), 0);
	tsc += rte_get_tsc_hz() * (SAKER_REASSEMBLY_MS + 10) / 1000;
	r = give(f.m[1]);
	assert_null(r.m);
	assert_int_equal(r.dropped, 1);
	r = give(f.m[2]);
	assert_null(r.m);
	tsc += rte_get_tsc_hz() * (SAKER_REASSEMBLY_MS + 10) / 1000;
	assert_int_equal(saker_reassembler_expire(reassembler, tsc), 2);
	nothing_is_held();
}

static void
holds_a_bounded_number_of_packets(void **state)
{
	unsigned int taken = 0, refused = 0;

	(void)state;
	for (unsigned int i = 0; i < 200; i++) {
		struct saker_fragments f = cut(4, 3000, 2000);
		struct saker_reassembly r = give(f.m[0]);

		taken += r.why == SAKER_OK;
		refused += r.why == SAKER_DROP_REASSEMBLY;
		rte_pktmbuf_free(f.m[1]);
	}
	assert_int_equal(taken + refused, 200);
	assert_in_range(taken, 16, 32);
	assert_int_equal(rte_mempool_in_use_count(big_pool), taken);
	tsc += 10 * rte_get_tsc_hz();
	assert_int_equal(saker_reassembler_expire(reassembler, tsc), taken);
	nothing_is_held();
}

static void
bounds_the_fragments_of_a_packet(void **state)
{
	struct rte_mbuf *m = net_pool_packet(big_pool, 4, 2000);
	struct saker_fragments f = { .pool = big_pool };

	(void)state;
	assert_int_equal(saker_fragment_ip4(m, 200, &f), SAKER_OK);
	assert_true(f.n > 8);
	for (uint16_t i = 0; i < f.n; i++)
		assert_null(give(f.m[i]).m);
	rte_pktmbuf_free(m);
	tsc += 10 * rte_get_tsc_hz();
	saker_reassembler_expire(reassembler, tsc);
	nothing_is_held();
}

/* One fragment with a header of the caller's choice. @return what became of it */
static enum saker_drop
refuse(uint8_t family, uint16_t size, uint16_t place)
{
	struct rte_mbuf *m = net_pool_packet(big_pool, family, size);
	uint8_t *p = rte_pktmbuf_mtod(m, uint8_t *);
	struct saker_reassembly r;

	if (family == 4) {
		saker_store_be16(p + 6, place);
		saker_ip4_set_checksum(p, 20);
	} else {
		p[6] = 44;
		memset(p + 40, 0, 8);
		p[40] = 17;
		saker_store_be16(p + 42, place);
	}
	r = give(m);
	assert_null(r.m);
	assert_int_equal(r.dropped, r.why == SAKER_OK ? 0 : 1);
	tsc += 10 * rte_get_tsc_hz();
	saker_reassembler_expire(reassembler, tsc);
	return r.why;
}

static void
refuses_fragments_that_can_be_no_part_of_a_packet(void **state)
{
	(void)state;
	assert_int_equal(refuse(4, 20 + 80, 0x2000), SAKER_OK);
	assert_int_equal(refuse(4, 20, 0x2000), SAKER_DROP_OUTER_FRAGMENT);
	assert_int_equal(refuse(4, 20 + 81, 0x2000), SAKER_DROP_OUTER_FRAGMENT);
	assert_int_equal(refuse(4, 20 + 81, 0x0001), SAKER_OK);
	assert_int_equal(refuse(4, 20 + 80, 0x1fff), SAKER_DROP_OUTER_FRAGMENT);
	assert_int_equal(refuse(4, 20 + 80, 0x2000 | 10240 / 8), SAKER_DROP_OUTER_FRAGMENT);
	assert_int_equal(refuse(6, 48 + 80, 1), SAKER_OK);
	assert_int_equal(refuse(6, 48, 1), SAKER_DROP_OUTER_FRAGMENT);
	assert_int_equal(refuse(6, 48 + 81, 1), SAKER_DROP_OUTER_FRAGMENT);
	assert_int_equal(refuse(6, 48 + 80, 0xfff8), SAKER_DROP_OUTER_FRAGMENT);
	nothing_is_held();
}

static void
refuses_a_fragment_header_behind_other_extensions(void **state)
{
	struct rte_mbuf *m = net_pool_packet(big_pool, 6, 40 + 8 + 8 + 16);
	uint8_t *p = rte_pktmbuf_mtod(m, uint8_t *);

	(void)state;
	p[6] = 60;
	memcpy(p + 40, "\x2c\0\1\4\0\0\0\0", 8);
	memcpy(p + 48, "\x11\0\0\1\0\0\0\1", 8);
	assert_int_equal(give(m).why, SAKER_DROP_OUTER_FRAGMENT);
	nothing_is_held();
}

static void
carries_a_congestion_mark_of_any_fragment(void **state)
{
	(void)state;
	for (uint8_t family = 4; family <= 6; family += 2)
		for (uint16_t marked = 0; marked < 3; marked++) {
			struct saker_fragments f = cut(family, 3000, 1100);
			struct saker_reassembly r = { 0 };
			struct saker_ip_view v;

			saker_ip_set_ecn(rte_pktmbuf_mtod(f.m[marked], uint8_t *), 3);
			for (uint16_t i = 0; i < f.n; i++)
				r = give(f.m[i]);
			assert_non_null(r.m);
			read_view(r.m, &v);
			assert_int_equal(v.tos & 3, 3);
			rte_pktmbuf_free(r.m);
		}
	nothing_is_held();
}

static void
survives_a_hostile_mix(void **state)
{
	(void)state;
	srandom(7);
	for (unsigned int i = 0; i < 20000; i++) {
		uint8_t family = random() % 2 ? 4 : 6;
		struct rte_mbuf *m = net_pool_packet(
			small_pool, family, (uint16_t)(48 + random() % 200));
		uint8_t *p = rte_pktmbuf_mtod(m, uint8_t *);
		uint16_t more = random() % 2, at = (uint16_t)(random() % 20);
		struct saker_reassembly r;

		if (family == 4) {
			saker_store_be16(p + 4, (uint16_t)(random() % 4));
			saker_store_be16(p + 6, more << 13 | at | (at + more == 0));
			saker_ip4_set_checksum(p, 20);
		} else {
			p[6] = 44;
			memcpy(p + 40, "\x11\0", 2);
			saker_store_be16(p + 42, (uint16_t)((at + (at + more == 0)) * 8 | more));
			saker_store_be32(p + 44, (uint32_t)(random() % 4));
		}
		tsc += 1 + random() % (rte_get_tsc_hz() / 10);
		r = give(m);
		rte_pktmbuf_free(r.m);
		assert_true(rte_mempool_in_use_count(small_pool) <= 32 * 8);
	}
	tsc += 10 * rte_get_tsc_hz();
	saker_reassembler_expire(reassembler, tsc);
	nothing_is_held();
}

static void
cuts_ipv4_packets_of_every_size_without_loss(void **state)
{
	(void)state;
	for (uint16_t size = 577; size <= 9000; size += 7) {
		struct rte_mbuf *m = net_pool_packet(big_pool, 4, size);
		const uint8_t *from = rte_pktmbuf_mtod(m, const uint8_t *);
		struct saker_fragments f = { .pool = big_pool };
		uint16_t at = 0;

		assert_int_equal(saker_fragment_ip4(m, 576, &f), SAKER_OK);
		for (uint16_t i = 0; i < f.n; i++) {
			const uint8_t *p = rte_pktmbuf_mtod(f.m[i], const uint8_t *);
			uint16_t place = i + 1 < f.n ? 0x2000 : 0, len = f.m[i]->data_len - 20;

			assert_true(f.m[i]->data_len <= 576);
			assert_true(saker_ip4_checksum_ok(p, 20));
			assert_int_equal(saker_load_be16(p + 2), f.m[i]->data_len);
			assert_int_equal(saker_load_be16(p + 6), place | at / 8);
			assert_memory_equal(p + 20, from + 20 + at, len);
			at += len;
			rte_pktmbuf_free(f.m[i]);
		}
		assert_int_equal(at, size - 20);
		rte_pktmbuf_free(m);
	}
	nothing_is_held();
}

static void
cuts_a_fragment_again(void **state)
{
	struct rte_mbuf *m = net_pool_packet(big_pool, 4, 20 + 1600);
	struct saker_fragments f = { .pool = big_pool };
	uint8_t *p = rte_pktmbuf_mtod(m, uint8_t *);

	(void)state;
	saker_store_be16(p + 6, 0x2000 | 100);
	saker_ip4_set_checksum(p, 20);
	assert_int_equal(saker_fragment_ip4(m, 820, &f), SAKER_OK);
	assert_int_equal(f.n, 2);
	assert_int_equal(saker_load_be16(rte_pktmbuf_mtod(f.m[0], uint8_t *) + 6), 0x2000 | 100);
	assert_int_equal(saker_load_be16(rte_pktmbuf_mtod(f.m[1], uint8_t *) + 6), 0x2000 | 200);
	rte_pktmbuf_free_bulk(f.m, f.n);
	rte_pktmbuf_free(m);
	nothing_is_held();
}

static void
obeys_dont_fragment(void **state)
{
	struct rte_mbuf *m = net_pool_packet(big_pool, 4, 2000);
	struct saker_fragments f = { .pool = big_pool };

	(void)state;
	saker_store_be16(rte_pktmbuf_mtod(m, uint8_t *) + 6, 0x4000);
	assert_int_equal(saker_fragment_ip4(m, 1000, &f), SAKER_DROP_MTU);
	assert_int_equal(f.n, 0);
	rte_pktmbuf_free(m);
	nothing_is_held();
}

static void
sends_no_more_outer_fragments_than_a_peer_joins(void **state)
{
	(void)state;
	for (uint8_t family = 4; family <= 6; family += 2) {
		struct rte_mbuf *m = net_pool_packet(big_pool, family, 9000);
		struct saker_fragments f = { .pool = big_pool };

		assert_int_equal(saker_fragment_outer(m, 1000, 1, &f), SAKER_DROP_MTU);
		assert_int_equal(f.n, 0);
		rte_pktmbuf_free(m);
	}
	nothing_is_held();
}

static void
gives_everything_back_when_the_pool_is_empty(void **state)
{
	struct rte_mempool *tiny = rte_pktmbuf_pool_create(
		"tiny", 3, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, -1);

	(void)state;
	assert_non_null(tiny);
	for (uint8_t family = 4; family <= 6; family += 2) {
		struct rte_mbuf *m = net_pool_packet(big_pool, family, 9000);
		struct saker_fragments f = { .pool = tiny };

		assert_int_equal(saker_fragment_outer(m, 1500, 1, &f), SAKER_DROP_NO_BUFFER);
		assert_int_equal(f.n, 0);
		assert_int_equal(rte_mempool_in_use_count(tiny), 0);
		rte_pktmbuf_free(m);
	}
	rte_mempool_free(tiny);
	nothing_is_held();
}

/* The octets of a packet of one segment, in segments of n octets. */
static struct rte_mbuf *
chain(struct rte_mbuf *m, uint16_t n)
{
	struct rte_mbuf *first = NULL;

	for (uint16_t at = 0; at < m->data_len; at += n) {
		uint16_t len = RTE_MIN(n, (uint16_t)(m->data_len - at));
		struct rte_mbuf *s = rte_pktmbuf_alloc(small_pool);

		memcpy(rte_pktmbuf_append(s, len), rte_pktmbuf_mtod_offset(m, void *, at), len);
		if (first == NULL)
			first = s;
		else
			assert_int_equal(rte_pktmbuf_chain(first, s), 0);
	}
	return first;
}

static void
makes_chains_of_every_length_one_segment(void **state)
{
	(void)state;
	for (uint16_t size = 40; size <= 9700; size += size < 200 ? 1 : 97) {
		struct rte_mbuf *m = net_pool_packet(big_pool, 6, size);
		struct rte_mbuf *one = saker_linear(chain(m, size < 1900 ? 100 : 1900), big_pool);

		assert_non_null(one);
		assert_int_equal(one->nb_segs, 1);
		assert_int_equal(one->data_len, size);
		assert_int_equal(one->pkt_len, size);
		assert_true(rte_pktmbuf_tailroom(one) >= SAKER_LINEAR_TAIL);
		assert_memory_equal(
			rte_pktmbuf_mtod(one, void *), rte_pktmbuf_mtod(m, void *), size);
		rte_pktmbuf_free(one);
		rte_pktmbuf_free(m);
	}
	nothing_is_held();
}

static void
refuses_a_chain_that_no_buffer_holds(void **state)
{
	struct rte_mbuf *m = net_pool_packet(big_pool, 6, 9000), *c = chain(m, 2000);

	(void)state;
	assert_int_equal(rte_pktmbuf_chain(c, chain(m, 2000)), 0);
	assert_null(saker_linear(c, big_pool));
	assert_int_equal(c->pkt_len, 18000);
	rte_pktmbuf_free(c);
	rte_pktmbuf_free(m);
	nothing_is_held();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(makes_whole_what_was_cut_at_every_size),
		cmocka_unit_test(makes_whole_in_any_order),
		cmocka_unit_test(keeps_packets_apart_that_come_mixed),
		cmocka_unit_test(gives_a_packet_up_when_a_fragment_repeats),
		cmocka_unit_test(never_joins_fragments_that_overlap),
		cmocka_unit_test(gives_up_what_is_not_whole_in_time),
		cmocka_unit_test(holds_a_bounded_number_of_packets),
		cmocka_unit_test(bounds_the_fragments_of_a_packet),
		cmocka_unit_test(refuses_fragments_that_can_be_no_part_of_a_packet),
		cmocka_unit_test(refuses_a_fragment_header_behind_other_extensions),
		cmocka_unit_test(carries_a_congestion_mark_of_any_fragment),
		cmocka_unit_test(survives_a_hostile_mix),
		cmocka_unit_test(cuts_ipv4_packets_of_every_size_without_loss),
		cmocka_unit_test(cuts_a_fragment_again),
		cmocka_unit_test(obeys_dont_fragment),
		cmocka_unit_test(sends_no_more_outer_fragments_than_a_peer_joins),
		cmocka_unit_test(gives_everything_back_when_the_pool_is_empty),
		cmocka_unit_test(makes_chains_of_every_length_one_segment),
		cmocka_unit_test(refuses_a_chain_that_no_buffer_holds),
	};
	int ret = net_pool_init();

	if (ret == 0)
		reassembler = saker_reassembler_create(16, big_pool, SOCKET_ID_ANY);
	if (ret != 0 || reassembler == NULL)
		return ret != 0 ? ret : 1;
	ret = cmocka_run_group_tests(tests, NULL, NULL);
	saker_reassembler_free(reassembler);
	return ret;
}
