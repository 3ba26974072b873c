/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "conv/solver.h"

const unfurl_conv_solver *const unfurl_conv_solvers[] = {
    &unfurl_solve_naive,        &unfurl_solve_im2col,      &unfurl_solve_im2col_strips,    &unfurl_solve_col2im,
    &unfurl_solve_depthwise,    &unfurl_solve_grouped,     &unfurl_solve_strided,          &unfurl_solve_planar,
    &unfurl_solve_winograd_f2,  &unfurl_solve_winograd_f4, &unfurl_solve_winograd_f4_taps, &unfurl_solve_winograd_4x4,
    &unfurl_solve_winograd_5x5, &unfurl_solve_winograd_f6,
};
const size_t unfurl_conv_solver_count = sizeof unfurl_conv_solvers / sizeof *unfurl_conv_solvers;

size_t unfurl_conv_algo_count(void) {
  return unfurl_conv_solver_count;
}

const char *unfurl_conv_algo_name(size_t index) {
  return index < unfurl_conv_solver_count ? unfurl_conv_solvers[index]->name : NULL;
}

const unfurl_conv_solver *unfurl_conv_solver_named(const char *name) {
  for (size_t i = 0; i < unfurl_conv_solver_count; i++)
    if (!strcmp(unfurl_conv_solvers[i]->name, name)) return unfurl_conv_solvers[i];
  return NULL;
}

const char *unfurl_conv_algo_known(const char *name) {
  const unfurl_conv_solver *solver = unfurl_conv_solver_named(name);
  return solver ? solver->name : !strcmp(name, UNFURL_CONV_WINOGRAD) ? UNFURL_CONV_WINOGRAD : NULL;
}
