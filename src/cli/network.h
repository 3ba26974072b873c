/* SPDX-License-Identifier: BSD-2-Clause */
/* A network that is looked at rather than used: a model and a session that is prepared for inputs of known shapes,
 * whose values do not matter.
 *
 * A free first dimension is the batch; other free dimensions must be given. Integer inputs are zeros, as their values
 * may decide shapes; f32 inputs have no data until network_fill gives them random numbers.
 */
#ifndef CLI_NETWORK_H
#define CLI_NETWORK_H

#include <stddef.h>

#include "cli.h"
#include "unfurl/context.h"
#include "unfurl/model.h"
#include "unfurl/session.h"
#include "unfurl/status.h"

typedef struct network_options {
  const char *command; /* for messages */
  const char *path;
  const char *batch_option; /* what `batch` is called on the command line */
  size_t batch;             /* 0: not given, 1 */
  const char *algo;         /* NULL: the planner chooses */
  float tolerance;
  unfurl_planning planning;
  const char *const *shapes; /* [shape_count], "NAME=1x3x224x224" each */
  size_t shape_count;
} network_options;

typedef struct network {
  unfurl_model *model;
  unfurl_session *session;
  unfurl_tensor *inputs; /* [input_count] */
  size_t input_count;
  size_t batch; /* first dimension of the first input that has one; 1 if none has */
} network;

/* Loads and prepares. Says on stderr what is wrong: CLI_USAGE (a shape), CLI_MODEL. Released by network_close in any
 * case, before the context. */
cli_status network_open(network *net, const unfurl_context *context, const network_options *options);
void network_close(network *net);

/* Gives f32 inputs random signed numbers, the same in every run of the program. TOO_LARGE (more than the machine has),
 * OUT_OF_MEMORY. */
unfurl_status network_fill(network *net, unfurl_error *error);

#endif
