/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/*
 * Proxies: what the example says, what is left to saker, and what is refused.
 */

#include "config/helpers.h"

#define EXAMPLE  "../../config/proxy.cfg"
#define ARRAY(a) (sizeof(a) / sizeof((a)[0]))
#define BACK     "back_peer = \"192.0.2.2\"; }"
#define LOGS     "{ name = \"logs\""
#define REGION   "root_keys = [ \"region\" ]; source_id = \"0a000001\"; }"

/* One change to the example, and what must be said of it. */
struct breach {
	const char *name; /* of the test */
	const char *old, *new;
	const char *says;    /* NULL: it is no fault */
	const char *at;      /* on the line where this begins; NULL: where the change is */
	unsigned int errors; /* 0 is short for 1 */
};

static const struct breach breaches[] = {
	{ "refuses_a_proxy_to_the_group_that_it_comes_from", "to = \"backbone\"; direction",
		"to = \"region\"; direction", "from and to are both trust group \"region\"" },
	{ "refuses_an_unknown_group", "to = \"backbone\"; direction", "to = \"moon\"; direction",
		"to: \"moon\"" },
	{ "refuses_a_proxy_without_a_group_to_come_from", LOGS "; from = \"region\";", LOGS ";",
		"from is missing; give it" },
	{ "refuses_a_proxy_without_a_peer", "peer = \"198.51.100.7\"; }        // one way", "}",
		"peer is missing; give it", LOGS },
	{ "refuses_both_ways_without_a_peer_to_go_back_to", BACK, "}",
		"back_peer is missing; direction = \"both\" needs it", "{ name = \"web\"" },
	{ "refuses_a_peer_to_go_back_to_one_way", "peer = \"198.51.100.7\"; }        // one way",
		"peer = \"198.51.100.7\"; " BACK,
		"back_peer is for direction = \"both\" only; take it out" },
	{ "refuses_a_peer_that_is_the_gateway_itself",
		"peer = \"198.51.100.7\"; }        // one way", "peer = \"192.0.2.1\"; }",
		"peer 192.0.2.1 is this gateway's own address, so what is sealed would come back" },
	{ "refuses_to_go_back_to_the_gateway_itself", BACK, "back_peer = \"192.0.2.1\"; }",
		"back_peer 192.0.2.1 is this gateway's own address" },
	{ "refuses_a_local_address_that_no_port_has", BACK,
		"local = \"192.0.2.9\"; back_peer = \"192.0.2.2\"; }",
		"local is not an address of the cipher port \"cipher\"; give 192.0.2.1" },
	{ "refuses_a_peer_of_a_family_that_the_port_lacks", BACK, "back_peer = \"2001:db8::2\"; }",
		"back_local is missing, and the cipher port has no IPv6 address to take",
		"{ name = \"web\"" },
	{ "refuses_ends_of_two_families", BACK,
		"back_local = \"192.0.2.1\"; back_peer = \"2001:db8::2\"; }",
		"back_local is IPv4 and back_peer is IPv6; a tunnel needs one family" },
	{ "refuses_prefixes_of_two_families", "dst = \"10.2.0.53/32\"",
		"src = \"fd00::/16\"; dst = \"10.2.0.53/32\"", "src is IPv6 and dst is IPv4" },
	{ "refuses_ports_of_a_protocol_without", "proto = 17; dport = 514",
		"proto = 1; dport = 514", "dport needs a proto that has ports" },
	{ "refuses_fragments_of_what_may_not_be_cut", BACK,
		"fragment = \"outer\"; back_peer = \"192.0.2.2\"; }",
		"fragment \"outer\" needs a df of \"clear\" or \"copy\" over IPv4" },
	{ "accepts_fragments_of_what_may_be_cut", BACK,
		"fragment = \"outer\"; df = \"clear\"; back_peer = \"192.0.2.2\"; }" },
	{ "refuses_a_server_that_would_seal", REGION,
		"root_keys = [ \"region\" ]; role = \"server\"; }",
		"trust group \"region\" has role server, which seals for one client each",
		"{ name = \"web\"" },
	{ "refuses_a_group_that_only_receives", "root_keys = [ \"backbone\" ]; }",
		"root_keys = [ \"backbone\" ]; role = \"server\"; }",
		"trust group \"backbone\" has no keys to seal with, so it only receives",
		"{ name = \"web\"", 2 },
	{ "refuses_to_come_back_from_a_group_that_only_sends", "root_keys = [ \"backbone\" ]; }",
		"role = \"client\"; keys = \"sas.psp\"; }",
		"trust group \"backbone\" has no root_keys, so nothing arrives under it",
		"{ name = \"web\"" },
	{ "refuses_a_format_that_hides_nothing", "root_keys = [ \"backbone\" ]; }",
		"root_keys = [ \"backbone\" ]; version = 3; }",
		"trust group \"backbone\" has version 3 of PSP, which encrypts nothing",
		"{ name = \"web\"", 2 },
	{ "refuses_a_group_that_always_leaves_octets_in_clear", "format = \"psp\"; spi = 0x2000;",
		"format = \"tss\"; spi = 0x2000; source_id = \"0a000001\"; max_clear = 8;",
		"trust group \"backbone\" leaves 8 octets of every packet in clear",
		"{ name = \"web\"", 2 },
	{ "accepts_tss_that_leaves_nothing_in_clear", "format = \"psp\"; spi = 0x2000;",
		"format = \"tss\"; spi = 0x2000; source_id = \"0a000001\";" },
	{ "refuses_a_group_in_transport_mode", "proxies:      ",
		"policies: ( { name = \"p\"; action = \"protect\"; group = \"backbone\"; mode = "
		"\"transport\"; } );\nproxies:",
		"trust group \"backbone\" is used in transport mode by policy \"p\"",
		"{ name = \"web\"", 2 },
	{ "refuses_two_proxies_of_one_name", LOGS, "{ name = \"web\"",
		"the name is taken by line" },
	{ "refuses_unknown_settings", LOGS, "{ name = \"logs\"; form = 1", "form is not a known" },
	{ "refuses_unknown_directions", "\"both\"", "\"sideways\"",
		"direction: \"sideways\" is not known; allowed: one-way, both" },
};

static void
tells_the_fault_and_its_line(void **state)
{
	const struct breach *b = *state;
	char *base = read_text_file(EXAMPLE), *text;
	struct saker_faults faults = { 0 };
	const char *at;

	text = with(base, b->old, b->new);
	at = b->at == NULL ? text + (strstr(base, b->old) - base) : strstr(text, b->at);
	if (b->says != NULL) {
		expect_fault(text, line_at(text, at), b->says, b->errors == 0 ? 1 : b->errors);
	} else {
		struct saker_config *c = load_text(text, &faults);

		saker_faults_print(&faults, stderr);
		assert_non_null(c);
		assert_int_equal(faults.n, 0);
		saker_config_free(c);
	}
	saker_faults_free(&faults);
	free(text);
	free(base);
}

static void
reads_the_example(void **state)
{
	struct saker_config *c = load_well(EXAMPLE);
	const struct saker_cfg_proxy *p = c->proxies;

	(void)state;
	assert_int_equal(c->n_proxies, 2);
	assert_string_equal(p[0].name, "web");
	assert_int_equal(p[0].from, 0);
	assert_int_equal(p[0].to, 1);
	assert_int_equal(p[0].direction, SAKER_PROXY_BOTH);
	assert_int_equal(p[0].proto, 6);
	assert_int_equal(p[0].dport.low, 443);
	assert_int_equal(p[1].direction, SAKER_PROXY_ONE_WAY);
	saker_config_free(c);
}

static void
gives_the_address_of_the_cipher_port(void **state)
{
	struct saker_config *c = load_well(EXAMPLE);
	const struct saker_ip *own = &c->ports[1].address.ip;

	(void)state;
	assert_true(saker_ip_equal(&c->proxies[0].local, own));
	assert_true(saker_ip_equal(&c->proxies[0].back_local, own));
	assert_true(saker_ip_equal(&c->proxies[1].local, own));
	assert_int_equal(c->proxies[1].back_local.family, 0);
	saker_config_free(c);
}

static void
names_proxies_by_their_place(void **state)
{
	struct saker_faults faults = { 0 };
	char *base = read_text_file(EXAMPLE);
	char *one = with(base, "{ name = \"web\"; ", "{ ");
	char *two = with(one, "{ name = \"logs\"; ", "{ name = \"proxy-1\"; ");
	struct saker_config *c = load_text(one, &faults);

	(void)state;
	assert_non_null(c);
	assert_string_equal(c->proxies[0].name, "proxy-1");
	saker_config_free(c);
	assert_null(load_text(two, &faults));
	assert_non_null(strstr(faults.text[0], "the proxy on line"));
	saker_faults_free(&faults);
	free(base);
	free(one);
	free(two);
}

static void
warns_of_a_policy_whose_answers_go_elsewhere(void **state)
{
	struct saker_faults faults = { 0 };
	char *base = read_text_file(EXAMPLE);
	char *text = with(base, "proxies:      ",
		"policies: ( { name = \"p\"; action = \"protect\"; group = \"region\"; local = "
		"\"192.0.2.1\"; peer = \"192.0.2.2\"; } );\nproxies:");
	struct saker_config *c = load_text(text, &faults);

	(void)state;
	assert_non_null(c);
	assert_int_equal(faults.errors, 0);
	assert_non_null(strstr(faults.text[0], "goes through proxies only"));
	saker_config_free(c);
	saker_faults_free(&faults);
	free(base);
	free(text);
}

static void
note(void *arg, const struct saker_config_change *change)
{
	unsigned int *n = arg;

	*n += strcmp(change->path, "proxies.web (place)") == 0 && !change->restart;
}

/* The first that matches wins, so their order is a setting. */
static void
tells_that_proxies_changed_places(void **state)
{
	struct saker_config *c = load_well(EXAMPLE), *other = saker_config_clone(c);
	struct saker_cfg_proxy first;
	unsigned int n = 0;

	(void)state;
	assert_non_null(other);
	first = other->proxies[0];
	other->proxies[0] = other->proxies[1];
	other->proxies[1] = first;
	assert_int_equal(saker_config_diff(c, other, note, &n), 0);
	assert_int_equal(n, 1);
	saker_config_free(other);
	saker_config_free(c);
}

#define CLEAR "{ name = \"clear\";  device = \"net_null0\"; role = \"clear\"; },"

/* The example with a port in either region; more: further text of the port. */
static char *
with_two_ports(const char *address, const char *more)
{
	char *base = read_text_file(EXAMPLE), *text, port[256];

	snprintf(port, sizeof(port),
		"{ name = \"global\"; device = \"net_tap1\"; role = \"cipher\"; address = \"%s\"; "
		"},%s",
		address, more);
	text = with(base, CLEAR, port);
	free(base);
	return text;
}

static void
tells_two_cipher_ports_apart_by_their_prefixes(void **state)
{
	struct saker_faults faults = { 0 };
	char *text = with_two_ports("198.51.100.1/24", "");
	struct saker_config *c = load_text(text, &faults);

	(void)state;
	saker_faults_print(&faults, stderr);
	assert_non_null(c);
	assert_true(saker_ip_equal(&c->proxies[0].local, &c->ports[0].address.ip));
	assert_true(saker_ip_equal(&c->proxies[0].back_local, &c->ports[1].address.ip));
	assert_true(saker_config_is_second(c, &c->proxies[0].back_local));
	assert_false(saker_config_is_second(c, &c->proxies[0].local));
	saker_config_free(c);
	free(text);
}

static void
refuse_two_ports(const char *address, const char *policies, const char *says)
{
	struct saker_faults faults = { 0 };
	char *two = with_two_ports(address, ""), *text = with(two, "proxies:      ", policies);
	bool found = false;

	assert_null(load_text(text, &faults));
	for (unsigned int i = 0; i < faults.n; i++)
		found |= strstr(faults.text[i], says) != NULL;
	if (!found)
		saker_faults_print(&faults, stderr);
	assert_true(found);
	saker_faults_free(&faults);
	free(text);
	free(two);
}

static void
refuses_two_cipher_ports_that_do_not_tell_the_way(void **state)
{
	(void)state;
	refuse_two_ports("203.0.113.1/24",
		"proxies:", "local is missing, and neither cipher port has a prefix that tells it");
	refuse_two_ports("192.0.2.1/24", "proxies:", "have one address; give each its own");
}

static void
refuses_policies_beside_two_cipher_ports(void **state)
{
	(void)state;
	refuse_two_ports("198.51.100.1/24",
		"policies: ( { name = \"p\"; action = \"drop\"; } );\nproxies:",
		"there is no port of role \"clear\"");
}

static const struct CMUnitTest others[] = {
	cmocka_unit_test(tells_two_cipher_ports_apart_by_their_prefixes),
	cmocka_unit_test(refuses_two_cipher_ports_that_do_not_tell_the_way),
	cmocka_unit_test(refuses_policies_beside_two_cipher_ports),
	cmocka_unit_test(reads_the_example),
	cmocka_unit_test(gives_the_address_of_the_cipher_port),
	cmocka_unit_test(names_proxies_by_their_place),
	cmocka_unit_test(warns_of_a_policy_whose_answers_go_elsewhere),
	cmocka_unit_test(tells_that_proxies_changed_places),
};

int
main(void)
{
	struct CMUnitTest tests[ARRAY(others) + ARRAY(breaches)] = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < ARRAY(others); i++)
		tests[n++] = others[i];
	for (size_t i = 0; i < ARRAY(breaches); i++)
		tests[n++] = (struct CMUnitTest){ .name = breaches[i].name,
			.test_func = tells_the_fault_and_its_line,
			.initial_state = (void *)(uintptr_t)&breaches[i] };
	return _cmocka_run_group_tests("config_proxy", tests, n, make_directory, remove_directory);
}
