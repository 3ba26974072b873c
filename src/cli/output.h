/* SPDX-License-Identifier: BSD-2-Clause */
/* Where results go, and in what form: each format is one small table of functions.
 *
 *     text   a readable line an image (on stdout, when no -o is given)
 *     .npy   the raw first output, all rows in order
 *     .csv   a line an image: index, source, and class, label, score of its best classes
 *     .jsonl the same as a JSON object a line
 *
 * Scores are the output's values as they are. Life cycle: output_open, output_rows for every batch, output_commit or
 * output_discard.
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

/* What a run of the model gave. */
typedef struct output_results {
  const unfurl_tensor *tensor; /* the first output */
  const char *name;            /* its name */
  size_t rows;                 /* rows of it that count; the others are padding */
  const batch_origin *origins; /* [rows]: what they were computed from */
  char *const *sources;        /* names of the inputs, which origins count */
} output_results;

typedef struct output_sink output_sink;

typedef struct output_format {
  const char *extension; /* ".npy"; "" for text */
  size_t default_top;    /* classes an image, if --top does not say */
  bool seekable;         /* can't be written to a pipe */
  bool scores;           /* `rows` needs the classes of f32 outputs */
  unfurl_status (*rows)(output_sink *sink, const output_results *results, unfurl_error *error);
  unfurl_status (*end)(output_sink *sink, unfurl_error *error); /* NULL: nothing to do */
} output_format;

struct output_sink {
  const output_format *format;
  const label_list *labels;
  outfile_handle file;
  bool begun;     /* something was written */
  size_t most;    /* classes an image, at most */
  top_class *top; /* [most], for the image at hand */
  size_t columns; /* .csv: classes a line */
  npy_writer npy;
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

/* Scores of row `row`, of which there are *count. For f32 outputs. */
const float *output_scores(const output_results *results, size_t row, size_t *count);

/* The formats of output_lines.c. */
extern const output_format output_text, output_csv, output_jsonl;

#endif
