/* SPDX-License-Identifier: BSD-2-Clause */
/* Tensors: a dtype, a layout, dimensions and a pointer.
 *
 * `dims` always stand in the logical order of the field, whatever the memory looks like: (N, C, H, W) for images,
 * (O, I, KH, KW) for weights. `layout` says how the elements lie in memory:
 *
 *     NCHW:  element (n, c, h, w) is at ((n * C + c) * H + h) * W + w
 *     NHWC:  element (n, c, h, w) is at ((n * H + h) * W + w) * C + c
 *
 * and the same for OIHW and OHWI. For other ranks NCHW means plain row-major order, and NHWC the same with the second
 * dimension moved last. There are no gaps between elements.
 *
 *     float pixels[3 * 32 * 32];
 *     unfurl_tensor image;
 *     unfurl_tensor_init(&image, UNFURL_F32, 4, (const int64_t[]){1, 3, 32, 32}, pixels);
 *
 * A tensor does not own its data.
 */
#ifndef UNFURL_TENSOR_H
#define UNFURL_TENSOR_H

#include <stddef.h>
#include <stdint.h>

#include "unfurl/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define UNFURL_MAX_RANK 8

typedef enum unfurl_dtype {
  UNFURL_F32 = 0, /* IEEE 754 binary32 */
  UNFURL_I64,     /* int64_t: shapes, indices */
  UNFURL_I32,     /* int32_t */
  UNFURL_BOOL     /* one byte, 0 or 1 */
} unfurl_dtype;

typedef enum unfurl_layout {
  UNFURL_NCHW = 0, /* row-major in the order of dims */
  UNFURL_NHWC = 1, /* channels last */
  UNFURL_OIHW = UNFURL_NCHW,
  UNFURL_OHWI = UNFURL_NHWC
} unfurl_layout;

typedef struct unfurl_tensor {
  size_t size;                   /* sizeof(unfurl_tensor); set by _init */
  unfurl_dtype dtype;            /* type of an element; default F32 */
  unfurl_layout layout;          /* order of the elements in memory; default NCHW */
  size_t rank;                   /* number of dims, 0 (a scalar) to UNFURL_MAX_RANK */
  int64_t dims[UNFURL_MAX_RANK]; /* each >= 0; logical order */
  void *data;                    /* the elements, aligned as their type; NULL only where there are none */
} unfurl_tensor;

/* Fills `tensor`: layout NCHW, `rank` dims copied from `dims` (clipped to UNFURL_MAX_RANK). */
UNFURL_API void unfurl_tensor_init(unfurl_tensor *tensor, unfurl_dtype dtype, size_t rank, const int64_t *dims,
                                   void *data);

/* Bytes of one element; 0 for an unknown dtype. */
UNFURL_API size_t unfurl_dtype_size(unfurl_dtype dtype);

/* "f32", "i64", ...; "?" for an unknown dtype. */
UNFURL_API const char *unfurl_dtype_name(unfurl_dtype dtype);

/* The number of elements, and of bytes, that dims and dtype make. INVALID_ARGUMENT for a rank, dtype or dimension out
 * of range, TOO_LARGE on overflow. A tensor with a zero dimension has 0. */
UNFURL_API unfurl_status unfurl_tensor_elements(const unfurl_tensor *tensor, size_t *elements, unfurl_error *error);
UNFURL_API unfurl_status unfurl_tensor_bytes(const unfurl_tensor *tensor, size_t *bytes, unfurl_error *error);

#ifdef __cplusplus
}
#endif
#endif
