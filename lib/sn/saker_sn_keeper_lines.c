/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_sn_keeper_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "saker_bytes.h"

#define SOON (1u << 22) /* SNs that are used while a reservation is written */

static void __attribute__((format(printf, 3, 4)))
line_fault(struct saker_faults *faults, const struct saker_sn_id *id, const char *format, ...)
{
	char source[2 * sizeof(id->source) + 1], what[160];
	va_list ap;

	va_start(ap, format);
	vsnprintf(what, sizeof(what), format, ap);
	va_end(ap);
	saker_fault(faults, NULL, 0, "format %c, spi 0x%" PRIx32 ", source %s, session %u: %s",
		id->format, id->spi, saker_hex_encode(id->source, id->source_len, source),
		id->session, what);
}

static bool
epoch_allowed(const struct saker_sn_params *p, const struct saker_sn_id *id, saker_sn reserved,
	struct saker_faults *faults)
{
	uint64_t persisted = reserved == 0 ? 0 : saker_sn_epoch(reserved - 1);

	if (p->epoch < persisted)
		line_fault(faults, id,
			"epoch %" PRIu64 " lies behind the persisted epoch %" PRIu64
			", raise epoch",
			p->epoch, persisted);
	else if (p->epoch < saker_sn_epoch(reserved))
		line_fault(faults, id, "the counter of epoch %" PRIu64 " is used up, raise epoch",
			p->epoch);
	else
		return true;
	return false;
}

/* The first SN once the clock has passed a reservation. */
static saker_sn
first_after(const struct saker_sn_params *p, saker_sn reserved)
{
	uint64_t ms = saker_sn_unix_ms(p, reserved);

	if ((reserved & SAKER_SEQ_MAX) > 1)
		ms += p->slot_ms;
	return saker_sn_higher(reserved, saker_sn_at(p, ms));
}

/* With a new master key a line also begins at the clock at least, so that none of its epochs
 * lies before the first, from which the life of the key counts.
 */
static saker_sn
first_in_time(const struct saker_sn_params *p, const struct saker_sn_record *r, saker_sn highest,
	uint64_t unix_ms)
{
	if (highest == 0)
		return first_after(p, saker_sn_time_reservation(p, unix_ms));
	if (r == NULL)
		return saker_sn_higher(first_after(p, highest), saker_sn_at(p, unix_ms));
	return first_after(p, highest);
}

static bool
same_key(const struct saker_sn_id *a, const struct saker_sn_id *b)
{
	return memcmp(a->mk_check, b->mk_check, sizeof(a->mk_check)) == 0;
}

static bool
is_taken(const struct saker_sn_keeper *k, const struct saker_sn_id *id)
{
	for (unsigned int i = 0; i < k->n; i++) {
		const struct saker_sn_id *other = &k->supplies[i].record.id;

		if (other->format == id->format && other->spi == id->spi &&
			other->session == id->session && other->source_len == id->source_len &&
			memcmp(other->source, id->source, id->source_len) == 0 &&
			same_key(other, id))
			return true;
	}
	return false;
}

static int
append(struct saker_sn_keeper *k, const struct saker_sn_supply *s)
{
	struct saker_sn_supply *grown = reallocarray(k->supplies, k->n + 1, sizeof(*grown));

	if (grown == NULL)
		return -ENOMEM;
	k->supplies = grown;
	k->supplies[k->n++] = *s;
	return 0;
}

/* What was reserved under this master key, or under one that is not known: it was forgotten, or is
 * behind keys that were handed out. Such keys may be of any master key that was used here. (With
 * keys by session, of spi 0, none are.)
 */
static saker_sn
reserved_before(const struct saker_sn_keeper *k, const struct saker_sn_id *id,
	const struct saker_sn_record *r)
{
	const struct saker_sn_record *unknown;
	struct saker_sn_id without = *id;

	memset(without.mk_check, 0, sizeof(without.mk_check));
	if (same_key(id, &without))
		return saker_sn_store_highest(k->store, id);
	if (r != NULL && id->spi == 0)
		return r->reserved;
	unknown = saker_sn_store_find(k->store, &without);
	return saker_sn_higher(
		r == NULL ? 0 : r->reserved, unknown == NULL ? 0 : unknown->reserved);
}

/* Make a line ready that begins with the SN `first`, and supply it. */
static int
begin(struct saker_sn_keeper *k, const struct saker_sn_id *id, const struct saker_sn_params *params,
	struct saker_sn_line *line, saker_sn first)
{
	const struct saker_sn_record *r = saker_sn_store_find(k->store, id);
	struct saker_sn_supply s = { .line = line, .record = { .id = *id } };
	uint64_t blocks = 0;

	s.record.mk_first = saker_sn_epoch(first);
	if (r != NULL)
		s.record = *r;
	saker_sn_store_trim(k->store, id);
	if (append(k, &s) != 0)
		return -ENOMEM;
	if (s.record.key_run == saker_sn_key_run(params, first - 1))
		blocks = s.record.blocks;
	saker_sn_line_init(line, params, first - 1, s.record.mk_first, blocks);
	pthread_cond_signal(&k->wake); /* it may be due sooner than the others */
	return 0;
}

static int
add(struct saker_sn_keeper *k, const struct saker_sn_id *id, const struct saker_sn_params *params,
	struct saker_sn_line *line, uint64_t unix_ms, struct saker_faults *faults)
{
	const struct saker_sn_record *r = saker_sn_store_find(k->store, id);
	saker_sn reserved = reserved_before(k, id, r), first;

	if (is_taken(k, id)) {
		line_fault(faults, id, "two senders share one SN line, give each its own source");
		return -EINVAL;
	}
	if (saker_sn_in_time(params))
		first = first_in_time(params, r, saker_sn_store_highest(k->store, id), unix_ms);
	else if (!epoch_allowed(params, id, reserved, faults))
		return -EINVAL;
	else
		first = saker_sn_higher(saker_sn_make(params->epoch, 1), reserved);
	if (begin(k, id, params, line, first) == 0)
		return 0;
	line_fault(faults, id, "no memory for its SN line");
	return -EINVAL;
}

int
saker_sn_keeper_add(struct saker_sn_keeper *k, const struct saker_sn_id *id,
	const struct saker_sn_params *params, struct saker_sn_line *line, uint64_t unix_ms,
	struct saker_faults *faults)
{
	int rc;

	pthread_mutex_lock(&k->mutex);
	rc = add(k, id, params, line, unix_ms, faults);
	pthread_mutex_unlock(&k->mutex);
	return rc;
}

static const struct saker_sn_supply *
supply_of(const struct saker_sn_keeper *k, const struct saker_sn_line *line)
{
	for (unsigned int i = 0; i < k->n; i++)
		if (k->supplies[i].line == line)
			return &k->supplies[i];
	return NULL;
}

/* With other slots or epochs the clock may stand behind what was used. */
static bool
clock_allowed(const struct saker_sn_params *p, const struct saker_sn_id *id, saker_sn first,
	const struct saker_sn_line *before, struct saker_faults *faults, uint64_t unix_ms)
{
	uint64_t at = saker_sn_unix_ms(p, first);

	if (p->epoch_seconds == before->params.epoch_seconds &&
		p->slot_ms == before->params.slot_ms && saker_sn_in_time(&before->params))
		return true;
	if (at <= unix_ms + p->skew_ms / 2)
		return true;
	line_fault(faults, id,
		"its SNs are %" PRIu64 " s ahead of the clock in the new sn, epoch_seconds and "
		"slot_ms; keep these, or give the group another spi",
		(at - unix_ms) / 1000);
	return false;
}

/* The SN that follows those of another line, or 0: a fault was added. */
static saker_sn
first_behind(struct saker_sn_keeper *k, const struct saker_sn_id *id,
	const struct saker_sn_params *params, const struct saker_sn_supply *before,
	uint64_t unix_ms, struct saker_faults *faults)
{
	const struct saker_sn_record *r = saker_sn_store_find(k->store, id);
	uint64_t blocks;
	saker_sn first = saker_sn_line_used(before->line, &blocks) + 1;

	if (saker_sn_in_time(params))
		return clock_allowed(params, id, first, before->line, faults, unix_ms) ? first : 0;
	/* this process kept the key's own promise: it need not skip what it never sent */
	if (!same_key(id, &before->record.id))
		first = saker_sn_higher(first, reserved_before(k, id, r));
	if (!epoch_allowed(params, id, first, faults))
		return 0;
	return saker_sn_higher(first, saker_sn_make(params->epoch, 1));
}

/* What a line will find used, at most, when its worker comes to it: all that the line before may
 * send, but of a counter only what it can in so short a time, since that is skipped at a restart.
 */
static saker_sn
presumed(const struct saker_sn_line *line, saker_sn limit)
{
	saker_sn most = saker_sn_in_time(&line->params) ? limit : line->last + SOON;

	return saker_sn_higher(line->last, (limit < most ? limit : most) - 1);
}

static int
follow(struct saker_sn_keeper *k, const struct saker_sn_id *id,
	const struct saker_sn_params *params, struct saker_sn_line *line,
	const struct saker_sn_supply *before, uint64_t unix_ms, struct saker_faults *faults)
{
	const struct saker_sn_line *old = before->line;
	saker_sn first = first_behind(k, id, params, before, unix_ms, faults);

	if (first == 0)
		return -EINVAL;
	if (begin(k, id, params, line, first) != 0) {
		line_fault(faults, id, "no memory for its SN line");
		return -EINVAL;
	}
	saker_sn_line_presume(line, presumed(line, saker_sn_line_limit_get(old)));
	/* the clock has passed what was reserved before this process, or has yet to */
	if (saker_sn_in_time(params) && saker_sn_in_time(&old->params))
		line->start_ms = old->start_ms;
	return 0;
}

int
saker_sn_keeper_follow(struct saker_sn_keeper *k, const struct saker_sn_id *id,
	const struct saker_sn_params *params, struct saker_sn_line *line,
	const struct saker_sn_line *before, uint64_t unix_ms, struct saker_faults *faults)
{
	const struct saker_sn_supply *s;
	int rc = -EINVAL;

	pthread_mutex_lock(&k->mutex);
	s = supply_of(k, before);
	if (s == NULL)
		line_fault(faults, id, "the line that it follows has no reservations");
	else
		rc = follow(k, id, params, line, s, unix_ms, faults);
	pthread_mutex_unlock(&k->mutex);
	return rc;
}

void
saker_sn_keeper_retire(struct saker_sn_line *line)
{
	line->retired = true;
}

void
saker_sn_keeper_sweep(struct saker_sn_keeper *k)
{
	unsigned int kept = 0;

	pthread_mutex_lock(&k->mutex);
	for (unsigned int i = 0; i < k->n; i++)
		if (!k->supplies[i].line->retired)
			k->supplies[kept++] = k->supplies[i];
	k->n = kept;
	pthread_mutex_unlock(&k->mutex);
}
