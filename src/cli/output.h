/* SPDX-License-Identifier: BSD-2-Clause */
/* Where results go, and in what form: each format is one small table of functions.
 *
 *     text    a readable line an image (on stdout, when no -o is given)
 *     .npy    the raw first output, all rows in order
 *     .npz    all outputs, each as .npy would have it, by name
 *     .csv    a line an image: index, source, and class, label, score of its best classes, error
 *     .jsonl  the same as a JSON object a line
 *
 * Scores are the output's values as they are. An image that failed has its place among the others: a line with an
 * error, or a row of NaN (of the least value, for integers); a file of arrays that failed has a line, but no row. In
 * text there is nothing; it was named on stderr.
 *
 * Life cycle: output_open, output_rows for every batch, output_commit or output_discard.
 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "batch.h"
#include "labels.h"
#include "npy_writer.h"
#include "outfile.h"
#include "top.h"
#include "unfurl/status.h"
#include "unfurl/tensor.h"

/* What a run of the model gave, and what failed between its rows. */
typedef struct output_results {
  const unfurl_tensor *tensors; /* [count]: the outputs; rows beyond order->good are padding */
  size_t count;                 /* 0 if nothing was good */
  const char *const *names;     /* [count]: of the outputs */
  const batch_runs *order;
  bool whole; /* the model ran once on whole arrays: outputs have rows as they like, and order is one run */
} output_results;

typedef struct output_sink output_sink;

typedef struct output_format {
  const char *extension; /* ".npy"; "" for text */
  size_t default_top;    /* classes an image, if --top does not say */
  size_t outputs;        /* of the model's, that it takes; SIZE_MAX: all */
  bool seekable;         /* can't be written to a pipe */
  bool scores;           /* `rows` needs the classes of f32 outputs */
  unfurl_status (*rows)(output_sink *sink, const output_results *results, unfurl_error *error);
  /* The last thing before the file appears; NULL: nothing to do. */
  unfurl_status (*end)(output_sink *sink, unfurl_error *error);
} output_format;

/* An array that is being written. */
typedef struct output_array {
  FILE *file;
  char *name; /* NULL: the only array, and the file is the sink's own; else the file is a temporary one */
  npy_writer writer;
} output_array;

struct output_sink {
  const output_format *format;
  const label_list *labels;
  outfile_handle file;
  bool written;         /* there is something to appear */
  size_t most;          /* classes an image, at most */
  top_class *top;       /* [most], for the image at hand */
  bool header;          /* .csv: it was written */
  size_t columns;       /* .csv: classes a line */
  FILE *held;           /* .csv: failures before the header, three strings each */
  output_array *arrays; /* .npy, .npz: [array_count], NULL before the first good row */
  size_t array_count;
  size_t held_rows; /* .npy, .npz: failures before that */
};

/* The format for a path, by its extension; text for "-" and for devices. NULL if there is none. */
const output_format *output_format_for(const char *path);

/* Opens `path` (NULL: stdout). `top` is the number of classes an image, 0 for the format's own. IO_ERROR, OUT_OF_MEMORY. */
unfurl_status output_open(output_sink *sink, const output_format *format, const char *path, size_t top,
                          unfurl_error *error);

/* Writes results and sees to it that they arrived. IO_ERROR, UNSUPPORTED (a dtype without scores, rows of other shape
 * than before), OUT_OF_MEMORY. */
unfurl_status output_rows(output_sink *sink, const output_results *results, unfurl_error *error);

/* Makes the output appear under its name; without any results there is nothing to appear. IO_ERROR. */
unfurl_status output_commit(output_sink *sink, unfurl_error *error);
void output_discard(output_sink *sink);

/* Scores of row `row` of the first output, of which there are *count. For f32 outputs. */
const float *output_scores(const output_results *results, size_t row, size_t *count);

/* The formats of output_lines.c and output_arrays.c. */
extern const output_format output_text, output_csv, output_jsonl, output_npy, output_npz;

#endif
