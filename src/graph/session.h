/* SPDX-License-Identifier: BSD-2-Clause */
/* The inside of a session. Preparing turns the model and the shapes of its inputs into a list of steps over session
 * values (prepare.c), fuses what only shapes allow (fuse_residual.c) and gives the values places in an arena (place.c);
 * running (session.c) binds the inputs and walks the list. */
#ifndef UNFURL_GRAPH_SESSION_H
#define UNFURL_GRAPH_SESSION_H

#include "graph/op.h"
#include "unfurl/session.h"

typedef enum unfurl_storage {
  UNFURL_STORAGE_NONE = 0, /* not computed in these steps */
  UNFURL_STORAGE_INPUT,    /* the caller's memory, bound at each run */
  UNFURL_STORAGE_KNOWN,    /* fixed when the session was prepared: constants and what follows from them */
  UNFURL_STORAGE_ARENA,
  UNFURL_STORAGE_ALIAS /* the memory of another value: `root` */
} unfurl_storage;

/* Values 0..value_count-1 are the model's; those behind are copies of them in the other layout. */
typedef struct unfurl_session_value {
  unfurl_tensor tensor;
  unfurl_storage storage;
  size_t root;        /* the value whose memory this is */
  size_t first, last; /* steps between which that memory must be kept; at the root */
  size_t twin;        /* the same value in the other layout, or UNFURL_NO_VALUE */
} unfurl_session_value;

typedef struct unfurl_step {
  unfurl_op_call call;
  const size_t *inputs, *outputs; /* session values, as many as the node has, or UNFURL_NO_VALUE */
} unfurl_step;

struct unfurl_session {
  const unfurl_context *context;
  const unfurl_model *model;
  unfurl_session_options options; /* algo: the name in the solver's table */
  bool is_prepared, has_outputs;
  unfurl_tensor *signature; /* the inputs that it is prepared for; data: a copy where their values matter, or NULL */
  unfurl_region region;     /* all that belongs to one preparation */
  unfurl_session_value *values;
  unfurl_step *steps;
  size_t *outputs; /* values */
  size_t value_count, step_count;
  void *arena, *workspace;
  size_t arena_bytes, workspace_bytes;
};

/* The value whose memory this one has. */
size_t unfurl_session_root(const unfurl_session *session, size_t value);

/* The steps of preparing that have files of their own: all steps of the nodes are there; all steps are there, and
 * prepared, `workspace` is the most that one of them needs. */
unfurl_status unfurl_session_fuse_residuals(unfurl_session *session, unfurl_error *error);
unfurl_status unfurl_session_place(unfurl_session *session, size_t workspace, unfurl_error *error);

/* Prepares for inputs of these shapes; an earlier preparation is dropped first. */
unfurl_status unfurl_session_build(unfurl_session *session, const unfurl_tensor *inputs, unfurl_error *error);

/* Releases a preparation, but keeps arena and workspace for the next. */
void unfurl_session_clear(unfurl_session *session);

#endif
