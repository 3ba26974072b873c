/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading and writing where indices (i64 or i32, from the end where they are negative) point to. All tensors are row-major.
 * What is written twice is written in the order of the indices, by one thread. Each function returns the number of the first
 * index that is out of range, where it stopped, or SIZE_MAX.
 */
#ifndef UNFURL_NN_SCATTER_H
#define UNFURL_NN_SCATTER_H

#include <stdbool.h>
#include <stddef.h>

#include "nn/binary.h"
#include "unfurl/tensor.h"

/* What an update does to what is there: takes its place, or is the second operand of `op`. */
typedef struct unfurl_update {
  bool replaces;
  unfurl_binary op;
} unfurl_update;

/* y[p] = x[p with its number `axis` replaced by indices[p]]. x, indices and y have one rank; indices and y the same dims, at
 * most those of x but for the axis. */
size_t unfurl_gather_elements(size_t axis, const unfurl_tensor *x, const unfurl_tensor *indices,
                              const unfurl_tensor *y);

/* The other way round: y[p with its number `axis` replaced by indices[p]] is updated by updates[p]. */
size_t unfurl_scatter_elements(size_t axis, const unfurl_update *update, const unfurl_tensor *indices,
                               const unfurl_tensor *updates, const unfurl_tensor *y);

/* The last dimension of the indices are places: numbers along the first dimensions of x behind the first `batch`, which are
 * those of indices too. y has the slices of x that are there, one behind the other. */
size_t unfurl_gather_nd(size_t batch, const unfurl_tensor *x, const unfurl_tensor *indices, const unfurl_tensor *y);

/* The other way round, without a batch: slices of y are updated. */
size_t unfurl_scatter_nd(const unfurl_update *update, const unfurl_tensor *indices, const unfurl_tensor *updates,
                         const unfurl_tensor *y);

#endif
