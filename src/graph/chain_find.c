/* SPDX-License-Identifier: BSD-2-Clause */
/* Finding chains. Among all ways to split the steps into chains and single steps, the one is taken that saves the most
 * bytes on their way between caches (the best from each step on, found from the end). Time that passes otherwise counts as
 * the bytes that could be moved in it:
 *   - steps one after the other write and read again what does not fit into a thread's cache, and have all threads wait
 *     for each other at each step;
 *   - a chain moves rows within its windows, computes some rows for two strips, has strips that are not equal, and begins
 *     each step many times.
 */
#include <math.h>
#include <string.h>

#include "base/context.h"
#include "base/parallel.h"
#include "base/status.h"
#include "graph/chain.h"
#include "shape/patch_view.h"
#include "shape/tensor.h"
#include "unfurl/cpu.h"

enum {
  STAYS_SHARE = 4,          /* a value of up to 1/STAYS_SHARE of L2 is still there when the next step reads it */
  WINDOWS_SHARE = 2,        /* of L2 for windows; the rest is for weights, and what passes through */
  CALL_BYTES = 20 << 10,    /* that a thread could move in the time that it takes to begin a step */
  SYNC_BYTES = 120 << 10,   /* the same where threads begin it together */
  OPERATIONS_A_BYTE = 4,    /* multiply-adds in the time that moving a byte takes */
  LEAST_SAVED = 4,          /* a chain is to save 1/LEAST_SAVED of the bytes: all of this is rough */
  MOST_BANDS = 256,         /* of a strip, so that finding takes little time */
  MOST_WORKSPACE = 8 << 20, /* of a task, where the caller sets no limit */
  LINE_FLOATS = UNFURL_ALIGN / sizeof(float)
};

/* A chain that is thought about. */
typedef struct draft {
  unfurl_chain chain;
  unfurl_chain_link links[UNFURL_MOST_LINKS];
} draft;

typedef struct finder {
  unfurl_session *s;
  size_t threads, most_rows; /* most_rows 0: as suits the caches */
  double l2;                 /* bytes */
  double *saved;             /* bytes, from each step to the end of the segment */
  size_t *ends;              /* of the chain that begins with each step, or 0 */
} finder;

/* Bytes that a task may have for windows and steps together. */
static size_t most_workspace(const finder *f) {
  return f->s->options.workspace_limit ? f->s->options.workspace_limit : MOST_WORKSPACE;
}

/* Whether the chain can go through an image in so many bands with windows of at most `floats`. */
static bool fits(unfurl_chain *c, size_t bands, size_t floats) {
  return unfurl_chain_cut(c, bands, NULL) && unfurl_chain_window_floats(c) <= floats;
}

/* As few bands as let the windows stay in the cache, as many for each strip. */
static bool choose_bands(const finder *f, unfurl_chain *c) {
  const size_t grains = unfurl_chain_grains(c), grain = c->links[c->end - c->begin - 1].grain;
  const size_t strips = f->threads / unfurl_size_common_divisor(c->images, f->threads);
  const size_t room = (size_t)fmin(f->l2 / WINDOWS_SHARE, (double)most_workspace(f)) / sizeof(float);
  c->strips = strips < grains ? strips : grains;
  if (f->most_rows) {
    const size_t together = f->most_rows > grain ? f->most_rows / grain : 1, bands = (grains - 1) / together + 1;
    return fits(c, bands > c->strips ? bands : c->strips, SIZE_MAX);
  }
  size_t most = grains / c->strips < MOST_BANDS ? grains / c->strips : MOST_BANDS, too_few = 0; /* bands of a strip */
  if (!fits(c, most * c->strips, room)) return false;
  while (most - too_few > 1) {
    const size_t middle = too_few + (most - too_few) / 2;
    if (fits(c, middle * c->strips, room))
      most = middle;
    else
      too_few = middle;
  }
  return unfurl_chain_cut(c, most * c->strips, NULL);
}

/* What all threads could move in the time that it takes to begin a step, or a chain, together. */
static double begin_bytes(const finder *f) {
  return f->threads > 1 ? SYNC_BYTES * (double)f->threads : CALL_BYTES;
}

/* What the steps of the chain cost beyond what they cost in it when they run one after the other, in bytes. */
static double bytes_apart(const finder *f, const unfurl_chain *c) {
  double bytes = begin_bytes(f) * (double)(c->end - c->begin);
  for (size_t i = 0; i + 1 < c->end - c->begin; i++) {
    const unfurl_chain_link *link = &c->links[i];
    const double value = (double)c->images * (double)link->axis.out * (double)link->dst_row * sizeof(float);
    if (value > f->l2 / STAYS_SHARE * (double)f->threads) bytes += link->is_whole ? value : 2 * value;
  }
  return bytes;
}

static double bytes_in_chain(const finder *f, const unfurl_chain *c) {
  double bytes = CALL_BYTES * (double)c->calls, weights = 0, workspace = 0;
  for (size_t i = 0; i < c->end - c->begin; i++) {
    const unfurl_chain_link *link = &c->links[i];
    const double twice = fmax((double)link->computed - (double)link->axis.out, 0);
    bytes += 2 * (double)link->moved * (double)link->dst_row * sizeof(float);
    bytes += twice * link->row_operations / OPERATIONS_A_BYTE;
    weights += (double)link->weights_bytes;
    workspace = fmax(workspace, (double)link->step->call.workspace_size / (double)f->threads);
  }
  if (c->images <= f->threads) /* a thread has one strip, and waits for the one that has most to do */
    bytes += (c->busiest * (double)c->strips - c->operations) / OPERATIONS_A_BYTE;
  const double windows = (double)unfurl_chain_window_floats(c) * sizeof(float);
  const bool stay = windows + weights + workspace < f->l2;
  return begin_bytes(f) + (double)c->images * (bytes + (stay ? 0 : (double)c->bands * weights));
}

/* What a chain of the steps begin..end-1 saves, or less than 0. */
static double judge(const finder *f, size_t begin, size_t end, draft *d) {
  d->chain = (unfurl_chain){.links = d->links};
  if (!unfurl_chain_describe(f->s, begin, end, &d->chain) || !choose_bands(f, &d->chain)) return -1;
  if (f->most_rows) return (double)(end - begin);
  const double apart = bytes_apart(f, &d->chain), saved = apart - bytes_in_chain(f, &d->chain);
  return saved > apart / LEAST_SAVED ? saved : -1;
}

/* The best split of the steps begin..end-1. */
static void find_best(const finder *f, size_t begin, size_t end) {
  f->saved[end] = 0;
  for (size_t i = end; i-- > begin;) {
    f->saved[i] = f->saved[i + 1];
    f->ends[i] = 0;
    if (!f->s->steps[i].call.node->op->rows) continue;
    for (size_t j = i + 2; j <= end && j - i <= UNFURL_MOST_LINKS; j++) {
      draft d;
      if (!f->s->steps[j - 1].call.node->op->rows) break;
      const double saved = judge(f, i, j, &d);
      if (saved <= 0 || saved + f->saved[j] <= f->saved[i]) continue;
      f->saved[i] = saved + f->saved[j];
      f->ends[i] = j;
    }
  }
}

static bool same_axis(const unfurl_conv_axis *a, const unfurl_conv_axis *b) {
  return a->in == b->in && a->out == b->out && a->pad == b->pad;
}

/* Finds or makes the form for a move; `workspace` grows to what it needs. */
static unfurl_status set_form(const finder *f, unfurl_chain_link *link, unfurl_chain_move *move, size_t *workspace,
                              unfurl_error *error) {
  size_t first, needed;
  if (move->begin == move->end) return UNFURL_OK;
  const unfurl_conv_axis band = unfurl_axis_band(&link->axis, move->begin, move->end, &first);
  for (move->form = link->forms; move->form; move->form = move->form->next)
    if (same_axis(&move->form->band, &band)) return UNFURL_OK;
  unfurl_chain_form *form = unfurl_region_alloc(&f->s->region, sizeof *form);
  if (!form) return unfurl_fail_memory(error, "a session");
  *form = (unfurl_chain_form){.band = band, .next = link->forms};
  move->form = link->forms = form;
  const unfurl_op_call *call = &link->step->call;
  const unfurl_status status = call->node->op->rows->prepare(call, &band, &form->state, &needed, error);
  if (status) return status;
  if (needed > *workspace) *workspace = needed;
  return UNFURL_OK;
}

/* Windows first, then what the steps need. False when that overflows. */
static bool lay_out(unfurl_chain *c, size_t step_bytes) {
  size_t at = 0;
  for (size_t i = 0; i < c->end - c->begin; i++) {
    c->links[i].window_at = at;
    const size_t floats = c->links[i].window_rows * c->links[i].dst_row;
    at += (floats + LINE_FLOATS - 1) / LINE_FLOATS * LINE_FLOATS;
  }
  const size_t bytes = unfurl_size_align(step_bytes);
  c->steps_at = at;
  c->task_floats = at + bytes / sizeof(float);
  return bytes != SIZE_MAX && c->task_floats >= at;
}

/* Makes the chain as it was judged. */
static unfurl_status make(const finder *f, size_t begin, size_t end, unfurl_chain **made, unfurl_error *error) {
  const size_t count = end - begin;
  unfurl_region *region = &f->s->region;
  size_t step_bytes = 0;
  draft d;
  judge(f, begin, end, &d);
  unfurl_chain *c = *made = unfurl_region_alloc(region, sizeof *c);
  if (!c) return unfurl_fail_memory(error, "a session");
  *c = d.chain;
  c->links = unfurl_region_alloc(region, count * sizeof *c->links);
  if (!c->links) return unfurl_fail_memory(error, "a session");
  memcpy(c->links, d.links, count * sizeof *c->links);
  c->moves = unfurl_region_alloc(region, unfurl_size_product(3, (const size_t[]){c->bands, count, sizeof *c->moves}));
  if (!c->moves) return unfurl_fail_memory(error, "a session");
  unfurl_chain_cut(c, c->bands, c->moves);
  for (size_t m = 0; m < c->bands * count; m++) {
    const unfurl_status status = set_form(f, &c->links[m % count], &c->moves[m], &step_bytes, error);
    if (status) return status;
  }
  const size_t units = c->images * c->strips;
  c->tasks = units < f->threads ? units : f->threads;
  if (!lay_out(c, step_bytes) || c->task_floats > most_workspace(f) / sizeof(float))
    return unfurl_fail(error, UNFURL_UNSUPPORTED, "its windows need more than the workspace may have");
  return UNFURL_OK;
}

/* From here on the steps are a chain. */
static void link_up(const finder *f, const unfurl_chain *c) {
  for (size_t i = c->begin; i < c->end; i++) {
    unfurl_step *step = &f->s->steps[i];
    unfurl_session_value *value = &f->s->values[step->outputs[0]];
    step->chain = c;
    if (c->links[i - c->begin].is_whole)
      value->first = c->begin; /* it is written while the chain still reads */
    else
      value->storage = UNFURL_STORAGE_WINDOW;
  }
}

static unfurl_status make_all(const finder *f, size_t begin, size_t end, size_t *workspace, unfurl_error *error) {
  for (size_t i = begin; i < end; i = f->ends[i] ? f->ends[i] : i + 1) {
    unfurl_chain *chain = NULL;
    if (!f->ends[i]) continue;
    const unfurl_status status = make(f, i, f->ends[i], &chain, error);
    if (status) {
      unfurl_chain_release(chain);
      if (status != UNFURL_UNSUPPORTED) return status;
      continue; /* one after the other, then */
    }
    const size_t bytes = unfurl_size_product(3, (const size_t[]){chain->tasks, chain->task_floats, sizeof(float)});
    if (bytes > *workspace) *workspace = bytes;
    link_up(f, chain);
  }
  return UNFURL_OK;
}

unfurl_status unfurl_session_chain(unfurl_session *s, size_t *workspace, unfurl_error *error) {
  finder f = {.s = s, .threads = unfurl_context_threads(s->context), .l2 = (double)unfurl_cpu_l2_bytes()};
  f.most_rows = s->options.most_rows;
  if (f.most_rows == SIZE_MAX) return UNFURL_OK;
  f.saved = unfurl_region_alloc(&s->region, (s->step_count + 1) * sizeof *f.saved);
  f.ends = unfurl_region_alloc(&s->region, (s->step_count + 1) * sizeof *f.ends);
  if (!f.saved || !f.ends) return unfurl_fail_memory(error, "a session");
  unfurl_status status = UNFURL_OK;
  for (size_t i = 0; i < s->segment_count && !status; i++) {
    const unfurl_segment *segment = &s->segments[i];
    find_best(&f, segment->begin, segment->end);
    status = make_all(&f, segment->begin, segment->end, workspace, error);
  }
  return status;
}
