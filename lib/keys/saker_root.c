/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_root.h"

#include <errno.h>
#include <sys/random.h>

const char *
saker_root_fault_text(enum saker_root_fault fault)
{
	static const char *const text[] = {
		[SAKER_ROOT_GOOD] = "good",
		[SAKER_ROOT_BACK] =
			"its index goes back, and a value once retired must not be used again; "
			"rotate forward from the file that runs",
		[SAKER_ROOT_OTHER] =
			"an index has another value than the one in use; every value needs an "
			"index of its own",
		[SAKER_ROOT_AGAIN] =
			"a value that is in use has another index now; every index needs a value "
			"of its own",
	};

	return text[fault];
}

/* Generation of an index that is live, or -1. */
static int
generation_of(const struct saker_root_values *k, uint32_t index)
{
	for (unsigned int g = 0; g < SAKER_LIVE_GENERATIONS; g++)
		if (k->live[g] && saker_root_index(k, g) == index)
			return (int)g;
	return -1;
}

static enum saker_root_fault
check_value(const struct saker_root_values *k, unsigned int g, const struct saker_root_values *b)
{
	uint32_t index = saker_root_index(k, g);

	for (unsigned int i = 0; i < SAKER_LIVE_GENERATIONS; i++) {
		bool equal = b->live[i] && saker_ct_equal(k->value[g], b->value[i], SAKER_ROOT_LEN);

		if (b->live[i] && saker_root_index(b, i) == index && !equal)
			return SAKER_ROOT_OTHER;
		if (equal && saker_root_index(b, i) != index)
			return SAKER_ROOT_AGAIN;
	}
	return SAKER_ROOT_GOOD;
}

enum saker_root_fault
saker_root_check(const struct saker_root_values *k, const struct saker_root_values *before)
{
	enum saker_root_fault fault = SAKER_ROOT_GOOD;

	if (k->index < before->index)
		return SAKER_ROOT_BACK;
	for (unsigned int g = 0; g < SAKER_GENERATIONS && fault == SAKER_ROOT_GOOD; g++)
		if (k->live[g])
			fault = check_value(k, g, before);
	return fault;
}

bool
saker_root_overlap(const struct saker_root_values *k, const struct saker_root_values *before)
{
	for (unsigned int g = 0; g < SAKER_GENERATIONS; g++)
		if (k->live[g] && generation_of(before, saker_root_index(k, g)) >= 0)
			return true;
	return false;
}

static void
keep_old(struct saker_root_values *k, const struct saker_root_values *before)
{
	int g = k->index < 2 ? -1 : generation_of(before, k->index - 2);

	k->live[SAKER_OLD] = g >= 0;
	if (g < 0)
		return;
	memcpy(k->value[SAKER_OLD], before->value[g], SAKER_ROOT_LEN);
	memcpy(k->keymat[SAKER_OLD], before->keymat[g], SAKER_KEYMAT_MAX);
	k->keymat_len[SAKER_OLD] = before->keymat_len[g];
}

void
saker_root_follow(struct saker_root_values *k, struct saker_root_sending *sending,
	const struct saker_root_values *before, uint64_t now_ms, uint64_t grace_ms)
{
	if (k->index != before->index) {
		bool wait = grace_ms > 0 && k->live[SAKER_PRE];

		sending->generation = wait ? SAKER_PRE : SAKER_CURRENT;
		sending->until_ms = grace_ms > 0 ? now_ms + grace_ms : 0;
	} else if (!k->live[sending->generation] && sending->generation != SAKER_OLD) {
		sending->generation = SAKER_CURRENT;
	}
	if (sending->until_ms != 0)
		keep_old(k, before);
}

bool
saker_root_settle(struct saker_root_values *k, struct saker_root_sending *sending, uint64_t now_ms)
{
	if (sending->until_ms == 0 || now_ms < sending->until_ms)
		return false;
	*sending = (struct saker_root_sending){ .generation = SAKER_CURRENT };
	k->live[SAKER_OLD] = false;
	saker_wipe(k->value[SAKER_OLD], SAKER_ROOT_LEN);
	saker_wipe(k->keymat[SAKER_OLD], SAKER_KEYMAT_MAX);
	return true;
}

int
saker_root_step(struct saker_root_values *k, uint64_t now)
{
	uint8_t fresh[SAKER_ROOT_LEN];

	if (saker_has_keymat(k))
		return -EPERM;
	if (!k->live[SAKER_NEXT])
		return -ENOKEY;
	if (k->index >= UINT32_MAX - 1)
		return -ERANGE;
	if (getrandom(fresh, sizeof(fresh), 0) != (ssize_t)sizeof(fresh))
		return -EIO;
	memcpy(k->value[SAKER_PRE], k->value[SAKER_CURRENT], SAKER_ROOT_LEN);
	memcpy(k->value[SAKER_CURRENT], k->value[SAKER_NEXT], SAKER_ROOT_LEN);
	memcpy(k->value[SAKER_NEXT], fresh, SAKER_ROOT_LEN);
	saker_wipe(fresh, sizeof(fresh));
	k->live[SAKER_PRE] = true;
	k->index++;
	k->since = now;
	return 0;
}
