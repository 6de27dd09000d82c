/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/*
 * The printed examples: they load, and show every name. What is refused of a format's settings is
 * tried on its example.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/helpers.h"
#include "saker_config_internal.h"

#define EXAMPLE  "../../config/example.cfg"
#define SUBSA    "../../config/eesp-subsa.cfg"
#define ESP      "../../config/esp.cfg"
#define TSS      "../../config/tss.cfg"
#define ARRAY(a) (sizeof(a) / sizeof((a)[0]))

/* Names that a format's example must show: those of it, but not those of the main format. */
static bool
belongs(const struct saker_cfg_field *f, char format)
{
	if (f->formats == NULL || strchr(f->formats, 'E') != NULL)
		return format == 'E';
	return strchr(f->formats, format) != NULL;
}

static void
each_name(const struct saker_cfg_section *s, char format, const char *text, const char *what)
{
	for (const struct saker_cfg_field *f = s->fields; f->name != NULL; f++) {
		char name[64];

		snprintf(name, sizeof(name), "%s =", f->name);
		if (belongs(f, format) && strstr(text, name) == NULL)
			fail_msg("%s: %s of %s is not there", what, f->name, s->name);
		if (f->sub != NULL)
			each_name(f->sub, format, text, what);
	}
}

static void
example_holds_every_name(void **state)
{
	char *text = read_text_file(EXAMPLE);

	(void)state;
	saker_config_free(load_well(EXAMPLE));
	for (int id = 0; id < SAKER_SECTIONS; id++)
		each_name(&saker_cfg_sections[id], 'E', text, EXAMPLE);
	free(text);
}

static void
examples_of_formats_hold_their_names(void **state)
{
	static const struct {
		char format;
		const char *file;
	} examples[] = { { 'B', SUBSA }, { 'X', ESP }, { 'T', TSS } };

	(void)state;
	for (size_t i = 0; i < ARRAY(examples); i++) {
		struct saker_config *c = load_well(examples[i].file);
		char *text = read_text_file(examples[i].file);

		assert_int_equal(c->groups[0].format, examples[i].format);
		each_name(&saker_cfg_sections[SAKER_SEC_GROUPS], examples[i].format, text,
			examples[i].file);
		saker_config_free(c);
		free(text);
	}
}

/* One change to the example of a format, and what must be said of it. */
struct breach {
	const char *name; /* of the test */
	const char *file, *old, *new;
	const char *says;    /* NULL: it is no fault */
	const char *at;      /* on the line where this begins; NULL: where the change is */
	unsigned int errors; /* 0 is short for 1 */
};

#define SECOND(settings)                                                                           \
	"iv_in_aad = true; }, { name = \"second\"; spi = 0x4000; root_keys = [ \"a-sends\" "       \
	"]; " settings

static const struct breach breaches[] = {
	{ "refuses_subsa_without_a_key_to_receive", SUBSA, "receive_root_keys = [ \"b-sends\" ];",
		"", "receive_root_keys is missing; give it", "{\n    name = \"to-b\"" },
	{ "refuses_one_key_for_both_directions", SUBSA, "[ \"b-sends\" ]", "[ \"a-sends\" ]",
		"root key \"a-sends\" is that of root_keys too, and nonces of both directions" },
	{ "refuses_two_keys_to_send_with", SUBSA, "root_keys = [ \"a-sends\" ]",
		"root_keys = [ \"a-sends\", \"b-sends\" ]",
		"root_keys has 2 entries; name the one key that this gateway seals with", NULL, 2 },
	{ "refuses_two_keys_to_receive_with", SUBSA, "[ \"b-sends\" ]",
		"[ \"b-sends\", \"a-sends\" ]", "receive_root_keys has 2 entries" },
	{ "refuses_an_spi_that_is_no_multiple_of_4", SUBSA, "0x2000; ", "0x2006; ",
		"spi 0x2006 is not a multiple of 4, as its two low bits tell root key values "
		"apart; give 0x2004" },
	{ "refuses_such_an_spi_of_the_peer", SUBSA, "0x3000; ", "0x3001; ",
		"peer_spi 0x3001 is not a multiple of 4" },
	{ "refuses_a_reserved_spi", SUBSA, "0x2000; ", "252; ", "spi 252 is reserved" },
	{ "refuses_an_implicit_iv_without_sn", SUBSA,
		"\"64-bit\";                // none: nothing is kept against replays\n    "
		"iv = \"explicit\"",
		"\"none\"; replay = \"none\"; iv = \"implicit\"",
		"an implicit IV is the sequence number" },
	{ "refuses_a_window_without_sn", SUBSA, "\"64-bit\"", "\"none\"", "say replay = \"none\"" },
	{ "accepts_no_sn_without_window", SUBSA, "\"64-bit\"", "\"none\"; replay = \"none\"" },
	{ "refuses_sub_sas_without_sskdf", SUBSA, "\"hkdf-sha-256\"", "\"none\"",
		"without an sskdf there is one SA and no Sub SA; give session_first = 0 and "
		"sessions = 1",
		"sessions = 64" },
	{ "accepts_one_sa_without_sskdf", SUBSA,
		"\"hkdf-sha-256\";             // hkdf-sha-384, hkdf-sha-512; none: one SA\n    "
		"sessions = 64",
		"\"none\"; sessions = 1" },
	{ "refuses_more_sub_sas_than_are_held", SUBSA, "sessions = 64", "sessions = 1025",
		"keys of more than 1024 Sub SAs are not held" },
	{ "refuses_names_of_formats_that_derive_by_packet", SUBSA, "sessions = 64",
		"variant = \"source-id\"; sessions = 64",
		"variant has no meaning in format eesp-subsa; take it out" },
	{ "refuses_a_key_cache_for_keys_by_session", SUBSA, "sessions = 64",
		"key_cache = 16; sessions = 64", "key_cache has no meaning in format eesp-subsa" },
	{ "refuses_names_of_subsa_in_the_main_format", EXAMPLE, "combine = \"hkdf\"",
		"sskdf = \"none\"; combine = \"hkdf\"", "sskdf has no meaning in format eesp" },
	{ "refuses_formats_that_look_alike_on_one_port", SUBSA, "iv_in_aad = true;",
		SECOND("source_id = \"0a000001\";"),
		"udp_port 4500 is that of trust group \"to-b\", whose format eesp-subsa can't be "
		"told from eesp there",
		"{ name = \"second\"" },
	{ "accepts_other_formats_on_another_port", SUBSA, "iv_in_aad = true;",
		SECOND("source_id = \"0a000001\"; udp_port = 4501;") },
	{ "refuses_other_formats_on_one_protocol", SUBSA, "iv_in_aad = true;",
		"encap = \"ip\"; " SECOND("source_id = \"0a000001\"; encap = \"ip\";"),
		"protocol 49 is that of trust group \"to-b\"", "{ name = \"second\"" },
	{ "refuses_a_source_id_of_addresses_in_subsa", SUBSA, "iv_in_aad = true;",
		"addresses = ( { source_id = \"0a000001\"; from = [ \"10.0.0.1\" ]; to = [ "
		"\"10.0.0.2\" ]; } );",
		"source_id has no meaning in format eesp-subsa, where a group has one sender" },
	{ "refuses_sources_of_policies_in_subsa", SUBSA, "group = \"to-b\";",
		"group = \"to-b\"; sources = [ \"0a000001\" ];",
		"format eesp-subsa has no source ids; take sources out" },
	{ "refuses_one_key_for_both_directions_of_esp", ESP, "[ \"b-sends\" ]", "[ \"a-sends\" ]",
		"root key \"a-sends\" is that of root_keys too" },
	{ "refuses_an_spi_of_esp_that_is_no_multiple_of_4", ESP, "0x2000; ", "0x2006; ",
		"spi 0x2006 is not a multiple of 4" },
	{ "refuses_an_spi_in_udp_that_looks_like_eesp", ESP, "0x2000; ", "0x7ffffff0; ",
		"SPIs from spi 0x7ffffff0 on would pass 0x7fffffff, the last that ESP in UDP can "
		"have" },
	{ "refuses_such_an_spi_of_the_peer_too", ESP, "0x3000; ", "0x80000000; ",
		"SPIs from peer_spi 0x80000000 on would pass 0x7fffffff" },
	{ "accepts_such_an_spi_without_udp", ESP, "0x2000; ",
		"0x80002000; encap = \"ip\"; protocol = 50; " },
	{ "refuses_spis_of_child_sas_that_overlap", ESP, "accept_child_sas = 4;",
		"accept_child_sas = 4; }, { name = \"second\"; format = \"esp\"; spi = 0x2010; "
		"root_keys = [ \"b-sends\" ]; receive_root_keys = [ \"a-sends\" ];",
		"its SPIs 0x2010 to 0x2013 overlap those of trust group \"to-b\"",
		"{ name = \"second\"" },
	{ "accepts_spis_right_behind_those_of_child_sas", ESP, "accept_child_sas = 4;",
		"accept_child_sas = 4; }, { name = \"second\"; format = \"esp\"; spi = 0x2014; "
		"root_keys = [ \"b-sends\" ]; receive_root_keys = [ \"a-sends\" ];" },
	{ "refuses_partly_sent_numbers_without_window", ESP, "iv = \"explicit\"",
		"replay = \"none\"; iv = \"explicit\"",
		"what is not sent of a sequence number is known from the replay window" },
	{ "refuses_a_window_of_unspecified_numbers", ESP,
		"\"partially transmitted 64-bit sequential\"", "\"32-bit unspecified\"",
		"with unspecified numbers repeated packets can't be told" },
	{ "refuses_an_implicit_iv_of_unspecified_numbers", ESP,
		"\"partially transmitted 64-bit sequential\"; // 32-bit sequential, 32-bit "
		"unspecified\n    iv = \"explicit\"",
		"\"32-bit unspecified\"; replay = \"none\"; iv = \"implicit\"",
		"an implicit IV is the sequence number, which is unspecified" },
	{ "refuses_sessions_in_esp", ESP, "iv = \"explicit\"", "sessions = 4; iv = \"explicit\"",
		"sessions has no meaning in format esp" },
	{ "refuses_clear_octets_in_esp", ESP, "group = \"to-b\";",
		"group = \"to-b\"; clear_octets = 8;", "format esp leaves nothing in clear" },
	{ "refuses_unknown_names_of_sequence_numbers", ESP,
		"\"partially transmitted 64-bit sequential\"", "\"esn\"",
		"sequence_numbers: \"esn\" is not known; allowed: 32-bit sequential" },
	{ "refuses_an_sdi_of_more_than_24_bits", TSS, "0x1001; ", "0x1000001; ",
		"spi 0x1000001 has more than the 24 bits of an SDI" },
	{ "refuses_another_suite_in_tss", TSS, "kdf = \"cluster\";",
		"kdf = \"cluster\"; suite = \"aes-128-gcm\";", "format tss has aes-256-gcm alone" },
	{ "refuses_variants_that_tss_has_not", TSS, "\"source-id\"; ", "\"ip-pair\"; ",
		"variant ip-pair is none of format tss", NULL, 2 },
	{ "refuses_a_combination_in_tss", TSS, "kdf = \"cluster\";",
		"combine = \"xor\"; kdf = \"cluster\";", "combine has no meaning in format tss" },
	{ "refuses_a_root_key_of_tss_in_another_group", TSS, "udp_in_aad = true;",
		"udp_in_aad = true; }, { name = \"second\"; spi = 7; source_id = \"0a000001\"; "
		"root_keys = [ \"domain\" ];",
		"root key \"domain\" serves trust group \"second\" too, and nonces of both would "
		"be",
		"root_keys = [ \"domain\" ];" },
	{ "refuses_a_mask_without_shift", TSS, "rekey_shift = 8; ", "",
		"without a rekey_shift there is no rekey word" },
	{ "refuses_a_mask_beside_the_word", TSS, "0xff00;", "0x1ff01;",
		"rekey_mask 0x1ff01 has bits beside the 32 from rekey_shift 8 on" },
	{ "refuses_a_mask_of_more_than_48_bits", TSS, "0xff00;", "0x1000000000000L;",
		"rekey_mask: 281474976710656 is out of range" },
	{ "refuses_a_shift_in_direct_mode", TSS, "\"cluster\";                   //",
		"\"direct\"; //", "kdf \"direct\" derives no keys that could change",
		"rekey_shift = 8" },
	{ "refuses_direct_mode_of_a_server", TSS, "kdf = \"cluster\";",
		"role = \"client\"; kdf = \"direct\";", "kdf is for role = \"peer\" only", NULL,
		3 },
	{ "refuses_clear_octets_that_not_all_leave", TSS, "group = \"cluster\";",
		"group = \"cluster\"; clear_octets = 8;",
		"clear_octets 8 is not max_clear 0 of trust group \"cluster\"" },
	{ "refuses_a_lifetime_without_epoch", TSS, "sn = \"counter\"; epoch = 1; ",
		"sn = \"time\"; ", "epoch_lifetime is for sn = \"counter\" only",
		"epoch_lifetime" },
	{ "refuses_udp_in_aad_without_udp", TSS, "udp_in_aad = true;",
		"encap = \"ip\"; udp_in_aad = true;", "udp_in_aad is for encap = \"udp\" only" },
	{ "refuses_kdf_in_another_format", ESP, "iv = \"explicit\"",
		"kdf = \"direct\"; iv = \"explicit\"", "kdf has no meaning in format esp" },
	{ "accepts_tss_in_transport_mode_without_addresses", TSS,
		"local = \"192.0.2.1\"; peer = \"192.0.2.2\";", "mode = \"transport\";" },
	{ "accepts_esp_beside_eesp_on_one_port", ESP, "accept_child_sas = 4;",
		"accept_child_sas = 4; }, { name = \"second\"; spi = 0x2000; root_keys = [ "
		"\"b-sends\" ]; source_id = \"0a000001\";" },
};

static void
tells_the_fault_and_its_line(void **state)
{
	const struct breach *b = *state;
	char *base = read_text_file(b->file), *text;
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

static const struct CMUnitTest others[] = {
	cmocka_unit_test(example_holds_every_name),
	cmocka_unit_test(examples_of_formats_hold_their_names),
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
	return _cmocka_run_group_tests(
		"config_examples", tests, n, make_directory, remove_directory);
}
