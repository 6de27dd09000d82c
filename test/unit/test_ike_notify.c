/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "saker_format.h"
#include "saker_ike_notify.h"

/* Next payload 41 (Notify), "cpu3" as resource identifier. */
static const uint8_t resource[] = { 41, 0, 0, 12, 0, 0, 0x40, 0x3c, 'c', 'p', 'u', '3' };
static const uint8_t max_queue[] = { 0, 0, 0, 8, 0, 0, 0, 48 };

/* Read a copy that ends where its memory ends. */
static enum saker_ike_verdict
read_exact(const uint8_t *octets, size_t len, struct saker_ike_notify *n)
{
	uint8_t *copy = malloc(len != 0 ? len : 1);
	enum saker_ike_verdict v;

	memcpy(copy, octets, len);
	v = saker_ike_notify_read(copy, len, n);
	free(copy);
	return v;
}

static void
reads_both_notifications(void **state)
{
	struct saker_ike_notify n;

	(void)state;
	assert_int_equal(saker_ike_notify_read(resource, sizeof(resource), &n), SAKER_IKE_GOOD);
	assert_int_equal(n.type, SAKER_IKE_SA_RESOURCE_INFO);
	assert_int_equal(n.next_payload, 41);
	assert_int_equal(n.data_len, 4);
	assert_memory_equal(n.data, "cpu3", 4);
	assert_int_equal(saker_ike_notify_read(max_queue, sizeof(max_queue), &n), SAKER_IKE_GOOD);
	assert_int_equal(n.type, SAKER_IKE_TS_MAX_QUEUE);
	assert_int_equal(n.data_len, 0);
}

static void
the_resource_identifier_may_be_absent_and_ends_with_the_payload(void **state)
{
	uint8_t p[sizeof(resource)];
	struct saker_ike_notify n;

	(void)state;
	memcpy(p, resource, sizeof(p));
	for (uint8_t len = 0; len <= 4; len++) {
		p[3] = SAKER_IKE_NOTIFY_HEADER + len;
		assert_int_equal(saker_ike_notify_read(p, sizeof(p), &n), SAKER_IKE_GOOD);
		assert_int_equal(n.data_len, len);
	}
}

static void
a_truncated_payload_is_bad(void **state)
{
	struct saker_ike_notify n;

	(void)state;
	for (size_t len = 0; len < sizeof(resource); len++)
		assert_int_equal(read_exact(resource, len, &n), SAKER_IKE_BAD);
	assert_int_equal(read_exact(resource, sizeof(resource), &n), SAKER_IKE_GOOD);
}

static void
a_length_below_the_header_is_bad(void **state)
{
	uint8_t p[sizeof(max_queue)];
	struct saker_ike_notify n;

	(void)state;
	memcpy(p, max_queue, sizeof(p));
	for (uint8_t len = 0; len < SAKER_IKE_NOTIFY_HEADER; len++) {
		p[3] = len;
		assert_int_equal(saker_ike_notify_read(p, sizeof(p), &n), SAKER_IKE_BAD);
	}
}

static void
ignores_other_types_protocol_ids_and_spi_sizes(void **state)
{
	static const struct {
		unsigned int at;
		uint8_t value;
	} cases[] = { { 4, 1 }, { 4, 3 }, { 5, 4 }, { 5, 1 }, { 6, 0x41 }, { 7, 0x3d } };
	struct saker_ike_notify n;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t p[sizeof(resource)];

		memcpy(p, resource, sizeof(p));
		p[cases[i].at] = cases[i].value;
		assert_int_equal(saker_ike_notify_read(p, sizeof(p), &n), SAKER_IKE_IGNORE);
	}
}

static void
looks_at_no_critical_or_reserved_bit(void **state)
{
	uint8_t p[sizeof(resource)];
	struct saker_ike_notify n;

	(void)state;
	memcpy(p, resource, sizeof(p));
	for (unsigned int bits = 0; bits < 256; bits++) {
		p[1] = (uint8_t)bits;
		assert_int_equal(saker_ike_notify_read(p, sizeof(p), &n), SAKER_IKE_GOOD);
	}
}

static void
ts_max_queue_has_no_data(void **state)
{
	const uint8_t p[] = { 0, 0, 0, 9, 0, 0, 0, 48, 1 };
	struct saker_ike_notify n = { .type = SAKER_IKE_TS_MAX_QUEUE, .data = p, .data_len = 1 };
	uint8_t out[16];

	(void)state;
	assert_int_equal(saker_ike_notify_write(&n, out, sizeof(out)), 0);
	assert_int_equal(saker_ike_notify_read(p, sizeof(p), &n), SAKER_IKE_BAD);
}

static void
writes_what_it_reads(void **state)
{
	struct saker_ike_notify n;
	uint8_t out[sizeof(resource)];

	(void)state;
	assert_int_equal(saker_ike_notify_read(resource, sizeof(resource), &n), SAKER_IKE_GOOD);
	memset(out, 0xff, sizeof(out));
	assert_int_equal(saker_ike_notify_write(&n, out, sizeof(out)), sizeof(resource));
	assert_memory_equal(out, resource, sizeof(resource));
	assert_int_equal(saker_ike_notify_read(max_queue, sizeof(max_queue), &n), SAKER_IKE_GOOD);
	memset(out, 0xff, sizeof(out));
	assert_int_equal(saker_ike_notify_write(&n, out, sizeof(out)), sizeof(max_queue));
	assert_memory_equal(out, max_queue, sizeof(max_queue));
}

static void
writes_nothing_that_does_not_fit(void **state)
{
	struct saker_ike_notify n = {
		.type = SAKER_IKE_SA_RESOURCE_INFO, .data = resource, .data_len = 4
	};
	static uint8_t big[UINT16_MAX + 64];

	(void)state;
	assert_int_equal(saker_ike_notify_write(&n, big, 11), 0);
	assert_int_equal(saker_ike_notify_write(&n, big, 12), 12);
	n.data = big;
	n.data_len = UINT16_MAX;
	assert_int_equal(saker_ike_notify_write(&n, big, sizeof(big)), 0);
	n.data_len = 0;
	n.type = 16445;
	assert_int_equal(saker_ike_notify_write(&n, big, sizeof(big)), 0);
}

static void
child_sas_are_refused_at_the_limit_but_never_the_fallback_sa(void **state)
{
	(void)state;
	assert_int_equal(saker_ike_child_sa_answer(0, 5), 0);
	assert_int_equal(saker_ike_child_sa_answer(4, 5), 0);
	assert_int_equal(saker_ike_child_sa_answer(5, 5), SAKER_IKE_TS_MAX_QUEUE);
	assert_int_equal(saker_ike_child_sa_answer(6, 5), SAKER_IKE_TS_MAX_QUEUE);
	assert_int_equal(saker_ike_child_sa_answer(0, 0), 0);
	assert_int_equal(saker_ike_child_sa_answer(1, 0), SAKER_IKE_TS_MAX_QUEUE);
}

static void
asks_again_only_when_a_child_sa_has_gone(void **state)
{
	(void)state;
	assert_true(saker_ike_child_sa_may_ask(7, 0));
	assert_false(saker_ike_child_sa_may_ask(3, 3));
	assert_false(saker_ike_child_sa_may_ask(4, 3));
	assert_true(saker_ike_child_sa_may_ask(2, 3));
}

static void
names_the_sn_transforms_as_rfc_9827_does(void **state)
{
	(void)state;
	assert_string_equal(saker_ike_sn_name(0), "32-bit sequential");
	assert_string_equal(saker_ike_sn_name(1), "partially transmitted 64-bit sequential");
	assert_string_equal(saker_ike_sn_name(2), "32-bit unspecified");
	assert_null(saker_ike_sn_name(3));
	assert_null(saker_ike_sn_name(UINT16_MAX));
	for (uint16_t id = 0; id < SAKER_IKE_SN_IDS; id++)
		assert_int_equal(saker_ike_sn_id(saker_ike_sn_name(id)), id);
	assert_int_equal(saker_ike_sn_id("esn"), -1);
	assert_int_equal(SAKER_ESP_SN_32, 0);
	assert_int_equal(SAKER_ESP_SN_64, 1);
	assert_int_equal(SAKER_ESP_SN_UNSPECIFIED, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_both_notifications),
		cmocka_unit_test(the_resource_identifier_may_be_absent_and_ends_with_the_payload),
		cmocka_unit_test(a_truncated_payload_is_bad),
		cmocka_unit_test(a_length_below_the_header_is_bad),
		cmocka_unit_test(ignores_other_types_protocol_ids_and_spi_sizes),
		cmocka_unit_test(looks_at_no_critical_or_reserved_bit),
		cmocka_unit_test(ts_max_queue_has_no_data),
		cmocka_unit_test(writes_what_it_reads),
		cmocka_unit_test(writes_nothing_that_does_not_fit),
		cmocka_unit_test(child_sas_are_refused_at_the_limit_but_never_the_fallback_sa),
		cmocka_unit_test(asks_again_only_when_a_child_sa_has_gone),
		cmocka_unit_test(names_the_sn_transforms_as_rfc_9827_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
