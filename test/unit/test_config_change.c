/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "saker_config.h"

#define EXAMPLE "../../config/example.cfg"

static struct saker_config *
load(void)
{
	struct saker_faults faults = { 0 };
	struct saker_config *c = saker_config_load(EXAMPLE, &faults);

	saker_faults_free(&faults);
	assert_non_null(c);
	return c;
}

/* Differences as lines. */
static char told[4096];

static void
tell(void *arg, const struct saker_config_change *c)
{
	size_t at = strlen(told);

	(void)arg;
	snprintf(told + at, sizeof(told) - at, "%s: %s -> %s%s\n", c->path,
		c->before != NULL ? c->before : "-", c->after != NULL ? c->after : "-",
		c->restart ? " restart" : "");
}

static const char *
diff(const struct saker_config *a, const struct saker_config *b)
{
	told[0] = '\0';
	assert_int_equal(saker_config_diff(a, b, tell, NULL), 0);
	return told;
}

static void
a_clone_is_the_same_and_lives_on_its_own(void **state)
{
	struct saker_config *a = load(), *b = saker_config_clone(a);

	(void)state;
	assert_non_null(b);
	assert_string_equal(diff(a, b), "");
	assert_ptr_not_equal(a->groups, b->groups);
	assert_ptr_not_equal(a->root_keys[0].file, b->root_keys[0].file);
	assert_string_equal(a->file, b->file);
	saker_config_free(a);
	assert_true(strlen(b->root_keys[0].file) > 0);
	saker_config_free(b);
}

static void
names_what_changed_and_what_needs_a_restart(void **state)
{
	struct saker_config *a = load(), *b = saker_config_clone(a);

	(void)state;
	b->ports[1].mtu = 1700;
	b->gateway.mbufs = 2048;
	b->gateway.rotate_grace_ms = 5;
	b->groups[0].key_cache = 3;
	b->n_policies--;
	diff(a, b);
	b->n_policies++;
	assert_non_null(strstr(told, "gateway.mbufs: 16384 -> 2048 restart\n"));
	assert_non_null(strstr(told, "gateway.rotate_grace_ms: 1000 -> 5\n"));
	assert_non_null(strstr(told, "ports.cipher.mtu: 1600 -> 1700 restart\n"));
	assert_non_null(strstr(told, ".key_cache: 0 -> 3\n"));
	assert_non_null(strstr(told, "policies."));
	assert_non_null(strstr(told, " -> -\n"));
	saker_config_free(a);
	saker_config_free(b);
}

static void
notices_policies_in_another_order(void **state)
{
	struct saker_config *a = load(), *b = saker_config_clone(a);
	struct saker_cfg_policy first = b->policies[0];

	(void)state;
	assert_true(b->n_policies > 1);
	b->policies[0] = b->policies[1];
	b->policies[1] = first;
	diff(a, b);
	assert_non_null(strstr(told, "(place): 1 -> 0\n"));
	assert_non_null(strstr(told, "(place): 0 -> 1\n"));
	saker_config_free(a);
	saker_config_free(b);
}

static void
exchanges_what_is_fixed_and_nothing_else(void **state)
{
	struct saker_config *a = load(), *b = saker_config_clone(a);
	struct saker_cfg_port *ports = a->ports;
	char *state_dir = a->gateway.state_dir;

	(void)state;
	b->ports[1].mtu = 1700;
	b->gateway.rotate_grace_ms = 5;
	saker_config_exchange_fixed(b, a);
	assert_ptr_equal(b->ports, ports);
	assert_ptr_equal(b->gateway.state_dir, state_dir);
	assert_int_equal(b->ports[1].mtu, 1600);
	assert_int_equal(a->ports[1].mtu, 1700);
	assert_int_equal(b->gateway.rotate_grace_ms, 5);
	saker_config_exchange_fixed(b, a);
	assert_ptr_equal(a->ports, ports);
	saker_config_free(a);
	saker_config_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_clone_is_the_same_and_lives_on_its_own),
		cmocka_unit_test(names_what_changed_and_what_needs_a_restart),
		cmocka_unit_test(notices_policies_in_another_order),
		cmocka_unit_test(exchanges_what_is_fixed_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
