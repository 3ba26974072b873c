/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "base/status.h"
#include "conv/solver.h"

const unfurl_conv_solver *const unfurl_conv_solvers[] = {
    &unfurl_solve_naive,     &unfurl_solve_im2col,  &unfurl_solve_im2col_strips, &unfurl_solve_col2im,
    &unfurl_solve_depthwise, &unfurl_solve_strided, &unfurl_solve_winograd_f2,   &unfurl_solve_winograd_f4,
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

static unfurl_status choose_named(const unfurl_conv_problem *problem, const char *algo,
                                  const unfurl_conv_solver **solver, unfurl_error *error) {
  const bool f4 = unfurl_winograd_class(&problem->geometry, problem->tolerance) == UNFURL_CONV_F4;
  *solver = unfurl_conv_solver_named(strcmp(algo, "winograd") ? algo : f4 ? "winograd_f4" : "winograd_f2");
  if (!*solver) return unfurl_fail(error, UNFURL_UNSUPPORTED, "there is no solver \"%s\"", algo);
  if (!unfurl_conv_class_allowed((*solver)->sums, problem->tolerance))
    return unfurl_fail(error, UNFURL_UNSUPPORTED, "solver %s may add a relative error of %g; the tolerance is %g", algo,
                       unfurl_conv_class_error((*solver)->sums), (double)problem->tolerance);
  if (!(*solver)->is_applicable(problem))
    return unfurl_fail(error, UNFURL_UNSUPPORTED, "solver %s does not apply to this convolution", algo);
  return UNFURL_OK;
}

unfurl_status unfurl_conv_choose(const unfurl_conv_problem *problem, const char *algo,
                                 const unfurl_conv_solver **solver, unfurl_error *error) {
  if (algo) return choose_named(problem, algo, solver, error);
  const unfurl_conv_class sums = unfurl_conv_class_of(&problem->geometry, problem->tolerance);
  double least = 0;
  *solver = NULL;
  for (size_t i = 0; i < unfurl_conv_solver_count; i++) {
    const unfurl_conv_solver *candidate = unfurl_conv_solvers[i];
    if (candidate->sums != sums || !candidate->is_applicable(problem)) continue;
    const double cost = candidate->cost(problem);
    if (!*solver || cost < least) *solver = candidate, least = cost;
  }
  return *solver ? UNFURL_OK : unfurl_fail(error, UNFURL_UNSUPPORTED, "no solver applies to this convolution");
}
