/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_SN_H
#define SAKER_SN_H

/**
 * @file
 * Sequence numbers of senders: the two disciplines of stateless profile section 4, and the SN
 * line of one (group, source, session), which hands out every SN at most once.
 *
 * An SN is kept unwrapped: epoch above bit 48, counter below. Its low 64 bits go on the wire.
 *
 * Threads: a line is used by one worker (saker_sn_take) and one keeper, the thread that persists
 * reservations (saker_sn_line_limit, saker_sn_line_reserve, saker_sn_line_used); the two share
 * only what this file publishes between them. Everything else is pure.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "saker_drop.h"

/** An unwrapped SN. 128 bits, since the unwrapped epoch may pass 16 bits. */
__extension__ typedef unsigned __int128 saker_sn;

#define SAKER_COUNTER_BITS 48
#define SAKER_SEQ_BITS     24
#define SAKER_COUNTER_MAX  0xffffffffffffULL
#define SAKER_SEQ_MAX      0xffffffULL
#define SAKER_MK_EPOCHS    (1u << 15) /**< a master key lives less than this many epochs */

/** How SNs come about. */
enum saker_sn_mode { SAKER_SN_TIME, SAKER_SN_COUNTER };

/** Parameters of a group's discipline. Times in the unit that the name says. */
struct saker_sn_params {
	enum saker_sn_mode mode;
	uint64_t epoch;         /**< counter: the epoch */
	uint64_t counter_max;   /**< counter: the last one, 0: SAKER_COUNTER_MAX */
	uint32_t epoch_seconds; /**< time */
	uint32_t slot_ms;       /**< time; divides epoch_seconds * 1000 into less than 2^24 slots */
	uint32_t window_ms;     /**< time: how old a received SN may be */
	uint32_t skew_ms;       /**< time: how far clocks may be apart */
	int rekey_shift;        /**< -1: off */
	uint64_t rekey_mask; /**< format T: bits of the counter that make the rekey word; 0: all */
	uint16_t epoch_lifetime; /**< format T, counter: epochs that are accepted behind the own */
	bool newer_epochs;       /**< format T, counter: any epoch ahead is accepted */
	bool one_key;            /**< format T, direct mode: the key hangs on no SN */
	uint64_t max_blocks;     /**< AES blocks that one data key may encrypt on this line */
};

/** Bits of the counter that make the rekey word. */
static inline uint64_t
saker_sn_rekey_mask(const struct saker_sn_params *p)
{
	return p->rekey_mask == 0 ? SAKER_COUNTER_MAX : p->rekey_mask;
}

/** Put an SN together. */
static inline saker_sn
saker_sn_make(uint64_t epoch, uint64_t counter)
{
	return (saker_sn)epoch << SAKER_COUNTER_BITS | (counter & SAKER_COUNTER_MAX);
}

/** Unwrapped epoch of an SN. */
static inline uint64_t
saker_sn_epoch(saker_sn sn)
{
	return (uint64_t)(sn >> SAKER_COUNTER_BITS);
}

/** Counter of an SN. */
static inline uint64_t
saker_sn_counter(saker_sn sn)
{
	return (uint64_t)sn & SAKER_COUNTER_MAX;
}

/** The last counter of an epoch (counter discipline). */
static inline uint64_t
saker_sn_last_counter(const struct saker_sn_params *p)
{
	return p->counter_max == 0 ? SAKER_COUNTER_MAX : p->counter_max;
}

/** The first SN that the clock allows: E || slot || seq 1 (time discipline). */
saker_sn saker_sn_at(const struct saker_sn_params *p, uint64_t unix_ms);

/** max(last + 1, E || slot || 1): the next SN of the time discipline. Never 0 on the wire. */
saker_sn saker_sn_next(const struct saker_sn_params *p, uint64_t unix_ms, saker_sn last);

/**
 * When the slot of an SN begins, in milliseconds of Unix time (time discipline). UINT64_MAX if
 * that is beyond all clocks.
 */
uint64_t saker_sn_unix_ms(const struct saker_sn_params *p, saker_sn sn);

/** Which data key seals an SN: its epoch, and the rekey word as the counter. */
saker_sn saker_sn_key_run(const struct saker_sn_params *p, saker_sn sn);

/** True if two sets of parameters are the same in every field. */
bool saker_sn_params_equal(const struct saker_sn_params *a, const struct saker_sn_params *b);

/** What a line has sent under its master key. */
struct saker_sn_life {
	uint64_t packets;
	uint64_t
		keys; /**< data keys: changes of epoch or rekey word; see saker_sn_line.flow_keys */
};

/** A number of SNs, and of blocks that they encrypt, in one word: what is published at once. */
static inline uint64_t
saker_sn_amount(uint32_t sns, uint32_t blocks)
{
	return (uint64_t)sns << 32 | blocks;
}

/** SNs of an amount. */
static inline uint32_t
saker_sn_amount_sns(uint64_t amount)
{
	return (uint32_t)(amount >> 32);
}

/** Blocks of an amount. */
static inline uint32_t
saker_sn_amount_blocks(uint64_t amount)
{
	return (uint32_t)amount;
}

/**
 * One SN line; all zero, it grants nothing (sn_unreserved). Its fields belong to the worker, but
 * for those that are told to be for others.
 */
struct saker_sn_line {
	/* one cache line: all that most calls of saker_sn_take() need */
	saker_sn last;            /**< last SN handed out before `taken`; or that below the first */
	uint64_t sure_ms;         /**< a reading of the clock */
	uint64_t sure;            /**< amount behind `last` that may be taken unasked at sure_ms */
	_Atomic uint64_t taken;   /**< amount of it that was; any thread reads it */
	uint64_t blocks;          /**< AES blocks that its data key encrypted before `taken` */
	uint64_t packets;         /**< sent before `taken` */
	uint32_t version;         /**< of the copies of what the keeper publishes */
	_Atomic uint32_t stopped; /**< enum saker_drop, SAKER_OK: may send; any thread sets it */

	uint64_t keys; /**< of these packets, see struct saker_sn_life */
	struct saker_sn_params params;
	bool retired;          /**< control thread: not to be supplied any more */
	bool flow_keys;        /**< sources hold flows: every packet counts as a data key */
	uint64_t start_ms;     /**< time: nothing is sent before the clock gets here */
	uint64_t mk_first;     /**< first epoch of the master key */
	saker_sn key_run;      /**< which data key: epoch and rekey word */
	saker_sn limit;        /**< copy of the published limit: no SN at or above it */
	saker_sn limit_run;    /**< data key of the limit */
	uint64_t limit_blocks; /**< copy: blocks that the data key of the limit may encrypt */
	struct {               /* worker and keeper */
		_Atomic uint32_t version; /**< odd while the keeper writes (a seqlock) */
		_Atomic uint32_t
			used_version; /**< the same, worker to keeper; `taken` comes on top */
		_Atomic uint64_t used_hi, used_lo, used_blocks, packets, keys;
		_Atomic uint64_t limit_hi, limit_lo, limit_blocks;
	} shared __attribute__((aligned(64)));
} __attribute__((aligned(64)));

_Static_assert(offsetof(struct saker_sn_line, keys) == 64, "one line of what is mostly asked");

/**
 * Make a line ready. Nothing can be taken until a limit is published and, in the time
 * discipline, until the clock has reached the slot of the first SN.
 * @param start the SN below the first that may be used
 * @param mk_first first epoch in which the line used its master key
 * @param blocks AES blocks already encrypted under the data key of @p start
 */
void saker_sn_line_init(struct saker_sn_line *l, const struct saker_sn_params *params,
	saker_sn start, uint64_t mk_first, uint64_t blocks);

/**
 * Go on where another line of the same source and session stopped, so that no SN comes again under
 * any key: by the worker, at the moment it changes from one line to the other, or while it stands
 * still. The line was made ready with at least a reservation of its own.
 * @param same_key both are for one master key: its blocks count on
 */
void saker_sn_line_follow(
	struct saker_sn_line *l, const struct saker_sn_line *before, bool same_key);

/**
 * Keeper: publish as used what a line may find used when its worker comes to it. Others who look
 * meanwhile then take nothing that was sent for unsent.
 */
void saker_sn_line_presume(struct saker_sn_line *l, saker_sn used);

/** What saker_sn_take() grants. */
struct saker_sn_grant {
	uint64_t first; /**< SN of the first packet as on the wire; the others follow densely */
	uint64_t epoch; /**< unwrapped epoch of them all */
	uint16_t n;     /**< packets that got an SN: the first n */
	enum saker_drop why; /**< why the others got none; SAKER_OK: take again for them */
};

/**
 * Take SNs for a burst. All granted SNs are consecutive and share one epoch.
 * @param unix_ms the clock
 * @param blocks AES blocks of each packet, in order (`n` entries)
 * @param n packets that want one
 * @return what was granted; refused packets must not be sent
 */
struct saker_sn_grant saker_sn_take(
	struct saker_sn_line *l, uint64_t unix_ms, const uint16_t *blocks, uint16_t n);

/**
 * Take SNs of which nothing has to be asked: neither clock nor key has changed since it was found
 * out how many there are. The limit may have, but it never goes down.
 * @param blocks AES blocks of all @p n packets
 * @param last receives the last of them as on the wire
 * @return false: there are not as many, or something has changed
 */
static inline bool
saker_sn_take_sure(
	struct saker_sn_line *l, uint64_t unix_ms, uint64_t blocks, uint16_t n, uint64_t *last)
{
	uint64_t taken = atomic_load_explicit(&l->taken, memory_order_relaxed);
	uint64_t left = l->sure - taken;

	if (n > saker_sn_amount_sns(left) || blocks > saker_sn_amount_blocks(left) ||
		unix_ms != l->sure_ms ||
		atomic_load_explicit(&l->stopped, memory_order_relaxed) != SAKER_OK)
		return false;
	taken += saker_sn_amount(n, (uint32_t)blocks);
	atomic_store_explicit(&l->taken, taken, memory_order_relaxed);
	*last = (uint64_t)l->last + saker_sn_amount_sns(taken);
	return true;
}

/** Keeper: let the worker use SNs below @p limit. A limit never goes down. */
void saker_sn_line_limit(struct saker_sn_line *l, saker_sn limit);

/**
 * Keeper: the same, where the data key of @p limit may encrypt @p blocks blocks at most, used
 * ones included. A restart goes on at the limit, so only this key's blocks need be promised.
 */
void saker_sn_line_reserve(struct saker_sn_line *l, saker_sn limit, uint64_t blocks);

/** Keeper, show: last SN used and blocks of its data key, as last published by the worker. */
saker_sn saker_sn_line_used(const struct saker_sn_line *l, uint64_t *blocks);

/** Any thread: the limit last published; 0 if none yet. */
saker_sn saker_sn_line_limit_get(const struct saker_sn_line *l);

/** Any thread: what the line has sent, as last published by the worker. */
struct saker_sn_life saker_sn_line_life(const struct saker_sn_line *l);

/** Any thread: grant nothing any more, for that reason; SAKER_OK: go on. */
void saker_sn_line_stop(struct saker_sn_line *l, enum saker_drop why);

#endif
