/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_NEAREST_H
#define SAKER_NEAREST_H

/**
 * @file
 * Which command was meant?
 *
 * Threads: every function touches only its arguments.
 */

#include "command.h"

#define SAKER_NEAREST 3 /**< most commands that are suggested */

/**
 * Find the commands whose literal words come nearest to a line.
 * @param commands the last has a NULL syntax
 * @param found receives them, nearest first
 * @return how many; 0 if none is near
 */
unsigned int saker_nearest(const char *line, const struct saker_command *commands,
	const struct saker_command *found[SAKER_NEAREST]);

#endif
