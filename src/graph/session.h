/* SPDX-License-Identifier: BSD-2-Clause */
/* The inside of a session. Preparing turns the model and the shapes of its inputs into a list of steps over session
 * values (prepare.c), fuses what only shapes allow (fuse_residual.c), cuts the list into segments (cut.c), links steps into
 * chains (chain.h) and gives the values places in an arena (place.c); running (session.c) binds the inputs and walks the
 * list. */
#ifndef UNFURL_GRAPH_SESSION_H
#define UNFURL_GRAPH_SESSION_H

#include "graph/op.h"
#include "unfurl/session.h"

typedef enum unfurl_storage {
  UNFURL_STORAGE_NONE = 0, /* not computed in these steps */
  UNFURL_STORAGE_INPUT,    /* the caller's memory, bound at each run */
  UNFURL_STORAGE_KNOWN,    /* fixed when the session was prepared: constants and what follows from them */
  UNFURL_STORAGE_ARENA,
  UNFURL_STORAGE_WINDOW, /* a few rows at a time, in the workspace of a chain */
  UNFURL_STORAGE_ALIAS /* the memory of another value: `root` */
} unfurl_storage;

/* Values 0..value_count-1 are the model's; those behind are copies of them in the other layout. */
typedef struct unfurl_session_value {
  unfurl_tensor tensor;
  unfurl_storage storage;
  size_t root;        /* the value whose memory this is */
  size_t first, last; /* steps between which that memory must be kept; at the root */
  size_t turns;       /* more than 1: the memory holds what one turn of a segment computes; at the root */
  size_t twin;        /* the same value in the other layout, or UNFURL_NO_VALUE */
} unfurl_session_value;

typedef struct unfurl_step {
  unfurl_op_call call;
  const size_t *inputs, *outputs; /* session values, as many as the node has, or UNFURL_NO_VALUE */
  const struct unfurl_chain *chain; /* that it is a link of, or NULL */
} unfurl_step;

/* Some images of a value, as the steps of a segment see it. */
typedef struct unfurl_part {
  unfurl_tensor tensor; /* data: set before each turn */
  size_t value;
  size_t stride; /* bytes from the images of one turn to those of the next; 0 where the memory holds one turn's only */
} unfurl_part;

/* The steps begin..end-1, which take `turns` turns, each for as many images of the batch. */
typedef struct unfurl_segment {
  size_t begin, end, turns;
  unfurl_part *parts; /* of the values in place of which the steps have them; none for a single turn */
  size_t part_count;
} unfurl_segment;

struct unfurl_session {
  const unfurl_context *context;
  const unfurl_model *model;
  unfurl_session_options options; /* algo: the name in the solver's table */
  bool is_prepared, has_outputs;
  unfurl_tensor *signature; /* the inputs that it is prepared for; data: a copy where their values matter, or NULL */
  unfurl_region region;     /* all that belongs to one preparation */
  unfurl_session_value *values;
  unfurl_step *steps;
  unfurl_segment *segments;
  size_t *outputs; /* values */
  size_t value_count, step_count, segment_count;
  void *arena, *workspace;
  size_t arena_bytes, workspace_bytes;
};

/* The value whose memory this one has. */
size_t unfurl_session_root(const unfurl_session *session, size_t value);

/* What preparing consists of, besides prepare.c, in order. Fusing: all steps of the nodes are there. Lives: all steps are
 * there. Cutting: from then on steps see parts of values. Placing: `workspace` is the most that a step needs. */
unfurl_status unfurl_session_fuse_residuals(unfurl_session *session, unfurl_error *error);
void unfurl_session_find_lives(unfurl_session *session);
unfurl_status unfurl_session_cut(unfurl_session *session, unfurl_error *error);
unfurl_status unfurl_session_place(unfurl_session *session, size_t workspace, unfurl_error *error);

/* Prepares for inputs of these shapes; an earlier preparation is dropped first. */
unfurl_status unfurl_session_build(unfurl_session *session, const unfurl_tensor *inputs, unfurl_error *error);

/* Releases a preparation, but keeps arena and workspace for the next. */
void unfurl_session_clear(unfurl_session *session);

#endif
