/* SPDX-License-Identifier: BSD-2-Clause */
#include "feed.h"

#include <stdlib.h>

#include "checked.h"
#include "fault.h"
#include "npy.h"

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

unfurl_status feed_load(unfurl_tensor *tensor, const char *path, const source_target *declared, unfurl_error *error) {
  npy_reader reader;
  *tensor = (unfurl_tensor){.size = sizeof *tensor};
  unfurl_status status = npy_open(&reader, path, error);
  if (status == UNFURL_OK) {
    unfurl_tensor_init(tensor, npy_feed_dtype(reader.header.type), reader.header.rank, reader.header.dims, NULL);
    status = source_check_shape(tensor, declared, true, error);
  }
  if (status == UNFURL_OK) status = read_data(&reader, tensor, error);
  npy_close(&reader);
  return status;
}

void feed_free(unfurl_tensor *tensor) {
  free(tensor->data);
  tensor->data = NULL;
}
