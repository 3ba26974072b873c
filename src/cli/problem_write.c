/* SPDX-License-Identifier: BSD-2-Clause */
/* The way back: a problem string from a description. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "fault.h"
#include "problem.h"

enum { TEXT = 512, LONGEST_NAME = 100 };

/* A string that grows; all fields at their longest have room. */
typedef struct problem_text {
  char text[TEXT];
  size_t length;
} problem_text;

static void put(problem_text *out, const char *field, int64_t value) {
  out->length += (size_t)snprintf(out->text + out->length, TEXT - out->length, "%s%" PRId64, field, value);
}

/* Fields of height and width; the second is left out where it is the first. */
static void put_pair(problem_text *out, const char *height, int64_t h, const char *width, int64_t w) {
  put(out, height, h);
  if (w != h) put(out, width, w);
}

static void put_name(problem_text *out, const char *name, size_t repeat) {
  out->text[out->length++] = 'n';
  out->text[out->length++] = '"';
  for (size_t i = 0; name[i] && i < LONGEST_NAME; i++) {
    const unsigned char byte = (unsigned char)name[i];
    out->text[out->length++] = byte < ' ' || byte > '~' || byte == '"' ? '?' : name[i];
  }
  snprintf(out->text + out->length, TEXT - out->length, "*%zu\"", repeat);
}

/* Only then is a width of the result that is left out the height. */
static bool is_square(const unfurl_conv_desc *desc) {
  return desc->ih == desc->iw && desc->kh == desc->kw && desc->stride_h == desc->stride_w &&
         desc->dilation_h == desc->dilation_w && desc->pad_top == desc->pad_left;
}

unfurl_status problem_describe(problem_spec *problem, const unfurl_conv_desc *desc, const char *name, size_t repeat,
                               unfurl_error *error) {
  problem_text out = {.length = 0};
  int64_t oh, ow;
  *problem = (problem_spec){.text = NULL};
  if (desc->transposed) return fault_set(error, UNFURL_UNSUPPORTED, "it is a transposed convolution");
  const unfurl_status status = unfurl_conv_output_size(desc, &oh, &ow, error);
  if (status != UNFURL_OK) return status;
  if (desc->groups != 1) put(&out, "g", desc->groups);
  put(&out, "mb", desc->batch);
  put(&out, "ic", desc->ic);
  put_pair(&out, "ih", desc->ih, "iw", desc->iw);
  put(&out, "oc", desc->oc);
  put(&out, "oh", oh);
  if (ow != oh || !is_square(desc)) put(&out, "ow", ow);
  put_pair(&out, "kh", desc->kh, "kw", desc->kw);
  if (desc->stride_h != 1 || desc->stride_w != 1) put_pair(&out, "sh", desc->stride_h, "sw", desc->stride_w);
  put_pair(&out, "ph", desc->pad_top, "pw", desc->pad_left);
  if (desc->dilation_h != 1 || desc->dilation_w != 1)
    put_pair(&out, "dh", desc->dilation_h - 1, "dw", desc->dilation_w - 1);
  put_name(&out, name, repeat);
  return problem_parse(problem, out.text, error);
}
