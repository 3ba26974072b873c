/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UNFURL_NN_UNPOOL_H
#define UNFURL_NN_UNPOOL_H

#include <stddef.h>

#include "unfurl/tensor.h"

/* y = 0 but for the elements of x (f32), which go where `indices` (i64 or i32) say: numbers of elements of a tensor of the
 * dims of `counted`, at the same place in y, which is as large or larger. All are row-major. What is written twice is
 * written in order. Returns the number of the first index that is out of range, or SIZE_MAX. */
size_t unfurl_max_unpool(const unfurl_tensor *x, const unfurl_tensor *indices, const unfurl_tensor *counted,
                         const unfurl_tensor *y);

#endif
