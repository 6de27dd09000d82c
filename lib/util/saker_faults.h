/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_FAULTS_H
#define SAKER_FAULTS_H

/**
 * @file
 * A list of faults found while something is checked, so that all of them can
 * be told at once, each with the file and line it stands in.
 *
 * Threads: control path only; one list belongs to one thread.
 * Memory: the list owns its texts; saker_faults_free() releases them.
 */

#include <stdio.h>

/** A growing list of one-sentence messages. Zero-initialise it. */
struct saker_faults {
	unsigned int n;      /**< messages in the list */
	unsigned int errors; /**< those that are not warnings */
	char **text;         /**< "file:line: sentence" */
};

/**
 * Add one fault.
 * @param file name of the file at fault, or NULL if there is none
 * @param line its line, or 0 if unknown
 * @param format printf form of one sentence: names the object and the remedy
 */
void saker_fault(struct saker_faults *f, const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/** Add a warning: printed like a fault, but it stops nobody. */
void saker_warning(struct saker_faults *f, const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/** Print every message on a line of its own. */
void saker_faults_print(const struct saker_faults *f, FILE *out);

/** Forget all messages and free them. */
void saker_faults_free(struct saker_faults *f);

#endif
