/* SPDX-License-Identifier: BSD-2-Clause */
/* A session runs a model: it holds one thread's memory, and what was prepared for the shapes that were seen last.
 *
 *     unfurl_session *session;
 *     unfurl_session_create(model, NULL, &session, &error);
 *     unfurl_tensor image;
 *     unfurl_tensor_init(&image, UNFURL_F32, 4, (const int64_t[]){16, 1, 32, 32}, pixels);
 *     unfurl_session_run(session, &image, 1, &error);
 *     const unfurl_tensor *logits = unfurl_session_output(session, 0);     // 16 x 10
 *
 * Batch and image size may change from run to run: shapes are inferred anew, convolutions planned and memory laid out
 * when they do, and nothing is allocated when they don't. Shapes may depend on the values of integer inputs.
 * A batch whose intermediate values would not stay in the cache goes through the network in parts.
 * Thread rule: one thread at a time for a session, any number of sessions for a model.
 */
#ifndef UNFURL_SESSION_H
#define UNFURL_SESSION_H

#include <stddef.h>

#include "unfurl/conv.h"
#include "unfurl/model.h"
#include "unfurl/status.h"
#include "unfurl/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct unfurl_session unfurl_session;

typedef struct unfurl_session_options {
  size_t size;              /* sizeof(unfurl_session_options); set by _init */
  const char *algo;         /* solver (or "winograd") where it applies, or NULL (default): the planner chooses */
  float tolerance;          /* as in unfurl_conv_desc; default 2e-5 */
  size_t memory_limit;      /* bytes that intermediate values and workspace may take together; default 4 GiB */
  unfurl_planning planning; /* of convolutions and fully connected layers, as in unfurl_conv_desc; default ESTIMATE */
  size_t workspace_limit;   /* as in unfurl_conv_desc; default 0 */
  size_t most_images;       /* that go through consecutive layers together, where these take each image by itself; the
                          largest divisor of the batch up to it; 0 (default): as many as suit the caches */
  size_t most_rows;         /* of a layer's result that are computed before the next layer reads them, where nothing else
                          needs them (whole tiles with Winograd); SIZE_MAX: whole images; 0 (default): as many as suit
                          the caches */
} unfurl_session_options;

/* What a session holds, in bytes. */
typedef struct unfurl_session_memory {
  size_t size;            /* sizeof(unfurl_session_memory), set by the caller */
  size_t arena_bytes;     /* intermediate values and outputs, overlaid where their lives do not meet */
  size_t workspace_bytes; /* shared by all steps */
  size_t weights_bytes;   /* of the model: packed weights */
  size_t constants_bytes; /* of the model: constants as they were given. Weights that are packed are not among them,
                             unless Winograd's form is the only one, or a layer reads them as they are */
} unfurl_session_memory;

/* One step of a prepared session: a node, or several that were fused. */
typedef struct unfurl_layer {
  size_t size;                  /* sizeof(unfurl_layer), set by the caller */
  const char *name;             /* of the node; of its first output if it has none */
  const char *op_type;          /* "Conv", "Gemm", ...; "Conv + Add" with a residual that was fused; "layout conversion"
                                   for steps of the session's own */
  const char *algo;             /* the solver of a convolution or fully connected layer; "" for others */
  const unfurl_conv_desc *conv; /* the layer as it was planned, for one turn, or NULL; a fully connected one is a 1x1
                                   convolution */
  unfurl_tensor output;         /* its first output; data is NULL */
  double operations;            /* multiply-adds of all turns; 0 where a layer's work is of another kind */
  size_t weights_bytes;         /* as they are packed */
  size_t workspace_bytes;
  /* of a convolution: the line of unfurl_conv_plan_print, which says why it has its solver; else "" */
  const char *plan;
  size_t turns; /* times that a run executes it, each for as many images of the batch; usually 1 */
  /* Bands of rows in which each image goes through this layer and its neighbours, so that what lies between them stays in
   * the cache (they are a chain, which begins with layer `chain`); 0: the layer is computed by itself. */
  size_t bands, chain;
} unfurl_layer;

/* Sets every field to its default. */
UNFURL_API void unfurl_session_options_init(unfurl_session_options *options);

/* Makes a session of a finished model; `options` may be NULL, and is copied. Statuses: INVALID_ARGUMENT (also a solver
 * name that does not exist), OUT_OF_MEMORY. */
UNFURL_API unfurl_status unfurl_session_create(const unfurl_model *model, const unfurl_session_options *options,
                                               unfurl_session **session, unfurl_error *error);

/* Prepares for inputs of these shapes without running; data may be NULL but for integers, whose values may decide
 * shapes. A later run with the same shapes finds it done. Statuses as unfurl_session_run. */
UNFURL_API unfurl_status unfurl_session_prepare(unfurl_session *session, const unfurl_tensor *inputs, size_t count,
                                                unfurl_error *error);

/* The layers of a prepared session, in the order in which they run; 0 if it is not prepared. What `layer` points to
 * is the session's, until it is prepared anew. INVALID_ARGUMENT beyond the last, or for a size that is not set. */
UNFURL_API size_t unfurl_session_layer_count(const unfurl_session *session);
UNFURL_API unfurl_status unfurl_session_layer(const unfurl_session *session, size_t index, unfurl_layer *layer,
                                              unfurl_error *error);

/* Runs the network on `count` tensors in the order of the model's inputs, each in NCHW or NHWC layout; they are only
 * read, and are free again on return. Statuses: INVALID_ARGUMENT (count, dtype, a shape that does not fit: the message
 * names the node), UNSUPPORTED, TOO_LARGE (memory_limit), OUT_OF_MEMORY. After an error there are no outputs, and the
 * next run starts afresh. */
UNFURL_API unfurl_status unfurl_session_run(unfurl_session *session, const unfurl_tensor *inputs, size_t count,
                                            unfurl_error *error);

/* Output `index` of the last run, in NCHW layout; owned by the session, valid until the next run. NULL beyond the last
 * output and after a run that failed. */
UNFURL_API const unfurl_tensor *unfurl_session_output(const unfurl_session *session, size_t index);

/* Fills `memory` for the shapes prepared last. INVALID_ARGUMENT for a NULL or a size that is not set. */
UNFURL_API unfurl_status unfurl_session_memory_used(const unfurl_session *session, unfurl_session_memory *memory,
                                                    unfurl_error *error);

/* Frees the session and sets *session to NULL. NULL and a pointer to NULL are allowed. */
UNFURL_API void unfurl_session_destroy(unfurl_session **session);

#ifdef __cplusplus
}
#endif
#endif
