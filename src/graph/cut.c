/* SPDX-License-Identifier: BSD-2-Clause */
/* Cutting the steps into segments that the images of a batch go through a few at a time, so that what one step writes is
 * still in the cache when the next reads it.
 *
 * Only image-wise steps take part: those in which image n of the output follows from image n of the inputs. A chain of
 * them is cut where that moves the fewest bytes, counted for each way to cut it (the cheapest path through the cuts, found
 * step by step):
 *   - a turn reads the weights of its steps anew: for many images at a time;
 *   - what a step reads and writes in a turn, but does not fit into the cache: for few images at a time;
 *   - what lies across a cut is written and read for the whole batch: for few cuts.
 */
#include <math.h>
#include <stdint.h>

#include "base/memory.h"
#include "base/status.h"
#include "graph/conv_call.h"
#include "graph/session.h"
#include "shape/tensor.h"
#include "unfurl/cpu.h"

enum {
  CACHE = 4,             /* times its level 2 cache: what a thread has of levels 2 and 3 */
  STEP_BYTES = 32 << 10, /* that a thread could move in the time that it takes to begin a step */
  MOST_STEPS = 256,      /* of a segment, and */
  MOST_IMAGES = 64,      /* of a turn that is not the only one: so that cutting takes linear time */
};

/* What one step costs, in bytes. */
typedef struct step_cost {
  double turn;   /* for each turn: constants that it reads, and beginning it */
  double image;  /* what it reads and writes besides, for one image */
  double across; /* values of one image that lie across a cut before it */
} step_cost;

/* The cheapest way from a step to the end of the chain: a segment up to `end`, in `turns` turns, and what is best then. */
typedef struct path {
  double cost;
  size_t end, turns;
} path;

typedef struct cutter {
  unfurl_session *s;
  double cache, begin_step; /* bytes */
  step_cost *costs;         /* of all steps */
  path *paths;              /* from each step; one more than there are */
  size_t *part_of;          /* for each value its part in the segment that is being made, or SIZE_MAX */
} cutter;

static bool is_known(const unfurl_session *s, size_t value) {
  return s->values[value].storage == UNFURL_STORAGE_KNOWN;
}

/* Whether input `i` is what an image-wise step allows: a constant that all images share, or as many images. */
static bool input_fits(const unfurl_session *s, const unfurl_step *step, size_t i, const unfurl_tensor *out) {
  const unfurl_op *op = step->call.node->op;
  const unfurl_tensor *in = &s->values[step->inputs[i]].tensor;
  const bool has_images = op->layout == UNFURL_OP_IMAGE || op->is_alias ? i == 0 || i == UNFURL_CONV_RESIDUAL : true;
  if (is_known(s, step->inputs[i])) return !has_images || (!op->is_alias && (in->rank < out->rank || in->dims[0] == 1));
  return has_images && in->rank > 0 && (op->is_alias || in->rank == out->rank) && in->dims[0] == out->dims[0];
}

/* The batch of an image-wise step; 1 for any other. */
static size_t batch_of(const unfurl_session *s, const unfurl_step *step) {
  const unfurl_node *node = step->call.node;
  const unfurl_tensor *out = &s->values[step->outputs[0]].tensor;
  if ((!node->op->is_image_wise && !node->op->is_alias) || out->rank == 0 || out->dims[0] < 2) return 1;
  if (node->op->mixes_images && node->op->mixes_images(&step->call)) return 1;
  for (size_t o = 1; o < node->output_count; o++)
    if (step->outputs[o] != UNFURL_NO_VALUE) return 1;
  for (size_t i = 0; i < node->input_count; i++)
    if (step->inputs[i] != UNFURL_NO_VALUE && !input_fits(s, step, i, out)) return 1;
  return (size_t)out->dims[0];
}

static double value_bytes(const unfurl_session *s, size_t value) {
  const unfurl_tensor *tensor = &s->values[value].tensor;
  return (double)unfurl_tensor_count(tensor) * (double)unfurl_dtype_size(tensor->dtype);
}

static void add_step_cost(const cutter *c, size_t i, double batch) {
  const unfurl_step *step = &c->s->steps[i];
  step_cost *cost = &c->costs[i];
  if (step->call.node->op->is_alias) return;
  cost->turn = c->begin_step;
  cost->image = value_bytes(c->s, step->outputs[0]) / batch;
  for (size_t in = 0; in < step->call.node->input_count; in++) {
    if (step->inputs[in] == UNFURL_NO_VALUE) continue;
    const double bytes = value_bytes(c->s, step->inputs[in]);
    if (is_known(c->s, step->inputs[in]))
      cost->turn += bytes;
    else
      cost->image += bytes / batch;
  }
}

/* Each value that is not yet done with at a step lies across a cut before it; what stays to the end does anyway. */
static void add_across(const cutter *c) {
  const unfurl_session *s = c->s;
  for (size_t v = 0; v < s->value_count; v++) {
    const unfurl_session_value *value = &s->values[v];
    if (value->storage != UNFURL_STORAGE_ARENA || value->last >= s->step_count || value->last == value->first) continue;
    const double images = value->tensor.rank ? fmax((double)value->tensor.dims[0], 1) : 1;
    const double bytes = value_bytes(s, v) / images;
    c->costs[value->first + 1].across += bytes;
    c->costs[value->last + 1].across -= bytes;
  }
  for (size_t i = 1; i <= s->step_count; i++) c->costs[i].across += c->costs[i - 1].across;
}

/* Tries segments that begin at step `i` and whose turns take `images` images each. */
static void try_images(const cutter *c, size_t i, size_t end, size_t batch, size_t images) {
  const double turns = (double)(batch / images), cache = c->cache / (double)images;
  double cost = 0;
  if (end - i > MOST_STEPS) end = i + MOST_STEPS;
  for (size_t j = i; j < end; j++) {
    const step_cost *step = &c->costs[j];
    cost += turns * step->turn + (step->image > cache ? (double)batch * (step->image - cache) : 0);
    const path *rest = &c->paths[j + 1];
    const double total = cost + rest->cost + (j + 1 < end ? 2 * (double)batch * c->costs[j + 1].across : 0);
    if (total < c->paths[i].cost) c->paths[i] = (path){.cost = total, .end = j + 1, .turns = batch / images};
  }
}

static size_t largest_divisor(size_t batch, size_t limit) {
  while (batch % limit) limit--;
  return limit;
}

/* The cheapest path through the chain of the steps begin..end-1, from its end. */
static void find_path(const cutter *c, size_t begin, size_t end, size_t batch) {
  const size_t most = c->s->options.most_images;
  c->paths[end] = (path){.cost = 0};
  for (size_t i = end; i-- > begin;) {
    c->paths[i].cost = INFINITY;
    if (most && most < batch) {
      try_images(c, i, end, batch, largest_divisor(batch, most));
      continue;
    }
    try_images(c, i, end, batch, batch);
    for (size_t images = 1; images <= MOST_IMAGES && images < batch && !most; images++)
      if (batch % images == 0) try_images(c, i, end, batch, images);
  }
}

/* The value's part in the segment, made if it is not there yet. */
static unfurl_tensor *part_of(const cutter *c, unfurl_segment *segment, size_t value) {
  if (c->part_of[value] == SIZE_MAX) {
    unfurl_part *part = &segment->parts[segment->part_count];
    *part = (unfurl_part){.tensor = c->s->values[value].tensor, .value = value};
    part->tensor.dims[0] /= (int64_t)segment->turns;
    c->part_of[value] = segment->part_count++;
  }
  return &segment->parts[c->part_of[value]].tensor;
}

/* From here on the steps of the segment see parts. False when out of memory. */
static bool make_parts(const cutter *c, unfurl_segment *segment) {
  size_t most = 0;
  for (size_t i = segment->begin; i < segment->end; i++) most += c->s->steps[i].call.node->input_count + 1;
  segment->parts = unfurl_region_alloc(&c->s->region, most * sizeof *segment->parts);
  if (!segment->parts) return false;
  for (size_t i = segment->begin; i < segment->end; i++) {
    const unfurl_step *step = &c->s->steps[i];
    for (size_t in = 0; in < step->call.node->input_count; in++)
      if (step->inputs[in] != UNFURL_NO_VALUE && !is_known(c->s, step->inputs[in]))
        step->call.inputs[in] = part_of(c, segment, step->inputs[in]);
    step->call.outputs[0] = part_of(c, segment, step->outputs[0]);
  }
  for (size_t p = 0; p < segment->part_count; p++) c->part_of[segment->parts[p].value] = SIZE_MAX;
  return true;
}

/* Cuts the chain of steps from `begin` on that have the same batch; returns its end, 0 when out of memory. */
static size_t cut_chain(const cutter *c, size_t begin) {
  unfurl_session *s = c->s;
  const size_t batch = batch_of(s, &s->steps[begin]);
  size_t end = begin;
  do {
    if (batch > 1) add_step_cost(c, end, (double)batch);
    end++;
  } while (end < s->step_count && batch_of(s, &s->steps[end]) == batch);
  if (batch > 1)
    find_path(c, begin, end, batch);
  else
    c->paths[begin] = (path){.end = end, .turns = 1};
  for (size_t i = begin; i < end; i = c->paths[i].end) {
    unfurl_segment *segment = &s->segments[s->segment_count++];
    *segment = (unfurl_segment){.begin = i, .end = c->paths[i].end, .turns = c->paths[i].turns};
    if (segment->turns > 1 && !make_parts(c, segment)) return 0;
  }
  return end;
}

static bool cut(cutter *c, unfurl_region *scratch) {
  unfurl_session *s = c->s;
  c->costs = unfurl_region_alloc_zeroed(scratch, (s->step_count + 2) * sizeof *c->costs);
  c->paths = unfurl_region_alloc(scratch, (s->step_count + 1) * sizeof *c->paths);
  c->part_of = unfurl_region_alloc(scratch, s->value_count * sizeof *c->part_of);
  s->segments = unfurl_region_alloc(&s->region, s->step_count * sizeof *s->segments);
  if (!c->costs || !c->paths || !c->part_of || !s->segments) return false;
  for (size_t v = 0; v < s->value_count; v++) c->part_of[v] = SIZE_MAX;
  add_across(c);
  for (size_t i = 0; i < s->step_count;)
    if (!(i = cut_chain(c, i))) return false;
  return true;
}

unfurl_status unfurl_session_cut(unfurl_session *s, unfurl_error *error) {
  unfurl_region scratch;
  unfurl_region_init(&scratch, s->context);
  const double threads = (double)unfurl_context_threads(s->context);
  cutter c = {.s = s, .cache = threads * CACHE * (double)unfurl_cpu_l2_bytes(), .begin_step = threads * STEP_BYTES};
  const bool has_memory = cut(&c, &scratch);
  unfurl_region_clear(&scratch);
  return has_memory ? UNFURL_OK : unfurl_fail_memory(error, "a session");
}
