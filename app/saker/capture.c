/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "capture.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_errno.h>

#include "capture_file.h"
#include "show_parts.h"

#define RING    4096 /* packets that wait to be written */
#define BUFFERS 8191 /* a frame longer than one buffer takes several */
#define CACHE   64
#define BATCH   64
#define POLL_NS 10000000

const char saker_capture_points[] = "clear-in#cipher-out#cipher-in#clear-out#drops#all";

/** A point. */
struct state {
	struct saker_capture_file *file; /**< NULL: not captured */
	char *name;                      /**< of the file, or of the last one; NULL: never */
	uint64_t packets, octets;        /**< written */
	uint64_t unwritten;              /**< the file took no more */
	uint64_t lost, lost_before;      /**< by workers: of this capture, of earlier ones */
};

/* The captures of the process: there is one gateway. */
static struct {
	pthread_mutex_t mutex; /**< of everything here, once the thread runs */
	struct state point[SAKER_POINTS];
	struct rte_ring *ring;
	pthread_t thread;
	bool started;
	_Atomic bool stop;
} capture = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static uint64_t
lost_by_workers(const struct saker_gateway *g, unsigned int p)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < g->n_workers; i++)
		sum += saker_peek(&g->workers[i]->capture_lost[p]);
	return sum;
}

static void
write_one(struct rte_mbuf *m)
{
	const struct saker_capture_tag *tag = rte_mbuf_to_priv(m);
	struct state *s = &capture.point[tag->point];

	if (s->file == NULL)
		return;
	if (saker_capture_file_write(s->file, m) != 0) {
		s->unwritten++;
		return;
	}
	s->packets++;
	s->octets += m->pkt_len;
}

/* Holding the mutex. @return packets */
static unsigned int
empty_ring(void)
{
	struct rte_mbuf *m[BATCH];
	unsigned int n = rte_ring_dequeue_burst(capture.ring, (void **)m, BATCH, NULL);

	for (unsigned int i = 0; i < n; i++) {
		write_one(m[i]);
		rte_pktmbuf_free(m[i]);
	}
	return n;
}

static void
flush_files(void)
{
	for (unsigned int p = 0; p < SAKER_POINTS; p++)
		if (capture.point[p].file != NULL)
			saker_capture_file_flush(capture.point[p].file);
}

static void *
write_on(void *arg)
{
	const struct timespec pause = { .tv_nsec = POLL_NS };

	(void)arg;
	while (!atomic_load(&capture.stop)) {
		unsigned int n;

		pthread_mutex_lock(&capture.mutex);
		n = empty_ring();
		if (n == 0)
			flush_files();
		pthread_mutex_unlock(&capture.mutex);
		if (n == 0)
			nanosleep(&pause, NULL);
	}
	return NULL;
}

static int
start_thread(void)
{
	sigset_t all, old;
	int ret;

	if (capture.started)
		return 0;
	atomic_store(&capture.stop, false);
	sigfillset(&all); /* signals are for the main lcore */
	pthread_sigmask(SIG_BLOCK, &all, &old);
	ret = pthread_create(&capture.thread, NULL, write_on, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (ret == 0)
		pthread_setname_np(capture.thread, "saker-capture");
	capture.started = ret == 0;
	return -ret;
}

static void
stop_thread(void)
{
	if (!capture.started)
		return;
	atomic_store(&capture.stop, true);
	pthread_join(capture.thread, NULL);
	capture.started = false;
}

/* Ring and buffers stay until the end: workers may hold them in their caches. */
static int
create_ring(struct saker_gateway *g)
{
	if (g->watch.pool == NULL)
		g->watch.pool = rte_pktmbuf_pool_create("saker-capture", BUFFERS, CACHE,
			RTE_ALIGN(sizeof(struct saker_capture_tag), RTE_MBUF_PRIV_ALIGN),
			RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (g->watch.ring == NULL)
		g->watch.ring = rte_ring_create(
			"saker-capture", RING, SOCKET_ID_ANY, RING_F_SC_DEQ);
	capture.ring = g->watch.ring;
	return g->watch.pool == NULL || g->watch.ring == NULL ? -rte_errno : 0;
}

/* @return bit mask of points, 0: there is no such point */
static uint32_t
points_of(const char *name)
{
	if (strcmp(name, "all") == 0)
		return (1u << SAKER_POINTS) - 1;
	for (unsigned int p = 0; p < SAKER_POINTS; p++)
		if (strcmp(name, saker_point_name(p)) == 0)
			return 1u << p;
	return 0;
}

static uint32_t
running(void)
{
	uint32_t mask = 0;

	for (unsigned int p = 0; p < SAKER_POINTS; p++)
		mask |= (uint32_t)(capture.point[p].file != NULL) << p;
	return mask;
}

static int
complain_of_point(const char *command, const char *point)
{
	fprintf(stderr, "capture %s: there is no point '%s'; there are:", command, point);
	for (unsigned int p = 0; p < SAKER_POINTS; p++)
		fprintf(stderr, " %s", saker_point_name(p));
	fprintf(stderr, " all\n");
	return -EINVAL;
}

/* Holding the mutex. */
static void
begin_points(const struct saker_gateway *g, uint32_t mask, struct saker_capture_file *file)
{
	for (unsigned int p = 0; p < SAKER_POINTS; p++) {
		struct state *s = &capture.point[p];

		if ((mask >> p & 1) == 0)
			continue;
		free(s->name);
		*s = (struct state){ .file = saker_capture_file_take(file),
			.name = strdup(saker_capture_file_name(file)),
			.lost_before = lost_by_workers(g, p) };
	}
}

static int
start_points(struct saker_gateway *g, uint32_t mask, const char *name)
{
	struct saker_capture_file *file;
	int ret = create_ring(g);

	if (ret != 0) {
		fprintf(stderr, "capture start: no memory for buffers; give EAL more with -m\n");
		return ret;
	}
	ret = saker_capture_file_open(name, mask, &file);
	if (ret != 0)
		return ret;
	pthread_mutex_lock(&capture.mutex);
	begin_points(g, mask, file);
	pthread_mutex_unlock(&capture.mutex);
	saker_capture_file_release(file);
	atomic_fetch_or(&g->watch.on, mask);
	ret = start_thread();
	if (ret != 0)
		fprintf(stderr, "capture start: no thread to write with: %s\n", strerror(-ret));
	return ret;
}

int
saker_capture_start(struct saker_gateway *g, const char *point, const char *file)
{
	uint32_t mask = points_of(point), busy = mask & running();

	if (mask == 0)
		return complain_of_point("start", point);
	if (busy != 0) {
		unsigned int p = (unsigned int)__builtin_ctz(busy);

		fprintf(stderr,
			"capture start: %s is captured already, into %s; `capture stop %s`\n",
			saker_point_name(p), capture.point[p].name, saker_point_name(p));
		return -EALREADY;
	}
	return start_points(g, mask, file);
}

/* Holding the mutex; no worker adds any more. */
static void
end_point(const struct saker_gateway *g, unsigned int p)
{
	struct state *s = &capture.point[p];

	s->lost = lost_by_workers(g, p) - s->lost_before;
	saker_capture_file_release(s->file);
	s->file = NULL;
}

/* Workers first, then what they have left in the ring, then the files. */
static void
end_points(struct saker_gateway *g, uint32_t mask)
{
	if (mask == 0)
		return;
	atomic_fetch_and(&g->watch.on, ~mask);
	if (g->qsbr != NULL)
		rte_rcu_qsbr_synchronize(g->qsbr, RTE_QSBR_THRID_INVALID);
	pthread_mutex_lock(&capture.mutex);
	while (empty_ring() > 0)
		;
	for (unsigned int p = 0; p < SAKER_POINTS; p++)
		if ((mask >> p & 1) != 0)
			end_point(g, p);
	pthread_mutex_unlock(&capture.mutex);
	if (running() == 0)
		stop_thread();
}

int
saker_capture_stop(struct saker_gateway *g, const char *point, struct saker_out *out)
{
	uint32_t mask = points_of(point == NULL ? "all" : point), on = mask & running();

	if (mask == 0)
		return complain_of_point("stop", point);
	if (on == 0) {
		fprintf(stderr, "capture stop: nothing is captured%s%s\n",
			point == NULL ? "" : " at ", point == NULL ? "" : point);
		return -EINVAL;
	}
	end_points(g, on);
	for (unsigned int p = 0; p < SAKER_POINTS; p++) {
		const struct state *s = &capture.point[p];

		if ((on >> p & 1) != 0)
			saker_out_printf(out, "%s: %llu packets in %s, %llu lost\n",
				saker_point_name(p), (unsigned long long)s->packets, s->name,
				(unsigned long long)(s->lost + s->unwritten));
	}
	return 0;
}

void
saker_capture_fini(struct saker_gateway *g)
{
	end_points(g, running());
	for (unsigned int p = 0; p < SAKER_POINTS; p++) {
		free(capture.point[p].name);
		capture.point[p].name = NULL;
	}
	rte_ring_free(g->watch.ring);
	rte_mempool_free(g->watch.pool);
	g->watch.ring = NULL;
	g->watch.pool = NULL;
}

static void
capture_row(struct saker_report *r, const struct saker_gateway *g, unsigned int p)
{
	const struct state *s = &capture.point[p];
	uint64_t lost = s->file == NULL ? s->lost : lost_by_workers(g, p) - s->lost_before;

	saker_report_text(r, "%s", saker_point_name(p));
	saker_report_text(r, "%s", s->name);
	saker_report_bool(r, s->file != NULL);
	saker_report_u64(r, s->packets);
	saker_report_u64(r, s->octets);
	saker_report_u64(r, lost + s->unwritten);
}

void
saker_show_captures(const struct saker_gateway *g, struct saker_out *out)
{
	static const struct saker_column columns[] = {
		{ "point", 'l' },
		{ "file", 'l' },
		{ "running", 'l' },
		{ "packets", 'r' },
		{ "octets", 'r' },
		{ "lost", 'r' },
	};
	struct saker_report *r = SAKER_REPORT_BEGIN("captures", columns);

	pthread_mutex_lock(&capture.mutex);
	for (unsigned int p = 0; p < SAKER_POINTS; p++)
		if (capture.point[p].name != NULL)
			capture_row(r, g, p);
	pthread_mutex_unlock(&capture.mutex);
	saker_report_end(r, out, "nothing was captured yet");
}
