/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "trace.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include <Zydis/Zydis.h>
#include <cpuid.h>

#define MAX_STEPS     (1 << 21)
#define CACHE_BITS    18
#define CACHE_SIZE    (1 << CACHE_BITS) /* instructions, at most half of it used */
#define MAX_ACCESSES  4
#define MAX_LENGTH    15 /* octets of an instruction */
#define NO_REGISTER   0xff
#define HANDLER_STACK (1 << 18)
#define TRAP_FLAG     0x100
/* Of the state that the system saves with a signal. */
#define XSTATE_PRESENT 512 /* octet at which the header tells what is in it */
#define XSTATE_MASKS   5   /* number of the component of mask registers */

/* One memory operand. Registers by their number, 0 to 15. */
struct access {
	uint8_t base, index, scale;
	int64_t offset;
};

/* What an instruction does with memory. */
struct decoded {
	uint64_t pc; /* 0: an empty place */
	bool is_understood;
	uint8_t n;
	uint8_t mask; /* number of the mask register that chooses octets, or 0 */
	struct access access[MAX_ACCESSES];
};

struct step {
	uint64_t pc;
	uint64_t memory; /* digest of the addresses */
};

/* What parent and child share, so that a child knows what those before it did. */
struct shared {
	struct ct_result result;
	unsigned int n_cached;
	struct decoded cache[CACHE_SIZE];
	struct step first[MAX_STEPS]; /* the trace with secret 0 */
};

static struct shared *shared;
static ZydisDecoder decoder;
static unsigned int masks_at; /* octets into the saved state */

const char *
ct_outcome_name(enum ct_outcome outcome)
{
	static const char *const names[] = {
		[CT_SAME] = "the same trace",
		[CT_OTHER_BRANCH] = "a branch depends on secrets",
		[CT_OTHER_ADDRESS] = "an address depends on secrets",
		[CT_UNKNOWN] = "an instruction whose addresses can't be told",
		[CT_TOO_LONG] = "too many instructions",
		[CT_BROKEN] = "the traced process failed",
	};

	return names[outcome];
}

static uint8_t
register_number(ZydisRegister r)
{
	if (r == ZYDIS_REGISTER_NONE || r == ZYDIS_REGISTER_RIP)
		return NO_REGISTER; /* what is relative to the instruction never varies */
	return (uint8_t)ZydisRegisterGetId(
		ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, r));
}

/* LEA and NOP name an address and leave it alone. */
static bool
uses_memory(const ZydisDecodedInstruction *in, const ZydisDecodedOperand *o)
{
	return o->type == ZYDIS_OPERAND_TYPE_MEMORY && o->mem.type != ZYDIS_MEMOP_TYPE_AGEN &&
	       in->mnemonic != ZYDIS_MNEMONIC_NOP;
}

static void
add_access(struct decoded *d, const ZydisDecodedOperandMem *m)
{
	if (m->type != ZYDIS_MEMOP_TYPE_MEM || d->n == MAX_ACCESSES) {
		d->is_understood = false; /* above all, gathers: addresses in a vector */
		return;
	}
	d->access[d->n++] = (struct access){
		.base = register_number(m->base),
		.index = register_number(m->index),
		.scale = m->scale,
		.offset = m->disp.value,
	};
}

static void
decode(struct decoded *d, uint64_t pc)
{
	const void *code = (const void *)(uintptr_t)pc;
	ZydisDecodedInstruction in;
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];

	d->pc = pc;
	d->is_understood = ZYAN_SUCCESS(
		ZydisDecoderDecodeFull(&decoder, code, MAX_LENGTH, &in, operands));
	for (unsigned int i = 0; d->is_understood && i < in.operand_count; i++)
		if (uses_memory(&in, &operands[i]))
			add_access(d, &operands[i].mem);
	if (d->n > 0 && in.avx.mask.reg != ZYDIS_REGISTER_NONE)
		d->mask = (uint8_t)ZydisRegisterGetId(in.avx.mask.reg);
}

static const struct decoded *
instruction_at(uint64_t pc)
{
	size_t at = (pc * 0x9e3779b97f4a7c15ULL) >> (64 - CACHE_BITS);

	while (shared->cache[at].pc != pc && shared->cache[at].pc != 0)
		at = (at + 1) % CACHE_SIZE;
	if (shared->cache[at].pc == pc)
		return &shared->cache[at];
	if (++shared->n_cached > CACHE_SIZE / 2) {
		memset(shared->cache, 0, sizeof(shared->cache));
		shared->n_cached = 1;
	}
	decode(&shared->cache[at], pc);
	return &shared->cache[at];
}

static uint64_t
register_value(const ucontext_t *u, unsigned int number)
{
	static const uint8_t order[] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
		REG_RSI, REG_RDI, REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14,
		REG_R15 };

	return number == NO_REGISTER ? 0 : (uint64_t)u->uc_mcontext.gregs[order[number]];
}

/* A masked load or store touches only what the mask has. */
static uint64_t
mask_value(const ucontext_t *u, unsigned int number)
{
	const uint8_t *state = (const void *)u->uc_mcontext.fpregs;
	uint64_t present, value;

	memcpy(&present, state + XSTATE_PRESENT, sizeof(present));
	memcpy(&value, state + masks_at + number * sizeof(value), sizeof(value));
	return (present >> XSTATE_MASKS & 1) == 0 ? 0 : value;
}

static uint64_t
mix(uint64_t digest, uint64_t value)
{
	digest = (digest ^ value) * 0xbf58476d1ce4e5b9ULL;
	return digest ^ digest >> 29;
}

static uint64_t
digest_memory(const struct decoded *d, const ucontext_t *u)
{
	uint64_t digest = d->n;

	for (unsigned int i = 0; i < d->n; i++) {
		const struct access *a = &d->access[i];

		digest = mix(digest, register_value(u, a->base) +
					     register_value(u, a->index) * a->scale +
					     (uint64_t)a->offset);
	}
	return d->mask == 0 ? digest : mix(digest, mask_value(u, d->mask));
}

/* Note a step of secret 0, compare one of another. */
static enum ct_outcome
take_step(const struct ct_result *r, const struct step *now)
{
	struct step *first = &shared->first[r->steps];

	if (r->steps == MAX_STEPS)
		return CT_TOO_LONG;
	if (r->secret == 0)
		*first = *now;
	if (now->pc != first->pc)
		return CT_OTHER_BRANCH;
	return now->memory == first->memory ? CT_SAME : CT_OTHER_ADDRESS;
}

/* Before each instruction. */
static void
on_trap(int number, siginfo_t *info, void *context)
{
	const ucontext_t *u = context;
	const uint64_t pc = (uint64_t)u->uc_mcontext.gregs[REG_RIP];
	const struct decoded *d = instruction_at(pc);
	struct ct_result *r = &shared->result;

	(void)number;
	(void)info;
	r->outcome = take_step(r, &(struct step){ pc, digest_memory(d, u) });
	if (r->outcome == CT_SAME && !d->is_understood)
		r->outcome = CT_UNKNOWN;
	if (r->outcome != CT_OTHER_BRANCH)
		r->pc = pc;
	if (r->outcome != CT_SAME)
		_exit(0);
	r->steps++;
}

/* Signals as in a new program; traps come with a stack of their own. */
static bool
catch_traps(void)
{
	static uint8_t stack[HANDLER_STACK];
	const stack_t own = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction action = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	for (int i = 1; i < NSIG; i++)
		(void)signal(i, SIG_DFL);
	return sigaltstack(&own, NULL) == 0 && sigaction(SIGTRAP, &action, NULL) == 0;
}

static void
set_trap_flag(bool on)
{
	if (on)
		__asm__ volatile("pushfq; orq %0, (%%rsp); popfq"
				 :
				 : "i"(TRAP_FLAG)
				 : "memory", "cc");
	else
		__asm__ volatile("pushfq; andq %0, (%%rsp); popfq"
				 :
				 : "i"(~TRAP_FLAG)
				 : "memory", "cc");
}

static void
run_child(const struct ct_subject *s)
{
	struct ct_result *r = &shared->result;

	if (!catch_traps() || !s->prepare(s->arg, r->secret))
		_exit(1);
	set_trap_flag(true);
	s->run(s->arg);
	set_trap_flag(false);
	_exit(0);
}

/* One run. */
static void
trace(const struct ct_subject *s, unsigned int secret)
{
	struct ct_result *r = &shared->result;
	pid_t child;
	int status;

	*r = (struct ct_result){ .secret = secret };
	child = fork();
	if (child == 0)
		run_child(s);
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status) ||
		WEXITSTATUS(status) != 0 || r->steps == 0)
		r->outcome = CT_BROKEN;
}

struct ct_result
ct_compare(const struct ct_subject *subject, unsigned int secrets)
{
	unsigned int eax, ecx, edx;

	if (shared == NULL) {
		shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		__cpuid_count(0xd, XSTATE_MASKS, eax, masks_at, ecx, edx);
		ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	}
	if (shared == MAP_FAILED)
		return (struct ct_result){ .outcome = CT_BROKEN };
	for (unsigned int i = 0; i == 0 || (i < secrets && shared->result.outcome == CT_SAME); i++)
		trace(subject, i);
	return shared->result;
}
