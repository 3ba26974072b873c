/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads .npz files: zip archives in which each member NAME.npy is an array (numpy.savez, numpy.savez_compressed).
 *
 *     npz_archive archive;
 *     npy_reader reader;
 *     if (npz_open(&archive, "inputs.npz", &error) == UNFURL_OK &&
 *         npz_choose(&archive, "image", &index, &error) == UNFURL_OK &&
 *         npz_member(&archive, index, &reader, &error) == UNFURL_OK) ...
 *     npy_close(&reader);
 *     npz_close(&archive);
 *
 * A member is unpacked while it is read, row by row. What it claims to hold is checked against what so many compressed
 * bytes can hold at most, and against its .npy header; its checksum fails the last row.
 */
#ifndef CLI_NPZ_H
#define CLI_NPZ_H

#include <stdbool.h>
#include <stddef.h>
#include <zip.h>

#include "npy.h"
#include "unfurl/status.h"

typedef struct npz_archive {
  zip_t *zip; /* NULL: closed */
} npz_archive;

/* IO_ERROR, BAD_FILE, OUT_OF_MEMORY. Closed by npz_close, also after an error. */
unfurl_status npz_open(npz_archive *archive, const char *path, unfurl_error *error);

/* Is there a member of that name (without its .npy)? Then *index is its place. */
bool npz_find(const npz_archive *archive, const char *name, size_t *index);

/* The member of that name, or else the only array that there is. INVALID_ARGUMENT. */
unfurl_status npz_choose(const npz_archive *archive, const char *name, size_t *index, unfurl_error *error);

/* Opens a member; npy_close before npz_close. Statuses as npy_open. */
unfurl_status npz_member(const npz_archive *archive, size_t index, npy_reader *reader, unfurl_error *error);

void npz_close(npz_archive *archive);

#endif
