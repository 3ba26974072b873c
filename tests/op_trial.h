/* SPDX-License-Identifier: BSD-2-Clause */
/* One operator as a network of its own, run with one to three threads, on NCHW and on NHWC images, and on each image
 * alone: all must give the same bits. */
#ifndef UNFURL_TESTS_OP_TRIAL_H
#define UNFURL_TESTS_OP_TRIAL_H

#include "unfurl/session.h"

enum { OP_TRIAL_OUTPUTS = 3 };

typedef struct op_trial {
  const char *op;
  int64_t opset;
  size_t attribute_count, input_count, output_count;
  const unfurl_attribute *attributes;
  const unfurl_tensor *inputs; /* NCHW; the first is fed, the others are constants, or left out (rank SIZE_MAX) */
  const char *then;            /* an operator behind output 0, or NULL */
} op_trial;

/* One without attributes, of opset 18, and with one output. */
op_trial op_trial_of(const char *op, size_t input_count, const unfurl_tensor *inputs);

/* Before and after all trials of a test: makes the contexts. */
void op_trial_open(void);
void op_trial_close(void);

/* Runs it in every way, and gives its outputs, for which op_trial_free is to be called. */
void op_trial_run(const op_trial *trial, unfurl_tensor outputs[OP_TRIAL_OUTPUTS]);
void op_trial_free(const op_trial *trial, unfurl_tensor outputs[OP_TRIAL_OUTPUTS]);

/* Runs it in every way, and compares its output with this one: the same shape and numbers. */
void op_trial_check(const op_trial *trial, const unfurl_tensor *want);

/* Runs every image of the first input by itself, and compares with its part of `outputs`. */
void op_trial_images(const op_trial *trial, const unfurl_tensor outputs[OP_TRIAL_OUTPUTS]);

/* How building or running it ends, once. */
unfurl_status op_trial_status(const op_trial *trial);

#endif
