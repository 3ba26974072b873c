/* SPDX-License-Identifier: BSD-2-Clause */
/* Embedding one convolution: the lecture's layer, six 5x5x3 filters over a 32x32x3 image.
 *
 *     cc convolution.c $(pkg-config --cflags --libs unfurl) -o convolution && ./convolution
 */
#include <stdio.h>
#include <stdlib.h>
#include <unfurl/unfurl.h>

enum { SIZE = 32, CHANNELS = 3, FILTERS = 6, KERNEL = 5 };

static float image[SIZE * SIZE * CHANNELS];                 /* NHWC */
static float filters[FILTERS * KERNEL * KERNEL * CHANNELS]; /* OHWI */
static float bias[FILTERS] = {0.0f, 0.1f, 0.2f, 0.3f, 0.4f, 0.5f};

/* A diagonal gradient, and filters that differ in where their weight is. */
static void fill(void) {
  for (int y = 0; y < SIZE; y++)
    for (int x = 0; x < SIZE; x++)
      for (int c = 0; c < CHANNELS; c++) image[(y * SIZE + x) * CHANNELS + c] = (float)(x + y) / (2 * SIZE);
  for (int f = 0; f < FILTERS; f++) filters[f * KERNEL * KERNEL * CHANNELS + f] = 1.0f;
}

static int fail(const unfurl_error *error) {
  fprintf(stderr, "convolution: %s\n", error->message);
  return EXIT_FAILURE;
}

int main(void) {
  unfurl_error error;
  unfurl_context *context = NULL;
  unfurl_conv_plan *plan = NULL;
  unfurl_conv_weights *weights = NULL;
  fill();

  /* What is to be computed. */
  unfurl_conv_desc desc;
  unfurl_conv_desc_init(&desc);
  desc.ic = CHANNELS, desc.ih = desc.iw = SIZE;
  desc.oc = FILTERS, desc.kh = desc.kw = KERNEL;
  desc.activation = UNFURL_ACTIVATION_RELU;

  /* Once: plan it and pack the weights. */
  if (unfurl_context_create(NULL, &context, &error) != UNFURL_OK) return fail(&error);
  if (unfurl_conv_plan_create(context, &desc, &plan, &error) != UNFURL_OK) return fail(&error);
  if (unfurl_conv_weights_create(plan, filters, bias, &weights, &error) != UNFURL_OK) return fail(&error);

  int64_t oh, ow;
  if (unfurl_conv_output_size(&desc, &oh, &ow, &error) != UNFURL_OK) return fail(&error);
  float *maps = malloc((size_t)(oh * ow) * FILTERS * sizeof *maps);
  const size_t workspace_size = unfurl_conv_plan_workspace_size(plan, 0);
  void *workspace = malloc(workspace_size);
  if (!maps || !workspace) return EXIT_FAILURE;

  /* As often as there are images: execute. With a workspace given, nothing is allocated. */
  unfurl_conv_args args;
  unfurl_conv_args_init(&args);
  args.src = image;
  args.weights = weights;
  args.dst = maps;
  args.workspace = workspace;
  args.workspace_size = workspace_size;
  if (unfurl_conv_plan_execute(plan, &args, &error) != UNFURL_OK) return fail(&error);

  char line[512];
  unfurl_conv_plan_print(plan, line, sizeof line);
  printf("%s\n", line);
  printf("maps %lld x %lld x %d, the first pixel:", (long long)oh, (long long)ow, FILTERS);
  for (int f = 0; f < FILTERS; f++) printf(" %.3f", (double)maps[f]);
  printf("\n");

  free(workspace);
  free(maps);
  unfurl_conv_weights_destroy(&weights);
  unfurl_conv_plan_destroy(&plan);
  unfurl_context_destroy(&context);
  return EXIT_SUCCESS;
}
