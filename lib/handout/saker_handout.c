/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_handout.h"

#include <errno.h>

int
saker_handout_key(
	const struct saker_handout *h, const uint8_t *id, uint8_t id_len, struct saker_spi_key *key)
{
	*key = (struct saker_spi_key){ .id_len = id_len, .index = h->index };
	memcpy(key->id, id, id_len);
	return saker_kdf(h->master, "CV", NULL, 0, 8 * sizeof(key->mk_check), key->mk_check);
}

int
saker_handout_derive(const struct saker_handout *h, const struct saker_spi_block *block,
	struct saker_psp_sa *sas)
{
	uint32_t phase = (h->index & 1) != 0 ? SAKER_SPI_PHASE : 0;
	uint16_t bits = (uint16_t)(8 * saker_psp_key_len(h->version));

	memset(sas, 0, block->n * sizeof(*sas));
	for (uint32_t i = 0; i < block->n; i++) {
		sas[i].spi = (block->first + i) | phase;
		if (saker_kdf_psp(h->master, h->version, sas[i].spi, bits, sas[i].key) == 0)
			continue;
		saker_wipe(sas, block->n * sizeof(*sas));
		return -EIO;
	}
	return 0;
}
