/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_neigh.h"

#include <pthread.h>
#include <stdlib.h>

#include <rte_errno.h>
#include <rte_jhash.h>

#include "saker_solicit.h"

/* Times of RFC 4861, section 10, but for the last three. */
#define RETRANS_MS   1000
#define TRIES        3
#define REACHABLE_MS 30000
#define DELAY_MS     5000
#define CHECK_MS     1000                      /* how often an idle entry is looked at */
#define FORGET_S     600                       /* an entry that nobody uses */
#define VERIFY_MS    1000                      /* at most one question about claims */
#define LEARN_MAX    (SAKER_NEIGH_MAX / 4 * 3) /* the rest is for next hops that are wanted */
#define EVENT_BURST  64

_Static_assert(sizeof(struct saker_neigh_event) % 4 == 0, "rings hold multiples of four octets");

enum state { INCOMPLETE, REACHABLE, STALE, PROBE, FAILED };

static const char *const state_names[] = { "incomplete", "reachable", "stale", "probe", "failed" };

/** What an entry is found by; no holes. */
struct key {
	uint8_t octets[16];
	uint8_t family, link, zero[2];
};

/** The control thread's side of an entry. */
struct entry {
	struct saker_ip ip;
	uint8_t link;
	uint8_t state, tries;
	bool asked; /* an answer is awaited */
	uint8_t mac[SAKER_MAC];
	uint32_t at;           /**< its place in `live` */
	uint64_t due_ms;       /**< when something is to be done */
	uint64_t confirmed_ms; /**< last answer, or creation */
	uint64_t verified_ms;  /**< last question because of a claim */
};

/** A position that readers may still hold. */
struct retired {
	int32_t position;
	uint64_t token;
};

struct saker_neigh_ctl {
	struct saker_neigh_params params;
	pthread_mutex_t lock;
	struct entry *entry; /**< by position */
	uint32_t *live;      /**< positions in use */
	uint32_t n_live, n_positions;
	struct retired *retired; /**< oldest first */
	uint32_t n_retired;
	uint64_t now_ms;
};

static struct key
key_of(unsigned int link, const struct saker_ip *ip)
{
	struct key k = { .family = ip->family, .link = (uint8_t)link };

	memcpy(k.octets, ip->octets, sizeof(k.octets));
	return k;
}

bool
saker_neigh_find(const struct saker_neigh *t, unsigned int worker, unsigned int link,
	const struct saker_ip *ip, uint64_t *value)
{
	struct key k = key_of(link, ip);
	int32_t position = rte_hash_lookup(t->hash, &k);

	if (position < 0)
		return false;
	*value = atomic_load_explicit(&t->value[position], memory_order_acquire);
	t->used[worker][position] = atomic_load_explicit(&t->now_s, memory_order_relaxed);
	return true;
}

bool
saker_neigh_tell(const struct saker_neigh *t, const struct saker_neigh_event *e)
{
	return rte_ring_enqueue_elem(t->events, (void *)(uintptr_t)e, sizeof(*e)) == 0;
}

/* Everything below is the control thread's. */

static void
publish(struct saker_neigh *t, uint32_t position, uint64_t value)
{
	if (atomic_load_explicit(&t->value[position], memory_order_relaxed) == value)
		return;
	atomic_store_explicit(&t->value[position], value, memory_order_release);
	atomic_fetch_add_explicit(&t->version, 1, memory_order_release);
}

static uint64_t
value_of(const uint8_t mac[SAKER_MAC])
{
	uint64_t value = 0;

	memcpy(&value, mac, SAKER_MAC);
	return value;
}

static void
ask(struct saker_neigh *t, struct entry *e, bool everyone)
{
	const struct saker_neigh_params *p = &t->c->params;
	uint8_t frame[SAKER_SOLICIT_MAX];
	uint16_t len = saker_solicit(&p->link[e->link], &e->ip, everyone ? NULL : e->mac, frame);

	p->send(p->arg, e->link, frame, len);
	e->tries++;
	e->asked = true;
	e->due_ms = t->c->now_ms + RETRANS_MS;
}

static struct entry *
find(struct saker_neigh *t, unsigned int link, const struct saker_ip *ip)
{
	struct key k = key_of(link, ip);
	int32_t position = rte_hash_lookup(t->hash, &k);

	return position < 0 ? NULL : &t->c->entry[position];
}

static void
forget(struct saker_neigh *t, struct entry *e)
{
	struct saker_neigh_ctl *c = t->c;
	struct key k = key_of(e->link, &e->ip);
	int32_t position = rte_hash_del_key(t->hash, &k);

	if (position < 0)
		return;
	c->retired[c->n_retired++] = (struct retired){ position,
		rte_rcu_qsbr_start(c->params.qsbr) };
	c->live[e->at] = c->live[--c->n_live];
	c->entry[c->live[e->at]].at = e->at;
	atomic_fetch_add_explicit(&t->version, 1, memory_order_release);
}

/* A position is used again once no worker can hold it. */
static void
reclaim(struct saker_neigh *t)
{
	struct saker_neigh_ctl *c = t->c;
	uint32_t n = 0;

	while (n < c->n_retired &&
		rte_rcu_qsbr_check(c->params.qsbr, c->retired[n].token, false) == 1) {
		int32_t position = c->retired[n++].position;

		for (unsigned int w = 0; w < c->params.n_workers; w++)
			t->used[w][position] = 0;
		atomic_store_explicit(&t->value[position], 0, memory_order_release);
		rte_hash_free_key_with_position(t->hash, position);
	}
	c->n_retired -= n;
	memmove(c->retired, c->retired + n, c->n_retired * sizeof(*c->retired));
}

static uint32_t
last_use(const struct saker_neigh *t, uint32_t position)
{
	uint32_t last = 0;

	for (unsigned int w = 0; w < t->c->params.n_workers; w++)
		last = RTE_MAX(last, __atomic_load_n(&t->used[w][position], __ATOMIC_RELAXED));
	return last;
}

static bool
used_within(const struct saker_neigh *t, const struct entry *e, uint32_t seconds)
{
	uint32_t last = last_use(t, (uint32_t)(e - t->c->entry));

	return last != 0 && last + seconds >= atomic_load(&t->now_s);
}

/* Room for who is wanted: the first entry that serves nobody goes. */
static void
make_room(struct saker_neigh *t)
{
	struct saker_neigh_ctl *c = t->c;

	for (uint32_t i = 0; i < c->n_live; i++) {
		struct entry *e = &c->entry[c->live[i]];

		if (e->state == REACHABLE || e->state == PROBE || used_within(t, e, TRIES + 1))
			continue;
		forget(t, e);
		return;
	}
}

static struct entry *
create(struct saker_neigh *t, const struct saker_neigh_event *event)
{
	struct saker_neigh_ctl *c = t->c;
	struct key k = key_of(event->link, &event->ip);
	int32_t position = -1;
	struct entry *e;

	if (c->n_live < SAKER_NEIGH_MAX)
		position = rte_hash_add_key(t->hash, &k);
	if (position < 0) {
		make_room(t);
		return NULL;
	}
	e = &c->entry[position];
	*e = (struct entry){ .ip = event->ip, .link = event->link, .at = c->n_live };
	e->confirmed_ms = c->now_ms;
	e->due_ms = c->now_ms;
	c->live[c->n_live++] = (uint32_t)position;
	return e;
}

static void
take_mac(struct saker_neigh *t, struct entry *e, const uint8_t *mac, enum state state)
{
	memcpy(e->mac, mac, SAKER_MAC);
	e->state = state;
	e->tries = 0;
	e->asked = false;
	e->confirmed_ms = t->c->now_ms;
	e->due_ms = t->c->now_ms + (state == REACHABLE ? REACHABLE_MS : DELAY_MS);
	publish(t, (uint32_t)(e - t->c->entry), value_of(mac));
}

/* Someone says otherwise: ask everyone, at most once a while, and believe who answers then. */
static void
verify(struct saker_neigh *t, struct entry *e)
{
	uint64_t earliest = e->verified_ms == 0 ? 0 : e->verified_ms + VERIFY_MS;

	if (e->state == PROBE && e->tries >= TRIES)
		return;
	e->verified_ms = e->due_ms = RTE_MAX(t->c->now_ms, earliest);
	e->state = PROBE;
	e->tries = TRIES;
	e->asked = false;
}

static bool
has_mac(const struct entry *e)
{
	return e->state == REACHABLE || e->state == STALE || e->state == PROBE;
}

static bool
differs(const struct entry *e, const uint8_t *mac)
{
	return has_mac(e) && memcmp(mac, e->mac, SAKER_MAC) != 0;
}

static void
on_want(struct saker_neigh *t, struct entry *e, const struct saker_neigh_event *event)
{
	if (e == NULL && !saker_link_owns(&t->c->params.link[event->link], &event->ip))
		(void)create(t, event);
}

static void
on_answer(struct saker_neigh *t, struct entry *e, const struct saker_neigh_event *event)
{
	if (e == NULL)
		return;
	if (e->asked)
		take_mac(t, e, event->mac, REACHABLE);
	else if (differs(e, event->mac))
		verify(t, e);
}

static void
on_ask(struct saker_neigh *t, struct entry *e, const struct saker_neigh_event *event)
{
	bool moved;

	if (e == NULL && t->c->n_live < LEARN_MAX &&
		saker_link_holds(&t->c->params.link[event->link], &event->ip))
		e = create(t, event);
	if (e == NULL)
		return;
	moved = differs(e, event->mac);
	if (moved || !has_mac(e))
		take_mac(t, e, event->mac, STALE);
	if (moved)
		verify(t, e);
}

static void
on_claim(struct saker_neigh *t, struct entry *e, const struct saker_neigh_event *event)
{
	if (e != NULL && differs(e, event->mac))
		verify(t, e);
}

static void
take_events(struct saker_neigh *t)
{
	static void (*const on[])(
		struct saker_neigh *, struct entry *, const struct saker_neigh_event *) = {
		[SAKER_NEIGH_WANT] = on_want,
		[SAKER_NEIGH_ANSWER] = on_answer,
		[SAKER_NEIGH_ASK] = on_ask,
		[SAKER_NEIGH_CLAIM] = on_claim,
	};
	struct saker_neigh_event event[EVENT_BURST];
	unsigned int n = rte_ring_dequeue_burst_elem(
		t->events, event, sizeof(event[0]), EVENT_BURST, NULL);

	for (unsigned int i = 0; i < n; i++)
		on[event[i].kind](t, find(t, event[i].link, &event[i].ip), &event[i]);
}

static void
fail(struct saker_neigh *t, struct entry *e)
{
	e->state = FAILED;
	e->asked = false;
	e->due_ms = t->c->now_ms + CHECK_MS;
	publish(t, (uint32_t)(e - t->c->entry), SAKER_NEIGH_FAILED);
}

static void
probe(struct saker_neigh *t, struct entry *e)
{
	e->state = PROBE;
	e->tries = 0;
	ask(t, e, false);
}

/* What is due for an entry that has not been answered for a while. */
static void
age(struct saker_neigh *t, struct entry *e)
{
	if (used_within(t, e, e->state == REACHABLE ? REACHABLE_MS / 1000 : DELAY_MS / 1000)) {
		probe(t, e);
		return;
	}
	e->state = STALE;
	e->due_ms = t->c->now_ms + CHECK_MS;
	if (t->c->now_ms > e->confirmed_ms + FORGET_S * 1000 && !used_within(t, e, FORGET_S))
		forget(t, e);
}

static void
act(struct saker_neigh *t, struct entry *e)
{
	switch ((enum state)e->state) {
	case INCOMPLETE:
		if (e->tries == TRIES)
			fail(t, e);
		else
			ask(t, e, true);
		break;
	case PROBE:
		/* First the known address, then everyone: it may have moved. */
		if (e->tries == 2 * TRIES)
			fail(t, e);
		else
			ask(t, e, e->tries >= TRIES);
		break;
	case REACHABLE:
	case STALE:
		age(t, e);
		break;
	case FAILED:
		forget(t, e);
	}
}

void
saker_neigh_poll(struct saker_neigh *t, uint64_t now_ms)
{
	struct saker_neigh_ctl *c = t->c;

	pthread_mutex_lock(&c->lock);
	c->now_ms = now_ms;
	atomic_store_explicit(&t->now_s, (uint32_t)(now_ms / 1000) + 1, memory_order_relaxed);
	reclaim(t);
	take_events(t);
	/* From behind: an entry that is forgotten gives its place to the last one. */
	for (uint32_t i = c->n_live; i-- > 0;)
		if (c->entry[c->live[i]].due_ms <= now_ms)
			act(t, &c->entry[c->live[i]]);
	pthread_mutex_unlock(&c->lock);
}

static void
announce(struct saker_neigh *t, unsigned int link)
{
	const struct saker_neigh_params *p = &t->c->params;
	uint8_t frame[SAKER_SOLICIT_MAX];

	for (unsigned int six = 0; six < 2; six++)
		if (p->link[link].own[six].ip.family != 0)
			p->send(p->arg, link, frame,
				saker_announce(&p->link[link], &p->link[link].own[six].ip, frame));
}

void
saker_neigh_announce(struct saker_neigh *t)
{
	pthread_mutex_lock(&t->c->lock);
	for (unsigned int i = 0; i < t->c->params.n_links; i++)
		if (!t->c->params.link[i].fixed)
			announce(t, i);
	pthread_mutex_unlock(&t->c->lock);
}

void
saker_neigh_clear(struct saker_neigh *t)
{
	pthread_mutex_lock(&t->c->lock);
	while (t->c->n_live > 0)
		forget(t, &t->c->entry[t->c->live[t->c->n_live - 1]]);
	pthread_mutex_unlock(&t->c->lock);
}

static void
view_entry(const struct saker_neigh *t, const struct entry *e, struct saker_neigh_view *v)
{
	uint32_t last = last_use(t, (uint32_t)(e - t->c->entry));

	*v = (struct saker_neigh_view){
		.link = e->link,
		.ip = e->ip,
		.has_mac = has_mac(e),
		.state = state_names[e->state],
		.age_ms = t->c->now_ms - e->confirmed_ms,
		.was_used = last != 0,
		.idle_s = last == 0 ? 0 : atomic_load(&t->now_s) - last,
	};
	memcpy(v->mac, e->mac, SAKER_MAC);
}

void
saker_neigh_walk(
	struct saker_neigh *t, void (*fn)(void *arg, const struct saker_neigh_view *v), void *arg)
{
	struct saker_neigh_view v;

	pthread_mutex_lock(&t->c->lock);
	for (uint32_t i = 0; i < t->c->n_live; i++) {
		view_entry(t, &t->c->entry[t->c->live[i]], &v);
		fn(arg, &v);
	}
	pthread_mutex_unlock(&t->c->lock);
}

static struct rte_hash *
create_hash(const char *name)
{
	struct rte_hash_parameters p = {
		.name = name,
		.entries = SAKER_NEIGH_MAX,
		.key_len = sizeof(struct key),
		.hash_func = rte_jhash,
		.socket_id = SOCKET_ID_ANY,
		/* Nobody waits for readers: positions are freed by hand. */
		.extra_flag = RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF |
			      RTE_HASH_EXTRA_FLAGS_EXT_TABLE,
	};

	return rte_hash_create(&p);
}

static bool
create_used(struct saker_neigh *t, unsigned int n_workers, uint32_t positions)
{
	t->used = calloc(n_workers + 1, sizeof(*t->used));
	for (unsigned int w = 0; t->used != NULL && w < n_workers; w++) {
		t->used[w] = calloc(positions, sizeof(**t->used));
		if (t->used[w] == NULL)
			return false;
	}
	return t->used != NULL;
}

static bool
create_parts(struct saker_neigh *t, const struct saker_neigh_params *params)
{
	struct saker_neigh_ctl *c = t->c;

	t->hash = create_hash(params->name);
	t->events = rte_ring_create_elem(params->name, sizeof(struct saker_neigh_event),
		SAKER_NEIGH_EVENTS, SOCKET_ID_ANY, RING_F_SC_DEQ);
	if (t->hash == NULL || t->events == NULL)
		return false;
	c->n_positions = (uint32_t)rte_hash_max_key_id(t->hash) + 1;
	t->value = calloc(c->n_positions, sizeof(*t->value));
	c->entry = calloc(c->n_positions, sizeof(*c->entry));
	c->live = calloc(c->n_positions, sizeof(*c->live));
	c->retired = calloc(c->n_positions, sizeof(*c->retired));
	return t->value != NULL && c->entry != NULL && c->live != NULL && c->retired != NULL &&
	       create_used(t, params->n_workers, c->n_positions);
}

struct saker_neigh *
saker_neigh_create(const struct saker_neigh_params *params)
{
	struct saker_neigh *t = calloc(1, sizeof(*t));
	struct saker_neigh_ctl *c = calloc(1, sizeof(*c));

	if (t == NULL || c == NULL) {
		free(t);
		free(c);
		return NULL;
	}
	t->c = c;
	c->params = *params;
	pthread_mutex_init(&c->lock, NULL);
	if (create_parts(t, params))
		return t;
	saker_neigh_free(t);
	return NULL;
}

void
saker_neigh_free(struct saker_neigh *t)
{
	if (t == NULL)
		return;
	for (unsigned int w = 0; t->used != NULL && w < t->c->params.n_workers; w++)
		free(t->used[w]);
	free(t->used);
	free(t->value);
	rte_hash_free(t->hash);
	rte_ring_free(t->events);
	free(t->c->entry);
	free(t->c->live);
	free(t->c->retired);
	pthread_mutex_destroy(&t->c->lock);
	free(t->c);
	free(t);
}
