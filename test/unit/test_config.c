/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/breaches.h"
#include "config/helpers.h"
#include "saker_config_internal.h"

#define BASE     "config/base.cfg"
#define EXAMPLE  "../../config/example.cfg"
#define MINIMAL  "../../config/minimal.cfg"
#define DOCUMENT "../../docs/configuration.md"
#define BEGIN    "<!-- reference: begin -->\n"
#define END      "<!-- reference: end -->"
#define ARRAY(a) (sizeof(a) / sizeof((a)[0]))

static void
tells_the_fault_and_its_line(void **state)
{
	const struct breach *b = *state;
	char *base = read_text_file(BASE), *list = long_list(), *text;
	const char *at;

	text = with(base, b->old, b->new == NULL ? list : b->new);
	at = b->at == NULL ? text + (strstr(base, b->old) - base) : strstr(text, b->at);
	expect_fault(text, line_at(text, at), b->says, b->errors == 0 ? 1 : b->errors);
	free(text);
	free(list);
	free(base);
}

static void
lets_pass(void **state)
{
	const struct latitude *l = *state;
	struct saker_faults faults = { 0 };
	char *base = read_text_file(BASE), *text = with(base, l->old, l->new);
	int line = line_at(base, strstr(base, l->old));
	struct saker_config *c = load_text(text, &faults);

	saker_faults_print(&faults, stderr);
	assert_non_null(c);
	assert_int_equal(faults.n, l->warning == NULL ? 0 : 1);
	assert_true(l->warning == NULL || told(&faults, line, l->warning));
	saker_config_free(c);
	saker_faults_free(&faults);
	free(text);
	free(base);
}

static void
reads_every_kind_of_value(void **state)
{
	struct saker_config *c = load_well(BASE);
	const struct saker_cfg_group *g = c->groups;
	const struct saker_cfg_policy *p = c->policies;

	(void)state;
	assert_int_equal(c->n_ports, 2);
	assert_int_equal(c->n_root_keys, 4);
	assert_int_equal(c->n_groups, 5);
	assert_int_equal(c->n_policies, 6);
	assert_string_equal(c->file, BASE);
	assert_string_equal(c->gateway.state_dir, "config/state");
	assert_true(c->ports[0].has_next_hop);
	assert_false(c->ports[1].has_next_hop);
	assert_int_equal(c->ports[0].next_hop_mac[5], 2);
	assert_int_equal(c->ports[1].address6.ip.family, 6);
	assert_string_equal(c->root_keys[0].file, "config/east.key");
	assert_string_equal(c->root_keys[1].file, "/keys/west.key");
	assert_int_equal(c->root_keys[2].id.len, 20);
	assert_int_equal(c->root_keys[2].level, SAKER_USER);
	assert_int_equal(g[0].root_keys.n, 2);
	assert_int_equal(g[0].root_keys.index[1], 2);
	assert_int_equal(g[0].allow_root_keys.index[0], 1);
	assert_true(g[0].master_key_options[SAKER_ZONE]);
	assert_false(g[0].master_key_options[SAKER_USER]);
	assert_int_equal(g[0].n_addresses, 1);
	assert_int_equal(g[0].addresses[0].from.n, 2);
	assert_int_equal(g[0].addresses[0].from.ip[1].family, 6);
	assert_int_equal(g[0].addresses[0].line, 26);
	assert_int_equal(g[1].sn.mode, SAKER_SN_COUNTER);
	assert_int_equal(g[1].sn.epoch, 20000);
	assert_int_equal(g[1].encap, SAKER_ENCAP_IP);
	assert_string_equal(g[3].data_keys, "config/spoke.keys");
	assert_int_equal(g[4].spi, 0xffffffff);
	assert_int_equal(g[4].isolate, SAKER_ISOLATE_POLICY);
	assert_int_equal(p[0].dport.low, 80);
	assert_int_equal(p[0].dport.high, 443);
	assert_int_equal(p[0].n_sources, 2);
	assert_int_equal(p[0].sources[1].octets[3], 3);
	assert_int_equal(p[0].line, 42);
	assert_int_equal(p[1].mode, SAKER_MODE_TRANSPORT);
	assert_int_equal(p[2].client.len, 4);
	assert_int_equal(p[3].group, 4);
	assert_int_equal(p[3].df, SAKER_DF_COPY);
	assert_int_equal(p[4].dst.len, 32);
	assert_int_equal(p[5].action, SAKER_ACTION_DROP);
	saker_config_free(c);
}

static void
fills_in_defaults(void **state)
{
	struct saker_config *c = load_well(MINIMAL);
	const struct saker_cfg_group *g = c->groups;
	const struct saker_cfg_policy *p = c->policies;

	(void)state;
	assert_string_equal(c->gateway.name, "saker");
	assert_string_equal(c->gateway.state_dir, "../../config/state");
	assert_string_equal(c->gateway.driver, "auto");
	assert_int_equal(c->gateway.mbufs, 16384);
	assert_int_equal(c->ports[0].mtu, 1500);
	assert_int_equal(c->ports[0].rx_queues, 0);
	assert_int_equal(g->format, 'E');
	assert_int_equal(g->variant, SAKER_V_SOURCE_ID);
	assert_int_equal(g->suite, SAKER_AES_256_GCM);
	assert_int_equal(g->combine, SAKER_HKDF);
	assert_int_equal(g->role, SAKER_ROLE_PEER);
	assert_int_equal(g->session_first, 0);
	assert_int_equal(g->sessions, 64);
	assert_int_equal(g->sn.mode, SAKER_SN_TIME);
	assert_int_equal(g->sn.epoch_seconds, 86400);
	assert_int_equal(g->sn.slot_ms, 100);
	assert_int_equal(g->sn.window_ms, 2000);
	assert_int_equal(g->sn.skew_ms, 500);
	assert_true(g->start_guard);
	assert_int_equal(g->replay, SAKER_REPLAY_WINDOW);
	assert_int_equal(g->replay_window, 1024);
	assert_int_equal(g->replay_sources, 65536);
	assert_int_equal(g->sn.rekey_shift, 24);
	assert_int_equal(g->key_cache, 0);
	assert_true(g->sn.max_blocks == 1ULL << 44);
	assert_int_equal(g->encap, SAKER_ENCAP_UDP);
	assert_int_equal(g->udp_port, 4500);
	assert_int_equal(g->protocol, 49);
	assert_int_equal(p->mode, SAKER_MODE_TUNNEL);
	assert_int_equal(p->src.ip.family, 0);
	assert_int_equal(p->dport.low, 0);
	assert_int_equal(p->dport.high, 65535);
	assert_int_equal(p->df, SAKER_DF_SET);
	saker_config_free(c);
}

static void
rekeys_per_slot_by_default_only_where_the_profile_does(void **state)
{
	struct saker_config *c = load_well(BASE);

	(void)state;
	assert_int_equal(c->groups[0].sn.rekey_shift, 24); /* source-id, time, peer */
	assert_int_equal(c->groups[1].sn.rekey_shift, -1); /* counter */
	assert_int_equal(c->groups[2].sn.rekey_shift, -1); /* server */
	assert_int_equal(c->groups[4].sn.rekey_shift, -1); /* connection-id */
	saker_config_free(c);
}

static void
rounds_the_replay_window_up(void **state)
{
	struct saker_config *c = load_well(BASE);

	(void)state;
	assert_int_equal(c->groups[4].replay_window, 128);
	saker_config_free(c);
}

/* The example of the design: names that have no bearing on its group draw warnings. */
static void
loads_the_printed_example(void **state)
{
	struct saker_faults faults = { 0 };
	struct saker_config *c = saker_config_load("config/printed.cfg", &faults);

	(void)state;
	saker_faults_print(&faults, stderr);
	assert_non_null(c);
	assert_int_equal(faults.errors, 0);
	assert_int_equal(faults.n, 2);
	assert_int_equal(c->groups[0].spi, 0x1001);
	saker_config_free(c);
	saker_faults_free(&faults);
}

static void
tells_all_faults_of_a_file(void **state)
{
	struct saker_faults faults = { 0 };
	char *base = read_text_file(BASE);
	char *one = with(base, "mbufs = 2048", "mbufs = 1; speed = 2");
	char *two = with(one, "10.1.0.0/16", "10.1.0.1/16");
	char *three = with(two, "max_clear = 64", "max_clear = 66");

	(void)state;
	assert_null(load_text(three, &faults));
	assert_int_equal(faults.errors, 4);
	assert_true(told(&faults, 2, "mbufs: 1 is out of range"));
	assert_true(told(&faults, 2, "speed is not a known name"));
	assert_true(told(&faults, 42, "bits set beyond"));
	assert_true(told(&faults, 27, "max_clear 66"));
	saker_faults_free(&faults);
	free(three);
	free(two);
	free(one);
	free(base);
}

static void
keeps_earlier_faults_apart_from_its_own(void **state)
{
	struct saker_faults faults = { 0 };
	struct saker_config *c;

	(void)state;
	saker_fault(&faults, NULL, 0, "from before");
	c = saker_config_load(BASE, &faults);
	assert_non_null(c);
	assert_int_equal(faults.n, 1);
	saker_config_free(c);
	saker_faults_free(&faults);
}

static void
refuses_an_empty_file_for_want_of_ports(void **state)
{
	(void)state;
	struct saker_faults faults = { 0 };

	assert_null(load_text("", &faults));
	assert_int_equal(faults.errors, 2);
	assert_non_null(strstr(faults.text[0], "there are 0 of role \"clear\""));
	saker_faults_free(&faults);
}

static void
refuses_more_objects_than_a_section_holds(void **state)
{
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	(void)state;
	assert_non_null(out);
	fputs("\nports: (", out);
	for (int i = 0; i < 65; i++)
		fprintf(out, "%s{ name = \"p%d\"; device = \"d%d\"; role = \"clear\"; }",
			i == 0 ? " " : ", ", i, i);
	fputs(" );\n", out);
	fclose(out);
	expect_fault(text, 2, "ports: 65 entries are too many; give at most 64", 3);
	free(text);
}

static void
warns_of_a_local_address_that_transport_mode_does_not_use(void **state)
{
	struct saker_faults faults = { 0 };
	char *base = read_text_file(BASE);
	char *one = with(base, "variant = \"source-ip\"", "source_id = \"0a000001\"");
	char *two = with(one, "{ from = [ \"10.8", "{ source_id = \"0a000002\"; from = [ \"10.8");
	struct saker_config *c = load_text(two, &faults);

	(void)state;
	assert_non_null(c);
	assert_int_equal(faults.n, 1);
	assert_true(told(&faults, 49, "local has no effect in transport mode"));
	saker_config_free(c);
	saker_faults_free(&faults);
	free(two);
	free(one);
	free(base);
}

static void
tells_the_line_of_a_syntax_error(void **state)
{
	(void)state;
	expect_fault("gateway:\n{\n  name = ;\n};\n", 3, "syntax error", 1);
}

static void
tells_why_a_file_cannot_be_read(void **state)
{
	struct saker_faults faults = { 0 };

	(void)state;
	assert_null(saker_config_load("config/absent.cfg", &faults));
	assert_int_equal(faults.errors, 1);
	assert_string_equal(faults.text[0], "config/absent.cfg: the configuration can't be read: "
					    "No such file or directory");
	saker_faults_free(&faults);
}

static void
refuses_a_directory(void **state)
{
	struct saker_faults faults = { 0 };

	(void)state;
	assert_null(saker_config_load("config", &faults));
	assert_int_equal(faults.errors, 1);
	assert_non_null(strstr(faults.text[0], "config is not a regular file"));
	saker_faults_free(&faults);
}

static void
refuses_to_include_a_directory(void **state)
{
	(void)state;
	expect_fault("\n@include \".\"\n", 2, "is not a regular file; name one", 1);
}

static void
tells_the_file_of_a_fault_in_an_included_one(void **state)
{
	struct saker_faults faults = { 0 };
	char path[sizeof(file) + 16];

	(void)state;
	snprintf(path, sizeof(path), "%s/part", dir);
	write_file(path, "\ngateway: { nmae = 1; };\n", 25);
	assert_null(load_text("@include \"part\"\n", &faults));
	assert_non_null(strstr(faults.text[0], "part:2: gateway: nmae is not a known name"));
	saker_faults_free(&faults);
	assert_int_equal(unlink(path), 0);
}

static void
survives_a_file_that_includes_itself(void **state)
{
	struct saker_faults faults = { 0 };

	(void)state;
	assert_null(load_text("@include \"saker.cfg\"\n", &faults));
	assert_true(faults.errors > 0);
	saker_faults_free(&faults);
}

/* Settings that a walk has passed. */
struct walked {
	unsigned int n;
	char *text;
	size_t size;
	FILE *out;
};

static void
note(void *arg, const char *path, const char *value, bool is_default)
{
	struct walked *w = arg;

	w->n++;
	fprintf(w->out, "%s = %s%s\n", path, value, is_default ? " default" : "");
}

static struct walked
walk(const char *path)
{
	struct walked w = { 0 };
	struct saker_config *c = load_well(path);

	w.out = open_memstream(&w.text, &w.size);
	assert_non_null(w.out);
	saker_config_walk(c, note, &w);
	fclose(w.out);
	saker_config_free(c);
	return w;
}

static void
walks_settings_as_the_file_would_spell_them(void **state)
{
	static const char *const lines[] = {
		"gateway.name = \"gw-t\"\n",
		"gateway.state_dir = \"config/state\" default\n",
		"ports.clear.mtu = 1500 default\n",
		"ports.clear.role = \"clear\"\n",
		"ports.clear.next_hop_mac = \"02:00:00:00:00:02\"\n",
		"ports.clear.address = none default\n",
		"root_keys.blue.id = \"20112233445566778899aabbccddeeff20212223\"\n",
		"trust_groups.cluster.spi = 0x1001\n",
		"trust_groups.cluster.format = \"eesp\" default\n",
		"trust_groups.cluster.rekey_shift = 24 default\n",
		"trust_groups.cluster.start_guard = true default\n",
		"trust_groups.cluster.max_blocks = 17592186044416L default\n",
		"trust_groups.cluster.root_keys = [ \"east\", \"blue\" ]\n",
		"trust_groups.cluster.master_key_options = [ \"zone\" ]\n",
		"trust_groups.cluster.addresses[0].from = [ \"192.0.2.2\", \"2001:db8::2\" ]\n",
		"trust_groups.lab.allow_root_keys = [ ] default\n",
		"trust_groups.lab.rekey_shift = -1 default\n",
		"policies.web.dport = \"80-443\"\n",
		"policies.web.group = \"cluster\"\n",
		"policies.web.sources = [ \"0a000002\", \"0a000003\" ]\n",
		"policies.dns.src = \"any\" default\n",
		"policies.dns.dport = 53\n",
	};
	struct walked w = walk(BASE);

	(void)state;
	for (size_t i = 0; i < ARRAY(lines); i++)
		if (strstr(w.text, lines[i]) == NULL)
			fail_msg("not walked: %s", lines[i]);
	assert_null(strstr(w.text, "policies.rest.peer"));
	assert_null(strstr(w.text, "trust_groups.lab.slot_ms"));
	free(w.text);
}

/* What the example shows as a default must be one. */
static void
example_shows_true_defaults(void **state)
{
	static const char *const names[] = { "format", "variant", "suite", "combine", "role",
		"session_first", "sessions", "qos_classes", "sn", "epoch_seconds", "slot_ms",
		"window_ms", "skew_ms", "start_guard", "replay", "replay_window", "replay_sources",
		"rekey_shift", "key_cache", "max_clear", "max_ioffset", "max_blocks",
		"master_key_options", "allow_root_keys", "encap", "udp_port" };
	struct walked w = walk(EXAMPLE);

	(void)state;
	for (size_t i = 0; i < ARRAY(names); i++) {
		char line[64], *at;

		snprintf(line, sizeof(line), "trust_groups.cluster.%s = ", names[i]);
		at = strstr(w.text, line);
		if (at == NULL || memmem(at, strcspn(at, "\n"), " default", 8) == NULL)
			fail_msg("%s is not at its default in the example", names[i]);
	}
	free(w.text);
}

static void
document_holds_the_reference(void **state)
{
	char *document = read_text_file(DOCUMENT), *reference = NULL, *begin, *end;
	size_t n;
	FILE *out = open_memstream(&reference, &n);

	(void)state;
	assert_non_null(out);
	saker_config_print_reference(out);
	fclose(out);
	begin = strstr(document, BEGIN);
	assert_non_null(begin);
	end = strstr(begin, END);
	assert_non_null(end);
	*end = '\0';
	assert_string_equal(begin + strlen(BEGIN), reference);
	free(reference);
	free(document);
}

static void
example_of_the_document_is_sound(void **state)
{
	struct saker_faults faults = { 0 };
	char *document = read_text_file(DOCUMENT);
	char *begin = strstr(document, "```\ngateway:"), *end;
	struct saker_config *c;

	(void)state;
	assert_non_null(begin);
	end = strstr(begin + 4, "```");
	assert_non_null(end);
	*end = '\0';
	c = load_text(begin + 4, &faults);
	assert_int_equal(faults.n, 0);
	saker_config_free(c);
	free(document);
}

static void
names_values_as_the_file_spells_them(void **state)
{
	(void)state;
	assert_string_equal(saker_cfg_level_name(SAKER_TASK), "task");
	assert_string_equal(saker_cfg_variant_name(SAKER_V_IP_PAIR), "ip-pair");
	assert_string_equal(saker_cfg_suite_name(SAKER_AES_128_GCM), "aes-128-gcm");
	assert_string_equal(saker_cfg_role_name(SAKER_ROLE_CLIENT), "client");
	assert_string_equal(saker_cfg_action_name(SAKER_ACTION_DROP), "drop");
	assert_string_equal(saker_cfg_mode_name(SAKER_MODE_TRANSPORT), "transport");
	assert_string_equal(saker_cfg_sn_name(SAKER_SN_COUNTER), "counter");
	assert_string_equal(saker_cfg_encap_name(SAKER_ENCAP_IP), "ip");
	assert_string_equal(saker_cfg_combine_name(SAKER_XOR), "xor");
	assert_string_equal(saker_cfg_suite_name((enum saker_suite)77), "?");
}

static void
survives_every_truncation_of_the_example(void **state)
{
	char *text = read_text_file(EXAMPLE);
	size_t n = strlen(text);

	(void)state;
	for (size_t i = 0; i < n; i += 3)
		load_anything(text, i);
	free(text);
}

static void
survives_random_changes_of_the_example(void **state)
{
	static const char bytes[] = "\"(){}[];=,:0x19LaZ-./\n\\\0\377 ";
	char *text = read_text_file(EXAMPLE), *changed = strdup(text);
	size_t n = strlen(text);
	unsigned int seed = 2026;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		memcpy(changed, text, n);
		for (int i = rand_r(&seed) % 3; i >= 0; i--)
			changed[(size_t)rand_r(&seed) % n] =
				bytes[(size_t)rand_r(&seed) % (sizeof(bytes) - 1)];
		load_anything(changed, n);
	}
	free(changed);
	free(text);
}

static const struct CMUnitTest others[] = {
	cmocka_unit_test(reads_every_kind_of_value),
	cmocka_unit_test(fills_in_defaults),
	cmocka_unit_test(rekeys_per_slot_by_default_only_where_the_profile_does),
	cmocka_unit_test(rounds_the_replay_window_up),
	cmocka_unit_test(loads_the_printed_example),
	cmocka_unit_test(tells_all_faults_of_a_file),
	cmocka_unit_test(keeps_earlier_faults_apart_from_its_own),
	cmocka_unit_test(refuses_an_empty_file_for_want_of_ports),
	cmocka_unit_test(refuses_more_objects_than_a_section_holds),
	cmocka_unit_test(warns_of_a_local_address_that_transport_mode_does_not_use),
	cmocka_unit_test(tells_the_line_of_a_syntax_error),
	cmocka_unit_test(tells_why_a_file_cannot_be_read),
	cmocka_unit_test(refuses_a_directory),
	cmocka_unit_test(refuses_to_include_a_directory),
	cmocka_unit_test(tells_the_file_of_a_fault_in_an_included_one),
	cmocka_unit_test(survives_a_file_that_includes_itself),
	cmocka_unit_test(walks_settings_as_the_file_would_spell_them),
	cmocka_unit_test(example_shows_true_defaults),
	cmocka_unit_test(document_holds_the_reference),
	cmocka_unit_test(example_of_the_document_is_sound),
	cmocka_unit_test(names_values_as_the_file_spells_them),
	cmocka_unit_test(survives_every_truncation_of_the_example),
	cmocka_unit_test(survives_random_changes_of_the_example),
};

int
main(void)
{
	struct CMUnitTest tests[ARRAY(others) + ARRAY(breaches) + ARRAY(latitudes)] = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < ARRAY(others); i++)
		tests[n++] = others[i];
	for (size_t i = 0; i < ARRAY(breaches); i++)
		tests[n++] = (struct CMUnitTest){ .name = breaches[i].name,
			.test_func = tells_the_fault_and_its_line,
			.initial_state = (void *)(uintptr_t)&breaches[i] };
	for (size_t i = 0; i < ARRAY(latitudes); i++)
		tests[n++] = (struct CMUnitTest){ .name = latitudes[i].name,
			.test_func = lets_pass,
			.initial_state = (void *)(uintptr_t)&latitudes[i] };
	return _cmocka_run_group_tests("config", tests, n, make_directory, remove_directory);
}
