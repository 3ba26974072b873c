/* SPDX-License-Identifier: BSD-2-Clause */
/* Conv and ConvTranspose as nodes of a network: the shape table once more, by way of ONNX attributes, a session and
 * NCHW images, in two dimensions and in one. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conv_case.h"
#include "net.h"
#include "unfurl/session.h"

/* How a row of the table is asked for. */
typedef struct node_form {
  bool one_dimension; /* rank 3: no height */
  bool has_bias;
  const char *auto_pad; /* instead of pads, or NULL */
} node_form;

enum { MOST_ATTRIBUTES = 8 };

/* The numbers that attributes point to; of pairs, the second is the width, which is all that one dimension has. */
typedef struct numbers {
  int64_t kernel[2], strides[2], dilations[2], output_padding[2], pads[4], group;
} numbers;

static numbers numbers_of(const unfurl_conv_desc *d, bool one_dimension) {
  numbers n = {.kernel = {d->kh, d->kw},
               .strides = {d->stride_h, d->stride_w},
               .dilations = {d->dilation_h, d->dilation_w},
               .output_padding = {d->output_pad_h, d->output_pad_w},
               .pads = {d->pad_top, d->pad_left, d->pad_bottom, d->pad_right},
               .group = d->groups};
  if (one_dimension) n.pads[0] = d->pad_left, n.pads[1] = d->pad_right;
  return n;
}

static size_t make_attributes(const unfurl_conv_desc *d, const node_form *form, const numbers *n, unfurl_attribute *a) {
  const size_t spatial = form->one_dimension ? 1 : 2, first = 2 - spatial;
  size_t count = 0;
  a[count++] = attribute_ints("kernel_shape", spatial, n->kernel + first);
  a[count++] = attribute_ints("strides", spatial, n->strides + first);
  a[count++] = attribute_ints("dilations", spatial, n->dilations + first);
  a[count++] = attribute_int("group", &n->group);
  a[count++] =
      form->auto_pad ? attribute_string("auto_pad", form->auto_pad) : attribute_ints("pads", 2 * spatial, n->pads);
  if (d->transposed) a[count++] = attribute_ints("output_padding", spatial, n->output_padding + first);
  return count;
}

/* dims of (a, b, height, width), without the height where there is none. */
static size_t dims_of(int64_t dims[4], const node_form *form, const int64_t all[4]) {
  memcpy(dims, all, 4 * sizeof *dims);
  if (form->one_dimension) dims[2] = all[3];
  return form->one_dimension ? 3 : 4;
}

static net make_net(const unfurl_context *context, const conv_case *c, const node_form *form) {
  const unfurl_conv_desc *d = &c->desc;
  unfurl_attribute attributes[MOST_ATTRIBUTES];
  const numbers all = numbers_of(d, form->one_dimension);
  const size_t count = make_attributes(d, form, &all, attributes);
  const int64_t image[] = {d->batch, d->ic, d->ih, d->iw};
  const int64_t filters[] = {d->transposed ? d->ic : d->oc, (d->transposed ? d->oc : d->ic) / d->groups, d->kh, d->kw};
  int64_t dims[4];
  float *weights = weights_from_ohwi(c, UNFURL_OIHW);
  net n = net_begin(context, NULL);
  net_input(&n, "x", dims_of(dims, form, image), dims);
  net_constant(&n, "w", dims_of(dims, form, filters), dims, weights);
  net_constant(&n, "b", 1, &d->oc, c->bias);
  net_node_with(&n, d->transposed ? "ConvTranspose" : "Conv", form->has_bias ? "x w b" : "x w", "y", count, attributes);
  net_output(&n, "y");
  net_finish(&n);
  free(weights);
  cr_assert_eq(n.status, UNFURL_OK, "%s: %s", c->name, n.error.message);
  return n;
}

static void check_result(const conv_case *c, const node_form *form, const unfurl_tensor *y) {
  const unfurl_conv_desc *d = &c->desc;
  const int64_t all[] = {d->batch, d->oc, (int64_t)c->sizes.oh, (int64_t)c->sizes.ow};
  const conv_variant v = {.has_bias = form->has_bias};
  int64_t dims[4];
  const size_t rank = dims_of(dims, form, all), pixels = c->sizes.oh * c->sizes.ow, channels = (size_t)d->oc;
  cr_assert_eq(y->rank, rank);
  cr_assert_arr_eq(y->dims, dims, rank * sizeof *dims, "%s", c->name);
  for (size_t i = 0; i < c->sizes.dst; i++) {
    const size_t image = i / channels / pixels, pixel = i / channels % pixels, channel = i % channels;
    const float expected = (float)conv_expected(c, &v, i);
    const float got = ((const float *)y->data)[(image * channels + channel) * pixels + pixel];
    cr_assert_eq(got, expected, "\"%s\", pixel %zu, channel %zu: %g, not %g", c->name, pixel, channel, (double)got,
                 (double)expected);
  }
}

static void check_node(const unfurl_context *context, const conv_case *c, const node_form *form, const char *algo) {
  const unfurl_conv_desc *d = &c->desc;
  net n = make_net(context, c, form);
  unfurl_session_options options;
  unfurl_session *session;
  unfurl_tensor x;
  unfurl_error error;
  int64_t dims[4];
  float *pixels = images_from_nhwc(c, false, UNFURL_NCHW, c->src);
  unfurl_session_options_init(&options);
  options.algo = algo, options.tolerance = 0;
  unfurl_tensor_init(&x, UNFURL_F32, dims_of(dims, form, (const int64_t[]){d->batch, d->ic, d->ih, d->iw}), dims,
                     pixels);
  cr_assert_eq(unfurl_session_create(n.model, &options, &session, &error), UNFURL_OK, "%s", error.message);
  cr_assert_eq(unfurl_session_run(session, &x, 1, &error), UNFURL_OK, "%s: %s", c->name, error.message);
  check_result(c, form, unfurl_session_output(session, 0));
  unfurl_session_destroy(&session);
  unfurl_model_destroy(&n.model);
  free(pixels);
}

Test(op_conv, every_shape) {
  unfurl_context *context = make_context(2);
  for (size_t s = 0; s < conv_shape_count; s++) {
    conv_case c = conv_case_make(&conv_shapes[s], false);
    const node_form plain = {.has_bias = s % 2};
    check_node(context, &c, &plain, NULL);
    if (conv_shape_is_small(&conv_shapes[s]))
      for (size_t algo = 0; algo < unfurl_conv_algo_count(); algo++)
        check_node(context, &c, &plain, unfurl_conv_algo_name(algo));
    conv_case_free(&c);
  }
  unfurl_context_destroy(&context);
}

Test(op_conv, one_dimension) {
  size_t checked = 0;
  unfurl_context *context = make_context(1);
  for (size_t s = 0; s < conv_shape_count; s++) {
    conv_case c = conv_case_make(&conv_shapes[s], false);
    const unfurl_conv_desc *d = &c.desc;
    const node_form form = {.one_dimension = true, .has_bias = true};
    if (d->ih == 1 && d->kh == 1 && d->stride_h == 1 && d->pad_top + d->pad_bottom == 0) {
      check_node(context, &c, &form, NULL);
      checked++;
    }
    conv_case_free(&c);
  }
  cr_assert_geq(checked, 5);
  unfurl_context_destroy(&context);
}

/* The pads that SAME stands for: as many outputs as ceil(in / stride), an odd pixel after (UPPER) or before (LOWER). */
static void set_same_pads(conv_shape *s, bool upper) {
  for (size_t axis = 0; axis < 2; axis++) {
    const int stride = s->stride[axis] ? s->stride[axis] : 1, dilation = s->dilation[axis] ? s->dilation[axis] : 1;
    const int outputs = (s->image[axis] + stride - 1) / stride;
    const int needed = (outputs - 1) * stride + (s->kernel[axis] - 1) * dilation + 1 - s->image[axis];
    const int total = needed > 0 ? needed : 0;
    s->pads[axis] = upper ? total / 2 : (total + 1) / 2;
    s->pads[axis + 2] = total - s->pads[axis];
  }
}

Test(op_conv, automatic_padding) {
  const conv_shape shapes[] = {
      {"3x3", .ic = 2, .oc = 3, .image = {7, 8}, .kernel = {3, 3}},
      {"even kernel", .ic = 2, .oc = 3, .image = {6, 5}, .kernel = {2, 4}},
      {"stride", .ic = 2, .oc = 3, .image = {9, 10}, .kernel = {3, 4}, .stride = {2, 3}},
      {"dilation", .ic = 2, .oc = 3, .image = {11, 9}, .kernel = {3, 2}, .dilation = {2, 3}},
      {"stride over the kernel", .ic = 2, .oc = 3, .image = {9, 9}, .kernel = {1, 2}, .stride = {3, 4}},
  };
  static const char *const modes[] = {"NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"};
  unfurl_context *context = make_context(1);
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
    for (size_t mode = 0; mode < 4; mode++) {
      conv_shape shape = shapes[i];
      const node_form form = {.auto_pad = modes[mode]};
      if (mode >= 2) set_same_pads(&shape, mode == 2);
      conv_case c = conv_case_make(&shape, false);
      check_node(context, &c, &form, NULL);
      conv_case_free(&c);
    }
  unfurl_context_destroy(&context);
}

/* A node that does not fit its input fails when the input comes, and says which it is. */
static void check_refused(const char *word, size_t rank, const int64_t *dims, size_t count,
                          const unfurl_attribute *attributes) {
  unfurl_context *context = make_context(1);
  net n = net_begin(context, NULL);
  const int64_t free_dims[] = {-1, -1, -1, -1, -1};
  float pixels[512] = {0};
  unfurl_session *session;
  unfurl_tensor x;
  net_input(&n, "x", rank, free_dims);
  net_weights(&n, "w", 4, (const int64_t[]){4, 2, 3, 3}, 1);
  net_node_with(&n, "Conv", "x w", "y", count, attributes);
  net_output(&n, "y");
  net_finish(&n);
  cr_assert_eq(n.status, UNFURL_OK, "%s", n.error.message);
  cr_assert_eq(unfurl_session_create(n.model, NULL, &session, NULL), UNFURL_OK);
  unfurl_tensor_init(&x, UNFURL_F32, rank, dims, pixels);
  const unfurl_status status = unfurl_session_run(session, &x, 1, &n.error);
  cr_assert(status == UNFURL_INVALID_ARGUMENT || status == UNFURL_UNSUPPORTED, "%s: %d", word, (int)status);
  cr_assert(strstr(n.error.message, "Conv of y"), "%s", n.error.message);
  cr_assert(strstr(n.error.message, word), "\"%s\" does not say %s", n.error.message, word);
  unfurl_session_destroy(&session);
  unfurl_model_destroy(&n.model);
  unfurl_context_destroy(&context);
}

Test(op_conv, nodes_that_do_not_fit) {
  const int64_t image[] = {1, 2, 5, 5}, zero[] = {0, 0}, one[] = {1}, three[] = {3, 3, 3}, five[] = {5, 5}, two = 2;
  const int64_t negative[] = {0, 0, -1, 0}, huge[] = {INT64_MAX, 1}, none = 0;
  check_refused("channels", 4, (const int64_t[]){1, 3, 5, 5}, 0, NULL);
  check_refused("rank", 3, (const int64_t[]){1, 2, 5}, 0, NULL);
  check_refused("dimension", 4, (const int64_t[]){0, 2, 5, 5}, 0, NULL);
  check_refused("output", 4, (const int64_t[]){1, 2, 2, 5}, 0, NULL);
  const struct {
    const char *word;
    unfurl_attribute attribute;
  } cases[] = {
      {"strides", attribute_ints("strides", 2, zero)},
      {"strides", attribute_ints("strides", 1, one)},
      {"strides", attribute_ints("strides", 2, huge)},
      {"dilations", attribute_ints("dilations", 3, three)},
      {"dilations", attribute_ints("dilations", 2, zero)},
      {"pads", attribute_ints("pads", 2, zero)},
      {"pads", attribute_ints("pads", 4, negative)},
      {"kernel", attribute_ints("kernel_shape", 2, five)},
      {"kernel_shape", attribute_ints("kernel_shape", 0, NULL)},
      {"channels", attribute_int("group", &two)},
      {"group", attribute_int("group", &none)},
      {"auto_pad", attribute_string("auto_pad", "SAME")},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    check_refused(cases[i].word, 4, image, 1, &cases[i].attribute);
}
