/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef CRYPTODEV_QUEUE_H
#define CRYPTODEV_QUEUE_H

/**
 * @file
 * The queue pairs of all crypto devices that can do what the profile needs. The devices are
 * configured when the first queue pair is asked for; a device runs while one of its own is taken.
 *
 * Threads: any; one lock guards the set. Whoever took a queue pair has it alone.
 */

#include <stdbool.h>
#include <stdint.h>

#include <rte_cryptodev.h>

#define SAKER_CRYPTODEV_IV       12  /**< octets of the IV */
#define SAKER_CRYPTODEV_ICV      16  /**< octets of the ICV */
#define SAKER_CRYPTODEV_TAILROOM 128 /**< octets behind the ICV that a device may want */

/** A queue pair. */
struct saker_cryptodev_queue {
	const struct rte_cryptodev_symmetric_capability *gcm; /**< what its device's AES-GCM can */
	int socket;                                           /**< NUMA node of the device */
	uint16_t id;
	uint8_t dev;
	bool taken;
};

/** Is there a device with AES-GCM as the profile uses it? Changes nothing. */
bool saker_cryptodev_present(void);

/**
 * Take a queue pair.
 * @param socket NUMA node, a hint
 * @return NULL if all are taken; the reason was logged
 */
struct saker_cryptodev_queue *saker_cryptodev_take(int socket);

/** Give a queue pair back. Nothing may be under way in it. */
void saker_cryptodev_give_back(struct saker_cryptodev_queue *q);

#endif
