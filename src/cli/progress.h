/* SPDX-License-Identifier: BSD-2-Clause */
/* The progress bar: one line on stderr that is rewritten a few times a second, only on a terminal.
 *
 * There is one terminal, so there is one bar, and its state is the module's own.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

/* Is there a terminal to draw on? */
bool progress_wanted(void);

/* Begins at 0 of `total` images (0: unknown). Draws nothing where it is not wanted. */
void progress_begin(size_t total);
void progress_update(size_t done);

/* Wipes the bar from the terminal; the next update draws it anew. Allowed at any time. */
void progress_wipe(void);

/* Wipes it for good. */
void progress_end(void);

#endif
