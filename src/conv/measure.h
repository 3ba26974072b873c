/* SPDX-License-Identifier: BSD-2-Clause */
/* Solvers raced against each other on the problem itself. */
#ifndef UNFURL_CONV_MEASURE_H
#define UNFURL_CONV_MEASURE_H

#include "conv/solver.h"

/* Runs the solvers in turn, round after round, on random data with the context's memory and threads; nanoseconds[i] is
 * the shortest time of solvers[i]. At least two rounds, and until about 50 ms have passed for each solver. False if
 * there is not enough memory, or a solver fails. */
bool unfurl_conv_measure(const unfurl_context *context, const unfurl_conv_desc *desc,
                         const unfurl_conv_solver *const *solvers, size_t count, double *nanoseconds);

#endif
