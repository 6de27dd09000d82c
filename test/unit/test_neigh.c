/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>
#include <rte_eal.h>

#include "saker_arp.h"
#include "saker_nd.h"
#include "saker_neigh.h"

#define SENT_MAX 64

static const uint8_t own_mac[6] = { 2, 0, 0, 0, 0, 0x11 };
static const uint8_t mac1[6] = { 2, 0, 0, 0, 0, 1 }, mac2[6] = { 2, 0, 0, 0, 0, 2 };

/** A frame that the table sent. */
struct sent {
	unsigned int link;
	struct saker_ether e;
	uint8_t frame[128];
};

static struct rte_rcu_qsbr *qsbr;
static struct saker_link link[2];
static struct saker_neigh *table;
static struct sent sent[SENT_MAX];
static unsigned int n_sent;
static uint64_t now;

static struct saker_ip
ip(const char *text)
{
	struct saker_ip out;

	assert_int_equal(saker_ip_from_text(text, &out), 0);
	return out;
}

static void
note_frame(void *arg, unsigned int at, const uint8_t *frame, uint16_t len)
{
	struct sent *s = &sent[n_sent++ % SENT_MAX];

	assert_null(arg);
	assert_in_range(len, 60, sizeof(s->frame));
	s->link = at;
	memcpy(s->frame, frame, len);
	assert_true(saker_ether_read(frame, len, &s->e));
	assert_memory_equal(frame + 6, own_mac, 6);
}

static int
set_up(void **state)
{
	struct saker_neigh_params params = { .name = "test",
		.link = link,
		.n_links = 2,
		.n_workers = 1,
		.qsbr = qsbr,
		.send = note_frame };

	(void)state;
	memset(link, 0, sizeof(link));
	for (unsigned int i = 0; i < 2; i++) {
		memcpy(link[i].mac, own_mac, 6);
		assert_int_equal(saker_ifaddr_from_text(
					 i == 0 ? "10.1.0.1/16" : "192.0.2.1/24", &link[i].own[0]),
			0);
		assert_int_equal(saker_ifaddr_from_text(i == 0 ? "fd00:1::1/64" : "2001:db8::1/64",
					 &link[i].own[1]),
			0);
		saker_link_prepare(&link[i]);
	}
	n_sent = 0;
	now = 1000000;
	table = saker_neigh_create(&params);
	return table == NULL;
}

static int
tear_down(void **state)
{
	(void)state;
	saker_neigh_free(table);
	return 0;
}

static void
tell(enum saker_neigh_kind kind, unsigned int at, const char *text, const uint8_t *mac)
{
	struct saker_neigh_event e = { .kind = (uint8_t)kind, .link = (uint8_t)at, .ip = ip(text) };

	if (mac != NULL)
		memcpy(e.mac, mac, 6);
	assert_true(saker_neigh_tell(table, &e));
	saker_neigh_poll(table, now);
}

/* Let time pass in small steps; with `use`, packets go to that neighbour meanwhile. */
static void
pass(uint64_t ms, const char *use)
{
	uint64_t value, end = now + ms;

	for (; now < end; now += 100) {
		if (use != NULL) {
			struct saker_ip hop = ip(use);

			(void)saker_neigh_find(table, 0, 1, &hop, &value);
		}
		saker_neigh_poll(table, now);
	}
}

static uint64_t
value_of(unsigned int at, const char *text)
{
	struct saker_ip hop = ip(text);
	uint64_t value = UINT64_MAX;

	return saker_neigh_find(table, 0, at, &hop, &value) ? value : UINT64_MAX;
}

static void
assert_mac(unsigned int at, const char *text, const uint8_t *want)
{
	uint64_t value = value_of(at, text);
	uint8_t mac[6];

	assert_true(value != UINT64_MAX && value != 0 && value != SAKER_NEIGH_FAILED);
	saker_neigh_mac(value, mac);
	assert_memory_equal(mac, want, 6);
}

static void
asks_everyone_for_a_wanted_next_hop(void **state)
{
	struct saker_arp arp;

	(void)state;
	tell(SAKER_NEIGH_WANT, 1, "192.0.2.9", NULL);
	assert_int_equal(n_sent, 1);
	assert_int_equal(sent[0].link, 1);
	assert_memory_equal(sent[0].frame, saker_mac_broadcast, 6);
	assert_int_equal(sent[0].e.type, SAKER_TYPE_ARP);
	assert_true(saker_arp_read(sent[0].frame + 14, 46, &arp));
	assert_int_equal(arp.op, SAKER_ARP_REQUEST);
	assert_int_equal(arp.sender.octets[3], 1);
	assert_int_equal(arp.target.octets[3], 9);
	assert_true(value_of(1, "192.0.2.9") == 0);
	tell(SAKER_NEIGH_ANSWER, 1, "192.0.2.9", mac1);
	assert_mac(1, "192.0.2.9", mac1);
	assert_int_equal(n_sent, 1);
}

static void
asks_by_solicitation_over_ipv6_and_with_a_tag(void **state)
{
	static const uint8_t group[6] = { 0x33, 0x33, 0xff, 0, 0, 9 };
	struct saker_nd nd;

	(void)state;
	link[1].vlan = 7;
	tell(SAKER_NEIGH_WANT, 1, "2001:db8::9", NULL);
	assert_int_equal(n_sent, 1);
	assert_memory_equal(sent[0].frame, group, 6);
	assert_int_equal(sent[0].e.vlan, 7);
	assert_true(saker_nd_read(sent[0].frame + 18, 72, &nd));
	assert_int_equal(nd.type, SAKER_ND_SOLICIT);
	assert_memory_equal(nd.mac, own_mac, 6);
	assert_int_equal(nd.src.octets[0], 0x20);
}

static void
asks_a_link_local_next_hop_from_a_link_local_address(void **state)
{
	struct saker_nd nd;

	(void)state;
	tell(SAKER_NEIGH_WANT, 1, "fe80::9", NULL);
	assert_true(saker_nd_read(sent[0].frame + 14, 72, &nd));
	assert_true(saker_ip6_is_link_local(&nd.src));
}

static void
gives_up_after_three_questions_and_begins_anew_later(void **state)
{
	(void)state;
	tell(SAKER_NEIGH_WANT, 1, "192.0.2.9", NULL);
	pass(2900, "192.0.2.9");
	assert_int_equal(n_sent, 3);
	assert_true(value_of(1, "192.0.2.9") == 0);
	pass(300, "192.0.2.9");
	assert_true(value_of(1, "192.0.2.9") == SAKER_NEIGH_FAILED);
	assert_int_equal(n_sent, 3);
	pass(1200, NULL);
	assert_true(value_of(1, "192.0.2.9") == UINT64_MAX);
	tell(SAKER_NEIGH_WANT, 1, "192.0.2.9", NULL);
	assert_int_equal(n_sent, 4);
}

static void
believes_no_answer_to_a_question_it_did_not_ask(void **state)
{
	(void)state;
	tell(SAKER_NEIGH_ANSWER, 1, "192.0.2.9", mac1);
	tell(SAKER_NEIGH_CLAIM, 1, "192.0.2.9", mac1);
	assert_true(value_of(1, "192.0.2.9") == UINT64_MAX);
	tell(SAKER_NEIGH_WANT, 1, "192.0.2.9", NULL);
	tell(SAKER_NEIGH_CLAIM, 1, "192.0.2.9", mac1);
	assert_true(value_of(1, "192.0.2.9") == 0);
	/* the same address on the other port is another neighbour */
	tell(SAKER_NEIGH_ANSWER, 0, "192.0.2.9", mac1);
	assert_true(value_of(1, "192.0.2.9") == 0);
}

static void
learns_from_who_asks_on_the_link_only(void **state)
{
	(void)state;
	tell(SAKER_NEIGH_ASK, 1, "192.0.2.9", mac1);
	tell(SAKER_NEIGH_ASK, 1, "198.51.100.9", mac1);
	tell(SAKER_NEIGH_ASK, 1, "fe80::9", mac1);
	assert_mac(1, "192.0.2.9", mac1);
	assert_mac(1, "fe80::9", mac1);
	assert_true(value_of(1, "198.51.100.9") == UINT64_MAX);
	assert_int_equal(n_sent, 0);
}

static void
asks_the_owner_when_someone_claims_its_address(void **state)
{
	(void)state;
	tell(SAKER_NEIGH_WANT, 1, "192.0.2.9", NULL);
	tell(SAKER_NEIGH_ANSWER, 1, "192.0.2.9", mac1);
	assert_int_equal(n_sent, 1);
	tell(SAKER_NEIGH_CLAIM, 1, "192.0.2.9", mac2);
	assert_int_equal(n_sent, 2);
	assert_memory_equal(sent[1].frame, saker_mac_broadcast, 6);
	assert_mac(1, "192.0.2.9", mac1); /* stays in use meanwhile */
	tell(SAKER_NEIGH_ANSWER, 1, "192.0.2.9", mac1);
	assert_mac(1, "192.0.2.9", mac1);
	/* claims make at most one question a second */
	tell(SAKER_NEIGH_CLAIM, 1, "192.0.2.9", mac2);
	assert_int_equal(n_sent, 2);
}

static void
follows_a_neighbour_to_its_new_mac(void **state)
{
	(void)state;
	tell(SAKER_NEIGH_WANT, 1, "192.0.2.9", NULL);
	tell(SAKER_NEIGH_ANSWER, 1, "192.0.2.9", mac1);
	tell(SAKER_NEIGH_ASK, 1, "192.0.2.9", mac2);
	assert_mac(1, "192.0.2.9", mac2);
	assert_int_equal(n_sent, 2);
	assert_memory_equal(sent[1].frame, saker_mac_broadcast, 6);
	tell(SAKER_NEIGH_ANSWER, 1, "192.0.2.9", mac2);
	assert_mac(1, "192.0.2.9", mac2);
	/* and again at once */
	tell(SAKER_NEIGH_ASK, 1, "192.0.2.9", mac1);
	assert_mac(1, "192.0.2.9", mac1);
}

static void
gives_the_owner_the_last_word_against_an_impostor(void **state)
{
	(void)state;
	tell(SAKER_NEIGH_WANT, 1, "192.0.2.9", NULL);
	tell(SAKER_NEIGH_ANSWER, 1, "192.0.2.9", mac1);
	tell(SAKER_NEIGH_ASK, 1, "192.0.2.9", mac2);
	assert_mac(1, "192.0.2.9", mac2);
	tell(SAKER_NEIGH_ANSWER, 1, "192.0.2.9", mac1);
	assert_mac(1, "192.0.2.9", mac1);
	/* without a question there is no answer, and the next question comes later */
	tell(SAKER_NEIGH_ASK, 1, "192.0.2.9", mac2);
	assert_int_equal(n_sent, 2);
	tell(SAKER_NEIGH_ANSWER, 1, "192.0.2.9", mac2);
	pass(1100, NULL);
	assert_int_equal(n_sent, 3);
	tell(SAKER_NEIGH_ANSWER, 1, "192.0.2.9", mac1);
	assert_mac(1, "192.0.2.9", mac1);
}

static void
probes_an_entry_in_use_before_it_expires(void **state)
{
	(void)state;
	tell(SAKER_NEIGH_WANT, 1, "192.0.2.9", NULL);
	tell(SAKER_NEIGH_ANSWER, 1, "192.0.2.9", mac1);
	pass(29900, "192.0.2.9");
	assert_int_equal(n_sent, 1);
	pass(300, "192.0.2.9");
	assert_int_equal(n_sent, 2);
	assert_memory_equal(sent[1].frame, mac1, 6);
	assert_mac(1, "192.0.2.9", mac1);
	tell(SAKER_NEIGH_ANSWER, 1, "192.0.2.9", mac1);
	pass(29000, "192.0.2.9");
	assert_int_equal(n_sent, 2);
}

static void
asks_everyone_when_a_probe_is_not_answered(void **state)
{
	(void)state;
	tell(SAKER_NEIGH_WANT, 1, "192.0.2.9", NULL);
	tell(SAKER_NEIGH_ANSWER, 1, "192.0.2.9", mac1);
	pass(33500, "192.0.2.9");
	assert_int_equal(n_sent, 5);
	assert_memory_equal(sent[3].frame, mac1, 6);
	assert_memory_equal(sent[4].frame, saker_mac_broadcast, 6);
	assert_mac(1, "192.0.2.9", mac1);
	pass(2600, "192.0.2.9");
	assert_int_equal(n_sent, 7);
	assert_true(value_of(1, "192.0.2.9") == SAKER_NEIGH_FAILED);
}

static void
leaves_an_idle_neighbour_in_peace_and_forgets_it_at_last(void **state)
{
	(void)state;
	tell(SAKER_NEIGH_WANT, 1, "192.0.2.9", NULL);
	tell(SAKER_NEIGH_ANSWER, 1, "192.0.2.9", mac1);
	pass(500000, NULL);
	assert_int_equal(n_sent, 1);
	pass(200000, NULL);
	assert_true(value_of(1, "192.0.2.9") == UINT64_MAX);
}

static void
never_looks_for_its_own_address(void **state)
{
	(void)state;
	tell(SAKER_NEIGH_WANT, 1, "192.0.2.1", NULL);
	assert_int_equal(n_sent, 0);
}

static void
changes_its_version_with_every_value(void **state)
{
	uint64_t before;

	(void)state;
	tell(SAKER_NEIGH_WANT, 1, "192.0.2.9", NULL);
	before = atomic_load(&table->version);
	tell(SAKER_NEIGH_ANSWER, 1, "192.0.2.9", mac1);
	assert_int_not_equal(atomic_load(&table->version), before);
	before = atomic_load(&table->version);
	pass(1000, "192.0.2.9");
	assert_int_equal(atomic_load(&table->version), before);
	saker_neigh_clear(table);
	assert_int_not_equal(atomic_load(&table->version), before);
	assert_true(value_of(1, "192.0.2.9") == UINT64_MAX);
}

static void
uses_a_position_again_when_no_worker_can_hold_it(void **state)
{
	struct saker_ip hop = ip("10.1.0.0");

	(void)state;
	rte_rcu_qsbr_thread_register(qsbr, 0);
	rte_rcu_qsbr_thread_online(qsbr, 0);
	for (unsigned int round = 0; round < 4; round++) {
		for (uint32_t i = 0; i < SAKER_NEIGH_MAX; i++) {
			struct saker_neigh_event e = { .kind = SAKER_NEIGH_WANT, .ip = hop };

			saker_store_be32(e.ip.octets, 0x0a010100 + round * SAKER_NEIGH_MAX + i);
			assert_true(saker_neigh_tell(table, &e));
			if (i % 64 == 63)
				saker_neigh_poll(table, now);
		}
		saker_neigh_clear(table);
		rte_rcu_qsbr_quiescent(qsbr, 0);
		saker_neigh_poll(table, now);
	}
	tell(SAKER_NEIGH_WANT, 0, "10.1.0.9", NULL);
	assert_true(value_of(0, "10.1.0.9") == 0);
	rte_rcu_qsbr_thread_offline(qsbr, 0);
	rte_rcu_qsbr_thread_unregister(qsbr, 0);
}

static void
makes_room_for_who_is_wanted_when_full(void **state)
{
	struct saker_neigh_event e = { .kind = SAKER_NEIGH_ASK, .ip = ip("10.1.0.0") };
	uint32_t n = 0;

	(void)state;
	memcpy(e.mac, mac1, 6);
	for (uint32_t i = 0; i < 2 * SAKER_NEIGH_MAX; i++) {
		saker_store_be32(e.ip.octets, 0x0a010100 + i);
		assert_true(saker_neigh_tell(table, &e));
		saker_neigh_poll(table, now);
	}
	for (uint32_t i = 0; i < 2 * SAKER_NEIGH_MAX; i++) {
		uint64_t value;

		saker_store_be32(e.ip.octets, 0x0a010100 + i);
		n += saker_neigh_find(table, 0, 0, &e.ip, &value);
	}
	/* who only asks never takes the whole table */
	assert_int_equal(n, SAKER_NEIGH_MAX / 4 * 3);
	e.kind = SAKER_NEIGH_WANT;
	for (uint32_t i = 0; i < SAKER_NEIGH_MAX / 2; i++) {
		saker_store_be32(e.ip.octets, 0x0a018000 + i);
		assert_true(saker_neigh_tell(table, &e));
		saker_neigh_poll(table, now + 100000);
	}
	tell(SAKER_NEIGH_WANT, 0, "10.1.0.9", NULL);
	now += 100000;
	saker_neigh_poll(table, now);
	tell(SAKER_NEIGH_WANT, 0, "10.1.0.9", NULL);
	assert_true(value_of(0, "10.1.0.9") == 0);
}

static void
says_when_its_ring_is_full(void **state)
{
	struct saker_neigh_event e = { .kind = SAKER_NEIGH_CLAIM, .ip = ip("10.1.0.2") };
	unsigned int n = 0;

	(void)state;
	while (n <= SAKER_NEIGH_EVENTS && saker_neigh_tell(table, &e))
		n++;
	assert_int_equal(n, SAKER_NEIGH_EVENTS - 1);
}

static void
announces_addresses_where_neighbours_are_resolved(void **state)
{
	struct saker_arp arp;
	struct saker_nd nd;

	(void)state;
	link[0].fixed = true;
	saker_neigh_announce(table);
	assert_int_equal(n_sent, 2);
	assert_int_equal(sent[0].link, 1);
	assert_true(saker_arp_read(sent[0].frame + 14, 46, &arp));
	assert_true(saker_ip_equal(&arp.sender, &arp.target));
	assert_true(saker_nd_read(sent[1].frame + 14, 72, &nd));
	assert_int_equal(nd.type, SAKER_ND_ADVERT);
	assert_int_equal(nd.flags & SAKER_ND_SOLICITED, 0);
}

static void
chooses_gateways_off_the_prefix(void **state)
{
	struct saker_ip near = ip("192.0.2.77"), far = ip("198.51.100.1"), gate = ip("192.0.2.254");
	struct saker_ip near6 = ip("2001:db8::77"), far6 = ip("2001:db9::1");
	struct saker_ip gate6 = ip("fe80::1"), local6 = ip("fe80::2");

	(void)state;
	assert_true(saker_link_next_hop(&link[1], &far) == &far);
	link[1].gateway[0] = gate;
	link[1].gateway[1] = gate6;
	assert_true(saker_link_next_hop(&link[1], &near) == &near);
	assert_true(saker_ip_equal(saker_link_next_hop(&link[1], &far), &gate));
	assert_true(saker_link_next_hop(&link[1], &near6) == &near6);
	assert_true(saker_link_next_hop(&link[1], &local6) == &local6);
	assert_true(saker_ip_equal(saker_link_next_hop(&link[1], &far6), &gate6));
}

/* An Ethernet and IP header, by the parts that a quick look goes by. */
static const uint8_t *
frame(const uint8_t *dst, uint16_t vlan, uint8_t proto, const char *to)
{
	static uint8_t out[128];
	struct saker_ip address = ip(to);
	uint16_t at;

	memset(out, 0, sizeof(out));
	at = saker_ether_write(
		out, dst, mac1, vlan, address.family == 4 ? SAKER_TYPE_IP4 : SAKER_TYPE_IP6);
	out[at + (address.family == 4 ? 9 : 6)] = proto;
	memcpy(out + at + (address.family == 4 ? 16 : 24), address.octets,
		address.family == 4 ? 4 : 16);
	return out;
}

static void
passes_only_frames_that_surely_go_on(void **state)
{
	struct saker_link l = link[1];

	(void)state;
	assert_true(saker_link_passes(&l, frame(own_mac, 0, 17, "192.0.2.1")));
	assert_true(saker_link_passes(&l, frame(own_mac, 0, 17, "2001:db8::1")));
	assert_false(saker_link_passes(&l, frame(mac1, 0, 17, "192.0.2.1")));
	assert_false(saker_link_passes(&l, frame(saker_mac_broadcast, 0, 17, "192.0.2.1")));
	assert_false(saker_link_passes(&l, frame(own_mac, 7, 17, "192.0.2.1")));
	assert_false(saker_link_passes(&l, frame(own_mac, 0, 1, "192.0.2.1")));
	assert_false(saker_link_passes(&l, frame(own_mac, 0, 58, "2001:db8::1")));
	l.ends_here = true;
	l.vlan = 7;
	saker_link_prepare(&l);
	assert_true(saker_link_passes(&l, frame(own_mac, 7, 17, "192.0.2.2")));
	assert_false(saker_link_passes(&l, frame(own_mac, 8, 17, "192.0.2.2")));
	assert_false(saker_link_passes(&l, frame(own_mac, 0, 17, "192.0.2.2")));
	assert_false(saker_link_passes(&l, frame(own_mac, 7, 17, "192.0.2.1")));
	assert_true(saker_link_passes(&l, frame(own_mac, 7, 17, "2001:db8::2")));
	assert_false(saker_link_passes(&l, frame(own_mac, 7, 17, "2001:db8::1")));
	l.takes_all = true;
	l.mac_word = l.mac_mask = 0;
	saker_link_prepare(&l);
	assert_true(saker_link_passes(&l, frame(mac1, 7, 17, "192.0.2.2")));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	static const char *eal[] = { "test", "--no-huge", "--no-pci", "-m", "128", "--no-shconf",
		"--no-telemetry", "--lcores", "0", "--log-level", "error" };
	const struct CMUnitTest tests[] = {
		TEST(asks_everyone_for_a_wanted_next_hop),
		TEST(asks_by_solicitation_over_ipv6_and_with_a_tag),
		TEST(asks_a_link_local_next_hop_from_a_link_local_address),
		TEST(gives_up_after_three_questions_and_begins_anew_later),
		TEST(believes_no_answer_to_a_question_it_did_not_ask),
		TEST(learns_from_who_asks_on_the_link_only),
		TEST(asks_the_owner_when_someone_claims_its_address),
		TEST(follows_a_neighbour_to_its_new_mac),
		TEST(gives_the_owner_the_last_word_against_an_impostor),
		TEST(probes_an_entry_in_use_before_it_expires),
		TEST(asks_everyone_when_a_probe_is_not_answered),
		TEST(leaves_an_idle_neighbour_in_peace_and_forgets_it_at_last),
		TEST(never_looks_for_its_own_address),
		TEST(changes_its_version_with_every_value),
		TEST(uses_a_position_again_when_no_worker_can_hold_it),
		TEST(makes_room_for_who_is_wanted_when_full),
		TEST(says_when_its_ring_is_full),
		TEST(announces_addresses_where_neighbours_are_resolved),
		TEST(chooses_gateways_off_the_prefix),
		TEST(passes_only_frames_that_surely_go_on),
	};

	if (rte_eal_init(RTE_DIM(eal), (char **)(uintptr_t)eal) < 0)
		return 77;
	qsbr = aligned_alloc(64, RTE_ALIGN(rte_rcu_qsbr_get_memsize(1), 64));
	if (qsbr == NULL || rte_rcu_qsbr_init(qsbr, 1) != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
