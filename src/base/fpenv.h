/* SPDX-License-Identifier: BSD-2-Clause */
/* The floating-point environment of a task: set to the default on entry, put back as it was found on exit.
 *
 * Only the control word of the vector unit matters to our code (no x87): MXCSR on x86-64, FPCR on AArch64. Exception
 * flags that the work raises are dropped with it.
 */
#ifndef UNFURL_BASE_FPENV_H
#define UNFURL_BASE_FPENV_H

#include <stdbool.h>
#include <stdint.h>

typedef uint64_t unfurl_fpenv;

/* Sets round to nearest, no traps, and denormals kept or (flush_to_zero) taken as zero; returns what was set before. */
unfurl_fpenv unfurl_fpenv_enter(bool flush_to_zero);
void unfurl_fpenv_leave(unfurl_fpenv before);

#endif
