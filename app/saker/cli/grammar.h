/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_GRAMMAR_H
#define SAKER_GRAMMAR_H

/**
 * @file
 * From rows of commands to the instructions of librte_cmdline: one for every number of words that
 * a row allows, and a last one that takes each line that no row fits, so that an unknown command
 * is answered here and not by the library.
 *
 * Threads: the main lcore only. Memory: a grammar owns its instructions and tokens; rows and
 * choices must outlive it.
 */

#include <cmdline.h>
#include <cmdline_parse_string.h>

#include "command.h"

#define SAKER_LINE 256 /**< room for a line that no row fits; longer ones are cut */

/** Values that completion offers for a free word. */
struct saker_choices {
	const char *word;   /**< the free word, as the syntax spells it; NULL ends a list */
	const char *values; /**< separated by '#' */
};

/** What an instruction hands to its function as parsed. */
struct saker_words {
	cmdline_fixed_string_t word[SAKER_WORDS]; /**< empty beyond the last */
};

/** What a grammar is made of. */
struct saker_grammar_spec {
	const struct saker_command *commands;
	const struct saker_choices *choices;
	/** @p parsed is a struct saker_words, @p data the row. */
	void (*known)(void *parsed, struct cmdline *cl, void *data);
	/** @p parsed is the line as text; @p data is NULL. */
	void (*unknown)(void *parsed, struct cmdline *cl, void *data);
};

/**
 * Make the instructions.
 * @return a list for cmdline_new(), or NULL: no memory
 */
cmdline_parse_ctx_t *saker_grammar_new(const struct saker_grammar_spec *spec);

/** Free instructions. NULL is allowed. */
void saker_grammar_free(cmdline_parse_ctx_t *grammar);

#endif
