/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_sn.h"

static saker_sn
higher(saker_sn a, saker_sn b)
{
	return a > b ? a : b;
}

static uint64_t
epoch_ms(const struct saker_sn_params *p)
{
	return p->epoch_seconds * UINT64_C(1000);
}

saker_sn
saker_sn_at(const struct saker_sn_params *p, uint64_t unix_ms)
{
	uint64_t slot = unix_ms % epoch_ms(p) / p->slot_ms;

	return saker_sn_make(unix_ms / epoch_ms(p), slot << SAKER_SEQ_BITS | 1);
}

static saker_sn
not_zero(saker_sn sn)
{
	return (uint64_t)sn == 0 ? sn + 1 : sn;
}

saker_sn
saker_sn_next(const struct saker_sn_params *p, uint64_t unix_ms, saker_sn last)
{
	return not_zero(higher(last + 1, saker_sn_at(p, unix_ms)));
}

uint64_t
saker_sn_unix_ms(const struct saker_sn_params *p, saker_sn sn)
{
	uint64_t slot = saker_sn_counter(sn) >> SAKER_SEQ_BITS, ms;

	if (__builtin_mul_overflow(saker_sn_epoch(sn), epoch_ms(p), &ms) ||
		__builtin_add_overflow(ms, slot * p->slot_ms, &ms))
		return UINT64_MAX;
	return ms;
}

saker_sn
saker_sn_key_run(const struct saker_sn_params *p, saker_sn sn)
{
	uint64_t word = p->rekey_shift < 0 ? 0 : saker_sn_counter(sn) >> p->rekey_shift;

	if (p->one_key)
		return 0;
	if (p->rekey_mask != 0) /* keys may come back within an epoch: count them as one */
		word = 0;
	return saker_sn_make(saker_sn_epoch(sn), word & UINT32_MAX);
}

bool
saker_sn_params_equal(const struct saker_sn_params *a, const struct saker_sn_params *b)
{
	return a->mode == b->mode && a->epoch == b->epoch && a->counter_max == b->counter_max &&
	       a->epoch_seconds == b->epoch_seconds && a->slot_ms == b->slot_ms &&
	       a->window_ms == b->window_ms && a->skew_ms == b->skew_ms &&
	       a->rekey_shift == b->rekey_shift && a->rekey_mask == b->rekey_mask &&
	       a->epoch_lifetime == b->epoch_lifetime && a->one_key == b->one_key &&
	       a->newer_epochs == b->newer_epochs && a->max_blocks == b->max_blocks;
}

/* Begin to publish: a seqlock as in Boehm, "Can seqlocks get along with programming language memory
 * models?" Returns what write_end() asks for.
 */
static uint32_t
write_begin(_Atomic uint32_t *version)
{
	uint32_t v = atomic_load_explicit(version, memory_order_relaxed);

	atomic_store_explicit(version, v + 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	return v;
}

static void
write_end(_Atomic uint32_t *version, uint32_t begun)
{
	atomic_store_explicit(version, begun + 2, memory_order_release);
}

static bool
read_valid(const _Atomic uint32_t *version, uint32_t before)
{
	atomic_thread_fence(memory_order_acquire);
	return (before & 1) == 0 && atomic_load_explicit(version, memory_order_relaxed) == before;
}

static void
put(_Atomic uint64_t *to, uint64_t value)
{
	atomic_store_explicit(to, value, memory_order_relaxed);
}

static uint64_t
get(const _Atomic uint64_t *from)
{
	return atomic_load_explicit(from, memory_order_relaxed);
}

static saker_sn
get_sn(const _Atomic uint64_t *hi, const _Atomic uint64_t *lo)
{
	return (saker_sn)get(hi) << 64 | get(lo);
}

/* The worker never waits for the keeper: what it can't read now it reads at the next burst. */
static void
refresh_limit(struct saker_sn_line *l)
{
	uint32_t version = atomic_load_explicit(&l->shared.version, memory_order_acquire);
	saker_sn limit;
	uint64_t blocks;

	if (version == l->version)
		return;
	limit = get_sn(&l->shared.limit_hi, &l->shared.limit_lo);
	blocks = get(&l->shared.limit_blocks);
	if (!read_valid(&l->shared.version, version))
		return;
	l->version = version;
	l->limit = limit;
	l->limit_blocks = blocks;
	l->limit_run = saker_sn_key_run(&l->params, limit);
}

/* What was taken unasked is counted in. Until publish_used() the others know it still as taken. */
static void
count_taken(struct saker_sn_line *l)
{
	uint64_t taken = get(&l->taken);

	l->last += saker_sn_amount_sns(taken);
	l->packets += saker_sn_amount_sns(taken);
	l->blocks += saker_sn_amount_blocks(taken);
	l->sure = 0;
}

static void
publish_used(struct saker_sn_line *l)
{
	uint32_t begun = write_begin(&l->shared.used_version);

	put(&l->taken, 0);
	put(&l->shared.used_hi, (uint64_t)(l->last >> 64));
	put(&l->shared.used_lo, (uint64_t)l->last);
	put(&l->shared.used_blocks, l->blocks);
	put(&l->shared.packets, l->packets);
	put(&l->shared.keys, l->keys);
	write_end(&l->shared.used_version, begun);
}

static void
cap(struct saker_sn_grant *g, saker_sn room, enum saker_drop why)
{
	if (room >= g->n)
		return;
	g->n = (uint16_t)room;
	g->why = why;
}

/* SNs from `first` on whose slots lie at most skew/2 ahead of the clock. */
static saker_sn
clock_room(const struct saker_sn_line *l, saker_sn first, uint64_t unix_ms)
{
	const struct saker_sn_params *p = &l->params;
	uint64_t horizon = unix_ms + p->skew_ms / 2, slots;

	if (unix_ms < l->start_ms || saker_sn_unix_ms(p, first) > horizon)
		return 0;
	slots = (horizon - saker_sn_epoch(first) * epoch_ms(p)) / p->slot_ms + 1;
	return ((saker_sn)slots << SAKER_SEQ_BITS) - saker_sn_counter(first);
}

static void
cap_mode(const struct saker_sn_line *l, saker_sn first, uint64_t unix_ms, struct saker_sn_grant *g)
{
	uint64_t end = saker_sn_last_counter(&l->params) + 1, at = saker_sn_counter(first);
	uint64_t epoch_room = at < end ? end - at : 0;

	if (l->params.mode == SAKER_SN_TIME) {
		cap(g, clock_room(l, first, unix_ms), SAKER_DROP_CLOCK_AHEAD);
		cap(g, epoch_room, SAKER_OK);
	} else {
		bool passed = saker_sn_epoch(first) != l->params.epoch;

		cap(g, passed ? 0 : epoch_room, SAKER_DROP_SN_EXHAUSTED);
	}
}

/* SNs from `sn` on that share its data key. */
static uint64_t
key_room(const struct saker_sn_params *p, saker_sn sn)
{
	uint64_t span;

	if (p->rekey_shift < 0)
		return UINT64_MAX;
	span = UINT64_C(1) << p->rekey_shift;
	return span - (saker_sn_counter(sn) & (span - 1));
}

static uint64_t
block_limit(const struct saker_sn_line *l, saker_sn run)
{
	if (run != l->limit_run || l->limit_blocks > l->params.max_blocks)
		return l->params.max_blocks;
	return l->limit_blocks;
}

/* Count the blocks of packets under one data key; returns how many packets it may seal.
 * A count starts anew when the key changes. Below shift 16 the rekey word wraps within an epoch
 * and a key comes back, but then it seals no more than 2^16 packets in all.
 */
static uint16_t
take_of_key(struct saker_sn_line *l, saker_sn run, const uint16_t *blocks, uint16_t n)
{
	uint64_t limit = block_limit(l, run);
	uint64_t sum = run == l->key_run ? l->blocks : 0;
	uint16_t i;

	for (i = 0; i < n && sum + blocks[i] <= limit; i++)
		sum += blocks[i];
	if (i > 0) {
		l->keys += run != l->key_run || l->packets == 0;
		l->packets += i;
		l->key_run = run;
		l->blocks = sum;
	}
	return i;
}

static void
take_blocks(
	struct saker_sn_line *l, saker_sn first, const uint16_t *blocks, struct saker_sn_grant *g)
{
	uint16_t done = 0;

	while (done < g->n) {
		saker_sn run = saker_sn_key_run(&l->params, first + done);
		uint64_t room = key_room(&l->params, first + done);
		uint16_t left = g->n - done, n = room < left ? (uint16_t)room : left;
		uint16_t got = take_of_key(l, run, blocks + done, n);

		done += got;
		if (got < n)
			cap(g, done,
				block_limit(l, run) < l->params.max_blocks
					? SAKER_DROP_SN_UNRESERVED
					: SAKER_DROP_KEY_EXHAUSTED);
	}
}

static saker_sn
first_sn(const struct saker_sn_line *l, uint64_t unix_ms)
{
	if (l->params.mode == SAKER_SN_TIME)
		return saker_sn_next(&l->params, unix_ms, l->last);
	return not_zero(higher(l->last + 1, saker_sn_make(l->params.epoch, 1)));
}

static uint32_t
least(saker_sn room, uint32_t other)
{
	return room < other ? (uint32_t)room : other;
}

/* How many more SNs of this data key nothing stands against while the clock does not change. */
static void
note_sure(struct saker_sn_line *l, uint64_t unix_ms)
{
	const struct saker_sn_params *p = &l->params;
	saker_sn next = l->last + 1;
	uint64_t at = saker_sn_counter(next), end = saker_sn_last_counter(p) + 1;
	uint32_t room = UINT32_MAX, blocks;

	if (saker_sn_key_run(p, next) != l->key_run || at >= end)
		return;
	if (p->mode == SAKER_SN_TIME)
		room = least(clock_room(l, next, unix_ms), room);
	room = least(end - at, room);
	room = least(key_room(p, next), room);
	room = least(l->limit > next ? l->limit - next : 0, room);
	blocks = least(block_limit(l, l->key_run) - l->blocks, UINT32_MAX);
	l->sure = saker_sn_amount(room, blocks);
	l->sure_ms = unix_ms;
}

/* What the line may grant when it asks for everything. */
static struct saker_sn_grant
grant(struct saker_sn_line *l, uint64_t unix_ms, const uint16_t *blocks, uint16_t n)
{
	struct saker_sn_grant g = { .n = n, .why = SAKER_OK };
	uint32_t stopped = atomic_load_explicit(&l->stopped, memory_order_relaxed);
	saker_sn first = first_sn(l, unix_ms);

	if (stopped != SAKER_OK)
		cap(&g, 0, (enum saker_drop)stopped);
	g.first = (uint64_t)first;
	g.epoch = saker_sn_epoch(first);
	cap_mode(l, first, unix_ms, &g);
	if (g.epoch - l->mk_first >= SAKER_MK_EPOCHS)
		cap(&g, 0, SAKER_DROP_MK_EXPIRED);
	cap(&g, l->limit > first ? l->limit - first : 0, SAKER_DROP_SN_UNRESERVED);
	take_blocks(l, first, blocks, &g);
	if (g.n > 0)
		l->last = first + g.n - 1;
	return g;
}

static struct saker_sn_grant
take_asking(struct saker_sn_line *l, uint64_t unix_ms, const uint16_t *blocks, uint16_t n)
{
	struct saker_sn_grant g;

	refresh_limit(l);
	/* a line that was never made ready has not even parameters */
	if (l->limit == 0)
		return (struct saker_sn_grant){ .why = SAKER_DROP_SN_UNRESERVED };
	count_taken(l);
	g = grant(l, unix_ms, blocks, n);
	publish_used(l);
	if (g.n == n && n > 0)
		note_sure(l, unix_ms);
	return g;
}

struct saker_sn_grant
saker_sn_take(struct saker_sn_line *l, uint64_t unix_ms, const uint16_t *blocks, uint16_t n)
{
	uint64_t sum = 0, last;

	for (uint16_t i = 0; i < n; i++)
		sum += blocks[i];
	if (!saker_sn_take_sure(l, unix_ms, sum, n, &last))
		return take_asking(l, unix_ms, blocks, n);
	return (struct saker_sn_grant){
		.first = last - n + 1, .epoch = saker_sn_epoch(l->last), .n = n, .why = SAKER_OK
	};
}

void
saker_sn_line_init(struct saker_sn_line *l, const struct saker_sn_params *params, saker_sn start,
	uint64_t mk_first, uint64_t blocks)
{
	*l = (struct saker_sn_line){ .params = *params, .last = start, .mk_first = mk_first };
	if (params->mode == SAKER_SN_TIME)
		l->start_ms = saker_sn_unix_ms(params, start + 1);
	l->key_run = saker_sn_key_run(params, start);
	l->blocks = blocks;
	publish_used(l);
}

void
saker_sn_line_follow(struct saker_sn_line *l, const struct saker_sn_line *before, bool same_key)
{
	uint64_t blocks;
	saker_sn used = saker_sn_line_used(before, &blocks);

	count_taken(l);
	l->last = higher(l->last, used);
	if (same_key) {
		l->key_run = before->key_run;
		l->blocks = blocks;
	}
	publish_used(l);
}

void
saker_sn_line_presume(struct saker_sn_line *l, saker_sn used)
{
	uint32_t begun = write_begin(&l->shared.used_version);

	put(&l->shared.used_hi, (uint64_t)(used >> 64));
	put(&l->shared.used_lo, (uint64_t)used);
	write_end(&l->shared.used_version, begun);
}

void
saker_sn_line_reserve(struct saker_sn_line *l, saker_sn limit, uint64_t blocks)
{
	saker_sn old = saker_sn_line_limit_get(l);
	uint64_t old_blocks = get(&l->shared.limit_blocks);
	uint32_t begun;

	if (limit < old || (limit == old && blocks <= old_blocks))
		return;
	if (saker_sn_key_run(&l->params, limit) == saker_sn_key_run(&l->params, old) &&
		blocks < old_blocks)
		blocks = old_blocks;
	begun = write_begin(&l->shared.version);
	put(&l->shared.limit_hi, (uint64_t)(limit >> 64));
	put(&l->shared.limit_lo, (uint64_t)limit);
	put(&l->shared.limit_blocks, blocks);
	write_end(&l->shared.version, begun);
}

void
saker_sn_line_limit(struct saker_sn_line *l, saker_sn limit)
{
	saker_sn_line_reserve(l, limit, UINT64_MAX);
}

saker_sn
saker_sn_line_used(const struct saker_sn_line *l, uint64_t *blocks)
{
	uint64_t taken;
	uint32_t version;
	saker_sn used;

	do {
		version = atomic_load_explicit(&l->shared.used_version, memory_order_acquire);
		taken = get(&l->taken);
		used = get_sn(&l->shared.used_hi, &l->shared.used_lo);
		*blocks = get(&l->shared.used_blocks);
	} while (!read_valid(&l->shared.used_version, version));
	*blocks += saker_sn_amount_blocks(taken);
	return used + saker_sn_amount_sns(taken);
}

saker_sn
saker_sn_line_limit_get(const struct saker_sn_line *l)
{
	uint32_t version;
	saker_sn limit;

	do {
		version = atomic_load_explicit(&l->shared.version, memory_order_acquire);
		limit = get_sn(&l->shared.limit_hi, &l->shared.limit_lo);
	} while (!read_valid(&l->shared.version, version));
	return limit;
}

struct saker_sn_life
saker_sn_line_life(const struct saker_sn_line *l)
{
	struct saker_sn_life life;
	uint64_t taken;
	uint32_t version;

	do {
		version = atomic_load_explicit(&l->shared.used_version, memory_order_acquire);
		taken = get(&l->taken);
		life.packets = get(&l->shared.packets);
		life.keys = get(&l->shared.keys);
	} while (!read_valid(&l->shared.used_version, version));
	life.packets += saker_sn_amount_sns(taken);
	if (l->flow_keys)
		life.keys = life.packets;
	return life;
}

void
saker_sn_line_stop(struct saker_sn_line *l, enum saker_drop why)
{
	atomic_store_explicit(&l->stopped, (uint32_t)why, memory_order_relaxed);
}
