/* SPDX-License-Identifier: BSD-2-Clause */
/* Charts by gnuplot (http://www.gnuplot.info), which is run as a child process. */
#ifndef CLI_GNUPLOT_H
#define CLI_GNUPLOT_H

#include <stdio.h>

#include "unfurl/status.h"

/* Is gnuplot there? UNSUPPORTED, with a message that says how to get it, if it is not. */
unfurl_status gnuplot_find(unfurl_error *error);

/* Runs the script in `file`, from its beginning; what it prints goes to *output, of *size bytes and a NUL, which the
 * caller frees. UNSUPPORTED (not installed), IO_ERROR (it failed), OUT_OF_MEMORY; *output is NULL then. */
unfurl_status gnuplot_run(FILE *file, char **output, size_t *size, unfurl_error *error);

#endif
