/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows of operators that leave each pixel where it is, and do something to its channels. */
#ifndef UNFURL_GRAPH_CHANNEL_ROWS_H
#define UNFURL_GRAPH_CHANNEL_ROWS_H

#include "graph/op.h"

/* Mul, where one input is an image and the other has a number for each channel: so squeeze-and-excitation blocks scale their
 * images (J. Hu et al., "Squeeze-and-Excitation Networks", 2018). */
extern const unfurl_op_rows unfurl_mul_rows;

/* BatchNormalization with parameters that are known. */
extern const unfurl_op_rows unfurl_batch_norm_rows;

/* Concat of images, along their channels. */
extern const unfurl_op_rows unfurl_concat_rows;

#endif
