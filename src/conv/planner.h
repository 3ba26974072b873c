/* SPDX-License-Identifier: BSD-2-Clause */
/* The planner: which solver computes a problem, and why.
 *
 * A name decides. Without one it is the best of the candidates: by wisdom, else by measuring (where the descriptor says
 * so), else by the solvers' own estimates. All candidates of a problem are of one class (conv_class.h), so that how it is
 * planned, by how many threads and on which machine, changes no bit.
 */
#ifndef UNFURL_CONV_PLANNER_H
#define UNFURL_CONV_PLANNER_H

#include "conv/solver.h"

enum { UNFURL_CONV_CANDIDATES_MAX = 16 };

typedef enum unfurl_conv_reason {
  UNFURL_CHOSEN_BY_NAME = 0,
  UNFURL_CHOSEN_ALONE, /* there was one candidate */
  UNFURL_CHOSEN_BY_ESTIMATE,
  UNFURL_CHOSEN_BY_MEASURE,
  UNFURL_CHOSEN_BY_WISDOM
} unfurl_conv_reason;

typedef struct unfurl_conv_choice {
  const unfurl_conv_solver *solver;
  unfurl_conv_reason reason;
  double cost; /* estimated: multiply-adds at full speed; measured, also for wisdom: nanoseconds; else 0 */
  const unfurl_conv_solver *next; /* the second best, if it was estimated or measured; else NULL */
  double next_cost;
} unfurl_conv_choice;

/* The problem that a descriptor (one that was read) means for a context. Statuses as unfurl_conv_output_size. */
unfurl_status unfurl_conv_problem_init(unfurl_conv_problem *problem, const unfurl_context *context,
                                       const unfurl_conv_desc *desc, unfurl_error *error);

/* Whether the planner may choose the solver for this problem: as far as sums go, which is quickly told, and in the end,
 * with the workspace that it needs. */
bool unfurl_conv_is_eligible(const unfurl_conv_problem *problem, const unfurl_conv_solver *solver);
bool unfurl_conv_is_candidate(const unfurl_conv_problem *problem, const unfurl_conv_solver *solver);

/* Statuses: UNSUPPORTED (no solver of that name, or it does not apply), TOO_LARGE (workspace_limit). */
unfurl_status unfurl_conv_choose(unfurl_conv_choice *choice, const unfurl_context *context,
                                 const unfurl_conv_desc *desc, const unfurl_conv_problem *problem, unfurl_error *error);

#endif
