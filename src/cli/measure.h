/* SPDX-License-Identifier: BSD-2-Clause */
/* Measures a convolution: every algorithm is verified against the naive loop first and then timed, in turn with the
 * others (A B C A B C ...), so that what the machine does meanwhile hits them all alike.
 *
 * An algorithm is the name of a solver, "auto" (what the planner chooses) or "sgemm" (the bare product, bare_gemm.h).
 * Bias and ReLU are part of the work, packing the weights is not.
 */
#ifndef CLI_MEASURE_H
#define CLI_MEASURE_H

#include <stdbool.h>
#include <stddef.h>

#include "problem.h"
#include "unfurl/context.h"
#include "unfurl/conv.h"
#include "unfurl/status.h"

typedef struct measure_options {
  const unfurl_context *context;
  const char *const *algos; /* [algo_count] */
  size_t algo_count;
  bool optional;   /* algorithms that do not apply are left out silently */
  float tolerance; /* as in unfurl_conv_desc */
  unfurl_planning planning;
} measure_options;

typedef struct measure_row {
  const char *algo;
  double min_us, median_us; /* of one execution */
  double gflops;            /* 2 * multiplications / min */
  double rel_l2_err;        /* against the naive loop */
  size_t workspace_bytes;
  double plan_us; /* once: making the plan and packing the weights; sgemm: making its patch matrix */
} measure_row;

typedef struct measure_report {
  const problem_spec *problem;
  const char *picked; /* the solver that the planner chooses */
  size_t threads;
  const char *isa;
  measure_row *rows; /* [count], in the order of the options */
  size_t count;
  bool incomplete; /* an algorithm could not run; it was named on stderr */
} measure_report;

/* Measures one problem. Statuses: those of unfurl_conv_plan_create and unfurl_conv_plan_execute. Released by
 * measure_free in any case. */
unfurl_status measure_problem(const measure_options *options, const problem_spec *problem, measure_report *report,
                              unfurl_error *error);
void measure_free(measure_report *report);

#endif
