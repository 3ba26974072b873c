/* SPDX-License-Identifier: BSD-2-Clause */
/* One convolution: describe it, plan it once, execute it many times.
 *
 *     dst[n][y][x][o] = activation(bias[o] + residual[n][y][x][o]
 *                           + sum over i, j, c of src[n][y*stride_h - pad_top + i*dilation_h]
 *                                                       [x*stride_w - pad_left + j*dilation_w][c] * weights[o][i][j][c])
 *
 * which is the cross-correlation that CNNs call convolution. With groups g, output channel oc sees the ic/groups input
 * channels of its own group. Images are NHWC (default) or NCHW, weights OHWI (default) or OIHW, everything is f32.
 * A transposed convolution is the adjoint of the same sum; its weights are stored (ic, oc/groups, kh, kw).
 *
 *     unfurl_conv_desc desc;
 *     unfurl_conv_desc_init(&desc);
 *     desc.ih = desc.iw = 32, desc.ic = 3, desc.oc = 6, desc.kh = desc.kw = 5;
 *     unfurl_conv_plan *plan;
 *     unfurl_conv_weights *packed;
 *     unfurl_conv_plan_create(context, &desc, &plan, &error);
 *     unfurl_conv_weights_create(plan, filters, bias, &packed, &error);
 *     unfurl_conv_args args;
 *     unfurl_conv_args_init(&args);
 *     args.src = image, args.weights = packed, args.dst = maps;
 *     unfurl_conv_plan_execute(plan, &args, &error);        // maps is 28 x 28 x 6
 *
 * Tolerance. The sum itself is rounded once for each product: its class is "exact", and every solver of that class
 * (naive and those that use BLAS aside) gives the same bits, whatever the threads, batch and processor. Where tolerance
 * allows it, a convolution without dilation is computed by Winograd's minimal filtering instead, with fewer
 * multiplications: 3x3 by F(2x2, 3x3), 2.25 times fewer (1.44 with stride 2), from a tolerance of 2e-6 on, or by
 * F(4x4, 3x3), 4 times fewer, or F(6x6, 3x3), 5.06 times fewer, from 1e-5 on; 4x4 by F(3x3, 4x4), 4 times fewer, and 5x5 by
 * F(2x2, 5x5), 2.78 times fewer, from 1e-5 on. These are bounds, tested on random signed data, of the relative L2 error of a
 * whole result (up to 2048 channels, 1024 for 4x4 and 5x5, 512 for F(6x6): layers with more take another way); single
 * elements that nearly cancel may be further off, and an infinity or NaN in the input spreads over the tile of outputs that
 * it is in. Which class a layer has follows from its shape and the tolerance alone (with weights_at_execute it is exact);
 * within it, bits are the same too. Transformed filters take more memory than those given: 1.8 times as much for F(2x2, 3x3),
 * 4 for F(4x4, 3x3), 7.1 for F(6x6, 3x3), 2.3 for 4x4 and 1.4 for 5x5. tolerance 0 forbids Winograd.
 *
 * Life cycle: context, then plan, then weights; destroy in any order before the context. Plans and weights are
 * read-only once made: any number of threads may execute one plan at once, each with its own workspace.
 */
#ifndef UNFURL_CONV_H
#define UNFURL_CONV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unfurl/context.h"
#include "unfurl/status.h"
#include "unfurl/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct unfurl_conv_plan unfurl_conv_plan;
typedef struct unfurl_conv_weights unfurl_conv_weights;

typedef enum unfurl_activation {
  UNFURL_ACTIVATION_NONE = 0,     /* x */
  UNFURL_ACTIVATION_RELU,         /* max(x, 0); NaN stays NaN */
  UNFURL_ACTIVATION_CLIP,         /* min(max(x, alpha), beta) */
  UNFURL_ACTIVATION_LEAKY_RELU,   /* x < 0 ? alpha * x : x */
  UNFURL_ACTIVATION_SIGMOID,      /* 1 / (1 + exp(-x)) */
  UNFURL_ACTIVATION_TANH,         /* tanh(x) */
  UNFURL_ACTIVATION_SILU,         /* x / (1 + exp(-x)) */
  UNFURL_ACTIVATION_HARD_SWISH,   /* x * min(max(x + 3, 0), 6) / 6 */
  UNFURL_ACTIVATION_HARD_SIGMOID, /* min(max(alpha * x + beta, 0), 1) */
  UNFURL_ACTIVATION_GELU          /* x * (1 + erf(x / sqrt(2))) / 2 */
} unfurl_activation;

typedef enum unfurl_planning {
  UNFURL_PLAN_ESTIMATE = 0, /* by wisdom (unfurl/wisdom.h) where there is some, else by what the solvers seem to cost */
  UNFURL_PLAN_MEASURE       /* by wisdom where there is some, else by running the solvers that may be chosen */
} unfurl_planning;

typedef struct unfurl_conv_desc {
  size_t size; /* sizeof(unfurl_conv_desc); set by _init */

  int64_t batch;              /* images; >= 1; default 1 */
  int64_t ic, ih, iw;         /* channels, height and width of src; >= 1; default 1 */
  int64_t oc;                 /* output channels (filters); >= 1, a multiple of groups; default 1 */
  int64_t kh, kw;             /* kernel height and width in taps; >= 1; default 1 */
  int64_t stride_h, stride_w; /* input pixels from one output pixel to the next; >= 1; default 1 */
  int64_t pad_top, pad_left;  /* zeros around the image; >= 0; default 0 */
  int64_t pad_bottom, pad_right;
  int64_t dilation_h, dilation_w; /* input pixels from one tap to the next; >= 1 (1 = none); default 1 */
  int64_t groups;                 /* >= 1; divides ic and oc; default 1 */

  bool transposed;                      /* the adjoint; stride then enlarges; default false */
  int64_t output_pad_h, output_pad_w;   /* extra rows and columns at the bottom and right of a transposed result,
                                           0 <= it < max(stride, dilation); default 0 */
  unfurl_dtype dtype;                   /* of src, weights and dst; F32 */
  unfurl_layout src_layout, dst_layout; /* UNFURL_NHWC (default) or UNFURL_NCHW; residual lies as dst does */
  unfurl_layout weights_layout;         /* UNFURL_OHWI (default) or UNFURL_OIHW, for weights as they are given */
  bool weights_at_execute;              /* weights arrive at each execute, unpacked: the workspace then has room to
                                           pack them; default false */
  unfurl_activation activation;         /* applied last; default NONE */
  float alpha, beta;                    /* parameters of the activation; default 0 */
  float tolerance;                      /* relative L2 error that a faster method may add; see above; default 2e-5 */
  const char *algo;                     /* name of a solver (or "winograd": the one of its kind that suits the shape
                                           best), or NULL (default): the planner chooses */
  unfurl_planning planning;             /* how it chooses; default ESTIMATE */
  size_t workspace_limit;               /* bytes of workspace that a task may need; 0 (default): 8 MiB where a solver
                                           can do with that, and whatever a solver needs that is asked for by name */
} unfurl_conv_desc;

typedef struct unfurl_conv_args {
  size_t size; /* sizeof(unfurl_conv_args); set by _init */

  const float *src; /* [batch] images in src_layout; not NULL */
  const unfurl_conv_weights
      *weights;             /* packed, made by this plan or one of equal channels, kernel and groups; or NULL */
  const float *raw_weights; /* if weights is NULL and desc.weights_at_execute: in weights_layout */
  const float *raw_bias;    /* [oc], with raw_weights; may be NULL */
  const float *residual;    /* added before the activation, shape and layout of dst; may be NULL */
  float *dst;               /* [batch] images in dst_layout; overlaps nothing else that is given here */
  void *workspace;          /* any alignment; contents need not be kept; NULL: allocated for this call */
  size_t workspace_size;    /* at least unfurl_conv_plan_workspace_size(plan, tasks) */
  size_t tasks;             /* pieces that run in parallel, at most; 0 (default): the context's threads */
} unfurl_conv_args;

/* Set every field to its default. */
UNFURL_API void unfurl_conv_desc_init(unfurl_conv_desc *desc);
UNFURL_API void unfurl_conv_args_init(unfurl_conv_args *args);

/* Height and width of the result. Statuses: INVALID_ARGUMENT (also where no output pixel is left), TOO_LARGE. */
UNFURL_API unfurl_status unfurl_conv_output_size(const unfurl_conv_desc *desc, int64_t *oh, int64_t *ow,
                                                 unfurl_error *error);

/* The solvers: number, and name of the index-th ("naive", "im2col", ...); NULL beyond the last. */
UNFURL_API size_t unfurl_conv_algo_count(void);
UNFURL_API const char *unfurl_conv_algo_name(size_t index);

/* Validates `desc`, chooses a solver, makes the plan; the plan keeps no pointer into `desc`. Allocates a little.
 *
 * The planner chooses among the library's own solvers (those that go through CBLAS are to be named), and what it
 * chooses changes no bit. UNFURL_PLAN_MEASURE runs them in turn on random data, for about 50 ms each and at least twice;
 * the best is remembered in the context. Where only one can be chosen, or the memory is not to be had (that of the
 * images and of all weights; at most 1 GiB), nothing is measured.
 *
 * Statuses: INVALID_ARGUMENT, TOO_LARGE (also workspace_limit), UNSUPPORTED (dtype, or the named solver does not apply),
 * BLAS_ERROR, OUT_OF_MEMORY; *plan is then NULL. */
UNFURL_API unfurl_status unfurl_conv_plan_create(const unfurl_context *context, const unfurl_conv_desc *desc,
                                                 unfurl_conv_plan **plan, unfurl_error *error);

/* The solver that was chosen: a constant string. */
UNFURL_API const char *unfurl_conv_plan_algo(const unfurl_conv_plan *plan);

/* Writes one line that describes the plan, and why its solver was chosen, as snprintf does: terminated if size > 0,
 * returns the length it needs. */
UNFURL_API size_t unfurl_conv_plan_print(const unfurl_conv_plan *plan, char *buffer, size_t size);

/* Bytes of workspace that an execute with this many tasks (0: the context's threads) needs; 0 is possible.
 * SIZE_MAX where the number can't be represented. */
UNFURL_API size_t unfurl_conv_plan_workspace_size(const unfurl_conv_plan *plan, size_t tasks);

/* Packs weights (in desc.weights_layout) and bias ([oc], may be NULL) as the plan's solver reads them; both are copied.
 * Every plan whose ic, oc, kh, kw, groups, transposed and solver are the same can execute with the result, whatever
 * its image size and batch. Statuses: INVALID_ARGUMENT, OUT_OF_MEMORY. */
UNFURL_API unfurl_status unfurl_conv_weights_create(const unfurl_conv_plan *plan, const float *weights,
                                                    const float *bias, unfurl_conv_weights **packed,
                                                    unfurl_error *error);

/* Bytes that the packed weights occupy. */
UNFURL_API size_t unfurl_conv_weights_bytes(const unfurl_conv_weights *weights);

/* Computes dst. Allocates nothing if args->workspace is given. Statuses: INVALID_ARGUMENT (a NULL, a workspace too
 * small, weights packed for something else), OUT_OF_MEMORY (only without a workspace); dst is then untouched. */
UNFURL_API unfurl_status unfurl_conv_plan_execute(const unfurl_conv_plan *plan, const unfurl_conv_args *args,
                                                  unfurl_error *error);

/* Free and set the pointer to NULL. NULL and a pointer to NULL are allowed. */
UNFURL_API void unfurl_conv_weights_destroy(unfurl_conv_weights **weights);
UNFURL_API void unfurl_conv_plan_destroy(unfurl_conv_plan **plan);

#ifdef __cplusplus
}
#endif
#endif
