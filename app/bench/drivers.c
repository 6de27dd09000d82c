/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "bench.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "saker_eesp.h"

unsigned int
saker_bench_suites(const char *name, enum saker_suite suites[2])
{
	static const struct {
		const char *name;
		enum saker_suite suite;
	} known[] = {
		{ "aes-128-gcm", SAKER_AES_128_GCM },
		{ "aes-256-gcm", SAKER_AES_256_GCM },
	};
	unsigned int n = 0;

	for (unsigned int i = 0; i < 2; i++)
		if (name == NULL || strcmp(name, known[i].name) == 0)
			suites[n++] = known[i].suite;
	if (n == 0)
		(void)saker_bench_fail(
			-EINVAL, "there is no suite '%s'; take aes-128-gcm or aes-256-gcm", name);
	return n;
}

uint16_t
saker_bench_aad_len(void)
{
	const struct saker_form form = { .spi = 1, .variant = SAKER_V_SOURCE_ID };
	struct saker_tmpl t;

	return saker_eesp_template(&form, &t) == 0 ? t.len : 0;
}

/* Keys of the cases that keep keys: which ones is all the same. */
static int
expand_keys(struct saker_bench_driver *d, enum saker_suite suite)
{
	int ret = 0;

	for (unsigned int i = 0; i < SAKER_BENCH_KEYS && ret == 0; i++) {
		struct saker_data_key key = { .key = { (uint8_t)i, 1 }, .mask = { 2 } };

		ret = d->ops->expand(d->ctx, suite, &key, &d->expanded[i]);
	}
	return ret;
}

static int
open_driver(
	const struct saker_crypto_ops *ops, enum saker_suite suite, struct saker_bench_driver *d)
{
	uint8_t key[SAKER_KEY_MAX];

	d->ops = ops;
	d->ctx = ops->lcore_init(0);
	d->master = saker_secret_alloc(sizeof(*d->master));
	d->expanded = saker_secret_alloc(SAKER_BENCH_KEYS * sizeof(*d->expanded));
	if (d->ctx == NULL || d->master == NULL || d->expanded == NULL ||
		getrandom(key, sizeof(key), 0) != sizeof(key))
		return saker_bench_fail(-ENOMEM, "no memory for crypto driver %s", ops->name);
	if (ops->set_master(d->ctx, key, d->master) != 0 || expand_keys(d, suite) != 0)
		return saker_bench_fail(-EIO, "crypto driver %s refused a key", ops->name);
	return 0;
}

const char *
saker_bench_choose(const char *name)
{
	char why[256];
	const struct saker_crypto_ops *ops = saker_crypto_select(name, why, sizeof(why));

	(void)saker_bench_fail(0, "crypto driver %s", why);
	return ops == NULL ? NULL : ops->name;
}

static bool
is_wanted(const struct saker_crypto_ops *ops, const char *name)
{
	enum saker_crypto_state state;

	if (name != NULL && strcmp(ops->name, name) != 0)
		return false;
	state = saker_crypto_check(ops);
	if (state == SAKER_CRYPTO_READY)
		return true;
	(void)saker_bench_fail(
		0, "crypto driver %s is left out: %s", ops->name, saker_crypto_state_name(state));
	return false;
}

unsigned int
saker_bench_drivers_open(const char *name, enum saker_suite suite, struct saker_bench_driver *d)
{
	unsigned int n = 0;

	memset(d, 0, SAKER_BENCH_DRIVERS * sizeof(*d));
	for (unsigned int i = 0; saker_crypto_drivers[i] != NULL; i++) {
		const struct saker_crypto_ops *ops = saker_crypto_drivers[i];

		if (n == SAKER_BENCH_DRIVERS || !is_wanted(ops, name))
			continue;
		if (open_driver(ops, suite, &d[n++]) == 0)
			continue;
		saker_bench_drivers_close(d, n);
		return 0;
	}
	if (n == 0)
		(void)saker_bench_fail(-EINVAL, "there is no crypto driver to measure");
	return n;
}

void
saker_bench_drivers_close(struct saker_bench_driver *d, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		if (d[i].ctx != NULL)
			d[i].ops->lcore_fini(d[i].ctx);
		saker_secret_free(d[i].master, sizeof(*d[i].master));
		saker_secret_free(d[i].expanded, SAKER_BENCH_KEYS * sizeof(*d[i].expanded));
	}
}
