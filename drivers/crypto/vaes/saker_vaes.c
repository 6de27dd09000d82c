/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

/*
 * Crypto driver for processors with AVX-512, VAES, VPCLMULQDQ and GFNI: a fresh key for every
 * packet at the price of a stored one. vaes_code.c tells how.
 *
 * An expanded key is the data key alone: expanding it again beside its neighbours takes less time
 * than fetching its schedule from memory would.
 */

#include <errno.h>

#include <cpuid.h>

#include "saker_cpu.h"
#include "vaes_code.h"

_Static_assert(
	sizeof(struct saker_data_key) <= SAKER_EXPANDED_SIZE, "an expanded key needs more room");

/* A batch is for one of both, and they may share their context. */
static const struct vaes_code *
code_for(const struct saker_batch *b)
{
	return b->n <= VAES_SMALL_BATCH ? &saker_vaes_small : &saker_vaes_large;
}

static size_t
context_size(void)
{
	size_t small = saker_vaes_small.size, large = saker_vaes_large.size;

	return small > large ? small : large;
}

static int
vaes_probe(void)
{
	unsigned int eax, ebx, ecx = 0, edx;

	if (!saker_cpu_may_use(SAKER_CPU_AVX512))
		return -ENOTSUP;
	/* Not every compiler in use knows these by name. */
	if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) ||
		(ecx & (bit_VAES | bit_GFNI)) != (bit_VAES | bit_GFNI))
		return -ENOTSUP;
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
		__builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
		__builtin_cpu_supports("vpclmulqdq") && __builtin_cpu_supports("aes") &&
		__builtin_cpu_supports("pclmul"))
		return 200;
	return -ENOTSUP;
}

static void *
vaes_lcore_init(int socket)
{
	(void)socket;
	return saker_secret_alloc(context_size());
}

static void
vaes_lcore_fini(void *ctx)
{
	saker_secret_free(ctx, context_size());
}

static int
vaes_set_master(void *ctx, const uint8_t *key, struct saker_master *m)
{
	saker_vaes_small.set_master(ctx, key, m);
	return 0;
}

static int
vaes_expand(void *ctx, enum saker_suite suite, const struct saker_data_key *key,
	struct saker_expanded_key *e)
{
	(void)ctx;
	(void)suite;
	memcpy(e->octets, key, sizeof(*key));
	return 0;
}

static int
vaes_derive(void *ctx, struct saker_batch *b, struct saker_data_key *keys)
{
	code_for(b)->derive(ctx, b, keys);
	return 0;
}

static unsigned int
vaes_seal(void *ctx, struct saker_batch *b)
{
	return code_for(b)->seal(ctx, b);
}

static unsigned int
vaes_open(void *ctx, struct saker_batch *b)
{
	return code_for(b)->open(ctx, b);
}

const struct saker_crypto_ops saker_vaes_ops = {
	.name = "vaes",
	.help = "AVX-512, VAES, VPCLMULQDQ and GFNI; computes the keys of 16 packets at a time",
	.probe = vaes_probe,
	.lcore_init = vaes_lcore_init,
	.lcore_fini = vaes_lcore_fini,
	.set_master = vaes_set_master,
	.expand = vaes_expand,
	.derive = vaes_derive,
	.seal = vaes_seal,
	.open = vaes_open,
};
