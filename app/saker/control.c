/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#include "control.h"

#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void
saker_control_lock(void)
{
	pthread_mutex_lock(&lock);
}

void
saker_control_unlock(void)
{
	pthread_mutex_unlock(&lock);
}
