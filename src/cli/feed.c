/* SPDX-License-Identifier: BSD-2-Clause */
#include "feed.h"

#include <stdlib.h>

#include "checked.h"
#include "fault.h"
#include "npy.h"
#include "npz.h"
#include "sniff.h"

/* Reads an open file whose elements have to be converted, or not. */
static unfurl_status read_data(npy_reader *reader, unfurl_tensor *tensor, unfurl_error *error) {
  const npy_header *header = &reader->header;
  const size_t elements = header->rows * header->row_elements; /* no more than there are bytes in the file */
  size_t size = unfurl_dtype_size(tensor->dtype), count;
  void *raw = malloc(header->data_bytes ? header->data_bytes : 1);
  tensor->data = checked_mul(&size, elements) ? malloc(size ? size : 1) : NULL;
  unfurl_status status = raw && tensor->data ? npy_read(reader, header->rows, raw, &count, error) : fault_memory(error);
  if (status == UNFURL_OK) npy_convert(header->type, raw, elements, tensor->data);
  free(raw);
  return status;
}

static unfurl_status load_array(unfurl_tensor *tensor, npy_reader *reader, const source_target *declared,
                                unfurl_error *error) {
  const npy_header *header = &reader->header;
  unfurl_tensor_init(tensor, npy_feed_dtype(header->type), header->rank, header->dims, NULL);
  const unfurl_status status = source_check_shape(tensor, declared, true, error);
  return status == UNFURL_OK ? read_data(reader, tensor, error) : status;
}

static unfurl_status load_member(unfurl_tensor *tensor, const npz_archive *archive, size_t index,
                                 const source_target *declared, unfurl_error *error) {
  npy_reader reader;
  unfurl_status status = npz_member(archive, index, &reader, error);
  if (status == UNFURL_OK) status = load_array(tensor, &reader, declared, error);
  npy_close(&reader);
  return status;
}

static unfurl_status load_npz(unfurl_tensor *tensor, const char *path, const source_target *declared,
                              unfurl_error *error) {
  npz_archive archive;
  size_t index;
  unfurl_status status = npz_open(&archive, path, error);
  if (status == UNFURL_OK) status = npz_choose(&archive, declared->name, &index, error);
  if (status == UNFURL_OK) status = load_member(tensor, &archive, index, declared, error);
  npz_close(&archive);
  return status;
}

static unfurl_status load_npy(unfurl_tensor *tensor, const char *path, const source_target *declared,
                              unfurl_error *error) {
  npy_reader reader;
  unfurl_status status = npy_open(&reader, path, error);
  if (status == UNFURL_OK) status = load_array(tensor, &reader, declared, error);
  npy_close(&reader);
  return status;
}

unfurl_status feed_load(unfurl_tensor *tensor, const char *path, const source_target *declared, unfurl_error *error) {
  sniff_kind kind;
  *tensor = (unfurl_tensor){.size = sizeof *tensor};
  const unfurl_status status = sniff_file(path, &kind, error);
  if (status != UNFURL_OK) return status;
  return kind == SNIFF_NPZ ? load_npz(tensor, path, declared, error) : load_npy(tensor, path, declared, error);
}

unfurl_status feed_load_named(unfurl_tensor *tensor, const npz_archive *archive, const source_target *declared,
                              unfurl_error *error) {
  size_t index;
  *tensor = (unfurl_tensor){.size = sizeof *tensor};
  if (!npz_find(archive, declared->name, &index))
    return fault_set(error, UNFURL_INVALID_ARGUMENT, "holds no array '%.100s', which the model needs", declared->name);
  return load_member(tensor, archive, index, declared, error);
}

void feed_free(unfurl_tensor *tensor) {
  free(tensor->data);
  tensor->data = NULL;
}
