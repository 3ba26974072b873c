/* SPDX-License-Identifier: BSD-2-Clause */
#include "score.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "checked.h"
#include "fault.h"
#include "idx.h"
#include "npy.h"
#include "parse.h"
#include "sniff.h"
#include "textfile.h"

enum { SLICE = 4096 }; /* classes that are read at a time */

static unfurl_status append(score_board *board, size_t *room, int64_t value, unfurl_error *error) {
  if (value < 0 || value > UINT32_MAX)
    return fault_set(error, UNFURL_BAD_FILE, "entry %zu is %" PRId64 ", which is no class", board->count, value);
  if (board->count == *room) {
    size_t size = sizeof *board->truth;
    const size_t next = *room ? *room * 2 : SLICE;
    uint32_t *more = checked_mul(&size, next) ? realloc(board->truth, size) : NULL;
    if (!more) return fault_memory(error);
    board->truth = more;
    *room = next;
  }
  board->truth[board->count++] = (uint32_t)value;
  return UNFURL_OK;
}

static unfurl_status load_idx(score_board *board, const char *path, unfurl_error *error) {
  unsigned char bytes[SLICE];
  size_t room = 0, count = 1;
  idx_reader reader;
  unfurl_status status = idx_open(&reader, path, error);
  if (status == UNFURL_OK && reader.rank != 1) status = fault_set(error, UNFURL_BAD_FILE, "holds images, not classes");
  while (status == UNFURL_OK && count > 0) {
    status = idx_read(&reader, SLICE, bytes, &count, error);
    for (size_t i = 0; status == UNFURL_OK && i < count; i++) status = append(board, &room, bytes[i], error);
  }
  idx_close(&reader);
  return status;
}

static int64_t npy_integer(npy_type type, const void *values, size_t index) {
  if (type == NPY_I64) return ((const int64_t *)values)[index];
  if (type == NPY_I32) return ((const int32_t *)values)[index];
  return ((const uint8_t *)values)[index];
}

static unfurl_status load_npy(score_board *board, const char *path, unfurl_error *error) {
  int64_t values[SLICE];
  size_t room = 0, count = 1;
  npy_reader reader;
  unfurl_status status = npy_open(&reader, path, error);
  const npy_type type = reader.header.type;
  if (status == UNFURL_OK && (reader.header.rank != 1 || (type != NPY_I64 && type != NPY_I32 && type != NPY_U8)))
    status = fault_set(error, UNFURL_BAD_FILE, "is not a list of integers (int64, int32 or uint8)");
  while (status == UNFURL_OK && count > 0) {
    status = npy_read(&reader, SLICE, values, &count, error);
    for (size_t i = 0; status == UNFURL_OK && i < count; i++)
      status = append(board, &room, npy_integer(type, values, i), error);
  }
  npy_close(&reader);
  return status;
}

static unfurl_status load_text(score_board *board, const char *path, unfurl_error *error) {
  char *text;
  size_t room = 0, value, number = 0;
  unfurl_status status = textfile_read(path, &text, error);
  char *cursor = text;
  for (char *line; status == UNFURL_OK && (line = textfile_line(&cursor));) {
    number++;
    status = parse_size(line, 0, UINT32_MAX, &value)
                 ? append(board, &room, (int64_t)value, error)
                 : fault_set(error, UNFURL_BAD_FILE, "line %zu, '%.40s', is no class number", number, line);
  }
  free(text);
  return status;
}

unfurl_status score_load(score_board *board, const char *path, unfurl_error *error) {
  sniff_kind kind;
  *board = (score_board){0};
  const unfurl_status status = sniff_file(path, &kind, error);
  if (status != UNFURL_OK) return status;
  return kind == SNIFF_NPY   ? load_npy(board, path, error)
         : kind == SNIFF_IDX ? load_idx(board, path, error)
                             : load_text(board, path, error);
}

static unfurl_status fault_short(const score_board *board, unfurl_error *error) {
  return fault_set(error, UNFURL_INVALID_ARGUMENT, "has %zu classes, but there are more images", board->count);
}

unfurl_status score_pass(score_board *board, size_t images, unfurl_error *error) {
  if (images > board->count - board->seen) return fault_short(board, error);
  board->seen += images;
  return UNFURL_OK;
}

unfurl_status score_add(score_board *board, size_t classes, size_t predicted, unfurl_error *error) {
  if (board->classes == 0) {
    board->classes = classes;
    if (classes <= SCORE_MATRIX) {
      board->matrix = calloc(classes * classes, sizeof *board->matrix);
      if (!board->matrix) return fault_memory(error);
    }
  }
  if (board->seen == board->count) return fault_short(board, error);
  const uint32_t truth = board->truth[board->seen];
  if (truth >= classes || classes != board->classes)
    return fault_set(error, UNFURL_INVALID_ARGUMENT, "entry %zu is class %" PRIu32 ", but the model has %zu classes",
                     board->seen, truth, classes);
  board->seen++;
  board->scored++;
  board->correct += truth == predicted;
  if (board->matrix) board->matrix[truth * classes + predicted]++;
  return UNFURL_OK;
}

static int digits(size_t number) {
  return snprintf(NULL, 0, "%zu", number);
}

static void print_matrix(const score_board *board, const label_list *labels, FILE *file) {
  int name_width = 0, width = digits(board->classes - 1) + 1;
  for (size_t i = 0; i < board->classes; i++) {
    const char *name = labels_name(labels, i);
    const int length = name ? (int)strlen(name) + 1 : 0;
    if (length > name_width) name_width = length;
  }
  for (size_t i = 0; i < board->classes * board->classes; i++)
    if (digits(board->matrix[i]) + 1 > width) width = digits(board->matrix[i]) + 1;
  const int number_width = digits(board->classes - 1);
  fprintf(file, "confusion matrix (row: true class, column: predicted class)\n%*s", number_width + name_width, "");
  for (size_t i = 0; i < board->classes; i++) fprintf(file, "%*zu", width, i);
  for (size_t i = 0; i < board->classes; i++) {
    const char *name = labels_name(labels, i);
    fprintf(file, "\n%*zu%s%-*s", number_width, i, name_width ? " " : "", name_width ? name_width - 1 : 0,
            name ? name : "");
    for (size_t j = 0; j < board->classes; j++)
      fprintf(file, "%*" PRIu64, width, board->matrix[i * board->classes + j]);
  }
  fputc('\n', file);
}

void score_print(const score_board *board, const label_list *labels, FILE *file) {
  if (board->scored == 0) return;
  fprintf(file, "accuracy %zu/%zu = %.4f\n", board->correct, board->scored,
          (double)board->correct / (double)board->scored);
  if (board->matrix)
    print_matrix(board, labels, file);
  else
    fprintf(file, "no confusion matrix: %zu classes are more than %d\n", board->classes, SCORE_MATRIX);
}

void score_free(score_board *board) {
  free(board->truth);
  free(board->matrix);
  *board = (score_board){0};
}
