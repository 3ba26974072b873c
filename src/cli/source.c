/* SPDX-License-Identifier: BSD-2-Clause */
#include "source.h"

#include <inttypes.h>
#include <stdio.h>

#include "checked.h"
#include "fault.h"
#include "sniff.h"

static const source_reader *const readers[SNIFF_KINDS] = {
    [SNIFF_NPY] = &source_npy, [SNIFF_NPZ] = &source_npz, [SNIFF_IDX] = &source_idx, [SNIFF_IMAGE] = &source_image};

/* row_bytes from shape, which the reader has filled. */
static unfurl_status measure(source_stream *source, unfurl_error *error) {
  const unfurl_tensor *shape = &source->shape;
  source->row_bytes = unfurl_dtype_size(shape->dtype);
  for (size_t i = 1; i < shape->rank; i++)
    if (!checked_mul(&source->row_bytes, (size_t)shape->dims[i]))
      return fault_set(error, UNFURL_TOO_LARGE, "has rows that do not fit in memory");
  if (source->rows == 0 || source->row_bytes == 0) return fault_set(error, UNFURL_BAD_FILE, "holds no images");
  return UNFURL_OK;
}

unfurl_status source_open(source_stream *source, const char *path, const source_target *target, unfurl_error *error) {
  sniff_kind kind;
  *source = (source_stream){.target = target};
  unfurl_status status = sniff_file(path, &kind, error);
  if (status != UNFURL_OK) return status;
  if (kind == SNIFF_EMPTY) return fault_set(error, UNFURL_BAD_FILE, "is empty");
  if (kind == SNIFF_UNKNOWN)
    return fault_set(error, UNFURL_BAD_FILE, "is no image (PNG, JPEG), and neither a .npy, .npz nor IDX file");
  source->reader = readers[kind];
  status = source->reader->open(source, path, error);
  return status == UNFURL_OK ? measure(source, error) : status;
}

unfurl_status source_read(source_stream *source, size_t max_rows, void *rows, size_t *count, unfurl_error *error) {
  return source->reader->read(source, max_rows, rows, count, error);
}

void source_close(source_stream *source) {
  if (source->reader) source->reader->close(source);
  source->reader = NULL;
}

const char *source_shape_text(const unfurl_tensor *shape, char *text, size_t size) {
  size_t length = (size_t)snprintf(text, size, "[");
  for (size_t i = 0; i < shape->rank && length < size; i++) {
    const char *comma = i ? ", " : "";
    const int printed = shape->dims[i] < 0
                            ? snprintf(text + length, size - length, "%s?", comma)
                            : snprintf(text + length, size - length, "%s%" PRId64, comma, shape->dims[i]);
    length += (size_t)printed;
  }
  if (length < size) snprintf(text + length, size - length, "]");
  return text;
}

size_t source_image_channels(const source_target *target) {
  const unfurl_tensor *wanted = &target->shape;
  return wanted->rank == 4 && (wanted->dims[1] == 1 || wanted->dims[1] == 3) ? (size_t)wanted->dims[1] : 0;
}

unfurl_status source_image_shape(source_stream *source, size_t channels, size_t height, size_t width,
                                 unfurl_error *error) {
  const unfurl_tensor *wanted = &source->target->shape;
  char text[200];
  if (wanted->rank != 4 || wanted->dtype != UNFURL_F32 ||
      (wanted->dims[1] >= 0 && wanted->dims[1] != (int64_t)channels))
    return fault_set(error, UNFURL_INVALID_ARGUMENT, "holds an image, but the model's input '%.100s' takes %s %s",
                     source->target->name, unfurl_dtype_name(wanted->dtype),
                     source_shape_text(wanted, text, sizeof text));
  const int64_t dims[4] = {(int64_t)source->rows, (int64_t)channels,
                           wanted->dims[2] < 0 ? (int64_t)height : wanted->dims[2],
                           wanted->dims[3] < 0 ? (int64_t)width : wanted->dims[3]};
  unfurl_tensor_init(&source->shape, UNFURL_F32, 4, dims, NULL);
  return UNFURL_OK;
}

unfurl_status source_check_shape(const unfurl_tensor *given, const source_target *declared, bool with_batch,
                                 unfurl_error *error) {
  const unfurl_tensor *wanted = &declared->shape;
  char is[200], must[200];
  if (given->dtype != wanted->dtype)
    return fault_set(error, UNFURL_INVALID_ARGUMENT, "holds %s, but the model's input '%.100s' takes %s",
                     unfurl_dtype_name(given->dtype), declared->name, unfurl_dtype_name(wanted->dtype));
  bool fits = given->rank == wanted->rank;
  for (size_t i = with_batch ? 0 : 1; fits && i < given->rank; i++)
    fits = wanted->dims[i] < 0 || given->dims[i] == wanted->dims[i];
  if (fits) return UNFURL_OK;
  return fault_set(error, UNFURL_INVALID_ARGUMENT, "has shape %s, but the model's input '%.100s' takes %s",
                   source_shape_text(given, is, sizeof is), declared->name,
                   source_shape_text(wanted, must, sizeof must));
}
