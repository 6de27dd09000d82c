/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/*
 * Crypto driver for processors with AES-NI and PCLMULQDQ, without AVX-512: the keys of four packets
 * are derived and expanded side by side. This file takes the best code for the processor.
 */

#include <errno.h>

#include <cpuid.h>

#include "aesni_group.h"
#include "saker_cpu.h"

/* Not every compiler in use knows these by name. */
static bool
has_vaes(void)
{
	unsigned int eax, ebx, ecx = 0, edx;

	if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx))
		return false;
	return (ecx & bit_VAES) != 0 && (ecx & bit_VPCLMULQDQ) != 0;
}

static bool
has_sse(void)
{
	unsigned int eax, ebx, ecx = 0, edx;
	const unsigned int need = bit_AES | bit_PCLMUL | bit_SSSE3 | bit_SSE4_1;

	return __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & need) == need;
}

/* @return NULL if this processor has too little */
static const struct aesni_code *
best_code(void)
{
	__builtin_cpu_init();
	if (!has_sse())
		return NULL;
	if (saker_cpu_may_use(SAKER_CPU_AVX2_VAES) && __builtin_cpu_supports("avx2") && has_vaes())
		return &saker_aesni_vaes;
	if (saker_cpu_may_use(SAKER_CPU_AVX2) && __builtin_cpu_supports("avx"))
		return &saker_aesni_avx;
	return &saker_aesni_sse;
}

static int
aesni_probe(void)
{
	/* Below what ipsec_mb claims with AVX-512 and VAES, above all else of it. */
	return best_code() == NULL ? -ENOTSUP : 90;
}

static void *
aesni_lcore_init(int socket)
{
	struct aesni_group *g = saker_secret_alloc(sizeof(*g));

	(void)socket;
	if (g != NULL)
		g->code = best_code();
	return g;
}

static void
aesni_lcore_fini(void *ctx)
{
	saker_secret_free(ctx, sizeof(struct aesni_group));
}

static int
aesni_set_master(void *ctx, const uint8_t *key, struct saker_master *m)
{
	struct aesni_group *g = ctx;

	g->code->set_master(g, key, m);
	return 0;
}

static int
aesni_expand(void *ctx, enum saker_suite suite, const struct saker_data_key *key,
	struct saker_expanded_key *e)
{
	struct aesni_group *g = ctx;

	g->code->expand(g, suite, key, (void *)e->octets);
	return 0;
}

static int
aesni_derive(void *ctx, struct saker_batch *b, struct saker_data_key *keys)
{
	struct aesni_group *g = ctx;

	g->code->derive(g, b, keys);
	return 0;
}

static unsigned int
aesni_seal(void *ctx, struct saker_batch *b)
{
	struct aesni_group *g = ctx;

	return g->code->seal(g, b);
}

static unsigned int
aesni_open(void *ctx, struct saker_batch *b)
{
	struct aesni_group *g = ctx;

	return g->code->open(g, b);
}

const struct saker_crypto_ops saker_aesni_ops = {
	.name = "aesni",
	.help = "AES-NI and PCLMULQDQ; computes the keys of 4 packets at a time",
	.probe = aesni_probe,
	.lcore_init = aesni_lcore_init,
	.lcore_fini = aesni_lcore_fini,
	.set_master = aesni_set_master,
	.expand = aesni_expand,
	.derive = aesni_derive,
	.seal = aesni_seal,
	.open = aesni_open,
};
