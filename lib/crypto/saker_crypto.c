/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_crypto.h"

#include <stdarg.h>
#include <stdio.h>

#ifdef SAKER_HAVE_VAES
extern const struct saker_crypto_ops saker_vaes_ops;
#endif
#ifdef SAKER_HAVE_AESNI
extern const struct saker_crypto_ops saker_aesni_ops;
#endif

const struct saker_crypto_ops *const saker_crypto_drivers[] = {
#ifdef SAKER_HAVE_VAES
	&saker_vaes_ops,
#endif
#ifdef SAKER_HAVE_AESNI
	&saker_aesni_ops,
#endif
#ifdef SAKER_HAVE_IPSEC_MB
	&saker_ipsec_mb_ops,
#endif
	&saker_openssl_ops,
#ifdef SAKER_HAVE_CRYPTODEV
	&saker_cryptodev_ops,
#endif
	NULL,
};

const char *
saker_crypto_state_name(enum saker_crypto_state state)
{
	static const char *const names[] = {
		[SAKER_CRYPTO_READY] = "ready",
		[SAKER_CRYPTO_UNSUPPORTED] = "unsupported",
		[SAKER_CRYPTO_FAILED_KAT] = "failed-kat",
	};

	return names[state];
}

const struct saker_crypto_ops *
saker_crypto_find(const char *name)
{
	for (const struct saker_crypto_ops *const *d = saker_crypto_drivers; *d != NULL; d++)
		if (strcmp((*d)->name, name) == 0)
			return *d;
	return NULL;
}

/* Append to a sentence, as far as there is room. */
static void __attribute__((format(printf, 3, 4)))
say(char *why, size_t size, const char *format, ...)
{
	size_t used = size == 0 ? 0 : strnlen(why, size);
	va_list args;

	if (used >= size)
		return;
	va_start(args, format);
	vsnprintf(why + used, size - used, format, args);
	va_end(args);
}

static void
say_unknown(const char *name, char *why, size_t size)
{
	say(why, size, "%s: there is no such crypto driver; choose one of auto", name);
	for (const struct saker_crypto_ops *const *d = saker_crypto_drivers; *d != NULL; d++)
		say(why, size, ", %s", (*d)->name);
}

static void
say_ready(const struct saker_crypto_ops *ops, char *why, size_t size)
{
	say(why, size, "%s: passed its known answers, priority %d (%s)", ops->name, ops->probe(),
		ops->help);
}

static const struct saker_crypto_ops *
select_named(const char *name, char *why, size_t size)
{
	const struct saker_crypto_ops *ops = saker_crypto_find(name);

	if (ops == NULL) {
		say_unknown(name, why, size);
		return NULL;
	}
	switch (saker_crypto_check(ops)) {
	case SAKER_CRYPTO_READY:
		say_ready(ops, why, size);
		return ops;
	case SAKER_CRYPTO_UNSUPPORTED:
		say(why, size, "%s: can't run on this machine, it needs %s; choose auto", name,
			ops->help);
		return NULL;
	default:
		say(why, size, "%s: gave a wrong known answer and is never used; choose auto",
			name);
		return NULL;
	}
}

static const struct saker_crypto_ops *
select_best(char *why, size_t size)
{
	const struct saker_crypto_ops *best = NULL;

	for (const struct saker_crypto_ops *const *d = saker_crypto_drivers; *d != NULL; d++)
		if (saker_crypto_check(*d) == SAKER_CRYPTO_READY &&
			(best == NULL || (*d)->probe() > best->probe()))
			best = *d;
	if (best == NULL)
		say(why, size,
			"auto: no crypto driver passed its known answers on this machine; "
			"build one that can run here");
	else
		say_ready(best, why, size);
	return best;
}

const struct saker_crypto_ops *
saker_crypto_select(const char *name, char *why, size_t why_size)
{
	if (why_size > 0)
		why[0] = '\0';
	if (name == NULL || strcmp(name, "auto") == 0)
		return select_best(why, why_size);
	return select_named(name, why, why_size);
}
