/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "cryptodev_queue.h"

#include <pthread.h>
#include <string.h>

#include <rte_lcore.h>
#include <rte_log.h>

#define MAX_QUEUES  256
#define DESCRIPTORS 256 /* a power of two that all drivers take; a batch needs 64 */

/* AAD of the usual headers: a base header alone up to one with options. */
#define MIN_AAD  8
#define MAX_AAD  64
#define AAD_STEP 4

RTE_LOG_REGISTER(cryptodev_log, saker.cryptodev, NOTICE)

#define LOG_ERR(...) rte_log(RTE_LOG_ERR, cryptodev_log, "saker: crypto device " __VA_ARGS__)

static struct {
	pthread_mutex_t lock;
	unsigned int n;
	struct saker_cryptodev_queue queues[MAX_QUEUES];
} pool = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool
takes_all_sizes(const struct rte_cryptodev_symmetric_capability *gcm)
{
	for (uint16_t aad = MIN_AAD; aad <= MAX_AAD; aad += AAD_STEP)
		for (uint16_t key = 16; key <= 32; key += 16)
			if (rte_cryptodev_sym_capability_check_aead(
				    gcm, key, SAKER_CRYPTODEV_ICV, aad, SAKER_CRYPTODEV_IV) != 0)
				return false;
	return true;
}

/* AES-GCM of a device. @return NULL if there is no such device, or it lacks what we need */
static const struct rte_cryptodev_symmetric_capability *
find_gcm(uint8_t dev)
{
	const struct rte_cryptodev_sym_capability_idx index = {
		.type = RTE_CRYPTO_SYM_XFORM_AEAD,
		.algo.aead = RTE_CRYPTO_AEAD_AES_GCM,
	};
	const struct rte_cryptodev_symmetric_capability *gcm;
	struct rte_cryptodev_info info;

	if (!rte_cryptodev_is_valid_dev(dev))
		return NULL;
	rte_cryptodev_info_get(dev, &info);
	if ((info.feature_flags & RTE_CRYPTODEV_FF_SYMMETRIC_CRYPTO) == 0 ||
		info.min_mbuf_headroom_req > RTE_PKTMBUF_HEADROOM ||
		info.min_mbuf_tailroom_req > SAKER_CRYPTODEV_TAILROOM)
		return NULL;
	gcm = rte_cryptodev_sym_capability_get(dev, &index);
	return gcm != NULL && takes_all_sizes(gcm) ? gcm : NULL;
}

/* @return the first device that has what we need, or RTE_CRYPTO_MAX_DEVS */
static uint8_t
first_device(void)
{
	uint8_t dev = 0;

	if (rte_cryptodev_count() == 0)
		return RTE_CRYPTO_MAX_DEVS;
	while (dev < RTE_CRYPTO_MAX_DEVS && find_gcm(dev) == NULL)
		dev++;
	return dev;
}

static int
configure_device(uint8_t dev, uint16_t n)
{
	struct rte_cryptodev_config config = {
		.socket_id = rte_cryptodev_socket_id(dev),
		.nb_queue_pairs = n,
		.ff_disable = RTE_CRYPTODEV_FF_ASYMMETRIC_CRYPTO | RTE_CRYPTODEV_FF_SECURITY,
	};
	const struct rte_cryptodev_qp_conf queue = { .nb_descriptors = DESCRIPTORS };
	int ret = rte_cryptodev_configure(dev, &config);

	for (uint16_t q = 0; q < n && ret == 0; q++)
		ret = rte_cryptodev_queue_pair_setup(dev, q, &queue, config.socket_id);
	return ret;
}

/* Every worker wants a queue pair, and the main lcore two: one to set keys, one for a check. */
static void
add_device(uint8_t dev)
{
	unsigned int want = RTE_MIN(rte_lcore_count() + 1, MAX_QUEUES - pool.n);
	struct rte_cryptodev_info info;
	int ret;

	rte_cryptodev_info_get(dev, &info);
	want = RTE_MIN(want, info.max_nb_queue_pairs);
	ret = want == 0 ? 0 : configure_device(dev, (uint16_t)want);
	if (ret != 0) {
		LOG_ERR("%s: %u queue pairs could not be set up: %s; it is left out\n",
			rte_cryptodev_name_get(dev), want, strerror(-ret));
		return;
	}
	for (uint16_t q = 0; q < want; q++)
		pool.queues[pool.n++] = (struct saker_cryptodev_queue){ .dev = dev,
			.id = q,
			.socket = rte_cryptodev_socket_id(dev),
			.gcm = find_gcm(dev) };
}

/* All of one driver: the known answers that one of them gave then speak for the others. */
static void
add_devices(void)
{
	uint8_t first = first_device();
	struct rte_cryptodev_info info;
	uint8_t driver;

	if (first == RTE_CRYPTO_MAX_DEVS)
		return;
	rte_cryptodev_info_get(first, &info);
	driver = info.driver_id;
	for (uint8_t dev = first; dev < RTE_CRYPTO_MAX_DEVS; dev++) {
		if (find_gcm(dev) == NULL)
			continue;
		rte_cryptodev_info_get(dev, &info);
		if (info.driver_id == driver)
			add_device(dev);
	}
}

/* A free one, if possible near the node that asks. */
static struct saker_cryptodev_queue *
find_free(int socket)
{
	struct saker_cryptodev_queue *found = NULL;

	for (unsigned int i = 0; i < pool.n; i++) {
		struct saker_cryptodev_queue *q = &pool.queues[i];

		if (!q->taken && q->socket == socket)
			return q;
		if (!q->taken && found == NULL)
			found = q;
	}
	return found;
}

static bool
is_in_use(uint8_t dev)
{
	for (unsigned int i = 0; i < pool.n; i++)
		if (pool.queues[i].dev == dev && pool.queues[i].taken)
			return true;
	return false;
}

static struct saker_cryptodev_queue *
take_free(int socket)
{
	struct saker_cryptodev_queue *q = find_free(socket);
	int ret;

	if (q == NULL) {
		LOG_ERR("queue pairs: none of %u is free, and every worker needs its own; use "
			"fewer lcores, or give EAL another device\n",
			pool.n);
		return NULL;
	}
	ret = is_in_use(q->dev) ? 0 : rte_cryptodev_start(q->dev);
	if (ret != 0) {
		LOG_ERR("%s: could not be started: %s; give EAL another one\n",
			rte_cryptodev_name_get(q->dev), strerror(-ret));
		return NULL;
	}
	q->taken = true;
	return q;
}

bool
saker_cryptodev_present(void)
{
	return first_device() < RTE_CRYPTO_MAX_DEVS;
}

struct saker_cryptodev_queue *
saker_cryptodev_take(int socket)
{
	struct saker_cryptodev_queue *q;

	pthread_mutex_lock(&pool.lock);
	if (pool.n == 0)
		add_devices();
	q = take_free(socket);
	pthread_mutex_unlock(&pool.lock);
	return q;
}

void
saker_cryptodev_give_back(struct saker_cryptodev_queue *q)
{
	pthread_mutex_lock(&pool.lock);
	q->taken = false;
	if (!is_in_use(q->dev))
		rte_cryptodev_stop(q->dev);
	pthread_mutex_unlock(&pool.lock);
}
