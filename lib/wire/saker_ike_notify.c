/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_ike_notify.h"

#include <string.h>

#include "saker_format.h"

#define LENGTH_AT   2
#define PROTOCOL_AT 4
#define SPI_SIZE_AT 5
#define TYPE_AT     6

static const char *const sn_names[SAKER_IKE_SN_IDS] = {
	[SAKER_ESP_SN_32] = "32-bit sequential",
	[SAKER_ESP_SN_64] = "partially transmitted 64-bit sequential",
	[SAKER_ESP_SN_UNSPECIFIED] = "32-bit unspecified",
};

static bool
has_data(uint16_t type)
{
	return type == SAKER_IKE_SA_RESOURCE_INFO;
}

static bool
is_ours(uint16_t type)
{
	return type == SAKER_IKE_TS_MAX_QUEUE || type == SAKER_IKE_SA_RESOURCE_INFO;
}

enum saker_ike_verdict
saker_ike_notify_read(const uint8_t *p, size_t len, struct saker_ike_notify *n)
{
	uint16_t type, whole;

	if (len < SAKER_IKE_NOTIFY_HEADER)
		return SAKER_IKE_BAD;
	whole = saker_load_be16(p + LENGTH_AT);
	if (whole < SAKER_IKE_NOTIFY_HEADER || whole > len)
		return SAKER_IKE_BAD;
	type = saker_load_be16(p + TYPE_AT);
	if (!is_ours(type) || p[PROTOCOL_AT] != 0 || p[SPI_SIZE_AT] != 0)
		return SAKER_IKE_IGNORE;
	if (whole > SAKER_IKE_NOTIFY_HEADER && !has_data(type))
		return SAKER_IKE_BAD;
	*n = (struct saker_ike_notify){
		.next_payload = p[0],
		.type = type,
		.data = p + SAKER_IKE_NOTIFY_HEADER,
		.data_len = whole - SAKER_IKE_NOTIFY_HEADER,
	};
	return SAKER_IKE_GOOD;
}

size_t
saker_ike_notify_write(const struct saker_ike_notify *n, uint8_t *out, size_t size)
{
	size_t whole = SAKER_IKE_NOTIFY_HEADER + (size_t)n->data_len;

	if (!is_ours(n->type) || (n->data_len > 0 && !has_data(n->type)) || whole > size ||
		whole > UINT16_MAX)
		return 0;
	memset(out, 0, SAKER_IKE_NOTIFY_HEADER);
	out[0] = n->next_payload;
	saker_store_be16(out + LENGTH_AT, (uint16_t)whole);
	saker_store_be16(out + TYPE_AT, n->type);
	if (n->data_len > 0)
		memcpy(out + SAKER_IKE_NOTIFY_HEADER, n->data, n->data_len);
	return whole;
}

uint16_t
saker_ike_child_sa_answer(uint32_t have, uint32_t most)
{
	return have == 0 || have < most ? 0 : SAKER_IKE_TS_MAX_QUEUE;
}

bool
saker_ike_child_sa_may_ask(uint32_t have, uint32_t refused_at)
{
	return refused_at == 0 || have < refused_at;
}

const char *
saker_ike_sn_name(uint16_t id)
{
	return id < SAKER_IKE_SN_IDS ? sn_names[id] : NULL;
}

int
saker_ike_sn_id(const char *name)
{
	for (int id = 0; id < SAKER_IKE_SN_IDS; id++)
		if (strcmp(name, sn_names[id]) == 0)
			return id;
	return -1;
}
