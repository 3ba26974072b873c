/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads one input file to its end, portion by portion.
 *
 * A portion is some rows ready for the model (an image file has one row), or the error that ended the file, or both:
 * the rows before the damage.
 */
#ifndef CLI_CURSOR_H
#define CLI_CURSOR_H

#include <stdbool.h>
#include <stddef.h>

#include "input_list.h"
#include "source.h"

typedef struct portion {
  void *data;          /* [rows][row_bytes] */
  unfurl_tensor shape; /* of a row; dims[0] means nothing */
  size_t row_bytes, rows;
  size_t first;       /* index of the first row in its file */
  size_t held;        /* bytes that were reserved for data */
  unfurl_error error; /* status not UNFURL_OK: the file ends here */
  bool one_image;     /* the file is (or was meant to be) one image, so the error stands for one row */
} portion;

typedef struct cursor {
  source_target target; /* this cursor's own, so that `watch` and `reserve` can be */
  source_stream source;
  size_t most_rows; /* in a portion */

  /* Called before memory for `bytes` of rows is taken, as target.reserve for pixels; false: don't. May be NULL. */
  bool (*reserve)(void *user, size_t bytes);
  void *reserve_user;
  size_t index; /* next row */
  bool open, ended;
} cursor;

/* Begins with `item`, which must live until the end. */
void cursor_begin(cursor *reader);

/* The next portion of `item`, or NULL after the last. The caller frees it (portion_free). When there is no memory even
 * for that, it is a constant that says so. */
portion *cursor_next(cursor *reader, const input_item *item);

/* Lets go of the file. */
void cursor_end(cursor *reader);

/* Passes over rows of `item`, at most `most` (> 0); how many. If it is not through, item->skip says where to go on; else
 * it is 0. What can't be read counts as one row, as it does where it is read. */
size_t cursor_pass(cursor *reader, input_item *item, size_t most);

void portion_free(portion *part);

#endif
