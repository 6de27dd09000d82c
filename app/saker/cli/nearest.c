/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "nearest.h"

#include <ctype.h>
#include <string.h>

#include <rte_common.h>

#define TEXT 64 /**< room for the literal words of a command */

/** A command and how far it is from the line. */
struct match {
	const struct saker_command *command;
	unsigned int distance;
};

static const char *
skip_blanks(const char *text)
{
	return text + strspn(text, " \t");
}

static unsigned int
count_words(const char *line)
{
	unsigned int n = 0;

	for (line = skip_blanks(line); *line != '\0'; n++)
		line = skip_blanks(line + strcspn(line, " \t"));
	return n;
}

/* Words of a syntax before the first that is free or may be left out. */
static unsigned int
literal_words(const char *syntax)
{
	unsigned int n = 0;

	for (; *syntax != '\0' && islower((unsigned char)*syntax); n++)
		syntax = skip_blanks(syntax + strcspn(syntax, " \t"));
	return n;
}

/* Copy the first n words, with single blanks; what does not fit is cut. */
static void
first_words(const char *line, unsigned int n, char out[TEXT])
{
	size_t at = 0;

	out[0] = '\0';
	for (line = skip_blanks(line); *line != '\0' && n > 0; n--) {
		int len = (int)strcspn(line, " \t");

		at += (size_t)snprintf(
			out + at, TEXT - at, "%s%.*s", at == 0 ? "" : " ", len, line);
		at = RTE_MIN(at, (size_t)TEXT - 1);
		line = skip_blanks(line + len);
	}
}

/* Letters to insert, delete or change (Levenshtein), case apart. */
static unsigned int
distance(const char *a, const char *b)
{
	unsigned int row[TEXT + 1], n = (unsigned int)strlen(b);

	for (unsigned int j = 0; j <= n; j++)
		row[j] = j;
	for (unsigned int i = 1; a[i - 1] != '\0'; i++) {
		unsigned int corner = row[0];

		row[0] = i;
		for (unsigned int j = 1; j <= n; j++) {
			bool same = tolower((unsigned char)a[i - 1]) ==
				    tolower((unsigned char)b[j - 1]);
			unsigned int change = corner + (same ? 0 : 1);

			corner = row[j];
			row[j] = RTE_MIN(change, 1 + RTE_MIN(row[j], row[j - 1]));
		}
	}
	return row[n];
}

/* A line that lacks a command's last words is near it; its first word alone says too little. */
static struct match
compare(const char *line, const struct saker_command *c)
{
	unsigned int words = RTE_MIN(literal_words(c->syntax), RTE_MAX(count_words(line), 2U));
	char want[TEXT], have[TEXT];

	first_words(c->syntax, words, want);
	first_words(line, words, have);
	return (struct match){ c, distance(have, want) };
}

/* Two letters are easily wrong, of a long command a quarter. */
static bool
is_near(const struct match *m)
{
	return m->distance <= RTE_MAX(strcspn(m->command->syntax, "[") / 4, (size_t)2);
}

/* best has room for one more than is kept. @return matches in best */
static unsigned int
insert(struct match best[SAKER_NEAREST + 1], unsigned int n, struct match m)
{
	unsigned int at = n;

	for (; at > 0 && best[at - 1].distance > m.distance; at--)
		best[at] = best[at - 1];
	best[at] = m;
	return RTE_MIN(n + 1, (unsigned int)SAKER_NEAREST);
}

static bool
same_start(const char *line, const struct saker_command *c)
{
	size_t len = strcspn(line, " \t");

	return len == strcspn(c->syntax, " ") && strncmp(line, c->syntax, len) == 0;
}

static bool
starts_well(const char *line, const struct saker_command *commands)
{
	for (const struct saker_command *c = commands; c->syntax != NULL; c++)
		if (same_start(line, c))
			return true;
	return false;
}

unsigned int
saker_nearest(const char *line, const struct saker_command *commands,
	const struct saker_command *found[SAKER_NEAREST])
{
	struct match best[SAKER_NEAREST + 1];
	bool first_right;
	unsigned int n = 0;

	line = skip_blanks(line);
	first_right = starts_well(line, commands);
	for (const struct saker_command *c = commands; c->syntax != NULL; c++) {
		struct match m = compare(line, c);

		if (is_near(&m) && (!first_right || same_start(line, c)))
			n = insert(best, n, m);
	}
	for (unsigned int i = 0; i < n; i++)
		found[i] = best[i].command;
	return n;
}
