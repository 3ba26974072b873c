/* SPDX-License-Identifier: BSD-2-Clause */
/* How often the model is right: true classes, in the order of the images, against predicted ones.
 *
 * True classes come from an IDX file of labels, a .npy file of integers, or a text file with one integer a line.
 */
#ifndef CLI_SCORE_H
#define CLI_SCORE_H

#include <stdint.h>
#include <stdio.h>

#include "labels.h"
#include "unfurl/status.h"

enum { SCORE_MATRIX = 100 }; /* the confusion matrix is kept for at most so many classes */

typedef struct score_board {
  uint32_t *truth; /* [count] */
  size_t count;
  size_t seen; /* images so far, with those that are not scored */
  size_t scored, correct;
  size_t classes;   /* 0 until the first score_add */
  uint64_t *matrix; /* [classes][classes]: true class, predicted class; NULL: too many classes */
} score_board;

/* Reads the true classes. Released by score_free, also after an error. */
unfurl_status score_load(score_board *board, const char *path, unfurl_error *error);

/* The model, which knows `classes` classes, took the next image for `predicted`. INVALID_ARGUMENT where the truth has no
 * more classes, or one that the model does not have. */
unfurl_status score_add(score_board *board, size_t classes, size_t predicted, unfurl_error *error);

/* The next `images` images are not scored (they failed, or were skipped). INVALID_ARGUMENT where there are not so many. */
unfurl_status score_pass(score_board *board, size_t images, unfurl_error *error);

/* Accuracy and confusion matrix. */
void score_print(const score_board *board, const label_list *labels, FILE *file);

void score_free(score_board *board);

#endif
