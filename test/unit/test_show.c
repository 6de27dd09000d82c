/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "neighbours.h"
#include "show.h"

#define SENDERS 300 /* more than `show sessions` lists */

/* A gateway as the control lcore would see it after some traffic: two workers. */
static struct saker_cfg_port cfg_port = { .name = "clear", .device = "net_null0" };
static struct saker_port port = { .cfg = &cfg_port, .id = 0 };
static struct saker_cfg_root_key cfg_key = {
	.name = "east",
	.level = SAKER_ZONE,
	.id = { .len = 16, .octets = { 0xaa } },
};
static char key_file[] = "east.key", state_dir[] = "state", file[] = "saker.cfg";
static struct saker_root_values values = { .index = 7, .live = { true, true, false } };
static struct saker_cfg_group cfg_group = {
	.name = "cluster",
	.spi = 0x1001,
	.format = 'E',
	.variant = SAKER_V_SOURCE_ID,
	.suite = SAKER_AES_256_GCM,
	.session_first = 5,
	.sessions = 64,
};
static struct saker_group group = {
	.cfg = &cfg_group,
	.variant = SAKER_V_SOURCE_ID,
	.n_masters = 2,
	.send_key = { 0, UINT16_MAX, UINT16_MAX },
	.send_gen = { SAKER_CURRENT },
	.check_text = "0badcafe",
};
static struct saker_cfg_policy cfg_policies[] = {
	{ .name = "to-b",
		.sport = { 0, 65535 },
		.dport = { 53, 53 },
		.action = SAKER_ACTION_PROTECT },
	{ .name = "rest", .sport = { 0, 65535 }, .dport = { 1, 9 }, .action = SAKER_ACTION_DROP },
};
static struct saker_policy policies[] = {
	{ .cfg = &cfg_policies[0], .group = &group, .index = 0, .action = SAKER_ACTION_PROTECT },
	{ .cfg = &cfg_policies[1], .index = 1, .action = SAKER_ACTION_DROP },
};
static struct saker_sender senders[SENDERS];
static struct saker_config config = {
	.root_keys = &cfg_key,
	.groups = &cfg_group,
	.policies = cfg_policies,
	.n_root_keys = 1,
	.n_groups = 1,
	.n_policies = 2,
};
static struct saker_snapshot snapshot = {
	.config = &config,
	.groups = &group,
	.policies = policies,
	.senders = senders,
	.n_groups = 1,
	.n_policies = 2,
};
static struct saker_worker workers[2];
static struct saker_sn_line lines[2][SENDERS];
static struct saker_sn_line *line_at[2][SENDERS];
static struct saker_policy_count policy_counts[2][2], *count_at[2][2];
static struct saker_root_sending sending = { .generation = SAKER_CURRENT };
static struct saker_gateway gateway;

static char text[256 * 1024];

static void
collect(void *arg, const char *piece)
{
	(void)arg;
	assert_true(strlen(text) + strlen(piece) < sizeof(text));
	strcat(text, piece);
}

static const char *
shown(const char *noun, bool json)
{
	struct saker_out out = { .write = collect, .json = json };
	const struct saker_show *s = saker_shows;

	while (s->name != NULL && strcmp(s->name, noun) != 0)
		s++;
	assert_non_null(s->name);
	text[0] = '\0';
	s->show(&gateway, &out);
	return text;
}

static unsigned int
count(const char *haystack, const char *needle)
{
	unsigned int n = 0;

	for (; (haystack = strstr(haystack, needle)) != NULL; haystack++)
		n++;
	return n;
}

static void
set_up_worker(unsigned int i)
{
	struct saker_worker *w = &workers[i];

	memset(w, 0, sizeof(*w));
	w->index = i;
	w->lcore = i + 1;
	w->crypto = saker_crypto_drivers[0];
	for (unsigned int k = 0; k < SENDERS; k++)
		line_at[i][k] = &lines[i][k];
	for (unsigned int k = 0; k < 2; k++)
		count_at[i][k] = &policy_counts[i][k];
	w->lines = line_at[i];
	w->policy_count = count_at[i];
	gateway.workers[i] = w;
}

static int
reset(void **state)
{
	struct saker_sn_params params = { .mode = SAKER_SN_COUNTER, .epoch = 3 };

	(void)state;
	memset(&gateway, 0, sizeof(gateway));
	memset(policy_counts, 0, sizeof(policy_counts));
	cfg_key.file = key_file;
	config.file = file;
	config.gateway.state_dir = state_dir;
	memset(values.value[SAKER_PRE], 0x5a, SAKER_ROOT_LEN);
	memset(values.value[SAKER_CURRENT], 0xc3, SAKER_ROOT_LEN);
	for (unsigned int i = 0; i < 2; i++)
		set_up_worker(i);
	for (unsigned int i = 0; i < SENDERS; i++) {
		senders[i] = (struct saker_sender){
			.group = &group, .first_line = i, .source_len = 4
		};
		saker_store_be32(senders[i].source, 0x0a000000 + i);
		for (unsigned int w = 0; w < 2; w++)
			saker_sn_line_init(&lines[w][i], &params, saker_sn_make(3, 40), 3, 0);
	}
	snapshot.n_senders = 1;
	gateway.config = &config;
	gateway.roots = (struct saker_root_set){ .n = 1, .values = &values, .sending = &sending };
	gateway.snapshot = &snapshot;
	gateway.ports = &port;
	gateway.n_ports = 1;
	gateway.n_workers = 2;
	gateway.crypto = saker_crypto_drivers[0];
	return 0;
}

static void
shows_a_stage_per_lcore_and_summed(void **state)
{
	struct saker_stage_count *a = &workers[0].count[SAKER_INBOUND].stage[SAKER_STAGE_RX];
	struct saker_stage_count *b = &workers[1].count[SAKER_INBOUND].stage[SAKER_STAGE_RX];

	(void)state;
	*a = (struct saker_stage_count){ .calls = 2, .packets = 10, .timed = 10, .cycles = 105 };
	*b = (struct saker_stage_count){ .calls = 1, .packets = 30, .timed = 30, .cycles = 95 };
	assert_string_equal(shown("stages", true),
		"{\"stages\":["
		"{\"lcore\":1,\"direction\":\"inbound\",\"stage\":\"rx\",\"calls\":2,"
		"\"packets\":10,\"cycles\":105,\"cycles_per_packet\":10.5},"
		"{\"lcore\":2,\"direction\":\"inbound\",\"stage\":\"rx\",\"calls\":1,"
		"\"packets\":30,\"cycles\":95,\"cycles_per_packet\":3.2},"
		"{\"lcore\":\"all\",\"direction\":\"inbound\",\"stage\":\"rx\",\"calls\":3,"
		"\"packets\":40,\"cycles\":200,\"cycles_per_packet\":5.0}]}\n");
}

static void
leaves_out_stages_that_saw_no_packet(void **state)
{
	(void)state;
	workers[0].count[SAKER_OUTBOUND].stage[SAKER_STAGE_RX].calls = 1000;
	assert_string_equal(shown("stages", true), "{\"stages\":[]}\n");
	assert_string_equal(shown("stages", false), "no packets yet\n");
}

static void
shows_drops_by_reason_and_direction_summed_over_lcores(void **state)
{
	(void)state;
	workers[0].count[SAKER_INBOUND].drop[SAKER_DROP_BAD_ICV] = 2;
	workers[1].count[SAKER_INBOUND].drop[SAKER_DROP_BAD_ICV] = 3;
	workers[1].count[SAKER_OUTBOUND].drop[SAKER_DROP_COUNT - 1] = 1;
	shown("drops", true);
	assert_int_equal(count(text, "\"reason\""), 2);
	assert_non_null(strstr(text, "{\"reason\":\"bad_icv\",\"direction\":\"inbound\","
				     "\"packets\":5,\"severity\":\"attack\",\"help\":\""));
	assert_non_null(strstr(text, "\"direction\":\"outbound\",\"packets\":1,"));
}

static void
shows_each_live_generation_of_a_key_and_no_octet_of_it(void **state)
{
	char want[200], check[SAKER_CHECK_TEXT];

	(void)state;
	snprintf(want, sizeof(want),
		"{\"name\":\"east\",\"level\":\"zone\",\"id\":\"aa%030d\",\"generation\":\"pre\","
		"\"index\":6,\"check\":\"%s\",\"file\":\"east.key\",\"seals\":false,"
		"\"age_s\":null,\"packets\":null,\"data_keys\":null,\"life\":null}",
		0, saker_key_check_text(values.value[SAKER_PRE], check));
	shown("keys", true);
	assert_non_null(strstr(text, want));
	assert_int_equal(count(text, "\"generation\":"), 2);
	assert_int_equal(count(text, "\"index\":7"), 1);
	assert_int_equal(count(text, "5a5a") + count(text, "c3c3"), 0);
	shown("keys", false);
	assert_int_equal(count(text, "5a5a") + count(text, "c3c3"), 0);
}

static void
names_the_root_keys_that_a_group_sends_with(void **state)
{
	(void)state;
	shown("groups", true);
	assert_non_null(strstr(text, "\"spi\":\"0x00001001\",\"format\":\"eesp\""));
	assert_non_null(strstr(text, "\"mode\":null,\"sessions\":\"5-68\","
				     "\"sending_keys\":\"east:7\",\"check\":\"0badcafe\","
				     "\"master_keys\":2"));
	group.send_key[0] = UINT16_MAX;
	assert_non_null(strstr(shown("groups", true), "\"sending_keys\":null"));
	group.send_key[0] = 0;
}

static void
sums_the_traffic_of_policies_in_their_order(void **state)
{
	(void)state;
	policy_counts[0][1].out_packets = 4;
	policy_counts[1][1].out_packets = 5;
	policy_counts[1][0].in_octets = 6;
	shown("policies", true);
	assert_non_null(
		strstr(text, "{\"order\":0,\"name\":\"to-b\",\"src\":\"any\",\"dst\":\"any\","
			     "\"proto\":\"any\",\"sport\":\"any\",\"dport\":\"53\","
			     "\"action\":\"protect\",\"group\":\"cluster\""));
	assert_non_null(
		strstr(text, "\"out_packets\":0,\"out_octets\":0,\"out_drops\":0,\"in_packets\":0,"
			     "\"in_octets\":6},{\"order\":1"));
	assert_non_null(strstr(text, "\"dport\":\"1-9\",\"action\":\"drop\",\"group\":null"));
	assert_non_null(strstr(text, "\"out_packets\":9,"));
}

static void
sums_the_policies_that_lead_to_a_peer(void **state)
{
	struct saker_ip peer = { .family = 4, .octets = { 192, 0, 2, 2 } };

	(void)state;
	cfg_policies[0].peer = cfg_policies[1].peer = peer;
	policies[1].group = &group;
	policy_counts[0][0].out_packets = 4;
	policy_counts[1][1].out_packets = 5;
	policy_counts[1][1].out_drops = 6;
	assert_string_equal(shown("peers", true),
		"{\"peers\":[{\"peer\":\"192.0.2.2\",\"group\":\"cluster\",\"policies\":2,"
		"\"out_packets\":9,\"out_octets\":0,\"out_drops\":6,\"in_packets\":0,"
		"\"in_octets\":0}]}\n");
	cfg_policies[1].peer.octets[3] = 1;
	assert_int_equal(count(shown("peers", true), "\"policies\":1,"), 2);
	assert_non_null(strstr(text, "[{\"peer\":\"192.0.2.1\""));
	policies[1].group = NULL;
	assert_int_equal(count(shown("peers", true), "\"peer\""), 1);
	cfg_policies[0].peer.family = 0;
	assert_string_equal(shown("peers", false), "no peers\n");
}

static void
sums_the_drops_of_a_group(void **state)
{
	struct saker_group_count counts[2] = { { .in_drops = 3 }, { .in_drops = 4 } };
	struct saker_group_count *at[2] = { &counts[0], &counts[1] };

	(void)state;
	workers[0].group_count = &at[0];
	workers[1].group_count = &at[1];
	assert_non_null(strstr(shown("groups", true), "\"in_drops\":7"));
}

static void
note_table(void *arg, const struct saker_table *t)
{
	*(size_t *)arg = t->n_rows;
	assert_string_equal(t->title, "drops");
}

static void
hands_out_reasons_that_counted_nothing_where_zeros_are_wanted(void **state)
{
	struct saker_out out;
	size_t rows = 99;

	(void)state;
	saker_out_tables(&out, note_table, &rows);
	saker_show_find("drops")->show(&gateway, &out);
	assert_int_equal(rows, 0);
	out.zeros = true;
	saker_show_find("drops")->show(&gateway, &out);
	assert_int_equal(rows, SAKER_DIRECTIONS * (SAKER_DROP_COUNT - 1));
}

static void
shows_sn_lines_with_what_is_reserved(void **state)
{
	(void)state;
	saker_sn_line_limit(&lines[1][0], saker_sn_make(3, 51));
	shown("sessions", true);
	assert_non_null(
		strstr(text, "{\"direction\":\"out\",\"group\":\"cluster\","
			     "\"source\":\"0a000000\",\"session\":5,\"class\":0,\"lcore\":1,"
			     "\"epoch\":3,\"counter\":40,\"reserved_ahead\":0,"));
	assert_non_null(
		strstr(text, "\"session\":6,\"class\":0,\"lcore\":2,\"epoch\":3,\"counter\":40,"
			     "\"reserved_ahead\":10,\"newest_run\":null,"));
}

static void
lists_a_bounded_number_of_sessions_and_says_so(void **state)
{
	(void)state;
	snapshot.n_senders = SENDERS;
	assert_int_equal(count(shown("sessions", true), "\"direction\""), 256);
	shown("sessions", false);
	assert_non_null(strstr(text, "\n256 of 600 sessions are listed\n"));
	snapshot.n_senders = 128;
	shown("sessions", false);
	assert_int_equal(count(text, "\nout "), 256);
	assert_null(strstr(text, "are listed"));
}

static void
says_that_sending_is_refused(void **state)
{
	(void)state;
	assert_null(strstr(shown("sessions", false), "nothing is sent"));
	gateway.sending_refused = true;
	assert_non_null(strstr(shown("sessions", false), "nothing is sent under protection"));
	assert_null(strstr(shown("sessions", true), "nothing is sent"));
}

static void
every_noun_gives_one_line_of_json_under_its_name(void **state)
{
	(void)state;
	for (const struct saker_show *s = saker_shows; s->name != NULL; s++) {
		char want[64];

		snprintf(want, sizeof(want), "{\"%s\":[", s->name);
		shown(s->name, true);
		assert_true(strncmp(text, want, strlen(want)) == 0);
		assert_int_equal(count(text, "\n"), 1);
		assert_true(strlen(s->help) > 0);
	}
}

/* In place of the table, which needs ports. */
void
saker_neighbours_walk(const struct saker_gateway *g,
	void (*fn)(void *arg, const struct saker_neigh_view *v), void *arg)
{
	const struct saker_neigh_view views[] = {
		{ .ip = { 4, { 192, 0, 2, 9 } },
			.has_mac = true,
			.mac = { 2, 0, 0, 0, 0, 9 },
			.state = "reachable",
			.age_ms = 2900,
			.was_used = true,
			.idle_s = 1 },
		{ .ip = { 6, { 0xfe, 0x80, [15] = 9 } }, .state = "incomplete", .age_ms = 100 },
	};

	for (unsigned int i = 0; i < 2 && g->n_workers > 0; i++)
		fn(arg, &views[i]);
}

const char *
saker_neighbours_port(const struct saker_gateway *g, unsigned int link)
{
	return g->ports[link].cfg->name;
}

static void
shows_neighbours_with_what_is_known_of_them(void **state)
{
	(void)state;
	shown("neighbours", true);
	assert_non_null(strstr(text, "{\"port\":\"clear\",\"address\":\"192.0.2.9\","
				     "\"mac\":\"02:00:00:00:00:09\",\"state\":\"reachable\","
				     "\"confirmed_s\":2,\"idle_s\":1}"));
	assert_non_null(strstr(text, "\"address\":\"fe80::9\",\"mac\":null,"
				     "\"state\":\"incomplete\",\"confirmed_s\":0,"
				     "\"idle_s\":null}"));
}

static void
shows_nothing_but_does_not_fail_before_set_up(void **state)
{
	(void)state;
	gateway.snapshot = NULL;
	gateway.n_workers = 0;
	assert_string_equal(shown("policies", true), "{\"policies\":[]}\n");
	assert_string_equal(shown("sessions", false), "no sessions\n");
	assert_string_equal(shown("lcores", false), "no workers\n");
	assert_string_equal(shown("neighbours", false), "no neighbours\n");
}

static void
shows_load_balance_and_handovers_of_workers(void **state)
{
	(void)state;
	workers[0].count[SAKER_OUTBOUND].rx_packets = 100;
	workers[0].count[SAKER_OUTBOUND].tx_packets = 90;
	workers[0].count[SAKER_INBOUND].rx_packets = 60;
	workers[0].count[SAKER_INBOUND].handed_over = 60;
	workers[0].load.held_back = 7;
	workers[0].load.busy_cycles = 250;
	workers[1].count[SAKER_INBOUND].tx_packets = 59;
	workers[1].load = (struct saker_load){
		.taken_over = 60, .busy_rounds = 3, .empty_rounds = 40, .naps = 4
	};
	workers[1].idle_mode = SAKER_IDLE_SLEEP;
	workers[0].rx[0] = (struct saker_rx){ .port = 0, .queue = 1 };
	workers[0].n_rx = 1;
	assert_non_null(strstr(shown("lcores", true), "\"load_percent\":null"));
	gateway.started_tsc = 1000;
	gateway.stopped_tsc = 2000;
	assert_string_equal(shown("lcores", true),
		"{\"lcores\":[{\"lcore\":1,\"worker\":0,\"socket\":0,\"rx_queues\":\"clear:1\","
		"\"load_percent\":25.0,\"share_percent\":125.0,"
		"\"outbound_in\":100,\"outbound_out\":90,\"inbound_in\":60,\"inbound_out\":0,"
		"\"handed_over\":60,\"taken_over\":0,\"held_back\":7,\"inbox\":0,"
		"\"idle\":\"poll\",\"busy_rounds\":0,\"empty_rounds\":0,\"naps\":0},"
		"{\"lcore\":2,\"worker\":1,\"socket\":0,\"rx_queues\":null,"
		"\"load_percent\":0.0,\"share_percent\":75.0,"
		"\"outbound_in\":0,\"outbound_out\":0,\"inbound_in\":0,\"inbound_out\":59,"
		"\"handed_over\":0,\"taken_over\":60,\"held_back\":0,\"inbox\":0,"
		"\"idle\":\"sleep\",\"busy_rounds\":3,\"empty_rounds\":40,\"naps\":4}]}\n");
	workers[1].interrupts = true;
	assert_non_null(strstr(shown("lcores", false), "  interrupt  "));
}

static void
marks_the_crypto_driver_in_use(void **state)
{
	(void)state;
	workers[0].count[SAKER_OUTBOUND].keys_derived = 20;
	workers[0].count[SAKER_INBOUND].keys_derived = 3;
	snprintf(gateway.crypto_why, sizeof(gateway.crypto_why), "taken because");
	shown("crypto", false);
	assert_true(strncmp(text, "taken because\n", 14) == 0);
	assert_int_equal(count(text, " yes "), 1);
	assert_non_null(strstr(shown("crypto", true), "\"keys_derived\":23,\"keys_cached\":0}"));
}

static void
refuses_a_port_or_a_table_that_is_not_there(void **state)
{
	struct saker_out out = { .write = collect };

	(void)state;
	text[0] = '\0';
	assert_int_equal(saker_show_port(&gateway, "info", "cipher", &out), -ENOENT);
	assert_int_equal(saker_show_port(&gateway, "information", "clear", &out), -ENOENT);
	assert_string_equal(text, "");
}

static void
sums_up_in_few_lines(void **state)
{
	struct saker_out out = { .write = collect };

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		workers[i].count[SAKER_OUTBOUND].rx_packets = 10;
		workers[i].count[SAKER_OUTBOUND].tx_octets = 7;
		for (unsigned int s = 0; s < SAKER_MAX_STAGES; s++)
			workers[i].count[SAKER_INBOUND].stage[s].packets = 1;
	}
	text[0] = '\0';
	saker_show_summary(&gateway, &out);
	assert_non_null(strstr(text, "no drops\n"));
	assert_true(count(text, "\n") <= 30);
	text[0] = '\0';
	out.json = true;
	saker_show_summary(&gateway, &out);
	assert_non_null(
		strstr(text, "{\"direction\":\"outbound\",\"packets_in\":20,\"octets_in\":0,"
			     "\"packets_out\":0,\"octets_out\":14,\"keys_derived\":0}"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(shows_a_stage_per_lcore_and_summed, reset),
		cmocka_unit_test_setup(leaves_out_stages_that_saw_no_packet, reset),
		cmocka_unit_test_setup(
			shows_drops_by_reason_and_direction_summed_over_lcores, reset),
		cmocka_unit_test_setup(
			shows_each_live_generation_of_a_key_and_no_octet_of_it, reset),
		cmocka_unit_test_setup(names_the_root_keys_that_a_group_sends_with, reset),
		cmocka_unit_test_setup(sums_the_traffic_of_policies_in_their_order, reset),
		cmocka_unit_test_setup(sums_the_policies_that_lead_to_a_peer, reset),
		cmocka_unit_test_setup(sums_the_drops_of_a_group, reset),
		cmocka_unit_test_setup(
			hands_out_reasons_that_counted_nothing_where_zeros_are_wanted, reset),
		cmocka_unit_test_setup(shows_sn_lines_with_what_is_reserved, reset),
		cmocka_unit_test_setup(lists_a_bounded_number_of_sessions_and_says_so, reset),
		cmocka_unit_test_setup(says_that_sending_is_refused, reset),
		cmocka_unit_test_setup(every_noun_gives_one_line_of_json_under_its_name, reset),
		cmocka_unit_test_setup(shows_neighbours_with_what_is_known_of_them, reset),
		cmocka_unit_test_setup(shows_nothing_but_does_not_fail_before_set_up, reset),
		cmocka_unit_test_setup(shows_load_balance_and_handovers_of_workers, reset),
		cmocka_unit_test_setup(marks_the_crypto_driver_in_use, reset),
		cmocka_unit_test_setup(refuses_a_port_or_a_table_that_is_not_there, reset),
		cmocka_unit_test_setup(sums_up_in_few_lines, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
