/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <rte_common.h>

#include "saker_eesp.h"

#define MAX_SIZE  16384
#define MAX_AAD   512
#define LINE      64
#define PAGE      4096
#define HUGE_PAGE ((size_t)2 << 20)
#define BUFFER    2304 /* from one packet buffer to the next, as DPDK's pools have them */
#define SOURCE_AT 10   /* source id in the KDF input of variant source-id */
#define TEXT_AT   142  /* payload of a packet in a tunnel with UDP, from its buffer's start */

static void
place_slot(struct saker_load *l, unsigned int i, const struct saker_load_form *form, size_t stride)
{
	uint8_t *text = l->memory + i * stride + RTE_MAX(TEXT_AT, form->aad_len);
	struct saker_batch *b = &l->batch;

	b->aad[i] = text - form->aad_len;
	b->aad_len[i] = form->aad_len;
	b->src[i] = text;
	b->dst[i] = text;
	b->len[i] = form->size;
	b->icv[i] = text + form->size;
	saker_nonce(0, 0, 0, i + 1, b->nonce[i]);
}

/* One large page, if the system has some: else chance would say which cache sets are used. */
static uint8_t *
map_packets(size_t size)
{
	uint8_t *p = aligned_alloc(HUGE_PAGE, size);

	if (p == NULL)
		return NULL;
	(void)madvise(p, size, MADV_HUGEPAGE);
	memset(p, 0x5a, size);
	return p;
}

static struct saker_load *
create(const struct saker_load_form *form, const struct saker_load *of, size_t stride)
{
	struct saker_load *l = aligned_alloc(PAGE, RTE_ALIGN_CEIL(sizeof(*l), (size_t)PAGE));

	if (l == NULL)
		return NULL;
	memset(l, 0, sizeof(*l));
	if (of == NULL)
		l->size = RTE_ALIGN_CEIL(form->n * stride, HUGE_PAGE);
	l->memory = of == NULL ? map_packets(l->size) : of->memory;
	if (l->memory == NULL) {
		free(l);
		return NULL;
	}
	l->batch.n = form->n;
	l->batch.suite = (uint8_t)form->suite;
	l->batch.kdf_blocks = 1;
	for (unsigned int i = 0; i < form->n; i++)
		place_slot(l, i, form, stride);
	return l;
}

struct saker_load *
saker_load_share(const struct saker_load *of, const struct saker_load_form *form)
{
	size_t need = form->size + MAX_AAD + TEXT_AT + SAKER_ICV;
	size_t stride = need < BUFFER ? BUFFER : RTE_ALIGN_CEIL(need, (size_t)LINE);

	if (form->size <= MAX_SIZE && form->aad_len <= MAX_AAD)
		return create(form, of, stride);
	(void)saker_bench_fail(
		-EINVAL, "a packet has at most %d octets and %d of AAD", MAX_SIZE, MAX_AAD);
	return NULL;
}

struct saker_load *
saker_load_create(const struct saker_load_form *form)
{
	return saker_load_share(NULL, form);
}

void
saker_load_free(struct saker_load *l)
{
	if (l == NULL)
		return;
	if (l->size > 0)
		free(l->memory);
	free(l);
}

/* What is the same for all sources was laid out before; a source id is four octets of it. */
void
saker_load_source(struct saker_batch *b, unsigned int i, uint64_t source)
{
	saker_store_be32(b->kdf[0][i] + SOURCE_AT, (uint32_t)source);
}

static void
lay_out_source(struct saker_batch *b, unsigned int i)
{
	const struct saker_kdf_context c = { .format = 'E', .epoch = 20000, .source = i };
	uint8_t input[SAKER_KDF_MAX_BLOCKS * SAKER_KDF_BLOCK];

	saker_kdf_input(&c, b->suite, input);
	memcpy(b->kdf[0][i], input, SAKER_KDF_BLOCK);
}

void
saker_load_derive(struct saker_load *l, const struct saker_bench_driver *d)
{
	struct saker_batch *b = &l->batch;

	for (unsigned int i = 0; i < b->n; i++) {
		lay_out_source(b, i);
		b->master[i] = d->master;
		b->expanded[i] = NULL;
	}
}

void
saker_load_keep(struct saker_load *l, const struct saker_bench_driver *d)
{
	struct saker_batch *b = &l->batch;

	for (unsigned int i = 0; i < b->n; i++) {
		b->master[i] = d->master;
		b->expanded[i] = &d->expanded[i % SAKER_BENCH_KEYS];
	}
}
