/* SPDX-License-Identifier: BSD-2-Clause */
/* Chains: steps that go through an image together, a band of rows at a time, so that what lies between them is never
 * there as a whole. Of each such value a task keeps a window of a few rows: as many as the next band needs. What that
 * band shares with the one before is moved to the window's front.
 *
 *     rows of the chain's input         ........................
 *     window behind the first step           [ kept | new ]
 *     rows of the chain's output                 ....
 *
 * A task takes an image, or a strip of one where there are fewer images than threads; rows that two strips need are
 * computed for each. What is read after the chain too is a tensor, not a window: of its rows, two strips need none. Only
 * operators that can compute a few rows take part (unfurl_op_rows), which have the same bits however many are computed
 * together: for Winograd's tiles, if they are whole tiles of the image.
 */
#ifndef UNFURL_GRAPH_CHAIN_H
#define UNFURL_GRAPH_CHAIN_H

#include "graph/session.h"
#include "shape/conv_geometry.h"

enum { UNFURL_MOST_LINKS = 12 };

#define UNFURL_NO_LINK SIZE_MAX /* in place of a window, a whole tensor */

/* What a step computes in bands of one shape. */
typedef struct unfurl_chain_form {
  unfurl_conv_axis band;
  void *state; /* the operator's */
  struct unfurl_chain_form *next;
} unfurl_chain_form;

/* A step of a chain. */
typedef struct unfurl_chain_link {
  const unfurl_step *step;
  size_t grain;            /* bands of its output are a multiple of so many rows */
  unfurl_conv_axis axis;   /* vertical, of the whole image */
  bool is_whole;           /* its output is a tensor, not a window: the last link's, and what is read later too */
  size_t input;            /* of its node: the image whose rows it reads */
  size_t src, residual;    /* links whose outputs it reads, or UNFURL_NO_LINK */
  size_t src_row, dst_row; /* floats of a row */
  double row_operations;   /* multiply-adds for a row of its output */
  size_t weights_bytes;    /* that these read */
  size_t window_rows;      /* that the window of its output has, if there is one */
  size_t window_at;        /* where that is in a task's workspace, in floats */
  size_t computed, moved;  /* rows of its output, for one image */
  unfurl_chain_form *forms;
} unfurl_chain_link;

/* What a link does for one band, in rows of the whole image. */
typedef struct unfurl_chain_move {
  size_t begin, end;             /* rows that it computes; none where they are equal */
  size_t src;                    /* the first row that it reads for them */
  size_t base;                   /* the row that its window begins with: base..begin-1 are kept from the band before, */
  size_t drop;                   /* when the window began so many rows earlier */
  const unfurl_chain_form *form; /* NULL: nothing to compute */
} unfurl_chain_move;

typedef struct unfurl_chain {
  size_t begin, end; /* steps */
  unfurl_chain_link *links;
  size_t images;            /* of a turn */
  size_t strips, bands;     /* of an image; strip s has its even share of the bands, as unfurl_part_begin tells */
  size_t calls;             /* times that a link computes something, for one image */
  double operations;        /* multiply-adds for one image; */
  double busiest;           /* of the strip that has most of them */
  unfurl_chain_move *moves; /* [bands][links] */
  size_t tasks;
  size_t task_floats,
      steps_at; /* the workspace of a task, and where in it that of the steps begins, after the windows */
} unfurl_chain;

/* Describes the steps begin..end-1 as a chain, whose links have room for as many; false where they can't be one. */
bool unfurl_chain_describe(const unfurl_session *session, size_t begin, size_t end, unfurl_chain *chain);

/* Grains of the last link's rows: the most bands that an image can be cut into. */
size_t unfurl_chain_grains(const unfurl_chain *chain);

/* Cuts an image into so many bands, from one a strip to one for each grain of the last link's rows, and sets what follows
 * from that; `moves` may be NULL. False where a band would have nothing to read, or not each row of a tensor would be
 * computed once. */
bool unfurl_chain_cut(unfurl_chain *chain, size_t bands, unfurl_chain_move *moves);

/* Floats in all windows, each of which begins with a cache line; SIZE_MAX when that overflows. */
size_t unfurl_chain_window_floats(const unfurl_chain *chain);

/* Finds the steps that are better computed in chains, and takes what lies between them out of the arena. `workspace`, the
 * most that a step needs, becomes what a chain needs where that is more. After the steps are prepared, before placing. */
unfurl_status unfurl_session_chain(unfurl_session *session, size_t *workspace, unfurl_error *error);

void unfurl_chain_run(const unfurl_session *session, const unfurl_chain *chain);

/* Releases what its operators made. */
void unfurl_chain_release(const unfurl_chain *chain);

#endif
