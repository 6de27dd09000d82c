/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_GATEWAY_H
#define SAKER_GATEWAY_H

/**
 * @file
 * The gateway as the control lcore sees it: configuration, keys, snapshot, ports, workers, and the
 * four things that can be asked of it: set up, start, stop, tear down.
 *
 * Threads: the main lcore only, but for threads that read: they hold saker_control_lock() as long
 * as they look at config, roots, snapshot, regime, or at what a worker took of them. Figures of
 * running workers are read as they are.
 */

#include "keywatch.h"
#include "saker_hops.h"
#include "saker_sn_keeper.h"
#include "saker_worker.h"

/** A port in use. */
struct saker_port {
	const struct saker_cfg_port *cfg;
	uint16_t id; /**< ethdev port */
	uint16_t n_rxq, n_txq;
	struct rte_mempool *pool;
	struct rte_ether_addr mac;
	const char *steer;     /**< name of the steering driver, NULL: none */
	rte_spinlock_t *locks; /**< one a transmit queue, where workers share them */
	bool started, closed;
};

/** How packets get to their owners. */
struct saker_steering {
	struct saker_steer how;               /**< workers look at this one */
	const struct saker_steer_ops *driver; /**< NULL: not chosen yet */
	void *state;                          /**< the driver's, while ports run */
	bool on;                              /**< the driver runs */
	char why[SAKER_STEER_WHY];            /**< why no better one; empty: there is none */
};

struct saker_neighbours;
struct saker_regime;
struct saker_life;

/** An epoch that was set by command: it holds until the file has a higher one. */
struct saker_epoch_set {
	struct saker_epoch_set *next;
	char *name; /**< of the group; or it has the format and this SPI, if not 0 */
	uint8_t format;
	uint32_t spi;
	uint64_t epoch; /**< 0: none as yet */
};

/** The whole program's state. Zero-initialise it. */
struct saker_gateway {
	struct saker_config *config;
	struct saker_root_set roots;
	const struct saker_crypto_ops *crypto;
	char crypto_why[256];                        /**< why this driver */
	const struct saker_snapshot *snapshot;       /**< in force */
	struct saker_regime *regime;                 /**< the same with all its parts */
	const struct saker_edition *_Atomic edition; /**< what workers see of it */
	uint64_t editions;                           /**< attempts to build one */
	struct saker_life *lives;                    /**< of root key values */
	struct saker_port *ports;
	unsigned int n_ports;
	struct saker_worker *workers[SAKER_MAX_WORKERS];
	unsigned int n_workers;
	struct saker_steering steer;
	struct rte_rcu_qsbr *qsbr;
	struct saker_sn_keeper *keeper; /**< NULL: nothing may be sent under protection */
	bool keeper_runs;
	bool serve;           /**< false: only check; leave the state directory alone */
	bool sending_refused; /**< the SN state could not be used */
	_Atomic bool running; /**< workers go round */
	uint64_t started_tsc; /**< when they began */
	uint64_t stopped_tsc; /**< when they ended */
	struct saker_neighbours *neighbours;
	struct saker_watch watch;                 /**< captures and traces */
	struct saker_keywatch keywatch;           /**< key files when they were last read */
	struct saker_epoch_set *epochs;           /**< set by command, newest first */
	uint64_t watch_after_ms, settle_after_ms; /**< monotonic: not before */
};

/**
 * Load configuration and keys. Needs no EAL.
 * @return 0, or -EINVAL: every fault was printed to stderr
 */
int saker_gateway_load(struct saker_gateway *g, const char *file);

/**
 * Set up ports, snapshot and workers on the lcores that EAL gave.
 * @param driver crypto driver by name, or NULL: the configuration's
 * @param serve false: only check that it could be done; leaves the state directory alone
 * @return 0 or -errno: the reason was printed to stderr
 */
int saker_gateway_init(struct saker_gateway *g, const char *driver, bool serve);

/**
 * Reserve SNs, wait until the clock has passed earlier reservations, start ports and workers.
 * @return 0; -EALREADY if they run; else -errno: the reason was printed to stderr
 */
int saker_gateway_start(struct saker_gateway *g);

/** Stop workers and ports. Nothing happens if they do not run. */
void saker_gateway_stop(struct saker_gateway *g);

/** Stop, wipe, free. */
void saker_gateway_fini(struct saker_gateway *g);

/**
 * Wait until every capture has been read and everything is sent, or until saker_quit_asked().
 * @return true if it was all sent
 */
bool saker_gateway_drain(struct saker_gateway *g);

/** True once INT or TERM came, or `quit` was typed. */
bool saker_quit_asked(void);

/** Ask the program to end. Safe in a signal handler. */
void saker_ask_to_quit(void);

/** Forget statistics of all workers, or neighbours: @p what is a bit mask of enum saker_clear. */
enum saker_clear {
	SAKER_CLEAR_PORTS = 1,
	SAKER_CLEAR_DROPS = 2,
	SAKER_CLEAR_STAGES = 4,
	SAKER_CLEAR_NEIGHBOURS = 8
};
void saker_gateway_clear(struct saker_gateway *g, unsigned int what);

#endif
