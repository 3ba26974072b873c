/* SPDX-License-Identifier: BSD-2-Clause */
#include "conv/planner.h"

#include <string.h>

#include "base/cache.h"
#include "base/context.h"
#include "base/status.h"
#include "conv/measure.h"
#include "conv/wisdom.h"

/* Where the caller sets none: beyond this a solver is not chosen, if there is another. */
enum { WORKSPACE_LIMIT = 8 << 20 };

unfurl_status unfurl_conv_problem_init(unfurl_conv_problem *problem, const unfurl_context *context,
                                       const unfurl_conv_desc *desc, unfurl_error *error) {
  *problem = (unfurl_conv_problem){
      /* Transforming filters again in every execute costs more than Winograd saves, unless it is asked for by name. */
      .tolerance = desc->weights_at_execute && !desc->algo ? 0 : desc->tolerance,
      .threads = unfurl_context_threads(context),
      .workspace_limit = desc->workspace_limit,
      .l2_bytes = unfurl_l2_bytes()};
  const unfurl_status status = unfurl_conv_geometry_init(&problem->geometry, desc, error);
  const unfurl_conv_geometry *g = &problem->geometry;
  if (!status) problem->kernels = unfurl_kernels_for(unfurl_cpu_isa(), g->ocg, g->patch);
  return status;
}

/* Whether the solver's sums are those that the problem is to have. Shape and tolerance alone decide, never threads or
 * workspace: the same bits everywhere. */
static bool is_allowed(const unfurl_conv_problem *problem, const unfurl_conv_solver *solver) {
  return !solver->uses_blas && solver->sums == unfurl_conv_class_of(&problem->geometry, problem->tolerance) &&
         solver->is_applicable(problem);
}

static bool is_last_resort_needed(const unfurl_conv_problem *problem) {
  for (size_t i = 0; i < unfurl_conv_solver_count; i++)
    if (!unfurl_conv_solvers[i]->last_resort && is_allowed(problem, unfurl_conv_solvers[i])) return false;
  return true;
}

bool unfurl_conv_is_eligible(const unfurl_conv_problem *problem, const unfurl_conv_solver *solver) {
  return is_allowed(problem, solver) && (!solver->last_resort || is_last_resort_needed(problem));
}

/* The eligible solver that needs the least workspace, or NULL. */
static const unfurl_conv_solver *smallest(const unfurl_conv_problem *problem) {
  const unfurl_conv_solver *found = NULL;
  for (size_t i = 0; i < unfurl_conv_solver_count; i++) {
    const unfurl_conv_solver *solver = unfurl_conv_solvers[i];
    if (unfurl_conv_is_eligible(problem, solver) && (!found || solver->workspace(problem) < found->workspace(problem)))
      found = solver;
  }
  return found;
}

/* A limit that nobody asked for gives way where it would leave nothing. */
static bool has_room(const unfurl_conv_problem *problem, const unfurl_conv_solver *solver) {
  const size_t needed = solver->workspace(problem);
  if (problem->workspace_limit) return needed <= problem->workspace_limit;
  return needed <= WORKSPACE_LIMIT || needed <= smallest(problem)->workspace(problem);
}

bool unfurl_conv_is_candidate(const unfurl_conv_problem *problem, const unfurl_conv_solver *solver) {
  return unfurl_conv_is_eligible(problem, solver) && has_room(problem, solver);
}

static unfurl_status fail_room(const unfurl_conv_problem *problem, const unfurl_conv_solver *solver,
                               unfurl_error *error) {
  return unfurl_fail(error, UNFURL_TOO_LARGE, "solver %s needs %zu bytes of workspace a task, the limit is %zu",
                     solver->name, solver->workspace(problem), problem->workspace_limit);
}

/* The solver that a caller means. */
static const unfurl_conv_solver *meant(const char *algo, const unfurl_conv_problem *problem) {
  if (strcmp(algo, UNFURL_CONV_WINOGRAD) != 0) return unfurl_conv_solver_named(algo);
  const unfurl_conv_class sums = unfurl_winograd_class(&problem->geometry, problem->tolerance);
  if (sums == UNFURL_CONV_F2) return &unfurl_solve_winograd_f2;
  if (sums == UNFURL_CONV_F6) return &unfurl_solve_winograd_f6;
  if (unfurl_solve_winograd_4x4.is_applicable(problem)) return &unfurl_solve_winograd_4x4;
  if (unfurl_solve_winograd_5x5.is_applicable(problem)) return &unfurl_solve_winograd_5x5;
  const bool late = unfurl_solve_winograd_f4_taps.cost(problem) < unfurl_solve_winograd_f4.cost(problem);
  return late ? &unfurl_solve_winograd_f4_taps : &unfurl_solve_winograd_f4;
}

static unfurl_status choose_named(unfurl_conv_choice *choice, const char *algo, const unfurl_conv_problem *problem,
                                  unfurl_error *error) {
  const unfurl_conv_solver *solver = meant(algo, problem);
  if (!solver) return unfurl_fail(error, UNFURL_UNSUPPORTED, "there is no solver \"%s\"", algo);
  if (!unfurl_conv_class_allowed(solver->sums, problem->tolerance))
    return unfurl_fail(error, UNFURL_UNSUPPORTED, "solver %s may add a relative error of %g; the tolerance is %g", algo,
                       unfurl_conv_class_error(solver->sums), (double)problem->tolerance);
  if (!solver->is_applicable(problem))
    return unfurl_fail(error, UNFURL_UNSUPPORTED, "solver %s does not apply to this convolution", algo);
  if (problem->workspace_limit && !has_room(problem, solver)) return fail_room(problem, solver, error);
  *choice = (unfurl_conv_choice){.solver = solver, .reason = UNFURL_CHOSEN_BY_NAME};
  return UNFURL_OK;
}

/* Lists the candidates; returns how many there are. */
static size_t list_candidates(const unfurl_conv_problem *problem, const unfurl_conv_solver **candidates) {
  size_t count = 0;
  for (size_t i = 0; i < unfurl_conv_solver_count && count < UNFURL_CONV_CANDIDATES_MAX; i++)
    if (unfurl_conv_is_candidate(problem, unfurl_conv_solvers[i])) candidates[count++] = unfurl_conv_solvers[i];
  return count;
}

/* The cheapest and the next; of equal ones the first. */
static void take_best(unfurl_conv_choice *choice, const unfurl_conv_solver *const *candidates, const double *costs,
                      size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (!choice->solver || costs[i] < choice->cost) {
      choice->next = choice->solver, choice->next_cost = choice->cost;
      choice->solver = candidates[i], choice->cost = costs[i];
    } else if (!choice->next || costs[i] < choice->next_cost) {
      choice->next = candidates[i], choice->next_cost = costs[i];
    }
  }
}

static bool choose_by_wisdom(unfurl_conv_choice *choice, const unfurl_context *context, const unfurl_conv_desc *desc,
                             const unfurl_conv_problem *problem) {
  unfurl_wisdom_found found;
  if (!unfurl_wisdom_find(context, desc, &found) || !unfurl_conv_is_candidate(problem, found.solver)) return false;
  *choice = (unfurl_conv_choice){
      .solver = found.solver, .reason = UNFURL_CHOSEN_BY_WISDOM, .cost = (double)found.nanoseconds};
  return true;
}

/* Another thread may have measured the same meanwhile: what was remembered first stays, and both use that. */
static bool choose_by_measure(unfurl_conv_choice *choice, const unfurl_context *context, const unfurl_conv_desc *desc,
                              const unfurl_conv_problem *problem, const unfurl_conv_solver *const *candidates,
                              size_t count) {
  double nanoseconds[UNFURL_CONV_CANDIDATES_MAX];
  unfurl_conv_choice kept;
  if (!unfurl_conv_measure(context, desc, candidates, count, nanoseconds)) {
    unfurl_log(context, UNFURL_LOG_INFO, "no memory to measure a convolution: its solver is chosen by estimate");
    return false;
  }
  *choice = (unfurl_conv_choice){.reason = UNFURL_CHOSEN_BY_MEASURE};
  take_best(choice, candidates, nanoseconds, count);
  const unfurl_wisdom_found best = {.solver = choice->solver, .nanoseconds = (int64_t)choice->cost};
  unfurl_wisdom_remember(context, desc, &best);
  if (choose_by_wisdom(&kept, context, desc, problem) && kept.solver != choice->solver) *choice = kept;
  return true;
}

static void choose_by_estimate(unfurl_conv_choice *choice, const unfurl_conv_problem *problem,
                               const unfurl_conv_solver *const *candidates, size_t count) {
  double costs[UNFURL_CONV_CANDIDATES_MAX];
  for (size_t i = 0; i < count; i++) costs[i] = candidates[i]->cost(problem);
  *choice = (unfurl_conv_choice){.reason = UNFURL_CHOSEN_BY_ESTIMATE};
  take_best(choice, candidates, costs, count);
}

unfurl_status unfurl_conv_choose(unfurl_conv_choice *choice, const unfurl_context *context,
                                 const unfurl_conv_desc *desc, const unfurl_conv_problem *problem,
                                 unfurl_error *error) {
  const unfurl_conv_solver *candidates[UNFURL_CONV_CANDIDATES_MAX];
  if (desc->algo) return choose_named(choice, desc->algo, problem, error);
  const size_t count = list_candidates(problem, candidates);
  if (count == 0) {
    const unfurl_conv_solver *closest = smallest(problem);
    return closest ? fail_room(problem, closest, error)
                   : unfurl_fail(error, UNFURL_UNSUPPORTED, "no solver applies to this convolution");
  }
  if (count == 1) {
    *choice = (unfurl_conv_choice){.solver = candidates[0], .reason = UNFURL_CHOSEN_ALONE};
    return UNFURL_OK;
  }
  if (choose_by_wisdom(choice, context, desc, problem)) return UNFURL_OK;
  if (desc->planning == UNFURL_PLAN_MEASURE && choose_by_measure(choice, context, desc, problem, candidates, count))
    return UNFURL_OK;
  choose_by_estimate(choice, problem, candidates, count);
  return UNFURL_OK;
}
