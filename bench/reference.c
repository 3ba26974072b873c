/* SPDX-License-Identifier: BSD-2-Clause */
#include "reference.h"

#include <math.h>

#include "unfurl/conv.h"

/* The first and the last; twice the same one where there is one only, which changes no quotient. */
static void choose_images(const problem_spec *problem, size_t images[2]) {
  images[0] = 0;
  images[1] = (size_t)problem->desc.batch - 1;
}

static unfurl_status run_naive(const unfurl_context *context, const unfurl_conv_desc *image, const measure_data *data,
                               unfurl_conv_args *args, unfurl_error *error) {
  unfurl_conv_plan *plan;
  unfurl_conv_weights *weights = NULL;
  unfurl_status status = unfurl_conv_plan_create(context, image, &plan, error);
  if (status == UNFURL_OK) status = unfurl_conv_weights_create(plan, data->weights, data->bias, &weights, error);
  args->weights = weights;
  if (status == UNFURL_OK) status = unfurl_conv_plan_execute(plan, args, error);
  unfurl_conv_weights_destroy(&weights);
  unfurl_conv_plan_destroy(&plan);
  return status;
}

unfurl_status reference_make(const unfurl_context *context, const problem_spec *problem, measure_data *data,
                             unfurl_error *error) {
  const size_t batch = (size_t)problem->desc.batch;
  const size_t src_image = data->src_count / batch, dst_image = data->dst_count / batch;
  unfurl_conv_desc image = problem->desc;
  image.batch = 1;
  image.activation = UNFURL_ACTIVATION_RELU;
  image.algo = "naive";
  size_t images[2];
  choose_images(problem, images);
  unfurl_status status = UNFURL_OK;
  for (size_t i = 0; i < (batch > 1 ? 2 : 1) && status == UNFURL_OK; i++) {
    unfurl_conv_args args;
    unfurl_conv_args_init(&args);
    args.src = data->src + images[i] * src_image;
    args.dst = data->reference + images[i] * dst_image;
    status = run_naive(context, &image, data, &args, error);
  }
  return status;
}

double reference_error(const problem_spec *problem, const measure_data *data) {
  const size_t dst_image = data->dst_count / (size_t)problem->desc.batch;
  double difference = 0, norm = 0;
  size_t images[2];
  choose_images(problem, images);
  for (size_t i = 0; i < 2; i++) {
    const float *dst = data->dst + images[i] * dst_image, *wanted = data->reference + images[i] * dst_image;
    for (size_t j = 0; j < dst_image; j++) {
      const double off = (double)dst[j] - (double)wanted[j];
      difference += off * off;
      norm += (double)wanted[j] * (double)wanted[j];
    }
  }
  return norm > 0 ? sqrt(difference / norm) : sqrt(difference);
}
