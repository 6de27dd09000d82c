/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_LISTENER_H
#define SAKER_LISTENER_H

/**
 * @file
 * Listeners of a snapshot: which UDP ports and IP protocols carry which format, and how the group
 * of a packet is found there (stateless profile section 2).
 *
 * Threads: control thread, while the snapshot is built or freed; saker_listener_serves(): any.
 */

#include "saker_group.h"

/**
 * Make the listeners of all groups.
 * @return 0, or -EINVAL or -ENOMEM: faults were added
 */
int saker_listeners_build(const struct saker_group_env *env, struct saker_snapshot *s);

/** Free what they hold. */
void saker_listeners_free(struct saker_snapshot *s);

/** Are a group's packets received by this listener, and sent to its like at peers? */
bool saker_listener_serves(const struct saker_listener *l, const struct saker_group *g);

#endif
