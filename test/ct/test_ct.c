/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/*
 * No branch and no address depends on keys or texts: calls of the crypto drivers and of lib/keys
 * are traced instruction by instruction, with several secrets, and must not differ. What is public
 * stays: lengths, AAD, nonces, KDF inputs, whether an ICV is right.
 *
 * Argument: the most that drivers may use of the processor, saker_cpu.h.
 *
 * Where the first difference stands in a library of crypto, it is noted and does not fail the test.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <immintrin.h>

#include "saker_cpu.h"
#include "saker_crypto.h"
#include "saker_keys.h"

#include "trace.h"

#define FEW     3 /* secrets: zeros, ones, something else */
#define MANY    8
#define ICV_LEN 16
#define MAX_LEN 2500
#define MAX_AAD 64

enum call { SET_MASTER, DERIVE, EXPAND, SEAL, OPEN, REFUSE };

/* A call of a driver. */
struct job {
	const char *name;
	enum call call;
	unsigned int n;
	uint32_t len[3]; /* of slots, in turn */
	uint16_t aad_len;
	uint8_t kdf_blocks;
	bool stored; /* every slot but the first has its expanded key */
	bool mixed;  /* masters */
	bool shared; /* all slots have one KDF input */
};

static const struct job jobs[] = {
	{ "set_master", SET_MASTER, 1, { 0 }, 0, 1, false, false },
	{ "expand", EXPAND, 1, { 0 }, 0, 1, false, false },
	{ "derive", DERIVE, 17, { 0 }, 0, 1, false, false },
	{ "derive, mixed masters", DERIVE, 5, { 0 }, 0, 3, false, true },
	{ "seal, AAD only", SEAL, 16, { 0 }, 20, 1, false, false },
	{ "open, AAD only", OPEN, 16, { 0 }, 20, 1, false, false },
	{ "seal, short", SEAL, 17, { 64, 64, 64 }, 28, 1, false, false },
	{ "open, short", OPEN, 1, { 100 }, 28, 1, false, false },
	{ "seal, unlike, mixed masters", SEAL, 7, { 61, 0, 90 }, 33, 2, false, true },
	{ "open, unlike, mixed masters", OPEN, 7, { 61, 0, 90 }, 33, 2, false, true },
	{ "seal, short, expanded", SEAL, 16, { 64, 17, 100 }, 28, 1, true, false },
	{ "open, short, expanded", OPEN, 16, { 64, 17, 100 }, 28, 1, true, false },
	{ "seal, long", SEAL, 9, { 1420, 333, 513 }, 28, 1, false, false },
	{ "open, long", OPEN, 9, { 1420, 333, 513 }, 28, 1, false, false },
	{ "seal, long, expanded", SEAL, 5, { 2500, 5, 1024 }, 21, 1, true, false },
	{ "open, long, expanded", OPEN, 5, { 2500, 5, 1024 }, 21, 1, true, false },
	{ "seal, short, one key", SEAL, 20, { 64, 64, 64 }, 28, 1, false, false, true },
	{ "open, short, one key", OPEN, 20, { 100, 97, 110 }, 20, 2, false, false, true },
	{ "seal, unlike, one key", SEAL, 18, { 61, 0, 90 }, 33, 1, false, false, true },
	{ "open, long, one key", OPEN, 17, { 1420, 333, 513 }, 28, 1, false, false, true },
	{ "refuse, short", REFUSE, 16, { 64, 0, 100 }, 28, 1, false, false },
	{ "refuse, long", REFUSE, 5, { 700, 0, 100 }, 28, 1, false, false },
};

/* One job with one driver and suite. */
struct trial {
	const struct saker_crypto_ops *ops;
	const struct job *job;
	enum saker_suite suite;
};

/* Of the child: a fork has its own. */
static struct saker_batch batch;
static struct saker_master masters[2];
static struct saker_data_key keys[SAKER_BATCH];
static struct saker_expanded_key expanded[SAKER_BATCH];
static uint8_t root[3][32], text[SAKER_BATCH][MAX_LEN], icv[SAKER_BATCH][ICV_LEN], aad[MAX_AAD];
static void *ctx;
static uint64_t random_state;

/* What functions under test leave. */
static volatile uint64_t sink;

/* xorshift64*; secret 0 is zeros, 1 is ones, the others are random. */
static uint8_t
secret_octet(unsigned int secret)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return secret == 0 ? 0 : secret == 1 ? 0xff : (uint8_t)(random_state >> 40);
}

static void
fill_secret(unsigned int secret, void *p, size_t n)
{
	uint8_t *octets = p;

	random_state = 0x5eed + secret;
	for (unsigned int i = 0; i < 64; i++)
		(void)secret_octet(0);
	for (size_t i = 0; i < n; i++)
		octets[i] = secret_octet(secret);
}

/* This one works on one text after the other, so that a few tell as much. */
static unsigned int
slots_of(const struct trial *t)
{
	const bool few = strcmp(t->ops->name, "ipsec_mb") == 0 && t->job->call >= SEAL;

	return few && t->job->n > 3 ? 3 : t->job->n;
}

static void
fill_batch(const struct trial *t)
{
	const struct job *j = t->job;

	memset(&batch, 0, sizeof(batch));
	batch.n = (uint16_t)slots_of(t);
	batch.suite = (uint8_t)t->suite;
	batch.kdf_blocks = j->kdf_blocks;
	for (unsigned int i = 0; i < batch.n; i++) {
		for (unsigned int k = 0; k < SAKER_KDF_MAX_BLOCKS; k++)
			memset(batch.kdf[k][i], (int)(1 + (j->shared ? 0 : i) + k),
				SAKER_KDF_BLOCK);
		batch.nonce[i][11] = (uint8_t)(i + 1);
		batch.master[i] = &masters[j->mixed && i % 3 == 1];
		batch.aad[i] = aad;
		batch.aad_len[i] = j->aad_len;
		batch.src[i] = batch.dst[i] = text[i];
		batch.len[i] = j->len[i % 3];
		batch.icv[i] = icv[i];
	}
}

static bool
expand_keys(const struct trial *t)
{
	if (t->ops->derive(ctx, &batch, keys) != 0)
		return false;
	for (unsigned int i = 1; t->job->stored && i < batch.n; i++) {
		if (t->ops->expand(ctx, t->suite, &keys[i], &expanded[i]) != 0)
			return false;
		batch.expanded[i] = &expanded[i];
	}
	return true;
}

/* Which packets are refused is public; which octet of the ICV is wrong is not. */
static bool
seal_for_open(const struct trial *t, unsigned int secret)
{
	if (t->ops->seal(ctx, &batch) != batch.n)
		return false;
	for (unsigned int i = 0; t->job->call == REFUSE && i < batch.n; i += 3)
		icv[i][5 * secret % ICV_LEN] ^= (uint8_t)(1 + secret);
	return true;
}

static bool
prepare_trial(const void *arg, unsigned int secret)
{
	const struct trial *t = arg;

	fill_secret(secret, root, sizeof(root));
	fill_secret(secret, text, sizeof(text));
	root[1][0] ^= 1; /* the masters differ */
	ctx = t->ops->lcore_init(0);
	if (ctx == NULL)
		return false;
	for (unsigned int m = 0; m < 2; m++)
		if (t->ops->set_master(ctx, root[m], &masters[m]) != 0)
			return false;
	fill_batch(t);
	if (!expand_keys(t))
		return false;
	return t->job->call < OPEN || seal_for_open(t, secret);
}

static void
run_trial(const void *arg)
{
	const struct trial *t = arg;

	switch (t->job->call) {
	case SET_MASTER:
		(void)t->ops->set_master(ctx, root[2], &masters[0]);
		break;
	case DERIVE:
		(void)t->ops->derive(ctx, &batch, keys);
		break;
	case EXPAND:
		(void)t->ops->expand(ctx, t->suite, &keys[0], &expanded[0]);
		break;
	case SEAL:
		(void)t->ops->seal(ctx, &batch);
		break;
	case OPEN:
	case REFUSE:
		(void)t->ops->open(ctx, &batch);
		break;
	}
}

/* What saker can't mend. Not so libc: it touches what we give it. */
static bool
is_crypto_library(const char *file)
{
	return strstr(file, "libIPSec_MB") != NULL || strstr(file, "libcrypto") != NULL;
}

/* Say what was found. @return whether it is a fault of ours */
static bool
report(const char *who, const char *what, struct ct_result r)
{
	Dl_info info = { 0 };
	const char *file = "?";
	bool noted;

	if (dladdr((void *)(uintptr_t)r.pc, &info) != 0)
		file = info.dli_fname;
	noted = is_crypto_library(file) &&
		(r.outcome == CT_OTHER_BRANCH || r.outcome == CT_OTHER_ADDRESS);
	print_message("%s: %s, %s, secret %u, step %zu: %s (addr2line -fie %s 0x%llx)\n",
		noted ? "note" : "FAULT", who, what, r.secret, r.steps, ct_outcome_name(r.outcome),
		file, (unsigned long long)(r.pc - (uint64_t)(uintptr_t)info.dli_fbase));
	return !noted;
}

/* @return the traces are the same, or differ by no fault of ours */
static bool
is_constant(const char *who, const char *what, const struct ct_subject *s, unsigned int secrets)
{
	struct ct_result r = ct_compare(s, secrets);

	return r.outcome == CT_SAME || !report(who, what, r);
}

/* @return jobs that fail */
static unsigned int
count_faults(const struct saker_crypto_ops *ops)
{
	unsigned int faults = 0;

	print_message("driver %s\n", ops->name);
	for (size_t i = 0; i < sizeof(jobs) / sizeof(jobs[0]); i++)
		for (int s = SAKER_AES_128_GCM; s <= SAKER_AES_256_GCM; s++) {
			struct trial t = { ops, &jobs[i], (enum saker_suite)s };
			struct ct_subject subject = { prepare_trial, run_trial, &t };

			faults += !is_constant(ops->name, jobs[i].name, &subject,
				jobs[i].call < SEAL ? MANY : FEW);
		}
	return faults;
}

/* The reference is no code for speed: nearly all of it is OpenSSL, which takes its time here. */
static void
keeps_secrets_out_of_branches_and_addresses_in_drivers(void **state)
{
	unsigned int faults = 0, drivers = 0;

	(void)state;
	for (unsigned int d = 0; saker_crypto_drivers[d] != NULL; d++) {
		const struct saker_crypto_ops *ops = saker_crypto_drivers[d];

		if (ops == &saker_openssl_ops || ops->probe() <= 0)
			continue;
		faults += count_faults(ops);
		drivers++;
	}
	assert_int_equal(faults, 0);
	if (drivers == 0)
		skip();
}

/* A function of one secret word, with what it needs. */
struct function {
	const char *name;
	void (*run)(const void *arg);
};

static bool
prepare_function(const void *arg, unsigned int secret)
{
	(void)arg;
	fill_secret(secret, root, sizeof(root));
	memcpy(root[1], root[0], sizeof(root[0]));
	root[1][7 * secret % sizeof(root[1])] ^= 1;
	root[2][0] ^= 1;
	return true;
}

static void
run_function(const void *arg)
{
	const struct function *f = arg;

	f->run(arg);
}

static struct ct_result
compare_function(const struct function *f)
{
	return ct_compare(&(struct ct_subject){ prepare_function, run_function, f }, MANY);
}

static void
look_up(const void *arg)
{
	static const volatile uint8_t table[256];

	(void)arg;
	sink = table[root[0][0]];
}

static void
branch(const void *arg)
{
	(void)arg;
	if (root[0][0] & 0x80)
		sink = 1;
}

static void
stop_at_a_difference(const void *arg)
{
	const volatile uint8_t *a = root[0], *b = root[1];
	unsigned int i = 0;

	(void)arg;
	while (i < sizeof(root[0]) && a[i] == b[i])
		i++;
	sink = i;
}

/* No cache would tell. */
static void
write_within_a_line(const void *arg)
{
	volatile uint8_t *line = text[0];

	(void)arg;
	line[root[0][3] % 2] = 1;
}

__attribute__((target("avx512f,avx512bw"))) static void
load_by_mask(const void *arg)
{
	__m512i v;

	(void)arg;
	__asm__ volatile("kmovd %1, %%k1\n\tvmovdqu8 %2, %0%{%%k1%}%{z%}"
			 : "=v"(v)
			 : "r"((uint32_t)root[0][0]), "m"(text[0])
			 : "k1");
	sink = (uint64_t)_mm512_cvtsi512_si32(v);
}

static void
select_by_mask(const void *arg)
{
	const volatile uint8_t *a = root[0];
	uint8_t mask = (uint8_t)(0 - (a[0] >> 7));

	(void)arg;
	sink = (uint64_t)((a[1] & mask) | (a[2] & ~mask));
}

static void
compare_with_care(const void *arg)
{
	(void)arg;
	sink = saker_ct_equal(root[0], root[1], sizeof(root[0]));
}

static void
catches_functions_that_leak(void **state)
{
	static const struct {
		struct function function;
		enum ct_outcome want;
	} leaks[] = {
		{ { "look_up", look_up }, CT_OTHER_ADDRESS },
		{ { "branch", branch }, CT_OTHER_BRANCH },
		{ { "stop_at_a_difference", stop_at_a_difference }, CT_OTHER_BRANCH },
		{ { "write_within_a_line", write_within_a_line }, CT_OTHER_ADDRESS },
		{ { "load_by_mask", load_by_mask }, CT_OTHER_ADDRESS },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(leaks) / sizeof(leaks[0]); i++) {
		struct ct_result r;

		if (leaks[i].function.run == load_by_mask && !__builtin_cpu_supports("avx512bw"))
			continue;
		r = compare_function(&leaks[i].function);
		if (r.outcome != leaks[i].want)
			(void)report("leak", leaks[i].function.name, r);
		assert_int_equal(r.outcome, leaks[i].want);
	}
}

static void
passes_functions_that_do_not_leak(void **state)
{
	static const struct function functions[] = {
		{ "select_by_mask", select_by_mask },
		{ "saker_ct_equal", compare_with_care },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		struct ct_subject s = { prepare_function, run_function, &functions[i] };

		assert_true(is_constant("function", functions[i].name, &s, MANY));
	}
}

static void
combine_by(enum saker_combine combine)
{
	const uint8_t *const value[SAKER_LEVELS] = { root[0], root[2] };

	(void)saker_master_key(combine, value, keys[0].key);
}

static void
combine_by_hkdf(const void *arg)
{
	(void)arg;
	combine_by(SAKER_HKDF);
}

static void
combine_by_xor(const void *arg)
{
	(void)arg;
	combine_by(SAKER_XOR);
}

static void
make_group_key(const void *arg)
{
	(void)arg;
	(void)saker_group_key(root[0], 'E', SAKER_AES_256_GCM, 77, keys[0].key);
}

/* What a library does the first time is no matter of secrets. */
static bool
prepare_keys(const void *arg, unsigned int secret)
{
	(void)prepare_function(arg, secret);
	run_function(arg);
	return true;
}

static void
keeps_secrets_out_of_branches_and_addresses_in_key_combination(void **state)
{
	static const struct function functions[] = {
		{ "combine by hkdf", combine_by_hkdf },
		{ "combine by xor", combine_by_xor },
		{ "group key", make_group_key },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		struct ct_subject s = { prepare_keys, run_function, &functions[i] };

		assert_true(is_constant("keys", functions[i].name, &s, FEW));
	}
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(catches_functions_that_leak),
		cmocka_unit_test(passes_functions_that_do_not_leak),
		cmocka_unit_test(keeps_secrets_out_of_branches_and_addresses_in_drivers),
		cmocka_unit_test(keeps_secrets_out_of_branches_and_addresses_in_key_combination),
	};

	if (argc > 1 && saker_cpu_limit(argv[1]) != 0)
		return 2;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
