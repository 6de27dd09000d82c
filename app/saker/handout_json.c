/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "handout_json.h"

#include <ctype.h>

#define HEAD_MAX  (SAKER_HANDOUT_WHY + 2 * SAKER_NAME_MAX + 64)
#define ENTRY_MAX (2 * SAKER_KEY_MAX + 48)

/** What is left of a line. */
struct cursor {
	const char *at;
};

static void
skip_space(struct cursor *c)
{
	c->at += strspn(c->at, " \t\r");
}

static bool
take_char(struct cursor *c, char wanted)
{
	skip_space(c);
	if (*c->at != wanted)
		return false;
	c->at++;
	return true;
}

/* Text without escapes: names need none. */
static bool
take_text(struct cursor *c, char *out, size_t size)
{
	size_t n;

	if (!take_char(c, '"'))
		return false;
	n = strcspn(c->at, "\"\\");
	if (c->at[n] != '"' || n == 0 || n >= size)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isprint((unsigned char)c->at[i]))
			return false;
	memcpy(out, c->at, n);
	out[n] = '\0';
	c->at += n + 1;
	return true;
}

static bool
take_count(struct cursor *c, unsigned int *out)
{
	size_t n;

	skip_space(c);
	n = strspn(c->at, "0123456789");
	if (n < 1 || n > 4 || (n > 1 && c->at[0] == '0'))
		return false;
	for (*out = 0; n > 0; n--)
		*out = *out * 10 + (unsigned int)(*c->at++ - '0');
	return *out >= 1 && *out <= SAKER_PSP_SAS;
}

/* One `"name": value`. @return what is wrong, or NULL */
static const char *
take_member(struct cursor *c, struct saker_handout_request *r)
{
	char name[16];

	if (!take_text(c, name, sizeof(name)) || !take_char(c, ':'))
		return "the line is no JSON object of group and count";
	if (strcmp(name, "group") == 0 && r->group[0] == '\0')
		return take_text(c, r->group, sizeof(r->group)) ? NULL : "group is no name";
	if (strcmp(name, "count") == 0 && r->count == 0)
		return take_count(c, &r->count) ? NULL
						: "count is not a whole number from 1 to 1024";
	return "a name is unknown, or there twice; there are group and count";
}

const char *
saker_handout_read(const char *line, struct saker_handout_request *r)
{
	struct cursor c = { line };
	const char *why = NULL;

	memset(r, 0, sizeof(*r));
	if (!take_char(&c, '{'))
		return "the line is no JSON object of group and count";
	do
		why = take_member(&c, r);
	while (why == NULL && take_char(&c, ','));
	if (why != NULL)
		return why;
	if (!take_char(&c, '}') || (skip_space(&c), *c.at != '\0'))
		return "the line is no JSON object of group and count";
	if (r->count == 0)
		r->count = 1;
	return r->group[0] == '\0' ? "group is missing" : NULL;
}

size_t
saker_handout_room(unsigned int n)
{
	return HEAD_MAX + (size_t)n * ENTRY_MAX;
}

size_t
saker_handout_answer(
	const struct saker_handout_request *r, const struct saker_handout_lot *lot, char *out)
{
	char hex[2 * SAKER_KEY_MAX + 1];
	char *at = out;

	at += snprintf(
		at, HEAD_MAX, "{\"group\":\"%s\",\"version\":%u,\"sas\":[", r->group, lot->version);
	for (unsigned int i = 0; i < lot->sas.n; i++) {
		const struct saker_psp_sa *sa = &lot->sas.sa[i];

		at += snprintf(at, ENTRY_MAX, "%s{\"spi\":\"%08x\",\"key\":\"%s\"}",
			i == 0 ? "" : ",", sa->spi,
			saker_hex_encode(sa->key, saker_psp_key_len(lot->version), hex));
	}
	saker_wipe(hex, sizeof(hex));
	at = stpcpy(at, "]}\n");
	return (size_t)(at - out);
}

size_t
saker_handout_error(const char *why, char *out)
{
	int n = snprintf(out, HEAD_MAX, "{\"error\":\"%.*s\"}\n", SAKER_HANDOUT_WHY, why);

	for (char *p = out + strlen("{\"error\":\""); p < out + n - 3; p++)
		if (*p == '"' || *p == '\\' || !isprint((unsigned char)*p))
			*p = '\'';
	return (size_t)n;
}
