/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "base/context.h"
#include "base/parallel.h"
#include "graph/chain.h"
#include "graph/conv_call.h"

typedef struct chain_job {
  const unfurl_chain *chain;
  float *workspace;
} chain_job;

/* One strip of one image, in the workspace of one task. */
typedef struct strip_job {
  const unfurl_chain *chain;
  size_t image;
  float *workspace;
} strip_job;

/* Row `row` of an image of a whole tensor, of which `rows` make an image. */
static float *row_of_tensor(const unfurl_tensor *tensor, size_t image, size_t rows, size_t row, size_t floats) {
  return (float *)tensor->data + (image * rows + row) * floats;
}

static float *window_of(const strip_job *job, size_t link) {
  return job->workspace + job->chain->links[link].window_at;
}

/* Row `row` of what link `link` computes; `moves` of the same band. */
static float *row_of_link(const strip_job *job, const unfurl_chain_move *moves, size_t link, size_t row) {
  const unfurl_chain *c = job->chain;
  const unfurl_chain_link *l = &c->links[link];
  if (l->is_whole) return row_of_tensor(l->step->call.outputs[0], job->image, l->axis.out, row, l->dst_row);
  return window_of(job, link) + (row - moves[link].base) * l->dst_row;
}

static void run_move(const strip_job *job, const unfurl_chain_move *moves, size_t i) {
  const unfurl_chain_link *link = &job->chain->links[i];
  const unfurl_chain_move *move = &moves[i];
  const unfurl_op_call *call = &link->step->call;
  float *window = window_of(job, i);
  if (move->drop && move->begin > move->base && !link->is_whole)
    memmove(window, window + move->drop * link->dst_row, (move->begin - move->base) * link->dst_row * sizeof *window);
  if (!move->form) return;
  unfurl_op_band band = {.input = link->input,
                         .image = job->image,
                         .row = move->begin,
                         .rows = move->end - move->begin,
                         .src = link->src == UNFURL_NO_LINK ? row_of_tensor(call->inputs[link->input], job->image,
                                                                            link->axis.in, move->src, link->src_row)
                                                            : row_of_link(job, moves, link->src, move->src),
                         .dst = row_of_link(job, moves, i, move->begin),
                         .workspace = job->workspace + job->chain->steps_at};
  if (link->residual != UNFURL_NO_LINK)
    band.residual = row_of_link(job, moves, link->residual, move->begin);
  else if (call->node->op->rows->has_residual && unfurl_call_has_input(call, UNFURL_CONV_RESIDUAL))
    band.residual =
        row_of_tensor(call->inputs[UNFURL_CONV_RESIDUAL], job->image, link->axis.out, move->begin, link->dst_row);
  call->node->op->rows->run(call, move->form->state, &band);
}

static void run_task(void *arg, size_t task) {
  const chain_job *job = arg;
  const unfurl_chain *c = job->chain;
  const size_t units = c->images * c->strips, end = unfurl_part_begin(units, c->tasks, task + 1),
               count = c->end - c->begin;
  for (size_t unit = unfurl_part_begin(units, c->tasks, task); unit < end; unit++) {
    const size_t strip = unit % c->strips, last = unfurl_part_begin(c->bands, c->strips, strip + 1);
    const strip_job own = {c, unit / c->strips, job->workspace + task * c->task_floats};
    for (size_t band = unfurl_part_begin(c->bands, c->strips, strip); band < last; band++)
      for (size_t i = 0; i < count; i++) run_move(&own, c->moves + band * count, i);
  }
}

void unfurl_chain_run(const unfurl_session *s, const unfurl_chain *chain) {
  chain_job job = {.chain = chain, .workspace = s->workspace};
  unfurl_context_parallel_for(s->context, chain->tasks, run_task, &job);
}

void unfurl_chain_release(const unfurl_chain *c) {
  for (size_t i = 0; c && c->links && i < c->end - c->begin; i++)
    for (const unfurl_chain_form *form = c->links[i].forms; form; form = form->next) {
      const unfurl_op_call *call = &c->links[i].step->call;
      call->node->op->rows->release(call, form->state);
    }
}
