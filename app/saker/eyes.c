/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "eyes.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "capture.h"
#include "control.h"
#include "metrics.h"
#include "own_source.h"
#include "pdump.h"
#include "telemetry.h"
#include "trace.h"

#define METRICS_PERIOD_S 10 /* without --stats-period */

/* What is done regularly, whatever the main lcore waits for. */
static struct {
	struct saker_gateway *gateway;
	const char *file; /* of metrics, or NULL */
	unsigned int period_s;
	bool failing; /* the file could not be written, and that was told */
	pthread_t thread;
	bool started, stop;
	pthread_mutex_t mutex; /* of stop */
	pthread_cond_t wake;
} eyes = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static const char *
remedy(int error)
{
	switch (error) {
	case ENOSPC:
	case EDQUOT:
		return "free some space there";
	case ELOOP:
		return "a link stands beside it, with .tmp behind the name: remove it";
	case EISDIR:
		return "name a file in it";
	default:
		return "its directory must exist and be writable";
	}
}

/* Each change is told once. */
static void
tell_metrics(int error)
{
	if (error != 0 && !eyes.failing)
		fprintf(stderr, "saker: metrics can't be written to %s: %s; %s\n", eyes.file,
			strerror(error), remedy(error));
	else if (error == 0 && eyes.failing)
		fprintf(stderr, "saker: metrics are written to %s again\n", eyes.file);
	eyes.failing = error != 0;
}

static void
write_metrics(void)
{
	int ret;

	if (eyes.file == NULL)
		return;
	saker_control_lock();
	ret = saker_metrics_replace(eyes.gateway, eyes.file);
	saker_control_unlock();
	tell_metrics(-ret);
}

static void
check_own_source(bool last)
{
	saker_control_lock();
	saker_own_source_check(eyes.gateway, last);
	saker_control_unlock();
}

static bool
wait_a_second(struct timespec *next)
{
	bool stop;

	next->tv_sec++;
	pthread_mutex_lock(&eyes.mutex);
	while (!eyes.stop && pthread_cond_timedwait(&eyes.wake, &eyes.mutex, next) != ETIMEDOUT)
		;
	stop = eyes.stop;
	pthread_mutex_unlock(&eyes.mutex);
	return !stop;
}

static void *
look(void *arg)
{
	struct timespec next;
	unsigned int second = 0;

	(void)arg;
	clock_gettime(CLOCK_MONOTONIC, &next);
	do {
		if (second++ % eyes.period_s == 0)
			write_metrics();
		check_own_source(false);
	} while (wait_a_second(&next));
	return NULL;
}

static int
start_thread(void)
{
	pthread_condattr_t attr;
	sigset_t all, old;
	int ret;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&eyes.wake, &attr);
	pthread_condattr_destroy(&attr);
	sigfillset(&all); /* signals are for the main lcore */
	pthread_sigmask(SIG_BLOCK, &all, &old);
	ret = pthread_create(&eyes.thread, NULL, look, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (ret == 0)
		pthread_setname_np(eyes.thread, "saker-eyes");
	return ret;
}

void
saker_eyes_start(struct saker_gateway *g, const struct saker_options *o)
{
	int ret;

	saker_telemetry_start(g);
	saker_pdump_start();
	eyes.gateway = g;
	eyes.file = o->metrics_file;
	eyes.period_s = o->stats_period == 0 ? METRICS_PERIOD_S : o->stats_period;
	eyes.stop = false;
	ret = start_thread();
	eyes.started = ret == 0;
	if (ret != 0)
		fprintf(stderr, "saker: no thread to watch and to write metrics: %s\n",
			strerror(ret));
}

void
saker_eyes_stop(struct saker_gateway *g)
{
	saker_telemetry_stop();
	saker_capture_fini(g);
	saker_trace_fini(g);
	saker_pdump_stop();
	if (!eyes.started)
		return;
	pthread_mutex_lock(&eyes.mutex);
	eyes.stop = true;
	pthread_cond_signal(&eyes.wake);
	pthread_mutex_unlock(&eyes.mutex);
	pthread_join(eyes.thread, NULL);
	pthread_cond_destroy(&eyes.wake);
	eyes.started = false;
	check_own_source(true);
	write_metrics(); /* the last word */
}
