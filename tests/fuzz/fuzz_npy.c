/* SPDX-License-Identifier: BSD-2-Clause */
/* libFuzzer target: any bytes as a .npy file. What opens is read to its end, and is exactly as long as it says. */
#include <stdint.h>
#include <stdlib.h>

#include "../cli_file.h"
#include "npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static cli_file file;
  if (!file.path[0]) file = cli_file_make();
  cli_file_set(&file, data, size);
  npy_reader reader;
  unfurl_error error;
  if (npy_open(&reader, file.path, &error) == UNFURL_OK && reader.header.row_bytes > 0) {
    size_t count, total = 0;
    if (reader.header.data_bytes > size) abort();
    unsigned char *rows = malloc(3 * reader.header.row_bytes);
    do {
      if (!rows || npy_read(&reader, 3, rows, &count, &error) != UNFURL_OK) abort();
      total += count;
    } while (count > 0);
    if (total != reader.header.rows) abort();
    free(rows);
  }
  npy_close(&reader);
  return 0;
}
