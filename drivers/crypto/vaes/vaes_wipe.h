/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef VAES_WIPE_H
#define VAES_WIPE_H

/**
 * @file
 * Forgetting keys: what a call has written of its context, of the stack and of the registers.
 */

#include "vaes_group.h"

/* Octets of stack to wipe. The build warns of functions that may use more than the larger one. */
#define STACK_SHORT 2048
#define STACK_LONG  2304

/* A few dozen vectors: done before explicit_bzero() would have begun. */
ALWAYS_INLINE void
wipe(vec *from, const vec *to)
{
	for (; from < to; from++) {
		_mm512_store_si512(from, _mm512_setzero_si512());
		__asm__ volatile("" : : "r"(from) : "memory");
	}
}

/* Vectors that do not fit the registers go to the stack, those of long texts and sums above all. */
static NOINLINE void
wipe_stack(bool deep)
{
	vec below[STACK_LONG / VEC];

	wipe(below + (deep ? 0 : (STACK_LONG - STACK_SHORT) / VEC), below + STACK_LONG / VEC);
}

/* Zero the vector registers: the next function that saves some must not save keys. */
ALWAYS_INLINE void
wipe_registers(void)
{
	__asm__ volatile("vzeroall\n\t"
			 "vpxorq %%zmm16, %%zmm16, %%zmm16\n\t"
			 "vpxorq %%zmm17, %%zmm17, %%zmm17\n\t"
			 "vpxorq %%zmm18, %%zmm18, %%zmm18\n\t"
			 "vpxorq %%zmm19, %%zmm19, %%zmm19\n\t"
			 "vpxorq %%zmm20, %%zmm20, %%zmm20\n\t"
			 "vpxorq %%zmm21, %%zmm21, %%zmm21\n\t"
			 "vpxorq %%zmm22, %%zmm22, %%zmm22\n\t"
			 "vpxorq %%zmm23, %%zmm23, %%zmm23\n\t"
			 "vpxorq %%zmm24, %%zmm24, %%zmm24\n\t"
			 "vpxorq %%zmm25, %%zmm25, %%zmm25\n\t"
			 "vpxorq %%zmm26, %%zmm26, %%zmm26\n\t"
			 "vpxorq %%zmm27, %%zmm27, %%zmm27\n\t"
			 "vpxorq %%zmm28, %%zmm28, %%zmm28\n\t"
			 "vpxorq %%zmm29, %%zmm29, %%zmm29\n\t"
			 "vpxorq %%zmm30, %%zmm30, %%zmm30\n\t"
			 "vpxorq %%zmm31, %%zmm31, %%zmm31\n\t"
			 :
			 :
			 : "memory");
}

/* Round keys of the suite; a shared key has one quad of them. */
ALWAYS_INLINE void
wipe_round_keys(struct vaes_group *g, unsigned int rounds)
{
	if (g->scheduled) {
		wipe(g->round_keys[0].quad, (const vec *)(g->round_keys + rounds + 1));
		return;
	}
	for (unsigned int r = 0; r <= rounds; r++)
		wipe(g->round_keys[r].quad, g->round_keys[r].quad + 1);
}

/* Sums of GHASH stand where powers for long texts would. */
ALWAYS_INLINE void
wipe_powers(struct vaes_group *g)
{
	if (g->long_texts)
		wipe(g->power[0].quad, (const vec *)(g->folded + STRIDE));
	if (g->most_powers == 0)
		return;
	wipe(g->power[0].quad, (const vec *)(g->power + 3));
	wipe(g->row_power, g->row_power + g->most_powers + 1);
	wipe(g->row_folded, g->row_folded + g->most_powers + 1);
}

#endif
