/* SPDX-License-Identifier: BSD-2-Clause */
/* The inside of plans and packed weights. Both are read-only once made. */
#ifndef UNFURL_CONV_PLAN_H
#define UNFURL_CONV_PLAN_H

#include <stdalign.h>
#include <stddef.h>

#include "base/memory.h"
#include "conv/planner.h"

struct unfurl_conv_plan {
  const unfurl_context *context;
  unfurl_conv_problem problem;
  const unfurl_conv_solver *solver; /* choice.solver */
  unfurl_conv_choice choice;
  unfurl_layout weights_layout;
  bool weights_at_execute;
  unfurl_activation activation;
  float alpha, beta;
  size_t units, most_tasks;
  bool is_short; /* worth more than one task only if no thread has to be woken */
  size_t task_workspace, packed_bytes; /* aligned */
  alignas(max_align_t) char cut[];     /* [solver->cut_bytes] */
};

struct unfurl_conv_weights {
  const unfurl_context *context;
  unfurl_conv_pack_fn *pack; /* these two tell the form */
  const unfurl_kernels *kernels;
  const unfurl_conv_solver *solver; /* that packed them, from `layout`, for this problem or one with other images */
  unfurl_conv_problem problem;
  unfurl_layout layout;
  size_t ic, oc, kh, kw, groups;
  bool transposed;
  size_t bytes; /* of the whole block that this struct begins */
  float *data;
  float *bias; /* or NULL */
};

/* unfurl_conv_plan_create without a word to the host's log, for that many threads. */
unfurl_status unfurl_conv_plan_make(const unfurl_context *context, const unfurl_conv_desc *desc, size_t threads,
                                    unfurl_conv_plan **plan, unfurl_error *error);

/* What the tasks of an execute need after it. */
typedef struct unfurl_conv_next {
  unfurl_needed *of_task;
  size_t tasks; /* others need what the last one does; 0: nothing is known */
} unfurl_conv_next;

/* unfurl_conv_plan_execute with arguments that need no checks, but for the workspace, which is the one given here. */
void unfurl_conv_plan_run(const unfurl_conv_plan *plan, const unfurl_conv_args *args, const unfurl_conv_next *next,
                          void *workspace);

/* The tasks of an execute that is not told how many; and the weights that one of them reads first: none where they are few,
 * or `weights` is NULL. */
size_t unfurl_conv_plan_tasks(const unfurl_conv_plan *plan);
unfurl_needed unfurl_conv_plan_first_weights(const unfurl_conv_plan *plan, const unfurl_conv_weights *weights,
                                             size_t task);

/* unfurl_conv_weights_create with arguments that need no checks; in a region, which then frees them, if that is not NULL. And
 * how many bytes that takes. */
unfurl_status unfurl_conv_weights_make(const unfurl_conv_plan *plan, const float *weights, const float *bias,
                                       unfurl_region *region, unfurl_conv_weights **packed, unfurl_error *error);
size_t unfurl_conv_plan_weights_bytes(const unfurl_conv_plan *plan, bool with_bias);

/* Whether packing only moved the weights; then unpack gives them back, bit by bit, in the order in which they were given.
 * It allocates for as long as it runs. */
bool unfurl_conv_weights_are_moved(const unfurl_conv_weights *weights);
unfurl_status unfurl_conv_weights_unpack(const unfurl_conv_weights *packed, float *weights, unfurl_error *error);

/* Whether the plan can execute with these weights. */
bool unfurl_conv_plan_accepts(const unfurl_conv_plan *plan, const unfurl_conv_weights *weights);

#endif
