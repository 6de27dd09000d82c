/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_sn_keeper_internal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COUNTER_CHUNK   (UINT64_C(1) << 26) /* SNs of a reservation, counter discipline */
#define COUNTER_SHARE   1024                /* of all, since a restart skips a reservation */
#define COUNTER_TICK_MS 20
#define IDLE_TICK_MS    1000
#define ALLOWANCE_MAX   (UINT64_C(1) << 32) /* blocks of a reservation */
#define ALLOWANCE_MIN   (UINT64_C(1) << 18) /* a full burst of the longest packets */
#define ALLOWANCE_SHARE 256                 /* of max_blocks */
#define NS_PER_MS       1000000L
#define NS_PER_S        1000000000L

static uint64_t
smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t
clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)(now.tv_nsec / NS_PER_MS);
}

static uint64_t
counter_chunk(const struct saker_sn_params *p)
{
	return smaller(COUNTER_CHUNK, saker_sn_last_counter(p) / COUNTER_SHARE);
}

static saker_sn
counter_reservation(const struct saker_sn_params *p, saker_sn used)
{
	saker_sn end = saker_sn_make(p->epoch, saker_sn_last_counter(p)) + 1, next = used + 1;

	return next + counter_chunk(p) < end ? next + counter_chunk(p) : end;
}

static uint64_t
allowance(const struct saker_sn_params *p)
{
	uint64_t share = p->max_blocks / ALLOWANCE_SHARE;

	return smaller(ALLOWANCE_MAX, share > ALLOWANCE_MIN ? share : ALLOWANCE_MIN);
}

/* Blocks to promise for the data key of the next reservation. */
static uint64_t
blocks_reservation(const struct saker_sn_supply *s, saker_sn used, uint64_t used_blocks)
{
	const struct saker_sn_params *p = &s->line->params;
	uint64_t spent = saker_sn_key_run(p, used) == s->next.key_run ? used_blocks : 0;
	uint64_t kept = s->record.key_run == s->next.key_run ? s->record.blocks : 0;
	uint64_t wanted = smaller(p->max_blocks, spent + allowance(p));

	return wanted > kept ? wanted : kept;
}

/* Milliseconds until the clock has passed all slots below a limit. */
static int64_t
time_left(const struct saker_sn_params *p, saker_sn limit, uint64_t unix_ms)
{
	return (int64_t)(saker_sn_unix_ms(p, limit) + p->slot_ms - unix_ms);
}

/* Plan the next reservation of a line. Returns true if it is time to make it. */
static bool
plan(struct saker_sn_supply *s, uint64_t unix_ms)
{
	const struct saker_sn_params *p = &s->line->params;
	saker_sn limit = saker_sn_line_limit_get(s->line), used;
	uint64_t used_blocks;

	used = saker_sn_line_used(s->line, &used_blocks);
	s->next = s->record;
	s->next.reserved = saker_sn_higher(
		s->record.reserved, saker_sn_in_time(p) ? saker_sn_time_reservation(p, unix_ms)
							: counter_reservation(p, used));
	s->next.key_run = saker_sn_key_run(p, s->next.reserved);
	s->next.blocks = blocks_reservation(s, used, used_blocks);
	if (s->next.key_run == s->record.key_run &&
		s->next.blocks - s->record.blocks > allowance(p) / 2)
		return true;
	if (s->next.reserved <= limit)
		return false;
	return saker_sn_in_time(p) ? time_left(p, limit, unix_ms) <= p->skew_ms / 4
				   : limit < used + counter_chunk(p) / 2;
}

static int
persist(struct saker_sn_keeper *k)
{
	for (unsigned int i = 0; i < k->n; i++)
		if (saker_sn_store_put(k->store, &k->supplies[i].next) != 0)
			return -ENOMEM;
	return saker_sn_store_commit(k->store);
}

static void
publish(struct saker_sn_supply *s)
{
	s->record = s->next;
	saker_sn_line_reserve(s->line, s->record.reserved, s->record.blocks);
}

/* With the mutex held. */
static int
renew(struct saker_sn_keeper *k, uint64_t unix_ms)
{
	bool due = false;
	int rc;

	for (unsigned int i = 0; i < k->n; i++)
		due |= plan(&k->supplies[i], unix_ms);
	if (!due)
		return 0;
	rc = persist(k);
	k->failed = rc != 0;
	if (rc != 0) {
		k->error = -rc;
		return rc;
	}
	for (unsigned int i = 0; i < k->n; i++)
		publish(&k->supplies[i]);
	k->commits++;
	return 0;
}

int
saker_sn_keeper_renew(struct saker_sn_keeper *k, uint64_t unix_ms)
{
	int rc;

	pthread_mutex_lock(&k->mutex);
	rc = renew(k, unix_ms);
	pthread_mutex_unlock(&k->mutex);
	return rc;
}

/* How long the thread may sleep without missing a line that becomes due. */
static uint64_t
tick_ms(const struct saker_sn_keeper *k)
{
	uint64_t tick = IDLE_TICK_MS;

	for (unsigned int i = 0; i < k->n; i++) {
		const struct saker_sn_params *p = &k->supplies[i].line->params;

		tick = smaller(tick, saker_sn_in_time(p) ? p->skew_ms / 8 : COUNTER_TICK_MS);
	}
	return tick > 0 ? tick : 1;
}

static struct timespec
deadline(uint64_t ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += (time_t)(ms / 1000);
	t.tv_nsec += (long)(ms % 1000) * NS_PER_MS;
	if (t.tv_nsec >= NS_PER_S) {
		t.tv_sec++;
		t.tv_nsec -= NS_PER_S;
	}
	return t;
}

static void *
run(void *arg)
{
	struct saker_sn_keeper *k = arg;

	pthread_mutex_lock(&k->mutex);
	while (!k->stop) {
		struct timespec next = deadline(tick_ms(k));

		pthread_cond_timedwait(&k->wake, &k->mutex, &next);
		if (!k->stop)
			(void)renew(k, clock_ms());
	}
	pthread_mutex_unlock(&k->mutex);
	return NULL;
}

/* Signals are for the control thread. */
static int
start_thread(struct saker_sn_keeper *k)
{
	sigset_t all, old;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	rc = pthread_create(&k->thread, NULL, run, k);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc == 0)
		pthread_setname_np(k->thread, "saker-sn");
	k->started = rc == 0;
	return -rc;
}

int
saker_sn_keeper_start(struct saker_sn_keeper *k, struct saker_faults *faults)
{
	const char *dir = saker_sn_store_dir(k->store);
	int rc = saker_sn_keeper_renew(k, clock_ms());

	if (rc != 0) {
		saker_fault(faults, NULL, 0,
			"SN reservations can't be written to state directory %s (%s): make room "
			"there or change state_dir",
			dir, strerror(-rc));
		return rc;
	}
	rc = start_thread(k);
	if (rc != 0)
		saker_fault(faults, NULL, 0,
			"no thread to keep the SN reservations in %s (%s): raise the limit of "
			"threads",
			dir, strerror(-rc));
	return rc;
}

struct saker_sn_keeper *
saker_sn_keeper_create(struct saker_sn_store *store)
{
	struct saker_sn_keeper *k = calloc(1, sizeof(*k));
	pthread_condattr_t attr;

	if (k == NULL)
		return NULL;
	k->store = store;
	pthread_mutex_init(&k->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&k->wake, &attr);
	pthread_condattr_destroy(&attr);
	return k;
}

uint64_t
saker_sn_keeper_wait_ms(const struct saker_sn_keeper *k, uint64_t unix_ms)
{
	uint64_t until = unix_ms;

	for (unsigned int i = 0; i < k->n; i++)
		if (k->supplies[i].line->start_ms > until)
			until = k->supplies[i].line->start_ms;
	return until - unix_ms;
}

bool
saker_sn_keeper_failed(const struct saker_sn_keeper *k)
{
	return k->failed;
}

uint64_t
saker_sn_keeper_commits(const struct saker_sn_keeper *k)
{
	return k->commits;
}

int
saker_sn_keeper_error(const struct saker_sn_keeper *k)
{
	return k->error;
}

static void
stop_thread(struct saker_sn_keeper *k)
{
	pthread_mutex_lock(&k->mutex);
	k->stop = true;
	pthread_cond_signal(&k->wake);
	pthread_mutex_unlock(&k->mutex);
	pthread_join(k->thread, NULL);
}

void
saker_sn_keeper_free(struct saker_sn_keeper *k)
{
	if (k == NULL)
		return;
	if (k->started)
		stop_thread(k);
	pthread_cond_destroy(&k->wake);
	pthread_mutex_destroy(&k->mutex);
	saker_sn_store_close(k->store);
	free(k->supplies);
	free(k);
}
