/* SPDX-License-Identifier: BSD-2-Clause */
/* The processors that the threads of a pool run on.
 *
 * A thread that is woken may be put on the processor of the one that wakes it, and the two then take turns there while
 * another processor idles: for tens of milliseconds, as was seen. So a thread that finds itself on another's processor
 * moves on. It may still run wherever its affinity allows: that is as it was at once. Linux only; elsewhere nothing is known.
 */
#ifndef UNFURL_BASE_PROCESSORS_H
#define UNFURL_BASE_PROCESSORS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* The one that the calling thread runs on; -1 where that is not known. */
int unfurl_processor(void);

/* Moves the calling thread to a processor that it may run on and that is none of taken[count] (-1: none). Returns whether
 * there was one. */
bool unfurl_processor_avoid(const atomic_int *taken, size_t count);

#endif
