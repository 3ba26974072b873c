/* SPDX-License-Identifier: BSD-2-Clause */
/* Solvers: the ways to compute a convolution, each a row of functions in one table.
 *
 * A solver cuts a convolution into units of work that do not depend on each other (images, strips of output rows, ...).
 * The plan gives each task a range of units and a workspace of its own. What a unit computes depends on nothing but the
 * unit, so neither threads nor their number can change a bit.
 *
 * To add one: write solve_<name>.c with the sections of the others, and add a line to solver_table.c.
 */
#ifndef UNFURL_CONV_SOLVER_H
#define UNFURL_CONV_SOLVER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/parallel.h"
#include "conv/conv_class.h"
#include "gemm/epilogue.h"
#include "gemm/tile.h"
#include "shape/conv_geometry.h"
#include "unfurl/conv.h"

/* What solvers are asked about. */
typedef struct unfurl_conv_problem {
  unfurl_conv_geometry geometry;
  const unfurl_kernels *kernels;
  float tolerance;        /* as in the descriptor */
  size_t threads;         /* that will probably work on it; a hint for how finely to cut */
  size_t workspace_limit; /* as the descriptor has it */
  size_t l2_bytes;        /* of a core's cache; a hint like threads */
} unfurl_conv_problem;

/* Of a tensor or of packed weights. */
typedef struct unfurl_piece {
  size_t first, floats;
} unfurl_piece;

/* Part `part` of `parts` that are as equal as they can be. */
static inline unfurl_piece unfurl_piece_part(unfurl_piece whole, size_t parts, size_t part) {
  const size_t begin = unfurl_part_begin(whole.floats, parts, part);
  return (unfurl_piece){whole.first + begin, unfurl_part_begin(whole.floats, parts, part + 1) - begin};
}

/* Memory that will be needed, and may be brought near meanwhile. */
typedef struct unfurl_needed {
  const float *at; /* NULL: none */
  size_t floats;
} unfurl_needed;

/* One execute, as its tasks see it. */
typedef struct unfurl_conv_run {
  const unfurl_conv_problem *problem;
  const void *cut; /* that the solver has made for the plan */
  const float *src;
  const float *weights; /* packed */
  float *dst;
  unfurl_epilogue epilogue; /* residual: whole tensor, as dst */
  unfurl_needed next;       /* by what comes after this execute */
  bool streams; /* results may go past the caches: all that is written in one piece begins with a cache line */
} unfurl_conv_run;

/* Converts weights into the form that all solvers with the same function read. */
typedef void unfurl_conv_pack_fn(const unfurl_conv_problem *problem, unfurl_layout layout, const float *weights,
                                 float *packed);

typedef struct unfurl_conv_solver {
  const char *name;
  bool uses_blas;   /* sums as CBLAS does: the planner does not choose it */
  bool last_resort; /* chosen only where nothing else applies */
  bool all_groups;  /* writes the groups of a pixel in one piece, or sees for itself whether these may stream */
  unfurl_conv_class sums;
  size_t tile_rows; /* output rows that are computed together; 0: each is computed alone */

  bool (*is_applicable)(const unfurl_conv_problem *problem);

  /* Estimated time of the whole convolution on one thread, in multiply-adds at full speed. */
  double (*cost)(const unfurl_conv_problem *problem);

  /* Floats in the packed weights (SIZE_MAX when that overflows), and how to make them. */
  size_t (*packed_floats)(const unfurl_conv_problem *problem);
  unfurl_conv_pack_fn *pack;

  /* What a unit reads first of the packed weights; NULL where these are so few that it is not worth while to bring them. */
  unfurl_piece (*first_weights)(const unfurl_conv_problem *problem, const void *cut, size_t unit);

  size_t (*units)(const unfurl_conv_problem *problem);

  /* How the solver cuts a problem, where it takes so long to work out that a plan keeps it: its bytes, and what makes it. */
  size_t cut_bytes;
  void (*cut)(const unfurl_conv_problem *problem, void *cut);

  /* Bytes that one task needs; SIZE_MAX when that overflows. */
  size_t (*workspace)(const unfurl_conv_problem *problem);

  /* Computes the units begin..end-1. */
  void (*run)(const unfurl_conv_run *run, size_t begin, size_t end, float *workspace);
} unfurl_conv_solver;

/* The table: in order of preference where costs are equal. */
extern const unfurl_conv_solver *const unfurl_conv_solvers[];
extern const size_t unfurl_conv_solver_count;

extern const unfurl_conv_solver unfurl_solve_naive, unfurl_solve_im2col, unfurl_solve_im2col_strips,
    unfurl_solve_col2im, unfurl_solve_depthwise, unfurl_solve_grouped, unfurl_solve_strided, unfurl_solve_planar,
    unfurl_solve_winograd_f2, unfurl_solve_winograd_f4, unfurl_solve_winograd_f4_taps, unfurl_solve_winograd_f6,
    unfurl_solve_winograd_4x4, unfurl_solve_winograd_5x5;

/* The solver of that name, or NULL. */
const unfurl_conv_solver *unfurl_conv_solver_named(const char *name);

/* Stands for the solver of its kind that suits a problem best. */
#define UNFURL_CONV_WINOGRAD "winograd"

/* The name that a caller gave, as a constant; NULL if it names neither a solver nor a kind. */
const char *unfurl_conv_algo_known(const char *name);

#endif
