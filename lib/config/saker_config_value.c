/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#include "saker_config_internal.h"

static const void *
at(const struct saker_cfg_view *v)
{
	return (const uint8_t *)v->object + v->field->offset;
}

static bool refuse(struct saker_cfg_slot *slot, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** Say what is wrong with a value. @return false */
static bool
refuse(struct saker_cfg_slot *slot, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(slot->why, sizeof(slot->why), format, ap);
	va_end(ap);
	return false;
}

static bool
plain(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text < 0x20 || *text > 0x7e || *text == '"' || *text == '\\')
			return false;
	return true;
}

static bool
take_name(struct saker_cfg_slot *slot, const char *text)
{
	if (*text == '\0')
		return refuse(slot, "is empty; give a name");
	if (strlen(text) >= slot->field->size)
		return refuse(
			slot, "is too long; give at most %u characters", slot->field->size - 1u);
	if (!plain(text))
		return refuse(slot, "has characters that a name can't have; "
				    "use ASCII letters, digits and punctuation without \" and \\");
	memcpy(slot->at, text, strlen(text) + 1);
	return true;
}

static void
show_name(const struct saker_cfg_view *v, FILE *out)
{
	fprintf(out, "\"%s\"", (const char *)at(v));
}

char *
saker_cfg_resolve(const char *file, const char *path)
{
	const char *slash = strrchr(file, '/');
	char *full = NULL;

	if (path[0] == '/' || slash == NULL)
		return strdup(path);
	if (strncmp(path, "./", 2) == 0 && path[2] != '\0')
		path += 2;
	return asprintf(&full, "%.*s/%s", (int)(slash - file), file, path) < 0 ? NULL : full;
}

static bool
take_path(struct saker_cfg_slot *slot, const char *text)
{
	char **p = slot->at;

	if (*text == '\0')
		return refuse(slot, "is empty; give a path");
	free(*p);
	*p = saker_cfg_resolve(slot->r->c->file, text);
	return *p != NULL || refuse(slot, "does not fit into memory");
}

static void
show_path(const struct saker_cfg_view *v, FILE *out)
{
	const char *path = *(char *const *)at(v);

	fprintf(out, path == NULL ? "none" : "\"%s\"", path);
}

bool
saker_cfg_take_int(struct saker_cfg_slot *slot, int64_t v)
{
	const struct saker_cfg_field *f = slot->field;

	if (v < f->min || v > f->max)
		return refuse(
			slot, "is out of range; give %" PRId64 " to %" PRId64, f->min, f->max);
	switch (f->size) {
	case 1:
		*(uint8_t *)slot->at = (uint8_t)v;
		break;
	case 2:
		*(uint16_t *)slot->at = (uint16_t)v;
		break;
	case 4:
		*(uint32_t *)slot->at = (uint32_t)v;
		break;
	default:
		*(uint64_t *)slot->at = (uint64_t)v;
	}
	return true;
}

static bool
take_int_text(struct saker_cfg_slot *slot, const char *text)
{
	return saker_cfg_take_int(slot, strtoll(text, NULL, 10));
}

static int64_t
load_int(const struct saker_cfg_view *v)
{
	const void *p = at(v);

	switch (v->field->size) {
	case 1:
		return *(const uint8_t *)p;
	case 2:
		return *(const uint16_t *)p;
	case 4:
		return v->field->min < 0 ? *(const int32_t *)p : (int64_t) * (const uint32_t *)p;
	default:
		return *(const int64_t *)p;
	}
}

static void
show_int(const struct saker_cfg_view *v, FILE *out)
{
	int64_t n = load_int(v);
	const char *wide = n > INT32_MAX ? "L" : "";

	if ((v->field->flags & SAKER_F_WIDE) != 0)
		fprintf(out, "0x%" PRIx64, (uint64_t)n);
	else
		fprintf(out, "%" PRId64 "%s", n, wide);
}

static bool
take_bool_text(struct saker_cfg_slot *slot, const char *text)
{
	*(bool *)slot->at = strcmp(text, "true") == 0;
	return true;
}

static void
show_bool(const struct saker_cfg_view *v, FILE *out)
{
	fputs(*(const bool *)at(v) ? "true" : "false", out);
}

static void
list_words(const struct saker_cfg_word *w, char *out, size_t room)
{
	size_t n = 0;

	out[0] = '\0';
	for (; w->word != NULL && n < room; w++)
		n += (size_t)snprintf(out + n, room - n, "%s%s", n == 0 ? "" : ", ", w->word);
}

static bool
find_word(struct saker_cfg_slot *slot, const char *text, int *value)
{
	const struct saker_cfg_word *w = slot->field->words;
	char allowed[200];

	while (w->word != NULL && strcmp(w->word, text) != 0)
		w++;
	if (w->word != NULL) {
		*value = w->value;
		return true;
	}
	list_words(slot->field->words, allowed, sizeof(allowed));
	return refuse(slot, "is not known; allowed: %s", allowed);
}

static bool
take_word(struct saker_cfg_slot *slot, const char *text)
{
	int value;

	if (!find_word(slot, text, &value))
		return false;
	if (slot->field->size == 1)
		*(uint8_t *)slot->at = (uint8_t)value;
	else
		*(unsigned int *)slot->at = (unsigned int)value;
	return true;
}

static void
show_word(const struct saker_cfg_view *v, FILE *out)
{
	fprintf(out, "\"%s\"", saker_cfg_word(v->field->words, (int)load_int(v)));
}

static bool
decode_hex(struct saker_cfg_slot *slot, const char *text, struct saker_cfg_hex *h)
{
	const struct saker_cfg_field *f = slot->field;
	int n = saker_hex_decode(text, h->octets, (size_t)f->max);

	if (n == -EINVAL)
		return refuse(slot, "is not hexadecimal; give an even number of digits 0-9, a-f");
	if (n == -ENOSPC || n < f->min)
		return refuse(slot, "has the wrong length; give %" PRId64 " to %" PRId64 " octets",
			f->min, f->max);
	h->len = (uint8_t)n;
	return true;
}

static bool
take_hex(struct saker_cfg_slot *slot, const char *text)
{
	return decode_hex(slot, text, slot->at);
}

static void
print_hex(const struct saker_cfg_hex *h, FILE *out)
{
	char text[2 * SAKER_ROOT_ID_MAX + 1];

	fprintf(out, "\"%s\"", saker_hex_encode(h->octets, h->len, text));
}

static void
show_hex(const struct saker_cfg_view *v, FILE *out)
{
	const struct saker_cfg_hex *h = at(v);

	if (h->len == 0)
		fputs("none", out);
	else
		print_hex(h, out);
}

static bool
decode_ip(struct saker_cfg_slot *slot, const char *text, struct saker_ip *ip)
{
	static const char *const ip_names[] = { [0] = "IP", [4] = "IPv4", [6] = "IPv6" };
	int64_t family = slot->field->max;

	if (saker_ip_from_text(text, ip) != 0 || (family != 0 && ip->family != family))
		return refuse(slot, "is not an %s address", ip_names[family]);
	return true;
}

static bool
take_ip(struct saker_cfg_slot *slot, const char *text)
{
	return decode_ip(slot, text, slot->at);
}

static void
print_ip(const struct saker_ip *ip, FILE *out)
{
	char text[SAKER_IP_TEXT];

	fprintf(out, "\"%s\"", saker_ip_to_text(ip, text));
}

static void
show_ip(const struct saker_cfg_view *v, FILE *out)
{
	const struct saker_ip *ip = at(v);

	if (ip->family == 0)
		fputs("none", out);
	else
		print_ip(ip, out);
}

static bool
take_prefix(struct saker_cfg_slot *slot, const char *text)
{
	struct saker_prefix p = { 0 };
	int rc = strcmp(text, "any") == 0 ? 0 : saker_prefix_from_text(text, &p);

	if (rc == -ERANGE)
		return refuse(slot, "has bits set beyond the prefix length; clear them");
	if (rc != 0)
		return refuse(slot, "is not an address or prefix; give address/length or any");
	*(struct saker_prefix *)slot->at = p;
	return true;
}

static void
show_prefix(const struct saker_cfg_view *v, FILE *out)
{
	char text[SAKER_IP_TEXT];

	fprintf(out, "\"%s\"", saker_prefix_to_text(at(v), text));
}

/** Read one port number. @return what follows it, NULL: it is none */
static const char *
read_port(const char *text, uint16_t *port)
{
	unsigned long v;
	char *end;

	if (!isdigit((unsigned char)*text))
		return NULL;
	v = strtoul(text, &end, 10);
	*port = (uint16_t)v;
	return v <= UINT16_MAX ? end : NULL;
}

static bool
take_ports(struct saker_cfg_slot *slot, const char *text)
{
	struct saker_cfg_range range;
	const char *end = read_port(text, &range.low);

	range.high = range.low;
	if (end != NULL && *end == '-')
		end = read_port(end + 1, &range.high);
	if (end == NULL || *end != '\0')
		return refuse(
			slot, "is not a port or a range of ports; give 0 to 65535 or low-high");
	if (range.low > range.high)
		return refuse(slot, "is a range that ends before it begins; swap its ends");
	*(struct saker_cfg_range *)slot->at = range;
	return true;
}

static void
show_ports(const struct saker_cfg_view *v, FILE *out)
{
	const struct saker_cfg_range *range = at(v);

	if (range->low == range->high)
		fprintf(out, "%u", range->low);
	else
		fprintf(out, "\"%u-%u\"", range->low, range->high);
}

static bool
find_ref(struct saker_cfg_slot *slot, const char *text, uint16_t *index)
{
	enum saker_cfg_id id = slot->field->refers;
	const struct saker_cfg_reader *r = slot->r;
	int found = saker_cfg_find(r, id, text);
	const char *near;

	if (found < 0) {
		near = saker_cfg_nearest(
			text, r->names[id], r->n_names[id], sizeof(struct saker_cfg_named));
		return refuse(slot, "is not in %s%s%s%s", saker_cfg_sections[id].name,
			near == NULL ? "" : "; did you mean ", near == NULL ? "" : near,
			near == NULL ? "" : "?");
	}
	*index = (uint16_t)found;
	return true;
}

static bool
take_ref(struct saker_cfg_slot *slot, const char *text)
{
	return find_ref(slot, text, slot->at);
}

static void
print_ref(const struct saker_cfg_view *v, uint16_t index, FILE *out)
{
	const struct saker_cfg_section *s = &saker_cfg_sections[v->field->refers];
	unsigned int n;
	const char *objects = saker_cfg_objects(s, v->c, &n);

	/* the name is the first member of every object that has one */
	fprintf(out, "\"%s\"", index < n ? objects + index * s->size : "?");
}

static void
show_ref(const struct saker_cfg_view *v, FILE *out)
{
	print_ref(v, *(const uint16_t *)at(v), out);
}

static bool
full(struct saker_cfg_slot *slot)
{
	return refuse(slot, "is one entry too many; give at most %d", SAKER_CFG_LIST);
}

static bool
take_refs(struct saker_cfg_slot *slot, const char *text)
{
	struct saker_cfg_refs *refs = slot->at;
	uint16_t index = 0;

	if (!find_ref(slot, text, &index))
		return false;
	for (unsigned int i = 0; i < refs->n; i++)
		if (refs->index[i] == index)
			return refuse(slot, "is named twice; take one out");
	if (refs->n == SAKER_CFG_LIST)
		return full(slot);
	refs->index[refs->n++] = index;
	return true;
}

/** Between the entries of a list: an opening bracket or a comma. */
static void
print_mark(unsigned int i, FILE *out)
{
	fputs(i == 0 ? "[ " : ", ", out);
}

static void
print_end(const struct saker_cfg_view *v, unsigned int n, FILE *out)
{
	const char *empty = (v->field->flags & SAKER_F_NONEMPTY) != 0 ? "none" : "[ ]";

	fputs(n == 0 ? empty : " ]", out);
}

static void
show_refs(const struct saker_cfg_view *v, FILE *out)
{
	const struct saker_cfg_refs *refs = at(v);

	for (unsigned int i = 0; i < refs->n; i++) {
		print_mark(i, out);
		print_ref(v, refs->index[i], out);
	}
	print_end(v, refs->n, out);
}

static bool
take_ips(struct saker_cfg_slot *slot, const char *text)
{
	struct saker_cfg_ips *ips = slot->at;
	struct saker_ip ip;

	if (!decode_ip(slot, text, &ip))
		return false;
	if (ips->n == SAKER_CFG_LIST)
		return full(slot);
	ips->ip[ips->n++] = ip;
	return true;
}

static void
show_ips(const struct saker_cfg_view *v, FILE *out)
{
	const struct saker_cfg_ips *ips = at(v);

	for (unsigned int i = 0; i < ips->n; i++) {
		print_mark(i, out);
		print_ip(&ips->ip[i], out);
	}
	print_end(v, ips->n, out);
}

static bool
take_hexes(struct saker_cfg_slot *slot, const char *text)
{
	struct saker_cfg_hex **list = slot->at, *grown, h = { 0 };
	uint8_t *n = (uint8_t *)slot->object + slot->field->count_at;

	if (!decode_hex(slot, text, &h))
		return false;
	if (*n == SAKER_CFG_LIST)
		return full(slot);
	grown = realloc(*list, (*n + 1u) * sizeof(**list));
	if (grown == NULL)
		return refuse(slot, "does not fit into memory");
	*list = grown;
	grown[(*n)++] = h;
	return true;
}

static void
show_hexes(const struct saker_cfg_view *v, FILE *out)
{
	const struct saker_cfg_hex *list = *(struct saker_cfg_hex *const *)at(v);
	unsigned int n = *((const uint8_t *)v->object + v->field->count_at);

	for (unsigned int i = 0; i < n; i++) {
		print_mark(i, out);
		print_hex(&list[i], out);
	}
	print_end(v, n, out);
}

static bool
take_level(struct saker_cfg_slot *slot, const char *text)
{
	int level;

	if (!find_word(slot, text, &level))
		return false;
	((bool *)slot->at)[level] = true;
	return true;
}

static void
show_levels(const struct saker_cfg_view *v, FILE *out)
{
	const bool *levels = at(v);
	unsigned int n = 0;

	for (int i = 0; i < SAKER_LEVELS; i++) {
		if (!levels[i])
			continue;
		print_mark(n++, out);
		fprintf(out, "\"%s\"", saker_cfg_word(v->field->words, i));
	}
	print_end(v, n, out);
}

const struct saker_cfg_type_ops saker_cfg_types[SAKER_TYPES] = {
	[SAKER_T_NAME] = { "string", SAKER_SHAPE_TEXT, take_name, show_name },
	[SAKER_T_PATH] = { "path", SAKER_SHAPE_TEXT, take_path, show_path },
	[SAKER_T_INT] = { "integer", SAKER_SHAPE_INT, take_int_text, show_int },
	[SAKER_T_BOOL] = { "boolean", SAKER_SHAPE_BOOL, take_bool_text, show_bool },
	[SAKER_T_WORD] = { "word", SAKER_SHAPE_TEXT, take_word, show_word },
	[SAKER_T_HEX] = { "hex string", SAKER_SHAPE_TEXT, take_hex, show_hex },
	[SAKER_T_IP] = { "address", SAKER_SHAPE_TEXT, take_ip, show_ip },
	[SAKER_T_PREFIX] = { "prefix or \"any\"", SAKER_SHAPE_TEXT, take_prefix, show_prefix },
	[SAKER_T_IFADDR] = { "address, address/length", SAKER_SHAPE_TEXT, saker_cfg_take_ifaddr,
		saker_cfg_show_ifaddr },
	[SAKER_T_MAC] = { "Ethernet address", SAKER_SHAPE_TEXT, saker_cfg_take_mac,
		saker_cfg_show_mac },
	[SAKER_T_PORTS] = { "port, or \"low-high\"", SAKER_SHAPE_TEXT_OR_INT, take_ports,
		show_ports },
	[SAKER_T_REF] = { "name", SAKER_SHAPE_TEXT, take_ref, show_ref },
	[SAKER_T_REFS] = { "list of names", SAKER_SHAPE_TEXTS, take_refs, show_refs },
	[SAKER_T_IPS] = { "list of addresses", SAKER_SHAPE_TEXTS, take_ips, show_ips },
	[SAKER_T_HEXES] = { "list of hex strings", SAKER_SHAPE_TEXTS, take_hexes, show_hexes },
	[SAKER_T_LEVELS] = { "list of levels", SAKER_SHAPE_TEXTS, take_level, show_levels },
	[SAKER_T_DSCPS] = { "list of sets of DSCPs", SAKER_SHAPE_TEXTS, saker_cfg_take_dscps,
		saker_cfg_show_dscps },
	[SAKER_T_OBJECTS] = { "list of groups", SAKER_SHAPE_OBJECTS, NULL, NULL },
};
