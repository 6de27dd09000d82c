/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_idle.h"

#include <sched.h>
#include <sys/prctl.h>
#include <time.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_interrupts.h>

#include "saker_hops.h"

#define IDLE_ROUNDS 64 /* empty rounds before the CPU is offered to others */
#define NAP_SHARE   8
#define NAP_MIN_US  20 /* shorter ones cost more than they save */
#define NAP_MAX_US  1000
#define SLACK_NS    1000 /* how late a sleep may end; 50 us by default */

unsigned int
saker_idle_nap_us(uint64_t silence_us)
{
	uint64_t us = silence_us / NAP_SHARE;

	return us < NAP_MIN_US ? 0 : (unsigned int)RTE_MIN(us, (uint64_t)NAP_MAX_US);
}

/* Ask for the operations first: ethdev logs an error for every device without the rest. */
static bool
has_interrupts(const struct saker_rx *rx)
{
	return rte_eth_dev_rx_intr_enable(rx->port, rx->queue) == 0 &&
	       rte_eth_dev_rx_intr_disable(rx->port, rx->queue) == 0;
}

static int
control_interrupts(struct saker_worker *w, int op)
{
	int ret = 0;

	for (unsigned int i = 0; i < w->n_rx && ret == 0; i++)
		ret = rte_eth_dev_rx_intr_ctl_q(
			w->rx[i].port, w->rx[i].queue, RTE_EPOLL_PER_THREAD, op, NULL);
	return ret;
}

/* All or nothing: a sleep must end with a packet of any queue. */
static bool
add_interrupts(struct saker_worker *w)
{
	for (unsigned int i = 0; i < w->n_rx; i++)
		if (!has_interrupts(&w->rx[i]))
			return false;
	if (w->n_rx > 0 && control_interrupts(w, RTE_INTR_EVENT_ADD) == 0)
		return true;
	control_interrupts(w, RTE_INTR_EVENT_DEL);
	return false;
}

void
saker_idle_begin(struct saker_worker *w)
{
	w->idle_rounds = 0;
	w->silent_since = rte_rdtsc();
	if (w->idle_mode != SAKER_IDLE_SLEEP)
		return;
	prctl(PR_SET_TIMERSLACK, SLACK_NS, 0, 0, 0);
	w->interrupts = add_interrupts(w);
}

void
saker_idle_end(struct saker_worker *w)
{
	if (w->interrupts)
		control_interrupts(w, RTE_INTR_EVENT_DEL);
	w->interrupts = false;
}

/* @return false: this device has none after all */
static bool
arm_interrupts(struct saker_worker *w)
{
	for (unsigned int i = 0; i < w->n_rx; i++)
		if (rte_eth_dev_rx_intr_enable(w->rx[i].port, w->rx[i].queue) != 0)
			return false;
	return true;
}

static void
disarm_interrupts(struct saker_worker *w)
{
	for (unsigned int i = 0; i < w->n_rx; i++)
		rte_eth_dev_rx_intr_disable(w->rx[i].port, w->rx[i].queue);
}

/* Other workers' packets raise no interrupt, so no sleep is longer than the longest nap. */
static void
nap(struct saker_worker *w, unsigned int us)
{
	const struct timespec time = { .tv_nsec = (long)us * 1000 };
	struct rte_epoll_event event[8];

	w->load.naps++;
	if (us < NAP_MAX_US || !w->interrupts || !arm_interrupts(w)) {
		nanosleep(&time, NULL);
		return;
	}
	rte_epoll_wait(RTE_EPOLL_PER_THREAD, event, RTE_DIM(event), NAP_MAX_US / 1000);
	disarm_interrupts(w);
}

/* Pollers that share a CPU would else spend whole time slices on nothing. */
static void
rest(struct saker_worker *w, uint64_t now)
{
	unsigned int us = 0;

	if (++w->idle_rounds % IDLE_ROUNDS != 0 && w->n_waiting == 0 &&
		(w->idle_mode != SAKER_IDLE_SLEEP || w->idle_rounds < IDLE_ROUNDS))
		return;
	if (w->idle_mode == SAKER_IDLE_SLEEP && w->n_waiting == 0)
		us = saker_idle_nap_us((now - w->silent_since) * US_PER_S / rte_get_tsc_hz());
	if (us > 0)
		nap(w, us);
	else
		sched_yield();
}

void
saker_idle_round(struct saker_worker *w, unsigned int work, uint64_t began)
{
	uint64_t loops = atomic_load_explicit(&w->loops, memory_order_relaxed) + 1;
	uint64_t now = rte_rdtsc();

	atomic_store_explicit(&w->loops, loops, memory_order_release);
	if (work > 0 || w->n_waiting > 0 || (w->hops != NULL && w->hops->n_held > 0))
		atomic_store_explicit(&w->idle_since, loops, memory_order_release);
	w->load.held_back += w->n_waiting > 0;
	if (work == 0) {
		w->load.empty_rounds++;
		rest(w, now);
		return;
	}
	w->load.busy_rounds++;
	w->load.busy_cycles += now - began;
	w->idle_rounds = 0;
	w->silent_since = now;
}
