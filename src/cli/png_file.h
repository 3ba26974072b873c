/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes pictures as PNG files, through libpng. */
#ifndef CLI_PNG_FILE_H
#define CLI_PNG_FILE_H

#include "picture.h"
#include "unfurl/status.h"

/* Writes `path`, which appears only when it is whole (outfile.h). IO_ERROR, OUT_OF_MEMORY. */
unfurl_status png_file_write(const char *path, const picture *image, unfurl_error *error);

#endif
