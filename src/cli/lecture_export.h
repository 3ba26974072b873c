/* SPDX-License-Identifier: BSD-2-Clause */
/* The lecture for other programs: its numbers as one JSON object, and the arrays they came from as .npy files. */
#ifndef CLI_LECTURE_EXPORT_H
#define CLI_LECTURE_EXPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "lecture.h"

/* One object on one line. False when out of memory. */
bool lecture_export_json(FILE *file, const lecture_numbers *numbers);

/* Writes image.npy [32, 32, 3], filters.npy [6, 5, 5, 3], fc_weights.npy [10, 3072] and maps.npy [28, 28, 6], float32,
 * into `folder`, which is made if it is not there. IO_ERROR (the message names the file), OUT_OF_MEMORY. */
unfurl_status lecture_export_arrays(const char *folder, const lecture_numbers *numbers, unfurl_error *error);

#endif
