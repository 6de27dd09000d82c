/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_IKE_NOTIFY_H
#define SAKER_IKE_NOTIFY_H

/**
 * @file
 * What two IKEv2 peers say to each other about the Child SAs of format esp, as octets: the Notify
 * payloads of per-resource Child SAs (RFC 9611), and the transform that says which sequence
 * numbers an SA has (RFC 9827). saker speaks no IKE itself; this is for who configures it by IKE.
 *
 *      0               1               2               3
 *     | Next Payload  |C|  RESERVED   |         Payload Length        |
 *     |  Protocol ID  |   SPI Size    |      Notify Message Type      |
 *     |  Resource Identifier, SA_RESOURCE_INFO only                  ...
 *
 * Pure. Threads: every function touches only its arguments.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SAKER_IKE_NOTIFY_HEADER 8 /**< octets in front of a resource identifier */
#define SAKER_IKE_SN_TRANSFORM  5 /**< transform type "Sequence Numbers (SN)" */
#define SAKER_IKE_SN_IDS        3 /**< transform ids from 0 on; they are enum saker_esp_sn */

/** Notify message types. */
enum saker_ike_notify_type {
	SAKER_IKE_TS_MAX_QUEUE = 48,        /**< error: no more Child SAs of these selectors */
	SAKER_IKE_SA_RESOURCE_INFO = 16444, /**< status: the Child SA is one resource's */
};

/** A Notify payload. */
struct saker_ike_notify {
	uint8_t next_payload; /**< type of the payload behind it, 0: none */
	uint16_t type;        /**< enum saker_ike_notify_type */
	const uint8_t *data;  /**< resource identifier, opaque; points into what was read */
	uint16_t data_len;    /**< octets, 0: none */
};

/** What is to be done with a Notify payload. */
enum saker_ike_verdict {
	SAKER_IKE_GOOD,
	SAKER_IKE_IGNORE, /**< another type, or Protocol ID or SPI Size are not 0 */
	SAKER_IKE_BAD,    /**< lengths that don't fit, or TS_MAX_QUEUE with data */
};

/**
 * Read a Notify payload, generic header included. Critical and reserved bits are not looked at
 * (RFC 7296 section 3.2).
 * @param len octets from there to the end of the message
 * @param n set only if the verdict is SAKER_IKE_GOOD
 */
enum saker_ike_verdict saker_ike_notify_read(
	const uint8_t *p, size_t len, struct saker_ike_notify *n);

/**
 * Write a Notify payload; Protocol ID, SPI Size and the critical bit are 0.
 * @return octets written; 0: it does not fit @p size or a payload, another type, or TS_MAX_QUEUE
 *         with data
 */
size_t saker_ike_notify_write(const struct saker_ike_notify *n, uint8_t *out, size_t size);

/**
 * Answer to a request for one more Child SA of the same traffic selectors (RFC 9611 section 3).
 * @param have Child SAs of these selectors, the fallback SA included
 * @param most that are allowed; never less than one, since the fallback SA is no extra
 * @return 0: create it, or SAKER_IKE_TS_MAX_QUEUE
 */
uint16_t saker_ike_child_sa_answer(uint32_t have, uint32_t most);

/**
 * After a TS_MAX_QUEUE more Child SAs are asked for only when there are fewer than then.
 * @param have Child SAs of these selectors
 * @param refused_at how many there were at the refusal; 0: none was refused
 */
bool saker_ike_child_sa_may_ask(uint32_t have, uint32_t refused_at);

/** Name of an SN transform id in RFC 9827, as saker's configuration spells it. @return or NULL */
const char *saker_ike_sn_name(uint16_t id);

/** SN transform id of a name. @return -1: there is none */
int saker_ike_sn_id(const char *name);

#endif
