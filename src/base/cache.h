/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UNFURL_BASE_CACHE_H
#define UNFURL_BASE_CACHE_H

#include <stddef.h>

/* Bytes of a core's L2 cache, or a usual size where the system does not tell. Only how work is cut may depend on it, never
 * what is computed. */
size_t unfurl_l2_bytes(void);

#endif
