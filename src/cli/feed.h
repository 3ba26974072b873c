/* SPDX-License-Identifier: BSD-2-Clause */
/* --input NAME=FILE.npy: a whole array that feeds one input of the model, in every batch alike. */
#ifndef CLI_FEED_H
#define CLI_FEED_H

#include "source.h"
#include "unfurl/status.h"
#include "unfurl/tensor.h"

/* Reads all of `path` into `tensor`, which must fit `declared`. The data belongs to the caller (feed_free). Statuses as
 * npy_open, and INVALID_ARGUMENT. */
unfurl_status feed_load(unfurl_tensor *tensor, const char *path, const source_target *declared, unfurl_error *error);

void feed_free(unfurl_tensor *tensor);

#endif
