/* SPDX-License-Identifier: BSD-2-Clause */
/* A pass sees its tensors as outer x h x w x inner and resamples h, w or both. It makes one output row after the other:
 * the rows of input that it is made of are resampled along w, and then blended. The resampled rows of input are kept in
 * a ring, because the next output row mostly needs them too; wide rows are cut into strips of columns, so that the ring
 * fits into the cache.
 */
#include "nn/resize.h"

#include <string.h>

#include "base/context.h"
#include "base/fpenv.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/status.h"
#include "nn/resize_taps.h"
#include "unfurl/tensor.h"

enum {
  LEAST_TASK = 20000,   /* floats read */
  RING_FLOATS = 16384,  /* of a task */
  PAIR_INNER = 1 << 18, /* most floats of an element of w whose ring is worth while */
  ROWS_INNER = 16       /* least floats of an element for which one axis by itself is blended in rows */
};

typedef struct resize_pass {
  size_t outer, h_in, h_out, w_in, w_out, inner;
  const unfurl_resize_taps *h, *w; /* NULL where it stays */
  size_t strip;                    /* columns */
  size_t offset;                   /* of what it writes, in the workspace; the last one writes the output */
} resize_pass;

struct unfurl_resize {
  const unfurl_context *context;
  unfurl_region region;
  float extrapolation;
  unfurl_resize_taps taps[UNFURL_MAX_RANK];
  resize_pass passes[UNFURL_MAX_RANK];
  size_t pass_count;
  size_t count;              /* output elements */
  size_t ring, rings_offset; /* floats of a task; bytes */
  size_t workspace;
};

bool unfurl_resize_keeps(const unfurl_resize_rule *rule, const unfurl_resize_axis *axis) {
  const bool whole = rule->coordinates != UNFURL_RESIZE_TF_CROP || (axis->begin == 0 && axis->end == 1);
  return axis->in == axis->out && axis->scale == 1 && whole;
}

/* Floats of the ring that a task needs: none where rows of input are blended as they are, or copied. */
static size_t ring_of(const resize_pass *pass) {
  return pass->h && pass->w && pass->h->count > 1 ? pass->h->count * pass->strip * pass->inner : 0;
}

static void set_strip(resize_pass *pass) {
  const size_t column = (pass->h ? pass->h->count : 1) * pass->inner;
  const size_t fit = column < RING_FLOATS ? RING_FLOATS / column : 1;
  pass->strip = pass->w_out;
  if (ring_of(pass) > 0 && fit < pass->w_out) pass->strip = fit;
}

static size_t product(const unfurl_resize_axis *axes, size_t count) {
  size_t total = 1;
  for (size_t i = 0; i < count; i++) total *= axes[i].in;
  return total;
}

/* Adds the pass that resamples axes[axis], or it and the one before; returns how many it does. */
static size_t add_pass(unfurl_resize *r, const unfurl_resize_axis *axes, const bool *kept, size_t axis, size_t inner) {
  resize_pass *pass = &r->passes[r->pass_count++];
  const bool is_pair = axis > 0 && !kept[axis - 1] && inner <= PAIR_INNER;
  const bool is_rows = !is_pair && inner >= ROWS_INNER;
  const size_t h = is_pair ? axis - 1 : axis;
  *pass = (resize_pass){.outer = product(axes, h), .h_in = 1, .h_out = 1, .w_in = 1, .w_out = 1, .inner = inner};
  if (is_pair || is_rows) pass->h = &r->taps[h], pass->h_in = axes[h].in, pass->h_out = axes[h].out;
  if (!is_rows) pass->w = &r->taps[axis], pass->w_in = axes[axis].in, pass->w_out = axes[axis].out;
  set_strip(pass);
  if (ring_of(pass) > r->ring) r->ring = ring_of(pass);
  return is_pair ? 2 : 1;
}

/* From the last axis to the first. False when a size overflows. */
static bool add_passes(unfurl_resize *r, const unfurl_resize_axis *axes, const bool *kept, size_t rank) {
  size_t inner = 1;
  for (size_t i = rank; i > 0;) {
    size_t done = kept[i - 1] ? 1 : add_pass(r, axes, kept, i - 1, inner);
    for (; done > 0; done--)
      if (!unfurl_size_mul(&inner, axes[--i].out)) return false;
  }
  return true;
}

/* What the passes write but the last, and then the rings. False when a size overflows. */
static bool place(unfurl_resize *r) {
  for (size_t i = 0; i + 1 < r->pass_count; i++) {
    resize_pass *pass = &r->passes[i];
    const size_t factors[] = {pass->outer, pass->h_out, pass->w_out, pass->inner, sizeof(float)};
    pass->offset = r->rings_offset;
    if (!unfurl_size_add(&r->rings_offset, unfurl_size_align(unfurl_size_product(5, factors)))) return false;
  }
  const size_t ring = unfurl_size_align(r->ring * sizeof(float));
  r->workspace = r->rings_offset;
  return unfurl_size_add(&r->workspace,
                         unfurl_size_product(2, (const size_t[]){unfurl_context_threads(r->context), ring}));
}

static unfurl_status build(unfurl_resize *r, const unfurl_resize_rule *rule, const unfurl_resize_axis *axes,
                           size_t rank, unfurl_error *error) {
  bool kept[UNFURL_MAX_RANK];
  for (size_t i = 0; i < rank; i++) {
    kept[i] = unfurl_resize_keeps(rule, &axes[i]);
    if (!kept[i] && !unfurl_resize_taps_make(rule, &axes[i], &r->region, &r->taps[i]))
      return unfurl_fail_memory(error, "the taps of a resampling");
  }
  if (add_passes(r, axes, kept, rank) && place(r)) return UNFURL_OK;
  return unfurl_fail(error, UNFURL_TOO_LARGE, "what lies between two resampled axes overflows");
}

/* The taps are made as tasks compute: with the default environment. */
unfurl_status unfurl_resize_create(const unfurl_context *context, const unfurl_resize_rule *rule,
                                   const unfurl_resize_axis *axes, size_t rank, unfurl_resize **resize,
                                   unfurl_error *error) {
  unfurl_resize *r = *resize = unfurl_alloc_zeroed(context, sizeof *r);
  if (!r) return unfurl_fail_memory(error, "a resampling");
  r->context = context;
  r->extrapolation = rule->extrapolation;
  r->count = 1;
  unfurl_region_init(&r->region, context);
  for (size_t i = 0; i < rank; i++) unfurl_size_mul(&r->count, axes[i].out);
  if (r->count == 0) return UNFURL_OK;
  const unfurl_fpenv before = unfurl_fpenv_enter(false);
  const unfurl_status status = build(r, rule, axes, rank, error);
  unfurl_fpenv_leave(before);
  if (!status) return UNFURL_OK;
  unfurl_resize_destroy(r);
  *resize = NULL;
  return status;
}

size_t unfurl_resize_workspace(const unfurl_resize *resize) {
  return resize->workspace;
}

void unfurl_resize_destroy(unfurl_resize *resize) {
  if (!resize) return;
  unfurl_region_clear(&resize->region);
  unfurl_context_free(resize->context, resize, sizeof *resize);
}

typedef struct pass_job {
  const resize_pass *pass;
  const float *src;
  float *dst;
  float extrapolation;
  char *rings;
  size_t ring_bytes, tasks;
} pass_job;

/* Columns of some output rows, by one task. Row r of input is in slot r % taps of the ring, if held[that slot] is r. */
typedef struct pass_strip {
  size_t begin, end;
  float *ring;
  size_t held[UNFURL_RESIZE_MOST_TAPS];
} pass_strip;

/* Columns begin..end-1 of a row; `inner` and `count` are constants in most calls below. */
static inline __attribute__((always_inline)) void columns(const unfurl_resize_taps *w, const pass_strip *strip,
                                                          const float *restrict from, float *restrict to,
                                                          const size_t inner, const size_t count) {
  for (size_t col = strip->begin; col < strip->end; col++, to += inner) {
    const size_t *index = w->index + col * count;
    const float *weights = w->weights + (count > 1 ? col * count : 0);
    if (count == 1) {
      for (size_t c = 0; c < inner; c++) to[c] = from[*index * inner + c];
    } else if (count == 2) {
      for (size_t c = 0; c < inner; c++)
        to[c] = weights[0] * from[index[0] * inner + c] + weights[1] * from[index[1] * inner + c];
    } else {
      for (size_t c = 0; c < inner; c++)
        to[c] = weights[0] * from[index[0] * inner + c] + weights[1] * from[index[1] * inner + c] +
                weights[2] * from[index[2] * inner + c] + weights[3] * from[index[3] * inner + c];
    }
  }
}

static inline __attribute__((always_inline)) void columns_of(const unfurl_resize_taps *w, const pass_strip *strip,
                                                             const float *from, float *to, const size_t inner) {
  switch (w->count) {
  case 1: columns(w, strip, from, to, inner, 1); break;
  case 2: columns(w, strip, from, to, inner, 2); break;
  default: columns(w, strip, from, to, inner, UNFURL_RESIZE_MOST_TAPS); break;
  }
}

/* A row of input, resampled along w. */
static void resample_row(const resize_pass *pass, const pass_strip *strip, const float *from, float *to) {
  if (!pass->w) {
    memcpy(to, from, pass->inner * sizeof *to);
    return;
  }
  switch (pass->inner) {
  case 1: columns_of(pass->w, strip, from, to, 1); break;
  case 3: columns_of(pass->w, strip, from, to, 3); break;
  default: columns_of(pass->w, strip, from, to, pass->inner); break;
  }
}

static const float *input_row(const pass_job *job, size_t row) {
  return job->src + row * job->pass->w_in * job->pass->inner;
}

/* The same, from the ring, or where it lies. */
static const float *resampled_row(const pass_job *job, pass_strip *strip, size_t row) {
  const resize_pass *pass = job->pass;
  const size_t slot = row % pass->h->count;
  float *kept = strip->ring + slot * pass->strip * pass->inner;
  if (!pass->w) return input_row(job, row);
  if (strip->held[slot] != row) resample_row(pass, strip, input_row(job, row), kept);
  strip->held[slot] = row;
  return kept;
}

/* The compiler vectorises these. */
static void blend2(const float *w, size_t count, const float *restrict a, const float *restrict b, float *restrict to) {
  for (size_t i = 0; i < count; i++) to[i] = w[0] * a[i] + w[1] * b[i];
}

static void blend4(const float *w, size_t count, const float *const rows[UNFURL_RESIZE_MOST_TAPS], float *restrict to) {
  const float *restrict a = rows[0], *restrict b = rows[1], *restrict c = rows[2], *restrict d = rows[3];
  for (size_t i = 0; i < count; i++) to[i] = w[0] * a[i] + w[1] * b[i] + w[2] * c[i] + w[3] * d[i];
}

static void blend_rows(const pass_job *job, pass_strip *strip, size_t row, float *to) {
  const resize_pass *pass = job->pass;
  const size_t taps = pass->h->count, at = row % pass->h_out * taps, first = row / pass->h_out * pass->h_in;
  const size_t count = (strip->end - strip->begin) * pass->inner;
  const float *rows[UNFURL_RESIZE_MOST_TAPS];
  for (size_t t = 0; t < taps; t++) rows[t] = resampled_row(job, strip, first + pass->h->index[at + t]);
  if (taps == 2)
    blend2(pass->h->weights + at, count, rows[0], rows[1], to);
  else
    blend4(pass->h->weights + at, count, rows, to);
}

/* An output row that is made of one row of input: often the same as the output row before. */
static void single_row(const pass_job *job, pass_strip *strip, size_t row, float *to) {
  const resize_pass *pass = job->pass;
  const size_t line = pass->w_out * pass->inner, count = (strip->end - strip->begin) * pass->inner;
  const size_t from = pass->h ? row / pass->h_out * pass->h_in + pass->h->index[row % pass->h_out] : row;
  if (strip->held[0] == from)
    memcpy(to, to - line, count * sizeof *to);
  else
    resample_row(pass, strip, input_row(job, from), to);
  strip->held[0] = from;
}

static void extrapolate(const pass_job *job, const pass_strip *strip, bool whole_row, float *to) {
  const resize_pass *pass = job->pass;
  for (size_t col = strip->begin; col < strip->end; col++, to += pass->inner)
    if (whole_row || pass->w->outside[col])
      for (size_t c = 0; c < pass->inner; c++) to[c] = job->extrapolation;
}

static void make_row(const pass_job *job, pass_strip *strip, size_t row) {
  const resize_pass *pass = job->pass;
  float *to = job->dst + (row * pass->w_out + strip->begin) * pass->inner;
  const bool is_outside = pass->h && pass->h->outside && pass->h->outside[row % pass->h_out];
  if (pass->h && pass->h->count > 1)
    blend_rows(job, strip, row, to);
  else
    single_row(job, strip, row, to);
  if (is_outside || (pass->w && pass->w->outside)) extrapolate(job, strip, is_outside, to);
  if (is_outside) strip->held[0] = pass->h->count == 1 ? SIZE_MAX : strip->held[0];
}

static void run_task(void *arg, size_t task) {
  const pass_job *job = arg;
  const resize_pass *pass = job->pass;
  const size_t rows = pass->outer * pass->h_out, begin = unfurl_part_begin(rows, job->tasks, task);
  const size_t end = unfurl_part_begin(rows, job->tasks, task + 1);
  for (size_t col = 0; col < pass->w_out; col += pass->strip) {
    pass_strip strip = {.begin = col, .ring = (float *)(void *)(job->rings + task * job->ring_bytes)};
    strip.end = pass->w_out - col < pass->strip ? pass->w_out : col + pass->strip;
    for (size_t i = 0; i < UNFURL_RESIZE_MOST_TAPS; i++) strip.held[i] = SIZE_MAX;
    for (size_t row = begin; row < end; row++) make_row(job, &strip, row);
  }
}

/* Tasks that are worth while. */
static size_t tasks_of(const unfurl_resize *r, const resize_pass *pass) {
  const size_t rows = pass->outer * pass->h_out, threads = unfurl_context_threads(r->context);
  const size_t read = pass->w_out * pass->inner * (pass->h ? pass->h->count : 1), grain = 1 + LEAST_TASK / read;
  return unfurl_smaller(threads, unfurl_divide_up(rows, grain));
}

void unfurl_resize_run(const unfurl_resize *r, const float *src, float *dst, void *workspace) {
  for (size_t i = 0; i < r->pass_count; i++) {
    const resize_pass *pass = &r->passes[i];
    pass_job job = {.pass = pass,
                    .src = src,
                    .dst = i + 1 < r->pass_count ? (float *)(void *)((char *)workspace + pass->offset) : dst,
                    .extrapolation = r->extrapolation,
                    .rings = (char *)workspace + r->rings_offset,
                    .ring_bytes = unfurl_size_align(r->ring * sizeof(float)),
                    .tasks = tasks_of(r, pass)};
    unfurl_context_parallel_for(r->context, job.tasks, run_task, &job);
    src = job.dst;
  }
  if (r->pass_count == 0 && r->count > 0) memcpy(dst, src, r->count * sizeof *dst);
}
