/* SPDX-License-Identifier: BSD-2-Clause */
/* libFuzzer target: any bytes as a .npz file. Every array that opens is read to its end; no more rows come than it says, and
 * fewer only with an error. */
#include <stdint.h>
#include <stdlib.h>

#include "../cli_file.h"
#include "npz.h"

enum { MAX_ROW = 1 << 20, MAX_MEMBERS = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_rows(npy_reader *reader) {
  unfurl_error error;
  size_t count, total = 0;
  unfurl_status status;
  if (reader->header.row_bytes == 0 || reader->header.row_bytes > MAX_ROW) return;
  unsigned char *rows = malloc(3 * reader->header.row_bytes);
  if (!rows) abort();
  do {
    status = npy_read(reader, 3, rows, &count, &error);
    total += count;
  } while (status == UNFURL_OK && count > 0);
  if (total > reader->header.rows || (status == UNFURL_OK && total != reader->header.rows)) abort();
  free(rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static cli_file file;
  if (!file.path[0]) file = cli_file_make();
  cli_file_set(&file, data, size);
  npz_archive archive;
  unfurl_error error;
  size_t index;
  if (npz_open(&archive, file.path, &error) == UNFURL_OK) {
    npz_find(&archive, "x", &index);
    npz_choose(&archive, "image", &index, &error);
    for (index = 0; index < MAX_MEMBERS; index++) {
      npy_reader reader;
      if (npz_member(&archive, index, &reader, &error) == UNFURL_OK) read_rows(&reader);
      npy_close(&reader);
    }
  }
  npz_close(&archive);
  return 0;
}
