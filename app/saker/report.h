/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_REPORT_H
#define SAKER_REPORT_H

/**
 * @file
 * What `show` prints: tables of named, typed columns, once as aligned text for people and once as
 * JSON for programs, from the same rows.
 *
 * Threads: one report belongs to one thread. Memory: a report owns its cells. If memory runs out
 * the calls still work, and saker_report_end() says so on stderr instead of printing half a table.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/** What a cell holds. */
enum saker_cell_kind {
	SAKER_CELL_TEXT,
	SAKER_CELL_NUMBER, /**< unsigned */
	SAKER_CELL_REAL,   /**< with one decimal */
	SAKER_CELL_TRUE,
	SAKER_CELL_FALSE,
	SAKER_CELL_NONE,
};

/** A cell. */
struct saker_cell {
	enum saker_cell_kind kind;
	char *text; /**< as people read it; numbers in digits */
};

/** A column. */
struct saker_column {
	const char *name; /**< JSON key, and the heading in text with '_' as ' ' */
	char align;       /**< 'l' or 'r' */
};

/** A finished table, for programs that take it cell by cell. Valid during the call. */
struct saker_table {
	const char *title;
	const struct saker_column *columns;
	unsigned int n_columns;
	size_t n_rows;
	const struct saker_cell *cell; /**< row after row */
};

/** Where and how to print. */
struct saker_out {
	void (*write)(void *arg, const char *text); /**< NUL-terminated pieces */
	void *arg;
	bool json;
	bool zeros; /**< rows that have counted nothing are wanted too */
	/** Takes whole tables instead of text; nothing is written then. NULL: text */
	void (*table)(void *arg, const struct saker_table *t);
};

/** Print to a stdio stream. */
void saker_out_file(struct saker_out *out, FILE *file, bool json);

/** Print a formatted piece. */
void saker_out_printf(struct saker_out *out, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** Hand every table to a function. */
void saker_out_tables(
	struct saker_out *out, void (*table)(void *arg, const struct saker_table *t), void *arg);

struct saker_report;

/** Octets of the UTF-8 sequence at @p p (RFC 3629); 0 if there is none. */
unsigned int saker_utf8_len(const unsigned char *p);

/**
 * Begin a table.
 * @param title JSON key of the list of rows; heading in text
 * @param columns n columns; the array must live until the end
 */
struct saker_report *saker_report_begin(
	const char *title, const struct saker_column *columns, unsigned int n);

/** Append a cell: text. Cells fill row after row. */
void saker_report_text(struct saker_report *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** Append a cell: an unsigned number. */
void saker_report_u64(struct saker_report *r, uint64_t v);

/** Append a cell: a number with one decimal. */
void saker_report_real(struct saker_report *r, double v);

/** Append a cell: true or false ("yes", "no" in text). */
void saker_report_bool(struct saker_report *r, bool v);

/** Append a cell: nothing to tell ("-" in text, null in JSON). */
void saker_report_none(struct saker_report *r);

/** Print the table and free it. In text an empty table prints @p empty instead. */
void saker_report_end(struct saker_report *r, struct saker_out *out, const char *empty);

#endif
