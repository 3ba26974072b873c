/* SPDX-License-Identifier: BSD-2-Clause */
/* Whole arrays that feed inputs of the model, in every batch alike: --input NAME=FILE, and .npz files that hold them all.
 */
#ifndef CLI_FEED_H
#define CLI_FEED_H

#include "npz.h"
#include "source.h"
#include "unfurl/status.h"
#include "unfurl/tensor.h"

/* Reads all of `path` (.npy; of a .npz the member of the input's name, or the only one) into `tensor`, which must fit
 * `declared`. The data belongs to the caller (feed_free). Statuses as npy_open, and INVALID_ARGUMENT. */
unfurl_status feed_load(unfurl_tensor *tensor, const char *path, const source_target *declared, unfurl_error *error);

/* The same for the member of `archive` that has the input's name. */
unfurl_status feed_load_named(unfurl_tensor *tensor, const npz_archive *archive, const source_target *declared,
                              unfurl_error *error);

void feed_free(unfurl_tensor *tensor);

#endif
