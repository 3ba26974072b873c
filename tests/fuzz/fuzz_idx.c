/* SPDX-License-Identifier: BSD-2-Clause */
/* libFuzzer target: any bytes as an IDX file, plain or compressed. What opens is read to its end; no more rows come than
 * it says, and fewer only with an error. */
#include <stdint.h>
#include <stdlib.h>

#include "../cli_file.h"
#include "idx.h"

enum { MAX_ROW = 1 << 20 }; /* rows of compressed zeros may be long, and tell nothing new */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static cli_file file;
  if (!file.path[0]) file = cli_file_make();
  cli_file_set(&file, data, size);
  idx_reader reader;
  unfurl_error error;
  if (idx_open(&reader, file.path, &error) == UNFURL_OK && reader.row_bytes <= MAX_ROW) {
    size_t count, total = 0;
    unfurl_status status;
    unsigned char *rows = malloc(3 * reader.row_bytes);
    if (!rows) abort();
    do {
      status = idx_read(&reader, 3, rows, &count, &error);
      total += count;
    } while (status == UNFURL_OK && count > 0);
    if (total > reader.dims[0] || (status == UNFURL_OK && total != reader.dims[0])) abort();
    free(rows);
  }
  idx_close(&reader);
  return 0;
}
