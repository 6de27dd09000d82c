/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "saker_format.h"

#include <stddef.h>

const struct saker_format *const saker_formats[] = {
	&saker_format_eesp,
	&saker_format_seh,
	&saker_format_subsa,
	&saker_format_psp,
	&saker_format_esp,
	&saker_format_tss,
	NULL,
};

const struct saker_format *
saker_format_find(uint8_t letter)
{
	for (unsigned int i = 0; saker_formats[i] != NULL; i++)
		if (saker_formats[i]->letter == letter)
			return saker_formats[i];
	return NULL;
}
