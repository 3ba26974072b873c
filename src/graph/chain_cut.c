/* SPDX-License-Identifier: BSD-2-Clause */
/* What the steps of a chain do, band by band: each computes the rows that the steps behind it need for this band and that
 * are not there yet.
 */
#include "graph/chain.h"

#include <string.h>

#include "base/parallel.h"
#include "graph/conv_call.h"
#include "shape/patch_view.h"
#include "shape/tensor.h"

/* How far a link has come. */
typedef struct progress {
  size_t base;        /* the first row that its window holds */
  size_t done;        /* rows are computed up to here, */
  size_t from, until; /* and are needed from (in the first band of a strip) and up to here */
} progress;

static size_t value_of(const unfurl_step *step, size_t input) {
  return input < step->call.node->input_count ? step->inputs[input] : UNFURL_NO_VALUE;
}

/* One that is empty has no rows to go through. */
static bool is_image(const unfurl_tensor *tensor) {
  return tensor->rank == 4 && unfurl_tensor_count(tensor) > 0 &&
         (tensor->layout == UNFURL_NHWC || unfurl_tensor_layouts_agree(tensor));
}

static size_t link_that_computes(const unfurl_chain *c, size_t count, size_t value) {
  for (size_t i = 0; i < count; i++)
    if (c->links[i].step->outputs[0] == value) return i;
  return UNFURL_NO_LINK;
}

/* The input whose rows are read: of those of which any may be, one that a link computes. */
static size_t input_of(const unfurl_chain *c, size_t count, const unfurl_step *step) {
  const unfurl_op_call *call = &step->call;
  const unfurl_op_rows *rows = call->node->op->rows;
  for (size_t i = 0; rows->reads_all && i < call->node->input_count; i++)
    if (link_that_computes(c, count, step->inputs[i]) != UNFURL_NO_LINK) return i;
  return rows->image ? rows->image(call) : 0;
}

/* Link number `at` of a chain of which those before are described. */
static bool describe_link(const unfurl_chain *c, size_t at, const unfurl_step *step) {
  const unfurl_op_call *call = &step->call;
  const unfurl_op_rows *rows = call->node->op->rows;
  unfurl_layer layer = {.operations = 0};
  unfurl_chain_link *link = &c->links[at];
  *link = (unfurl_chain_link){.step = step};
  if (!rows) return false;
  link->input = input_of(c, at, step);
  link->src = link_that_computes(c, at, step->inputs[link->input]);
  link->residual =
      rows->has_residual ? link_that_computes(c, at, value_of(step, UNFURL_CONV_RESIDUAL)) : UNFURL_NO_LINK;
  if (!is_image(call->inputs[link->input]) || !is_image(call->outputs[0]) ||
      !rows->axis(call, &link->axis, &link->grain))
    return false;
  const int64_t *in = call->inputs[link->input]->dims, *out = call->outputs[0]->dims;
  if (call->node->op->describe) call->node->op->describe(call, &layer);
  link->src_row = (size_t)(in[1] * in[3]);
  link->dst_row = (size_t)(out[1] * out[3]);
  link->row_operations = layer.operations / ((double)out[0] * (double)out[2]);
  link->weights_bytes = layer.weights_bytes;
  return true;
}

/* Whether the output of step `i` is needed by the steps before `end` alone. */
static bool stays_within(const unfurl_session_value *value, size_t i, size_t end) {
  return value->storage == UNFURL_STORAGE_ARENA && value->last > i && value->last < end;
}

/* Whether it reads a link's output in another way than row by row. */
static bool reads_otherwise(const unfurl_chain *c, size_t at) {
  const unfurl_chain_link *link = &c->links[at];
  for (size_t i = 0; i < link->step->call.node->input_count; i++) {
    const size_t from = link_that_computes(c, at, link->step->inputs[i]);
    const bool is_residual = i == UNFURL_CONV_RESIDUAL && from == link->residual;
    if (from != UNFURL_NO_LINK && i != link->input && !is_residual) return true;
  }
  return false;
}

bool unfurl_chain_describe(const unfurl_session *s, size_t begin, size_t end, unfurl_chain *c) {
  c->begin = begin, c->end = end;
  for (size_t i = begin; i < end; i++) {
    const size_t at = i - begin;
    if (!describe_link(c, at, &s->steps[i]) || (at > 0 && c->links[at].src == UNFURL_NO_LINK) || reads_otherwise(c, at))
      return false;
    c->links[at].is_whole = !stays_within(&s->values[s->steps[i].outputs[0]], i, end);
  }
  c->images = (size_t)c->links[0].step->call.outputs[0]->dims[0];
  return true;
}

/* Where grain number `grain` of the rows of a link begins. */
static size_t row_of_grain(const unfurl_chain_link *link, size_t grain) {
  const size_t row = grain * link->grain;
  return row < link->axis.out ? row : link->axis.out;
}

static void need(progress *p, bool is_first, size_t from, size_t until) {
  if (is_first && from < p->from) p->from = from;
  if (until > p->until) p->until = until;
}

/* How far each link must come for the last one to compute the rows from..until-1. False where there is nothing that a
 * step could read for its rows. */
static bool set_needs(const unfurl_chain *c, progress *p, bool is_first, size_t from, size_t until) {
  const size_t count = c->end - c->begin;
  need(&p[count - 1], is_first, from, until);
  for (size_t i = count; i-- > 0;) {
    const unfurl_chain_link *link = &c->links[i];
    size_t first;
    p[i].until = row_of_grain(link, (p[i].until + link->grain - 1) / link->grain);
    if (is_first) p[i].base = p[i].done = p[i].from = p[i].from / link->grain * link->grain;
    if (p[i].until <= p[i].done) continue;
    const size_t rows = unfurl_axis_band(&link->axis, p[i].done, p[i].until, &first).in;
    if (rows == 0) return false;
    if (link->src != UNFURL_NO_LINK) need(&p[link->src], is_first, first, first + rows);
    if (link->residual != UNFURL_NO_LINK) need(&p[link->residual], is_first, p[i].done, p[i].until);
  }
  return true;
}

/* The first of the rows done that link `i` still needs, those behind it having computed what they did in earlier bands. */
static size_t first_kept(const unfurl_chain *c, const progress *p, size_t i) {
  size_t kept = p[i].done;
  for (size_t j = i + 1; j < c->end - c->begin; j++) {
    const unfurl_chain_link *reader = &c->links[j];
    size_t first = p[j].done;
    if (reader->residual == i && first < kept) kept = first;
    if (reader->src != i || p[j].done >= reader->axis.out) continue;
    unfurl_axis_band(&reader->axis, p[j].done, p[j].done + 1, &first);
    if (first < kept) kept = first;
  }
  return kept > p[i].base ? kept : p[i].base;
}

static void set_move(unfurl_chain *c, progress *p, size_t i, unfurl_chain_move *move) {
  unfurl_chain_link *link = &c->links[i];
  const size_t base = first_kept(c, p, i);
  *move = (unfurl_chain_move){.begin = p[i].done, .end = p[i].done, .base = base, .drop = base - p[i].base};
  p[i].base = base;
  if (p[i].until > p[i].done) {
    unfurl_axis_band(&link->axis, p[i].done, p[i].until, &move->src);
    move->end = p[i].done = p[i].until;
    link->computed += move->end - move->begin;
    c->calls++;
  }
  if (link->is_whole) return;
  if (move->drop) link->moved += move->begin - base;
  if (move->end - base > link->window_rows) link->window_rows = move->end - base;
}

/* Multiply-adds of what the links have computed up to here. */
static double operations(const unfurl_chain *c) {
  double sum = 0;
  for (size_t i = 0; i < c->end - c->begin; i++) sum += (double)c->links[i].computed * c->links[i].row_operations;
  return sum;
}

size_t unfurl_chain_grains(const unfurl_chain *c) {
  const unfurl_chain_link *last = &c->links[c->end - c->begin - 1];
  return (last->axis.out + last->grain - 1) / last->grain;
}

/* Whether all rows of the tensors are computed, and none for two strips, which would write it at the same time. */
static bool wholes_are_computed_once(const unfurl_chain *c) {
  for (size_t i = 0; i < c->end - c->begin; i++)
    if (c->links[i].is_whole && c->links[i].computed != c->links[i].axis.out) return false;
  return true;
}

bool unfurl_chain_cut(unfurl_chain *c, size_t bands, unfurl_chain_move *moves) {
  const size_t count = c->end - c->begin, grains = unfurl_chain_grains(c);
  const unfurl_chain_link *last = &c->links[count - 1];
  progress p[UNFURL_MOST_LINKS];
  c->bands = bands;
  c->calls = 0;
  c->operations = c->busiest = 0;
  for (size_t i = 0; i < count; i++) c->links[i].window_rows = c->links[i].computed = c->links[i].moved = 0;
  for (size_t strip = 0, band = 0; strip < c->strips; strip++) {
    const size_t end = unfurl_part_begin(bands, c->strips, strip + 1);
    for (size_t i = 0; i < count; i++) p[i] = (progress){.from = SIZE_MAX};
    for (bool is_first = true; band < end; band++, is_first = false) {
      unfurl_chain_move spare[UNFURL_MOST_LINKS], *to = moves ? moves + band * count : spare;
      const size_t from = row_of_grain(last, unfurl_part_begin(grains, bands, band));
      const size_t until = row_of_grain(last, unfurl_part_begin(grains, bands, band + 1));
      if (!set_needs(c, p, is_first, from, until)) return false;
      for (size_t i = 0; i < count; i++) set_move(c, p, i, &to[i]);
    }
    const double before = c->operations;
    c->operations = operations(c);
    if (c->operations - before > c->busiest) c->busiest = c->operations - before;
  }
  return wholes_are_computed_once(c);
}

size_t unfurl_chain_window_floats(const unfurl_chain *c) {
  size_t floats = 0;
  for (size_t i = 0; i < c->end - c->begin; i++) {
    const size_t bytes = unfurl_size_product(3, (const size_t[]){c->links[i].window_rows, c->links[i].dst_row, 4});
    unfurl_size_add(&floats, unfurl_size_align(bytes));
  }
  return floats == SIZE_MAX ? SIZE_MAX : floats / sizeof(float);
}
