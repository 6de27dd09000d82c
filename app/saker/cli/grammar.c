/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "grammar.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/** A word of a row. */
struct token {
	struct cmdline_token_string string; /**< first: what the library sees */
	char text[32];                      /**< the word itself */
	const char *choices;                /**< what completion offers; NULL: any text */
	const char *syntax;                 /**< of the row */
	bool silent; /**< of a shorter form: its longer one completes for it */
};

/** The one token of the instruction that takes what no other does. */
struct rest {
	struct cmdline_token_hdr hdr;
	cmdline_parse_ctx_t *known;
};

/** Words of a row, taken apart. */
struct form {
	char word[SAKER_WORDS][32];
	unsigned int n, least; /**< words, words that must be there */
};

static int
choice_count(cmdline_parse_token_hdr_t *hdr)
{
	struct token *t = (struct token *)hdr;
	struct cmdline_token_string list = { .string_data = { t->choices } };

	/* a choice that can't be fetched is passed over, none at all would be listed */
	return t->silent ? 1 : cmdline_complete_get_nb_string(&list.hdr);
}

static int
choice_get(cmdline_parse_token_hdr_t *hdr, int i, char *out, unsigned int size)
{
	struct token *t = (struct token *)hdr;
	struct cmdline_token_string list = { .string_data = { t->choices } };

	if (t->silent)
		return -1;
	return cmdline_complete_get_elt_string(&list.hdr, i, out, size);
}

static int
token_help(cmdline_parse_token_hdr_t *hdr, char *out, unsigned int size)
{
	snprintf(out, size, "%s", ((struct token *)hdr)->syntax);
	return 0;
}

static struct cmdline_token_ops token_ops = {
	.parse = cmdline_parse_string,
	.complete_get_nb = choice_count,
	.complete_get_elt = choice_get,
	.get_help = token_help,
};

static const char *
choices_of(const struct saker_choices *list, const char *word)
{
	for (; list->word != NULL; list++)
		if (strcmp(list->word, word) == 0)
			return list->values;
	return NULL;
}

static struct token *
token_new(const struct saker_grammar_spec *spec, const struct saker_command *c, const char *word,
	unsigned int at)
{
	struct token *t = calloc(1, sizeof(*t));
	bool free_word = isupper((unsigned char)word[0]) != 0;

	if (t == NULL)
		return NULL;
	snprintf(t->text, sizeof(t->text), "%s", word);
	t->string.hdr.ops = &token_ops;
	t->string.hdr.offset = at * sizeof(cmdline_fixed_string_t);
	t->string.string_data.str = free_word ? NULL : t->text;
	t->choices = free_word ? choices_of(spec->choices, word) : t->text;
	t->syntax = c->syntax;
	return t;
}

static void
inst_free(cmdline_parse_inst_t *inst)
{
	for (unsigned int i = 0; inst != NULL && inst->tokens[i] != NULL; i++)
		free(inst->tokens[i]);
	free(inst);
}

static cmdline_parse_inst_t *
inst_alloc(unsigned int tokens)
{
	return calloc(1,
		sizeof(cmdline_parse_inst_t) + (tokens + 1) * sizeof(cmdline_parse_token_hdr_t *));
}

/* The form of a row that has n words. */
static cmdline_parse_inst_t *
inst_new(const struct saker_grammar_spec *spec, const struct saker_command *c,
	const struct form *form, unsigned int n)
{
	cmdline_parse_inst_t *inst = inst_alloc(n);

	if (inst == NULL)
		return NULL;
	inst->f = spec->known;
	inst->data = (void *)(uintptr_t)c;
	inst->help_str = c->help;
	for (unsigned int i = 0; i < n; i++) {
		struct token *t = token_new(spec, c, form->word[i], i);

		if (t == NULL) {
			inst_free(inst);
			return NULL;
		}
		t->silent = n < form->n;
		inst->tokens[i] = &t->string.hdr;
	}
	return inst;
}

static void
take_apart(const char *syntax, struct form *form)
{
	memset(form, 0, sizeof(*form));
	while (*syntax != '\0' && form->n < SAKER_WORDS) {
		size_t len = strcspn(syntax, " "), mark = syntax[0] == '[' ? 1 : 0;

		snprintf(form->word[form->n++], sizeof(form->word[0]), "%.*s",
			(int)(len - 2 * mark), syntax + mark);
		if (mark == 0)
			form->least = form->n;
		syntax += len + (syntax[len] == ' ' ? 1 : 0);
	}
}

/* @return instructions added, or -1: no memory */
static int
add_row(const struct saker_grammar_spec *spec, const struct saker_command *c,
	cmdline_parse_inst_t **at)
{
	struct form form;
	int added = 0;

	take_apart(c->syntax, &form);
	for (unsigned int n = form.least; n <= form.n; n++, added++) {
		at[added] = inst_new(spec, c, &form, n);
		if (at[added] == NULL)
			return -1;
	}
	return added;
}

static bool
is_end(char c)
{
	return c == '\0' || c == '#' || c == '\r' || c == '\n';
}

static bool
fits(const cmdline_parse_inst_t *inst, const char *line)
{
	line += strspn(line, " \t");
	for (unsigned int i = 0; inst->tokens[i] != NULL; i++) {
		int n = is_end(*line) ? -1
				      : inst->tokens[i]->ops->parse(inst->tokens[i], line, NULL, 0);

		if (n < 0)
			return false;
		line += n;
		line += strspn(line, " \t");
	}
	return is_end(*line);
}

static int
rest_parse(cmdline_parse_token_hdr_t *hdr, const char *line, void *out, unsigned int size)
{
	size_t len = strcspn(line, "#\r\n");

	/* without room for the result the library completes: that is not for unknown words */
	if (out == NULL || size < SAKER_LINE)
		return -1;
	for (cmdline_parse_ctx_t *i = ((struct rest *)hdr)->known; (*i)->tokens[0] != hdr; i++)
		if (fits(*i, line))
			return -1;
	snprintf(out, SAKER_LINE, "%.*s", (int)len, line);
	return (int)len;
}

static int
rest_count(cmdline_parse_token_hdr_t *hdr)
{
	(void)hdr;
	return 1;
}

static int
rest_get(cmdline_parse_token_hdr_t *hdr, int i, char *out, unsigned int size)
{
	(void)hdr;
	(void)i;
	(void)out;
	(void)size;
	return -1;
}

static struct cmdline_token_ops rest_ops = {
	.parse = rest_parse,
	.complete_get_nb = rest_count,
	.complete_get_elt = rest_get,
};

static cmdline_parse_inst_t *
rest_new(const struct saker_grammar_spec *spec, cmdline_parse_ctx_t *known)
{
	cmdline_parse_inst_t *inst = inst_alloc(1);
	struct rest *rest = calloc(1, sizeof(*rest));

	if (inst == NULL || rest == NULL) {
		free(inst);
		free(rest);
		return NULL;
	}
	rest->hdr.ops = &rest_ops;
	rest->known = known;
	inst->f = spec->unknown;
	inst->tokens[0] = &rest->hdr;
	return inst;
}

cmdline_parse_ctx_t *
saker_grammar_new(const struct saker_grammar_spec *spec)
{
	cmdline_parse_ctx_t *grammar;
	size_t rows = 0, at = 0;

	while (spec->commands[rows].syntax != NULL)
		rows++;
	grammar = calloc(rows * SAKER_WORDS + 2, sizeof(*grammar));
	if (grammar == NULL)
		return NULL;
	for (size_t i = 0; i < rows; i++) {
		int added = add_row(spec, &spec->commands[i], &grammar[at]);

		if (added < 0)
			goto err_free;
		at += (size_t)added;
	}
	grammar[at] = rest_new(spec, grammar);
	if (grammar[at] == NULL)
		goto err_free;
	return grammar;
err_free:
	saker_grammar_free(grammar);
	return NULL;
}

void
saker_grammar_free(cmdline_parse_ctx_t *grammar)
{
	for (cmdline_parse_ctx_t *i = grammar; i != NULL && *i != NULL; i++)
		inst_free(*i);
	free(grammar);
}
