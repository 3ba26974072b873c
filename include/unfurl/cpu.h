/* SPDX-License-Identifier: BSD-2-Clause */
/* What the processor has, and which instruction set the kernels use.
 *
 * The best set that processor and operating system support is chosen when a plan is made. The environment variable
 *
 *     UNFURL_ISA=portable|baseline|avx2|avx512|neon
 *
 * masks it down (never up; an unknown or unavailable name is ignored), so that every code path can be tested on a
 * machine that has more.
 *
 *     printf("%s, L2 %zu KiB\n", unfurl_isa_name(unfurl_cpu_isa()), unfurl_cpu_l2_bytes() / 1024);
 *
 * All functions may be called from any thread, at any time, without a context.
 */
#ifndef UNFURL_CPU_H
#define UNFURL_CPU_H

#include <stddef.h>

#include "unfurl/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum unfurl_isa {
  UNFURL_ISA_PORTABLE = 0, /* plain C, nothing assumed */
  UNFURL_ISA_BASELINE,     /* what the compiler may assume on this architecture (x86-64: SSE2) */
  UNFURL_ISA_AVX2,         /* AVX2 and FMA */
  UNFURL_ISA_AVX512,       /* AVX-512 F, BW, DQ and VL */
  UNFURL_ISA_NEON          /* AArch64 Advanced SIMD */
} unfurl_isa;

/* The instruction set in use on this machine, after UNFURL_ISA. */
UNFURL_API unfurl_isa unfurl_cpu_isa(void);

/* Its name as UNFURL_ISA spells it; never NULL. */
UNFURL_API const char *unfurl_isa_name(unfurl_isa isa);

/* Writes the processor's name, as it calls itself, as snprintf does: terminated if size > 0, returns the length it
 * needs (at most 63). Printable ASCII; "unknown" where there is none. */
UNFURL_API size_t unfurl_cpu_name(char *buffer, size_t size);

/* Bytes of level 1 data cache and of level 2 cache a core; a cautious default where the system does not tell. */
UNFURL_API size_t unfurl_cpu_l1_bytes(void);
UNFURL_API size_t unfurl_cpu_l2_bytes(void);

/* CPUs that this process may run on (its affinity mask), at least 1. */
UNFURL_API size_t unfurl_cpu_count(void);

#ifdef __cplusplus
}
#endif
#endif
