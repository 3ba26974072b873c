/* SPDX-License-Identifier: BSD-2-Clause */
/* What kind of file is it? Told by its first bytes, never by its name. */
#ifndef CLI_SNIFF_H
#define CLI_SNIFF_H

#include "unfurl/status.h"

typedef enum sniff_kind {
  SNIFF_UNKNOWN = 0, /* none of the others; perhaps text */
  SNIFF_EMPTY,
  SNIFF_NPY,
  SNIFF_NPZ, /* any zip archive */
  SNIFF_IDX, /* or something compressed with gzip: only IDX files are read in that form */
  SNIFF_IMAGE,
  SNIFF_KINDS
} sniff_kind;

/* IO_ERROR if `path` can't be opened and read, or is a folder. */
unfurl_status sniff_file(const char *path, sniff_kind *kind, unfurl_error *error);

#endif
