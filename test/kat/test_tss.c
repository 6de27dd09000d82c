/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/*
 * Ultra Ethernet's TSS derivation is our primitive with other labels: its published known answers
 * test our code, and each crypto driver's, against figures that nobody here has made.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "saker_crypto.h"
#include "saker_keys.h"

#define TSS_BITS    0x0160
#define TSC         UINT64_C(0x1dc074e500000023) /* of all cases */
#define TSS_CONTEXT 26                           /* octets, the longer of the two forms */

/* SDKi, the key of all cases. */
static const char tss_key[] = "34448a064292601b11a0978f56a2d34cf3fc35ede1a6bc04f8db3e5243a2b0ca";

/* Epoch 1dc0; rekey word 000074e5 of counter 74e500000023, zero for servers. */
#define CLUSTER_V4 "1dc0000074e5c0a82a01"
#define CLUSTER_V6 "000000001dc0000074e520010cb0000000000fc0000000000abc"
#define SERVER_V4  "1dc000000000c0a82a01"
#define SERVER_V6  "000000001dc00000000020010cb0000000000fc0000000000abc"

static const struct tss_case {
	const char *name, *label, *context, *key, *mask;
} cases[] = {
	{ "cluster v4", "U1", CLUSTER_V4,
		"151b4ddb30112971ddeff3213000ee74d8f18aac2135601f1e5215e505fed449",
		"a7c6992c26b0bd5dd5c20e0c" },
	{ "cluster v6", "U1", CLUSTER_V6,
		"55d1ee8647bd53fad0e5325795af18e7559b7d42a895edf70f9c170341e8f767",
		"9c96a5752fb5669ccd5ded3f" },
	{ "server v4", "U2", SERVER_V4,
		"245e67ab286218530edd53c26ea9ec33c96b35192d0a0eb54d08be281c5d304b",
		"02d5ee33684201990e1629e0" },
	{ "server v6", "U2", SERVER_V6,
		"b59002ad3e6a9ae5864878730070f8916e43e5011acaa4be3504256185f24d97",
		"209a3d29581028fb0da2749e" },
};
#define CASES (sizeof(cases) / sizeof(cases[0]))

static void
expect(const struct tss_case *c, const uint8_t *key, const uint8_t *mask)
{
	char hex[2 * SAKER_KEY_MAX + 1];

	assert_string_equal(saker_hex_encode(key, 32, hex), c->key);
	assert_string_equal(saker_hex_encode(mask, SAKER_MASK_LEN, hex), c->mask);
}

static void
derives_the_published_keys_on_the_control_path(void **state)
{
	uint8_t key[32], context[TSS_CONTEXT], out[TSS_BITS / 8];

	(void)state;
	assert_int_equal(saker_hex_decode(tss_key, key, sizeof(key)), 32);
	for (size_t i = 0; i < CASES; i++) {
		int n = saker_hex_decode(cases[i].context, context, sizeof(context));

		assert_true(n == 10 || n == 26);
		assert_int_equal(
			saker_kdf(key, cases[i].label, context, (size_t)n, TSS_BITS, out), 0);
		expect(&cases[i], out, out + 32);
	}
}

static void
derives_another_key_when_one_bit_is_damaged(void **state)
{
	uint8_t key[32], context[TSS_CONTEXT], out[TSS_BITS / 8];
	char hex[2 * SAKER_KEY_MAX + 1];

	(void)state;
	assert_int_equal(saker_hex_decode(tss_key, key, sizeof(key)), 32);
	for (size_t i = 0; i < CASES; i++) {
		int n = saker_hex_decode(cases[i].context, context, sizeof(context));

		context[n - 1] ^= 1;
		assert_int_equal(
			saker_kdf(key, cases[i].label, context, (size_t)n, TSS_BITS, out), 0);
		assert_string_not_equal(saker_hex_encode(out, 32, hex), cases[i].key);
	}
}

/* What format tss derives for a packet of the source, IPv4 address or SSI, that the answers are
 * for. */
static void
derives_the_published_keys_for_packets_of_format_tss(void **state)
{
	static const uint8_t ip4[] = { 192, 168, 42, 1 };
	static const char ip6[] = "20010cb0000000000fc0000000000abc";
	uint8_t key[32], six[16];

	(void)state;
	assert_int_equal(saker_hex_decode(tss_key, key, sizeof(key)), 32);
	assert_int_equal(saker_hex_decode(ip6, six, sizeof(six)), 16);
	for (size_t i = 0; i < 2 * CASES; i++) {
		const struct tss_case *t = &cases[i / 2];
		bool v6 = i / 2 % 2 != 0, ssi = i % 2 != 0, server = i / 2 >= 2;
		const struct saker_kdf_context c = { .format = 'T',
			.server = server,
			.variant = ssi ? SAKER_V_SOURCE_ID : SAKER_V_SOURCE_IP,
			.family = v6 ? 6 : 4,
			.epoch = TSC >> 48,
			.rekey = server ? 0 : saker_rekey_masked(TSC, 32, UINT64_C(0xffff) << 32),
			.source = saker_load_be32(ip4),
			.src = v6 ? six : ip4 };
		struct saker_data_key out;

		if (ssi && v6)
			continue; /* an SSI is derived from as an IPv4 address is */
		assert_int_equal(saker_data_key_derive(key, &c, SAKER_AES_256_GCM, &out), 0);
		expect(t, out.key, out.mask);
	}
}

/* The form that the data path fills in, against the general one. */
static void
lays_out_one_block_as_the_general_form_does(void **state)
{
	static const uint64_t masks[] = { 0xffffffffffffULL, 0xff00, 0xffffULL << 32 };
	static const int shifts[] = { 8, 8, 32 };

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		bool server = i >= 3;
		struct saker_kdf_form form = saker_kdf_form(
			'T', SAKER_V_SOURCE_ID, SAKER_AES_256_GCM, server ? -1 : shifts[i % 3]);
		const struct saker_kdf_context c = { .format = 'T',
			.server = server,
			.epoch = TSC >> 48,
			.rekey = server ? 0 : saker_rekey_masked(TSC, shifts[i % 3], masks[i % 3]),
			.source = 0x0a000001 };
		uint8_t want[3 * SAKER_KDF_BLOCK], got[SAKER_KDF_BLOCK];

		form.label = saker_kdf_label('T', SAKER_V_SOURCE_ID, server);
		form.rekey_mask = masks[i % 3];
		assert_int_equal(saker_kdf_input(&c, SAKER_AES_256_GCM, want), 1);
		saker_kdf_block(&form, TSC, c.source, got);
		assert_memory_equal(got, want, sizeof(got));
	}
}

/* Put a case's KDF input into a slot as its caller would. Returns the number of blocks. */
static uint8_t
fill_slot(struct saker_batch *b, unsigned int slot, const struct tss_case *c)
{
	uint8_t input[SAKER_KDF_MAX_BLOCKS * SAKER_KDF_BLOCK] = { 0 };
	int n = saker_hex_decode(c->context, input + 4, TSS_CONTEXT);
	uint8_t blocks = (uint8_t)((n + SAKER_KDF_OVERHEAD) / SAKER_KDF_BLOCK);

	memcpy(input + 1, c->label, 2);
	saker_store_be16(input + 4 + n, TSS_BITS);
	for (uint8_t k = 0; k < blocks; k++)
		memcpy(b->kdf[k][slot], input + k * SAKER_KDF_BLOCK, SAKER_KDF_BLOCK);
	return blocks;
}

/* One case in the middle slot of n, damaged neighbours around it. */
static void
derive_among(const struct saker_crypto_ops *ops, void *ctx, const struct saker_master *master,
	const struct tss_case *c, uint16_t n)
{
	static struct saker_batch b;
	struct saker_data_key keys[SAKER_BATCH];
	unsigned int middle = n / 2u;

	memset(&b, 0, sizeof(b));
	b.n = n;
	b.suite = SAKER_AES_256_GCM;
	for (unsigned int slot = 0; slot < n; slot++) {
		b.kdf_blocks = fill_slot(&b, slot, c);
		b.master[slot] = master;
		if (slot != middle)
			b.kdf[0][slot][9] ^= (uint8_t)(slot + 1);
	}
	assert_int_equal(ops->derive(ctx, &b, keys), 0);
	expect(c, keys[middle].key, keys[middle].mask);
	for (unsigned int slot = 0; slot < n; slot++)
		if (slot != middle)
			assert_memory_not_equal(keys[slot].key, keys[middle].key, 32);
}

static void
derive_with(const struct saker_crypto_ops *ops)
{
	static const uint16_t sizes[] = { 1, 2, 3, 15, 16, 17, SAKER_BATCH };
	struct saker_master master;
	uint8_t key[32];
	void *ctx = ops->lcore_init(0);

	assert_non_null(ctx);
	assert_int_equal(saker_hex_decode(tss_key, key, sizeof(key)), 32);
	assert_int_equal(ops->set_master(ctx, key, &master), 0);
	for (size_t i = 0; i < CASES; i++)
		for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
			derive_among(ops, ctx, &master, &cases[i], sizes[s]);
	ops->lcore_fini(ctx);
}

static void
derives_the_published_keys_with_every_crypto_driver(void **state)
{
	unsigned int tried = 0;

	(void)state;
	for (size_t i = 0; saker_crypto_drivers[i] != NULL; i++) {
		if (saker_crypto_drivers[i]->probe() == -ENOTSUP) {
			print_message("%s: not on this machine\n", saker_crypto_drivers[i]->name);
			continue;
		}
		print_message("%s\n", saker_crypto_drivers[i]->name);
		derive_with(saker_crypto_drivers[i]);
		tried++;
	}
	assert_true(tried > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(derives_the_published_keys_on_the_control_path),
		cmocka_unit_test(derives_another_key_when_one_bit_is_damaged),
		cmocka_unit_test(derives_the_published_keys_for_packets_of_format_tss),
		cmocka_unit_test(lays_out_one_block_as_the_general_form_does),
		cmocka_unit_test(derives_the_published_keys_with_every_crypto_driver),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
