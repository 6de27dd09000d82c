/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The saker authors
 */

#ifndef SAKER_IPSEC_MB_H
#define SAKER_IPSEC_MB_H

/**
 * @file
 * The library as the driver uses it, for benchmarks that call it directly.
 */

#include <intel-ipsec-mb.h>

/**
 * A manager with the code that is best for this processor, as far as saker_cpu_limit() allows.
 * @return NULL if the library can't run here; else free it with free_mb_mgr()
 */
IMB_MGR *saker_ipsec_mb_open(void);

#endif
