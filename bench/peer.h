/* SPDX-License-Identifier: BSD-2-Clause */
/* A peer computes a convolution with bias and ReLU: the engine itself, a bare matrix product, another library.
 *
 * All are given the same random numbers in NHWC and OHWI, bring them into the layout that they like best while they are
 * prepared, and are timed on `execute` alone. Afterwards `read` puts their result into data->dst, in NHWC, so that it
 * can be verified. A peer answers to several names ("strided", "im2col", ...), each a way of doing it.
 */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include <stdbool.h>
#include <stddef.h>

#include "measure_data.h"
#include "problem.h"
#include "unfurl/context.h"
#include "unfurl/status.h"

typedef struct peer_setup {
  const unfurl_context *context;
  const problem_spec *problem;
  measure_data *data;
  const char *name; /* what the peer was asked for as */
  float tolerance;  /* as in unfurl_conv_desc; negative: the default */
} peer_setup;

typedef struct peer_info {
  char algo[64];   /* name, with the version of the library */
  char picked[64]; /* the implementation that it chose */
  size_t workspace_bytes;
} peer_info;

typedef struct peer {
  /* Does the peer answer to that name? */
  bool (*knows)(const char *name);

  /* Makes everything ready: *state, and what there is to say about it. UNSUPPORTED where the name does not apply to the
   * problem. *state is released in any case. */
  unfurl_status (*prepare)(void **state, const peer_setup *setup, peer_info *info, unfurl_error *error);

  unfurl_status (*execute)(void *state, unfurl_error *error);
  unfurl_status (*read)(void *state, unfurl_error *error);
  void (*release)(void *state); /* NULL is allowed */
} peer;

extern const peer peer_unfurl; /* the solvers' names, and auto */
extern const peer peer_sgemm;  /* sgemm */
extern const peer peer_onednn; /* onednn-direct, onednn-winograd, onednn-auto; there only if it was built in */

#endif
