/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef GUARDED_H
#define GUARDED_H

/*
 * Buffers beside pages that may not be touched, with watched octets where no page boundary can be,
 * and a source of random numbers that a seed repeats. For one test program, which includes it
 * behind cmocka.h.
 */

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ALIGNMENTS 64
#define MARGIN     64 /* octets beside a buffer that are watched */
#define CANARY     0xc5

static uint64_t random_state;

/* splitmix64: every state on the way is as good a seed as the first. */
static uint64_t
random_word(void)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static unsigned int
random_below(unsigned int n)
{
	return (unsigned int)(random_word() % n);
}

static bool
one_in(unsigned int n)
{
	return random_below(n) == 0;
}

static void
random_octets(uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i += sizeof(uint64_t)) {
		uint64_t word = random_word();

		memcpy(p + i, &word, n - i < sizeof(word) ? n - i : sizeof(word));
	}
}

/* As assert_memory_equal(), which looks at one octet after the other. */
static void
expect_equal(const uint8_t *is, const uint8_t *want, size_t n)
{
	if (memcmp(is, want, n) != 0)
		assert_memory_equal(is, want, n);
}

/* Writable pages between two that may not be touched. */
struct region {
	uint8_t *base;
	size_t size;
};

/* Where in a region a buffer stands. */
struct place {
	bool at_end; /* ends at the page behind; else begins `align` octets behind the one before */
	uint8_t align;
};

static void
make_region(struct region *r, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *p;

	r->size = (size + page - 1) / page * page;
	p = mmap(NULL, r->size + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(p != MAP_FAILED);
	r->base = p + page;
	assert_int_equal(mprotect(r->base, r->size, PROT_READ | PROT_WRITE), 0);
}

/* At a page that may not be touched, behind or before; or anywhere. */
static struct place
random_place(void)
{
	const unsigned int kind = random_below(4);

	return (struct place){ kind < 2, kind == 2 ? 0 : (uint8_t)random_below(ALIGNMENTS) };
}

/* The watched octets before and behind [at, at + n): as many as the region has, at most MARGIN. */
static void
margins(const struct region *r, const uint8_t *at, size_t n, size_t *before, size_t *behind)
{
	*before = (size_t)(at - r->base);
	*behind = r->size - *before - n;
	*before = *before < MARGIN ? *before : MARGIN;
	*behind = *behind < MARGIN ? *behind : MARGIN;
}

/* Room for n octets. */
static uint8_t *
take_place(const struct region *r, struct place p, size_t n)
{
	uint8_t *at = p.at_end ? r->base + r->size - n : r->base + p.align;
	size_t before, behind;

	margins(r, at, n, &before, &behind);
	memset(at - before, CANARY, before);
	memset(at + n, CANARY, behind);
	return at;
}

static void
expect_margins_untouched(const struct region *r, const uint8_t *at, size_t n)
{
	uint8_t canary[MARGIN];
	size_t before, behind;

	memset(canary, CANARY, sizeof(canary));
	margins(r, at, n, &before, &behind);
	expect_equal(at - before, canary, before);
	expect_equal(at + n, canary, behind);
}

#endif
