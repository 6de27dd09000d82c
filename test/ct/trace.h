/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef CT_TRACE_H
#define CT_TRACE_H

/**
 * @file
 * Runs a function in a child process, instruction by instruction (by the processor's trap flag),
 * and notes which instructions there were and which addresses they used. If that is the same with
 * other secrets, then neither a branch nor an address depends on them.
 *
 * Each child is a fork of the same process, so the same things stand at the same addresses. Linux
 * on x86-64 only.
 *
 * Threads: one caller.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What is looked at. Both functions run in the child. */
struct ct_subject {
	/** Set everything up, with one of several secrets; not traced. @return all is well */
	bool (*prepare)(const void *arg, unsigned int secret);
	void (*run)(const void *arg);
	const void *arg;
};

/** How it went. */
enum ct_outcome {
	CT_SAME,
	CT_OTHER_BRANCH,  /**< the instruction behind `pc` was another one */
	CT_OTHER_ADDRESS, /**< the instruction at `pc` used other memory */
	CT_UNKNOWN,       /**< the instruction at `pc` can't be understood */
	CT_TOO_LONG,
	CT_BROKEN /**< prepare() failed, or the process did not live through it */
};

struct ct_result {
	enum ct_outcome outcome;
	unsigned int secret; /**< with which it was found */
	size_t steps;        /**< instructions until then */
	uint64_t pc;
};

/** Outcome in words. */
const char *ct_outcome_name(enum ct_outcome outcome);

/** Run with secrets 0 to @p secrets - 1, and compare the others with the first. */
struct ct_result ct_compare(const struct ct_subject *subject, unsigned int secrets);

#endif
