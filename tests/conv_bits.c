/* SPDX-License-Identifier: BSD-2-Clause */
/* One image, one result: conv_bits all|small|none [RANDOM]
 *
 * The shape table, its small rows or none, and RANDOM other convolutions: exact class, the planner's choice.
 * What an image gives alone, on one thread, with aligned buffers, it must give with any number of threads, in any batch, at
 * any place in it, with any alignment. Prints the instruction set, and for each shape a hash of the first image's result,
 * which must be the same for every instruction set with fused multiply-add (conv_bits.py compares); where CBLAS made the
 * sum, it says so instead.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conv/solver.h"
#include "shapes.h"
#include "support.h"
#include "unfurl/conv.h"
#include "unfurl/cpu.h"

static const size_t threads[] = {1, 2, 3, 4, 8};
static const int64_t batches[] = {1, 2, 3, 7, 16};
enum { THREADS = 5, BATCHES = 5, IMAGES = 16, MOST_OFFSET = 16 /* floats */ };

static unfurl_context *contexts[THREADS];

/* A shape with its data. `alone` is what each image gives. */
typedef struct bits_case {
  const char *name;
  unfurl_conv_desc desc; /* batch 1 */
  size_t src, dst;       /* floats of one image */
  bool has_residual, has_bias;
  float *images, *residuals, *weights, *bias, *alone;
  bool uses_blas; /* some plan did */
} bits_case;

static void must(unfurl_status status, const unfurl_error *error, const char *name) {
  if (status == UNFURL_OK) return;
  fprintf(stderr, "FAILED: %s: %s\n", name, error->message);
  exit(1);
}

static float *made_of(size_t count, uint64_t seed) {
  float *data = malloc(count * sizeof *data);
  if (!data) abort();
  fill_real(data, count, seed);
  return data;
}

/* Layouts, weights and what follows on the sum go with the shape's number. */
static bits_case make_case(const conv_shape *shape, size_t number) {
  static const unfurl_activation activations[] = {
      UNFURL_ACTIVATION_NONE,       UNFURL_ACTIVATION_RELU,    UNFURL_ACTIVATION_CLIP,
      UNFURL_ACTIVATION_LEAKY_RELU, UNFURL_ACTIVATION_SIGMOID, UNFURL_ACTIVATION_TANH,
      UNFURL_ACTIVATION_HARD_SWISH, UNFURL_ACTIVATION_SILU,    UNFURL_ACTIVATION_GELU};
  conv_shape one = *shape;
  one.batch = 1;
  rng r = {number};
  bits_case c = {.name = shape->name, .desc = conv_shape_desc(&one)};
  c.desc.src_layout = rng_below(&r, 2) ? UNFURL_NCHW : UNFURL_NHWC;
  c.desc.dst_layout = rng_below(&r, 2) ? UNFURL_NCHW : UNFURL_NHWC;
  c.desc.weights_layout = rng_below(&r, 2) ? UNFURL_OIHW : UNFURL_OHWI;
  c.desc.weights_at_execute = rng_below(&r, 4) == 0;
  c.desc.activation = activations[rng_below(&r, sizeof activations / sizeof *activations)];
  c.desc.alpha = c.desc.activation == UNFURL_ACTIVATION_CLIP ? -0.5F : 0.1F, c.desc.beta = 1;
  c.has_bias = rng_below(&r, 2), c.has_residual = rng_below(&r, 2);
  const conv_sizes sizes = conv_sizes_of(&c.desc);
  c.src = sizes.src, c.dst = sizes.dst;
  c.images = made_of(IMAGES * c.src, number * 10 + 1);
  c.residuals = made_of(IMAGES * c.dst, number * 10 + 2);
  c.weights = made_of(sizes.weights, number * 10 + 3);
  c.bias = made_of((size_t)c.desc.oc, number * 10 + 4);
  c.alone = made_of(IMAGES * c.dst, 0);
  return c;
}

static void free_case(bits_case *c) {
  free(c->images);
  free(c->residuals);
  free(c->weights);
  free(c->bias);
  free(c->alone);
}

/* --- One execute --- */

/* A buffer that begins `offset` floats after an aligned address. */
typedef struct shifted {
  guarded block;
  float *data;
} shifted;

static shifted shifted_alloc(size_t count, size_t offset) {
  const guarded block = guarded_alloc(offset + count);
  return (shifted){block, block.data + offset};
}

/* The image at place p of a batch whose first is image `first`. */
static size_t image_at(size_t first, size_t p) {
  return (first + p) % IMAGES;
}

static shifted batch_of(const float *images, size_t count, size_t size, size_t first, size_t offset) {
  const shifted s = shifted_alloc(count * size, offset);
  for (size_t p = 0; p < count; p++)
    memcpy(s.data + p * size, images + image_at(first, p) * size, size * sizeof(float));
  return s;
}

/* A plan with its weights, made once for a context and a batch. */
typedef struct prepared {
  unfurl_conv_plan *plan;
  unfurl_conv_weights *weights;
  size_t batch;
} prepared;

static prepared prepare(bits_case *c, const unfurl_context *context, int64_t batch) {
  unfurl_error error;
  prepared p = {.batch = (size_t)batch};
  unfurl_conv_desc desc = c->desc;
  desc.batch = batch;
  must(unfurl_conv_plan_create(context, &desc, &p.plan, &error), &error, c->name);
  c->uses_blas |= unfurl_conv_solver_named(unfurl_conv_plan_algo(p.plan))->uses_blas;
  if (!desc.weights_at_execute)
    must(unfurl_conv_weights_create(p.plan, c->weights, c->has_bias ? c->bias : NULL, &p.weights, &error), &error,
         c->name);
  return p;
}

/* Executes with `first` as first image, all buffers off by an amount that follows from `turn` (0: none); the caller frees
 * the result. */
static shifted execute(const bits_case *c, const prepared *p, size_t first, size_t turn) {
  unfurl_error error;
  const shifted src = batch_of(c->images, p->batch, c->src, first, turn % MOST_OFFSET);
  const shifted residual = batch_of(c->residuals, p->batch, c->dst, first, turn * 3 % MOST_OFFSET);
  const shifted dst = shifted_alloc(p->batch * c->dst, turn * 5 % MOST_OFFSET);
  const size_t workspace_size = unfurl_conv_plan_workspace_size(p->plan, 0), off = turn * 7 % 64;
  const guarded workspace = guarded_alloc((workspace_size + off) / sizeof(float) + 1);
  unfurl_conv_args args;
  unfurl_conv_args_init(&args);
  args.src = src.data, args.dst = dst.data, args.weights = p->weights;
  if (!p->weights) args.raw_weights = c->weights, args.raw_bias = c->has_bias ? c->bias : NULL;
  if (c->has_residual) args.residual = residual.data;
  if (workspace_size > 0) args.workspace = (char *)workspace.data + off, args.workspace_size = workspace_size;
  must(unfurl_conv_plan_execute(p->plan, &args, &error), &error, c->name);
  free(src.block.block);
  free(residual.block.block);
  free(workspace.block);
  return dst;
}

/* --- The check --- */

static void compute_alone(bits_case *c) {
  prepared p = prepare(c, contexts[0], 1);
  for (size_t i = 0; i < IMAGES; i++) {
    const shifted dst = execute(c, &p, i, 0);
    memcpy(c->alone + i * c->dst, dst.data, c->dst * sizeof(float));
    free(dst.block.block);
  }
  unfurl_conv_weights_destroy(&p.weights);
  unfurl_conv_plan_destroy(&p.plan);
}

static bool check_execute(const bits_case *c, const prepared *p, size_t first, size_t turn, size_t tasks) {
  const shifted dst = execute(c, p, first, turn);
  bool good = true;
  for (size_t i = 0; i < p->batch && good; i++) {
    good = memcmp(dst.data + i * c->dst, c->alone + image_at(first, i) * c->dst, c->dst * sizeof(float)) == 0;
    if (!good)
      fprintf(stderr, "FAILED: %s (%s): %zu threads, batch %zu, image %zu at %zu, misaligned by %zu, has other bits\n",
              c->name, unfurl_conv_plan_algo(p->plan), tasks, p->batch, image_at(first, i), i, turn);
  }
  free(dst.block.block);
  return good;
}

/* Image 0 comes first, last and in the middle. */
static bool check_batch(bits_case *c, size_t thread, int64_t batch) {
  prepared p = prepare(c, contexts[thread], batch);
  const size_t places[] = {0, p.batch - 1, p.batch / 2};
  bool good = true;
  for (size_t i = 0; i < 3; i++) {
    if (i > 0 && places[i] == places[i - 1]) continue;
    good &= check_execute(c, &p, (IMAGES - places[i]) % IMAGES, 1 + thread * 11 + p.batch + i, threads[thread]);
  }
  unfurl_conv_weights_destroy(&p.weights);
  unfurl_conv_plan_destroy(&p.plan);
  return good;
}

/* FNV-1a (G. Fowler, L. Noll, K.-P. Vo, 1991). */
static uint64_t hash(const void *data, size_t bytes) {
  uint64_t h = UINT64_C(0xcbf29ce484222325);
  for (size_t i = 0; i < bytes; i++) h = (h ^ ((const unsigned char *)data)[i]) * UINT64_C(0x100000001b3);
  return h;
}

static bool check_shape(const conv_shape *shape, size_t number) {
  bits_case c = make_case(shape, number);
  bool good = true;
  compute_alone(&c);
  for (size_t thread = 0; thread < THREADS; thread++)
    for (size_t b = 0; b < BATCHES; b++) good &= check_batch(&c, thread, batches[b]);
  if (c.uses_blas)
    printf("%s: CBLAS\n", c.name);
  else
    printf("%s: %016llx\n", c.name, (unsigned long long)hash(c.alone, c.dst * sizeof(float)));
  free_case(&c);
  return good;
}

int main(int argc, char **argv) {
  if (argc < 2) return fprintf(stderr, "usage: conv_bits all|small|none [RANDOM]\n"), 2;
  const bool all = !strcmp(argv[1], "all"), small = !strcmp(argv[1], "small");
  const size_t random = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
  size_t failures = 0;
  for (size_t i = 0; i < THREADS; i++) {
    unfurl_context_options options;
    unfurl_error error;
    unfurl_context_options_init(&options);
    options.threads = threads[i], options.blas_single_thread = true;
    must(unfurl_context_create(&options, &contexts[i], &error), &error, "context");
  }
  printf("isa: %s\n", unfurl_isa_name(unfurl_cpu_isa()));
  for (size_t i = 0; i < conv_shape_count; i++)
    if (all || (small && conv_shape_is_small(&conv_shapes[i]))) failures += !check_shape(&conv_shapes[i], i);
  for (size_t i = 0; i < random; i++) {
    char name[CONV_SHAPE_NAME];
    const conv_shape shape = conv_shape_random(i, name);
    failures += !check_shape(&shape, conv_shape_count + i);
  }
  for (size_t i = 0; i < THREADS; i++) unfurl_context_destroy(&contexts[i]);
  return failures ? 1 : 0;
}
