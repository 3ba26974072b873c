/* SPDX-License-Identifier: BSD-2-Clause */
/* A convolution with data, what it must give, and one way to execute it in which everything around it is watched.
 *
 * Data and reference are in one form, NHWC images and OHWI weights (transposed: weights lie as (ic, kh, kw, oc/groups));
 * a variant says in which layouts the library gets them. The reference is a loop over the formula in unfurl/conv.h, in
 * double, written for these tests; small integers make it exact, and every right f32 sum the same number.
 */
#ifndef UNFURL_TESTS_CONV_CASE_H
#define UNFURL_TESTS_CONV_CASE_H

#include "shapes.h"
#include "support.h"

typedef struct conv_case {
  const char *name;
  unfurl_conv_desc desc;
  conv_sizes sizes;
  float *src, *weights, *bias, *residual;
  double *sums;       /* of products, as dst lies in NHWC */
  double *magnitudes; /* of absolute products; of small integers nobody asks, and they are not set */
} conv_case;

/* Small integers, or (`real`) signed numbers. */
conv_case conv_case_make(const conv_shape *shape, bool real);
void conv_case_free(conv_case *c);

/* How a case is executed. All zero: NCHW images, OIHW weights, the planner's choice, nothing after the sum. */
typedef struct conv_variant {
  const char *algo;
  unfurl_layout src, dst, weights;
  bool has_bias, has_residual, weights_at_execute;
  unfurl_activation activation;
  float alpha, beta;
  size_t tasks;
  size_t misalign; /* bytes that the workspace is off from an aligned address */
} conv_variant;

/* The layouts of the index-th of CONV_LAYOUTS combinations. */
enum { CONV_LAYOUTS = 8 };
conv_variant conv_variant_of(size_t layouts, const char *algo);

/* Plans and executes. `result` gets dst in NHWC. Asserts that every call succeeds, that dst is written wholly and
 * nothing beside it, and that the inputs stay as they were; dst and workspace are NaN before. Returns false, and does
 * nothing else, if the plan's named solver does not apply. */
bool conv_execute(const unfurl_context *context, const conv_case *c, const conv_variant *v, float *result);

/* What element `i` of the result must be, given its exact sum. */
double conv_expected(const conv_case *c, const conv_variant *v, size_t i);

/* Executes and asserts equal bits with the reference; false where conv_execute is. */
bool conv_check_exact(const unfurl_context *context, const conv_case *c, const conv_variant *v);

/* A copy in another layout: images from NHWC and back, weights from OHWI. The caller frees it. */
float *images_from_nhwc(const conv_case *c, bool is_dst, unfurl_layout layout, const float *nhwc);
float *weights_from_ohwi(const conv_case *c, unfurl_layout layout);

/* A context of one thread whose BLAS has one thread; and of `threads`. Destroys with unfurl_context_destroy. */
unfurl_context *make_context(size_t threads);

/* malloc that does not fail. */
void *take(size_t bytes);

#endif
