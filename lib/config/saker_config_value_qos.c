/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "saker_config_internal.h"

/* Sets of DSCPs, each a class: "ef, va" or "8-15, 46" (RFC 2474, 2597, 3246, 5865, 8622). */

static const struct saker_cfg_word points[] = {
	{ "df", 0 },
	{ "le", 1 },
	{ "va", 44 },
	{ "ef", 46 }, /* best effort, voice */
	{ "cs0", 0 },
	{ "cs1", 8 },
	{ "cs2", 16 },
	{ "cs3", 24 }, /* class selectors */
	{ "cs4", 32 },
	{ "cs5", 40 },
	{ "cs6", 48 },
	{ "cs7", 56 },
	{ "af11", 10 },
	{ "af12", 12 },
	{ "af13", 14 }, /* assured forwarding */
	{ "af21", 18 },
	{ "af22", 20 },
	{ "af23", 22 },
	{ "af31", 26 },
	{ "af32", 28 },
	{ "af33", 30 },
	{ "af41", 34 },
	{ "af42", 36 },
	{ "af43", 38 },
	{ NULL, 0 },
};

static const char *
skip_spaces(const char *text)
{
	return text + strspn(text, " ");
}

static bool
find_point(const char *text, size_t n, unsigned int *dscp)
{
	char *end;

	for (const struct saker_cfg_word *p = points; p->word != NULL; p++) {
		if (strlen(p->word) != n || strncasecmp(p->word, text, n) != 0)
			continue;
		*dscp = (unsigned int)p->value;
		return true;
	}
	*dscp = (unsigned int)strtoul(text, &end, 10);
	return n > 0 && n < 3 && isdigit((unsigned char)*text) && end == text + n &&
	       *dscp < SAKER_DSCPS;
}

/* One code point or a range of them. @return what follows, NULL: it is neither */
static const char *
read_points(const char *text, struct saker_cfg_range *range)
{
	unsigned int low, high;
	size_t n = strcspn(text, " ,-");

	if (!find_point(text, n, &low))
		return NULL;
	text = skip_spaces(text + n);
	high = low;
	if (*text == '-') {
		text = skip_spaces(text + 1);
		n = strcspn(text, " ,-");
		if (!find_point(text, n, &high) || high < low)
			return NULL;
		text = skip_spaces(text + n);
	}
	*range = (struct saker_cfg_range){ (uint16_t)low, (uint16_t)high };
	return text;
}

static bool
refuse(struct saker_cfg_slot *slot, const char *why)
{
	snprintf(slot->why, sizeof(slot->why), "%s", why);
	return false;
}

static bool
add_points(struct saker_cfg_slot *slot, const struct saker_cfg_range *range)
{
	struct saker_cfg_qos *qos = slot->at;

	for (unsigned int dscp = range->low; dscp <= range->high; dscp++) {
		if (qos->class_of[dscp] != 0)
			return refuse(slot, "names a DSCP twice, or one of another class; take it "
					    "out");
		qos->class_of[dscp] = qos->n + 1;
	}
	return true;
}

bool
saker_cfg_take_dscps(struct saker_cfg_slot *slot, const char *text)
{
	struct saker_cfg_qos *qos = slot->at;
	struct saker_cfg_range range;

	if (qos->n == SAKER_MAX_CLASSES - 1)
		return refuse(slot, "is one class too many; give at most 7");
	for (text = skip_spaces(text);; text = skip_spaces(text + 1)) {
		text = read_points(text, &range);
		if (text == NULL || (*text != '\0' && *text != ','))
			return refuse(slot, "is not a set of DSCPs; give numbers from 0 to 63, "
					    "ranges or names such as ef, with commas between them");
		if (!add_points(slot, &range))
			return false;
		if (*text == '\0')
			break;
	}
	qos->n++;
	return true;
}

static void
show_class(const struct saker_cfg_qos *qos, unsigned int class, FILE *out)
{
	const char *mark = "";

	for (unsigned int low = 0, high; low < SAKER_DSCPS; low = high) {
		for (high = low; high < SAKER_DSCPS && qos->class_of[high] == class;)
			high++;
		if (high == low) {
			high++;
			continue;
		}
		fprintf(out, high == low + 1 ? "%s%u" : "%s%u-%u", mark, low, high - 1);
		mark = ",";
	}
}

void
saker_cfg_show_dscps(const struct saker_cfg_view *v, FILE *out)
{
	const void *at = (const uint8_t *)v->object + v->field->offset;
	const struct saker_cfg_qos *qos = at;

	for (unsigned int class = 1; class <= qos->n; class ++) {
		fputs(class == 1 ? "[ \"" : ", \"", out);
		show_class(qos, class, out);
		fputc('"', out);
	}
	fputs(qos->n == 0 ? "[ ]" : " ]", out);
}
